"""Run a scenario without competitors, and keep what anybody could have seen of its markets."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gammagym.errors import GammagymError, nearest
from gammagym.loop import open_world
from gammagym.scenario.compile import compile_world
from gammagym.scenario.schema import Scenario
from gammagym.scenario.tasks import Task
from gammagym.survey import CROWD_LOOK, LOOK, WIDE_BANDS, sample_markets
from gammagym.world import copied, viewed
from gammagym.world.codes import BUY, SELL
from gammagym.world.sizes import NANOSECONDS, RATE_UNIT

Floats = NDArray[np.float64]

# A day, as the tasks' episodes, looked at once a second. Longer events are told shortened.
HORIZON_SECONDS = 86_400.0
_BANDS = tuple(f"{100 * band:g}%" for band in WIDE_BANDS)


@dataclass(frozen=True)
class Series:
    """One market, looked at once a second.

    Attributes:
        kind: SPOT, PERPETUAL or another.
        venue: row of its venue.
        mid: best bid plus best ask over two (price units); where a side is empty, the last one.
        low: lowest price traded in the second before; where nothing was, the mid.
        high: highest likewise.
        spread: best ask less best bid over the mid; NaN where a side is empty.
        depth: by band: what rests there on the thinner of the two sides (lots).
        volume: traded in the second before (lots).
        trades: trades in the second before.
        funding: rate of the interval as the venue shows it (share); 0 but for perpetuals.
    """

    kind: int
    venue: int
    mid: Floats
    low: Floats
    high: Floats
    spread: Floats
    depth: dict[str, Floats]
    volume: Floats
    trades: Floats
    funding: Floats


@dataclass(frozen=True)
class Run:
    """What became of one seed.

    Attributes:
        scenario: its name.
        begin: second in which what the timeline does is first seen.
        markets: by name; the first is the hedge's.
        longs: what the leveraged crowd's longs hold, each second (lots).
        shorts: its shorts likewise.
        closed: what of both was closed by force so far (lots).
    """

    scenario: str
    begin: int
    markets: dict[str, Series]
    longs: Floats
    shorts: Floats
    closed: Floats

    @cached_property
    def hedge(self) -> Series:
        """The market that competitors hedge with."""
        return next(iter(self.markets.values()))

    def market(self, name: str | None) -> Series:
        """Return a market by name; None: the hedge's.

        Raises:
            GammagymError: there is none of this name.
        """
        if name is None:
            return self.hedge
        if name not in self.markets:
            raise GammagymError(
                f"scenario {self.scenario!r}: record names the market {name!r}: "
                f"{nearest(name, list(self.markets))}"
            )
        return self.markets[name]


def run_scenario(scenario: Scenario, seed: int) -> Run:
    """Run a scenario for a day in which no competitor trades.

    Raises:
        ScenarioError: the scenario is impossible.
        GammagymError: nothing happens in it.
    """
    interval = max(60.0, scenario.price.tick / NANOSECONDS)
    task = Task("History", (), horizon_seconds=HORIZON_SECONDS, decision_interval=interval)
    compiled = compile_world(scenario, task)
    worlds = copied(compiled.template)
    world = worlds[0]
    open_world(world, compiled.tape, np.uint64(seed))
    begins = [int(each) for each in world["shocks"]["start_ns"][: int(world["shock_count"])]]
    if not begins:
        raise GammagymError(
            f"scenario {scenario.name!r}: has no shocks: there is nothing to compare"
        )
    names = compiled.instruments
    looks = viewed(np.zeros((round(HORIZON_SECONDS), len(names)), LOOK))
    crowd = viewed(np.zeros(len(looks), CROWD_LOOK))
    held = np.array(world["buckets"]["quantity_lots"], np.int64)
    sample_markets(world, compiled.tape, NANOSECONDS, looks, crowd, held)
    contracts = world["instruments"]
    return Run(
        scenario=scenario.name,
        # A price event is on its way in the tick before it: prices do not jump between two ticks.
        begin=max(min(begins) // NANOSECONDS - 1, 0),
        markets={name: _series(looks[:, row], contracts[row]) for row, name in enumerate(names)},
        longs=np.asarray(crowd["long_lots"], np.float64),
        shorts=np.asarray(crowd["short_lots"], np.float64),
        closed=np.asarray(crowd["closed_lots"], np.float64),
    )


def _series(looks: Any, contract: Any) -> Series:
    """Return what was seen of one book in natural units."""
    tick = float(contract["tick_size"])
    bid, ask = np.asarray(looks["bid_ticks"]), np.asarray(looks["ask_ticks"])
    both = (bid > 0) & (ask > 0)
    mid = _held(np.where(both, 0.5 * tick * (bid + ask), np.nan))
    traded = np.asarray(looks["low_ticks"]) > 0
    thinner = np.minimum(looks["within_lots"][:, BUY], looks["within_lots"][:, SELL])
    return Series(
        kind=int(contract["kind"]),
        venue=int(contract["venue"]),
        mid=mid,
        low=np.where(traded, tick * np.asarray(looks["low_ticks"]), mid),
        high=np.where(traded, tick * np.asarray(looks["high_ticks"]), mid),
        spread=np.where(both, tick * (ask - bid) / mid, np.nan),
        depth={band: thinner[:, place].astype(np.float64) for place, band in enumerate(_BANDS)},
        volume=_since_before(looks["volume_lots"]),
        trades=_since_before(looks["trades"]),
        funding=np.asarray(looks["funding_e9"]) / RATE_UNIT,
    )


def _held(values: Floats) -> Floats:
    """Return values with each gap filled by what was there before it, or else after it."""
    known = np.flatnonzero(~np.isnan(values))
    if not len(known):
        return values
    places = np.searchsorted(known, np.arange(len(values)), side="right") - 1
    return values[known[np.maximum(places, 0)]]


def _since_before(totals: Any) -> Floats:
    """Return what was added to a running total in each second; nothing in the first."""
    totals = np.asarray(totals, np.float64)
    return np.diff(totals, prepend=totals[0])
