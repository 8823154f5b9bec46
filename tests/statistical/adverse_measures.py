"""Measure what a flow does to agents' orders: markouts, overrun, and the impact of large orders."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gammagym.exchange.orders import cancel_orders
from gammagym.exchange.own_orders import limit_order
from gammagym.world.codes import BUY, GTC, IOC, SELL
from gammagym.world.sizes import NANOSECONDS

sys.path.insert(0, str(Path(__file__).resolve().parent))
from flow_measures import advance_to, build, fundamental, touch

Array = NDArray[Any]

# Reference of a rule that rests at the touch.
RESTING_BAND = str(Path(__file__).resolve().parent / "resting_band.py")

WAITS = (0.1, 1.0, 5.0)  # seconds from a fill to the mid that it is compared with
# Where a mid may be seconds old when nobody comes, the fundamental price stands for it.
_SELDOM_QUOTED = ("sparse",)
_LOOK = 0.05  # seconds between two looks at the mid, shorter than the shortest wait
_LONGEST_ROUNDS = 30  # two fills each: as many as the log of fills holds
_YEAR = 365 * 86_400
# E(overshoot) of a Gaussian random walk at first passage, in standard deviations of a step:
# -zeta(1/2) / sqrt(2 pi) (Chernoff, 1965; Siegmund, "Sequential Analysis", 1985, X).
OVERSHOOT = 0.5826

# --- Markouts --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Markouts:
    """The mid a while after fills of resting orders, less their price (bp, < 0: against them).

    Attributes:
        orders: how many were placed.
        filled: share of them that was filled until the next were placed.
        mean: mean by wait (s).
        error: standard error of it: worlds are independent, fills of one world are not.
    """

    orders: int
    filled: float
    mean: dict[float, float]
    error: dict[float, float]


def markouts(
    scenario: str,
    preset: str,
    worlds: int,
    rounds: int,
    period: float = 10.0,
    behind: int = 0,
    lots: int = 1,
) -> Markouts:
    """Join the touch on both sides every so often, and look at the mid after fills.

    Both sides at once: where both are filled, moves of the price that have nothing to do with the
    fills cancel.

    Args:
        scenario: its name.
        preset: that of the flow.
        worlds: number of them, seeds from 0.
        rounds: how often orders are placed, at most 30.
        period: seconds from one to the next; those that still rest are cancelled.
        behind: ticks from the best price of the same side.
        lots: size; at some venues one lot is less than the smallest order.
    """
    compiled, market = build(worlds, preset, scenario, decision_interval=period)
    account = int(market[0]["agents"][0]["hedge_account"])
    looks = round(period / _LOOK)
    mids: list[Array] = []
    for look in range(min(rounds, _LONGEST_ROUNDS) * looks + round(WAITS[-1] / _LOOK) + 2):
        advance_to(compiled, market, look * _LOOK)
        now = touch(market)
        mids.append(fundamental(market) if preset in _SELDOM_QUOTED else now.mids)
        if look % looks == 0:
            ends = look >= rounds * looks
            for world, prices in zip(market, now.prices, strict=True):
                cancel_orders(world, account)
                if not ends:
                    limit_order(world, account, 0, BUY, int(prices[BUY]) - behind, lots, GTC)
                    limit_order(world, account, 0, SELL, int(prices[SELL]) + behind, lots, GTC)
    seen = np.array(mids).T.copy()
    moves = [_moves_after_fills(world, path) for world, path in zip(market, seen, strict=True)]
    found = {wait: [each[:, place] for each in moves] for place, wait in enumerate(WAITS)}
    orders = 2 * worlds * rounds
    return Markouts(
        orders,
        sum(map(len, moves)) / orders,
        {wait: _clustered(each)[0] for wait, each in found.items()},
        {wait: _clustered(each)[1] for wait, each in found.items()},
    )


def _moves_after_fills(world: Any, mids: Array) -> Array:
    """Return the markouts of one world's fills (bp), shape (fills, waits)."""
    times = np.arange(len(mids)) * _LOOK
    fills = world["fills"][: int(world["fill_count"])]
    after = fills["time_ns"][:, None] / NANOSECONDS + np.array(WAITS)
    moves = np.interp(after, times, mids) / fills["price_ticks"][:, None] - 1.0
    return 1e4 * moves * np.sign(fills["quantity_lots"])[:, None]


def _clustered(groups: Sequence[Array]) -> tuple[float, float]:
    """Return the mean of all values and its standard error, where groups are independent."""
    sums = np.array([each.sum() for each in groups])
    counts = np.array([len(each) for each in groups])
    mean = sums.sum() / counts.sum()
    spread = np.square(sums - mean * counts).sum() * len(groups) / (len(groups) - 1)
    return float(mean), math.sqrt(spread) / counts.sum()


