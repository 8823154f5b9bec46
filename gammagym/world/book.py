"""Tables of the matching engine: orders, levels, books, and what is on its way to them."""

from __future__ import annotations

from typing import Annotated, Protocol

from gammagym.world.codes import PRICES, SIDES
from gammagym.world.columns import F8, I4, I8, U1, Rows, Vector
from gammagym.world.sizes import BRANCHES, FILLS_AT_ONCE, PRICE_CACHE


class Order(Protocol):
    """One order of a book: a node of its level's first-in-first-out list."""

    order_id: Annotated[int, I8, "the owner's name for it; unique among the book's orders"]
    price_ticks: Annotated[int, I8, "limit price; while it waits: trigger price (ticks)"]
    quantity_lots: Annotated[int, I8, "open quantity that is displayed (lots)"]
    arrival: Annotated[int, I8, "rank of arrival in its book; later orders have larger numbers"]
    owner: Annotated[int, I4, "account that sent it (row of accounts)"]
    level: Annotated[int, I4, "row of levels it queues at"]
    next: Annotated[int, I4, "order behind it in the queue or in the free list, or NO_ORDER"]
    previous: Annotated[int, I4, "order before it in the queue, or NO_ORDER"]
    id_next: Annotated[int, I4, "next order of the same bucket of the id table, or NO_ORDER"]
    terms: Annotated[int, I4, "row of terms, or NO_TERMS for a plain limit order"]
    side: Annotated[int, U1, "BUY or SELL, or the side on which it waits"]
    tif: Annotated[int, U1, "time in force"]
    live: Annotated[int, U1, "1 while it rests or waits, 0 in the free list"]
    instrument: Annotated[int, U1, "instrument whose book it rests in; 0 in a book on its own"]
    self_trade: Annotated[int, U1, "its self-trade mode"]
    reduce_only: Annotated[int, U1, "1 if it may only bring the position closer to zero"]
    counted: Annotated[int, U1, "1 if it is among its member's orders"]
    kind: Annotated[int, U1, "LIMIT, or what it waits to become"]


class Terms(Protocol):
    """What an order says beyond price and quantity: hidden quantity, expiry, trigger."""

    hidden_lots: Annotated[int, I8, "open quantity that is not displayed (lots)"]
    display_lots: Annotated[int, I8, "how much is displayed at a time (lots); 0: everything"]
    expiry_ns: Annotated[int, I8, "good-till-time: when it ends (ns)"]
    limit_ticks: Annotated[int, I8, "while it waits: limit price once triggered (ticks)"]
    trail_ticks: Annotated[int, I8, "trailing stop: distance of its trigger (ticks)"]
    order: Annotated[int, I4, "row of its order"]
    next: Annotated[int, I4, "terms that expire next or are free next, or NO_TERMS"]
    previous: Annotated[int, I4, "terms that expire just before, or NO_TERMS"]
    side: Annotated[int, I4, "while it waits: BUY or SELL once triggered"]


class Level(Protocol):
    """All orders of one side at one price."""

    price_ticks: Annotated[int, I8, "price (ticks)"]
    quantity_lots: Annotated[int, I8, "sum of the displayed quantities of its orders (lots)"]
    first: Annotated[int, I4, "order at the head of the queue, or NO_ORDER"]
    last: Annotated[int, I4, "order at the tail of the queue, or NO_ORDER"]
    better: Annotated[int, I4, "next level towards the touch, or NO_LEVEL"]
    worse: Annotated[int, I4, "next level away from the touch, or the next free level"]
    parent: Annotated[int, I4, "node of the price index that it hangs under, or NO_NODE"]
    side: Annotated[int, I4, "side it belongs to, or NO_SIDE in the free list"]


class Node(Protocol):
    """One digit of the prices in the price index of a side (`engine/price_index.py`)."""

    bits: Annotated[int, I8, "price of some level under it, sign bit flipped: what they share"]
    child: Annotated[Vector, I4, (BRANCHES,), "rows >= 0 are nodes, -1 - r is the level r"]
    parent: Annotated[int, I4, "node above it, or NO_NODE; of a free row: the next free one"]
    shift: Annotated[int, I4, "where its digit is (bits)"]


