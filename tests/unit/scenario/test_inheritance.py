"""Scenarios that extend others, and combinations: what is taken from where, and what is refused."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gammagym import content
from gammagym.api.market import Market
from gammagym.envs.core import build
from gammagym.errors import ScenarioError
from gammagym.evaluation.plan import Plan, check
from gammagym.quantities import Span
from gammagym.scenario.inheritance import scenario_files
from gammagym.scenario.load import load_scenario
from gammagym.scenario.reference import Reference, parse_scenario
from gammagym.scenario.schema import LONGEST_PURPOSE

Write = Callable[[str, str], Path]

OUTAGE = """
    extends = "calm"
    purpose = "nobody quotes for a while"

    [[shocks]]
    kind = "depth"
    at = "50%"
    ramp = "1s"
    hold = "10min"
    recovery = "1min"
    multiple = 0.01
"""

SHOCKS = '[[shocks]]\nkind = "price"\nat = "1%"\nmove = -0.1\n'


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Return a function that writes a file into the current directory."""
    monkeypatch.chdir(tmp_path)

    def write_file(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        return path

    return write_file


def broken(source: Any, overrides: dict[str, Any] | None = None) -> str:
    """Return the message of the error that loading this scenario raises."""
    with pytest.raises(ScenarioError) as caught:
        load_scenario(source, overrides)
    return str(caught.value)


# --- Extending -------------------------------------------------------------------------------


def test_a_file_that_only_extends_is_its_parent_but_for_name_and_purpose(write: Write) -> None:
    write("mine.toml", 'extends = "calm"\npurpose = "mine"')
    own = {"name": "mine", "purpose": "mine", "group": None}
    assert load_scenario("./mine.toml") == load_scenario("calm").model_copy(update=own)


def test_tables_are_laid_over_each_other_key_by_key(write: Write) -> None:
    write(
        "mine.toml",
        """
        extends = "btc"
        purpose = "mine"
        rules = {taker_fee = "0.1%"}
        price.start = "50000"
        flow.sentiment.deviation = 0.1
        """,
    )
    write(
        "child.toml",
        """
        extends = "mine.toml"
        purpose = "child"
        rules = {maker_fee = "0.05%"}
        price.tick = "2s"
        flow.sentiment.mean = 0.2
        """,
    )
    parent, child = load_scenario("btc"), load_scenario("./child.toml")
    assert child.price.start == Decimal(50_000)
    assert child.price.tick == 2_000_000_000
    assert child.price.model == parent.price.model
    assert child.price.parameters() == parent.price.parameters()
    assert child.rules == {"taker_fee": "0.1%", "maker_fee": "0.05%"}
    assert child.flow.sentiment is not None
    assert (child.flow.sentiment.mean, child.flow.sentiment.deviation) == (0.2, 0.1)


def test_shocks_come_after_those_of_the_parent(write: Write) -> None:
    write("mine.toml", OUTAGE.replace('"calm"', '"flash_crash"'))
    parent, child = load_scenario("flash_crash"), load_scenario("./mine.toml")
    assert child.shocks[: len(parent.shocks)] == parent.shocks
    assert [shock.multiple for shock in child.shocks[len(parent.shocks) :]] == [0.01]


def test_other_lists_are_replaced(write: Write) -> None:
    write("mine.toml", 'extends = "two_venues"\npurpose = "mine"\narbitrageurs = []')
    assert len(load_scenario("two_venues").arbitrageurs) == 1
    assert load_scenario("./mine.toml").arbitrageurs == ()
    assert load_scenario("./mine.toml").markets == load_scenario("two_venues").markets


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ('price = {model = "merton", start = "9", preset = "btc"}', {"volatility": None}),
        ('price = {model = "gbm", start = "9"}', {"volatility": 0.6}),
        ('price = {start = "9"}', {"volatility": 0.6}),
    ],
)
def test_a_price_starts_anew_only_when_its_model_changes(
    write: Write, text: str, left: dict[str, Any]
) -> None:
    write("mine.toml", f'extends = "calm"\npurpose = "mine"\n{text}')
    price = load_scenario("./mine.toml").price
    assert {key: getattr(price, key) for key in left} == left


