"""Pictures of a world: its ladder, the path of the mid, and the agent's profit.

They are drawn into NumPy arrays dot by dot, so that no library that draws is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gammagym.envs.font import HEIGHT, WIDTH, dots
from gammagym.envs.ladder import Ladder, Rung, ladder_of, shown

Frame = NDArray[np.uint8]
Color = tuple[int, int, int]

# Height and width (pixels): multiples of 16, as encoders of video want them.
FRAME_SHAPE = (400, 720)
_LEVELS = 9
_ROW = 18  # pixels from one price of the ladder to the next
_BACK, _PANEL, _GRID = (16, 20, 28), (24, 30, 41), (48, 57, 73)
_TEXT, _FAINT = (226, 232, 240), (130, 142, 160)
_BID, _ASK, _OWN = (32, 104, 84), (128, 48, 62), (250, 204, 21)
_GAIN, _LOSS, _PRICE = (52, 211, 153), (248, 113, 113), (125, 190, 255)
_EMPTY = np.full((*FRAME_SHAPE, 3), _BACK, np.uint8)


class _Box(NamedTuple):
    """A part of a picture: rows and columns of its pixels."""

    top: int
    bottom: int
    left: int
    right: int


_LADDER = _Box(40, 392, 8, 312)
_MIDS = _Box(40, 232, 324, 712)
_PROFITS = _Box(244, 392, 324, 712)


class _Moment(NamedTuple):
    """What is kept of a picture for those that follow."""

    seconds: float
    mid: float
    profit: float
    position: float


class FramePainter:
    """Paints one world again and again; lines go through the moments it was painted at."""

    def __init__(self) -> None:
        self._seed = -1
        self._moments: list[_Moment] = []

    def paint(self, world: Any) -> Frame:
        """Return a picture of a world, uint8 of shape (height, width, 3)."""
        ladder = ladder_of(world, _LEVELS)
        self._remember(int(world["seed"]), ladder)
        frame = _EMPTY.copy()
        _paint_heading(frame, ladder)
        _paint_ladder(frame, ladder)
        horizon = int(world["end_ns"]) * 1e-9
        seconds = [moment.seconds for moment in self._moments]
        mids = [moment.mid for moment in self._moments]
        profits = [moment.profit for moment in self._moments]
        _paint_chart(frame, _MIDS, "mid", (seconds, mids, horizon), _PRICE, ".2f")
        last = profits[-1]
        color = _GAIN if last >= 0.0 else _LOSS
        _paint_chart(frame, _PROFITS, "profit", (seconds, profits, horizon), color, "+,.2f")
        self._paint_trades(frame, horizon)
        return frame

    def _remember(self, seed: int, ladder: Ladder) -> None:
        """Keep a moment; an episode that has begun anew is told by its seed or its clock."""
        again = self._moments and ladder.seconds < self._moments[-1].seconds
        if seed != self._seed or again:
            self._seed, self._moments = seed, []
        mid = ladder.mark
        if ladder.asks and ladder.bids:
            mid = 0.5 * (ladder.asks[0].price + ladder.bids[0].price)
        if self._moments and ladder.seconds == self._moments[-1].seconds:
            self._moments.pop()
        self._moments.append(_Moment(ladder.seconds, mid, ladder.profit, ladder.position))

    def _paint_trades(self, frame: Frame, horizon: float) -> None:
        """Mark where the position has changed: bought in the color of a gain, sold of a loss."""
        span = _range([moment.mid for moment in self._moments])
        for before, after in zip(self._moments, self._moments[1:], strict=False):
            if after.position != before.position:
                column = _columns(_MIDS, [after.seconds], horizon)[0]
                row = _rows(_MIDS, [after.mid], span)[0]
                color = _GAIN if after.position > before.position else _LOSS
                frame[row - 2 : row + 3, column - 2 : column + 3] = color


def _paint_heading(frame: Frame, ladder: Ladder) -> None:
    hours, rest = divmod(round(ladder.seconds), 3600)
    clock = f"{hours:02d}:{rest // 60:02d}:{rest % 60:02d}"
    _write(frame, 12, 12, clock, _FAINT)
    _write(frame, 12, 136, f"position {ladder.position:+.3f}", _TEXT)
    _write(frame, 12, 372, f"net delta {ladder.net_delta:+.3f}", _TEXT)


def _paint_ladder(frame: Frame, ladder: Ladder) -> None:
    """Paint prices with bars as long as what rests there; own orders in a color of their own."""
    frame[_LADDER.top : _LADDER.bottom, _LADDER.left : _LADDER.right] = _PANEL
    asks, bids = shown(ladder.asks, _LEVELS), shown(ladder.bids, _LEVELS)
    largest = max((rung.quantity for rung in asks + bids), default=1.0)
    middle = (_LADDER.top + _LADDER.bottom) // 2
    frame[middle, _LADDER.left : _LADDER.right] = _GRID
    for place, rung in enumerate(asks):
        _paint_rung(frame, middle - 4 - (place + 1) * _ROW, rung, largest, _ASK)
    for place, rung in enumerate(bids):
        _paint_rung(frame, middle + 6 + place * _ROW, rung, largest, _BID)


def _paint_rung(frame: Frame, top: int, rung: Rung, largest: float, color: Color) -> None:
    bottom, left = top + _ROW - 2, _LADDER.left + 4
    room = _LADDER.right - _LADDER.left - 8
    frame[top:bottom, left : left + round(rung.quantity / largest * room)] = color
    if rung.own > 0.0:
        frame[top:bottom, left : left + max(round(rung.own / largest * room), 4)] = _OWN
        frame[top:bottom, _LADDER.right - 8 : _LADDER.right - 4] = _OWN
    _write(frame, top + 1, left + 6, f"{rung.price:.2f}", _TEXT, shadow=True)
    size = f"{rung.quantity:.3f}"
    right = _LADDER.right - 14 - 2 * WIDTH * len(size)
    _write(frame, top + 1, right, size, _OWN if rung.own > 0.0 else _TEXT, shadow=True)


def _paint_chart(
    frame: Frame,
    box: _Box,
    title: str,
    line: tuple[Sequence[float], Sequence[float], float],
    color: Color,
    form: str,
) -> None:
    """Paint a line with its range.

    Args:
        frame: picture to paint into.
        box: where.
        title: name of what is shown.
        line: times (s), values, and the time at the right edge (s).
        color: of the line.
        form: how values are written.
    """
    seconds, values, horizon = line
    frame[box.top : box.bottom, box.left : box.right] = _PANEL
    low, high = _range(values)
    for share in (0.0, 0.5, 1.0):
        row = _rows(box, [low + share * (high - low)], (low, high))[0]
        frame[row, box.left + 4 : box.right - 4 : 4] = _GRID
    columns = _columns(box, seconds, horizon)
    rows = _rows(box, values, (low, high))
    _paint_line(frame, columns, rows, color)
    _write(frame, box.top + 4, box.left + 6, f"{title} {values[-1]:{form}}", color)
    for value, row in ((high, box.top + 4), (low, box.bottom - 4 - HEIGHT)):
        text = f"{value:{form}}"
        _write(frame, row, box.right - 6 - WIDTH * len(text), text, _FAINT, scale=1)


def _paint_line(frame: Frame, columns: list[int], rows: list[int], color: Color) -> None:
    """Paint a line of two pixels' width through points."""
    x, y = np.array(columns), np.array(rows)
    steps = np.maximum(np.abs(np.diff(x)), np.abs(np.diff(y))) + 1
    piece = np.repeat(np.arange(len(steps)), steps)
    # How far along its piece a pixel is, 0 to just below 1; the last point is added.
    share = (np.arange(len(piece)) - np.repeat(np.cumsum(steps) - steps, steps)) / steps[piece]
    along = np.rint(x[piece] + share * np.diff(x)[piece]).astype(int)
    down = np.rint(y[piece] + share * np.diff(y)[piece]).astype(int)
    along, down = np.append(along, x[-1]), np.append(down, y[-1])
    frame[down, along] = color
    frame[down + 1, along] = color


