"""The command ``scenarios``: the list by groups, and the page of one with what agents did there."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gammagym.cli import app

SHORT = ["--seeds", "2", "--horizon", "480"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["scenarios", *arguments])


def written(folder: Path) -> list[str]:
    return sorted(str(each.relative_to(folder)) for each in folder.rglob("*") if each.is_file())


def price_file(folder: Path) -> str:
    start = datetime(2024, 8, 5, tzinfo=UTC)
    rows = ["timestamp,price"]
    for minute in range(60):
        price = 60_000 + 150 * ((minute * 7_919) % 13 - 6)
        rows.append(f"{(start + timedelta(minutes=minute)).isoformat()},{price}")
    (folder / "prices.csv").write_text("\n".join(rows))
    return "prices.csv"


def test_the_list_is_by_groups() -> None:
    text = run().output
    assert text.index("Everyday markets") < text.index("calm") < text.index("Stress")
    assert text.index("Stress") < text.index("flash_crash")
    rows = json.loads(run("--json").output)
    assert {"name": "calm", "group": "everyday"}.items() <= rows[0].items()
    assert {row["group"] for row in rows} <= {"everyday", "stress", "history", "market"}


def test_a_scenario_is_told_and_its_median_run_is_drawn(folder: Path) -> None:
    result = run("flash_crash", *SHORT)
    assert result.exit_code == 0, result.output
    assert "6 May 2010" in result.output
    assert "price.volatility" in result.output
    assert written(folder) == ["results/scenarios/flash_crash.html"]
    assert "page: results/scenarios/flash_crash.html" in result.output.replace("\\", "/")
    page = (folder / "results/scenarios/flash_crash.html").read_text()
    drawn = json.loads(re.search(r'id="figures">(.*?)</script>', page)[1])  # type: ignore[index]
    assert set(re.findall(r'data-figure="([a-z0-9-]+)"', page)) == set(drawn)
    assert len(drawn["panel-0"]["data"]) == 2
    assert "default-src 'none'" in page
    assert "What agents did" not in page


def test_agents_are_compared_on_the_page_and_in_the_terminal(folder: Path) -> None:
    result = run("textbook", *SHORT, "--agents", "no_hedge,delta_band:band=0.02", "--out", "here")
    assert result.exit_code == 0, result.output
    assert "delta_band (band=0.02)" in result.output
    page = (folder / "here" / "textbook.html").read_text()
    assert "What agents did here" in page
    assert "delta_band (band=0.02)" in page


def test_all_agents_are_those_that_can(folder: Path) -> None:
    result = run("textbook", "--seeds", "1", "--horizon", "300", "--agents", "all", "--no-plot")
    assert result.exit_code == 0, result.output
    assert "whalley_wilmott" in result.output
    assert written(folder) == []


def test_a_scenario_of_several_markets_is_drawn_with_them(folder: Path) -> None:
    result = run("basis", "--seeds", "1", "--horizon", "120")
    assert result.exit_code == 0, result.output
    assert "premium over spot" in (folder / "results/scenarios/basis.html").read_text()


def test_json_is_values_only(folder: Path) -> None:
    shown = json.loads(run("calm", "--json").stdout)
    assert shown["name"] == "calm"
    assert shown["group"] == "everyday"
    assert written(folder) == []
    arguments = ("textbook", "--json", *SHORT, "--agents", "no_hedge")
    line = json.loads(run(*arguments).stdout)["agents"][0]
    assert line["agent"] == "no_hedge"
    assert line["profit"] == pytest.approx(sum(line["sources"].values()))


def test_a_scenario_without_its_price_file_is_told_but_not_drawn(folder: Path) -> None:
    result = run("replay_mirrored", *SHORT)
    assert result.exit_code == 0
    assert "price.mirror" in result.output
    assert "give it with --price-file" in result.output
    assert written(folder) == []
    refused = run("replay", *SHORT, "--agents", "no_hedge")
    assert refused.exit_code != 0


def test_a_price_file_is_drawn(folder: Path) -> None:
    result = run("replay", *SHORT, "--price-file", price_file(folder))
    assert result.exit_code == 0, result.output
    assert written(folder) == ["prices.csv", "results/scenarios/replay.html"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["calm", "--seeds", "0"], "--seeds must be at least 1, was 0"),
        (["calm", "--seed", "-1"], "--seed must be at least 0, was -1"),
        (["calm", "--out", "taken/deep"], "taken is a file, not a folder"),
        (["clam"], "did you mean 'calm'"),
        (["calm", *SHORT, "--agents", "no_hedg"], "did you mean 'no_hedge'"),
        (["calm", "--task", "GammaSclap"], "unknown task"),
        (["calm", "--horizon", "-5"], "horizon_seconds must be"),
    ],
)
def test_bad_input_is_refused_and_nothing_is_written(
    folder: Path, arguments: list[str], message: str
) -> None:
    (folder / "taken").write_text("mine")
    result = run(*arguments)
    assert result.exit_code != 0
    assert message in str(result.exception) + result.output
    assert written(folder) == ["taken"]