def test_a_replay_of_a_parent_with_a_model_does_not_inherit_where_that_starts(
    write: Write,
) -> None:
    write("mine.toml", 'extends="calm"\npurpose="x"\nprice={model="replay", file="tape.csv"}')
    price = load_scenario("./mine.toml").price
    assert (price.start, price.volatility, price.file) == (None, None, str(Path.cwd() / "tape.csv"))


def test_a_flow_starts_anew_when_its_kind_changes_and_the_default_is_a_kind_too(
    write: Write,
) -> None:
    ideal = '{kind = "ideal", half_spread = 0.0, size = 1.0}'
    for parent, flow in (("base", "{rate = 9.0}"), ("same", '{rate = 9.0, kind = "hawkes"}')):
        write(f"{parent}.toml", f'extends = "replay"\npurpose = "x"\nflow = {flow}')
        write("child.toml", f'extends = "{parent}.toml"\npurpose = "x"\nflow = {ideal}')
        file = {"price.file": "x.csv"}
        assert load_scenario("./child.toml", file).flow.rate is None
        write("child.toml", f'extends="{parent}.toml"\npurpose="x"\nflow = {{kind = "hawkes"}}')
        assert load_scenario("./child.toml", file).flow.rate == 9.0


def test_a_table_that_is_a_value_is_replaced_as_a_whole(write: Write) -> None:
    write("base.toml", 'extends="calm"\npurpose="x"\nrules={order_latency={samples=["1ms"]}}')
    write("child.toml", 'extends="base.toml"\npurpose="x"\nrules={order_latency={median="5ms"}}')
    assert load_scenario("./child.toml").rules == {"order_latency": {"median": "5ms"}}


def test_paths_are_relative_to_the_file_that_says_them_also_when_inherited(write: Write) -> None:
    house = write("venues/house.toml", content.resolve("venues", "generic").read_text())
    tape = house.parent.parent / "deep" / "tape.csv"
    write(
        "deep/base.toml",
        'extends = "replay"\npurpose = "x"\nvenue = "../venues/house.toml"\nprice.file="tape.csv"',
    )
    write("deep/er/child.toml", 'extends = "../base.toml"\npurpose = "x"')
    for source in ("deep/er/child.toml", {"extends": "deep/er/child.toml", "purpose": "x"}):
        scenario = load_scenario(source)
        assert Path(scenario.price.file or "").resolve() == tape
        assert Path(scenario.venue).resolve() == house


def test_a_dict_may_extend_and_is_left_alone() -> None:
    given = {"extends": "calm", "purpose": "busy", "flow": {"intensity": 2.0}}
    before = json.dumps(given)
    scenario = load_scenario(given, {"price.volatility": 0.5})
    assert json.dumps(given) == before
    assert (scenario.flow.intensity, scenario.price.volatility) == (2.0, 0.5)


def test_name_and_purpose_are_not_inherited(write: Write) -> None:
    write("base.toml", 'extends = "calm"\nname = "first"\npurpose = "x"')
    child = write("child.toml", 'extends = "base.toml"')
    message = broken("./child.toml")
    assert f"scenario {child}: purpose: is missing" in message
    write("child.toml", 'extends = "base.toml"\npurpose = "y"')
    assert load_scenario("./child.toml").name == "child"


# --- What is refused -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('"clam"', "did you mean 'calm'?"),
        ('"./nope.toml"', "there is no file"),
        ("3", "must be the name or the path of one scenario"),
        ('""', "must be the name or the path of one scenario"),
        ('["calm"]', "must be the name or the path of one scenario"),
        ('"calm@binance"', "names a venue: write venue = 'binance' instead"),
        ('"calm + btc"', "must be one scenario"),
        ('"bad.toml"', "not valid TOML"),
    ],
)
def test_a_parent_that_is_none_is_refused_in_one_line(
    write: Write, value: str, expected: str
) -> None:
    write("bad.toml", "a = = 1")
    path = write("mine.toml", f'extends = {value}\npurpose = "x"')
    message = broken("./mine.toml")
    assert message.startswith(f"scenario {path}: extends = ")
    assert expected in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"a": "a.toml"}, "a -> a"),
        ({"a": "b.toml", "b": "a.toml"}, "a -> b -> a"),
        ({"a": "b.toml", "b": "c.toml", "c": "b.toml"}, "b -> c -> b"),
        ({"a": "deep/a.toml", "deep/a": "../a.toml"}, "deep/a.toml -> "),
    ],
)
def test_a_cycle_is_refused_with_its_chain(
    write: Write, files: dict[str, str], expected: str
) -> None:
    for name, parent in files.items():
        write(f"{name}.toml", f'extends = "{parent}"\npurpose = "x"')
    message = broken("./a.toml")
    assert "makes a cycle: " in message
    assert expected in message


