"""How a table is declared, and how its NumPy dtype is built from the declaration.

A table is a class whose annotations say type, NumPy code and meaning; the nested dtype is built
from them, so that type checkers, kernels and the documentation read the same lines.
"""

from __future__ import annotations

import math
from typing import Any, Protocol, TypeVar, get_args, get_type_hints

import numpy as np
from numpy.typing import NDArray

from gammagym.world.capacity import Capacity
from gammagym.world.sizes import CACHE_LINE, TO_LINE

I8 = "i8"
I4 = "i4"
U8 = "u8"
U1 = "u1"
F8 = "f8"
F4 = "f4"

Row = TypeVar("Row", covariant=True)
Vector = NDArray[Any]


class Rows(Protocol[Row]):
    """A column of records, as kernels see it."""

    def __getitem__(self, index: Any, /) -> Row: ...
    def __len__(self) -> int: ...


def fields(table: type) -> dict[str, tuple[Any, tuple[Any, ...], str]]:
    """Return the declared fields of a table: name to (NumPy code or table, shape, meaning).

    >>> from gammagym.world.exchange import Position
    >>> fields(Position)["entry_quanta"]
    ('i8', (), 'signed value at which it was entered (quanta)')
    """
    result: dict[str, tuple[Any, tuple[Any, ...], str]] = {}
    for name, hint in get_type_hints(table, include_extras=True).items():
        _, code, *shape, meaning = get_args(hint)
        result[name] = (code, shape[0] if shape else (), meaning)
    return result


def table_dtype(table: type, capacity: Capacity | None = None) -> np.dtype[Any]:
    """Build the NumPy dtype of one table; shapes named by words come from the capacity.

    >>> from gammagym.world.exchange import Position
    >>> table_dtype(Position).itemsize
    40
    """
    columns: list[tuple[Any, ...]] = []
    used = 0
    for name, (code, shape, _) in fields(table).items():
        cell = np.dtype(code) if isinstance(code, str) else table_dtype(code, capacity)
        sizes = tuple(_length(size, capacity, used) for size in shape)
        columns.append((name, cell, sizes) if sizes else (name, cell))
        used += cell.itemsize * math.prod(sizes)
    return np.dtype(columns)


def _length(size: int | str, capacity: Capacity | None, used: int) -> int:
    """Return a length of a shape as a number; `used` is how many bytes of the table lie before."""
    if size == TO_LINE:
        return CACHE_LINE - used % CACHE_LINE
    return getattr(capacity, size) if isinstance(size, str) else size
