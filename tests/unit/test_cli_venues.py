"""Venues on the command line: their rules as tables, and tournaments over several of them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import gymnasium as gym
import pytest
from typer.testing import CliRunner

import gammagym
from gammagym import content
from gammagym.cli import app
from gammagym.errors import ScenarioError
from gammagym.scenario.load import load_scenario, load_venue
from gammagym.venues.tables import rules

OWN_VENUE = """\
# A small exchange of my own.
purpose = "An exchange of my own"
as_of = 2026-01-01
sources = ["my own notes"]
unverified = ["perpetual.tiers", "liquidation_fee"]
maker_fee = "0.01%"
taker_fee = "0.04%"
discounts = { token = "10%", referral = "5%" }
order_latency = "5ms"
data_latency = "5ms"
liquidation_fee = "0.5%"

[perpetual]
tick = "0.1"
lot = "0.001"
funding_interval = "8h"
tiers = [
    { to = 1_000_000, maintenance = "0.5%", leverage = 100 },
    { maintenance = "1%", leverage = 50 },
]

[[changes]]
at = 2026-01-05T01:00:00Z
key = "taker_fee"
value = "0.045%"
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text(OWN_VENUE)
    return tmp_path


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, [str(each) for each in arguments])


# --- The rules of a venue --------------------------------------------------------------------


def test_the_list_says_what_is_traded_and_what_it_costs() -> None:
    line = next(each for each in run("venues").output.splitlines() if "binance_coinm" in each)
    assert "inverse perpetual, future" in line
    assert "0.05%" in line
    assert "2025-09-18" in line
    found = {each["name"]: each for each in json.loads(run("venues", "--json").output)}
    assert found["cme"]["contracts"] == "linear future, option"


@pytest.mark.parametrize("name", content.available("venues"))
def test_the_rules_of_every_venue_are_shown(name: str) -> None:
    text = run("venues", name).output
    venue = load_venue(name)
    assert str(venue.as_of) in text
    assert all(source in text for source in venue.sources)
    for title in ("Contracts", "Fees", "Marks and index", "Liquidation", "Orders", "Calendar"):
        assert f"\n{title}" in text
    assert ("* no source confirms" in text) == bool(venue.unverified)


@pytest.mark.parametrize("name", content.available("venues"))
def test_every_section_that_is_unverified_has_a_star(name: str) -> None:
    venue = load_venue(name)
    texts = [
        text
        for table in rules(venue)
        for text in (table.title, table.note, *(cell for row in table.rows for cell in row))
    ]
    stars = sum(text.endswith(" *") for text in texts)
    assert bool(stars) == bool(venue.unverified)


def test_the_rules_of_binance_are_tables() -> None:
    text = run("venues", "binance").output
    assert "Twelve margin tiers" in text
    for words in (
        ["0", "300,000", "0.4%", "150", "0"],
        ["25,000,000,000", "0%", "0.017%"],
        ["cap", "±0.3%", "an", "interval"],
        ["fee", "1.2%", "*"],
        ["positions", "one", "way,", "hedge"],
    ):
        assert any(line.split() == words for line in text.splitlines()), words
    assert "Margin tiers of a future *" in text
    assert "Margin tiers of a perpetual\n" in text


def test_calendar_portfolio_and_units_of_coins_are_shown() -> None:
    assert "America/Chicago" in run("venues", "cme").output
    text = run("venues", "deribit").output
    assert "-16%, -12%, -8%" in text
    assert "1 contract " in text
    assert "0.005% for each BTC" in text


def test_a_venue_of_ones_own_is_shown_by_its_path() -> None:
    text = run("venues", "./mine.toml").output
    assert "A small exchange of my own." in text
    assert "Discounts: token 10%, referral 5%" in text
    assert "and more" in text
    assert "2026-01-05 01:00 UTC" in text
    assert json.loads(run("venues", "./mine.toml", "--json").output)["name"] == "mine"


def test_the_example_of_the_documentation_is_a_venue(folder: Path) -> None:
    page = content.PACKAGE.parent / "docs" / "venues.md"
    if not page.is_file():
        pytest.skip("only a checkout has the documentation")
    example = page.read_text("utf-8").split("```toml\n")[1].split("```")[0]
    (folder / "my_exchange.toml").write_text(example, "utf-8")
    venue = load_venue("./my_exchange.toml")
    assert venue.perpetual is not None
    assert [tier.amount for tier in venue.perpetual.tiers] == [0, 2_500, 77_500]
    env: Any = gym.make("gammagym/GammaScalp-v0", scenario="calm@./my_exchange.toml")
    changes = env.unwrapped.compiled.template[0]["changes"]
    assert changes["time_ns"][0] == 2 * 3_600 * 10**9
    assert changes["value_e9"][0] == 50_000


# --- Scenarios at venues ---------------------------------------------------------------------


def test_a_scenario_can_be_placed_at_a_venue() -> None:
    scenario = load_scenario("calm@binance")
    assert (scenario.name, scenario.venue) == ("calm @ binance", "binance")
    assert scenario.price == load_scenario("calm").price
    on_terms = load_scenario("calm@binance:discounts=all,fee_credit=100,leverage=5")
    assert on_terms.name == "calm @ binance, discounts, fee credit 100, leverage 5.0"
    assert (on_terms.account.discounts, on_terms.account.leverage) == (("all",), 5.0)


