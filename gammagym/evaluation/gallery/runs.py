"""Let a scenario happen with nobody hedging in it, and look at it once a second."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gammagym.envs.batch import Batch
from gammagym.envs.core import build
from gammagym.errors import GammagymError
from gammagym.glance import LOOK, look_around
from gammagym.scenario.compile import Compiled
from gammagym.world import copied, viewed
from gammagym.world.codes import BUY, CALL, PUT, SELL, SPOT
from gammagym.world.sizes import NANOSECONDS

Floats = NDArray[np.float64]

# Looks at one run; long episodes are looked at less often than once a second.
MOST_LOOKS = 100_000
_AT_ONCE = 4


@dataclass(frozen=True, eq=False)
class Run:
    """One episode without a competitor's trade, at equal intervals; arrays of shape (n,).

    Attributes:
        seed: its seed.
        times: time since the beginning (s).
        price: fundamental price.
        index: index price.
        mid: mid of what competitors hedge with; NaN where a side of its book is empty.
        spread: its spread (basis points of the mid); NaN likewise.
        bids: what rests within 0.5 % below the mid (units).
        asks: the same above it.
        funding: funding rate of the interval, as known.
        volatility: implied volatility at the money (annual); 0 without options.
        longs: what longs of the leveraged crowd hold (units).
        shorts: the same of shorts.
        closed_longs: longs of the crowd closed by force so far (units).
        closed_shorts: the same of shorts.
        trouble: TROUBLE_ bits of `gammagym.glance`.
        others: mids of further books but those of options, by name of the instrument.
        spot: name of the spot market among them, or nothing.
        name: name of what competitors hedge with.
    """

    seed: int
    times: Floats
    price: Floats
    index: Floats
    mid: Floats
    spread: Floats
    bids: Floats
    asks: Floats
    funding: Floats
    volatility: Floats
    longs: Floats
    shorts: Floats
    closed_longs: Floats
    closed_shorts: Floats
    trouble: NDArray[np.int64]
    others: Mapping[str, Floats]
    spot: str
    name: str

    @property
    def reference(self) -> Floats:
        """What premiums are over: the mid of spot, or the index where no spot is traded."""
        return self.others[self.spot] if self.spot else self.index

    @property
    def interval(self) -> float:
        """Time between two looks (s)."""
        return float(self.times[1] - self.times[0])


def run_scenario(
    scenario: Any,
    seeds: Sequence[int],
    task: str = "GammaScalp",
    price_file: str | os.PathLike[str] | None = None,
    *,
    overrides: Mapping[str, Any] | None = None,
    progress: Callable[[int], None] | None = None,
    **options: Any,
) -> list[Run]:
    """Run a scenario once for each seed: the market that agents of a task find, without them.

    Args:
        scenario: name, path, dict or `Scenario`.
        seeds: one run each.
        task: name of the task, whose book and horizon it is.
        price_file: CSV of prices to replay.
        overrides: scenario values by dotted key.
        progress: called with the number of runs that are done.
        **options: attributes of the task to change.

    Raises:
        ScenarioError: something about the market is unknown, malformed or impossible.
        DataError: the price file is missing or broken.
        GammagymError: a seed is out of range.
    """
    for seed in seeds:
        if not 0 <= seed < 2**63:
            raise GammagymError(f"seeds must be from 0 to 2^63 - 1, was {seed}")
    compiled = build(task, scenario, price_file, overrides, options)
    runs: list[Run] = []
    for first in range(0, len(seeds), _AT_ONCE):
        runs += _run(compiled, seeds[first : first + _AT_ONCE])
        if progress:
            progress(len(runs))
    return runs


def _run(compiled: Compiled, seeds: Sequence[int]) -> list[Run]:
    """Run one world for each seed from its beginning to its end.

    The worlds are stepped as environments step them, with decisions to do nothing as often as they
    are looked at: that needs no code which is not compiled already.
    """
    world, count = compiled.template[0], len(seeds)
    interval_ns = look_interval(int(world["end_ns"]), int(world["price"]["tick_ns"]))
    length = int(world["end_ns"]) // interval_ns + 1
    compiled = replace(compiled, template=copied(compiled.template))
    compiled.template["agents"]["decision_ns"] = interval_ns
    batch = Batch(compiled, count)
    worlds = viewed(batch.worlds)
    looks = viewed(np.zeros((count, length), LOOK))
    mids = np.zeros((count, length, len(world["instruments"])), np.int64)
    held = np.zeros((count, len(world["buckets"])), np.int64)
    nothing = np.zeros((count, 1, *batch.face.action_shape), np.float32)
    batch.open(np.arange(count), np.array(seeds, np.uint64))
    for row in range(length):
        if row > 0:
            batch.step(nothing)
        look_around(worlds, row, held, looks, mids)
    return [_as_run(compiled, *seen) for seen in zip(seeds, looks, mids, strict=True)]


def look_interval(end_ns: int, tick_ns: int) -> int:
    """Return the time between two looks: a second or a price tick, longer in long episodes (ns).

    >>> look_interval(14_400 * 10**9, 10**9), look_interval(30 * 86_400 * 10**9, 10**9)
    (1000000000, 26000000000)
    """
    shortest = max(tick_ns, NANOSECONDS)
    shortest = -(-shortest // tick_ns) * tick_ns
    return -(-end_ns // (shortest * MOST_LOOKS)) * shortest


def _as_run(compiled: Compiled, seed: int, looks: NDArray[Any], mids: NDArray[np.int64]) -> Run:
    """Return what was seen in natural units."""
    world = compiled.template[0]
    hedge, contracts = int(world["agents"]["hedge_instrument"][0]), world["instruments"]
    kinds = contracts["kind"]
    prices = np.where(mids > 0, 0.5 * mids * contracts["tick_size"], np.nan)
    names = compiled.instruments
    others = {
        name: prices[:, row]
        for row, name in enumerate(names)
        if row != hedge and kinds[row] not in (CALL, PUT) and np.isfinite(prices[:, row]).any()
    }
    spot = next((name for row, name in enumerate(names) if kinds[row] == SPOT), "")
    tick, mid = float(contracts["tick_size"][hedge]), prices[:, hedge]
    width = (looks["ask_ticks"] - looks["bid_ticks"]) * tick
    return Run(
        seed=seed,
        times=looks["time_ns"] / NANOSECONDS,
        price=looks["price"].copy(),
        index=looks["index"].copy(),
        mid=mid,
        spread=1e4 * width / mid,
        bids=looks["depth_units"][:, BUY].copy(),
        asks=looks["depth_units"][:, SELL].copy(),
        funding=looks["funding"].copy(),
        volatility=looks["volatility"].copy(),
        longs=looks["open_units"][:, BUY].copy(),
        shorts=looks["open_units"][:, SELL].copy(),
        closed_longs=looks["closed_units"][:, BUY].copy(),
        closed_shorts=looks["closed_units"][:, SELL].copy(),
        trouble=looks["trouble"].copy(),
        others=others,
        spot=spot if spot in others else "",
        name=names[hedge],
    )
