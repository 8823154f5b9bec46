"""Draw the panels of a run as one SVG file, which is legible on light and on dark paper."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gammagym.evaluation.gallery.panels import Line, Panel, Trouble, panels, troubles
from gammagym.evaluation.gallery.runs import Run
from gammagym.evaluation.gallery.scales import (
    Scale,
    linear_scale,
    logarithmic_scale,
    shown,
    time_scale,
)

Floats = NDArray[np.float64]

_WIDTH, _LEFT, _RIGHT = 760, 66, 12
_HEAD, _FOOT, _GAP = 22, 34, 10  # above each panel, below all, between two
_TALL, _LOW = 180, 92  # the first panel, the others
# In the middle between black and white, so that it can be read on both.
_INK, _FAINT = "#7d8590", "#8a93a055"
_LETTER = 6.8  # width of a letter of the legend


def draw_svg(run: Run) -> str:
    """Return the panels of a run as an SVG file."""
    pictures, closed = panels(run), troubles(run)
    heights = [_TALL] + [_LOW] * (len(pictures) - 1)
    height = sum(heights) + len(pictures) * _HEAD + (len(pictures) - 1) * _GAP + _FOOT
    across, unit, unit_name = time_scale(float(run.times[-1]))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        f'font-family="system-ui,sans-serif" font-size="11" fill="{_INK}">\n'
    ]
    top = _HEAD
    for panel, tall in zip(pictures, heights, strict=True):
        parts.append(_panel(panel, closed, across, unit, top, tall))
        top += tall + _GAP + _HEAD
    bottom = top - _GAP - _HEAD
    places = _x(across, np.array(across.marks)).tolist()
    parts += [
        f'<text x="{x:.1f}" y="{bottom + 15}" text-anchor="middle">{shown(mark)}</text>'
        for x, mark in zip(places, across.marks, strict=True)
    ]
    centre = (_LEFT + _WIDTH - _RIGHT) / 2
    parts.append(f'<text x="{centre}" y="{bottom + 30}" text-anchor="middle">{unit_name}</text>')
    return "".join([*parts, "</svg>\n"])


def _panel(
    panel: Panel, closed: Sequence[Trouble], across: Scale, unit: float, top: int, tall: int
) -> str:
    """Return one panel, whose drawing area begins at a height."""
    values = np.concatenate([line.values for line in panel.lines])
    if panel.logarithmic:
        scale = logarithmic_scale(values)
    else:
        scale = linear_scale(values, 5 if tall == _TALL else 3, from_zero=panel.from_zero)
    parts = [
        f'<text x="{_LEFT}" y="{top - 7}" font-weight="600">{html.escape(panel.title)}</text>\n',
        _legend(panel.lines, top - 7),
        *(_band(each, across, unit, top, tall) for each in closed),
    ]
    right = _WIDTH - _RIGHT
    for mark in scale.marks:
        y = float(_y(scale, np.array([mark]), top, tall)[0])
        parts.append(f'<path d="M{_LEFT} {y:.1f}H{right}" stroke="{_FAINT}" stroke-width=".7"/>')
        parts.append(
            f'<text x="{_LEFT - 6}" y="{y + 3.7:.1f}" text-anchor="end">{shown(mark)}</text>\n'
        )
    for line in panel.lines:
        xs = _x(across, line.times / unit)
        ys = _y(scale, line.values, top, tall)
        parts.append(
            f'<path d="{_path(xs, ys)}" fill="none" stroke="{line.colour}" stroke-width="1.3" '
            'stroke-linejoin="round"/>\n'
        )
    return "".join(parts)


def _legend(lines: Sequence[Line], y: int) -> str:
    """Return the names of the lines in their colours, flush right; a single one has none."""
    if len(lines) == 1:
        return ""
    parts: list[str] = []
    x = float(_WIDTH - _RIGHT)
    for line in reversed(lines):
        x -= _LETTER * len(line.name)
        parts.append(f'<text x="{x:.0f}" y="{y}">{html.escape(line.name)}</text>')
        parts.append(
            f'<path d="M{x - 18:.0f} {y - 4}h14" stroke="{line.colour}" stroke-width="2.5"/>'
        )
        x -= 30
    return "".join([*parts, "\n"])


def _band(trouble: Trouble, across: Scale, unit: float, top: int, tall: int) -> str:
    """Return the shade of a time in which something does not work."""
    first, last = _x(across, np.array([trouble.start, trouble.end]) / unit)
    width = max(last - first, 1.0)
    return (
        f'<rect x="{first:.1f}" y="{top}" width="{width:.1f}" height="{tall}" fill="{_FAINT}">'
        f"<title>{html.escape(trouble.name)}</title></rect>\n"
    )


def _x(across: Scale, values: Floats) -> Floats:
    return _LEFT + across.place(values) * (_WIDTH - _LEFT - _RIGHT)


def _y(scale: Scale, values: Floats, top: int, tall: int) -> Floats:
    known = np.where(values > 0, values, np.nan) if scale.logarithmic else values
    return top + (1.0 - scale.place(known)) * tall


def _path(xs: Floats, ys: Floats) -> str:
    """Return a line through points, with a gap where one is not known."""
    parts: list[str] = []
    pen = "M"
    for x, y in zip(xs.tolist(), ys.tolist(), strict=True):
        if y != y:
            pen = "M"
            continue
        parts.append(f"{pen}{x:.1f} {y:.1f}")
        pen = "L"
    return "".join(parts)
