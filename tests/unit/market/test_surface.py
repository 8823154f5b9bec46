"""The volatility surface: SSVI, what rules out arbitrage, how it follows the price, marks on it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gammagym.exchange.options import black_value
from gammagym.market.surface import (
    LARGEST_FACTOR,
    at_the_money_volatility,
    move_surface,
    smile_volatility,
    term_volatility,
)
from gammagym.reference.surface import Slice, SurfaceTerms
from gammagym.scenario.option_market import write_option_market
from gammagym.scenario.options import SURFACE_PRESETS, Options, arbitrage, ssvi
from gammagym.scenario.options import term_volatility as planned_term
from gammagym.scenario.tasks import Leg
from gammagym.world import empty_worlds
from gammagym.world.codes import CALL, PUT
from gammagym.world.sizes import YEAR_NS

DAY = YEAR_NS // 365
STRIKES = np.linspace(-2.5, 2.5, 401)
LEAN = {"skew": -0.25, "curvature": 1.2, "skew_decay": 0.4}
QUIET = {"price.volatility": 0.0, "warmup": "0s"}


def surface_of(**keys: Any) -> tuple[Any, SurfaceTerms]:
    """Return the kernel's surface of a scenario's keys, and the same in plain Python."""
    own = Options(**keys).parameters(0.6)
    world = empty_worlds(1)[0]

    class OfOptions:
        name, options = "test", Options(**keys)

    write_option_market(world.view(np.recarray), OfOptions(), 0.6)  # pyright: ignore[reportArgumentType]
    surface = world["surface"]
    names = ("long_volatility", "short_volatility", "term_rate", "correlation", "curvature")
    names += ("decay", "stickiness", "reversion")
    assert arbitrage(own) is None
    return surface, SurfaceTerms(*(float(surface[name]) for name in names))


SURFACES = {
    "btc": {"preset": "btc"},
    "eth": {"preset": "eth"},
    "lean": LEAN,
    "upwards": {"skew": 0.3, "curvature": 0.8},
    "storm": {**LEAN, "short_volatility": 1.4, "term_half_life": "4d"},
}


@pytest.mark.parametrize("keys", SURFACES.values(), ids=SURFACES)
@pytest.mark.parametrize("days", [1 / 24, 1.0, 7.0, 30.0, 365.0])
def test_the_kernel_follows_the_plain_formula(keys: dict[str, Any], days: float) -> None:
    surface, terms = surface_of(**keys)
    years = days / 365
    at_the_money = terms.term_volatility(years)
    assert term_volatility(surface, years) == pytest.approx(at_the_money, rel=1e-12)
    assert planned_term(Options(**keys).parameters(0.6), years) == pytest.approx(at_the_money)
    for k in STRIKES[::20]:
        plain = math.sqrt(terms.total_variance(at_the_money**2 * years, float(k)) / years)
        assert smile_volatility(surface, at_the_money, years, float(k)) == pytest.approx(plain)


@pytest.mark.parametrize("keys", SURFACES.values(), ids=SURFACES)
def test_slope_and_curvature_at_the_money_are_those_of_the_scenario(keys: dict[str, Any]) -> None:
    surface, terms = surface_of(**keys)
    own, years, step = Options(**keys).parameters(0.6), 30 / 365, 1e-3
    low, middle, high = (
        smile_volatility(surface, terms.term_volatility(years), years, k)
        for k in (-step, 0.0, step)
    )
    assert (high - low) / (2 * step) == pytest.approx(own["skew"], rel=1e-4)
    assert (high - 2 * middle + low) / step**2 == pytest.approx(own["curvature"], rel=1e-3)


# --- No arbitrage ----------------------------------------------------------------------------


def durrleman(terms: SurfaceTerms, theta: float) -> Any:
    """Return g(k) of a slice on STRIKES: where it is negative, a butterfly costs less than nothing.

    g = (1 - k w'/2w)^2 - w'^2/4 (1/w + 1/4) + w''/2, by the derivatives of SSVI.
    """
    phi, rho, k = terms.phi(theta), terms.rho, STRIKES
    bent = phi * k + rho
    root = np.sqrt(bent**2 + 1 - rho**2)
    w = theta / 2 * (1 + rho * phi * k + root)
    first = theta / 2 * phi * (rho + bent / root)
    second = theta / 2 * phi**2 * (1 - rho**2) / root**3
    return (1 - k * first / (2 * w)) ** 2 - first**2 / 4 * (1 / w + 0.25) + second / 2


def assert_free_of_arbitrage(terms: SurfaceTerms, factor: float) -> None:
    before = np.zeros(len(STRIKES))
    for years in (1 / 8760, 1 / 365, 7 / 365, 30 / 365, 0.25, 1.0):
        theta = (factor * terms.term_volatility(years)) ** 2 * years
        assert (durrleman(terms, theta) > -1e-12).all()
        now = np.array([terms.total_variance(theta, float(k)) for k in STRIKES])
        assert (now >= before).all()
        before = now


@pytest.mark.parametrize("keys", SURFACES.values(), ids=SURFACES)
@pytest.mark.parametrize("factor", [1 / LARGEST_FACTOR, 1.0, LARGEST_FACTOR])
def test_no_butterfly_and_no_calendar_spread_costs_less_than_nothing(
    keys: dict[str, Any], factor: float
) -> None:
    assert_free_of_arbitrage(surface_of(**keys)[1], factor)


@given(
    st.floats(0.1, 1.5),
    st.floats(0.1, 1.5),
    st.floats(-1.0, 1.0),
    st.floats(-0.2, 10.0),
    st.floats(0.0, 0.5),
)
def test_what_the_check_lets_through_admits_no_arbitrage(
    level: float, short: float, skew: float, curvature: float, decay: float
) -> None:
    keys = {"implied_volatility": level, "short_volatility": short, "term_half_life": "10d"}
    keys |= {"skew": skew, "curvature": curvature, "skew_decay": decay}
    assume(arbitrage(Options(**keys).parameters(level)) is None)
    assert_free_of_arbitrage(surface_of(**keys)[1], LARGEST_FACTOR)


def test_what_the_check_refuses_has_a_butterfly_that_costs_less_than_nothing() -> None:
    own = Options(skew=-3.0, curvature=1.0).parameters(0.6)
    assert "butterflies" in (arbitrage(own) or "")
    rho, eta, gamma = ssvi(own)
    terms = SurfaceTerms(0.6, 0.6, 1.0, rho, eta, gamma, 1.0, 1.0)
    assert (durrleman(terms, (LARGEST_FACTOR * 0.6) ** 2) < 0).any()


@pytest.mark.parametrize("preset", SURFACE_PRESETS)
@pytest.mark.parametrize("days", [1, 7, 30, 180])
def test_calls_cost_less_the_higher_the_strike_and_the_less_so(preset: str, days: int) -> None:
    surface, terms = surface_of(preset=preset)
    years, strikes = days / 365, np.linspace(30.0, 250.0, 441)
    level = terms.term_volatility(years)
    calls = np.array(
        [
            black_value(
                CALL, 100.0, k, smile_volatility(surface, level, years, math.log(k / 100)), years
            )
            for k in strikes
        ]
    )
    slopes = np.diff(calls) / np.diff(strikes)
    assert (slopes <= 1e-12).all()
    assert (slopes >= -1 - 1e-12).all()
    assert (np.diff(slopes) >= -1e-9).all()


# --- In a world ------------------------------------------------------------------------------

SPREAD_OUT = (
    Leg("call", 1.0, 1.0),
    Leg("put", 1.0, 1.0),
    Leg("put", 1.0, 0.9),
    Leg("call", 1.0, 1.1),
    Leg("call", 1.0, 1.0, 30.0),
)


def smiling(make_worlds: Any, scenario: str = "textbook", n: int = 1, **keys: Any) -> Any:
    """Return worlds of five options with a surface."""
    changes = {f"options.{name}": value for name, value in (LEAN | keys).items()} | QUIET
    options = {"horizon_seconds": 7_200.0, "decision_interval": 60.0}
    return make_worlds(scenario, n=n, overrides=changes, book=SPREAD_OUT, **options)


def test_options_open_on_the_surface(make_worlds: Any) -> None:
    world = smiling(make_worlds).worlds[0]
    contracts = world["instruments"][1:6]
    _, terms = surface_of(implied_volatility=0.2, **LEAN)
    for contract in contracts:
        years = float(contract["expiry_ns"]) / YEAR_NS
        k = math.log(contract["strike"] / world["price"]["value"])
        assert contract["implied_volatility"] == pytest.approx(Slice(terms).volatility(years, k))
    at_money, puts, calls = contracts["implied_volatility"][[0, 2, 3]]
    assert puts > at_money
    assert contracts["implied_volatility"][0] == contracts["implied_volatility"][1]
    assert calls != puts


def test_a_call_less_a_put_is_the_forward_less_the_strike(make_worlds: Any) -> None:
    run = smiling(make_worlds, volatility_of_volatility=2.0)
    for _ in range(5):
        run.step(np.zeros((1, 2)))
        call, put = run.worlds["instruments"][0, 1:3]
        forward = run.worlds["price"]["value"][0]
        assert (call["kind"], put["kind"]) == (CALL, PUT)
        assert call["value"] - put["value"] == pytest.approx(forward - call["strike"], abs=1e-8)
        assert call["implied_volatility"] != 0.2


def nudge(world: Any, log_move: float, elapsed_ns: int = 0) -> None:
    """Move price and surface by hand."""
    world["price"]["previous"] = world["price"]["value"]
    world["price"]["value"] *= math.exp(log_move)
    world["price"]["tick"] += 1
    world["time_ns"] += elapsed_ns
    move_surface(world, elapsed_ns)
    contracts = world["instruments"]
    contracts["implied_volatility"] += contracts["volatility_change"]
    contracts["volatility_change"] = 0.0


def test_with_sticky_strikes_volatilities_near_the_money_stay_to_first_order(
    make_worlds: Any,
) -> None:
    run = smiling(make_worlds, skew_stickiness=1.0)
    moved = []
    for size in (0.002, 0.001):
        world = run.worlds.copy()[0]
        before = world["instruments"]["implied_volatility"][1:3].copy()
        nudge(world, -size)
        moved.append(np.abs(world["instruments"]["implied_volatility"][1:3] - before).max())
    slope = 0.25 * (30 / 7) ** 0.4
    assert moved[0] < 0.05 * slope * 0.002
    assert moved[1] == pytest.approx(moved[0] / 4, rel=0.1)  # of second order


def test_with_sticky_moneyness_the_smile_goes_along_with_the_price(make_worlds: Any) -> None:
    world = smiling(make_worlds, skew_stickiness=0.0).worlds[0]
    before = world["instruments"]["implied_volatility"][1:6].copy()
    nudge(world, -0.1)
    world["instruments"]["strike"][1:6] *= math.exp(-0.1)
    nudge(world, 0.0)
    assert world["instruments"]["implied_volatility"][1:6] == pytest.approx(before, rel=1e-12)


@pytest.mark.parametrize("ratio", [-1.0, 0.0, 0.7, 2.0])
def test_every_option_follows_the_plain_surface_along_a_path(
    make_worlds: Any, ratio: float
) -> None:
    changes: dict[str, Any] = {"skew_stickiness": ratio, "volatility_of_volatility": 1.5}
    changes |= {"short_volatility": 0.4, "term_half_life": "5d", "volatility_half_life": "1h"}
    world = smiling(make_worlds, **changes).worlds[0]
    _, terms = surface_of(implied_volatility=0.2, **LEAN | changes)
    slices = [Slice(terms) for _ in SPREAD_OUT]
    random = np.random.default_rng(3)
    for _ in range(60):
        move, elapsed = float(random.normal(0, 0.004)), int(random.integers(1, 120)) * 10**9
        nudge(world, move, elapsed)
        for slice_, contract in zip(slices, world["instruments"][1:6], strict=True):
            years = (int(contract["expiry_ns"]) - int(world["time_ns"])) / YEAR_NS
            slice_.follow(years, elapsed / YEAR_NS, move, float(world["surface"]["level"]))
            k = math.log(contract["strike"] / world["price"]["value"])
            expected = slice_.volatility(years, k)
            assert contract["implied_volatility"] == pytest.approx(expected, rel=1e-9)
    assert world["surface"]["level"] != 0.0


def test_volatilities_at_the_money_are_led_no_further_than_three_times_either_way(
    make_worlds: Any,
) -> None:
    world = smiling(make_worlds, skew_stickiness=2.0).worlds[0]
    contract = world["instruments"][1]
    years = float(contract["expiry_ns"]) / YEAR_NS
    first = at_the_money_volatility(world, contract, years)
    nudge(world, -2.0)
    assert at_the_money_volatility(world, contract, years) == pytest.approx(LARGEST_FACTOR * first)
    nudge(world, 8.0)
    assert at_the_money_volatility(world, contract, years) == pytest.approx(first / LARGEST_FACTOR)


def test_a_flat_surface_that_stands_still_is_the_volatility_of_the_scenario(
    make_worlds: Any,
) -> None:
    """Every option keeps the one number to the bit, also where the price moves."""
    run = make_worlds("calm", "GammaScalp", n=2, horizon_seconds=600.0, decision_interval=60.0)
    shaped = make_worlds(
        "calm",
        "GammaScalp",
        n=2,
        horizon_seconds=600.0,
        decision_interval=60.0,
        overrides={"options.volatility_of_volatility": 1e-300},
    )
    assert not run.worlds["surface"]["shaped"].any()
    assert shaped.worlds["surface"]["shaped"].all()
    for _ in range(9):
        for one in (run, shaped):
            one.step(np.full((2, 2), 0.3))
        assert (run.worlds["instruments"]["implied_volatility"][:, 1:3] == 0.6).all()
        assert run.observations.tobytes() == shaped.observations.tobytes()
        assert run.rewards.tobytes() == shaped.rewards.tobytes()
    assert run.worlds["cash"].tobytes() == shaped.worlds["cash"].tobytes()


def test_smiles_of_the_last_hour_are_those_of_an_hour_and_values_go_to_the_payoff(
    make_worlds: Any,
) -> None:
    legs = (Leg("call", 1.0, 1.02, 0.5 / 24), Leg("put", 1.0, 0.98, 0.5 / 24))
    keys = {f"options.{name}": value for name, value in LEAN.items()}
    run = make_worlds(
        "textbook", overrides=keys, book=legs, horizon_seconds=3_600.0, decision_interval=60.0
    )
    seen = []
    while not run.over:
        run.step(np.zeros((1, 2)))
        contracts = run.worlds["instruments"][0, 1:3]
        assert np.isfinite(contracts["implied_volatility"]).all()
        assert (contracts["implied_volatility"] < 5.0).all()
        seen.append(contracts["value"].copy())
    assert run.worlds["instruments"]["settled"][0, 1:3].all()
    assert np.abs(np.diff(seen, axis=0)).max() < 0.5  # no jump at expiry, far from the money
