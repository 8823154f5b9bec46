"""The feedback of hedging on the market: `gammagym validate feedback`.

Worlds with and without dealers who hedge options run on the same seeds: the same news, the same
orders of everybody else. Measured on the mid price are volatility, autocorrelation of returns and
crashes, beside what the autoregression of `feedback_theory` says. See docs/feedback.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gammagym.evaluation.feedback_results import Cell, Curve, Estimate, Feedback
from gammagym.evaluation.feedback_theory import (
    random_days,
    staggered_autocorrelation,
    staggered_ratio,
)
from gammagym.evaluation.theory import Check
from gammagym.exchange.trading import mid_price
from gammagym.loop import advance, open_world
from gammagym.scenario.compile import compile_world
from gammagym.scenario.load import load_scenario
from gammagym.scenario.tasks import Leg, Task
from gammagym.world import LARGE, copied
from gammagym.world.sizes import NANOSECONDS

Floats = NDArray[np.float64]

_DAY_NS = 86_400 * 10**9
_VOLATILITY = 0.6  # a year
_INTERVAL, _TICK = 300, 10  # of hedging, of the record (s)
MOMENTS = _INTERVAL // _TICK
INTERVALS = 86_400 // _INTERVAL
# The long horizon of volatility, in hedging intervals: two hours.
LONG = 24
# Left out at the start of a day, while the feedback builds up: as many intervals.
_SETTLING = 24
_HOUR = 3_600 // _TICK
_HOUR_DEVIATION = _VOLATILITY / (365 * 24) ** 0.5
# Moves within an hour that count, in standard deviations of an hour without hedgers.
CRASH, STORM = 5.0, 3.0
# Lasting impact of one unit in the ordinary book (basis points).
_IMPACT = 10.0
_NORMAL_95 = 1.96

GAINS = (-0.8, -0.6, -0.4, -0.2, 0.0, 0.2, 0.4, 0.6, 0.8, 0.9)
# Of the map of finite depth, and of that in which impact is inverse to depth.
MAP_GAINS = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.1, 1.3)
MAP_DEPTHS = (0.003, 0.01, 0.03, 0.1, 1.0)
MAP_GAMMAS = (1.5, 3.0, 4.5, 6.0, 9.0, 12.0, 18.0)
KYLE_DEPTHS = (0.3, 0.6, 1.2, 2.4)
TURN_GAINS = (-0.8, -0.4, 0.4, 0.8)
_TURNS = 10
# What is compared with theory, and the difference that is allowed besides sampling errors.
_COMPARED = {
    "answer": ("answer to a return", 0.01),
    "autocorrelation": ("autocorrelation", 0.01),
    "short_ratio": ("volatility ratio over one interval", 0.01),
    "long_ratio": (f"volatility ratio over {LONG} intervals", 0.01),
}


@dataclass(frozen=True)
class Setting:
    """One market: its dealers, its book, its impact.

    Attributes:
        gain: k, the return that dealers answer a return with; 0: there are no dealers.
        depth: sizes of the crowd's quotes, as a multiple of the ordinary ones.
        impact: lasting move of the price per unit (basis points).
        dealers: how many share the gamma.
        staggered: whether they take turns.
    """

    gain: float
    depth: float = 1.0
    impact: float = _IMPACT
    dealers: int = 1
    staggered: bool = False

    @property
    def gamma(self) -> float:
        """Gamma of all dealers (units per 1 %), < 0 where they are short."""
        # 1 % is 100 basis points, and k is a share of a return.
        return -100.0 * self.gain / self.impact

    def scenario(self) -> dict[str, Any]:
        """Return the scenario, as a file would say it."""
        dealers = {
            "gamma": self.gamma,
            "interval": f"{_INTERVAL}s",
            "count": self.dealers,
            "phase": "staggered" if self.staggered else "equal",
        }
        return {
            "name": "feedback",
            "purpose": "Dealers who hedge options move the price that they hedge against",
            "venue": "generic",
            "funding": "0%",
            "price": {
                "model": "gbm",
                "start": "60000",
                "volatility": _VOLATILITY,
                "tick": f"{_TICK}s",
            },
            "flow": {
                "preset": "sparse",
                "rate": 0.5,
                "lasting_impact": self.impact,
                "touch_size": 2.5 * self.depth,
                "add_size": 10.0 * self.depth,
            },
            "hedgers": [dealers] if self.gain else [],
        }


@dataclass(frozen=True)
class Days:
    """What was written down of a market.

    Attributes:
        prices: log of the mid price, shape (days, moments of a day).
        stopped: whether dealers gave up because the price had run away, shape (days,).
    """

    prices: Floats
    stopped: NDArray[np.bool_]


# --- Running ---------------------------------------------------------------------------------


def run_days(setting: Setting, days: int, seed: int = 0) -> Days:
    """Run days of a market, each a world of its own, with the seeds seed, seed + 1, ..."""
    task = Task("Feedback", (Leg("spot", 1.0),), horizon_seconds=86_400.0)
    compiled = compile_world(load_scenario(setting.scenario()), task, capacity=LARGE)
    mids = np.zeros((days, INTERVALS * MOMENTS))
    stopped = np.zeros(days, np.bool_)
    for day in range(days):
        worlds = copied(compiled.template)
        open_world(worlds[0], compiled.tape, seed + day)
        for step in range(mids.shape[1]):
            # Before what is due then.
            advance(worlds[0], compiled.tape, (step + 1) * _TICK * NANOSECONDS - 1)
            mids[day, step] = mid_price(worlds[0], 0)
        stopped[day] = worlds["hedgers"]["stopped"].any()
    return Days(np.log(mids), stopped)


# --- Measuring -------------------------------------------------------------------------------


def autocorrelation(prices: Floats, theory: float | None = None) -> Estimate:
    """Return the lag-one autocorrelation of returns over the hedging interval.

    Sums of all days are divided, not quotients averaged, so that the bias is of all days together.

    Args:
        prices: log prices, shape (days, moments).
        theory: value to compare with.
    """
    returns = _returns(prices, 1)
    top = (returns[:, 1:] * returns[:, :-1]).mean(axis=1)
    value, error = _quotient(top, (returns**2).mean(axis=1))
    return _estimate(value, error, theory)


def answer_to_returns(base: Floats, prices: Floats, theory: float) -> Estimate:
    """Return k as the market has it: what a return adds to the next one, apart from the news.

    The same days without hedgers tell the news, which cancels: only dealers who hedge at equal
    times answer so.

    Args:
        base: log prices without hedgers, shape (days, moments).
        prices: log prices with them, of the same seeds.
        theory: value to compare with.
    """
    before = _returns(prices, 1)
    added = (before - _returns(base, 1))[:, 1:]
    value, error = _quotient(
        (added * before[:, :-1]).mean(axis=1), (before[:, :-1] ** 2).mean(axis=1)
    )
    return _estimate(value, error, theory)


def ratio_to(base: Floats, prices: Floats, intervals: int, theory: float) -> Estimate:
    """Return how much more volatile some days are than the same days without hedgers.

    Args:
        base: log prices without hedgers, shape (days, moments).
        prices: log prices with them, of the same seeds.
        intervals: horizon of returns, in hedging intervals.
        theory: value to compare with.
    """
    top, bottom = ((_returns(one, intervals) ** 2).mean(axis=1) for one in (prices, base))
    value, error = _quotient(top, bottom)
    return _estimate(value**0.5, 0.5 * error / value**0.5, theory)


def _returns(prices: Floats, intervals: int) -> Floats:
    """Return overlapping returns over some intervals, at the moments before hedges."""
    before_hedges = prices[:, MOMENTS - 1 :: MOMENTS][:, _SETTLING:]
    return before_hedges[:, intervals:] - before_hedges[:, :-intervals]


def _quotient(top: Floats, bottom: Floats) -> tuple[float, float]:
    """Return the quotient of two means over days, and its standard error (delta method)."""
    value = float(top.mean() / bottom.mean())
    left = (top - value * bottom) / bottom.mean()
    return value, float(left.std(ddof=1) / np.sqrt(len(left)))


def _estimate(value: float, error: float, theory: float | None) -> Estimate:
    wide = _NORMAL_95 * error
    return Estimate(value, value - wide, value + wide, theory)


def share(hits: NDArray[np.bool_], theory: float | None = None) -> Estimate:
    """Return the share of days that were hit, with Wilson's interval.

    >>> found = share(np.array([True, False, False, False]))
    >>> found.value, round(found.low, 3), round(found.high, 3)
    (0.25, 0.046, 0.699)
    """
    count, value, square = len(hits), float(hits.mean()), _NORMAL_95**2
    centre = (value + square / (2 * count)) / (1 + square / count)
    wide = _NORMAL_95 / (1 + square / count)
    wide *= np.sqrt(value * (1 - value) / count + square / (4 * count**2))
    return Estimate(value, float(centre - wide), float(centre + wide), theory)


def crash_days(prices: Floats, deviations: float = CRASH) -> NDArray[np.bool_]:
    """Return which days have a crash, up or down.

    A crash is an hour of the clock in which the price is at some moment further from where the hour
    began than so many standard deviations of an hour without hedgers.

    Args:
        prices: log prices, shape (days, moments).
        deviations: how many.
    """
    return (_hourly_moves(prices).max(axis=1) > deviations * _HOUR_DEVIATION).any(axis=1)


def retraced_share(prices: Floats) -> float | None:
    """Return in which share of crashes half of the way was gone back within an hour; None: none."""
    moves = _hourly_moves(prices)
    days, hours = (moves.max(axis=1) > CRASH * _HOUR_DEVIATION).nonzero()
    back = 0
    for day, hour in zip(days, hours, strict=True):
        place = hour * _HOUR + int(moves[day, :, hour].argmax())
        start, extreme = prices[day, max(hour * _HOUR - 1, 0)], prices[day, place]
        after = prices[day, place : place + _HOUR]
        back += bool(((after - extreme) / (start - extreme) >= 0.5).any())
    return back / len(days) if len(days) else None


def _hourly_moves(prices: Floats) -> Floats:
    """Return how far each moment is from the start of its hour, shape (days, moments, hours)."""
    days = len(prices)
    starts = np.concatenate([prices[:, :1], prices[:, _HOUR - 1 : -1 : _HOUR]], axis=1)
    by_hour = prices.reshape(days, -1, _HOUR)
    return np.abs(by_hour - starts[:, :, None]).transpose(0, 2, 1)


# --- The experiments -------------------------------------------------------------------------


def measure_curve(gains: tuple[float, ...], days: int, seed: int, staggered: bool = False) -> Curve:
    """Measure markets with dealers of each gain against the same days without any."""
    dealers = _TURNS if staggered else 1
    base = run_days(Setting(0.0), days, seed).prices
    found: dict[str, list[Estimate]] = {name: [] for name in Curve.__annotations__}
    for gain in gains:
        prices = run_days(Setting(gain, dealers=dealers, staggered=staggered), days, seed).prices
        found["answer"].append(answer_to_returns(base, prices, gain))
        found["autocorrelation"].append(
            autocorrelation(prices, staggered_autocorrelation(gain, dealers))
        )
        for name, length in (("short_ratio", 1), ("long_ratio", LONG)):
            theory = staggered_ratio(gain, length, dealers)
            found[name].append(ratio_to(base, prices, length, theory))
        for name, size in (("storms", STORM), ("crashes", CRASH)):
            theory = None if staggered else theoretical_share(gain, size)
            found[name].append(share(crash_days(prices, size), theory))
    del found["gains"]
    return Curve(gains, **{name: tuple(values) for name, values in found.items()})


def theoretical_share(gain: float, deviations: float, days: int = 500) -> float:
    """Return the share of days with a crash in the autoregression itself, without a market."""
    deviation = _HOUR_DEVIATION * (_INTERVAL / 3_600) ** 0.5
    paths = random_days(gain, days, deviation, INTERVALS, MOMENTS, seed=1)
    return float(crash_days(paths, deviations).mean())


def measure_cell(setting: Setting, days: int, seed: int) -> Cell:
    """Measure one market of a map."""
    found = run_days(setting, days, seed)
    crashes = share(crash_days(found.prices), theoretical_share(setting.gain, CRASH, 100))
    retraced = retraced_share(found.prices)
    runaway = float(found.stopped.mean())
    return Cell(setting.gain, setting.gamma, setting.depth, crashes, retraced, runaway)


def measure_feedback(
    days: int = 60, seed: int = 0, progress: Callable[[str], None] | None = None
) -> Feedback:
    """Run every experiment.

    Args:
        days: days of each market of the curves; the maps have a third of it.
        seed: seed of the first day.
        progress: called with the name of each experiment before it runs.
    """

    def tell(name: str) -> None:
        if progress is not None:
            progress(name)

    few = max(days // 3, 2)
    tell("dealers who hedge at equal times")
    together = measure_curve(GAINS, days, seed)
    tell("dealers who take turns")
    staggered = measure_curve(TURN_GAINS, days, seed, staggered=True)
    tell("crashes over k and depth")
    by_depth = [Setting(gain, depth) for depth in MAP_DEPTHS for gain in MAP_GAINS]
    cells_by_depth = tuple(measure_cell(setting, few, seed) for setting in by_depth)
    tell("crashes over gamma and depth")
    by_gamma = [
        Setting(gamma * _IMPACT / depth / 100.0, depth, _IMPACT / depth)
        for depth in KYLE_DEPTHS
        for gamma in MAP_GAMMAS
    ]
    cells_by_gamma = tuple(measure_cell(setting, few, seed) for setting in by_gamma)
    return Feedback(days, seed, together, staggered, cells_by_depth, cells_by_gamma)


def compare(found: Feedback) -> list[Check]:
    """Return what theory has to say of the curves beside what was measured.

    Sampling errors are those of the means over days; on top of three of them comes what a real book
    does besides: quotes that bounce, orders that are filled a little later or not at all.
    """
    source = "autoregression of order one, k = |gamma| x impact"
    checks: list[Check] = []
    for curve, kind in ((found.together, "at equal times"), (found.staggered, "in turns")):
        for name, (title, slack) in _COMPARED.items():
            if name == "answer" and curve is found.staggered:
                continue
            for gain, estimate in zip(curve.gains, getattr(curve, name), strict=True):
                assert estimate.theory is not None
                sampling = 3.0 * estimate.error / _NORMAL_95
                tolerance = sampling + slack * max(abs(estimate.theory), 1.0)
                label = f"{title}, k = {gain:+g}, dealers {kind}"
                checks.append(Check(label, estimate.value, estimate.theory, tolerance, source))
    return checks