# --- Overrun ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Overrun:
    """How far the fundamental price is beyond a resting order when it is filled (ticks).

    Attributes:
        sigma: standard deviation of the price in one second (ticks).
        flow: of orders in the flow's market, one value each.
        steps: of a trader who looks at the price only every so many seconds, by these seconds.
    """

    sigma: float
    flow: Array
    steps: dict[float, Array]

    def expected(self, step: float) -> float:
        """Return the closed form for a look every so many seconds (ticks)."""
        return OVERSHOOT * self.sigma * math.sqrt(step)


def overrun(preset: str, worlds: int, seconds: int, distance: int = 500, **changes: Any) -> Overrun:
    """Rest one lot far from the touch on both sides, until the price gets there.

    Args:
        preset: that of the flow.
        worlds: number of them, seeds from 0.
        seconds: how long.
        distance: ticks from the best price of the same side.
        **changes: other values of the scenario, by dotted key.
    """
    compiled, market = build(worlds, preset, **changes)
    account = int(market[0]["agents"][0]["hedge_account"])
    prices = touch(market).prices + np.array([-distance, distance])
    for world, (bid, ask) in zip(market, prices, strict=True):
        limit_order(world, account, 0, BUY, int(bid), 1, GTC)
        limit_order(world, account, 0, SELL, int(ask), 1, GTC)
    paths: list[Array] = []
    clock = compiled.template[0]["price"]
    tick, nodes = int(clock["tick_ns"]) / NANOSECONDS, int(clock["path_steps"])
    for ticks in range(math.ceil(seconds / tick) + 1):
        advance_to(compiled, market, ticks * tick)
        # The way from this tick to the next: straight between its nodes.
        paths.append(market["price"]["path"][:, :nodes].copy())
    values = np.concatenate(paths, axis=1) / market["instruments"]["tick_size"][:, :1]
    step = tick / nodes
    beyond: list[float] = []
    for world, path in zip(market, values, strict=True):
        for fill in world["fills"][: int(world["fill_count"])]:
            price = np.interp(fill["time_ns"] / NANOSECONDS / step, range(len(path)), path)
            beyond.append(np.sign(fill["quantity_lots"]) * (fill["price_ticks"] - price))
    price = compiled.scenario.price
    sigma = float(values[0, 0]) * float(price.volatility or 0.0) / math.sqrt(_YEAR)
    steps = {
        every: _first_beyond(values[:, :: round(every / step)], prices)
        for every in (0.1, 0.2, 1.0)
        if every >= step
    }
    return Overrun(sigma, np.array(beyond), steps)


def _first_beyond(seen: Array, prices: Array) -> Array:
    """Return how far paths are beyond each price when a look finds them there first (ticks)."""
    found: list[Array] = []
    for side, sign in ((BUY, 1.0), (SELL, -1.0)):
        beyond = sign * (prices[:, side, None] - seen)
        reached = (beyond > 0.0).any(axis=1)
        first = (beyond > 0.0).argmax(axis=1)
        found.append(beyond[reached, first[reached]])
    return np.concatenate(found)


# --- Large orders ----------------------------------------------------------------------------


@dataclass(frozen=True)
class LargeOrder:
    """What a large purchase in pieces does to the mid.

    Attributes:
        quantity: what was bought (units).
        moves: mid with it over the mid without it in the same world, less 1 (bp), at every second
            from the start; shape (worlds, seconds + 1).
    """

    quantity: float
    moves: Array

    def at(self, first: int, last: int) -> tuple[float, float]:
        """Return the mean from one second to another, and its standard error (bp)."""
        means = self.moves[:, first : last + 1].mean(axis=1)
        return float(means.mean()), float(means.std(ddof=1) / math.sqrt(len(means)))


def large_orders(
    quantities: Sequence[float], seconds: int, after: int, worlds: int, preset: str = "full"
) -> list[LargeOrder]:
    """Buy with one market order a second, in copies of worlds in which nobody does.

    Args:
        quantities: what is bought in all (units), one copy each.
        seconds: over how long.
        after: seconds to look on.
        worlds: number of them, seeds from 0.
        preset: that of the flow.
    """
    compiled, market = build(worlds, preset, collateral=1_000.0)
    account = int(market[0]["agents"][0]["hedge_account"])
    lot = float(market[0]["instruments"][0]["lot_size"])
    copies = [market.copy() for _ in quantities]
    mids = np.zeros((len(quantities) + 1, seconds + after + 1, worlds))
    for second in range(seconds + after + 1):
        for row, each in enumerate((market, *copies)):
            advance_to(compiled, each, second)
            mids[row, second] = touch(each).mids
        for quantity, copy in zip(quantities, copies, strict=True):
            if second < seconds:
                lots = round(quantity * (second + 1) / seconds / lot)
                for world in copy:
                    left = lots - int(world["positions"][account, 0]["quantity_lots"])
                    limit = round(1.02 * float(world["price"]["value"]) / 0.1)
                    limit_order(world, account, 0, BUY, limit, left, IOC)
    moves = 1e4 * (mids[1:] / mids[0] - 1.0)
    held = [
        float(copy["positions"][:, account, 0]["quantity_lots"].mean()) * lot for copy in copies
    ]
    return [LargeOrder(each, move.T) for each, move in zip(held, moves, strict=True)]
