"""What rests in a book and how it comes and goes: rates, the touch, depth, the answer to orders."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gammagym.calibration.orders import MarketableOrders
from gammagym.data.depth_book import Replay
from gammagym.data.exchange_stream import BUY, DEPTH, SELL, TRADE, ExchangeStream
from gammagym.data.prices import PriceSeries
from gammagym.evaluation.facts.estimators import weighted_median

Array = NDArray[np.float64]
DEPTH_POINTS = (1, 5, 10, 20, 50)  # basis points from the mid
RESPONSE_TIMES = (0.01, 0.1, 1.0, 5.0, 30.0)  # seconds after an order
_LOOK_NS = 1_000_000_000


@dataclass(frozen=True)
class BookFlow:
    """How often levels of the book change (a second), and how deep it is (units).

    Several orders may come and go within one change: rates of orders and cancels are at least this.

    Attributes:
        updates: Levels that are named by changes of the book.
        increases: Of these: more rests there than before, at least one limit order came.
        cancels: Of these: less rests there, by more than what was traded at that price.
        takes: Of these: less rests there because of trades alone.
        depth: Mean size within 1, 5, 10, 20 and 50 bp of the mid: bids, then asks; shape (2, 5).
            Looked at every second; nan beyond what the stream knows of the book.
    """

    updates: float
    increases: float
    cancels: float
    takes: float
    depth: Array


@dataclass(frozen=True)
class Touch:
    """The best quotes, weighted by how long they stand.

    Attributes:
        spread_ticks: Mean spread (ticks).
        tight: Share of the time at one tick.
        size: Median size at the best bid and at the best ask (units).
        seconds: How long it was looked at.
    """

    spread_ticks: float
    tight: float
    size: tuple[float, float]
    seconds: float


def measure_touch(stream: ExchangeStream) -> Touch:
    """Measure the best quotes of a stream that has them."""
    quotes = stream.tickers
    lasts = np.diff(quotes["receive_ns"]).clip(min=0).astype(np.float64)
    spreads = (quotes["ask_ticks"] - quotes["bid_ticks"])[:-1]
    lot = float(stream.lot)
    return Touch(
        spread_ticks=float(np.average(spreads, weights=lasts)),
        tight=float(np.average(spreads == 1, weights=lasts)),
        size=(
            lot * weighted_median(quotes["bid_lots"][:-1], lasts),
            lot * weighted_median(quotes["ask_lots"][:-1], lasts),
        ),
        seconds=float(lasts.sum() / 1e9),
    )


def mids_of(stream: ExchangeStream, step_ns: int = _LOOK_NS) -> PriceSeries:
    """Return the mid of the best quotes at regular times (currency)."""
    quotes = stream.tickers
    times = np.maximum.accumulate(quotes["receive_ns"])
    grid = np.arange(times[0], times[-1] + 1, step_ns)
    rows = np.searchsorted(times, grid, side="right") - 1
    mids = 0.5 * float(stream.tick) * (quotes["bid_ticks"] + quotes["ask_ticks"])[rows]
    return PriceSeries(grid, mids, step_ns)


def responses(stream: ExchangeStream, orders: MarketableOrders) -> Array:
    """Return how far the mid has gone in the direction of an order after so long (bp).

    Measured from the mid just before its first trade was received; shape (5,), by RESPONSE_TIMES.
    """
    quotes = stream.tickers
    times = np.maximum.accumulate(quotes["receive_ns"])
    mids = 0.5 * (quotes["bid_ticks"] + quotes["ask_ticks"])
    when = orders.start_ns + np.round(orders.received * 1e9).astype(np.int64)
    before = np.searchsorted(times, when, side="left") - 1
    result = np.full(len(RESPONSE_TIMES), np.nan)
    for place, wait in enumerate(RESPONSE_TIMES):
        later = when + round(wait * 1e9)
        known = (before >= 0) & (later <= times[-1])
        after = np.searchsorted(times, later[known], side="right") - 1
        if known.any():
            moves = mids[after] / mids[before[known]] - 1.0
            result[place] = 1e4 * float(np.mean(orders.signs[known] * moves))
    return result


def measure_book(stream: ExchangeStream) -> BookFlow:
    """Measure how levels change, and the depth, by rebuilding the book. Cost: O(levels named)."""
    replay, counts = Replay(stream), np.zeros(4)
    sizes: dict[tuple[int, int], int] = {}
    traded: defaultdict[tuple[int, int], int] = defaultdict(int)
    looks: list[Array] = []
    first_ns = last_ns = next_ns = 0
    for kind, row in replay:
        if kind == TRADE:
            trade = stream.trades[row]
            key = -int(trade["side"]), int(trade["price_ticks"])
            traded[key] += int(trade["size_lots"])
        if kind not in (DEPTH, TRADE) and not first_ns:
            sizes = _known(replay)
        if kind != DEPTH:
            continue
        last_ns = int(stream.depth["receive_ns"][row])
        first_ns = first_ns or last_ns
        counts += _count_changes(stream.levels_of(stream.depth[row]), sizes, traded)
        if last_ns >= next_ns:
            next_ns = last_ns + _LOOK_NS
            looks.append(_depth(replay, float(stream.lot)))
    seconds = max(last_ns - first_ns, 1) / 1e9
    depth = np.full((2, len(DEPTH_POINTS)), np.nan)
    if looks:
        # A look at which the stream does not know enough of the book does not count.
        seen = np.stack(looks)
        known = np.isfinite(seen)
        total = np.where(known, seen, 0.0).sum(axis=0)
        depth = np.divide(total, known.sum(axis=0), out=depth, where=known.any(axis=0))
    return BookFlow(*(float(count) / seconds for count in counts), depth=depth)


def _known(replay: Replay) -> dict[tuple[int, int], int]:
    return {(side, price): size for side in (BUY, SELL) for price, size in replay.book.walk(side)}


def _count_changes(
    levels: list[tuple[int, int, int]],
    sizes: dict[tuple[int, int], int],
    traded: defaultdict[tuple[int, int], int],
) -> Array:
    """Count levels named, increases, cancels and takes; and note what rests now."""
    counts = np.zeros(4)
    for side, price, size in levels:
        key = side, price
        change = size - sizes.get(key, 0)
        taken = traded.pop(key, 0)
        counts += (1, change + taken > 0, change + taken < 0, taken > 0 and change + taken == 0)
        if size:
            sizes[key] = size
        else:
            sizes.pop(key, None)
    return counts


def _depth(replay: Replay, lot: float) -> Array:
    """Return what rests within so many bp of the mid (units), nan where it is not known."""
    book = replay.book
    result = np.full((2, len(DEPTH_POINTS)), np.nan)
    bid, ask = book.best_bid, book.best_ask
    if bid is None or ask is None:
        return result
    mid = 0.5 * (bid[0] + ask[0])
    furthest = mid * DEPTH_POINTS[-1] * 1e-4
    for row, side in enumerate((BUY, SELL)):
        distances: list[float] = []
        sizes: list[int] = []
        for price, size in book.walk(side):
            if (mid - price) * side > furthest:
                break
            distances.append((mid - price) * side)
            sizes.append(size)
        totals = np.concatenate(([0.0], np.cumsum(sizes))) * lot
        for column, point in enumerate(DEPTH_POINTS):
            reach = mid * point * 1e-4
            end = mid - side * reach
            if book.covers(side, int(end)):
                result[row, column] = totals[np.searchsorted(distances, reach, side="right")]
    return result
