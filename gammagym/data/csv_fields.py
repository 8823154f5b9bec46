"""Lines and fields of CSV files of market data, with errors that name the line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

from gammagym.data.stream_tables import LARGEST, open_lines
from gammagym.errors import DataError

_DECIMAL = re.compile(r"[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]{1,2})?")


def csv_rows(file: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield line numbers and fields of the lines that are not blank, unpacked if need be.

    None of the formats read here quotes its fields.
    """
    for line, text in enumerate(open_lines(file), 1):
        if not text.isspace():
            yield line, [field.strip() for field in text.split(",")]


def read_rows(
    file: Path, rows: Iterator[tuple[int, list[str]]], add: Callable[[int, list[str]], None]
) -> int:
    """Pass rows on and return how many there were.

    Raises:
        DataError: `add` has found a mistake (ValueError), or a row has not as many fields as the
            first; says in which line, and that nothing of the file is used.
    """
    count, width = 0, 0
    for line, fields in rows:
        width = width or len(fields)
        try:
            if len(fields) != width:
                raise ValueError(f"{width} fields expected, {len(fields)} found")
            add(line, fields)
        except ValueError as error:
            used = f"{count:,} lines were read before it; none is used"
            raise DataError(f"{file}, line {line}: {error} ({used})") from error
        count += 1
    return count


def decimal_text(name: str, text: str) -> str:
    """Return a number as plain decimal text; ValueError if it is none.

    >>> decimal_text("amount", "1.5e-7")
    '0.00000015'
    """
    if not _DECIMAL.fullmatch(text):
        raise ValueError(f"{name} must be a decimal number >= 0, was {text!r}")
    return f"{Decimal(text):f}" if "e" in text.lower() else text


def whole_number(name: str, text: str) -> int:
    """Return a whole number >= 0; ValueError if it is none."""
    if not (text.isascii() and text.isdecimal() and int(text) <= LARGEST):
        raise ValueError(f"{name} must be a whole number >= 0, was {text!r}")
    return int(text)


def choice(name: str, text: str, values: dict[str, int]) -> int:
    """Return what a word stands for; ValueError if it is none of those allowed."""
    if text not in values:
        raise ValueError(f"{name} must be {' or '.join(values)}, was {text!r}")
    return values[text]
