"""The pictures of a run: panels below each other over one axis of time, each with a few lines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gammagym.evaluation.gallery.measures import block_means
from gammagym.evaluation.gallery.runs import Run
from gammagym.glance import TROUBLE_CANCELS, TROUBLE_CLOSED, TROUBLE_DATA, TROUBLE_TRANSFERS

Floats = NDArray[np.float64]

BLUE, ORANGE, GREEN, RED, VIOLET = (
    "#4c7de0", "#e07b10", "#2f9e44", "#d6453d", "#9b5de5",
)  # fmt: skip
_OTHERS = (ORANGE, GREEN, VIOLET, RED)
# Points of a line.
POINTS = 300
# What the panels mean.
_PRICE = (
    "The fundamental price, which no order moves at once, and the mid of what competitors hedge "
    "with: lowest and highest of each stretch, so that no peak is lost."
)
_SPREAD = (
    "Best ask less best bid, as a share of the mid: means of stretches, on a logarithmic scale."
)
_DEPTH = "What rests near the mid on each side: means of stretches."
_PREMIUM = "How far the mids of markets are above: means of stretches."
_FUNDING = "The rate of the interval as it is known so far; above zero, longs pay shorts."
_IMPLIED = "What options at the money are marked at, of the expiry that the book has."
_HELD = "Positions of small traders that a move of the mark may liquidate."
_CLOSED = "What the venue has closed of them: liquidations and deleveraging."
_VISIBLE_GAP = 1e-4  # of an index from the price


@dataclass(frozen=True, eq=False)
class Line:
    """One line of a panel.

    Attributes:
        name: for the legend.
        colour: as in CSS.
        times: where its points are (s), shape (n,).
        values: shape (n,); NaN breaks the line.
    """

    name: str
    colour: str
    times: Floats
    values: Floats


@dataclass(frozen=True, eq=False)
class Panel:
    """One picture.

    Attributes:
        title: what it shows, with the unit.
        about: what that means, in a sentence.
        lines: drawn in this order.
        logarithmic: whether its scale is.
        from_zero: whether zero belongs on its scale.
    """

    title: str
    about: str
    lines: tuple[Line, ...]
    logarithmic: bool = False
    from_zero: bool = False


@dataclass(frozen=True)
class Trouble:
    """A time in which something at the venue does not work.

    Attributes:
        name: what it is.
        start: from when on (s).
        end: until when (s).
    """

    name: str
    start: float
    end: float


_TROUBLES = {
    TROUBLE_CLOSED: "nothing trades",
    TROUBLE_TRANSFERS: "no transfers",
    TROUBLE_DATA: "no market data",
    TROUBLE_CANCELS: "no cancels",
}
_EMPTY = "a side of the book is empty"


def panels(run: Run) -> list[Panel]:
    """Return the pictures of a run; what does not move has none, but for price, spread, depth."""
    found = [_prices(run), _spread(run), _depth(run), _premiums(run)]
    if np.ptp(run.funding) > 0:
        line = _steps(run, "funding rate", VIOLET, 100.0 * run.funding)
        found.append(Panel("funding rate, % an interval", _FUNDING, (line,), from_zero=True))
    if np.ptp(run.volatility) > 0:
        line = _steps(run, "implied volatility", VIOLET, 100.0 * run.volatility)
        found.append(Panel("implied volatility at the money, %", _IMPLIED, (line,)))
    if run.longs[0] + run.shorts[0] > 0:
        found += _crowd(run)
    return found


def troubles(run: Run) -> list[Trouble]:
    """Return the times in which something did not work, in order of what and when."""
    masks = {name: (run.trouble & bit) > 0 for bit, name in _TROUBLES.items()}
    masks[_EMPTY] = np.isnan(run.mid) & ~masks[_TROUBLES[TROUBLE_CLOSED]]
    return [
        Trouble(name, float(run.times[first]), float(run.times[min(after, len(mask) - 1)]))
        for name, mask in masks.items()
        for first, after in stretches(mask, _size(run))
    ]


def stretches(mask: NDArray[np.bool_], joined: int) -> list[tuple[int, int]]:
    """Return where stretches of True begin, and where they are over.

    Args:
        mask: shape (n,).
        joined: stretches that are no further apart than this are one.

    >>> stretches(np.array([False, True, True, False, True, False, False, True]), 1)
    [(1, 5), (7, 8)]
    """
    found: list[tuple[int, int]] = []
    edges = np.flatnonzero(np.diff(np.concatenate(([0], mask.astype(np.int64), [0]))))
    for first, after in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if found and first - found[-1][1] <= joined:
            first = found.pop()[0]
        found.append((first, after))
    return found


def _prices(run: Run) -> Panel:
    lines = [
        _extremes(run, "fundamental price", ORANGE, run.price),
        _extremes(run, f"mid of {run.name}", BLUE, run.mid),
    ]
    if np.max(np.abs(run.index / run.price - 1.0)) > _VISIBLE_GAP:
        lines.append(_extremes(run, "index", GREEN, run.index))
    return Panel("price", _PRICE, tuple(lines))


def _spread(run: Run) -> Panel:
    line = _means(run, "spread", BLUE, run.spread)
    return Panel("spread, bp", _SPREAD, (line,), logarithmic=True)


def _depth(run: Run) -> Panel:
    lines = (_means(run, "bids", GREEN, run.bids), _means(run, "asks", RED, run.asks))
    return Panel("depth within 0.5 % of the mid, units", _DEPTH, lines, from_zero=True)


def _premiums(run: Run) -> Panel:
    """Show every market over spot, or over the index where no spot is traded."""
    mids = {run.name: run.mid} | {k: v for k, v in run.others.items() if k != run.spot}
    lines = tuple(
        _means(run, name, colour, 1e4 * (mid / run.reference - 1.0))
        for (name, mid), colour in zip(mids.items(), (BLUE, *_OTHERS), strict=False)
    )
    over = f"spot ({run.spot})" if run.spot else "the index"
    return Panel(f"premium over {over}, bp", _PREMIUM, lines, from_zero=True)


def _crowd(run: Run) -> list[Panel]:
    held = (_steps(run, "longs", GREEN, run.longs), _steps(run, "shorts", RED, run.shorts))
    closed = (
        _steps(run, "longs", GREEN, run.closed_longs),
        _steps(run, "shorts", RED, run.closed_shorts),
    )
    return [
        Panel("open interest of the leveraged crowd, units", _HELD, held, from_zero=True),
        Panel("closed by force so far, units", _CLOSED, closed, from_zero=True),
    ]


# --- Fewer points ----------------------------------------------------------------------------


def _size(run: Run) -> int:
    """Return how many looks make one point of a line."""
    return max(-(-(len(run.times) - 1) // POINTS), 1)


def _means(run: Run, name: str, colour: str, values: Floats) -> Line:
    """Draw means, for what flickers."""
    size = _size(run)
    return Line(name, colour, block_means(run.times[1:], size), block_means(values[1:], size))


def _steps(run: Run, name: str, colour: str, values: Floats) -> Line:
    """Draw one value in so many, and the last."""
    size = _size(run)
    rows = np.unique(np.append(np.arange(0, len(run.times), size), len(run.times) - 1))
    return Line(name, colour, run.times[rows], values[rows])


def _extremes(run: Run, name: str, colour: str, values: Floats) -> Line:
    """Draw the lowest and the highest of so many values, so that no peak is lost."""
    rows = [0]
    size = 2 * _size(run)
    for first in range(1, len(values), size):
        part = values[first : first + size]
        if np.isfinite(part).any():
            rows += sorted({first + int(np.nanargmin(part)), first + int(np.nanargmax(part))})
        else:
            rows.append(first)
    return Line(name, colour, run.times[rows], values[rows])
