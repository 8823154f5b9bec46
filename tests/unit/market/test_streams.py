"""Random numbers by counter."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gammagym.market.streams import (
    bits,
    exponential,
    mix,
    normal,
    normal_quantile,
    open_streams,
    uniform,
)

KEY = np.uint64(0x0123456789ABCDEF)
COUNT = 20_000


@pytest.fixture(scope="module")
def uniforms():
    return np.array([uniform(KEY, counter) for counter in range(COUNT)])


@pytest.fixture(scope="module")
def normals():
    return np.array([normal(KEY, counter) for counter in range(COUNT)])


def test_bits_are_those_of_the_published_generator():
    """SplitMix64 with seed 1234567, from the generator's reference implementation."""
    seed = np.uint64(1234567)
    expected = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    assert [int(bits(seed, counter)) for counter in range(3)] == expected


def test_mixing_is_one_to_one():
    values = [int(mix(np.uint64(value))) for value in range(10_000)]
    assert len(set(values)) == 10_000


def test_uniforms_are_uniform(uniforms):
    stats = pytest.importorskip("scipy.stats")
    assert stats.kstest(uniforms, "uniform").pvalue > 0.001
    assert uniforms.mean() == pytest.approx(0.5, abs=4 / math.sqrt(12 * COUNT))
    assert uniforms.var() == pytest.approx(1 / 12, rel=0.03)


def invert(target: int) -> tuple[np.uint64, int]:
    """Return the key with which draw 0 has exactly these bits."""
    mask = 2**64 - 1

    def unshift(value: int, shift: int) -> int:
        result = value
        for _ in range(64 // shift):
            result = value ^ (result >> shift)
        return result

    value = unshift(target, 31)
    value = unshift(value * pow(0x94D049BB133111EB, -1, 2**64) & mask, 27)
    value = unshift(value * pow(0xBF58476D1CE4E5B9, -1, 2**64) & mask, 30)
    return np.uint64((value - 0x9E3779B97F4A7C15) & mask)


@pytest.mark.parametrize("extreme", [0, 1, 2**11, 2**63, 2**64 - 2**11, 2**64 - 2, 2**64 - 1])
def test_uniforms_are_never_0_and_never_1(extreme):
    key = invert(extreme)
    assert int(bits(key, 0)) == extreme
    assert 0.0 < uniform(key, 0) < 1.0
    assert math.isfinite(normal(key, 0))
    assert math.isfinite(exponential(key, 0))
    assert exponential(key, 0) > 0.0


def test_normals_are_normal(normals):
    stats = pytest.importorskip("scipy.stats")
    assert stats.kstest(normals, "norm").pvalue > 0.001
    assert normals.mean() == pytest.approx(0.0, abs=4 / math.sqrt(COUNT))
    assert normals.std() == pytest.approx(1.0, rel=0.02)
    assert stats.skew(normals) == pytest.approx(0.0, abs=0.07)
    assert stats.kurtosis(normals) == pytest.approx(0.0, abs=0.15)


def test_the_normal_quantile_is_accurate_to_the_last_digits():
    special = pytest.importorskip("scipy.special")
    tails = 10.0 ** -np.arange(1.0, 17.0)
    places = np.concatenate([np.linspace(0.001, 0.999, 999), tails, 1 - tails[:15]])
    ours = np.array([normal_quantile(place) for place in places])
    assert ours == pytest.approx(special.ndtri(places), rel=2e-14, abs=2e-15)


def test_exponentials_have_mean_and_deviation_one():
    values = np.array([exponential(KEY, counter) for counter in range(COUNT)])
    assert values.mean() == pytest.approx(1.0, abs=0.03)
    assert values.std() == pytest.approx(1.0, abs=0.04)


def test_draws_do_not_depend_on_their_order(uniforms):
    places = np.random.default_rng(0).permutation(COUNT)[:100]
    assert [uniform(KEY, place) for place in places] == uniforms[places].tolist()


@pytest.mark.parametrize("lag", [1, 2, 11, 16])
def test_neighbouring_draws_are_uncorrelated(normals, lag):
    correlation = np.corrcoef(normals[:-lag], normals[lag:])[0, 1]
    assert abs(correlation) < 4 / math.sqrt(COUNT)


def test_streams_and_seeds_are_uncorrelated(make_worlds):
    world = make_worlds("textbook", horizon_seconds=60.0).worlds[0]
    keys = []
    for seed in (0, 1, 2, 2**64 - 1):
        for fork in (0, 1):
            world["seed"], world["fork"] = seed, fork
            open_streams(world)
            keys += world["keys"].tolist()
    assert len(set(keys)) == len(keys)
    draws = np.array([[normal(np.uint64(key), n) for n in range(500)] for key in keys[:48]])
    correlations = np.corrcoef(draws) - np.eye(48)
    assert np.abs(correlations).max() < 5 / math.sqrt(500)
