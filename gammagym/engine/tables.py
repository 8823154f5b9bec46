"""Where the rows are: a record that knows how far away its tables lie.

Numba hands an array to a function as seven numbers, at every call; a record is one address. So the
kernels of the engine take one record, a book or a run, which holds for each of its tables the
distance from itself in bytes and the number of rows. Distances, not addresses: a world that is
copied takes its books and their rows along. This makes the engine half as fast again.

`orders_of(book)` and the others are the only way to the rows. In a world the distances follow from
the layout (`place_in_world`); for tables of their own they are written before every call
(`place`), so that nothing is left dangling when an array grows or is copied.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.cpython.unsafe.numbers import leading_zeros
from numba.extending import intrinsic
from numba.np import numpy_support
from numba.np.arrayobj import populate_array
from numpy.typing import NDArray

from gammagym._kernel import numba_config
from gammagym.engine.protocol import DETAIL, MESSAGE, REPORT, TOUCH, UPDATE
from gammagym.world import LEVEL, MEMBER, NODE, ORDER, TERMS, viewed


def _table(dtype: np.dtype[Any], name: str) -> Any:
    """Return a function from a record to its table of this name, for kernels."""
    if numba_config.DISABLE_JIT:
        return lambda holder: _python_table(holder, dtype, name)
    array = types.Array(numpy_support.from_dtype(dtype), 1, "C")

    def table_of(_typing_context: Any, holder: Any) -> Any:
        distance, rows = holder.offset(f"{name}_at"), holder.offset(f"{name}_count")

        def code(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            byte, word = ir.IntType(8), ir.IntType(64)
            start = builder.bitcast(arguments[0], byte.as_pointer())

            def load(offset: int) -> Any:
                place = builder.gep(start, [word(offset)])
                return builder.load(builder.bitcast(place, word.as_pointer()))

            view = context.make_array(array)(context, builder)
            size = context.get_constant(types.intp, dtype.itemsize)
            populate_array(
                view,
                data=builder.bitcast(builder.gep(start, [load(distance)]), view.data.type),
                shape=cgutils.pack_array(builder, [load(rows)]),
                strides=cgutils.pack_array(builder, [size]),
                itemsize=size,
                meminfo=None,  # whoever called from Python holds the memory
            )
            return view._getvalue()

        return array(holder), code

    table_of.__name__ = f"{name}_of"
    return intrinsic(table_of)


def _python_table(holder: Any, dtype: np.dtype[Any], name: str) -> Any:
    """Do the same without compilation."""
    start = np.asarray(holder).__array_interface__["data"][0] + int(holder[f"{name}_at"])
    rows = int(holder[f"{name}_count"])
    memory = (ctypes.c_char * (rows * dtype.itemsize)).from_address(start)
    return viewed(np.frombuffer(memory, dtype, rows) if rows else np.zeros(0, dtype))


orders_of = _table(ORDER, "orders")
levels_of = _table(LEVEL, "levels")
nodes_of = _table(NODE, "nodes")
terms_of = _table(TERMS, "terms")
members_of = _table(MEMBER, "members")
messages_of = _table(MESSAGE, "messages")
details_of = _table(DETAIL, "details")
reports_of = _table(REPORT, "reports")
updates_of = _table(UPDATE, "updates")
touches_of = _table(TOUCH, "touches")
buckets_of = _table(np.dtype("i4"), "buckets")


# What is fetched comes into the nearest cache, or stops at the one behind it, which is larger.
NEAREST, SECOND = 3, 2


def ask_for(builder: Any, address: Any, cache: int) -> None:
    """Write the instruction that asks for the bytes at an address, to be read soon."""
    byte, flag = ir.IntType(8), ir.IntType(32)
    kind = ir.FunctionType(ir.VoidType(), [byte.as_pointer(), flag, flag, flag])
    function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
    builder.call(function, [address, flag(0), flag(cache), flag(1)])


def _prefetch() -> Any:
    """Return a function that asks the processor to have a row of a table at hand soon."""
    if numba_config.DISABLE_JIT:
        return lambda *_: None

    def prefetch(_typing_context: Any, table: Any, _row: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            view = context.make_array(signature.args[0])(context, builder, arguments[0])
            row = builder.gep(view.data, [arguments[1]])
            ask_for(builder, builder.bitcast(row, ir.IntType(8).as_pointer()), NEAREST)
            return context.get_dummy_value()

        return types.void(table, types.int64), code

    return intrinsic(prefetch)


prefetch = _prefetch()

if numba_config.DISABLE_JIT:

    def leading_zeros(number: int) -> int:
        """Return how many of the 64 bits of a number are 0 before the first that is set."""
        return 64 - (int(number) & (2**64 - 1)).bit_length()


# What the tables of a book are called in a world.
BOOK_TABLES = {name: name for name in ("orders", "levels", "nodes", "terms", "members")}


def place(holders: NDArray[Any], **tables: NDArray[Any]) -> None:
    """Tell the first record of an array where tables are that were allocated on their own.

    The caller keeps the tables alive and in place while kernels use the record.
    """
    start = holders.__array_interface__["data"][0]
    for name, table in tables.items():
        holders[f"{name}_at"][0] = table.__array_interface__["data"][0] - start
        holders[f"{name}_count"][0] = len(table)


def place_in_world(worlds: NDArray[Any], **tables: str) -> None:
    """Tell the books of worlds which of the worlds' own tables they use, by name of the table.

    Tables with a row for each book are shared out by book.
    """
    fields: Any = worlds.dtype.fields
    books = worlds["books"]
    for name, table in tables.items():
        column, offset = fields[table][0], fields[table][1]
        for book in range(books.shape[1]):
            per_book = len(column.shape) > 1
            rows = column.shape[1] if per_book else column.shape[0]
            start = offset + (book * rows * column.base.itemsize if per_book else 0)
            books[f"{name}_at"][:, book] = start - fields["books"][1] - book * books.dtype.itemsize
            books[f"{name}_count"][:, book] = rows
