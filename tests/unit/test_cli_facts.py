"""The command `validate facts`: its table, its page, and every mistake in one line."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gammagym.cli import app
from gammagym.evaluation.facts import figures
from gammagym.evaluation.facts.targets import LONG_TARGETS
from gammagym.evaluation.facts.worlds import record_world


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["validate", "facts", *(str(each) for each in arguments)])


SHORT = ("--seconds", 60, "--long-hours", 0)


def test_the_table_has_a_verdict_for_every_fact() -> None:
    result = run(*SHORT)
    assert "calm, seed 0:" in result.output
    assert re.search(r"spread_one_tick_share +\S+ +\S+ \.\.\. \S+ +inside", result.output)
    assert re.search(r"tail_index_1s +\S+ +\u2013 +not judged", result.output)


def test_the_exit_code_says_whether_all_facts_are_inside() -> None:
    result = run(*SHORT, "--json")
    found = json.loads(result.stdout)
    assert result.exit_code == (0 if found["inside"] == found["judged"] else 1)


def test_json_has_each_fact_with_range_verdict_and_miss() -> None:
    found = json.loads(run(*SHORT, "--flow", "full", "--market", "spot", "--json").stdout)
    assert found["real"] == "binance_spot_btcusdt_20240808.gz"
    assert found["simulated"] == "calm, flow.preset=full, seed 0"
    orders = found["facts"]["orders_per_second"]
    assert orders["low"] < orders["real"] < orders["high"]
    verdicts = [each["verdict"] for each in found["facts"].values()]
    assert verdicts.count("inside") == found["inside"]
    assert len(verdicts) - verdicts.count("not judged") == found["judged"]


def test_long_runs_add_their_facts_with_fixed_targets() -> None:
    found = json.loads(run("--seconds", 60, "--long-hours", 1, "--flow", "full", "--json").stdout)
    assert set(LONG_TARGETS) <= set(found["facts"])
    assert found["facts"]["long_kurtosis_60s"]["low"] == 3.0
    assert found["facts"]["long_kurtosis_60s"]["high"] is None


def test_settings_change_the_scenario() -> None:
    plain = json.loads(run(*SHORT, "--json").stdout)["facts"]
    wild = json.loads(run(*SHORT, "--set", "price.volatility=2.0", "--json").stdout)["facts"]
    ratio = wild["volatility_1s"]["simulated"] / plain["volatility_1s"]["simulated"]
    assert ratio == pytest.approx(2.0 / 0.6, rel=0.2)


def test_the_page_has_every_figure_and_every_fact(tmp_path: Path) -> None:
    run(*SHORT, "--out", tmp_path / "page")
    assert sorted(path.name for path in (tmp_path / "page").iterdir()) == [
        "facts.html",
        "facts.json",
    ]
    page = (tmp_path / "page" / "facts.html").read_text()
    drawn = json.loads(re.search(r'id="figures">(.*?)</script>', page)[1])  # type: ignore[index]
    assert set(re.findall(r'data-figure="([a-z-]+)"', page)) == set(drawn)
    assert len(drawn) == 11
    for fact in json.loads((tmp_path / "page" / "facts.json").read_text())["facts"]:
        assert f">{fact}</th>" in page


def test_data_is_measured_anew_and_its_ranges_are_kept(tmp_path: Path, real_data: Any) -> None:
    file = real_data("binance_coinm_btcusd_perp_20240808.gz")
    result = run(*SHORT, "--data", file, "--out", tmp_path, "--json")
    found = json.loads(result.stdout)
    assert 0 < found["distances"]["imbalance"]["l1"] < 1
    kept = tomllib.loads((tmp_path / "targets.toml").read_text())
    assert kept["name"] == file.name
    low, value, high = kept["facts"]["orders_per_second"]
    assert low < value < high
    drawn = (tmp_path / "facts.html").read_text()
    assert '"name":"real"' in drawn


def test_figures_show_the_numbers_of_the_facts() -> None:
    record = record_world("calm", seconds=60.0)
    drawn = figures.draw({"simulated": record})
    bars = drawn["spread"][2]["data"][0]
    assert sum(bars["y"]) == pytest.approx(1.0, abs=1e-3)
    arrivals = drawn["arrivals"][2]["data"]
    assert sum(arrivals[0]["y"]) == pytest.approx(1.0, abs=0.02)
    assert sum(arrivals[1]["y"]) == pytest.approx(1.0, abs=0.02)
    normal = drawn["tails"][2]["data"][-1]
    two = int(np_index(normal["x"], 2.0))
    assert normal["y"][two] == pytest.approx(0.0455, abs=0.01)


def np_index(values: list[float], wanted: float) -> int:
    """Return the place of the value that is nearest."""
    return min(range(len(values)), key=lambda place: abs(values[place] - wanted))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--seconds", 5), "--seconds must be at least 60, was 5"),
        (("--long-hours", 0.5), "--long-hours must be 0 or at least 1, was 0.5"),
        (("--flow", "torrent", *SHORT), "torrent"),
        (("--market", "usd", *SHORT), "no real market 'usd'"),
        (("--scenario", "stormy", *SHORT), "stormy"),
        (("--data", "missing.gz", *SHORT), "missing.gz: there is no such file"),
        (("--set", "price", *SHORT), "expected key=value"),
        (("--flow", "full", "--set", "flow.preset=thin", *SHORT), "give one of them"),
        (("--seed", -1, *SHORT), "seed must be 0 to"),
        (("some.gz",), "validate facts takes no files"),
    ],
)
def test_mistakes_are_told_in_one_line_and_nothing_is_written(
    tmp_path: Path, arguments: tuple[object, ...], told: str
) -> None:
    result = run(*arguments, "--out", tmp_path / "page")
    assert result.exit_code == 2
    errors = [line for line in result.stderr.splitlines() if line.startswith("error:")]
    assert len(errors) == 1
    assert told in errors[0]
    assert not (tmp_path / "page").exists()


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    path = tmp_path / "page"
    path.write_text("mine")
    assert "is a file: give a folder" in run("--out", path, *SHORT).stderr
    assert path.read_text() == "mine"
