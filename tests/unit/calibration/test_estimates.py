"""Standard errors are those of the textbook where the textbook has some."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gammagym.calibration.estimates import Estimate, jackknife, logistic, logit, maximise


def test_a_normal_law_is_fitted_with_the_errors_of_the_textbook() -> None:
    sample = np.random.default_rng(1).normal(3.0, 2.0, 4_000)

    def log_likelihood(point: np.ndarray) -> float:
        sigma = math.exp(point[1])
        return -float(np.sum((sample - point[0]) ** 2)) / (2 * sigma**2) - len(sample) * point[1]

    fit = maximise(
        log_likelihood,
        lambda point: np.array([point[0], math.exp(point[1])]),
        ("mean", "sigma"),
        [[0.0, 0.0]],
    )
    mean, sigma = fit.parameters["mean"], fit.parameters["sigma"]
    assert mean.value == pytest.approx(sample.mean(), abs=1e-4)
    assert sigma.value == pytest.approx(sample.std(), rel=1e-4)
    assert mean.error == pytest.approx(sample.std() / math.sqrt(4_000), rel=1e-3)
    assert sigma.error == pytest.approx(sample.std() / math.sqrt(8_000), rel=1e-3)
    assert fit.aic == pytest.approx(4 - 2 * fit.log_likelihood)


def test_a_parameter_that_the_data_do_not_know_has_no_error() -> None:
    fit = maximise(lambda point: -float(point[0] ** 2), lambda point: point, "ab", [[1.0, 1.0]])
    assert math.isnan(fit.parameters["b"].error)
    assert not fit.parameters["b"].identified


def test_the_jackknife_of_a_mean_is_its_standard_error() -> None:
    sample = np.random.default_rng(2).exponential(size=50)
    value, error = jackknife(
        lambda blocks: np.array([np.concatenate(blocks).mean()]), np.split(sample, 50)
    )
    assert value[0] == pytest.approx(sample.mean())
    assert error[0] == pytest.approx(sample.std(ddof=1) / math.sqrt(50))


def test_an_estimate_is_identified_beyond_two_errors() -> None:
    assert Estimate(-2.1, 1.0).identified
    assert not Estimate(1.9, 1.0).identified
    assert not Estimate(1.9).identified


@pytest.mark.parametrize("share", [0.001, 0.3, 0.999])
def test_shares_and_free_parameters_are_each_others_inverse(share: float) -> None:
    assert logistic(logit(share)) == pytest.approx(share)
