"""Statistics against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gammagym.evaluation.statistics import (
    bootstrap,
    correlation,
    cvar,
    groups,
    letter,
    mean_difference,
    resamples,
    score,
)


def test_score_is_mean_plus_one_and_a_half_sample_deviations() -> None:
    costs = [1.0, 2.0, 3.0, 4.0]
    assert float(score(costs)) == pytest.approx(2.5 + 1.5 * math.sqrt(5 / 3))


def test_score_works_along_the_last_axis() -> None:
    costs = np.arange(24.0).reshape(2, 3, 4)
    assert score(costs).shape == (2, 3)
    assert score(costs)[1, 2] == score(costs[1, 2])


def test_a_single_episode_has_no_score() -> None:
    assert math.isnan(float(score([1.0])))


@pytest.mark.parametrize(
    ("count", "expected"),
    [(1, 1.0), (10, 10.0), (20, 20.0), (40, 39.5), (30, (30 + 0.5 * 29) / 1.5)],
)
def test_cvar_is_the_mean_of_the_worst_twentieth(count: int, expected: float) -> None:
    costs = np.random.default_rng(0).permutation(np.arange(1.0, count + 1))
    assert float(cvar(costs)) == pytest.approx(expected)


def test_cvar_agrees_with_its_definition_as_a_minimum() -> None:
    costs = np.random.default_rng(1).normal(size=77)
    best = min(c + np.maximum(costs - c, 0).mean() / 0.05 for c in costs)
    assert float(cvar(costs)) == pytest.approx(best)


def test_paired_difference_loses_what_two_agents_share() -> None:
    luck = np.random.default_rng(2).normal(size=50)
    assert mean_difference(luck + 1.0, luck) == pytest.approx((1.0, 0.0))


def test_resamples_draw_every_seed_alike() -> None:
    weights = resamples(8, draws=4_000)
    assert weights.shape == (8, 4_000)
    assert weights.mean(axis=1) == pytest.approx(np.full(8, 1 / 8), rel=0.1)


def test_bootstrap_recomputes_the_score_of_every_draw() -> None:
    costs = np.random.default_rng(3).normal(size=(2, 6))
    found = bootstrap(costs, draws=50)
    counts = np.rint(resamples(6, draws=50) * 6).astype(int)
    slow = [[float(score(np.repeat(row, draw))) for draw in counts.T] for row in costs]
    assert found.low == pytest.approx(np.quantile(slow, 0.025, axis=1))
    assert found.high == pytest.approx(np.quantile(slow, 0.975, axis=1))
    paired = np.array(slow[0]) - np.array(slow[1])
    assert found.difference_low[0, 1] == pytest.approx(np.quantile(paired, 0.025))
    assert found.difference_high[0, 1] == pytest.approx(np.quantile(paired, 0.975))


def test_bootstrap_is_repeatable_and_ignores_a_common_shift_in_differences() -> None:
    costs = np.random.default_rng(4).normal(size=(3, 20))
    first, again = bootstrap(costs), bootstrap(costs)
    shifted = bootstrap(costs + 1e6)
    assert np.array_equal(first.low, again.low)
    assert shifted.differences == pytest.approx(first.differences, abs=1e-6)
    assert shifted.difference_low == pytest.approx(first.difference_low, abs=1e-6)


def test_interval_of_the_mean_has_the_known_width() -> None:
    # With every cost +1 or -1, the deviation hardly varies and the mean has deviation 1 / sqrt(n).
    costs = np.tile([1.0, -1.0], 200)[None]
    found = bootstrap(costs, draws=20_000)
    width = float(found.high[0] - found.low[0])
    assert width == pytest.approx(2 * 1.96 / math.sqrt(400), rel=0.03)


def test_score_over_scenarios_is_the_median_of_their_scores() -> None:
    costs = np.random.default_rng(5).normal(size=(2, 3, 9))
    assert bootstrap(costs).scores == pytest.approx(np.median(score(costs), axis=1))


def test_an_agent_that_lost_an_episode_has_no_score_and_no_group() -> None:
    costs = np.random.default_rng(6).normal(size=(3, 12))
    costs[1, 4] = np.nan
    found = bootstrap(costs)
    letters = groups(found)
    assert math.isnan(found.scores[1])
    assert letters[1] == ""
    assert letters[0]
    assert letters[2]


def test_groups_join_agents_that_cannot_be_told_apart() -> None:
    random = np.random.default_rng(7)
    luck = random.normal(size=40)
    noise = random.normal(scale=0.01, size=(4, 40))
    costs = luck + noise + np.array([0.0, 0.0, 5.0, 5.0])[:, None]
    assert groups(bootstrap(costs)) == ["A", "A", "B", "B"]


def test_a_wild_agent_may_be_in_two_groups() -> None:
    random = np.random.default_rng(8)
    steady = random.normal(scale=0.05, size=(2, 10)) + np.array([0.0, 1.0])[:, None]
    wild = np.r_[np.zeros(9), 9.0]
    letters = groups(bootstrap(np.vstack([steady, wild])))
    assert letters == ["A", "B", "AB"]


def test_one_seed_gives_no_intervals_and_no_groups() -> None:
    found = bootstrap(np.array([[1.0], [2.0]]))
    assert np.isnan(found.low).all()
    assert groups(found) == ["", ""]


def test_correlation_of_a_constant_is_unknown() -> None:
    found = correlation([[1.0, 2.0, 3.0], [5.0, 5.0, 5.0], [-1.0, -2.0, -3.5]])
    assert math.isnan(found[0, 1])
    assert found[0, 2] == pytest.approx(np.corrcoef([1, 2, 3], [-1, -2, -3.5])[0, 1])
    assert found[0, 0] == pytest.approx(1.0)


def test_letters_go_on_after_z() -> None:
    assert [letter(number) for number in (0, 25, 26, 53)] == ["A", "Z", "A1", "B2"]
