"""The command `validate history`: its table, its data, and every mistake in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gammagym.cli import app

NEWS = """
purpose = "news of one per cent"
[price]
model = "gbm"
start = "60000"
volatility = 0.1
[[shocks]]
kind = "price"
at = "40%"
move = "-1%"
[[record]]
measure = "fall"
within = "1min"
value = "{recorded}"
role = "{role}"
source = "made up"
"""


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["validate", "history", *(str(each) for each in arguments)])


@pytest.fixture
def scenario(tmp_path: Path) -> Any:
    def write(recorded: str, role: str = "outcome") -> Path:
        path = tmp_path / "news.toml"
        path.write_text(NEWS.format(recorded=recorded, role=role))
        return path

    return write


def test_an_outcome_that_is_off_gives_exit_code_one(scenario, tmp_path):
    result = run(scenario("-5%"), "--seeds", 1, "--json", "--out", tmp_path / "out")
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert found[0]["verdict"] == "no"
    assert found[0]["median"] == pytest.approx(-0.01, abs=0.002)
    assert json.loads((tmp_path / "out" / "history.json").read_text()) == found


def test_what_is_imposed_does_not_count(scenario):
    result = run(scenario("-5%", "imposed"), "--seeds", 1)
    assert result.exit_code == 0
    assert "imposed" in result.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--seeds", 0), "--seeds must be 1 to 1,000, was 0"),
        (("--seed", -1), "--seed must be at least 0, was -1"),
        (("calm", "--seeds", 1), "has no [[record]] to compare with; these have:"),
        (("es_2010", "--seeds", 1), "did you mean 'es_2010_05_06'"),
    ],
)
def test_a_mistake_is_told_in_one_line(arguments, words):
    result = run(*arguments)
    assert result.exit_code == 2
    assert words in result.output
    assert result.output.count("\n") == 1
