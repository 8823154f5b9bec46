"""Loading of scenarios, venues and flow presets: what is accepted, and what the errors say."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gammagym import content
from gammagym.envs.core import build
from gammagym.errors import AgentError, ScenarioError
from gammagym.quantities import Span, format_duration, parse_duration, parse_span
from gammagym.scenario.compile import compile_world
from gammagym.scenario.load import (
    flow_parameters,
    list_scenarios,
    list_venues,
    load_flow,
    load_scenario,
    load_venue,
)
from gammagym.scenario.order_flow import Flow, FlowParameters
from gammagym.scenario.schema import Scenario, Shock
from gammagym.scenario.tasks import get_task
from gammagym.world import fields
from gammagym.world.market import Flow as WorldFlow

MS = 1_000_000
SHIPPED = (
    "calm",
    "choppy",
    "flash_crash",
    "replay",
    "smile",
    "spread_blowout",
    "textbook",
    "trending",
)
NEEDS: dict[str, dict[str, Any]] = {"replay": {"price.file": "prices.csv"}}


def broken(source: Any, overrides: dict[str, Any] | None = None) -> str:
    """Return the message of the error that loading this scenario raises."""
    with pytest.raises(ScenarioError) as caught:
        load_scenario(source, overrides)
    return str(caught.value)


def table(**changes: Any) -> dict[str, Any]:
    """Return a small valid scenario with some keys changed."""
    price = {"model": "gbm", "start": "100", "volatility": 0.2}
    return {"purpose": "a test", "price": price, **changes}


def venue_with(changes: dict[str, Any]) -> dict[str, Any]:
    """Return the generic venue with some dotted keys changed."""
    rules: dict[str, Any] = load_venue("generic").model_dump()
    for key, value in changes.items():
        section, _, name = key.rpartition(".")
        (rules[section] if section else rules)[name] = value
    return rules


# --- What ships ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_scenario_loads_and_refers_to_a_venue_that_loads(name: str) -> None:
    scenario = load_scenario(name, NEEDS.get(name))
    assert scenario.name == name
    assert load_venue(scenario.venue).name == scenario.venue


def test_lists_give_names_with_their_purpose_lines() -> None:
    scenarios, venues = list_scenarios(), list_venues()
    assert set(SHIPPED) <= set(scenarios)
    assert {"generic", "frictionless"} <= set(venues)
    assert all(purpose and "\n" not in purpose for purpose in (scenarios | venues).values())
    assert list(scenarios) == sorted(scenarios)


@pytest.mark.parametrize("preset", ["thin", "full", "sparse"])
def test_every_flow_preset_sets_every_parameter(preset: str) -> None:
    assert set(load_flow(preset)) == set(FlowParameters.model_fields)


def test_flow_parameters_are_those_of_the_world_with_sizes_in_units() -> None:
    names = list(fields(WorldFlow))
    parameters = [name.removesuffix("_lots") for name in names[: names.index("distance_cut")]]
    assert list(FlowParameters.model_fields) == parameters


@pytest.mark.parametrize("name", SHIPPED)
def test_a_dumped_scenario_loads_again_unchanged(name: str) -> None:
    scenario = load_scenario(name, NEEDS.get(name))
    assert load_scenario(scenario.model_dump()) == scenario


@pytest.mark.parametrize("name", ["generic", "frictionless"])
def test_a_dumped_venue_loads_again_unchanged(name: str) -> None:
    venue = load_venue(name)
    assert load_venue(venue.model_dump()) == venue


def test_loading_by_name_does_not_depend_on_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_scenario("calm").price.start == Decimal(60000)


def test_importing_the_loaders_does_not_import_pandas() -> None:
    root = str(content.PACKAGE.parent)
    code = (
        "import sys, gammagym.scenario.load, gammagym.data.prices; "
        "sys.exit('pandas' in sys.modules)"
    )
    environment = os.environ | {"PYTHONPATH": root}
    assert (
        subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0
    )


def test_the_flash_crash_falls_nine_percent_and_keeps_part_of_it() -> None:
    falls = [shock for shock in load_scenario("flash_crash").shocks if shock.kind == "price"]
    assert math.exp(sum(shock.magnitude for shock in falls)) - 1 == pytest.approx(-0.09, abs=0.001)
    assert [shock.recovery is None for shock in falls] == [False, True]


# --- Where things come from ------------------------------------------------------------------


def test_a_path_is_read_relative_to_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.toml").write_text(
        'purpose = "mine"\n[price]\nmodel = "replay"\nfile = "tape.csv"\n'
    )
    monkeypatch.chdir(tmp_path)
    for source in ("mine.toml", "./mine.toml", tmp_path / "mine.toml"):
        scenario = load_scenario(source)
        assert scenario.name == "mine"
        assert scenario.price.file == str(tmp_path / "tape.csv")


def test_files_named_in_a_scenario_are_relative_to_it_and_in_an_override_to_the_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "house.toml").write_text(
        (content.resolve("venues", "generic")).read_text()
    )
    file = tmp_path / "deep" / "mine.toml"
    file.write_text(
        'purpose = "mine"\nvenue = "./house.toml"\n[price]\nmodel = "replay"\nfile = "tape.csv"\n'
    )
    monkeypatch.chdir(tmp_path)
    assert load_scenario(file).price.file == str(tmp_path / "deep" / "tape.csv")
    assert load_venue(load_scenario(file).venue).name == "house"
    changed = load_scenario(file, {"price.file": "tape.csv"})
    assert changed.price.file == str(tmp_path / "tape.csv")


def test_a_scenario_object_or_a_dict_is_accepted() -> None:
    scenario = load_scenario(table())
    assert scenario.name == "unnamed"
    assert load_scenario(scenario) is scenario
    assert load_scenario(scenario, {"warmup": "5s"}).warmup == 5_000_000_000


def test_overrides_leave_the_given_dict_alone() -> None:
    given = table()
    load_scenario(given, {"price.volatility": 0.5, "options.size": 3.0})
    assert given == table()


def test_agents_are_found_by_name_by_file_and_by_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in ("agents/flat.py", "agents/deep/agent.py", "agents/_hidden.py", "mine.py"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("")
    (tmp_path / "pyproject.toml").write_text("")
    monkeypatch.setattr(content, "PACKAGE", tmp_path / "gammagym")
    monkeypatch.chdir(tmp_path)
    assert content.available("agents") == ["deep", "flat"]
    assert content.resolve("agents", "flat") == tmp_path / "agents" / "flat.py"
    assert content.resolve("agents", "deep") == tmp_path / "agents" / "deep" / "agent.py"
    assert content.resolve("agents", "./agents/deep") == tmp_path / "agents" / "deep" / "agent.py"
    assert content.resolve("agents", "mine.py") == tmp_path / "mine.py"
    with pytest.raises(AgentError, match="did you mean 'flat'"):
        content.resolve("agents", "falt")


def test_what_is_bundled_wins_over_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in ("agents/one.py", "gammagym/_bundled/agents/one.py"):
        (tmp_path / file).parent.mkdir(parents=True)
        (tmp_path / file).write_text("")
    (tmp_path / "pyproject.toml").write_text("")
    monkeypatch.setattr(content, "PACKAGE", tmp_path / "gammagym")
    assert content.resolve("agents", "one").parent.parent.name == "_bundled"


def test_folders_beside_an_installed_package_are_not_taken_for_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents" / "stranger.py").write_text("")
    monkeypatch.setattr(content, "PACKAGE", tmp_path / "gammagym")
    assert content.available("agents") == []


# --- Quantities ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("0s", 0),
        ("1ns", 1),
        ("2us", 2_000),
        ("250ms", 250_000_000),
        ("0.5s", 500_000_000),
        ("30 s", 30_000_000_000),
        ("5min", 300_000_000_000),
        ("2h", 7_200_000_000_000),
        ("7d", 604_800_000_000_000),
    ],
)
def test_durations_are_whole_nanoseconds(text: str, nanoseconds: int) -> None:
    assert parse_duration(text) == nanoseconds
    assert parse_duration(format_duration(nanoseconds)) == nanoseconds


@pytest.mark.parametrize(
    "value", ["5", "5 minutes", "-5s", "1e3s", "", "nans", 5, True, None, "0.5ns"]
)
def test_other_durations_are_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="must be"):
        parse_duration(value)


@pytest.mark.parametrize(
    ("text", "nanoseconds"), [("40%", 400), ("300ns", 300), ("40%+7ns", 407), ("100%", 1000)]
)
def test_a_moment_is_a_share_of_the_episode_a_duration_or_both(text: str, nanoseconds: int) -> None:
    span = parse_span(text)
    assert span.nanoseconds(1000) == nanoseconds
    assert parse_span(str(span)) == span


def test_a_latency_is_a_duration_or_a_table() -> None:
    rules = {
        "order_latency": {"median": "20ms", "sigma": 0.4, "minimum": "5ms", "jitter": "2ms"},
        "cancel_latency": "5ms",
        "acknowledgement_latency": {"samples": ["12ms", "15ms", "80ms"]},
    }
    scenario = load_scenario("calm", {"rules": rules})
    venue = load_venue(scenario.venue, scenario.rules)
    order, answer = venue.order_latency, venue.acknowledgement_latency
    assert (order.median, order.sigma, order.minimum, order.jitter) == (
        20 * MS,
        0.4,
        5 * MS,
        2 * MS,
    )
    assert venue.cancel_latency == load_venue("generic", {"order_latency": "5ms"}).order_latency
    assert answer is not None
    assert answer.samples == (12 * MS, 15 * MS, 80 * MS)
    assert load_venue(venue.model_dump()) == venue
    assert load_venue("generic").cancel_latency is None


def test_money_and_rates_are_exact() -> None:
    venue = load_venue("generic")
    assert (venue.maker_fee, venue.taker_fee) == (Decimal("0.0002"), Decimal("0.0005"))
    assert venue.perpetual.tick == Decimal("0.1")
    assert venue.order_latency.median == 20_000_000


# --- What a scenario means -------------------------------------------------------------------


def test_a_flow_is_its_preset_with_its_own_parameters_on_top() -> None:
    parameters = flow_parameters(Flow(preset="thin", rate=12.0))
    assert parameters == load_flow("thin") | {"rate": 12.0}


def test_the_magnitude_of_a_shock_is_a_logarithm() -> None:
    price = Shock.model_validate({"kind": "price", "at": "0s", "move": "-12%"})
    depth = Shock.model_validate({"kind": "depth", "at": "50%", "multiple": 0.05})
    assert price.magnitude == pytest.approx(math.log(0.88))
    assert depth.magnitude == pytest.approx(math.log(0.05))
    assert (price.recovery, depth.at) == (None, Span(share=Decimal("0.5")))


def test_an_override_of_none_takes_a_key_away() -> None:
    changes = {"price.model": "replay", "price.start": None, "price.file": "x.csv"}
    assert load_scenario("calm", changes).price.start is None


def test_a_price_takes_what_it_does_not_say_from_its_preset() -> None:
    price = load_scenario("calm", HESTON | {"price.correlation": 0.1}).price
    assert price.parameters()["correlation"] == 0.1
    assert price.parameters()["reversion"] == 9.31
    assert price.long_run_volatility() == pytest.approx(0.2862**0.5)


def test_the_long_run_volatility_weighs_ranges_and_trends_by_their_durations() -> None:
    expected = (0.75 * 0.4**2 + 0.25 * 0.7**2) ** 0.5
    assert load_scenario("calm", REGIME).price.long_run_volatility() == pytest.approx(expected)


def test_options_are_marked_at_the_long_run_volatility_of_the_price() -> None:
    scenario = load_scenario("calm", HESTON | {"options.implied_volatility": None})
    compiled = compile_world(scenario, get_task("GammaScalp"))
    implied = compiled.template["instruments"]["implied_volatility"][0]
    assert implied[1] == pytest.approx(0.2862**0.5)


def test_any_price_can_be_replaced_by_a_file(tmp_path: Path) -> None:
    rows = "\n".join(f"{60 * minute},{100 + minute % 7}" for minute in range(2_000))
    (tmp_path / "prices.csv").write_text(f"timestamp,price\n{rows}\n")
    file = tmp_path / "prices.csv"
    compiled = build("GammaScalp", load_scenario("calm", HESTON), file, None, {})
    assert compiled.scenario.price.model == "replay"


def test_models_cannot_be_changed() -> None:
    scenario = load_scenario("calm")
    with pytest.raises(ValueError, match="frozen"):
        scenario.name = "storm"  # pyright: ignore[reportAttributeAccessIssue]


# --- What is wrong ---------------------------------------------------------------------------

SHOCK = {"kind": "price", "at": "10%", "move": "-1%"}
HESTON = {"price.model": "heston", "price.preset": "btc", "price.volatility": None}
REGIME = {
    "price.model": "regime",
    "price.volatility": None,
    "price.range_volatility": 0.4,
    "price.range_half_life": "6h",
    "price.range_duration": "3d",
    "price.trend_volatility": 0.7,
    "price.trend_drift": 4.0,
    "price.trend_duration": "1d",
}
BAD_OVERRIDES: list[tuple[dict[str, Any], list[str]]] = [
    ({"flow.distance_exponent": 0.0}, ["flow.distance_exponent = 0", "must not be 0"]),
    (
        {"flow.branching": 0.7, "flow.slow_branching": 0.3},
        ["flow.slow_branching = 0.3", "together they must be < 1", "for ever"],
    ),
    ({"flow.branching": 1.0}, ["flow.branching", "must be < 1"]),
    ({"flow.rate": -3.0}, ["flow.rate = -3", "must be > 0"]),
    ({"price.volatility": -1}, ["price.volatility = -1", "must be >= 0", "annual volatility"]),
    ({"price.volatility": "0.6"}, ["price.volatility = '0.6'", "must be a number"]),
    ({"price.volatility": True}, ["price.volatility = true", "must be a number"]),
    ({"price.volatility": math.nan}, ["price.volatility = nan", "must be a finite number"]),
    ({"price.volatility": None}, ["price.volatility: is missing", "such as 0.6"]),
    ({"price.start": 60000.5}, ["price.start = 60000.5", "quote it"]),
    ({"price.start": "-1"}, ["price.start = '-1'", "must be > 0"]),
    ({"price.start": "cheap"}, ["price.start = 'cheap'", 'such as "0.1"']),
    ({"price.start": None}, ["price.start: is missing"]),
    ({"price.file": "x.csv"}, ["price.file", "must not be given", "'replay'"]),
    ({"price.tick": 1}, ["price.tick = 1", "a duration with its unit"]),
    ({"price.tick": "0s"}, ["price.tick = '0s'", "must be >= 1ms"]),
    ({"price.tick": "40d"}, ["price.tick = '40d'", "must be <= 30d"]),
    ({"price.model": "gbn"}, ["price.model = 'gbn'", "did you mean 'gbm'?"]),
    ({"price.correlation": 0.3}, ["price.correlation = 0.3", "not of model 'gbm'", "heston, svcj"]),
    ({"price.preset": "btc"}, ["price.preset = 'btc'", "model 'gbm' has no presets"]),
    (HESTON | {"price.volatility": 0.6}, ["price.volatility = 0.6", "not of model 'heston'"]),
    (HESTON | {"price.preset": "sol"}, ["price.preset = 'sol'", "known: btc, eth"]),
    (HESTON | {"price.preset": None}, ["price.reversion: is missing", "or a preset"]),
    (HESTON | {"price.start": None}, ["price.start: is missing", "model 'heston'"]),
    (HESTON | {"price.file": "x.csv"}, ["price.file", "must not be given", "'heston' reads no"]),
    (HESTON | {"price.jump_rate": 1.0}, ["price.jump_rate = 1", "not of model 'heston'"]),
    (HESTON | {"price.correlation": -1.5}, ["price.correlation = -1.5", "must be >= -1"]),
    (HESTON | {"price.reversion": 0}, ["price.reversion = 0", "must be >= 0.001"]),
    (
        {
            "price.model": "merton",
            "price.preset": "btc",
            "price.jump_rate": 1e6,
            "price.tick": "1min",
        },
        ["price.jump_rate", "ticks of 60 s", "525600 a year"],
    ),
    (
        HESTON | {"price.model": "svcj", "price.variance_jump": 2.0, "price.jump_correlation": 0.5},
        ["price.jump_correlation = 0.5", "must be < 1"],
    ),
    (REGIME | {"price.preset": "btc"}, ["price.preset", "model 'regime' has no presets"]),
    (REGIME | {"price.drift": 0.1}, ["price.drift = 0.1", "must be 0", "trend_drift"]),
    (REGIME | {"price.trend_duration": None}, ["price.trend_duration: is missing"]),
    (REGIME | {"price.range_half_life": "1ms"}, ["price.range_half_life = '1ms'", ">= 1s"]),
    ({"price.volatilty": 1.0}, ["price.volatilty: unknown key", "did you mean 'volatility'?"]),
    ({"price": 3}, ["price = 3", "must be a table"]),
    ({"pricee.tick": "1s"}, ["pricee: unknown key", "mean 'price'?", "[override 'pricee.tick']"]),
    ({"price.model": "replay"}, ["price.file: is missing", "--price-file", "price.start"]),
    ({"options.implied_volatility": 0}, ["options.implied_volatility = 0", "must be > 0"]),
    ({"options.preset": "sol"}, ["options.preset = 'sol'", "known: btc, eth"]),
    ({"options.skew": -3.0}, ["options", "butterflies", "theta phi (1 + |rho|) is 7.48", "< 4"]),
    (
        {"options.skew": -0.2, "options.curvature": -0.5},
        ["curvature -0.5 must be > -0.06667", "with a skew of -0.2"],
    ),
    (
        {"options.preset": "btc", "options.implied_volatility": 5.0},
        ["options", "theta phi (1 + |rho|)", "at 1 years to expiry and 3 times"],
    ),
    ({"options.skew_decay": 0.7}, ["options.skew_decay = 0.7", "must be <= 0.5"]),
    (
        {"options.spreads": [{"points": 1.0}], "options.half_spread": 0.001},
        ["options.half_spread = 0.001", "give one of the two"],
    ),
    ({"options.spreads": []}, ["options.spreads", "at least one"]),
    (
        {"options.spreads": [{"points": 1.0}, {"days": 7, "points": 2.0}]},
        ["options.spreads.0.days: is missing: only the last"],
    ),
    (
        {"options.spreads": [{"days": 9, "points": 1.0}, {"days": 7, "points": 2.0}]},
        ["options.spreads.1.days = 7", "must be > 9"],
    ),
    ({"options.spreads": [{"days": 7}]}, ["options.spreads.0.points", "is missing"]),
    ({"options.inventory": 3.0}, ["options.inventory = 3", "with 'spreads' only"]),
    ({"options.short_volatility": 0.9}, ["options.term_half_life: is missing", "'15d'"]),
    ({"options.term_half_life": "9d"}, ["options.term_half_life", "needs a short_volatility"]),
    ({"options.customers": {"size": 1.0}}, ["options.customers.rate: is missing"]),
    ({"options.volatility_half_life": "1s"}, ["options.volatility_half_life", ">= 1min"]),
    ({"flow.preset": "thick"}, ["flow.preset = 'thick'", "did you mean 'thin'?"]),
    ({"flow.size": 3}, ["flow.size = 3", "only kind 'ideal'"]),
    ({"flow.probability_add": 0.95}, ["flow.probability_add = 0.95", "makes 1.4", "<= 1"]),
    ({"flow.kind": "ideal"}, ["flow.half_spread: is missing", "flow.size: is missing"]),
    (
        {"flow.kind": "ideal", "flow.half_spread": 0.0, "flow.size": 1, "flow.rate": 3},
        ["flow.rate = 3", "is a parameter of the other kinds"],
    ),
    ({"funding": 0.0001}, ["funding = 0.0001", '"0.02%"']),
    ({"funding": "9%"}, ["funding = '9%'", "must be <= 5%"]),
    ({"funding": "0.00000001%"}, ["funding", "multiple of 0.0000001%"]),
    ({"venue": "generik"}, ["venue = 'generik'", "did you mean 'generic'?"]),
    ({"purpose": ""}, ["purpose = ''", "must not be empty"]),
    ({"shocks": SHOCK}, ["shocks", "must be a list"]),
    ({"shocks": [SHOCK] * 25}, ["shocks", "at most 24 are allowed, 25 were given"]),
    ({"shocks": [{**SHOCK, "at": "140%"}]}, ["shocks.0.at = '140%'", "at most 100%"]),
    ({"shocks": [{**SHOCK, "at": "5min+40%"}]}, ["shocks.0.at", '"40%+5min"']),
    ({"shocks": [{**SHOCK, "move": "-100%"}]}, ["shocks.0.move = '-100%'", "must be > -100%"]),
    ({"shocks": [{**SHOCK, "move": -0.1}]}, ["shocks.0.move = -0.1", '"0.02%"']),
    ({"shocks": [{**SHOCK, "multiple": 2}]}, ["shocks.0.multiple = 2", "not of a price event"]),
    ({"shocks": [{**SHOCK, "recovery": "nver"}]}, ["shocks.0.recovery = 'nver'", '"never"']),
    ({"shocks": [{"kind": "depth", "at": "1%"}]}, ["shocks.0.multiple: is missing", "depth"]),
    ({"shocks": [{"at": "1%"}]}, ["shocks.0.kind: is missing"]),
    ({"shocks": [{**SHOCK, "mvoe": "1%"}]}, ["shocks.0.mvoe: unknown key", "mean 'move'?"]),
    ({"shocks.0.at": "1%"}, ["shocks.0.at", "the list has 0"]),
    ({"purpose.rate": "1%"}, ["purpose.rate", "'purpose' is a value"]),
]


@pytest.mark.parametrize(("changes", "expected"), BAD_OVERRIDES)
def test_a_bad_value_is_refused_with_its_key_the_value_and_what_is_allowed(
    changes: dict[str, Any], expected: list[str]
) -> None:
    message = broken("calm", changes)
    assert str(content.resolve("scenarios", "calm")) in message
    for part in [*expected, f"with overrides of {', '.join(changes)}"]:
        assert part in message


def test_all_problems_are_told_at_once() -> None:
    message = broken("calm", {"price.volatility": -1, "warmup": 3, "flow.presett": "thin"})
    assert "3 problems" in message
    assert [line.split()[0].rstrip(":") for line in message.splitlines()[1:]] == [
        "price.volatility",
        "flow.presett",
        "warmup",
    ]


def test_one_problem_is_told_in_one_line() -> None:
    assert "\n" not in broken("calm", {"warmup": 3})


def test_an_error_tells_which_override_brought_it() -> None:
    message = broken(table(warmup=3), {"price.volatility": -1})
    assert "[override 'price.volatility']" in message
    assert "warmup = 3" in message
    assert "[override 'warmup']" not in message


def test_a_replay_without_a_file_says_how_to_give_one() -> None:
    message = broken("replay")
    assert "price.file" in message
    assert "--price-file" in message


def test_options_need_a_volatility_when_the_price_has_none() -> None:
    message = broken(table(price={"model": "gbm", "start": "1", "volatility": 0.0}))
    assert "implied_volatility must be given" in message


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("clam", "did you mean 'calm'?"),
        ("", "no scenario ''"),
        ("..", "no scenario '..'"),
        ("./nope.toml", "there is no file"),
        ("\0/x.toml", "not a usable path"),
        (3, "must be a name, a path, a dict or a Scenario, was int"),
        (None, "was NoneType"),
    ],
)
def test_a_scenario_that_does_not_exist_is_refused(source: Any, expected: str) -> None:
    assert expected in broken(source)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"purpose = 'x'\nprice = = 3\n", "line 2"),
        (b"purpose = 'x'\npurpose = 'y'\n", "line 2"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"", "2 problems"),
    ],
)
def test_a_broken_file_is_named_with_the_line(tmp_path: Path, text: bytes, expected: str) -> None:
    file = tmp_path / "bad.toml"
    file.write_bytes(text)
    message = broken(file)
    assert str(file) in message
    assert expected in message


def test_a_folder_is_not_a_scenario(tmp_path: Path) -> None:
    assert "is a folder" in broken(tmp_path)


BAD_VENUES: list[tuple[dict[str, Any], list[str]]] = [
    ({"maker_fee": "-0.06%"}, ["maker_fee = '-0.06%'", "may not exceed taker_fee"]),
    ({"taker_fee": "-0.01%"}, ["taker_fee = '-0.01%'", "must be >= 0%"]),
    ({"taker_fee": "20%"}, ["taker_fee = '20%'", "must be <= 10%"]),
    ({"taker_fee": 0.0005}, ["taker_fee = 0.0005", "a percentage in quotes"]),
    ({"order_latency": "2d"}, ["order_latency = '2d'", "must be <= 1h"]),
    ({"order_latency": "soon"}, ["order_latency = 'soon'", "a duration with its unit"]),
    ({"order_latency": 5}, ["order_latency = 5", "a duration with its unit"]),
    ({"cancel_latency": {"sigma": 0.5}}, ["cancel_latency.median: is missing"]),
    ({"data_latency": {"sgima": 0.5}}, ["data_latency.sgima: unknown key", "did you mean 'sigma'"]),
    (
        {"order_latency": {"median": "5ms", "sigma": 4.0}},
        ["order_latency.sigma = 4.0", "must be <= 3"],
    ),
    (
        {"order_latency": {"median": "5ms", "minimum": "6ms"}},
        ["order_latency.minimum = '6ms'", "must be <= the median, 5ms"],
    ),
    (
        {"acknowledgement_latency": {"samples": ["1ms"], "median": "5ms", "sigma": 1.0}},
        ["acknowledgement_latency.median", "latency.sigma = 1.0", "a table of samples has none"],
    ),
    ({"order_latency": {"samples": []}}, ["order_latency.samples = []", "needs at least 1"]),
    ({"order_latency": {"samples": ["1ms"] * 11}}, ["order_latency.samples", "at most 10"]),
    ({"order_latency": {"samples": ["1ms", "2h"]}}, ["samples.1 = '2h'", "must be <= 1h"]),
    ({"as_of": "yesterday"}, ["as_of = 'yesterday'", "must be a date"]),
    ({"sources": "Binance"}, ["sources = 'Binance'", "must be a list"]),
    ({"orders.amend_keeps_priority": "no"}, ["orders.amend_keeps_priority", "true or false"]),
    ({"orders.modify_keeps_priority": True}, ["modify_keeps_priority", "unknown key"]),
    ({"orders.post_only": "move"}, ["orders.post_only = 'move'", "known: reject, slide"]),
    ({"orders.self_trade": "cancel"}, ["orders.self_trade = 'cancel'", "known: allow, decrement"]),
    ({"orders.maximum_orders": -1}, ["orders.maximum_orders = -1", "must be >= 0"]),
    ({"orders.iceberg_parts": 0}, ["orders.iceberg_parts = 0", "must be >= 1"]),
    ({"orders.rate_interval": "2h"}, ["orders.rate_interval = '2h'", "must be <= 1h"]),
    ({"perpetual.price_band": "200%"}, ["perpetual.price_band", "must be <= 100%"]),
    (
        {"perpetual.matching": "lottery"},
        ["perpetual.matching = 'lottery'", "price_time, pro_rata"],
    ),
    ({"perpetual.top_share": "150%"}, ["perpetual.top_share", "must be <= 100%"]),
    ({"perpetual.initial_margin": "300%"}, ["perpetual.initial_margin", "must be <= 100%"]),
    (
        {"perpetual.maintenance_margin": "2%"},
        ["perpetual.maintenance_margin = '2%'", "less than initial_margin"],
    ),
    ({"spot.tick": "0"}, ["spot.tick = '0'", "must be > 0"]),
    ({"option.lot": 0.1}, ["option.lot = 0.1", "quote it"]),
    (
        {"spot.tick": "0.0001", "spot.lot": "0.00001"},
        ["spot.tick", "x lot 0.00001", "a whole number of quanta"],
    ),
    ({"spto": {}}, ["spto: unknown key", "did you mean 'spot'?"]),
    ({"spot": 1}, ["spot = 1", "must be a table"]),
]


@pytest.mark.parametrize(("changes", "expected"), BAD_VENUES)
def test_a_bad_venue_is_refused_with_its_key(changes: dict[str, Any], expected: list[str]) -> None:
    with pytest.raises(ScenarioError) as caught:
        load_venue(venue_with(changes))
    for part in expected:
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (("rate = 6.0", ""), "rate: is missing"),
        (("rate = 6.0", "rate = -6.0"), "rate = -6.0: must be > 0"),
        (("rate = 6.0", "rat = 6.0"), "did you mean 'rate'?"),
        (("probability_add = 0.4", "probability_add = 0.93"), "together they must be <= 1"),
        (("slots = 160", "slots = 24"), "must be more than twice touch_slots = 12"),
    ],
)
def test_a_bad_flow_preset_is_refused(tmp_path: Path, edit: tuple[str, str], expected: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(content.resolve("flows", "thin").read_text().replace(*edit, 1))
    with pytest.raises(ScenarioError) as caught:
        load_flow(str(file))
    assert str(file) in str(caught.value)
    assert expected in str(caught.value)


def test_every_field_is_described() -> None:
    schema = Scenario.model_json_schema()
    models = [schema, *schema["$defs"].values()]
    keys = [field for model in models for field in model.get("properties", {}).values()]
    assert len(keys) > 50
    assert all("description" in field for field in keys)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"price.tick": "30d"}, ["price.tick", "at most the decision interval of 60 s"]),
        ({"price.start": "5"}, ["price.start, 5", "at least 100 ticks of 0.1"]),
        ({"price.start": "0.0001"}, ["price.start, 0.0001", "at least 1: quote a larger unit"]),
        ({"venue": "cme", "account.leverage": 5.0}, ["account.leverage", "at most 2.5"]),
    ],
)
def test_a_scale_that_no_market_has_is_refused(
    changes: dict[str, Any], expected: list[str]
) -> None:
    with pytest.raises(ScenarioError) as caught:
        compile_world(load_scenario("calm", changes), get_task("GammaScalp"))
    for part in expected:
        assert part in str(caught.value)