def test_funding_is_the_venues_unless_the_scenario_imposes_it() -> None:
    assert load_scenario("calm@binance").funding is None
    assert load_scenario("trending@binance").funding == load_scenario("trending").funding


def test_paths_and_venues_of_ones_own_can_be_placed(folder: Path) -> None:
    (folder / "my@calm.toml").write_bytes(content.resolve("scenarios", "calm").read_bytes())
    assert load_scenario("./my@calm.toml").name == "my@calm"
    scenario = load_scenario("./my@calm.toml@./mine.toml")
    assert scenario.name == "my@calm @ mine"
    assert Path(scenario.venue) == folder / "mine.toml"


def test_an_environment_can_be_made_at_a_venue() -> None:
    env: Any = gym.make("gammagym/GammaScalp-v0", scenario="calm@weex", horizon_seconds=600.0)
    assert env.unwrapped.compiled.venue.name == "weex"


def test_all_discounts_act_one_after_the_other() -> None:
    from gammagym.envs.core import build

    base = build("GammaScalp", "calm@./mine.toml", None, None, {})
    cheap = build("GammaScalp", "calm@./mine.toml:discounts=all", None, None, {})
    account = base.template[0]["agents"][0]["hedge_account"]
    discounts = [each.template[0]["accounts"][account]["discount_e9"] for each in (base, cheap)]
    assert discounts == [0, 145_000_000]


def test_the_terms_are_not_those_of_the_account_at_another_venue() -> None:
    # COIN-M lists no options: the book is held elsewhere, where nobody knows of its discounts.
    from gammagym.envs.core import build

    world = build("GammaScalp", "calm@binance_coinm:discounts=token", None, None, {}).template[0]
    agent, accounts = world["agents"][0], world["accounts"]
    assert accounts[agent["hedge_account"]]["discount_e9"] == 100_000_000
    assert accounts[agent["book_account"]]["discount_e9"] == 0


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("calm@binnance", "did you mean 'binance'"),
        ("clam@binance", "did you mean 'calm'"),
        ("calm@", "expected SCENARIO@VENUE"),
        ("@binance", "expected SCENARIO@VENUE"),
        ("calm@binance:discount=all", "did you mean 'discounts'"),
        ("calm@binance:leverage=", "expected key=value"),
        ("calm@binance:leverage=x", "account.leverage"),
        ("calm@./nowhere.toml", "there is no file"),
    ],
)
def test_wrong_references_are_refused(reference: str, message: str) -> None:
    with pytest.raises(ScenarioError, match=re.escape(message)):
        load_scenario(reference)


def test_a_discount_that_the_venue_has_not_is_refused() -> None:
    with pytest.raises(ScenarioError, match="no discount 'tokn'"):
        gym.make("gammagym/GammaScalp-v0", scenario="calm@binance:discounts=tokn")


# --- Tournaments -----------------------------------------------------------------------------

SMALL = ["tournament", "--agents", "fixed_interval", "--seeds", "2", "--horizon", "1800"]


def test_a_tournament_compares_venues(folder: Path) -> None:
    command = [*SMALL, "--venues", "weex,./mine.toml", "--bonus", "1", "--jobs", "1"]
    result = run(*command)
    assert result.exit_code == 0, result.output
    assert "Cost by agent and venue" in result.output
    assert "discounts, fee credit 1 " in result.output
    page = (folder / "results" / "report.html").read_text("utf-8")
    assert "<h2>Cost by venue</h2>" in page
    assert "calm @ weex, discounts, fee credit 1" in page
    found = json.loads(run(*command, "--json").stdout)
    assert list(found["scenarios"]) == [
        "calm @ weex",
        "calm @ weex, discounts, fee credit 1",
        "calm @ mine",
        "calm @ mine, discounts, fee credit 1",
    ]
    lines = found["venues"]
    assert [line["venue"] for line in lines] == ["weex", "weex", "mine", "mine"]
    for dear, cheap in (lines[:2], lines[2:]):
        assert dear["fees"] > cheap["fees"] > 0
        assert dear["cost"] > cheap["cost"]
        assert dear["cost"] - cheap["cost"] == pytest.approx(dear["fees"] - cheap["fees"])
    again = json.loads(run("report", "results", "--json").stdout)
    assert again["venues"] == lines


def test_results_by_venue_do_not_depend_on_the_number_of_jobs() -> None:
    command = [*SMALL, "--venues", "bybit,deribit", "--no-discounts", "--json"]
    one = json.loads(run(*command, "--jobs", "1", "--out", "one").stdout)
    two = json.loads(run(*command, "--jobs", "2", "--out", "two").stdout)
    assert one["venues"] == two["venues"]
    assert {line["terms"] for line in one["venues"]} == {""}


def test_all_venues_are_those_that_ship() -> None:
    from gammagym.evaluation.plan import at_venues

    assert at_venues(["calm"], ["all"]) == tuple(
        f"calm@{name}" for name in content.available("venues")
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--venues", "binnance"], "did you mean 'binance'"),
        (["--venues", "binance", "--scenarios", "calm@bybit"], "names a venue already"),
        (["--venues", "binance,binance"], "is given twice"),
        (["--venues", "binance", "--bonus", "-1"], "--bonus"),
    ],
)
def test_mistakes_with_venues_are_one_line(arguments: list[str], message: str) -> None:
    result = run(*SMALL, *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert not Path("results").exists()


def test_the_public_loader_knows_venues() -> None:
    assert gammagym.load_scenario("calm@cme").venue == "cme"
