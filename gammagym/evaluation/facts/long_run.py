"""Facts that take hours: measured on mids once a second, from several seeds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gammagym.evaluation.facts.estimators import (
    autocorrelation,
    correlation,
    excess_kurtosis,
    tail_index,
)

Floats = NDArray[np.float64]

_MINUTE = 60


def measure_long(runs: Sequence[Floats]) -> dict[str, float]:
    """Return the facts of long runs together.

    Args:
        runs: of each seed mid and volume once a second, shape (seconds, 2), as `long_returns`
            gives them.

    Returns:
        `long_kurtosis_60s` and by how much it is above that of ten minutes (`long_kurtosis_falls`:
        sums become normal), autocorrelation of returns of a minute at lag 1
        (`long_return_acf_60s`) and of their sizes at lags 1 and 10 (`long_abs_return_acf_60s`,
        `long_abs_return_acf_600s`), Hill's tail index, and the correlation of the logarithms of
        volume and of absolute return of a minute.
    """
    minutes = [log_returns(run, _MINUTE) for run in runs]
    sizes = [np.abs(moves) for moves in minutes]
    volumes = [run[: len(run) // _MINUTE * _MINUTE, 1].reshape(-1, _MINUTE) for run in runs]
    traded = np.concatenate([volume.sum(axis=1)[1:] for volume in volumes])
    moves = np.concatenate(minutes)
    kurtosis = excess_kurtosis(moves)
    aggregated = excess_kurtosis(np.concatenate([log_returns(run, 10 * _MINUTE) for run in runs]))
    seen = (np.abs(moves) > 0) & (traded[: len(moves)] > 0)
    return {
        "long_kurtosis_60s": kurtosis,
        "long_kurtosis_falls": kurtosis - aggregated,
        "long_return_acf_60s": autocorrelation(minutes, 1),
        "long_abs_return_acf_60s": autocorrelation(sizes, 1),
        "long_abs_return_acf_600s": autocorrelation(sizes, 10),
        "long_tail_index_60s": tail_index(moves),
        "long_volume_volatility_correlation": correlation(
            np.log(traded[seen]), np.log(np.abs(moves[seen]))
        ),
    }


def log_returns(run: Floats, seconds: int) -> Floats:
    """Return log returns of a run over whole intervals, the first of which ends at the second."""
    return np.diff(np.log(run[seconds - 1 :: seconds, 0]))