class Rules(Protocol):
    """The venue's rules for one book (docs/rules/matching)."""

    tick: Annotated[int, I8, "prices are multiples of it (ticks)"]
    lot: Annotated[int, I8, "quantities are multiples of it (lots)"]
    minimum_lots: Annotated[int, I8, "smallest quantity of an order (lots)"]
    maximum_lots: Annotated[int, I8, "largest quantity of an order (lots)"]
    iceberg_parts: Annotated[int, I8, "an iceberg has at most so many times what it displays"]
    minimum_notional: Annotated[int, I8, "smallest price times quantity (ticks x lots); 0: none"]
    lowest_ticks: Annotated[int, I8, "sellers may not ask less (ticks)"]
    highest_ticks: Annotated[int, I8, "buyers may not bid more (ticks)"]
    protection_ticks: Annotated[
        int, I8, "how far a market order reaches beyond the touch (ticks); negative: everywhere"
    ]
    rate_interval_ns: Annotated[int, I8, "time after which an owner may send one more (ns); 0: any"]
    rate_burst: Annotated[int, I8, "messages an owner may send at once"]
    top_share_e9: Annotated[int, I8, "pro-rata: share of the top order (1e-9)"]
    top_maximum_lots: Annotated[int, I8, "pro-rata: most that the top order gets first (lots)"]
    pro_rata_minimum_lots: Annotated[int, I8, "pro-rata: smaller shares are nothing (lots)"]
    maximum_orders: Annotated[int, I4, "resting orders of one owner; 0: any number"]
    maximum_waiting: Annotated[int, I4, "orders of one owner that wait for a trigger; 0: any"]
    pro_rata: Annotated[int, I4, "1 if a price is shared out, 0 if the first comes first"]
    post_only_slides: Annotated[int, I4, "1 if a post-only order that would trade is moved"]
    amend_keeps_priority: Annotated[
        int, I4, "1 if no larger a size at the same price keeps its place"
    ]
    self_trade: Annotated[int, I4, "self-trade mode of orders that set none"]
    maker_decides: Annotated[int, I4, "1 if the maker's self-trade mode counts, 0: the taker's"]
    cancel_on_disconnect: Annotated[int, I4, "1 if a disconnected owner's orders are canceled"]


class Member(Protocol):
    """What a book knows of an owner whose orders are limited, or whose position it was told."""

    position_lots: Annotated[int, I8, "signed position (lots)"]
    allowed_ns: Annotated[int, I8, "rate limit: when it would have sent all at the slowest pace"]
    owner: Annotated[int, I4, "who it is; NOBODY in a row that is free"]
    resting: Annotated[int, I4, "its orders that rest"]
    waiting: Annotated[int, I4, "its orders that wait for a trigger"]
    reducing: Annotated[int, I4, "its reduce-only orders that rest"]
    known: Annotated[int, I4, "1 once its position was told"]
    next: Annotated[int, I4, "next owner whose reduce-only orders must be looked at"]