def test_problems_of_all_files_are_told_at_once_each_with_its_file(write: Write) -> None:
    base = write(
        "base.toml",
        'extends="calm"\npurpose="x"\nwarmup = 3\n[price]\nvolatilty = 0.3\nvolatility = -1.0',
    )
    child = write("child.toml", 'extends="base.toml"\npurpose=""\nprice.drift="1%"\n' + SHOCKS)
    message = broken("./child.toml", {"jitter": "5"})
    assert message.startswith(f"scenario {child} with overrides of jitter: 7 problems")
    lines = {line.split()[0].rstrip(":"): line for line in message.splitlines()[1:]}
    assert "did you mean 'volatility'?" in lines["price.volatilty"]
    for key in ("warmup", "price.volatilty", "price.volatility"):
        assert lines[key].endswith(f"[in {base}]")
    for key in ("purpose", "price.drift"):
        assert lines[key].endswith(f"[in {child}]")
    assert lines["shocks.0.move"].endswith(f"[in {child}]")
    assert lines["jitter"].endswith("[override 'jitter']")


def test_a_shock_is_told_by_its_place_in_the_timeline_and_in_its_file(write: Write) -> None:
    child = write("child.toml", f'extends = "flash_crash"\npurpose = "x"\n{SHOCKS}')
    line = broken("./child.toml")
    assert "shocks.4.move = -0.1" in line
    assert line.endswith(f"[in {child}, there shocks.0.move]")


def test_a_key_that_a_shock_lacks_is_told_with_the_file_of_the_shock(write: Write) -> None:
    child = write(
        "child.toml", f'extends="flash_crash"\npurpose="x"\n{SHOCKS.replace("move", "#")}'
    )
    line = broken("./child.toml")
    assert "shocks.4.move: is missing" in line
    assert line.endswith(f"[in {child}, there shocks.0.move]")


def test_a_problem_of_several_files_names_them(write: Write) -> None:
    shock = SHOCKS.replace("-0.1", '"-1%"')
    base = write("base.toml", f'extends="flash_crash"\npurpose="x"\n{shock}')
    child = write("child.toml", f'extends="base.toml"\npurpose="x"\n{shock * 20}')
    message = broken("./child.toml")
    assert "shocks" in message
    assert "at most 24 are allowed, 25 were given" in message
    crash = content.resolve("scenarios", "flash_crash")
    assert message.endswith(f"[in {crash}, {base}, {child}]")


def test_a_missing_parent_does_not_hide_other_mistakes_and_makes_up_none(write: Write) -> None:
    write("child.toml", 'extends="nope"\npurpos="x"\nflow.preset="levels"\nwarmup=3')
    message = broken("./child.toml")
    assert "3 problems" in message  # not: price is missing, levels does not fit the default kind
    for part in ("extends = 'nope'", "purpos: unknown key; did you mean 'purpose'?", "warmup = 3"):
        assert part in message


def test_the_broken_parent_of_a_parent_is_told_with_its_file(write: Write) -> None:
    base = write("base.toml", 'extends = "nope"\npurpose = "x"')
    write("child.toml", 'extends = "base.toml"\npurpose = "x"')
    assert broken("./child.toml").endswith(f"[in {base}]")


def test_a_misspelt_extends_is_recognised(write: Write) -> None:
    write("mine.toml", 'extend = "calm"\npurpose = "x"')
    assert "extend: unknown key; did you mean 'extends'?" in broken("./mine.toml")


