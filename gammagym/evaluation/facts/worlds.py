"""Record a simulated world: event by event, or only its mid once a second for many hours."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gammagym.api.market import listed_legs
from gammagym.engine.protocol import UPDATE
from gammagym.engine.tables import place
from gammagym.errors import GammagymError
from gammagym.evaluation.facts import record as tables
from gammagym.evaluation.facts.record import BUY, DEPTH_INTERVAL, SELL, MarketRecord
from gammagym.loop import advance, open_world
from gammagym.recorder import (
    DEPTH,
    FILL,
    LEVEL_CHANGE,
    QUOTES,
    RECORDING,
    open_recording,
    record,
    two_mids,
)
from gammagym.scenario.compile import compile_world
from gammagym.scenario.load import load_scenario
from gammagym.scenario.schema import Scenario
from gammagym.scenario.tasks import Task
from gammagym.scenario.variants import variants_of
from gammagym.world import codes, copied, viewed
from gammagym.world.sizes import NANOSECONDS

# Rows of the recorder's tables; the feed has room for what one event does.
_FEED, _FILLS, _QUOTES, _CHANGES, _DEPTHS = 1 << 12, 1 << 15, 1 << 15, 1 << 16, 1 << 12
_LONGEST_SECONDS = 86_400.0 * 30
_DEPTH_NS = round(DEPTH_INTERVAL * NANOSECONDS)

Source = str | os.PathLike[str] | Mapping[str, Any] | Scenario


def record_world(
    scenario: Source = "calm",
    overrides: Mapping[str, Any] | None = None,
    *,
    seed: int = 0,
    seconds: float = 345.0,
    instrument: int = 0,
) -> MarketRecord:
    """Record one book of a world in which no competitor acts, after its warm-up.

    Args:
        scenario: name, path, dict or `Scenario`.
        overrides: changes of it by dotted key, such as {"flow.preset": "full"}.
        seed: seed of every random stream.
        seconds: length of the record (s), more than 0, at most 30 days.
        instrument: row of instruments; 0 is what competitors hedge with.

    Raises:
        ScenarioError: the scenario is unknown, malformed or impossible.
        GammagymError: another argument is out of range, or a single event changed more orders than
            the recorder has room for.
    """
    opened = _open(scenario, overrides, seed, seconds, listed=instrument > 0)
    if not 0 <= instrument < len(opened.names):
        raise GammagymError(
            f"instrument must be a row of {', '.join(opened.names)}, 0 to {len(opened.names) - 1}, "
            f"was {instrument}"
        )
    recorder = _Recorder(opened.worlds, instrument)
    recorder.run(opened.tape, round(seconds * NANOSECONDS))
    changes = [f"{key}={value}" for key, value in (overrides or {}).items()]
    return recorder.as_record(", ".join((opened.name, *changes, f"seed {seed}")), seconds)


def long_returns(
    scenario: Source = "calm",
    overrides: Mapping[str, Any] | None = None,
    *,
    seed: int = 0,
    hours: float = 4.0,
) -> NDArray[np.float64]:
    """Return mid and volume of what competitors hedge with, once a second.

    Args:
        scenario: name, path, dict or `Scenario`.
        overrides: changes of it by dotted key.
        seed: seed of every random stream.
        hours: length, at least a second.

    Returns:
        Columns mid (price units) and volume in the second before (lots), shape (seconds, 2).

    Raises:
        ScenarioError: the scenario is unknown, malformed or impossible.
        GammagymError: another argument is out of range.
    """
    opened = _open(scenario, overrides, seed, hours * 3_600)
    count = round(hours * 3_600)
    world = opened.worlds[0]
    book = world["books"][0]
    seen = np.zeros((count, 2))
    twice, volume = 0, int(book["volume_lots"])
    for look in range(count):
        advance(world, opened.tape, (look + 1) * NANOSECONDS)
        twice, before, volume = two_mids(book, twice), volume, int(book["volume_lots"])
        seen[look] = twice, volume - before
    seen[:, 0] *= 0.5 * float(world["instruments"][0]["tick_size"])
    return seen


@dataclass(frozen=True)
class _Opened:
    """A world after its warm-up, and what it takes to run it."""

    worlds: NDArray[Any]
    tape: NDArray[np.float64]
    names: tuple[str, ...]
    name: str


def _open(
    scenario: Source,
    overrides: Mapping[str, Any] | None,
    seed: int,
    seconds: float,
    *,
    listed: bool = False,
) -> _Opened:
    """Open a world with nobody in it: with the hedge alone, or all that its venues list."""
    if not 1.0 <= seconds <= _LONGEST_SECONDS:
        raise GammagymError(f"seconds must be 1 to {_LONGEST_SECONDS:,.0f}, was {seconds:g}")
    if not 0 <= seed < 2**63:
        raise GammagymError(f"seed must be 0 to 2**63 - 1, was {seed}")
    loaded = load_scenario(scenario, dict(overrides or {}))
    interval = max(60.0, loaded.price.tick / NANOSECONDS)  # no price clock is too coarse for it
    legs = listed_legs(loaded) if listed else ()
    task = Task("Recording", legs, horizon_seconds=seconds, decision_interval=interval)
    compiled = compile_world(loaded, task)
    worlds = copied(compiled.template)
    seeds = np.array([seed], np.uint64)
    variants_of(compiled).write(worlds, np.zeros(1, np.int64), seeds)
    open_world(worlds[0], compiled.tape, seeds[0])
    return _Opened(worlds, compiled.tape, compiled.instruments, loaded.name)


class _Recorder:
    """Runs the compiled recorder, and keeps what it has written when its tables are full."""

    def __init__(self, worlds: NDArray[Any], instrument: int) -> None:
        self.worlds = worlds
        self.contract = worlds[0]["instruments"][instrument]
        levels = len(worlds[0]["levels"])
        self.feed = np.zeros(_FEED, UPDATE)
        self.ladders = np.zeros((2, 2, levels, 2), np.int64)
        self.tables: dict[str, Any] = {
            "fills": viewed(np.zeros(_FILLS, FILL)),
            "quotes": viewed(np.zeros(_QUOTES, QUOTES)),
            "changes": viewed(np.zeros(max(_CHANGES, 4 * levels), LEVEL_CHANGE)),
            "depths": viewed(np.zeros(_DEPTHS, DEPTH)),
        }
        self.kept: dict[str, list[NDArray[Any]]] = {name: [] for name in self.tables}
        self.recording = viewed(np.zeros(1, RECORDING))
        self.recording["instrument"] = instrument
        self.recording["interval_ns"] = _DEPTH_NS
        # The books of a world are a part of its record, so a feed lies at a distance from them.
        book = worlds["books"][0, instrument : instrument + 1]
        place(book, updates=self.feed)
        book["updates_written"] = 0

    def run(self, tape: NDArray[np.float64], until_ns: int) -> None:
        """Record until a time; the feed goes away again."""
        world, recording = self.worlds[0], self.recording[0]
        open_recording(world, recording, self.ladders, self.tables["quotes"])
        over = False
        while not over:
            over = record(world, tape, until_ns, recording, self.ladders, *self.tables.values())
            if recording["overrun"]:
                raise GammagymError(
                    f"one event at {world['time_ns'] / NANOSECONDS:.3f} s changed more than "
                    f"{_FEED} orders: it cannot be recorded"
                )
            for name, table in self.tables.items():
                self.kept[name].append(np.asarray(table[: int(recording[name])]).copy())
                recording[name] = 0
        self.worlds["books"]["updates_count"] = 0

    def as_record(self, name: str, seconds: float) -> MarketRecord:
        """Return what was kept, in natural units."""
        kept = {table: np.concatenate(parts) for table, parts in self.kept.items()}
        trades = self._trades(kept["fills"])
        return MarketRecord(
            name=name,
            tick=float(self.contract["tick_size"]),
            duration=seconds,
            trades=trades,
            orders=self._orders(kept["fills"], trades),
            touch=self._touch(kept["quotes"]),
            depth=self._depth(kept["depths"]),
            changes=self._changes(kept["changes"]),
        )

    def _units(self, lots: Any, price: Any) -> NDArray[np.float64]:
        """Return sizes in units of the underlying; of inverse contracts, coins at a price."""
        if self.contract["inverse"]:
            return np.asarray(lots) * float(self.contract["face"]) / price
        return np.asarray(lots) * float(self.contract["lot_size"])

    def _trades(self, fills: NDArray[Any]) -> NDArray[Any]:
        trades = np.zeros(len(fills), tables.TRADE)
        trades["time"] = fills["time_ns"] / NANOSECONDS
        trades["price"] = fills["price_ticks"] * float(self.contract["tick_size"])
        trades["size"] = self._units(fills["size_lots"], trades["price"])
        trades["side"] = _signs(fills["side"])
        return trades

    def _orders(self, fills: NDArray[Any], trades: NDArray[Any]) -> NDArray[Any]:
        """Put the fills of one side in one event together: they are one order."""
        same = (np.diff(fills["event"]) == 0) & (np.diff(fills["side"]) == 0)
        first = np.flatnonzero(np.append(True, ~same)[: len(fills)])
        orders = np.zeros(len(first), tables.ORDER)
        orders["time"], orders["side"] = trades["time"][first], trades["side"][first]
        if len(first):
            orders["size"] = np.add.reduceat(trades["size"], first)
        orders["fills"] = np.diff(np.append(first, len(fills)))
        bid, ask = fills["bid_ticks"][first], fills["ask_ticks"][first]
        mid = 0.5 * (bid + ask) * float(self.contract["tick_size"])
        orders["mid"] = np.where((bid > 0) & (ask > 0), mid, np.nan)
        return orders

    def _touch(self, quotes: NDArray[Any]) -> NDArray[Any]:
        touch = np.zeros(len(quotes), tables.TOUCH)
        touch["time"] = quotes["time_ns"] / NANOSECONDS
        for side in ("bid", "ask"):
            lots = quotes[f"{side}_lots"]
            price = quotes[f"{side}_ticks"] * float(self.contract["tick_size"])
            touch[side] = np.where(lots > 0, price, np.nan)
            touch[f"{side}_size"] = self._units(lots, np.where(lots > 0, price, 1.0))
        return touch

    def _depth(self, depths: NDArray[Any]) -> NDArray[Any]:
        depth = np.zeros(len(depths), tables.DEPTH)
        depth["time"] = depths["time_ns"] / NANOSECONDS
        price = float(self.contract["fair_price"])
        for row, side in enumerate(("bid", "ask")):
            depth[side] = self._units(depths["within_lots"][:, row], price)
            depth[f"{side}_levels"] = self._units(depths["level_lots"][:, row], price)
        return depth

    def _changes(self, rows: NDArray[Any]) -> NDArray[Any]:
        changes = np.zeros(len(rows), tables.CHANGE)
        tick = float(self.contract["tick_size"])
        changes["time"] = rows["time_ns"] / NANOSECONDS
        changes["side"] = _signs(rows["side"])
        changes["distance_ticks"] = rows["distance_ticks"]
        mid = np.maximum(0.5 * rows["twice_mid_ticks"], 1.0)
        changes["distance_bp"] = 1e4 * rows["distance_ticks"] / mid
        changes["change"] = self._units(rows["change_lots"], rows["price_ticks"] * tick)
        return changes


def _signs(sides: Any) -> NDArray[np.int64]:
    """Return 1 for BUY and -1 for SELL of a world."""
    return np.where(np.asarray(sides) == codes.BUY, BUY, SELL)
