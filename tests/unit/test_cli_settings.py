"""Changes of scenarios on the command line (``--set``), and references of several scenarios."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gammagym.cli import app
from gammagym.cli.common import split_settings
from gammagym.errors import GammagymError

SHORT = ["--seeds", "2", "--horizon", "600"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, list(arguments))


def shown(*arguments: str) -> dict[str, Any]:
    """Return the values of a scenario as `gammagym scenarios` shows them."""
    result = run("scenarios", *arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ("flow.intensity=2", 2),
        ("flow.intensity=2.5", 2.5),
        ("flow.intensity=.5", 0.5),
        ("flow.intensity=1e-1", 0.1),
        ("flow.slots=1_00", 100),
        ("funding=0.03%", "0.03%"),
        ("warmup=30s", "30s"),
        ("jitter=40%+5min", "40%+5min"),
        ('warmup="30s"', "30s"),
        ("price.start=60000.10", "60000.10"),
        ("price.start=.10", ".10"),
        ("price.start=60000", 60000),
        ("price.start={low=1.10, high=2}", {"low": "1.10", "high": 2}),
        ("account.volume=2.50", "2.50"),
        ("rules.spot.tick=0.10", "0.10"),
        ("price.volatility={low=0.4, high=0.9}", {"low": 0.4, "high": 0.9}),
        ("account.joint=true", True),
        ("account.joint=True", True),
        ("shocks=[]", []),
        ('account.discounts=["token"]', ["token"]),
        ("start=2026-09-07T12:00:00Z", "2026-09-07T12:00:00+00:00"),
        ("venue=./a=b.toml", "./a=b.toml"),
        ("name=two\nlines = 3", "two\nlines = 3"),
    ],
)
def test_a_value_is_read_as_toml_would_and_text_needs_no_quotes(given: str, value: Any) -> None:
    key = given.partition("=")[0]
    found = split_settings([given], ())[1][key]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("warmup", "expected key=value"),
        ("=3", "expected key=value"),
        ("warmup=", "expected key=value"),
        ("shocks=[{at=5s}]", "not valid TOML"),
        ("price.volatility={low=20%}", "text in a list or a table needs quotes"),
    ],
)
def test_a_setting_that_cannot_be_read_is_refused(given: str, expected: str) -> None:
    with pytest.raises(GammagymError, match=expected):
        split_settings([given], ())


def test_settings_change_what_is_shown() -> None:
    found = shown("flash_crash", "--set", "warmup=30s", "--set", "flow.intensity=2")
    assert (found["warmup"], found["flow"]["intensity"]) == ("30s", 2.0)
    assert len(found["shocks"]) == 4
    assert shown("flash_crash", "--set", "shocks=[]")["shocks"] == []
    assert shown("flash_crash", "--set", "shocks.0.move=-3%")["shocks"][0]["move"] == "-3%"


def test_a_rule_of_the_venue_below_a_table_of_it_is_changed_alone() -> None:
    found = shown("calm", "--set", "rules.perpetual.tick=0.50", "--set", "rules.taker_fee=1%")
    assert found["rules"] == {"perpetual.tick": "0.50", "taker_fee": "1%"}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["scenarios", "--set", "warmup=30s"], "--set changes one scenario"),
        (["scenarios", "calm", "--set", "warmup=30"], "warmup = 30: must be a duration"),
        (["scenarios", "calm", "--set", "flow.intensty=2"], "did you mean 'intensity'?"),
        (["scenarios", "calm + clam"], "did you mean 'calm'?"),
        (["scenarios", "calm +"], "a plus between each two"),
        (["bench", "env", "--worlds", "1", "--set", "flow.rate=-1"], "flow.rate = -1"),
        (["evaluate", "no_hedge", "--set", "flow.intensity=-1"], "flow.intensity = -1"),
        (["validate", "facts", "--set", "flow.intensity=-1"], "flow.intensity = -1"),
        (["validate", "facts", "--scenario", "calm + clam"], "did you mean 'calm'?"),
    ],
)
def test_a_bad_setting_is_told_in_one_line(arguments: list[str], expected: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    told = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(told) == 1
    assert expected in told[0]


def test_a_combination_and_a_child_are_shown_with_their_stories(folder: Path) -> None:
    mine = folder / "mine.toml"
    mine.write_text('#:schema ./s.json\n# My story.\nextends = "btc"\npurpose = "mine"\n')
    told = run("scenarios", "./mine.toml + flash_crash").output
    assert told.startswith("My story.\n")
    assert "A crash and rebound within half an hour" in told
    assert told.index("mine.toml") < told.index("btc.toml")
    assert "btc.toml" in told
    assert "mine + flash_crash" in told


@pytest.mark.parametrize("name", ["replay", "calm + replay", "flash_crash+replay@binance"])
def test_a_replay_can_be_shown_without_a_file(name: str) -> None:
    assert "price.file" in run("scenarios", name).output


def test_a_combination_whose_price_is_no_replay_needs_no_file() -> None:
    assert shown("replay + calm")["price"]["file"] is None


def test_the_schema_is_printed_as_json() -> None:
    result = run("scenarios", "--schema")
    assert result.exit_code == 0
    assert "extends" in json.loads(result.stdout)["properties"]


def test_combinations_are_played_in_lists_with_venues_and_terms(folder: Path) -> None:
    given = "textbook, textbook + flash_crash,textbook+trending@binance:discounts=all,fee_credit=9"
    names = ["textbook", "textbook + flash_crash", "textbook + trending @ binance, discounts"]
    arguments = ["tournament", "--agents", "no_hedge", "--scenarios", given, "--jobs", "1", *SHORT]
    result = run(*arguments, "--set", "flow.kind=ideal", "--set", "flow.size=1000",
                 "--set", "flow.half_spread=0.0001", "--json")  # fmt: skip
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)["scenarios"]
    assert [name[: len(names[place])] for place, name in enumerate(found)] == names
    page = (folder / "results" / "report.html").read_text(encoding="utf-8")
    assert all(name in page for name in names)


def test_one_combination_is_evaluated() -> None:
    result = run("evaluate", "no_hedge", "--scenario", "textbook+trending", *SHORT, "--json",
                 "--set", "flow.intensity=0.1")  # fmt: skip
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["scenario"] == "textbook+trending"
