"""Volatility, jumps and clusters of volatility, from prices alone.

Prices are taken on their own grid: a return counts if the time between its two prices is the usual
one. Years have 365 days, as everywhere (docs/rules/price).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gammagym.calibration.estimates import (
    Estimate,
    Fit,
    jackknife,
    logistic,
    logit,
    maximise,
)
from gammagym.data.prices import YEAR_NS, PriceSeries
from gammagym.errors import DataError

Array = NDArray[np.float64]
FEWEST_RETURNS = 50
# Jumps and regimes are rare events: fewer returns say nothing of them.
FEWEST_FOR_MODELS = 1_000
_MOST_JUMPS = 6
_LEAST_VARIANCE_BLOCKS = 200
_BLOCK_RETURNS = 30
_LAGS = 24
_JACKKNIFE_BLOCKS = 10
_TOLERANCE = 0.05


@dataclass(frozen=True)
class Returns:
    """Log returns over equal times.

    Attributes:
        values: Shape (n,).
        years: The time of each.
        left_out: Returns over another time: gaps.
    """

    values: Array
    years: float
    left_out: int


@dataclass(frozen=True)
class VarianceMoments:
    """Heston's model by the moments of realised variance; its parameters as in a scenario.

    Attributes:
        long_run_variance: Mean annual variance; of jumps as well, where there are any.
        reversion: Speed at which shocks of the variance fade (per year), or None: no memory.
        variance_volatility: Annual volatility of the variance, or None.
        correlation: Of the price and its variance, or None.
    """

    long_run_variance: Estimate
    reversion: Estimate | None
    variance_volatility: Estimate | None
    correlation: Estimate | None


def returns_of(series: PriceSeries) -> Returns:
    """Return the log returns of a series.

    Raises:
        DataError: There are too few.
    """
    steps = np.diff(series.times_ns)
    usual = np.abs(steps - series.step_ns) <= _TOLERANCE * series.step_ns
    values = np.diff(np.log(series.prices))[usual]
    if len(values) < FEWEST_RETURNS:
        raise DataError(
            f"{len(values)} returns over {series.step_ns / 1e9:g} s are too few to measure "
            f"volatility: {FEWEST_RETURNS} are needed"
        )
    return Returns(values, series.step_ns / YEAR_NS, int(np.sum(~usual)))


def annual_volatility(returns: Returns) -> Estimate:
    """Return the root of the mean squared return, a year; fat tails make it less certain."""
    squares = returns.values**2
    variance = float(squares.mean())
    if variance == 0.0:
        return Estimate(0.0, 0.0)
    # Volatility clusters, so neighbours do not count as independent: blocks do.
    length = max(len(squares) // _JACKKNIFE_BLOCKS, 1)
    blocks = [squares[place : place + length] for place in range(0, len(squares), length)]
    _, errors = jackknife(lambda some: np.array([np.concatenate(some).mean()]), blocks)
    volatility = math.sqrt(variance / returns.years)
    return Estimate(volatility, 0.5 * volatility * float(errors[0]) / variance)


def fit_brownian(returns: Returns) -> Fit:
    """Fit a geometric Brownian motion: `volatility`, drift left aside."""
    count, variance = len(returns.values), float(returns.values.var())
    log_likelihood = -0.5 * count * (math.log(2.0 * math.pi * variance) + 1.0)
    volatility = math.sqrt(variance / returns.years)
    parameters = {"volatility": Estimate(volatility, volatility / math.sqrt(2.0 * count))}
    return Fit(parameters, log_likelihood, 4.0 - 2.0 * log_likelihood)


def fit_merton(returns: Returns) -> Fit:
    """Fit a Brownian motion with normal jumps: the keys of a scenario's `merton`, by likelihood.

    A return is a mixture: it has j jumps, at most 6, with the Poisson probability, and less than
    one on average.
    """
    scale = float(returns.values.std())
    values = (returns.values - returns.values.mean()) / scale
    counts = np.arange(_MOST_JUMPS + 1.0)
    log_factorials = np.cumsum(np.log(np.maximum(counts, 1.0)))

    def log_likelihood(point: Array) -> float:
        share, jumps, mean, sigma = _mixture(point)
        weights = np.exp(counts * math.log(jumps) - jumps - log_factorials)
        deviations = np.sqrt(share**2 + counts * sigma**2)
        centred = values[:, None] - mean * (counts - jumps)
        densities = weights / deviations * np.exp(-0.5 * (centred / deviations) ** 2)
        with np.errstate(divide="ignore"):
            logs = np.log(densities.sum(axis=1))
        return float(logs.sum()) - len(values) * math.log(scale * math.sqrt(2.0 * math.pi))

    def natural(point: Array) -> Array:
        share, jumps, mean, sigma = _mixture(point)
        volatility = share * scale / math.sqrt(returns.years)
        return np.array([volatility, jumps / returns.years, mean * scale, sigma * scale])

    names = ("volatility", "jump_rate", "jump_mean", "jump_sigma")
    starts = [
        [math.log(0.8), logit(jumps), 0.0, math.log(sigma)]
        for jumps, sigma in ((0.1, 1.5), (0.003, 6.0))
    ]
    fit = maximise(log_likelihood, natural, names, starts)
    return Fit(fit.parameters, fit.log_likelihood, fit.aic + 2.0)  # and the mean


def _mixture(point: Array) -> tuple[float, float, float, float]:
    """Return deviation, jumps a return, their mean and sigma; in standard deviations."""
    jumps = max(logistic(point[1]), 1e-12)
    share = math.exp(min(max(point[0], -20.0), 5.0))
    return share, jumps, float(point[2]), math.exp(min(max(point[3], -12.0), 8.0))


def fit_two_volatilities(returns: Returns) -> Fit:
    """Fit a hidden Markov chain of two volatilities.

    Returns:
        `low_volatility`, `high_volatility` (annual), and the mean `low_duration` and
        `high_duration` (s). The drift of a trend and the pull of a range, which the scenario's
        `regime` needs besides, cannot be told from a month of prices: they are far smaller than
        the noise.
    """
    scale = float(returns.values.std())
    squares = (returns.values / scale) ** 2

    def log_likelihood(point: Array) -> float:
        low, high, leave_low, leave_high = _chain(point)
        densities = np.stack(
            [np.exp(-0.5 * squares / sigma**2) / sigma for sigma in (low, high)], axis=1
        )
        moves = np.array([[1.0 - leave_low, leave_low], [leave_high, 1.0 - leave_high]])
        start = np.array([leave_high, leave_low]) / (leave_low + leave_high)
        total = _log_product(start, moves[None, :, :] * densities[:, None, :])
        return total - len(squares) * math.log(scale * math.sqrt(2.0 * math.pi))

    def natural(point: Array) -> Array:
        low, high, leave_low, leave_high = _chain(point)
        annual = scale / math.sqrt(returns.years)
        step = returns.years * YEAR_NS / 1e9
        return np.array([low * annual, high * annual, step / leave_low, step / leave_high])

    names = ("low_volatility", "high_volatility", "low_duration", "high_duration")
    starts = [
        [math.log(0.6), math.log(1.5), logit(leave), logit(2.0 * leave)] for leave in (0.05, 0.005)
    ]
    return maximise(log_likelihood, natural, names, starts)


def _chain(point: Array) -> tuple[float, float, float, float]:
    """Return the two deviations and the chances to leave them; high is low and something."""
    low = math.exp(min(max(point[0], -12.0), 8.0))
    leave_low, leave_high = (max(logistic(each), 1e-12) for each in point[2:])
    return low, low + math.exp(min(max(point[1], -12.0), 8.0)), leave_low, leave_high


def _log_product(start: Array, matrices: Array) -> float:
    """Return the logarithm of the sum of start times all matrices, multiplied pair by pair."""
    logs = 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        while len(matrices) > 1:
            if len(matrices) % 2:
                identity = np.eye(2)[None, :, :]
                matrices = np.concatenate([matrices, identity])
            matrices = matrices[::2] @ matrices[1::2]
            largest = matrices.max(axis=(1, 2))
            logs += float(np.log(largest).sum())
            matrices = matrices / largest[:, None, None]
        return logs + float(np.log((start @ matrices[0]).sum()))


def variance_moments(returns: Returns) -> VarianceMoments | None:
    """Estimate Heston's parameters from how realised variance is correlated with its past.

    Variance is realised over blocks of 30 returns. That of independent noise is uncorrelated, so
    for blocks of length D, l apart, Cov = s^2 t / 2k ((1 - e^-kD) / k)^2 e^-k(l-1)D, where k is
    the reversion, t the long-run variance and s the volatility of the variance; and the covariance
    of a block's return with the variance of the next is rho s t ((1 - e^-kD) / k)^2. The rhythm
    of the day counts as clustering, too. Errors come from a jackknife over tenths of the sample.

    Returns:
        None if there are fewer than 200 blocks.
    """
    count = len(returns.values) // _BLOCK_RETURNS
    if count < _LEAST_VARIANCE_BLOCKS:
        return None
    blocks = returns.values[: count * _BLOCK_RETURNS].reshape(count, _BLOCK_RETURNS)
    pairs = np.stack([(blocks**2).sum(axis=1), blocks.sum(axis=1)])
    length = count // _JACKKNIFE_BLOCKS
    parts = [pairs[:, place * length : (place + 1) * length] for place in range(_JACKKNIFE_BLOCKS)]
    years = returns.years * _BLOCK_RETURNS
    values, errors = jackknife(lambda some: _heston(some, years), parts)
    found = [
        Estimate(float(value), float(error)) for value, error in zip(values, errors, strict=True)
    ]
    if not all(math.isfinite(each.value) and math.isfinite(each.error) for each in found):
        return VarianceMoments(found[0], None, None, None)
    return VarianceMoments(*found)


def _heston(parts: list[Array], years: float) -> Array:
    """Return long-run variance, reversion, volatility of variance and correlation."""
    from scipy import optimize

    mean = np.mean([part[0].mean() for part in parts])
    products = [
        [(part[0, lag:] - mean) * (part[0, : part.shape[1] - lag] - mean) for part in parts]
        for lag in range(1, _LAGS + 1)
    ]
    covariances = np.array([np.concatenate(each).mean() for each in products])
    leverage = np.concatenate([part[1, :-1] * (part[0, 1:] - mean) for part in parts]).mean()
    long_run = float(mean) / years
    scale = float(covariances[:3].mean())
    if scale <= 0.0:
        return np.array([long_run, np.nan, np.nan, np.nan])
    lags = np.arange(float(_LAGS))

    def misses(point: Array) -> Array:
        return np.exp(point[0] - np.exp(point[1]) * lags) - covariances / scale

    fitted = optimize.least_squares(misses, [0.0, -2.0]).x
    amplitude = math.exp(fitted[0]) * scale
    reversion = math.exp(min(fitted[1], 5.0)) / years
    reach = (-math.expm1(-reversion * years) / reversion) ** 2
    variance_volatility = math.sqrt(2.0 * reversion * amplitude / (reach * long_run))
    correlation = float(leverage) / (variance_volatility * long_run * reach)
    return np.array([long_run, reversion, variance_volatility, correlation])
