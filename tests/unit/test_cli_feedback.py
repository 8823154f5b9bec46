"""The command ``validate feedback``: what it prints and writes, and what it refuses."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gammagym.cli import app
from gammagym.evaluation import feedback
from gammagym.evaluation.feedback_figures import draw
from gammagym.evaluation.feedback_results import read_feedback

SHOWN = Path(__file__).resolve().parents[2] / "docs" / "_static" / "feedback.json"


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["validate", "feedback", *arguments])


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Let the experiments be those that the documentation shows; returns what was asked for."""
    asked: list[tuple[int, int]] = []

    def measure(days: int, seed: int, _: Any) -> Any:
        asked.append((days, seed))
        return read_feedback(SHOWN)

    monkeypatch.setattr(feedback, "measure_feedback", measure)
    return asked


def test_what_the_documentation_shows_agrees_with_theory(measured) -> None:
    result = run("--days", "7", "--seed", "3")
    assert result.exit_code == 0
    assert measured == [(7, 3)]
    assert "k = +0.9" in result.output
    assert "NO" not in result.output


@pytest.mark.usefixtures("measured")
def test_json_has_checks_and_figures() -> None:
    result = run("--json")
    assert result.exit_code == 0
    table = json.loads(result.stdout)
    assert all(check["passed"] for check in table["checks"])
    assert table["measured"]["together"]["gains"][0] == -0.8


@pytest.mark.usefixtures("measured")
def test_a_figure_that_differs_is_an_exit_code(monkeypatch) -> None:
    monkeypatch.setitem(feedback._COMPARED, "answer", ("answer", -1.0))
    assert run().exit_code == 1


@pytest.mark.usefixtures("measured")
def test_out_writes_data_and_a_page_that_needs_no_network(tmp_path) -> None:
    assert run("--out", str(tmp_path / "page")).exit_code == 0
    names = sorted(file.name for file in (tmp_path / "page").iterdir())
    assert names == ["feedback.html", "feedback.json"]
    assert (tmp_path / "page" / "feedback.json").read_text() == SHOWN.read_text()
    page = (tmp_path / "page" / "feedback.html").read_text()
    drawn = json.loads(re.search(r'id="figures">(.*?)</script>', page)[1])  # type: ignore[index]
    assert set(re.findall(r'data-figure="([a-z_]+)"', page)) == set(drawn)
    assert len(drawn) == 5
    assert "default-src 'none'" in page
    assert 'src="http' not in page


def test_the_border_of_the_maps_is_where_k_is_one() -> None:
    shown = draw(read_feedback(SHOWN))
    across = shown["map"][2]["data"][-1]
    assert across["x"] == [1.0, 1.0]
    diagonal = shown["gamma_map"][2]["data"][-1]
    # 10 units per 1 % at 10 bp a unit, in the ordinary book.
    for gamma, depth in zip(diagonal["x"], diagonal["y"], strict=True):
        assert gamma == pytest.approx(10.0 * depth, rel=1e-4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--days", "3"], "--days must be at least 4, was 3"),
        (["--seed", "-1"], "--seed must be at least 0, was -1"),
        (["file.csv"], "validate feedback takes no files, was given 'file.csv'"),
    ],
)
def test_bad_options_are_refused_before_anything_runs(measured, arguments, message) -> None:
    result = run(*arguments)
    assert result.exit_code != 0
    assert message in str(result.exception) + result.output
    assert measured == []


def test_a_file_in_place_of_the_folder_is_refused(measured, tmp_path) -> None:
    (tmp_path / "page").write_text("mine")
    result = run("--out", str(tmp_path / "page"))
    assert result.exit_code != 0
    assert "is a file: give a folder" in str(result.exception) + result.output
    assert measured == []
    assert (tmp_path / "page").read_text() == "mine"
