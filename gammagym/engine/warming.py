"""What a step will need is fetched from memory while the world before it runs.

Among thousands of worlds none is in the processor's cache when its turn comes. A step that follows
prices to levels and levels to orders waits for main memory at each link (170 ns measured); what is
asked for ahead of time costs little. So each world has a list of stretches: the rows in use of its
tables, and of its pools those that background orders take. They are fetched in pieces, before and
after each event of the world before it and between the parts of a decision: what is asked for at
once waits for its turn, and keeps that world waiting. A stretch that is too short or too long costs
time and changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from gammagym._kernel import kernel, numba_config
from gammagym.engine.tables import SECOND, ask_for
from gammagym.world import WORK
from gammagym.world.codes import FIRST_AGENT_ACCOUNT, MAKERS
from gammagym.world.sizes import CACHE_LINE, STRETCHES

Stretch = tuple[int, int]

# So few worlds stay in the processor's cache from one step to the next.
FEW = 16
# Unused bytes between two stretches that cost less than a stretch of its own.
_CLOSE = 640
# Least that is fetched at once (bytes): a step of a thin market has about 20 occasions.
_PIECE = 20 * CACHE_LINE
# Of each there rarely are more at a time; of orders that makers quote with, in one book.
_MESSAGES, _FILLS, _QUOTES = 2, 4, 4
# Share of its places that a flow ever fills; nodes of the price index for each of its levels.
_USED, _NODES = 0.66, 0.66


def _fetch(records_ahead: int) -> Any:
    """Return a function that asks for a byte of a record, or of one behind it, for kernels.

    Behind the last record there is none: a processor makes nothing of an address it cannot fetch.
    """
    if numba_config.DISABLE_JIT:
        return lambda *_: None

    def fetch(_typing_context: Any, record: Any, _byte: Any) -> Any:
        def code(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            start = builder.bitcast(arguments[0], ir.IntType(8).as_pointer())
            place = builder.add(arguments[1], ir.IntType(64)(records_ahead * record.size))
            # A world is more than the nearest cache holds.
            ask_for(builder, builder.gep(start, [place]), SECOND)
            return context.get_dummy_value()

        return types.void(record, types.int64), code

    return intrinsic(fetch)


_fetch_here, _fetch_ahead = _fetch(0), _fetch(1)


@kernel
def warm(world):
    """Ask for what a step of this world will need. Cost: O(bytes)."""
    for row in range(world.stretch_count):
        stretch = world.stretches[row]
        for byte in range(stretch.start, stretch.end, CACHE_LINE):
            _fetch_here(world, byte)


@kernel(inline=True)
def fetch_some_of_next(world):
    """Ask for a piece of the world that follows in memory, if it is to be fetched."""
    if world.to_fetch > 0:
        stretch = world.stretches[world.stretch_count - world.to_fetch]
        world.to_fetch -= 1
        for byte in range(stretch.start, stretch.end, CACHE_LINE):
            _fetch_ahead(world, byte)


@kernel
def fetch_rest_of_next(world):
    """Ask for what is still to be fetched of the world that follows in memory."""
    while world.to_fetch > 0:
        fetch_some_of_next(world)


def note_stretches(worlds: NDArray[Any]) -> None:
    """Write what is fetched of each of an array of equal worlds, whose books were just opened."""
    found = _joined(sorted(each for each in _stretches(worlds[0]) if each[0] < each[1]))
    found = _in_pieces(found)[:STRETCHES]
    worlds["stretch_count"] = len(found)
    for row, (start, end) in enumerate(found):
        worlds["stretches"]["start"][:, row] = start
        worlds["stretches"]["end"][:, row] = end


def _joined(stretches: list[Stretch]) -> list[Stretch]:
    """Return whole cache lines, and stretches that are close together as one."""
    result: list[Stretch] = []
    for start, end in stretches:
        start, end = start - start % CACHE_LINE, end + -end % CACHE_LINE
        if result and start - result[-1][1] <= _CLOSE:
            start, end = result[-1][0], max(result[-1][1], end)
            result.pop()
        result.append((start, end))
    return result


def _in_pieces(stretches: list[Stretch]) -> list[Stretch]:
    """Return stretches cut into pieces; larger ones if there would be too many of them."""
    total = sum(end - start for start, end in stretches)
    room = max(STRETCHES - len(stretches), 1)
    most = max(_PIECE, -(-total // room // CACHE_LINE) * CACHE_LINE)
    return [
        (first, min(first + most, end))
        for start, end in stretches
        for first in range(start, end, most)
    ]


def _stretches(world: Any) -> Iterator[Stretch]:
    """Yield where what a step needs begins and ends, in bytes from the start of the world."""

    def rows(table: str, first: int, end: int) -> tuple[int, int]:
        column, offset = world.dtype.fields[table][:2]
        return offset + first * column.base.itemsize, offset + end * column.base.itemsize

    def of_flow(row: int, column: str, slots: int) -> tuple[int, int]:
        cell, offset = world["flows"].dtype.fields[column][:2]
        start = rows("flows", row, row + 1)[0] + offset
        return start, start + slots * cell.base.itemsize

    def hot(table: str, row: int, cold: str) -> tuple[int, int]:
        start = rows(table, row, row)[0]
        return start, start + world[table].dtype.fields[cold][1]

    instruments, accounts = int(world["instrument_count"]), int(world["account_count"])
    contracts, held = world["instruments"][:instruments], world["positions"].shape[1]
    # The longest way between two price ticks is fifteen times as long as the usual one.
    way, begin = world["price"].dtype.fields["path"], rows("price", 0, 0)[0]
    steps = int(world["price"]["path_steps"]) + 1
    yield 0, begin + way[1] + steps * way[0].base.itemsize
    yield begin + way[1] + way[0].itemsize, rows("flows", 0, 1)[0]
    yield rows("instruments", 0, instruments)
    yield rows("books", 0, instruments)
    yield rows("accounts", 0, accounts)
    yield rows("positions", 0, (MAKERS + 1) * held)
    yield rows("positions", FIRST_AGENT_ACCOUNT * held, accounts * held)
    yield rows("agents", 0, int(world["agent_count"]))
    yield rows("messages", 0, _MESSAGES)
    work, fills = rows("work", 0, 1)[0], WORK.fields["fills"]
    yield work, work + fills[1] + _FILLS * fills[0].base.itemsize
    yield rows("incoming", 0, 1)
    for row in range(len(world["venues"])):
        yield hot("venues", row, "ladder")
    yield rows("tiers", 0, int((contracts["first_tier"] + contracts["tier_count"]).max()))
    yield rows("shocks", 0, int(world["shock_count"]))
    yield rows("closures", 0, int(world["closure_count"]))
    # The free lists of books still begin with the first row of each.
    for row in np.flatnonzero(contracts["maker_size_lots"]):
        book = world["books"][row]
        yield rows("orders", book["free_order"], book["free_order"] + _QUOTES)
        yield rows("levels", book["free_level"], book["free_level"] + _QUOTES)
    for row in range(int(world["flow_count"])):
        flow = world["flows"][row]
        slots, book = int(flow["slots"]), world["books"][flow["instrument"]]
        used, members = int(slots * _USED), int(flow["instrument"]) * world["members"].shape[1]
        yield rows("flows", row, row)[0], of_flow(row, "ids", slots)[1]
        yield of_flow(row, "rows", slots)
        yield rows("members", members, members + accounts)
        yield rows("orders", book["free_order"], book["free_order"] + used)
        yield rows("levels", book["free_level"], book["free_level"] + used)
        yield rows("nodes", book["free_node"], book["free_node"] + int(used * _NODES))
