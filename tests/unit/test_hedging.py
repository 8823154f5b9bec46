"""Hedging mathematics against published numbers, limits and the identities behind the formulas."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gammagym import hedging

# The case that several public implementations of Zakamouline's band agree on.
GOLDEN = {"price": 5000.0, "gamma": 0.02, "volatility": 0.2, "time": 0.25, "fee": 0.0005}

fees = st.floats(1e-5, 0.02)
prices = st.floats(1.0, 1e5)
gammas = st.floats(1e-6, 1.0)
aversions = st.floats(1e-6, 10.0)


def test_whalley_wilmott_half_width_reproduces_the_golden_case():
    assert hedging.whalley_wilmott_half_width(5000, 0.02, 0.0005, 1.0) == pytest.approx(
        0.114471, abs=5e-7
    )


def test_zakamouline_variant_a_reproduces_the_golden_case():
    band = hedging.zakamouline_band(**GOLDEN, risk_aversion=1.0)
    assert band.fixed_half_width == pytest.approx(1.0e-5, rel=1e-9)
    assert band.gamma_half_width == pytest.approx(0.020944, abs=5e-7)
    assert band.half_width == pytest.approx(0.020954, abs=5e-7)


@pytest.mark.parametrize("variant", ["A", "B"])
def test_zakamouline_by_hand_with_every_input_at_one(variant):
    band = hedging.zakamouline_band(1.0, 1.0, 1.0, 1.0, 0.1, 1.0, rate=0.0, variant=variant)
    width, shift = {
        "A": (1.12 * 0.1**0.31, -4.76 * 0.1**0.78),
        "B": (1.18 * 0.1**0.31 * np.exp(-0.15), -6.85 * 0.1**0.78 * np.exp(-0.20)),
    }[variant]
    assert band.fixed_half_width == pytest.approx(0.1)
    assert band.gamma_half_width == pytest.approx(width)
    assert band.volatility == pytest.approx(np.sqrt(1.0 + shift))


@pytest.mark.parametrize("variant", ["A", "B"])
def test_zakamouline_raises_the_volatility_when_short_and_lowers_it_when_long(variant):
    volatility = [
        float(
            hedging.zakamouline_band(
                **{**GOLDEN, "gamma": gamma}, risk_aversion=1.0, variant=variant
            ).volatility
        )
        for gamma in (0.02, 0.0, -0.02)
    ]
    assert volatility[0] < volatility[1] == GOLDEN["volatility"] < volatility[2]
    squares = np.square(volatility)
    assert squares[0] + squares[2] == pytest.approx(2 * squares[1])


def test_zakamouline_rate_narrows_variant_a_and_leaves_variant_b():
    a, a_rate, b, b_rate = (
        hedging.zakamouline_band(**GOLDEN, risk_aversion=1.0, rate=rate, variant=variant)
        for variant, rate in itertools.product(("A", "B"), (0.0, 0.2))
    )
    assert a_rate.gamma_half_width == pytest.approx(a.gamma_half_width * np.exp(-0.0125))
    assert b_rate.gamma_half_width == b.gamma_half_width


def test_the_two_variants_of_zakamouline_hardly_differ():
    a, b = (
        hedging.zakamouline_band(100, 0.04, 0.2, 0.25, 0.01, 1.0, variant=each) for each in "AB"
    )
    assert b.half_width == pytest.approx(float(a.half_width), rel=0.05)
    assert b.volatility == pytest.approx(float(a.volatility), rel=0.1)


def test_zakamouline_volatility_of_a_long_book_stops_at_zero():
    assert hedging.zakamouline_band(100, 0.04, 0.2, 0.25, 0.5, 1.0).volatility == 0.0


@pytest.mark.parametrize(
    ("changed", "factor"),
    [
        ({"gamma": 0.02 * 8}, 4.0),
        ({"gamma": -0.02}, 1.0),
        ({"gamma": 0.0}, 0.0),
        ({"taker_fee": 0.0005 * 8}, 2.0),
        ({"taker_fee": 0.0}, 0.0),
        ({"taker_fee": -0.0001}, 0.0),
        ({"price": 5000.0 * 27}, 3.0),
        ({"risk_aversion": 8.0}, 0.5),
        ({"rate": 0.3, "time": 1.0}, np.exp(-0.1)),
        ({"rate": 0.3, "time": 0.0}, 1.0),
    ],
)
def test_whalley_wilmott_half_width_scales_as_its_formula_says(changed, factor):
    given_values = {"price": 5000.0, "gamma": 0.02, "taker_fee": 0.0005, "risk_aversion": 1.0}
    before = hedging.whalley_wilmott_half_width(**given_values)
    after = hedging.whalley_wilmott_half_width(**{**given_values, **changed})
    assert after == pytest.approx(before * factor)


@given(prices, gammas, fees, aversions)
def test_whalley_wilmott_half_width_minimises_fees_plus_risk(price, gamma, fee, aversion):
    # Trading at the edges of a band of half-width H costs fee·S·g²/2H a year in fees and
    # ½·aversion·vol²·S²·H²/3 in risk; g = Γ·S·vol is how fast the delta moves, and vol cancels.
    def cost(width):
        return (
            fee * price * (gamma * price) ** 2 / (2 * width) + aversion * (price * width) ** 2 / 6
        )

    best = hedging.whalley_wilmott_half_width(price, gamma, fee, aversion)
    assert cost(best) <= cost(best * 1.01)
    assert cost(best) <= cost(best * 0.99)


@pytest.mark.parametrize(
    ("gamma_sign", "expected"),
    [(-1, 0.2510), (0, 0.2), (1, 0.1303)],
)
def test_leland_volatility_for_weekly_hedging_at_one_percent(gamma_sign, expected):
    # A = √(8/π)·0.01/(0.2·√(1/52)) = 0.57537
    result = hedging.leland_volatility(0.2, 0.01, 1 / 52, gamma_sign)
    assert result == pytest.approx(expected, abs=5e-5)


def test_leland_volatility_without_fees_is_the_volatility():
    assert hedging.leland_volatility(0.6, 0.0, 1 / 365, -1) == 0.6


def test_leland_volatility_is_zero_where_fees_exceed_what_long_gamma_earns():
    assert hedging.leland_volatility(0.2, 0.05, 1 / 365, 1) == 0.0


@pytest.mark.parametrize(
    ("fee", "move", "expected"),
    [(0.0005, 0.001, 1.414), (0.00055, 0.001, 1.449), (0.0, 0.001, 1.0), (0.0005, 0.01, 1.049)],
)
def test_break_even_volatility_of_a_price_trigger(fee, move, expected):
    result = hedging.break_even_volatility_trigger(1.0, fee, move)
    assert result == pytest.approx(expected, abs=5e-4)


@given(st.floats(0.05, 2.0), fees, st.floats(0.001, 0.05), st.integers(1, 1000))
def test_who_sold_at_the_break_even_volatility_ends_with_nothing(volatility, fee, move, count):
    # In shares of dollar gamma: each of `count` moves x costs a short book ½x² and fees of fee·x;
    # the theta received is ½·vol²·T, with the T in which a volatility makes that many moves.
    years = count * move**2 / volatility**2
    paid = count * (0.5 * move**2 + fee * move)
    sold = hedging.break_even_volatility_trigger(volatility, fee, move)
    assert 0.5 * sold**2 * years == pytest.approx(paid)


def test_break_even_volatility_of_an_interval_on_a_simulated_path():
    generator = np.random.default_rng(7)
    volatility, fee, interval = 0.6, 0.0005, 1 / (365 * 96)
    moves = np.abs(generator.normal(0.0, volatility * np.sqrt(interval), 200_000))
    paid = np.sum(0.5 * moves**2 + fee * moves)
    sold = np.sqrt(2 * paid / (moves.size * interval))
    formula = hedging.break_even_volatility_interval(volatility, fee, interval)
    assert formula == pytest.approx(sold, rel=0.005)
    assert formula == hedging.leland_volatility(volatility, fee, interval, -1)


@pytest.mark.parametrize(
    ("vega", "volatility", "rehedges", "expected"),
    [
        # S = K = 100, one month, r = 5 %: the example that ships with QuantLib.
        (11.4580, 0.2, 21, 0.44),
        (11.4580, 0.2, 84, 0.22),
        # The same without interest.
        (11.5117, 0.2, 21, 0.4452),
        (11.5117, 0.2, 84, 0.2226),
        (11.5117, 0.2, 252, 0.1285),
        (11.5117, 0.2, 840, 0.0704),
    ],
)
def test_kamal_derman_reproduces_published_deviations(vega, volatility, rehedges, expected):
    result = hedging.kamal_derman_std(vega, volatility, rehedges)
    assert result == pytest.approx(expected, abs=6e-5 if expected not in (0.44, 0.22) else 5e-3)


@pytest.mark.parametrize(
    ("net_delta", "half_width", "to_edge", "to_centre"),
    [
        (3.0, 1.0, -2.0, -3.0),
        (-3.0, 1.0, 2.0, 3.0),
        (0.5, 1.0, 0.0, 0.0),
        (1.0, 1.0, 0.0, 0.0),
        (-1.0, 1.0, 0.0, 0.0),
        (0.25, 0.0, -0.25, -0.25),
        (0.0, 0.0, 0.0, 0.0),
    ],
)
def test_trade_back_into_a_band(net_delta, half_width, to_edge, to_centre):
    assert hedging.trade_to_band(net_delta, half_width) == to_edge
    assert hedging.trade_to_centre(net_delta, half_width) == to_centre


@given(st.floats(-1e3, 1e3), st.floats(0.0, 1e3))
def test_after_the_trade_the_net_delta_is_inside_the_band(net_delta, half_width):
    for trade in (hedging.trade_to_band, hedging.trade_to_centre):
        left = net_delta + trade(net_delta, half_width)
        assert abs(left) <= half_width + 1e-9


def test_every_function_works_on_arrays_element_by_element():
    gamma = np.array([-0.02, 0.0, 0.02, 0.5])
    wide = hedging.whalley_wilmott_half_width(5000.0, gamma, 0.0005, 1.0)
    assert wide.tolist() == [
        float(hedging.whalley_wilmott_half_width(5000.0, each, 0.0005, 1.0)) for each in gamma
    ]
    band = hedging.zakamouline_band(
        **{**GOLDEN, "gamma": gamma[:, None]}, risk_aversion=np.array([1.0, 2.0])
    )
    assert band.half_width.shape == band.volatility.shape == (4, 2)
    volatility = hedging.leland_volatility(np.array([0.2, 0.6]), 0.001, 1 / 52, np.array([1, -1]))
    assert volatility.shape == (2,)
    assert hedging.trade_to_centre(gamma, np.array(0.1)).shape == (4,)
