"""Tasks: what they hand over, what scenarios and venues leave them, and what is refused."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from gammagym.envs.core import agent_spec, build
from gammagym.errors import ScenarioError
from gammagym.exchange.options import black_value
from gammagym.scenario.load import list_scenarios, load_scenario
from gammagym.scenario.tasks import TASKS, Hedge, Leg, Task, get_task
from gammagym.world.codes import CALL, FLOW_CROWD, FLOW_NONE, PUT

TEN_DAYS = Hedge("future", 10.0)


def compiled(task: Any = "GammaScalp", scenario: Any = "calm", **options: Any) -> Any:
    return build(task, scenario, None, None, options)


# --- Tasks in scenarios ----------------------------------------------------------------------

# Contracts that settle in coins are at other venues than these scenarios name; of some of them the
# further markets are at no such venue.
MOVABLE = (
    "adl_event",
    "backwardation",
    "basis_blowout",
    "btc",
    "cme_weekend_gap",
    "contango",
    "counterparty_default",
    "es_2010_05_06",
    "eth_gdax_2017_06_21",
    "expiry_pin",
    "funding_spike",
    "liquidation_cascade",
    "textbook",
)
LINEAR = (
    "basis",
    "binance_us_2021_10_21",
    "btc_2020_03_12",
    "btc_2021_05_19",
    "btc_2024_08_05",
    "cascade_2025_10_10",
    "ftx_2022_11",
    "two_venues",
)


@pytest.fixture(scope="module")
def prices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file of prices that is long enough for tasks of a month."""
    start = datetime(2024, 1, 1, tzinfo=UTC)
    rows = ["timestamp,price"]
    for hour in range(24 * 32):
        price = 60_000 * math.exp(0.05 * math.sin(hour / 7))
        rows.append(f"{(start + timedelta(hours=hour)).isoformat()},{price:.2f}")
    path = tmp_path_factory.mktemp("prices") / "month.csv"
    path.write_text("\n".join(rows))
    return path


@pytest.mark.parametrize("scenario", sorted(list_scenarios()))
def test_every_task_can_be_played_in_a_scenario_or_says_what_to_do(
    scenario: str, prices: Path
) -> None:
    file = {"price.file": str(prices)} if scenario.startswith("replay") else {}
    for task in TASKS:
        if task == "InverseGammaScalp" and scenario in MOVABLE + LINEAR:
            with pytest.raises(ScenarioError, match=r"linear.*add venue='deribit', book_venue="):
                build(task, scenario, None, file, {})
            continue
        made = build(task, scenario, None, file, {})
        assert agent_spec(made).gross_quantity == 10.0


@pytest.mark.parametrize("scenario", MOVABLE)
def test_the_advice_of_the_refusal_is_right(scenario: str) -> None:
    made = compiled("InverseGammaScalp", scenario, venue="deribit", book_venue="deribit")
    assert made.template["instruments"]["inverse"][0, 0] == 1


@pytest.mark.parametrize("scenario", LINEAR)
def test_where_markets_are_at_other_venues_the_refusal_names_them(scenario: str) -> None:
    with pytest.raises(ScenarioError, match=r"\[spot\]|is none of the world's"):
        compiled("InverseGammaScalp", scenario, venue="deribit", book_venue="deribit")


def test_the_documentation_lists_what_is_refused() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs/environments/tasks.md").read_text()
    listed = [line for line in page.splitlines() if line.startswith("| `")]
    for names in (MOVABLE, LINEAR):
        assert any(
            line.startswith(f"| {' '.join(f'`{name}`' for name in names)} |") for line in listed
        )


# --- What is handed over ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("task", "kind", "strike", "stake"),
    [("CoveredCall", CALL, 66_000.0, 18_451), ("ProtectivePut", PUT, 54_000.0, 16_130)],
)
def test_a_month_has_the_stake_of_the_closed_form(
    task: str, kind: int, strike: float, stake: int
) -> None:
    """Beside an independent figure: half of gamma, by differences, times squared moves."""
    years, step = 30 / 365, 1.0
    values = [
        black_value(kind, 60_000.0 + shift, strike, 0.6, years) for shift in (-step, 0.0, step)
    ]
    gamma = 10.0 * (values[0] - 2.0 * values[1] + values[2]) / step**2
    expected = 0.5 * gamma * 60_000.0**2 * 0.6**2 * years
    spec = agent_spec(compiled(task))
    assert spec.stake == pytest.approx(expected, rel=1e-3)
    assert round(spec.stake) == stake
    assert (spec.horizon_seconds, spec.decision_seconds) == (30 * 86_400.0, 3_600.0)


def test_a_task_without_a_book_trades_the_hedge_alone() -> None:
    made = compiled("SyntheticScalp")
    assert made.instruments == ("BTC-PERP",)
    assert agent_spec(made).largest_order == 2.0
    assert compiled("SyntheticScalp", size=4.0).task.gross_quantity == 4.0


