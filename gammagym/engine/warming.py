"""What a step will need is read once, in order, before the step.

Among thousands of worlds none is in the processor's cache when its turn comes. A step that follows
prices to levels and levels to orders waits for main memory at each link (170 ns measured); what is
read in order comes at 3 ns a line. So each world has a list of stretches: the rows in use of its
tables, and of its pools those that background orders take. A stretch that is too short or too long
costs time and changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from gammagym._kernel import kernel, numba_config
from gammagym.world import CACHE_LINE, FIRST_AGENT_ACCOUNT, STRETCHES, WORK

# Of each there rarely are more at a time.
_MESSAGES, _FILLS = 2, 2
# Share of its places that a flow ever fills; nodes of the price index for each of its levels.
_USED, _NODES = 0.66, 0.66


def _read() -> Any:
    """Return a function that reads a byte of a record and makes no use of it, for kernels."""
    if numba_config.DISABLE_JIT:
        return lambda *_: None

    def read(_typing_context: Any, record: Any, _byte: Any) -> Any:
        def code(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            byte = ir.IntType(8)
            start = builder.bitcast(arguments[0], byte.as_pointer())
            value = builder.load(builder.gep(start, [arguments[1]]))
            # Code that says to take the value and is empty: without it LLVM would drop the load.
            taker = ir.FunctionType(ir.VoidType(), [byte])
            builder.call(ir.InlineAsm(taker, "", "r", side_effect=True), [value])
            return context.get_dummy_value()

        return types.void(record, types.int64), code

    return intrinsic(read)


_read_byte = _read()


@kernel(counted=False)
def warm(world):
    """Read what a step will need. Cost: O(bytes)."""
    for row in range(world.stretch_count):
        stretch = world.stretches[row]
        for byte in range(stretch.start, stretch.end, CACHE_LINE):
            _read_byte(world, byte)


def note_stretches(worlds: NDArray[Any]) -> None:
    """Write what is read of each of an array of equal worlds, whose books have just been opened."""
    found = sorted(_stretches(worlds[0]))[:STRETCHES]
    worlds["stretch_count"] = len(found)
    for row, (start, end) in enumerate(found):
        worlds["stretches"]["start"][:, row] = start
        worlds["stretches"]["end"][:, row] = end


def _stretches(world: Any) -> Iterator[tuple[int, int]]:
    """Yield where what a step needs begins and ends, in bytes from the start of the world."""

    def rows(table: str, first: int, end: int) -> tuple[int, int]:
        column, offset = world.dtype.fields[table][:2]
        return offset + first * column.base.itemsize, offset + end * column.base.itemsize

    def of_flow(row: int, column: str, slots: int) -> tuple[int, int]:
        cell, offset = world["flows"].dtype.fields[column][:2]
        start = rows("flows", row, row + 1)[0] + offset
        return start, start + slots * cell.base.itemsize

    instruments, accounts = int(world["instrument_count"]), int(world["account_count"])
    held = world["positions"].shape[1]
    yield 0, rows("venues", 0, 1)[0]
    yield rows("instruments", 0, instruments)
    yield rows("accounts", 0, accounts)
    yield rows("positions", FIRST_AGENT_ACCOUNT * held, accounts * held)
    yield rows("agents", 0, int(world["agent_count"]))
    yield rows("messages", 0, _MESSAGES)
    work, fills = rows("work", 0, 1)[0], WORK.fields["fills"]
    yield work, work + fills[1] + _FILLS * fills[0].base.itemsize
    yield rows("incoming", 0, 1)
    yield rows("books", 0, instruments)
    for row in range(int(world["flow_count"])):
        flow = world["flows"][row]
        slots, book = int(flow["slots"]), world["books"][flow["instrument"]]
        used = int(slots * _USED)
        yield rows("flows", row, row)[0], of_flow(row, "ids", slots)[1]
        yield of_flow(row, "rows", slots)
        # The free lists still begin with the first row of the book.
        yield rows("orders", book["free_order"], book["free_order"] + used)
        yield rows("levels", book["free_level"], book["free_level"] + used)
        yield rows("nodes", book["free_node"], book["free_node"] + int(used * _NODES))
