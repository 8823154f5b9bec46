"""Measures of an event, all from what anybody could have seen (docs/history defines each).

Time is counted in whole seconds. The event begins when the first event of the timeline does, and is
looked at for eight hours. *Before* is the hour until then, or what there is of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import MappingProxyType

import numpy as np

from gammagym.errors import GammagymError
from gammagym.evaluation.history.run import Floats, Run, Series
from gammagym.scenario.record import Measure, RecordedFact
from gammagym.world.codes import SPOT
from gammagym.world.sizes import NANOSECONDS

_HOUR, _MINUTE = 3_600, 60
_EVENT = 8 * _HOUR
# Share of a fall that is done when its time begins, and when it ends.
_BEGUN, _DONE = 0.05, 0.95


def measure(fact: RecordedFact, run: Run) -> float:
    """Return what a run has made of a recorded fact: a share, seconds, or a factor.

    NaN where the market showed nothing that could be measured.

    Raises:
        GammagymError: the scenario has no such market, or no second one to compare with.
    """
    return _MEASURES[fact.measure](fact, run)


def _window(fact: RecordedFact, otherwise: int) -> int:
    """Return the window of a fact in seconds, at least one."""
    return otherwise if fact.within is None else max(round(fact.within / NANOSECONDS), 1)


def _after(fact: RecordedFact, run: Run) -> slice:
    """Return the seconds of the event that a fact looks at."""
    return slice(run.begin, run.begin + _window(fact, _EVENT))


def _event(values: Floats, run: Run) -> Floats:
    """Return what of a series belongs to the event."""
    return values[run.begin : run.begin + _EVENT]


def _level(series: Series, run: Run) -> float:
    """Return the mid when the event begins."""
    return float(series.mid[max(run.begin - 1, 0)])


def _mean_before(values: Floats, run: Run) -> float:
    """Return the mean of what is known before the event; NaN if nothing is."""
    known = values[max(run.begin - _HOUR, 0) : run.begin]
    known = known[~np.isnan(known)]
    return float(known.mean()) if len(known) else math.nan


# --- The price -------------------------------------------------------------------------------


def _fall(fact: RecordedFact, run: Run) -> float:
    series = run.market(fact.market)
    return float(series.low[_after(fact, run)].min()) / _level(series, run) - 1.0


def _rise(fact: RecordedFact, run: Run) -> float:
    series = run.market(fact.market)
    return float(series.high[_after(fact, run)].max()) / _level(series, run) - 1.0


def _fall_within(fact: RecordedFact, run: Run) -> float:
    series, window = run.market(fact.market), _window(fact, _MINUTE)
    low = _event(series.low, run)
    starts = series.mid[max(run.begin - 1, 0) : -1][: len(low)]
    padded = np.append(low, np.full(window - 1, np.inf))
    lowest = np.lib.stride_tricks.sliding_window_view(padded, window).min(axis=1)
    return float((lowest[: len(starts)] / starts).min()) - 1.0


def _fall_time(fact: RecordedFact, run: Run) -> float:
    series = run.market(fact.market)
    level, low = _level(series, run), series.low[_after(fact, run)]
    bottom = int(low.argmin())
    done = (level - low[: bottom + 1]) / (level - low[bottom])
    first = int(np.flatnonzero(done < _BEGUN)[-1]) if (done < _BEGUN).any() else -1
    return float(int(np.argmax(done >= _DONE)) - first)


def _retracement(fact: RecordedFact, run: Run) -> float:
    series = run.market(fact.market)
    level = _level(series, run)
    bottom = run.begin + int(_event(series.low, run).argmin())
    low = float(series.low[bottom])
    later = min(bottom + _window(fact, _HOUR), len(series.mid) - 1)
    return (float(series.mid[later]) - low) / (level - low)


# --- Liquidity -------------------------------------------------------------------------------


def _spread_multiple(fact: RecordedFact, run: Run) -> float:
    series = run.market(fact.market)
    widest = _means(_event(series.spread, run), _window(fact, _MINUTE))
    return _largest(widest) / _mean_before(series.spread, run)


def _depth_multiple(fact: RecordedFact, run: Run) -> float:
    depth = run.market(fact.market).depth[fact.band]
    thinnest = _means(_event(depth, run), _window(fact, _MINUTE))
    return -_largest(-thinnest) / _mean_before(depth, run)


def _volume_multiple(fact: RecordedFact, run: Run) -> float:
    volume = run.market(fact.market).volume
    busiest = _means(_event(volume, run), _window(fact, _MINUTE))
    return _largest(busiest) / _mean_before(volume, run)


def _means(values: Floats, window: int) -> Floats:
    """Return the mean of what is known in every window; NaN where nothing is."""
    known = ~np.isnan(values)
    sums = np.cumsum(np.append(0.0, np.where(known, values, 0.0)))
    counts = np.cumsum(np.append(0.0, known))
    window = min(window, len(values))
    count = counts[window:] - counts[:-window]
    with np.errstate(invalid="ignore"):
        return (sums[window:] - sums[:-window]) / count


def _largest(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(known.max()) if len(known) else math.nan


# --- Derivatives -----------------------------------------------------------------------------


def _furthest(values: Floats) -> float:
    """Return the value that is furthest from 0, with its sign."""
    return float(values[np.abs(values).argmax()])


def _funding(fact: RecordedFact, run: Run) -> float:
    return _furthest(run.market(fact.market).funding[_after(fact, run)])


def _gap(fact: RecordedFact, run: Run, other: Series) -> float:
    series, seen = run.market(fact.market), _after(fact, run)
    return _furthest(series.mid[seen] / other.mid[seen] - 1.0)


def _perp_spot_gap(fact: RecordedFact, run: Run) -> float:
    for series in run.markets.values():
        if series.kind == SPOT:
            return _gap(fact, run, series)
    raise GammagymError(
        f"scenario {run.scenario!r}: perp_spot_gap needs a spot market: add [[markets]] with "
        'kind = "spot" and a flow'
    )


def _venue_gap(fact: RecordedFact, run: Run) -> float:
    own = run.market(fact.market)
    for series in run.markets.values():
        if series.kind == own.kind and series.venue != own.venue:
            return _gap(fact, run, series)
    raise GammagymError(
        f"scenario {run.scenario!r}: venue_gap needs the same kind of market at a second venue"
    )


def _open_interest(run: Run) -> float:
    """Return what the larger side of the leveraged crowd holds when the event begins (lots)."""
    place = max(run.begin - 1, 0)
    held = max(float(run.longs[place]), float(run.shorts[place]))
    if held == 0.0:
        raise GammagymError(f"scenario {run.scenario!r}: has no [crowd] that could be liquidated")
    return held


def _liquidated_share(fact: RecordedFact, run: Run) -> float:
    closed = run.closed[_after(fact, run)]
    return float(closed[-1] - run.closed[max(run.begin - 1, 0)]) / _open_interest(run)


def _open_interest_change(fact: RecordedFact, run: Run) -> float:
    _open_interest(run)
    place, seen = max(run.begin - 1, 0), _after(fact, run)
    sides = [side for side in (run.longs, run.shorts) if side[place] > 0]
    return min(float(side[seen].min() / side[place]) for side in sides) - 1.0


def _outage(fact: RecordedFact, run: Run) -> float:
    """Return the longest time without a trade (s)."""
    quiet = run.market(fact.market).trades[_after(fact, run)] == 0
    edges = np.flatnonzero(np.diff(np.concatenate(([0], quiet.view(np.int8), [0]))))
    return float((edges[1::2] - edges[::2]).max()) if len(edges) else 0.0


_MEASURES: MappingProxyType[Measure, Callable[[RecordedFact, Run], float]] = MappingProxyType(
    {
        "fall": _fall,
        "rise": _rise,
        "fall_within": _fall_within,
        "fall_time": _fall_time,
        "retracement": _retracement,
        "spread_multiple": _spread_multiple,
        "depth_multiple": _depth_multiple,
        "volume_multiple": _volume_multiple,
        "funding": _funding,
        "perp_spot_gap": _perp_spot_gap,
        "venue_gap": _venue_gap,
        "liquidated_share": _liquidated_share,
        "open_interest_change": _open_interest_change,
        "outage": _outage,
    }
)