def test_legs_and_hedges_may_be_plain_values() -> None:
    task = get_task(
        "GammaScalp",
        book=[{"kind": "call", "quantity": 1.0, "moneyness": 1.1}],
        hedges=["perpetual", {"kind": "future", "expiry_days": 10.0}],
        observation_fields=["net_delta"],
    )
    assert task.book == (Leg("call", 1.0, 1.1),)
    assert task.hedges == (Hedge("perpetual"), TEN_DAYS)
    assert task.observation_fields == ("net_delta",)


# --- Venues ----------------------------------------------------------------------------------


def venues_of(made: Any) -> tuple[str, str | None]:
    return made.scenario.venue, made.scenario.book_venue


def test_a_task_is_at_its_own_venues_where_the_scenario_names_none() -> None:
    assert venues_of(compiled("TwoVenueHedge")) == ("binance", "deribit")
    assert venues_of(compiled("InverseGammaScalp")) == ("deribit", "deribit")
    assert venues_of(compiled("GammaScalp")) == ("generic", None)


def test_what_a_scenario_says_of_venues_counts_more_than_the_task() -> None:
    assert venues_of(compiled("TwoVenueHedge", "calm@bybit")) == ("bybit", "deribit")
    assert venues_of(compiled("TwoVenueHedge", "ftx_2022_11")) == ("bybit", "generic")


def test_a_venue_by_keyword_counts_more_than_the_scenario() -> None:
    assert venues_of(compiled("GammaScalp", "btc", venue="bybit")) == ("bybit", "generic")
    made = compiled("TwoVenueHedge", "btc", venue="bybit", book_venue="deribit")
    assert venues_of(made) == ("bybit", "deribit")
    assert made.template["instruments"]["venue"][0, :3].tolist() == [0, 1, 1]


@pytest.mark.parametrize(
    ("scenario", "keywords"),
    [
        ("calm", {"venue": "deribit"}),
        ("calm", {"book_venue": "binance"}),
        ("calm@deribit", {}),
        ("btc", {"book_venue": "binance"}),
    ],
)
def test_two_venues_are_different_ones_or_the_task_says_otherwise(
    scenario: str, keywords: dict[str, str]
) -> None:
    with pytest.raises(ScenarioError, match=r"are both '(deribit|binance)'.* add two_venues=False"):
        compiled("TwoVenueHedge", scenario, **keywords)
    made = compiled("TwoVenueHedge", scenario, two_venues=False, **keywords)
    agent = made.template["agents"][0, 0]
    assert agent["book_account"] != agent["hedge_account"]
    with pytest.raises(ScenarioError, match="venue and book_venue are both 'generic'"):
        compiled("GammaScalp", two_venues=True)


def test_a_venue_is_named_once() -> None:
    with pytest.raises(ScenarioError, match="names a venue already"):
        compiled("GammaScalp", "calm@binance", venue="bybit")


def test_leverage_by_keyword_is_that_of_the_hedge_account() -> None:
    made = compiled(leverage=5.0)
    agent = made.template["agents"][0, 0]
    assert made.template["positions"]["initial_e9"][0, agent["hedge_account"], 0] == 200_000_000
    # A quarter more than the margin of all of it.
    assert agent["collateral_share"] == pytest.approx(1.25 / 5.0)
    with pytest.raises(ScenarioError, match="at most 50"):
        compiled(leverage=60.0)


def test_a_margined_book_has_brought_its_premium_and_its_collateral() -> None:
    from gammagym.envs.single import HedgeEnv

    env = HedgeEnv("TwoVenueHedge", book_collateral=0.2)
    env.reset(seed=1)
    agent = env.worlds["agents"][0, 0]
    book, hedge = agent["book_account"], agent["hedge_account"]
    assert env.worlds["accounts"]["margined"][0, [book, hedge]].tolist() == [1, 1]
    assert env.worlds["accounts"]["venue"][0, [book, hedge]].tolist() == [1, 0]
    assert env.worlds["cash"][0, book].tolist() == [0, 2 * 10**8]  # 0.2 x 10 coins
    assert env.worlds["cash"][0, hedge].tolist() == [60_000 * 10**8, 0]


# --- Hedges ----------------------------------------------------------------------------------


def hedges_of(made: Any) -> list[int]:
    agent = made.template["agents"][0, 0]
    return agent["hedges"][: agent["hedge_count"]].tolist()


def test_futures_to_hedge_with_are_markets_that_makers_quote() -> None:
    made = compiled("SpotHedge")
    assert made.instruments == ("BTC-PERP", "BTC-SPOT", "BTC-15D", "BTC-45D")
    assert hedges_of(made) == [0, 2, 3]
    contracts = made.template["instruments"][0, 2:4]
    assert contracts["flow"].tolist() == [FLOW_NONE, FLOW_NONE]
    assert (contracts["maker_size_lots"] > 0).all()
    agent = made.template["agents"][0, 0]
    assert agent["hedge_mask"] == 0b1101
    assert agent["working"]["instrument"][:3].tolist() == [0, 2, 3]
    assert set(agent["working"]["account"][:3]) == {agent["hedge_account"]}
    assert agent_spec(made).hedge_instruments == ("BTC-PERP", "BTC-15D", "BTC-45D")


