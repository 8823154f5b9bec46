# ruff: noqa: RUF002  (formulas are written with the letters of the papers)
"""Hedging mathematics: when to trade, how far, and what that costs. The one place for formulas.

Symbols and units, the same in every function:

* ``price`` S (currency), ``gamma`` Γ of the whole book (units of the underlying per currency),
  ``net_delta`` and half-widths H (units of the underlying);
* ``fee`` λ: one-way cost of trading as a share of notional, so that a trade of n units costs
  ``λ·S·|n|`` (5 basis points are 0.0005);
* ``volatility`` σ (annual; 0.6 is 60 %), ``rate`` r (annual), ``time`` τ and intervals (years);
* ``risk_aversion`` γ (1 / currency) of constant absolute risk aversion.

Every function works element by element and broadcasts its arguments: numbers give a number, arrays
an array. Fees below zero (rebates) count as no fee.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Values = NDArray[Any] | float
Result = NDArray[np.float64]


def whalley_wilmott_half_width(
    price: Values,
    gamma: Values,
    taker_fee: Values,
    risk_aversion: Values,
    rate: Values = 0.0,
    time: Values = 0.0,
) -> Result:
    """Return the half-width of the no-trade band around delta: H = (3/2·e^(-rτ)·λ·S·Γ²/γ)^(1/3).

    Leave the net delta alone inside ±H and trade it back to the nearest edge outside. The width
    balances the fees of trading at the edge against the variance of straying inside.

    Source: Whalley and Wilmott (1997), An asymptotic analysis of an optimal hedging model for
    option pricing with transaction costs, Mathematical Finance 7(3).

    Args:
        price: S > 0.
        gamma: Γ of the whole book; only its size matters.
        taker_fee: λ, everything that one trade costs, half of the spread included.
        risk_aversion: γ > 0.
        rate: r.
        time: τ, time to expiry.

    Returns:
        H >= 0; 0 without gamma or without fees.

    >>> round(float(whalley_wilmott_half_width(5000, 0.02, 0.0005, 1.0)), 6)
    0.114471
    """
    fee = np.maximum(taker_fee, 0.0)
    discount = np.exp(-np.multiply(rate, time))
    return np.cbrt(1.5 * discount * fee * price * np.square(gamma) / risk_aversion)


class ZakamoulineBand(NamedTuple):
    """A band around the delta that is reckoned at a modified volatility."""

    fixed_half_width: Result  # H0, units of the underlying: the part that stays without gamma
    gamma_half_width: Result  # H1, units of the underlying: the part that grows with gamma
    volatility: Result  # annual; the delta at the centre of the band is reckoned with it

    @property
    def half_width(self) -> Result:
        """H0 + H1: trade to the nearest edge when the delta is further away than this."""
        return self.fixed_half_width + self.gamma_half_width


def zakamouline_band(
    price: Values,
    gamma: Values,
    volatility: Values,
    time: Values,
    fee: Values,
    risk_aversion: Values,
    rate: Values = 0.0,
    variant: Literal["A", "B"] = "A",
) -> ZakamoulineBand:
    """Return the double asymptotic band, a fit to the optimal policy of Hodges and Neuberger.

    H0 = λ/(γ·S·σ²·τ) and σ_m² = σ²·(1 + sign(Γ)·K), floored at 0, with

    * A: ``H1 = 1.12·λ^0.31·τ^0.05·(e^(-rτ)/σ)^0.25·(|Γ|/γ)^0.5``,
      ``K = -4.76·λ^0.78·τ^-0.02·(e^(-rτ)/σ)^0.25·(γ·S²·|Γ|)^0.15``;
    * B: ``H1 = 1.18·λ^0.31·τ^0.10·σ^-0.25·e^(-0.15τ)·(|Γ|/γ)^0.5``,
      ``K = -6.85·λ^0.78·τ^0.10·σ^-0.25·e^(-0.20τ)·(γ·S²·|Γ|)^0.15``.

    Source: A is Zakamouline (2005), EFMA conference paper, as coded after Sinclair, Volatility
    Trading; B is Zakamouline (2006), Efficient analytic approximation of the optimal hedging
    strategy for a European call option with transaction costs, Quantitative Finance 6(5). The
    constants of both come from open-source code; results hardly depend on the choice.

    Args:
        price: S > 0.
        gamma: Γ of the whole book; > 0 narrows the volatility, < 0 widens it.
        volatility: σ > 0.
        time: τ > 0, time to expiry.
        fee: λ.
        risk_aversion: γ > 0.
        rate: r; variant B does not use it.
        variant: ``A`` or ``B``.

    Returns:
        Half-widths and modified volatility.

    >>> band = zakamouline_band(5000, 0.02, 0.2, 0.25, 0.0005, 1.0)
    >>> float(round(band.fixed_half_width, 8)), float(round(band.gamma_half_width, 6))
    (1e-05, 0.020944)
    """
    fee = np.maximum(fee, 0.0)
    fixed = fee / (np.multiply(risk_aversion, price) * np.square(volatility) * time)
    spread_of_delta = np.sqrt(np.abs(gamma) / risk_aversion)
    size = np.multiply(risk_aversion, np.square(price) * np.abs(gamma)) ** 0.15
    inverse_root = np.power(volatility, -0.25)
    if variant == "A":
        common = inverse_root * np.exp(-0.25 * np.multiply(rate, time))
        width = 1.12 * fee**0.31 * np.power(time, 0.05) * common * spread_of_delta
        shift = -4.76 * fee**0.78 * np.power(time, -0.02) * common * size
    else:
        common = inverse_root * np.power(time, 0.10)
        width = 1.18 * fee**0.31 * common * np.exp(np.multiply(-0.15, time)) * spread_of_delta
        shift = -6.85 * fee**0.78 * common * np.exp(np.multiply(-0.20, time)) * size
    factor = np.maximum(1.0 + np.sign(gamma) * shift, 0.0)
    return ZakamoulineBand(fixed, width, np.multiply(volatility, np.sqrt(factor)))


def leland_volatility(
    volatility: Values, fee: Values, interval_years: Values, gamma_sign: Values
) -> Result:
    """Return the volatility to hedge with every Δt: σ_L² = σ²·(1 - sign·A), A = √(8/π)·λ/(σ·√Δt).

    Buying back and selling at a fee is, on average, as if the price moved more (short gamma) or
    less (long gamma) than it does.

    Source: Leland (1985), Option pricing and replication with transactions costs, Journal of
    Finance 40(5), whose k is the cost of a round trip, 2λ.

    Args:
        volatility: σ > 0.
        fee: λ, one way.
        interval_years: Δt > 0.
        gamma_sign: +1 for a book that is long gamma, -1 for one that is short, 0 without.

    Returns:
        σ_L; 0 where a long book would pay more in fees than its gamma can earn (A >= 1).

    >>> round(float(leland_volatility(0.2, 0.01, 1 / 52, gamma_sign=-1)), 4)
    0.251
    """
    root = np.multiply(volatility, np.sqrt(interval_years))
    number = np.sqrt(8.0 / np.pi) * np.maximum(fee, 0.0) / root
    factor = np.maximum(1.0 - np.multiply(gamma_sign, number), 0.0)
    return np.multiply(volatility, np.sqrt(factor))


def break_even_volatility_trigger(volatility: Values, fee: Values, move: Values) -> Result:
    """Return the volatility that fees amount to when hedging at every price move x: σ·√(1+2λ/x).

    A rebalance after a relative move x books ½·Γ·S²·x² and costs λ·Γ·S²·x, so fees add a share of
    2λ/x to the variance. Read it as a price: who is short gamma and hedges a realised volatility
    σ must have sold at the volatility returned. Who is long must have *bought* below
    σ·√(1 - 2λ/x): at x = 2λ the fees take the whole gamma profit.

    Args:
        volatility: σ.
        fee: λ.
        move: x > 0, relative price move that triggers a rebalance (0.001 is 0.1 %).

    Returns:
        Annual volatility, at least σ.

    >>> [round(float(break_even_volatility_trigger(1.0, fee, 0.001)), 3) for fee in (5e-4, 5.5e-4)]
    [1.414, 1.449]
    """
    return np.multiply(volatility, np.sqrt(1.0 + 2.0 * np.maximum(fee, 0.0) / move))


def break_even_volatility_interval(
    volatility: Values, fee: Values, interval_years: Values
) -> Result:
    """Return the same when hedging every Δt: σ·√(1 + √(8/π)·λ/(σ·√Δt)), Leland's for short gamma.

    Args:
        volatility: σ > 0.
        fee: λ.
        interval_years: Δt > 0.

    Returns:
        Annual volatility, at least σ.

    >>> minute = 1 / (365 * 24 * 60)
    >>> round(float(break_even_volatility_interval(0.6, 5e-4, minute) / 0.6), 3)
    1.401
    """
    return leland_volatility(volatility, fee, interval_years, gamma_sign=-1.0)


def kamal_derman_std(vega: Values, volatility: Values, rehedges: Values) -> Result:
    """Return the standard deviation of profit from hedging N times only: √(π/4)·vega·σ/√N.

    For an option at the money, without costs, over its whole life.

    Source: Kamal and Derman (1998), When You Cannot Hedge Continuously: The Corrections to
    Black-Scholes, Goldman Sachs Quantitative Strategies research note.

    Args:
        vega: change of value per unit of volatility (currency; 100 volatility points).
        volatility: σ.
        rehedges: N >= 1.

    Returns:
        Standard deviation (currency).

    >>> round(float(kamal_derman_std(11.46, 0.2, 21)), 2)
    0.44
    """
    return np.sqrt(np.pi / 4.0) * np.multiply(vega, volatility) / np.sqrt(rehedges)


def trade_to_band(net_delta: Values, half_width: Values) -> Result:
    """Return the trade to the nearest edge of ±H, 0 inside it.

    Args:
        net_delta: delta of book and hedge.
        half_width: H >= 0.

    Returns:
        Signed units of the underlying; > 0 buys.

    >>> trade_to_band(np.array([-3.0, 0.5, 3.0]), 1.0).tolist()
    [2.0, 0.0, -2.0]
    """
    return np.clip(net_delta, np.negative(half_width), half_width) - net_delta


def trade_to_centre(net_delta: Values, half_width: Values) -> Result:
    """Return the trade to a net delta of zero when it is outside ±H, 0 inside it.

    Args:
        net_delta: delta of book and hedge.
        half_width: H >= 0.

    Returns:
        Signed units of the underlying; > 0 buys.

    >>> trade_to_centre(np.array([-3.0, 0.5, 3.0]), 1.0).tolist()
    [3.0, 0.0, -3.0]
    """
    return np.where(np.abs(net_delta) > half_width, np.negative(net_delta), 0.0)
