"""Estimates with their standard errors: maximum likelihood, and the jackknife over blocks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_STEP = 1e-4
_INFEASIBLE = 1e12
_STILL = 1e-6


@dataclass(frozen=True)
class Estimate:
    """A value and its standard error, which is nan where it cannot be told."""

    value: float
    error: float = math.nan

    @property
    def identified(self) -> bool:
        """Whether the data tell it from zero: more than twice its standard error."""
        return abs(self.value) > 2.0 * self.error


@dataclass(frozen=True)
class Fit:
    """A model that was fitted by maximum likelihood.

    Attributes:
        parameters: Estimates by name.
        log_likelihood: At the maximum.
        aic: Akaike's criterion: lower is better; a difference of 10 is overwhelming.
    """

    parameters: dict[str, Estimate]
    log_likelihood: float
    aic: float


def maximise(
    log_likelihood: Callable[[Array], float],
    natural: Callable[[Array], Array],
    names: Sequence[str],
    starts: Sequence[Sequence[float]],
) -> Fit:
    """Fit a model by maximum likelihood.

    Standard errors come from the curvature at the maximum. Where it has none in some direction,
    the parameters are not identified, and their errors are nan.

    Args:
        log_likelihood: Of free parameters, each any real number; shape (k,).
        natural: The model's parameters as a function of them; shape (m,).
        names: Of the model's parameters, length m.
        starts: Points to search from; the best end counts.
    """
    from scipy import optimize

    def loss(point: Array) -> float:
        value = log_likelihood(point)
        return -value if math.isfinite(value) else _INFEASIBLE

    ends = [optimize.minimize(loss, np.array(start), method="L-BFGS-B") for start in starts]
    best = min(ends, key=lambda end: float(end.fun))
    # A gradient from differences stops early; a search that needs none goes the rest of the way.
    best = optimize.minimize(
        loss, best.x, method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-8, "maxfev": 4000}
    )
    point: Array = np.asarray(best.x, np.float64)
    slopes = np.array(
        [natural(point + step) - natural(point - step) for step in _steps(len(point))]
    )
    slopes /= 2.0 * _STEP
    variances = np.einsum("im,ij,jm->m", slopes, _covariance(loss, point), slopes)
    values = natural(point)
    # At the end of its range a parameter does not move: nothing is known of its error.
    known = variances > (_STILL * values) ** 2
    errors = np.sqrt(np.where(known, variances, np.nan))
    parameters = {
        name: Estimate(float(value), float(error))
        for name, value, error in zip(names, values, errors, strict=True)
    }
    highest = -float(best.fun)
    return Fit(parameters, highest, 2.0 * len(point) - 2.0 * highest)


def _steps(count: int) -> Array:
    return _STEP * np.eye(count)


def _covariance(loss: Callable[[Array], float], point: Array) -> Array:
    """Return the inverse of the matrix of second derivatives; nan if it is not a minimum."""
    count = len(point)
    steps = 10.0 * _steps(count)
    curvature = np.empty((count, count))
    for i in range(count):
        for j in range(count):
            values = [
                loss(point + a * steps[i] + b * steps[j]) * a * b for a in (1, -1) for b in (1, -1)
            ]
            curvature[i, j] = sum(values) / (4.0 * (10.0 * _STEP) ** 2)
    try:
        np.linalg.cholesky(curvature)
        return np.asarray(np.linalg.inv(curvature), np.float64)
    except np.linalg.LinAlgError:
        return np.full((count, count), np.nan)


def jackknife(estimate: Callable[[list[Array]], Array], blocks: list[Array]) -> tuple[Array, Array]:
    """Return estimates from all blocks of a sample, and standard errors from leaving one out.

    Blocks have to be long beside the memory of what is measured.

    Args:
        estimate: The estimates from a list of blocks; shape (m,).
        blocks: At least 2.

    Returns:
        Values and errors, each of shape (m,).
    """
    count = len(blocks)
    partial = np.array([estimate(blocks[:left] + blocks[left + 1 :]) for left in range(count)])
    spread = np.sum((partial - partial.mean(axis=0)) ** 2, axis=0)
    return estimate(blocks), np.sqrt(spread * (count - 1) / count)


def logistic(value: float) -> float:
    """Return the number in (0, 1) that a free parameter stands for.

    >>> logistic(0.0)
    0.5
    """
    return 1.0 / (1.0 + math.exp(-value)) if abs(value) < 700.0 else float(value > 0.0)


def logit(share: float) -> float:
    """Return the free parameter of a number in (0, 1).

    >>> logit(0.5)
    0.0
    """
    return math.log(share / (1.0 - share))