def _range(values: Sequence[float]) -> tuple[float, float]:
    """Return the lowest and the highest value, never the same."""
    low, high = min(values), max(values)
    return (low, high) if high > low else (low - 1.0, high + 1.0)


def _columns(box: _Box, seconds: Sequence[float], horizon: float) -> list[int]:
    room = box.right - box.left - 13
    return [box.left + 6 + round(min(each / horizon, 1.0) * room) for each in seconds]


def _rows(box: _Box, values: Sequence[float], span: tuple[float, float]) -> list[int]:
    # Below the title, and with room for the lower label.
    top, bottom = box.top + 26, box.bottom - 16
    low, high = span
    return [round(bottom - (each - low) / (high - low) * (bottom - top)) for each in values]


def _write(
    frame: Frame,
    top: int,
    left: int,
    text: str,
    color: Color,
    scale: int = 2,
    *,
    shadow: bool = False,
) -> None:
    """Write a line of text, as far as it fits."""
    letters = dots(text, scale)
    if shadow:
        under = frame[top + 1 : top + 1 + letters.shape[0], left + 1 : left + 1 + letters.shape[1]]
        under[letters[: under.shape[0], : under.shape[1]]] = _BACK
    area = frame[top : top + letters.shape[0], left : left + letters.shape[1]]
    area[letters[: area.shape[0], : area.shape[1]]] = color
