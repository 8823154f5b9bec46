"""Black-76: against QuantLib, finite differences, identities and the plain formula."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gammagym.exchange.calendar import expire
from gammagym.exchange.ledger import book_trade
from gammagym.exchange.options import are_a_pair, value_option, value_put
from gammagym.exchange.own_orders import limit_order
from gammagym.market.price import set_index
from gammagym.reference.options import Greeks, black_76
from gammagym.world.codes import BUY, CALL, FIRST_AGENT_ACCOUNT, GTC, PUT
from gammagym.world.sizes import YEAR_NS

DAY = YEAR_NS // 365
CASES = list(
    product((CALL, PUT), (45_000.0, 60_000.0, 75_000.0), (0.3, 0.6, 1.5), (1 / 24, 1.0, 7.0, 90.0))
)
STRIKE = 60_000.0


@pytest.fixture(scope="module")
def contract(make_exchange) -> Any:
    return make_exchange()["instruments"][1]


def greeks(contract, kind, forward, volatility, days, strike=STRIKE) -> Greeks:
    """Value an option with the kernel."""
    contract["kind"], contract["strike"] = kind, strike
    contract["implied_volatility"], contract["expiry_ns"] = volatility, round(days * DAY)
    value_option(contract, forward, 0)
    return Greeks(*(float(contract[name]) for name in Greeks._fields))


@pytest.mark.parametrize(("kind", "forward", "volatility", "days"), CASES)
def test_the_kernel_follows_the_plain_formula(contract, kind, forward, volatility, days):
    ours = greeks(contract, kind, forward, volatility, days)
    plain = black_76(kind, forward, STRIKE, volatility, round(days * DAY) / YEAR_NS)
    for mine, theirs, scale in zip(ours, plain, scales(forward, volatility, days), strict=True):
        assert mine == pytest.approx(theirs, rel=1e-9, abs=1e-11 * scale)


def scales(forward, volatility, days) -> list[float]:
    """Return the natural size of value and Greeks, to which accuracy is relative."""
    years = days / 365
    root = math.sqrt(years)
    vega = forward * root
    gamma = 1 / (forward * volatility * root)
    return [forward, 1.0, gamma, vega, vega * volatility / years, 1 / volatility, vega / volatility]


@pytest.fixture(scope="module")
def pair(make_exchange) -> Any:
    return make_exchange()["instruments"]


@pytest.mark.parametrize("volatility", [0.3, 0.6, 1.5])
@pytest.mark.parametrize("forward", [45_000.0, 59_999.9, 75_000.0])
@pytest.mark.parametrize("days", [1.0, 7.0, 90.0])
def test_a_put_that_follows_from_its_call_is_valued_to_the_bit_as_on_its_own(
    pair, forward, volatility, days
):
    call, put = pair[1], pair[2]
    alone = greeks(put, PUT, forward, volatility, days)
    greeks(call, CALL, forward, volatility, days)
    for name in Greeks._fields:
        put[name] = math.nan
    assert are_a_pair(call, put, 0)
    value_put(put, call, forward)
    assert Greeks(*(float(put[name]) for name in Greeks._fields)) == alone


@pytest.mark.parametrize(
    ("row", "field", "value"),
    [
        (1, "kind", PUT),
        (2, "kind", CALL),
        (1, "settled", 1),
        (2, "strike", STRIKE + 1.0),
        (2, "implied_volatility", 0.61),
        (2, "expiry_ns", 8 * DAY),
        (1, "expiry_ns", 0),
        (2, "settlement_ns", 7 * DAY + 1),
        (1, "settlement_ns", 7 * DAY + 1),
    ],
)
def test_a_put_follows_from_no_call_of_other_terms_nor_at_the_end(make_exchange, row, field, value):
    contracts = make_exchange()["instruments"]
    greeks(contracts[2], PUT, 60_000.0, 0.6, 7.0)
    greeks(contracts[1], CALL, 60_000.0, 0.6, 7.0)
    assert are_a_pair(contracts[1], contracts[2], 0)
    contracts[row][field] = value
    assert not are_a_pair(contracts[1], contracts[2], 0)


def test_a_call_at_its_expiry_tells_nothing_of_its_put(pair):
    call, put = pair[1], pair[2]
    greeks(put, PUT, 61_000.0, 0.6, 0.0)
    greeks(call, CALL, 61_000.0, 0.6, 0.0)
    assert not are_a_pair(call, put, 0)


@pytest.mark.parametrize(("kind", "forward", "volatility", "days"), CASES)
def test_values_and_greeks_are_those_of_quantlib(contract, kind, forward, volatility, days):
    ql = pytest.importorskip("QuantLib")
    years = round(days * DAY) / YEAR_NS
    payoff = ql.PlainVanillaPayoff(ql.Option.Call if kind == CALL else ql.Option.Put, STRIKE)
    calculator = ql.BlackCalculator(payoff, forward, volatility * math.sqrt(years))
    ours = greeks(contract, kind, forward, volatility, days)
    size = scales(forward, volatility, days)
    expected = {
        "value": calculator.value(),
        "delta": calculator.deltaForward(),
        "gamma": calculator.gammaForward(),
        "vega": calculator.vega(years),
    }
    for scale, (name, value) in zip(size, expected.items(), strict=False):
        assert getattr(ours, name) == pytest.approx(value, rel=1e-9, abs=1e-10 * scale), name


@pytest.mark.parametrize(("kind", "forward", "volatility", "days"), CASES)
def test_greeks_are_the_slopes_of_the_value(contract, kind, forward, volatility, days):
    def at(move=0.0, vol=0.0, time=0.0) -> Greeks:
        return greeks(contract, kind, forward + move, volatility + vol, days + time * 365)

    years = days / 365
    step = 1e-3 * forward * volatility * math.sqrt(years)
    up, down = at(step), at(-step)
    rise, fall = at(vol=1e-4), at(vol=-1e-4)
    tick = 1e-4 * years
    later, earlier = at(time=-tick), at(time=tick)
    ours = at()
    size = dict(zip(Greeks._fields, scales(forward, volatility, days), strict=True))
    slopes = {
        "delta": (up.value - down.value) / (2 * step),
        "gamma": (up.delta - down.delta) / (2 * step),
        "vega": (rise.value - fall.value) / 2e-4,
        "theta": (later.value - earlier.value) / (2 * tick),
        "vanna": (rise.delta - fall.delta) / 2e-4,
        "volga": (rise.vega - fall.vega) / 2e-4,
    }
    for name, slope in slopes.items():
        assert getattr(ours, name) == pytest.approx(slope, rel=1e-4, abs=2e-6 * size[name]), name


forwards = st.floats(10_000, 300_000)
volatilities = st.floats(0.05, 3.0)
expiries = st.floats(0.001, 365.0)


@given(forwards, volatilities, expiries)
def test_a_call_less_a_put_is_the_forward_less_the_strike(contract, forward, volatility, days):
    call = greeks(contract, CALL, forward, volatility, days)
    put = greeks(contract, PUT, forward, volatility, days)
    assert call.value - put.value == pytest.approx(forward - STRIKE, abs=1e-9 * forward)
    assert call.delta - put.delta == pytest.approx(1.0, abs=1e-12)
    assert call[2:] == put[2:]


@given(forwards, volatilities, expiries, st.sampled_from([CALL, PUT]))
def test_an_option_is_worth_its_payoff_or_more_and_theta_pays_for_gamma(
    contract, forward, volatility, days, kind
):
    option = greeks(contract, kind, forward, volatility, days)
    payoff = max(forward - STRIKE, 0.0) if kind == CALL else max(STRIKE - forward, 0.0)
    assert payoff - 1e-8 * forward <= option.value <= max(forward, STRIKE)
    assert option.gamma >= 0.0
    expected = -0.5 * option.gamma * volatility**2 * forward**2
    assert option.theta == pytest.approx(expected, rel=1e-9, abs=1e-300)


def test_long_options_are_long_gamma_and_short_options_short_gamma(make_worlds):
    """Also protective puts; retail articles say otherwise."""
    for task, sign in (("GammaScalp", 1), ("ShortGamma", -1)):
        run = make_worlds("calm", task, horizon_seconds=60.0)
        assert sign * run.worlds["agents"]["book_gamma"][0, 0] > 0
        assert sign * run.worlds["agents"]["book_theta"][0, 0] < 0


@pytest.mark.parametrize(
    ("kind", "forward", "value", "delta"),
    [
        (CALL, 66_000.0, 6_000.0, 1.0),
        (CALL, 60_000.0, 0.0, 0.0),
        (CALL, 54_000.0, 0.0, 0.0),
        (PUT, 66_000.0, 0.0, 0.0),
        (PUT, 60_000.0, 0.0, 0.0),
        (PUT, 54_000.0, 6_000.0, -1.0),
    ],
)
@pytest.mark.parametrize("days", [0.0, -1.0])
def test_at_expiry_and_after_an_option_is_its_payoff(contract, kind, forward, value, delta, days):
    assert greeks(contract, kind, forward, 0.6, days) == (value, delta, 0.0, 0.0, 0.0, 0.0, 0.0)
    assert black_76(kind, forward, STRIKE, 0.6, days) == (value, delta, 0.0, 0.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize("forward", [59_999.0, 60_001.0])
def test_the_last_second_leads_to_the_payoff(contract, forward):
    option = greeks(contract, CALL, forward, 0.6, 1 / 86_400)
    assert option.value == pytest.approx(max(forward - STRIKE, 0.0), abs=5.0)


# --- Expiry ----------------------------------------------------------------------------------


@pytest.mark.parametrize("price", [54_000.0, 60_000.0, 66_000.0])
def test_expiry_pays_the_payoff_and_empties_book_and_positions(make_exchange, price):
    world = make_exchange()
    buyer, seller = FIRST_AGENT_ACCOUNT, FIRST_AGENT_ACCOUNT + 2
    for row in (1, 2):
        book_trade(world, row, buyer, seller, BUY, 1_000, 10)
        world["instruments"]["expiry_ns"][row] = DAY
        limit_order(world, seller, row, BUY, 5, 1, GTC)
    paid = int(world["cash"][seller, 0])
    world["time_ns"], world["price"]["value"] = DAY, price
    set_index(world)
    expire(world)
    units = 10 * float(world["instruments"]["lot_size"][1])
    payoff = round(abs(price - STRIKE) * units * 1e8)
    assert world["cash"][buyer, 0] == payoff - paid
    assert world["cash"][seller, 0] == paid - payoff
    assert not world["positions"]["quantity_lots"].any()
    assert world["books"]["order_count"][:3].sum() == 0
    assert world["instruments"]["settled"].tolist()[:5] == [0, 1, 1, 0, 0]


def test_an_option_does_not_expire_before_its_time(make_exchange):
    world = make_exchange()
    world["time_ns"] = int(world["instruments"]["expiry_ns"][1]) - 1
    expire(world)
    assert not world["instruments"]["settled"].any()
