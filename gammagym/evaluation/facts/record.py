"""The common record of a market, real or simulated: what every measure looks at."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gammagym.errors import DataError

BANDS_BP = (1, 5, 10, 20, 50)  # distances from the mid within which sizes are summed (bp)
TOP_LEVELS = 10
BUY, SELL = 1, -1  # sides of takers; of levels, BUY is a bid
DEPTH_INTERVAL = 0.25  # seconds between two rows of depth
# In shorter windows nothing of what is measured over seconds means anything.
SHORTEST = 10.0

TRADE = np.dtype([("time", "f8"), ("price", "f8"), ("size", "f8"), ("side", "i8")])
ORDER = np.dtype([("time", "f8"), ("side", "i8"), ("size", "f8"), ("fills", "i8"), ("mid", "f8")])
TOUCH = np.dtype(
    [("time", "f8"), ("bid", "f8"), ("bid_size", "f8"), ("ask", "f8"), ("ask_size", "f8")]
)
DEPTH = np.dtype(
    [
        ("time", "f8"),
        ("bid", "f8", (len(BANDS_BP),)),
        ("ask", "f8", (len(BANDS_BP),)),
        ("bid_levels", "f8", (TOP_LEVELS,)),
        ("ask_levels", "f8", (TOP_LEVELS,)),
    ]
)
CHANGE = np.dtype(
    [
        ("time", "f8"),
        ("side", "i8"),
        ("distance_ticks", "i8"),
        ("distance_bp", "f8"),
        ("change", "f8"),
    ]
)

_TABLES = ("trades", "orders", "touch", "depth", "changes")


@dataclass(frozen=True)
class MarketRecord:
    """What happened in one market, as NumPy structured arrays in order of time.

    Times are seconds from the start of the record, prices are in quote currency, sizes in units of
    the underlying (of inverse contracts: coins). A side is 1 for buy or bid, -1 for sell or ask.

    Attributes:
        name: What was recorded.
        tick: Smallest step of prices.
        duration: Length (s).
        trades: One row a fill: `time`, `price`, `size`, `side` of the taker.
        orders: One row a marketable order: `time`, `side`, `size`, `fills`, and `mid` before it
            (NaN where none was known). Of a real stream, trades of one side with one time of the
            exchange (ms) are one order; of a world, trades of one side in one event.
        touch: One row a change of the best quotes: `time`, `bid`, `bid_size`, `ask`, `ask_size`.
            The price of an empty side is NaN, its size 0.
        depth: On a grid of 0.25 s: `time`, `bid` and `ask` (sizes within 1, 5, 10, 20 and 50 bp of
            the mid, shape (n, 5)), `bid_levels` and `ask_levels` (shape (n, 10)).
        changes: One row a price level that an event or an update has changed: `time`, `side`,
            `distance_ticks` and `distance_bp` behind the best price of its side before, and
            `change` of its size without what traded there: > 0 was added, < 0 canceled.
    """

    name: str
    tick: float
    duration: float
    trades: NDArray[Any]
    orders: NDArray[Any]
    touch: NDArray[Any]
    depth: NDArray[Any]
    changes: NDArray[Any]

    def __post_init__(self) -> None:
        """Refuse a record in which nothing can be measured."""
        if not self.duration > 0:
            raise DataError(f"{self.name}: duration must be > 0, was {self.duration}")
        for table in _TABLES:
            times = getattr(self, table)["time"]
            if len(times) and (np.any(np.diff(times) < 0) or not np.isfinite(times).all()):
                raise DataError(f"{self.name}: times of {table} must rise")

    def window(self, start: float, end: float) -> MarketRecord:
        """Return the part with start <= time < end; its times begin at 0, its touch is known.

        Raises:
            DataError: The window is not inside of the record, or shorter than 10 s.
        """
        if not (start >= 0 and start + SHORTEST <= end <= self.duration * (1 + 1e-9)):
            raise DataError(
                f"{self.name}: a window must lie in 0 to {self.duration:g} s and have at least "
                f"{SHORTEST:g} s, was {start:g} to {end:g}"
            )
        cut: dict[str, Any] = {}
        for table in _TABLES:
            rows = getattr(self, table)
            first, last = np.searchsorted(rows["time"], (start, end))
            if table == "touch" and first > 0:
                first -= 1  # the quotes that hold when the window begins
            cut[table] = rows[first:last].copy()
            cut[table]["time"] = np.maximum(cut[table]["time"] - start, 0.0)
        return replace(self, duration=end - start, **cut)

    def windows(self, count: int) -> list[MarketRecord]:
        """Return equal parts, one after the other.

        Raises:
            DataError: They would be shorter than 10 s.
        """
        ends = np.linspace(0.0, self.duration, count + 1)
        return [self.window(start, end) for start, end in pairwise(ends.tolist())]

    def known_touch(self) -> NDArray[Any]:
        """Return the rows of `touch` that have both sides."""
        return self.touch[np.isfinite(self.touch["bid"]) & np.isfinite(self.touch["ask"])]

    def mids_at(self, times: Any) -> NDArray[np.float64]:
        """Return the mid at times (s): that of the last quotes until then; NaN before the first."""
        return last_known(self.known_touch(), times)


def last_known(touch: NDArray[Any], times: Any) -> NDArray[np.float64]:
    """Return the mid of the last of some quotes at or before each time, or NaN."""
    mids = np.append(0.5 * (touch["bid"] + touch["ask"]), np.nan)
    return mids[np.searchsorted(touch["time"], times, side="right") - 1]