class Book(Protocol):
    """One book: where its tables are, its sides, its free rows, its rules, what happened last.

    The tables lie elsewhere: `orders_at` is the distance of the first order from this record in
    bytes, so that a book means the same in every copy of its world (`engine/tables.py`).
    """

    orders_at: Annotated[int, I8, "where the orders are (bytes from here)"]
    orders_count: Annotated[int, I8, "rows of orders"]
    levels_at: Annotated[int, I8, "where the levels are (bytes from here)"]
    levels_count: Annotated[int, I8, "rows of levels"]
    nodes_at: Annotated[int, I8, "where the nodes are (bytes from here)"]
    nodes_count: Annotated[int, I8, "rows of nodes, as many as of levels"]
    terms_at: Annotated[int, I8, "where the terms are (bytes from here)"]
    terms_count: Annotated[int, I8, "rows of terms"]
    members_at: Annotated[int, I8, "where the members are (bytes from here)"]
    members_count: Annotated[int, I8, "rows of members, a power of two"]
    updates_at: Annotated[int, I8, "where the updates are (bytes from here)"]
    updates_count: Annotated[int, I8, "rows of updates; 0: nobody listens"]
    updates_written: Annotated[int, I8, "updates so far"]
    sequence: Annotated[int, I8, "of the message that is being carried out"]
    trailing: Annotated[int, I8, "trailing stops that wait"]
    best: Annotated[Vector, I4, (SIDES,), "level at the touch of each side, or NO_LEVEL"]
    root: Annotated[Vector, I4, (SIDES,), "root of each side's price index, coded as Node.child"]
    level_count: Annotated[Vector, I4, (SIDES,), "live levels of each side"]
    order_count: Annotated[Vector, I4, (SIDES,), "live orders of each side"]
    cache: Annotated[Vector, I4, (2, PRICE_CACHE), "level last seen at price % size, a hint only"]
    free_level: Annotated[int, I4, "first free row of levels, or NO_LEVEL"]
    free_node: Annotated[int, I4, "first free row of nodes, or NO_NODE"]
    free_order: Annotated[int, I4, "first free row of orders, or NO_ORDER"]
    free_terms: Annotated[int, I4, "first free row of terms, or NO_TERMS"]
    first_expiry: Annotated[int, I4, "terms that expire first, or NO_TERMS"]
    last_expiry: Annotated[int, I4, "terms that expire last, or NO_TERMS"]
    members: Annotated[int, I4, "members so far"]
    known_members: Annotated[int, I4, "members whose position was told"]
    top_arrival: Annotated[Vector, I8, (2,), "arrival of the top order of BUY and SELL, or -1"]
    top_order: Annotated[Vector, I4, (2,), "row of the top order; valid if it came at top_arrival"]
    time_ns: Annotated[int, I8, "time of the last message that told one (ns)"]
    price_ticks: Annotated[Vector, I8, (PRICES,), "last, mark and index price (ticks)"]
    lowest_ticks: Annotated[Vector, I8, (PRICES,), "lowest of each since triggers were looked at"]
    highest_ticks: Annotated[Vector, I8, (PRICES,), "highest of each since then"]
    price_known: Annotated[Vector, I4, (PRICES,), "1 once the price is known"]
    price_moved: Annotated[Vector, I4, (PRICES,), "1 while triggers must be looked at"]
    next_arrival: Annotated[int, I8, "rank that the next order to rest gets"]
    trades: Annotated[int, I8, "trades so far"]
    volume_lots: Annotated[int, I8, "quantity traded so far (lots)"]
    bought_lots: Annotated[int, I8, "part of it in which the taker bought (lots)"]
    rules: Annotated[Rules, Rules, (), "the venue's rules"]


class Fill(Protocol):
    """One thing that happened to a resting order: it traded, was canceled or was reduced."""

    price_ticks: Annotated[int, I8, "the order's price (ticks)"]
    quantity_lots: Annotated[int, I8, "traded, canceled, or open after it was reduced (lots)"]
    maker_id: Annotated[int, I8, "order_id"]
    refill_lots: Annotated[int, I8, "what an iceberg displays now (lots), 0: it did not refill"]
    taker_lost_lots: Annotated[int, I8, "what the taker lost with it, without a trade (lots)"]
    maker_owner: Annotated[int, I4, "account"]
    kind: Annotated[int, U1, "TRADE, CANCELED or REDUCED, as in reports"]
    side: Annotated[int, U1, "BUY or SELL"]
    reason: Annotated[int, U1, "ACCEPTED, or why it was canceled or reduced"]
    gone: Annotated[int, U1, "1 if it has left the book"]