def test_extends_is_no_override() -> None:
    assert "extends: stands in a file" in broken("calm", {"extends": "btc"})


def test_an_override_of_an_inherited_value_is_blamed_and_not_the_file(write: Write) -> None:
    write("child.toml", 'extends = "flash_crash"\npurpose = "x"')
    message = broken("./child.toml", {"shocks.0.move": "5"})
    assert message.endswith("[override 'shocks.0.move']")


# --- Combinations ----------------------------------------------------------------------------


def test_a_combination_is_the_left_one_with_what_the_right_file_says_itself(write: Write) -> None:
    write("outage.toml", OUTAGE.replace("[[shocks]]", "warmup = '9s'\n[[shocks]]"))
    left, both = load_scenario("btc"), load_scenario("btc + ./outage.toml")
    right = load_scenario("./outage.toml")
    assert both.price == left.price != right.price  # the price of calm, inherited, is not laid over
    assert both.options == left.options
    assert both.warmup == 9_000_000_000 != left.warmup
    assert both.shocks == left.shocks + right.shocks
    assert both.name == "btc + outage"
    assert both.purpose == f"{left.purpose}; {right.purpose}"


def test_more_than_two_are_laid_over_each_other_in_order(write: Write) -> None:
    write("one.toml", f'warmup = "1s"\njitter = "1s"{OUTAGE}')
    write("two.toml", f'warmup = "2s"{OUTAGE.replace("0.01", "0.02")}')
    both = load_scenario("calm+one.toml  +./two.toml")
    assert (both.warmup, both.jitter) == (2_000_000_000, Span(fixed_ns=1_000_000_000))
    assert [shock.multiple for shock in both.shocks] == [0.01, 0.02]
    assert both.name == "calm + one + two"


def test_the_left_one_keeps_what_it_extends(write: Write) -> None:
    write("left.toml", 'extends = "btc"\npurpose = "left"\nwarmup = "3s"')
    both = load_scenario("./left.toml + flash_crash")
    assert both.warmup == 3_000_000_000
    assert both.options == load_scenario("btc").options
    assert both.shocks == load_scenario("flash_crash").shocks


def test_a_combination_is_played_at_a_venue_on_terms() -> None:
    both = load_scenario("calm + flash_crash@binance:discounts=all,fee_credit=100")
    assert both.name == "calm + flash_crash @ binance, discounts, fee credit 100"
    assert both.venue == "binance"
    assert both.account.fee_credit == 100
    assert both.shocks == load_scenario("flash_crash").shocks


def test_a_long_purpose_of_a_combination_is_cut(write: Write) -> None:
    write("long.toml", f'extends = "calm"\npurpose = "{"x" * LONGEST_PURPOSE}"')
    purpose = load_scenario("calm + ./long.toml").purpose
    assert len(purpose) == LONGEST_PURPOSE
    assert purpose.endswith("x...")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("calm", Reference(("calm",))),
        ("calm + flash_crash", Reference(("calm", "flash_crash"))),
        ("calm+./mine.toml", Reference(("calm", "./mine.toml"))),
        ("calm + btc@bybit", Reference(("calm", "btc"), "bybit")),
        ("calm@x:discounts=a+b", Reference(("calm",), "x", {"discounts": ("a", "b")})),
        ("calm+btc@x:discounts=a+b", Reference(("calm", "btc"), "x", {"discounts": ("a", "b")})),
        ("./a+b@c.toml", Reference(("./a+b@c.toml",))),
        ("calm + ./a+b@c.toml", Reference(("calm", "./a+b@c.toml"))),
        ("./a+b@c.toml + calm", Reference(("./a+b@c.toml", "calm"))),
        ("./a+b@c.toml+calm@x", Reference(("./a+b@c.toml", "calm"), "x")),
        ("./no+b.toml", Reference(("./no", "b.toml"))),
    ],
)
def test_a_reference_is_taken_apart_at_each_plus_that_is_not_in_the_name_of_a_file(
    write: Write, given: str, expected: Reference
) -> None:
    write("a+b@c.toml", OUTAGE)
    assert parse_scenario(given) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("calm + ", ["scenario 'calm + '", "a plus between each two"]),
        ("+calm@binance", ["a plus between each two"]),
        ("calm@binance + btc", ["the venue stands at the end"]),
        ("clam + nope", ["2 problems", "did you mean 'calm'?", "no scenario 'nope'"]),
        ("calm + nope@binance", ["no scenario 'nope'"]),
        ("calm + btc@binanc", ["did you mean 'binance'"]),
    ],
)
def test_a_combination_of_nothing_is_refused(given: str, expected: list[str]) -> None:
    message = broken(given)
    for part in expected:
        assert part in message


