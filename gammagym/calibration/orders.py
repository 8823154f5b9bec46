"""Marketable orders, put together from the trades that they were broken into."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gammagym.calibration.estimates import Estimate, jackknife
from gammagym.data.exchange_stream import NO_TIME, ExchangeStream, exchange_times
from gammagym.errors import DataError

Array = NDArray[np.float64]
_MILLISECOND_NS = 1_000_000
_TAIL_SHARE = 0.05
_BLOCKS = 20
FEWEST_ORDERS = 20


@dataclass(frozen=True)
class MarketableOrders:
    """Orders that took what rested. Arrays have shape (n,).

    Attributes:
        times: When the exchange carried them out, since the first one (s). Binance tells
            milliseconds: two orders may have the same.
        received: When their first trade was received, since that of the first order (s), in order;
            finer than milliseconds, but the network holds messages up and bundles them.
        start_ns: When the first trade of the first order was received (ns).
        signs: 1 bought, -1 sold.
        sizes: What they traded (units).
        trades: How many trades they were broken into, in all.
        duration: How long the stream lasts (s).
    """

    times: Array
    received: Array
    start_ns: int
    signs: NDArray[np.int64]
    sizes: Array
    trades: int
    duration: float

    @property
    def rate(self) -> Estimate:
        """Orders a second, as if they came independently (Hawkes says how far they do not)."""
        count = len(self.times)
        return Estimate(count / self.duration, math.sqrt(count) / self.duration)


@dataclass(frozen=True)
class Sizes:
    """How large marketable orders are (units).

    Attributes:
        median: The median.
        mean: The mean.
        log_sigma: Standard deviation of the logarithm.
        sigma: The sigma of a lognormal size that has this median and this mean; what is traded
            depends on it. The logarithm itself may vary less or more: sizes are not lognormal.
        tail: Exponent of the largest 5 % (Hill).
        quantiles: At 90, 99 and 99.9 %.
    """

    median: Estimate
    mean: Estimate
    log_sigma: Estimate
    sigma: Estimate
    tail: Estimate
    quantiles: tuple[float, float, float]


def marketable_orders(stream: ExchangeStream) -> MarketableOrders:
    """Put trades together that have one side and one millisecond of the exchange in common.

    Raises:
        DataError: There are too few.
    """
    trades = stream.trades
    times_ns = exchange_times(trades)
    times_ns = np.where(times_ns == NO_TIME, trades["receive_ns"], times_ns)
    order = np.argsort(times_ns, kind="stable")
    trades, times_ns = trades[order], times_ns[order]
    milliseconds = times_ns // _MILLISECOND_NS
    new = (np.diff(milliseconds) != 0) | (np.diff(trades["side"]) != 0)
    starts = np.flatnonzero(np.concatenate(([True], new))) if len(trades) else np.empty(0, np.int64)
    if len(starts) < FEWEST_ORDERS:
        raise DataError(
            f"{stream.file}: {len(starts)} marketable orders are too few to measure their flow: "
            f"{FEWEST_ORDERS} are needed"
        )
    received_ns = trades["receive_ns"][starts]
    first_ns, last_ns = span_ns(stream)
    return MarketableOrders(
        times=(times_ns[starts] - times_ns[0]) / 1e9,
        received=np.sort(received_ns - received_ns.min()) / 1e9,
        start_ns=int(received_ns.min()),
        signs=trades["side"][starts],
        sizes=np.add.reduceat(trades["size_lots"], starts) * float(stream.lot),
        trades=len(trades),
        duration=(last_ns - first_ns) / 1e9,
    )


def span_ns(stream: ExchangeStream) -> tuple[int, int]:
    """Return when the first and the last event were received (ns)."""
    tables = (stream.snapshots, stream.depth, stream.tickers, stream.trades)
    ends = [
        (table["receive_ns"].min(), table["receive_ns"].max()) for table in tables if len(table)
    ]
    return min(int(first) for first, _ in ends), max(int(last) for _, last in ends)


def measure_sizes(orders: MarketableOrders) -> Sizes:
    """Measure how large orders are."""
    sizes, count = orders.sizes, len(orders.sizes)
    # Large orders come together, and the mean is that of a few: blocks tell how certain it is.
    blocks = np.array_split(sizes, min(_BLOCKS, count))
    values, errors = jackknife(_moments, blocks)
    median, mean, log_sigma, sigma = (
        Estimate(float(value), float(error)) for value, error in zip(values, errors, strict=True)
    )
    logs = np.log(sizes)
    largest = np.sort(logs)[-max(int(_TAIL_SHARE * count), 2) :]
    excess = float(np.mean(largest[1:] - largest[0]))
    tail = 1.0 / excess if excess > 0.0 else math.inf
    return Sizes(
        median=median,
        mean=mean,
        log_sigma=log_sigma,
        sigma=sigma,
        tail=Estimate(tail, tail / math.sqrt(len(largest) - 1)),
        quantiles=tuple(np.quantile(sizes, (0.9, 0.99, 0.999)).tolist()),
    )


def _moments(blocks: list[Array]) -> Array:
    """Return median, mean, standard deviation of the logarithm, and the sigma of both first."""
    sizes = np.concatenate(blocks)
    median, mean = float(np.median(sizes)), float(sizes.mean())
    sigma = math.sqrt(2.0 * math.log(max(mean / median, 1.0)))
    return np.array([median, mean, np.log(sizes).std(), sigma])