class Work(Protocol):
    """The order that is being carried out, and how far its matching has got."""

    order_id: Annotated[int, I8, "order_id"]
    price_ticks: Annotated[int, I8, "limit price (ticks)"]
    left_lots: Annotated[int, I8, "quantity left (lots)"]
    display_lots: Annotated[int, I8, "iceberg: displayed at a time (lots); 0: everything"]
    expiry_ns: Annotated[int, I8, "good-till-time: when it ends (ns)"]
    trigger_ticks: Annotated[int, I8, "trigger price (ticks)"]
    trail_ticks: Annotated[int, I8, "trailing stop: distance (ticks)"]
    owner: Annotated[int, I4, "account"]
    side: Annotated[int, I4, "BUY or SELL"]
    kind: Annotated[int, I4, "LIMIT ... TRAILING_STOP"]
    tif: Annotated[int, I4, "time in force"]
    trigger: Annotated[int, I4, "ON_LAST, ON_MARK or ON_INDEX"]
    self_trade: Annotated[int, I4, "self-trade mode"]
    reduce_only: Annotated[int, I4, "1 if reduce-only"]
    instrument: Annotated[int, I4, "instrument; 0 in a book on its own"]
    stopped: Annotated[int, I4, "ACCEPTED, or why it may not trade on or rest"]
    unfinished: Annotated[int, I4, "1 if matching must go on in another step"]
    look_at: Annotated[int, I4, "owner to be looked at before it goes on, or NOBODY"]
    round_row: Annotated[int, I4, "pro-rata: the order whose turn is next, or NO_ORDER to look"]
    stage: Annotated[int, I8, "pro-rata: where the round stands"]
    stated_ticks: Annotated[int, I8, "price it is reported with (ticks)"]
    cleared: Annotated[int, I8, "arrival of the reduce-only maker that may trade now"]
    turn_arrival: Annotated[int, I8, "pro-rata: arrival of the maker that has been given a share"]
    turn_lots: Annotated[int, I8, "pro-rata: that share (lots)"]
    round_lots: Annotated[int, I8, "pro-rata: quantity of the taker that is shared out (lots)"]
    round_total: Annotated[int, I8, "pro-rata: displayed quantity it is shared over (lots)"]
    round_arrival: Annotated[int, I8, "pro-rata: orders that came before have had their turn"]
    round_end: Annotated[int, I8, "pro-rata: later arrivals are not part of the round"]
    round_ticks: Annotated[int, I8, "pro-rata: price that the round is at (ticks)"]
    first_member: Annotated[int, I4, "first member whose reduce-only orders must be looked at"]
    last_member: Annotated[int, I4, "last of them"]
    fills: Annotated[Rows[Fill], Fill, (FILLS_AT_ONCE,), "what happened in this step"]


class Message(Protocol):
    """One instruction on its way from an agent to a book."""

    arrival_ns: Annotated[int, I8, "when it reaches the matching engine (ns)"]
    acknowledgement_ns: Annotated[
        int, I8, "time its acknowledgement takes longer than market data (ns)"
    ]
    order_id: Annotated[int, I8, "order it creates or speaks of"]
    price_ticks: Annotated[int, I8, "limit or protection price (ticks)"]
    quantity_lots: Annotated[int, I8, "new: quantity; modify: new open quantity (lots)"]
    display_lots: Annotated[int, I8, "iceberg: displayed at a time (lots); 0: everything"]
    trigger_ticks: Annotated[int, I8, "stop, take-profit: trigger price (ticks)"]
    trail_ticks: Annotated[int, I8, "trailing stop: distance (ticks)"]
    expiry_ns: Annotated[int, I8, "good-till-time: when it ends (ns)"]
    decision_mid: Annotated[float, F8, "mid price when it was sent (price units)"]
    account: Annotated[int, I4, "account that sends it"]
    instrument: Annotated[int, I4, "instrument it is for"]
    kind: Annotated[int, U1, "NEW ... DISCONNECT; ACKNOWLEDGEMENT on its way back"]
    type: Annotated[int, U1, "LIMIT ... TRAILING_STOP"]
    side: Annotated[int, U1, "BUY or SELL"]
    tif: Annotated[int, U1, "time in force"]
    trigger: Annotated[int, U1, "ON_LAST, ON_MARK or ON_INDEX"]
    self_trade: Annotated[int, U1, "self-trade mode"]
    reduce_only: Annotated[int, U1, "1 if it may only bring the position closer to zero"]
    liquidation: Annotated[int, U1, "1 if the liquidation engine sends it"]
