"""Runs of signs: the closed form is that of the rules, and known parameters are found again."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from gammagym.calibration.signs import (
    LONGEST_RUN,
    autocorrelation_of,
    measure_signs,
    runs_from,
)
from gammagym.market import flow
from gammagym.scenario.load import load_flow


def simulate(probability: float, exponent: float, orders: int, seed: int) -> NDArray[np.int64]:
    """Return signs by the words of docs/rules/flow, items 4 and 5."""
    random = np.random.default_rng(seed)
    signs: list[int] = []
    left, side = 0, 1
    for _ in range(orders):
        sign = 1 if random.random() < 0.5 else -1
        if left > 0:
            left, sign = left - 1, side
        elif random.random() < probability:
            left = int(min((1.0 - random.random()) ** (-1.0 / exponent), 100.0))
            side = sign
        signs.append(sign)
    return np.array(signs)


def test_runs_are_as_long_as_in_the_simulator() -> None:
    assert LONGEST_RUN == flow._LONGEST_RUN


@pytest.mark.parametrize(("probability", "exponent"), [(0.035, 0.8), (0.3, 2.0), (0.9, 1.2)])
def test_the_closed_form_is_the_autocorrelation_of_simulated_signs(
    probability: float, exponent: float
) -> None:
    count, parts = 400_000, 20
    signs = simulate(probability, exponent, count, 1).astype(float).reshape(parts, -1)
    closed = autocorrelation_of(probability, exponent, 50)
    for lag in (1, 2, 5, 20, 50):
        each = (signs[:, lag:] * signs[:, :-lag]).mean(axis=1)
        error = each.std(ddof=1) / np.sqrt(parts)
        assert closed[lag - 1] == pytest.approx(each.mean(), abs=3.5 * error)


def test_the_closed_form_is_near_what_the_full_market_was_measured_to_make() -> None:
    preset = load_flow("full")
    closed = autocorrelation_of(preset["split_probability"], preset["split_exponent"], 50)
    measured = {1: 0.23, 2: 0.20, 5: 0.16, 10: 0.11, 50: 0.04}  # docs/rules/flow
    for lag, value in measured.items():
        assert closed[lag - 1] == pytest.approx(value, abs=0.025)  # informed orders break runs


@pytest.mark.parametrize(("probability", "exponent"), [(0.01, 0.3), (0.035, 0.8), (0.5, 3.0)])
def test_the_inversion_of_the_closed_form_is_exact(probability: float, exponent: float) -> None:
    found = runs_from(autocorrelation_of(probability, exponent, 50))
    assert found == pytest.approx((probability, exponent), rel=1e-4)


@pytest.mark.parametrize(("probability", "exponent"), [(0.05, 0.9), (0.2, 1.5)])
def test_known_runs_are_found_again(probability: float, exponent: float) -> None:
    memory = measure_signs(simulate(probability, exponent, 60_000, 7))
    for found, true in (
        (memory.split_probability, probability),
        (memory.split_exponent, exponent),
    ):
        assert found is not None
        assert found.value == pytest.approx(true, abs=3 * found.error)
        assert found.error < 0.35 * true


def test_signs_without_memory_have_no_runs() -> None:
    memory = measure_signs(simulate(0.0, 1.0, 5_000, 3))
    assert memory.split_probability is None
    assert memory.split_exponent is None
    assert np.abs(memory.autocorrelation).max() < 4.5 * memory.error
