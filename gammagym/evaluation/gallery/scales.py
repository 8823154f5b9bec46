"""Scales of drawings: from numbers to places, with round numbers marked."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_MARKS_PER_DECADE = ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0))


@dataclass(frozen=True)
class Scale:
    """A scale over a range of numbers.

    Attributes:
        low: number at its lower end.
        high: number at its upper end, above `low`.
        marks: round numbers on it.
        logarithmic: whether equal ratios are equally long.
    """

    low: float
    high: float
    marks: tuple[float, ...]
    logarithmic: bool = False

    def place(self, values: Floats) -> Floats:
        """Return where numbers are: 0 at the lower end, 1 at the upper one.

        >>> Scale(1.0, 100.0, (), logarithmic=True).place(np.array([10.0])).tolist()
        [0.5]
        """
        if self.logarithmic:
            return np.log(values / self.low) / math.log(self.high / self.low)
        return (values - self.low) / (self.high - self.low)


def linear_scale(values: Floats, wanted: int = 4, *, from_zero: bool = False) -> Scale:
    """Return a scale with room for all the numbers that are known.

    >>> linear_scale(np.array([0.0, 9.0])).marks
    (0.0, 2.5, 5.0, 7.5)
    """
    known = values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    if from_zero:
        low, high = min(low, 0.0), max(high, 0.0)
    # What does not move is drawn in the middle.
    room = 0.04 * (high - low) or max(abs(high), 1.0) * 0.05
    low, high = (low - room * (low != 0.0 or not from_zero), high + room)
    return Scale(low, high, round_numbers(low, high, wanted))


def logarithmic_scale(values: Floats, wanted: int = 4) -> Scale:
    """Return a logarithmic scale for all the numbers that are known and positive.

    >>> logarithmic_scale(np.array([0.02, 30.0])).marks
    (0.1, 1.0, 10.0)
    """
    known = values[np.isfinite(values) & (values > 0)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (1.0, 10.0)
    room = max((high / low) ** 0.05, 1.05)
    low, high = low / room, high * room
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    marks: tuple[float, ...] = ()
    for digits in _MARKS_PER_DECADE:
        all_marks = [float(f"{digit:g}e{decade}") for decade in decades for digit in digits]
        marks = tuple(each for each in all_marks if low <= each <= high)
        if len(marks) >= wanted - 1:
            break
    return Scale(low, high, marks, logarithmic=True)


def round_numbers(low: float, high: float, wanted: int) -> tuple[float, ...]:
    """Return about so many round numbers at equal distances within a range.

    >>> round_numbers(0.0, 4.0, 4)
    (0.0, 1.0, 2.0, 3.0, 4.0)
    """
    rough = (high - low) / wanted
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(each * size for each in _STEPS if each * size >= rough * 0.999)
    numbers = range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)
    return tuple(number * step for number in numbers)


def time_scale(seconds: float) -> tuple[Scale, float, str]:
    """Return a scale of time from 0 on, its unit in seconds, and the unit's name.

    >>> scale, unit, name = time_scale(14_400.0)
    >>> scale.marks, unit, name
    ((0.0, 1.0, 2.0, 3.0, 4.0), 3600.0, 'hours')
    """
    unit, name = 60.0, "minutes"
    if seconds > 3 * 86_400:
        unit, name = 86_400.0, "days"
    elif seconds > 2 * 3_600:
        unit, name = 3_600.0, "hours"
    end = seconds / unit
    return Scale(0.0, end, round_numbers(0.0, end, 6)), unit, name


def shown(number: float) -> str:
    """Return a mark as text.

    >>> shown(60000.0), shown(0.0), shown(-2.5), shown(0.30000000000000004)
    ('60,000', '0', '\N{MINUS SIGN}2.5', '0.3')
    """
    text = f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.6g}"
    return text.replace("-", "\N{MINUS SIGN}")
