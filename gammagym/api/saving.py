"""Markets in files: written as plain arrays, read as if anybody could have written them."""

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
from gammagym.engine.tables import place_in_world
from gammagym.errors import OrderError
from gammagym.world import LARGE_WORLD, SCHEMA_VERSION, STANDARD_WORLD, schema_hash, viewed

# Far more than a world and a tape of years need; so a small file cannot fill the memory.
_LARGEST_BYTES = 2**30


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
    temporary = f"{os.fspath(path)}.part"
    with open(temporary, "wb") as file:
        np.savez(
            file,
            schema=np.array(_schema(market.worlds.dtype)),
            world=np.frombuffer(market.worlds.tobytes(), np.uint8),
            tape=market.tape,
            words=np.frombuffer(json.dumps(words).encode(), np.uint8),
        )
    os.replace(temporary, path)


def read_market(path: str | os.PathLike[str]) -> SavedMarket:
    """Read a market that `write_market` wrote.

    Raises:
        OrderError: there is no such file, it is not a saved market, it is one of another version,
            or what it holds contradicts itself.
    """
    name = os.fspath(path)
    try:
        schema, content = _arrays(name)
    except FileNotFoundError:
        raise OrderError(f"{name}: there is no such file") from None
    except Exception as error:  # whatever the parsers of NumPy and zip make of a broken file
        raise OrderError(f"{name}: not a saved market, or a broken one ({error})") from None
    if schema not in _SCHEMAS:
        raise OrderError(
            f"{name}: saved by another version (schema {schema}, this is "
            f"{_schema(STANDARD_WORLD)}): make the market anew"
        )
    try:
        market = _market(content, _WORLDS[_SCHEMAS.index(schema)])
    except Exception as error:  # and whatever the parsers of JSON and of names do
        raise OrderError(f"{name}: not a saved market, or a broken one ({error})") from None
    fault = fault_of(market.worlds, market.tape) or _words_fault(market)
    if fault is not None:
        raise OrderError(f"{name}: a broken market: {fault}")
    return market


def are_names(names: Sequence[object]) -> bool:
    """Return whether these are different texts."""
    return all(isinstance(name, str) for name in names) and len(set(names)) == len(names)


def _schema(dtype: np.dtype[Any]) -> list[str]:
    return [str(SCHEMA_VERSION), schema_hash(dtype)]


# Worlds of one market, and of several.
_WORLDS = (STANDARD_WORLD, LARGE_WORLD)
_SCHEMAS = [_schema(dtype) for dtype in _WORLDS]


def _arrays(name: str) -> tuple[list[str], dict[str, NDArray[Any]]]:
    """Return the schema of a file and, if it is ours, its arrays."""
    # Opened here, as NumPy leaves a file that it cannot read open.
    with open(name, "rb") as source, np.load(source, allow_pickle=False) as file:
        if sum(member.file_size for member in file.zip.infolist()) > _LARGEST_BYTES:
            raise ValueError("too large")
        schema = file["schema"].tolist()
        members = ("world", "tape", "words") if schema in _SCHEMAS else ()
        return schema, {member: file[member] for member in members}


def _market(content: dict[str, NDArray[Any]], dtype: np.dtype[Any]) -> SavedMarket:
    """Put a market together; where its tables are is never taken from a file."""
    worlds = viewed(np.frombuffer(content["world"].tobytes(), dtype).copy())
    if len(worlds) != 1:
        raise ValueError(f"{len(worlds)} worlds")
    place_in_world(worlds, orders="orders", levels="levels", terms="terms", members="members")
    words = json.loads(content["words"].tobytes())
    sent = [SentOrder(**order) for order in words["sent"]]
    return SavedMarket(
        worlds,
        content["tape"],
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
