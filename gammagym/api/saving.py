"""Worlds in files: written as plain arrays, read as if anybody could have written them."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gammagym.api.order_entry import SIDES, TYPES, SentOrder, number
from gammagym.api.positions import positions_of
from gammagym.api.soundness import fault_of
from gammagym.engine.tables import BOOK_TABLES, place_in_world
from gammagym.errors import GammagymError, OrderError
from gammagym.world import (
    LARGE_WORLD,
    SCHEMA_VERSION,
    SMALL_WORLD,
    STANDARD_WORLD,
    copied,
    schema_hash,
)

# Far more than a world and a tape of years need; so a small file cannot fill the memory.
_LARGEST_BYTES = 2**30
# What a saved world may be: of one market, of a busy one, or of several and with participants.
_WORLDS = (SMALL_WORLD, STANDARD_WORLD, LARGE_WORLD)


@dataclass(frozen=True)
class SavedMarket:
    """What a market consists of.

    Attributes:
        worlds: array of one world.
        tape: recorded prices of a replay.
        agents: names of the competitors.
        instruments: names of what is listed.
        sent: the orders it has sent, by order id.
    """

    worlds: NDArray[Any]
    tape: NDArray[Any]
    agents: tuple[str, ...]
    instruments: tuple[str, ...]
    sent: dict[int, SentOrder]


def write_market(path: str | os.PathLike[str], market: SavedMarket) -> None:
    """Write a market to a file, which appears whole or not at all; nothing is pickled."""
    words = {
        "agents": market.agents,
        "instruments": market.instruments,
        "sent": [asdict(order) for order in market.sent.values()],
    }
    write_worlds(path, market.worlds, words, tape=market.tape)


def read_market(path: str | os.PathLike[str]) -> SavedMarket:
    """Read a market that `write_market` wrote.

    Raises:
        OrderError: there is no such file, it is not a saved market, it is one of another version,
            or what it holds contradicts itself.
    """
    name = os.fspath(path)
    worlds, content, words = read_worlds(path, ("tape",), "market", OrderError)
    try:
        market = _market(worlds, content["tape"], words)
    except Exception as error:  # whatever comes of words that are not ours
        raise OrderError(f"{name}: not a saved market, or a broken one ({error})") from None
    fault = fault_of(market.worlds, market.tape) or _words_fault(market)
    if fault is not None:
        raise OrderError(f"{name}: a broken market: {fault}")
    return market


def write_worlds(
    path: str | os.PathLike[str],
    worlds: NDArray[Any],
    words: dict[str, Any],
    **arrays: NDArray[Any],
) -> None:
    """Write worlds and what goes with them to a file, which appears whole or not at all.

    Args:
        path: the file, ``.npz``.
        worlds: array of worlds.
        words: what is no array, as JSON can say it.
        **arrays: arrays of numbers, by name.
    """
    temporary = f"{os.fspath(path)}.part"
    with open(temporary, "wb") as file:
        np.savez(
            file,
            schema=np.array(_schema(worlds.dtype)),
            world=np.frombuffer(worlds.tobytes(), np.uint8),
            words=np.frombuffer(json.dumps(words).encode(), np.uint8),
            **arrays,  # pyright: ignore[reportArgumentType]
        )
    os.replace(temporary, path)


def read_worlds(
    path: str | os.PathLike[str],
    names: Sequence[str],
    noun: str,
    refuse: type[GammagymError],
) -> tuple[NDArray[Any], dict[str, NDArray[Any]], Any]:
    """Read what `write_worlds` wrote: worlds, which are not checked, arrays by name, and words.

    Args:
        path: the file.
        names: of the arrays.
        noun: what it is a file of, for errors.
        refuse: the error to raise.

    Raises:
        GammagymError: there is no such file, it is another one, or one of another version.
    """
    name = os.fspath(path)
    try:
        schema, content = _arrays(name, names)
    except FileNotFoundError:
        raise refuse(f"{name}: there is no such file") from None
    except Exception as error:  # whatever the parsers of NumPy and zip make of a broken file
        raise refuse(f"{name}: not a saved {noun}, or a broken one ({error})") from None
    dtype = _world_of(schema)
    if dtype is None:
        raise refuse(
            f"{name}: saved by another version (schema {schema}, this is "
            f"{_schema(STANDARD_WORLD)}): make the {noun} anew"
        )
    try:
        worlds = copied(np.frombuffer(content["world"].tobytes(), dtype))
        # Where tables are is never taken from a file.
        place_in_world(worlds, **BOOK_TABLES)
        return worlds, content, json.loads(content["words"].tobytes())
    except Exception as error:  # and whatever the parser of JSON does
        raise refuse(f"{name}: not a saved {noun}, or a broken one ({error})") from None


def are_names(names: Sequence[object]) -> bool:
    """Return whether these are different texts."""
    return all(isinstance(name, str) for name in names) and len(set(names)) == len(names)


def _schema(dtype: np.dtype[Any]) -> list[str]:
    return [str(SCHEMA_VERSION), schema_hash(dtype)]


def _world_of(schema: list[str]) -> np.dtype[Any] | None:
    """Return the kind of world that a schema is of, or None."""
    return next((dtype for dtype in _WORLDS if _schema(dtype) == schema), None)


def _arrays(name: str, names: Sequence[str]) -> tuple[list[str], dict[str, NDArray[Any]]]:
    """Return the schema of a file and, if it is ours, its arrays."""
    # Opened here, as NumPy leaves a file that it cannot read open.
    with open(name, "rb") as source, np.load(source, allow_pickle=False) as file:
        largest = max(_LARGEST_BYTES, os.path.getsize(name))
        if sum(member.file_size for member in file.zip.infolist()) > largest:
            raise ValueError("too large")
        schema = file["schema"].tolist()
        members = ("world", "words", *names) if _world_of(schema) is not None else ()
        return schema, {member: file[member] for member in members}


def _market(worlds: NDArray[Any], tape: NDArray[Any], words: Any) -> SavedMarket:
    """Put a market together."""
    if len(worlds) != 1:
        raise ValueError(f"{len(worlds)} worlds")
    sent = [SentOrder(**order) for order in words["sent"]]
    return SavedMarket(
        worlds,
        tape,
        tuple(words["agents"]),
        tuple(words["instruments"]),
        {order.id: order for order in sent},
    )


def _words_fault(market: SavedMarket) -> str | None:
    """Return what is wrong with names and sent orders, or None."""
    world = market.worlds[0]
    counts = {"agent_count": market.agents, "instrument_count": market.instruments}
    for count, names in counts.items():
        if len(names) != world[count] or not are_names(names):
            return f"{names} must be as many different names as {count}, {world[count]}"
    broken = [order for order in market.sent.values() if not _is_order(market, order)]
    return f"it sent an impossible order: {broken[0]}" if broken else None


def _is_order(market: SavedMarket, order: SentOrder) -> bool:
    """Return whether `Market.submit` can have returned this order."""
    prices = [price for price in (order.price, order.trigger_price) if price is not None]
    try:
        for value in (order.quantity, *prices):
            number("value", value)
    except OrderError:
        return False
    if order.agent not in market.agents:
        return False
    return (
        type(order.id) is int
        and 0 < order.id < market.worlds[0]["next_order_id"]
        and order.position in positions_of(market.worlds[0], market.agents.index(order.agent))
        and order.instrument in market.instruments
        and order.side in tuple(SIDES)
        and order.type in tuple(TYPES)
        and order.reduce_only in (False, True)
    )