def test_problems_of_a_combination_are_told_with_their_files(write: Write) -> None:
    one = write("one.toml", 'price = {model = "gbm", start = 1.5}\nwarmup="1"')
    two = write("two.toml", 'purpose = "x"\njitter = 3\nwarmup="2"')
    message = broken("one.toml + two.toml")
    assert message.startswith(f"scenario {one} + {two}: 4 problems")
    lines = {line.split()[0].rstrip(":"): line for line in message.splitlines()[1:]}
    assert lines["purpose"].endswith(f"[in {one}]")
    assert lines["price.start"].endswith(f"[in {one}]")
    assert lines["jitter"].endswith(f"[in {two}]")
    assert lines["warmup"].endswith(f"[in {two}]")


def test_the_files_of_a_scenario_are_those_it_is_made_of(write: Write) -> None:
    left = write("left.toml", 'extends = "btc"\npurpose = "left"')
    right = write("right.toml", OUTAGE)
    assert scenario_files("./left.toml + ./right.toml@binance") == (
        content.resolve("scenarios", "btc"),
        left,
        right,
    )


# --- Where references are given --------------------------------------------------------------


def test_environments_take_combinations_with_and_without_a_price_file(write: Write) -> None:
    write("outage.toml", OUTAGE)
    assert build("GammaScalp", "btc + ./outage.toml", None, {}, {}).scenario.shocks
    lines = "".join(f"2024-01-01T{hour:02}:00,{100 + hour}\n" for hour in range(24))
    write("tape.csv", f"timestamp,price\n{lines}")
    hours = {"horizon_seconds": 7_200.0, "decision_interval": 3_600.0}
    replayed = build("GammaScalp", "btc + ./outage.toml", "tape.csv", {}, hours)
    assert replayed.scenario.price.model == "replay"
    assert replayed.scenario.shocks


def test_a_plan_tells_combinations_at_venues_apart_by_title() -> None:
    references = ("calm + flash_crash@binance", "calm + flash_crash@bybit", "calm+flash_crash")
    contest = check(Plan(("no_hedge",), references))
    assert contest.scenario_titles == {
        references[0]: "calm + flash_crash @ binance",
        references[1]: "calm + flash_crash @ bybit",
        references[2]: "calm + flash_crash",
    }
    assert {place["scenario"] for place in contest.places.values()} == {"calm + flash_crash"}


def test_a_change_of_a_parent_is_another_fingerprint(write: Write) -> None:
    write("child.toml", 'extends = "base.toml"\npurpose = "x"')
    found: list[str] = []
    for volatility in (0.6, 0.7):
        write("base.toml", f'extends="calm"\npurpose="y"\nprice.volatility={volatility}')
        contest = check(Plan(("no_hedge",), ("./child.toml",)))
        found.append(contest.fingerprints["no_hedge"]["./child.toml"])
    assert found[0] != found[1]


def test_a_combination_shares_its_outside_world_until_the_shock(write: Write) -> None:
    write("outage.toml", OUTAGE)
    markets = [
        Market(source, seed=3, horizon_seconds=120.0) for source in ("calm", "calm + ./outage.toml")
    ]
    records = []
    for market in markets:
        market.advance(59.0)
        records.append(market.world)
    for table in ("price", "flows", "orders", "levels", "books", "accounts"):
        assert records[0][table].tobytes() == records[1][table].tobytes()
    for market in markets:
        market.advance(30.0)
    assert float(records[0]["price"]["value"]) == float(records[1]["price"]["value"])
    assert not np.array_equal(records[0]["orders"], records[1]["orders"])
