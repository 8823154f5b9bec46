"""The record of a world: its tables in the order of memory, and arrays of worlds."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Protocol

import numpy as np
from numba.core import config
from numpy.typing import NDArray

from gammagym.world.book import Book, Level, Member, Message, Node, Order, Terms, Work
from gammagym.world.capacity import LARGE, SMALL, STANDARD, Capacity
from gammagym.world.columns import I4, I8, U1, U8, Rows, Vector, table_dtype
from gammagym.world.competitors import Agent, FillRecord
from gammagym.world.exchange import (
    Account,
    Closure,
    Instrument,
    Position,
    RuleChange,
    Tier,
    Transfer,
    Venue,
)
from gammagym.world.market import (
    Arbitrageur,
    Bucket,
    Customers,
    Flow,
    Hedger,
    Leverage,
    OptionMakers,
    Price,
    Shock,
    Stress,
    Surface,
)
from gammagym.world.sizes import CACHE_LINE, STREAMS, STRETCHES, TO_LINE, WATCHED

_settings: Any = config


class Stretch(Protocol):
    """Bytes that every step of a world needs (`engine/warming.py`)."""

    start: Annotated[int, I4, "where they begin (bytes from the start of the world)"]
    end: Annotated[int, I4, "where they end (bytes from the start of the world)"]


class World(Protocol):
    """One independent market with everything in it, what every step needs first."""

    time_ns: Annotated[int, I8, "now (ns since the episode began; negative while warming up)"]
    end_ns: Annotated[int, I8, "end of the episode (ns)"]
    seed: Annotated[int, U8, "seed of every random stream"]
    fork: Annotated[int, U8, "0, or what stands for the numbers a fork was reseeded with"]
    events: Annotated[int, I8, "events so far"]
    next_order_id: Annotated[int, I8, "id the next order gets; ids start at 1"]
    fill_count: Annotated[int, I8, "competitors' trades so far; the log keeps the last ones"]
    rejected_background: Annotated[int, I8, "background orders refused so far"]
    without_room: Annotated[int, I8, "of these, for want of rows of orders or levels"]
    next_funding_ns: Annotated[int, I8, "earliest funding payment of any instrument (ns)"]
    next_arbitrage_ns: Annotated[int, I8, "earliest look of any arbitrageur (ns)"]
    message_count: Annotated[int, I8, "instructions and acknowledgements in flight"]
    instrument_count: Annotated[int, I8, "rows of instruments in use"]
    account_count: Annotated[int, I8, "rows of accounts in use"]
    agent_count: Annotated[int, I8, "rows of agents in use"]
    flow_count: Annotated[int, I8, "rows of flows in use"]
    hedger_count: Annotated[int, I8, "rows of hedgers in use"]
    arbitrageur_count: Annotated[int, I8, "rows of arbitrageurs in use"]
    shock_count: Annotated[int, I8, "rows of shocks in use"]
    bucket_count: Annotated[int, I8, "rows of buckets in use; 0: there is no leveraged crowd"]
    shock_jitter_ns: Annotated[
        int, I8, "longest delay of the whole timeline, drawn by the seed (ns)"
    ]
    closure_count: Annotated[int, I8, "rows of closures in use"]
    change_count: Annotated[int, I8, "rows of changes in use"]
    changes_made: Annotated[int, I8, "how many of them have come into force"]
    in_transit: Annotated[int, I8, "transfers on their way"]
    next_day_ns: Annotated[int, I8, "when fee ladders are looked at again (ns)"]
    next_look_ns: Annotated[int, I8, "when a competitor's resting order will be overrun (ns)"]
    watching: Annotated[int, I8, "1 while competitors' orders may rest that can be overrun"]
    watched_ids: Annotated[Vector, I8, (WATCHED,), "order_id of the last of these orders"]
    watched_rows: Annotated[Vector, I4, (WATCHED,), "their rows of orders"]
    triggers_due: Annotated[int, I8, "1 while triggered orders may have to be carried out"]
    stretch_count: Annotated[int, I8, "rows of stretches in use"]
    to_fetch: Annotated[int, I8, "those that are still to be fetched of the world behind this one"]
    stretches: Annotated[Rows[Stretch], Stretch, (STRETCHES,), "what is fetched for a step"]

    # What happens outside books, by the second.
    price: Annotated[Price, Price, (), "fundamental price"]
    surface: Annotated[Surface, Surface, (), "implied volatility"]
    option_makers: Annotated[OptionMakers, OptionMakers, (), "how options are quoted"]
    customers: Annotated[Customers, Customers, (), "who trades options"]
    stress: Annotated[Stress, Stress, (), "the timeline's effect now"]
    keys: Annotated[Vector, U8, (STREAMS,), "key of each random stream"]
    deposits: Annotated[Vector, I8, ("currencies",), "money brought into the world (quanta)"]
    cash: Annotated[Vector, I8, ("accounts", "currencies"), "cash of each account (quanta)"]

    # What every event needs.
    flows: Annotated[Rows[Flow], Flow, ("flows",), "background order flows"]
    instruments: Annotated[Rows[Instrument], Instrument, ("instruments",), "contracts"]
    books: Annotated[Rows[Book], Book, ("instruments",), "book of each instrument"]
    accounts: Annotated[Rows[Account], Account, ("accounts",), "accounts"]
    positions: Annotated[
        Rows[Position], Position, ("accounts", "instruments"), "positions by account, instrument"
    ]
    agents: Annotated[Rows[Agent], Agent, ("agents",), "competitors"]
    messages: Annotated[Rows[Message], Message, ("messages",), "in flight, by time of arrival"]
    incoming: Annotated[Message, Message, (), "work space: the order being executed"]
    work: Annotated[Work, Work, (), "work space of the matching engine"]

    # The pools; rows of orders are cache lines.
    lined_up: Annotated[Vector, U1, (TO_LINE,), "nothing: what follows begins on a cache line"]
    orders: Annotated[Rows[Order], Order, ("orders",), "pool of resting orders"]
    levels: Annotated[Rows[Level], Level, ("levels",), "pool of price levels"]
    nodes: Annotated[Rows[Node], Node, ("levels",), "pool of nodes of the price indices"]

    # What is rarely looked at.
    terms: Annotated[Rows[Terms], Terms, ("terms",), "pool of further terms of orders"]
    members: Annotated[
        Rows[Member], Member, ("instruments", "members"), "owners that each book knows"
    ]
    venues: Annotated[Rows[Venue], Venue, ("venues",), "exchanges"]
    leverage: Annotated[Leverage, Leverage, (), "the leveraged crowd"]
    hedgers: Annotated[Rows[Hedger], Hedger, ("hedgers",), "dealers who hedge options"]
    arbitrageurs: Annotated[
        Rows[Arbitrageur], Arbitrageur, ("arbitrageurs",), "who trades books against each other"
    ]
    buckets: Annotated[Rows[Bucket], Bucket, ("buckets",), "positions of the leveraged crowd"]
    tiers: Annotated[Rows[Tier], Tier, ("tiers",), "pool of margin tiers"]
    transfers: Annotated[Rows[Transfer], Transfer, ("transfers",), "money on its way"]
    closures: Annotated[Rows[Closure], Closure, ("closures",), "when venues are closed"]
    changes: Annotated[Rows[RuleChange], RuleChange, ("changes",), "rules that change, by time"]
    shocks: Annotated[Rows[Shock], Shock, ("shocks",), "the scenario's timeline"]
    fills: Annotated[Rows[FillRecord], FillRecord, ("fills",), "log of competitors' trades, a ring"]
    filled_up: Annotated[Vector, U1, (TO_LINE,), "nothing: the next world begins on a cache line"]


ORDER = table_dtype(Order)
TERMS = table_dtype(Terms)
LEVEL = table_dtype(Level)
NODE = table_dtype(Node)
MEMBER = table_dtype(Member)
BOOK = table_dtype(Book)
WORK = table_dtype(Work)
SMALL_WORLD = table_dtype(World, SMALL)
STANDARD_WORLD = table_dtype(World, STANDARD)
LARGE_WORLD = table_dtype(World, LARGE)
_DTYPES = {SMALL: SMALL_WORLD, STANDARD: STANDARD_WORLD, LARGE: LARGE_WORLD}

SCHEMA_VERSION = 5


def schema_hash(dtype: np.dtype[Any]) -> str:
    """Return a short hash of a world dtype, kept beside saved worlds."""
    return hashlib.sha256(repr(dtype.descr).encode()).hexdigest()[:16]


def capacity_of(worlds: NDArray[Any]) -> Capacity:
    """Return the capacity that an array of worlds was built with."""
    return next(capacity for capacity, dtype in _DTYPES.items() if worlds.dtype == dtype)


def empty_worlds(count: int, capacity: Capacity = STANDARD) -> NDArray[Any]:
    """Return an array of zeroed worlds, readable by attribute with and without compilation.

    Each begins on a cache line, so that no row of its orders lies across two.
    """
    dtype = _DTYPES[capacity]
    memory = np.zeros(count * dtype.itemsize + CACHE_LINE, np.uint8)
    start = -memory.__array_interface__["data"][0] % CACHE_LINE
    return viewed(memory[start : start + count * dtype.itemsize].view(dtype))


def copied(worlds: NDArray[Any], rows: Any = slice(None)) -> NDArray[Any]:
    """Return a copy of chosen worlds of an array, which begin on cache lines as all worlds do."""
    chosen = worlds[rows]
    copies = empty_worlds(len(chosen), capacity_of(worlds))
    copies[:] = chosen
    return copies


def viewed(table: NDArray[Any]) -> Any:
    """Return a table so that ``row.field`` works also when compilation is switched off."""
    return table.view(np.recarray) if _settings.DISABLE_JIT else table


def fingerprint(world: Any) -> str:
    """Return the hash of a world's bytes: equal fingerprints, equal trajectories."""
    return hashlib.sha256(world.tobytes()).hexdigest()