def test_a_future_that_the_scenario_trades_is_hedged_with_in_its_own_market() -> None:
    made = compiled("GammaScalp", "contango", hedges=["perpetual", Hedge("future", 30.0)])
    rows = hedges_of(made)
    assert made.template["instruments"]["flow"][0, rows].tolist() == [FLOW_CROWD, FLOW_CROWD]
    assert len(made.instruments) == len(compiled("GammaScalp", "contango").instruments)


def test_a_future_may_be_the_only_hedge() -> None:
    made = compiled(hedges=[TEN_DAYS])
    assert agent_spec(made).hedge_instruments == ("BTC-10D",)
    assert made.template["agents"]["hedge_instrument"][0, 0] == hedges_of(made)[0] != 0


def test_optional_futures_are_left_out_where_the_venue_lists_none() -> None:
    assert hedges_of(compiled("SpotHedge", "calm@bybit")) == [0]
    with pytest.raises(ScenarioError, match=r"venue 'bybit' lists no futures.*'perpetual'"):
        compiled("GammaScalp", "calm@bybit", hedges=["perpetual", TEN_DAYS])


def test_hedging_in_the_first_hedge_alone_is_an_order_and_nothing() -> None:
    spec = agent_spec(compiled("SpotHedge"))
    assert spec.order(-1.0).tolist() == [-0.5, 1.0, 0.0, 0.0, 0.0, 0.0]
    assert agent_spec(compiled()).order(np.array([1.0, -3.0])).tolist() == [[0.5, 1.0], [-1.0, 1.0]]


# --- Refusals --------------------------------------------------------------------------------

BAD: list[tuple[str, Any, str]] = [
    ("horizon", 3_600.0, "did you mean 'horizon_seconds'"),
    ("horizon_seconds", "4h", "a number from 1 to"),
    ("decision_interval", True, "a number from 0.001"),
    ("decision_interval", 1e6, "at most horizon_seconds"),
    ("largest_order", -1.0, "a number from"),
    ("collateral", math.nan, "a number from 0 to"),
    ("book_collateral", "all", "a number from 0 to"),
    ("risk_aversion", -1, "a number from 0"),
    ("delta_limit", 0.0, "a number from"),
    ("loss_limit", "2 stakes", "a number from"),
    ("leverage", 0.5, "a number from 1"),
    ("size", 0.0, "a number from"),
    ("action_scheme", "hedges", "one of 'hedge', 'quotes', 'band'"),
    ("reward", "sharp", "one of 'relative', 'equity'"),
    ("flow", "spares", "one of 'thin', 'full'"),
    ("trade_options", "yes", "one of False, True"),
    ("contract", "coin", "one of 'linear', 'inverse'"),
    ("venue", 7, "the name or path of a venue"),
    ("venue", "binanse", "did you mean 'binance'"),
    ("book_venue", "nowhere", "known: "),
    ("book", "straddle", "a list or tuple"),
    ("book", Leg("call", 1.0), "a list or tuple"),
    ("book", [], "at least one Leg, or none with a size"),
    ("book", [{"kind": "call", "amount": 1.0}], "unexpected keyword argument 'amount'"),
    ("book", [("call", 1.0)], "Leg, or a mapping"),
    ("book", [Leg("call", 0.0)], "quantity other than 0"),
    ("book", [{"kind": "swap", "quantity": 1.0}], "of kind call, put"),
    ("book", [Leg("spot", 1.0), Leg("spot", 2.0)], "at most one of kind spot"),
    ("hedges", "perpetual", "a list or tuple"),
    ("hedges", ["swap"], "of kind perpetual or future"),
    ("hedges", [3], "Hedge, a mapping"),
    ("hedges", ["perpetual", "perpetual"], "different from each other"),
    ("hedges", ["perpetual", *(Hedge("future", day) for day in (3, 4, 5, 6))], "at most 4"),
    ("hedges", [Hedge("future", 0.5)], "the first does not expire before the episode"),
    ("observation_fields", "net_delta", "a list or tuple"),
    ("observation_fields", ["net_delat"], "did you mean 'net_delta'"),
]


@pytest.mark.parametrize(("key", "value", "told"), BAD, ids=[f"{key}={v!r}" for key, v, _ in BAD])
def test_what_cannot_be_is_refused_by_name_and_in_gymnasiums_own_way(
    key: str, value: Any, told: str
) -> None:
    with pytest.raises(ScenarioError) as caught:
        compiled(**{key: value})
    assert isinstance(caught.value, gym.error.Error)
    assert key.removeprefix("book_") in str(caught.value)
    assert told in str(caught.value)


def test_an_instrument_is_not_both_book_and_hedge() -> None:
    with pytest.raises(ScenarioError, match="none of the book"):
        compiled(book=[Leg("future", 1.0, expiry_days=10.0)], hedges=["perpetual", TEN_DAYS])


def test_a_task_of_ones_own_is_checked_alike() -> None:
    with pytest.raises(ScenarioError, match="task Mine: book_collateral must be left out"):
        get_task(Task("Mine", (), size=1.0, book_collateral=0.1))
    made = compiled(Task("Mine", (Leg("put", 1.0),), venue="deribit"), load_scenario("calm"))
    assert venues_of(made) == ("deribit", None)
