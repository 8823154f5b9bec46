"""A limit order book in plain Python. Read this first.

A book holds two crowds: buyers pay at most so much, sellers want at least so much. Whoever can be
served at once trades; whoever cannot *rests* in the book. The best **price** trades first, and of
equal prices the order that came first (**time**), always at the price of the order that rested (the
*maker*), not of the one that just arrived (the *taker*).

All else is in docs/rules/matching, in 47 rules; the numbers here are theirs. The fast engine in
`gammagym.engine` follows the same rules, and tests compare the two report by report.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sortedcontainers import SortedDict

from gammagym.engine import protocol
from gammagym.engine.rules import SELF_TRADE, BookRules
from gammagym.world import codes
from gammagym.world.codes import ACCEPTED, BUY, CANCEL, FOK, GTT, IOC, MODIFY, NEW, POST_ONLY, SELL
from gammagym.world.sizes import RATE_UNIT

# Rule 30: those that wait for a trigger, STOPS to buy after a rise or sell after a fall, the others
# for the opposite. Rule 21: those that have no limit price when they trade.
STOPS = (codes.STOP, codes.STOP_LIMIT, codes.TRAILING_STOP)
WAITING = (*STOPS, codes.TAKE_PROFIT, codes.TAKE_PROFIT_LIMIT)
MARKETS = (codes.MARKET, codes.STOP, codes.TAKE_PROFIT, codes.TRAILING_STOP)
REJECTION = {CANCEL: protocol.CANCEL_REJECTED, MODIFY: protocol.MODIFY_REJECTED}
TOO_MANY_LOTS = LATEST = 2**62
SMALLEST, LARGEST = -(2**63), 2**63 - 1  # of 64 bits
NOWHERE = -1  # the place of an order that is not in the book


@dataclass(eq=False)
class Message:
    """What a book is told, with the fields of `INSTRUCTION`; `plain` if it came as a `MESSAGE`."""

    kind: int
    side: int
    tif: int
    owner: int
    order_id: int
    price: int
    quantity: int
    sequence: int
    type: int = codes.LIMIT
    trigger: int = codes.ON_LAST
    self_trade: int = codes.UNSET
    reduce_only: int = 0
    display: int = 0
    trigger_price: int = 0
    trail: int = 0
    expiry: int = 0
    time: int = 0
    plain: bool = False


@dataclass(eq=False)
class Order(Message):
    """What brought an order, and what has become of it; `quantity` is all that is still open."""

    limit: int = 0  # while it waits: its limit price, `price` is then the trigger price
    shown: int = 0  # the part of the quantity that is displayed
    place: int = NOWHERE  # the side of the book it stands on
    rank: tuple[int, int] = (0, -1)  # where it stands there: the best price first, then arrival

    @property
    def sign(self) -> int:
        """1 for a buyer, -1 for a seller."""
        return 1 if self.side == BUY else -1

    @property
    def can_rest(self) -> bool:
        """Whether what it cannot trade rests (rule 24)."""
        return self.tif not in (IOC, FOK) and self.type not in MARKETS


class Refused(Exception):
    """A message, or a triggered order, breaks a rule; the argument is the reason."""


def refuse_if(is_broken: bool, reason: int) -> None:
    """Refuse what breaks a rule."""
    if is_broken:
        raise Refused(reason)


def is_better(side: int, price: float, other: float) -> bool:
    """Return whether a price comes before another: the highest on an even side, else the lowest."""
    return price > other if side % 2 == 0 else price < other


class ReferenceBook:
    """A limit order book with everything that a venue's rules can ask of one.

    Example:
        >>> from gammagym.world.codes import BUY, GTC, NEW, SELL
        >>> book = ReferenceBook()
        >>> book.run(Message(NEW, BUY, GTC, 0, order_id=1, price=100, quantity=5, sequence=0))
        >>> book.run(Message(NEW, SELL, GTC, 0, order_id=2, price=99, quantity=2, sequence=1))
        >>> book.best_bid, book.quantity_at(BUY, 100), book.best_ask
        (100, 3, None)
    """

    def __init__(self, rules: BookRules | None = None) -> None:
        self.rules = rules or BookRules()
        self.reports: list[tuple[int, ...]] = []
        # Two sides where orders rest, six where they wait for a fall or rise; each: rank -> order.
        self.sides: list[SortedDict] = [SortedDict() for _ in range(codes.SIDES)]
        self.orders: dict[int, Order] = {}  # by id; who came to rest, or to wait, first is first
        self.top: dict[int, Order] = {}  # of a side, who last opened a new best price (rule 5)
        self.sequence, self.time, self.arrivals, self.most = SMALLEST, -LATEST, 0, 0  # none so far
        self.used_up: dict[int, int] = {}  # till when an owner's messages last, one an interval
        self.newest: dict[int, int] = {}  # last, mark, index price, where it is known
        self.moved: dict[int, tuple[int, int]] = {}  # their (lowest, highest) since the last look
        self.positions: dict[int, int] = {}  # of owners whose position was told (rule 43)
        self.to_enforce: list[int] = []  # owners, who traded first is first (rule 47)

    def process(self, messages: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Carry out messages (`MESSAGE` or `INSTRUCTION`), and return the reports (`REPORT`)."""
        self.reports, is_plain = [], messages.dtype == protocol.MESSAGE
        for row in messages.tolist():
            self.run(Message(*row, plain=is_plain))
        return np.array(self.reports, protocol.REPORT)

    def run(self, message: Message) -> None:
        """Carry out one message."""
        self.message = self.about = message
        action = {NEW: self.enter, CANCEL: self.cancel, MODIFY: self.modify}
        try:
            self.check_message(message)
            self.sequence = message.sequence
            if not message.plain:
                self.time = message.time
                self.expire()
            self.check_rate(message)
            action.get(message.kind, self.learn)(message)
        except Refused as refused:
            self.report(REJECTION.get(message.kind, protocol.REJECTED), self.about, *refused.args)
        self.look_at_triggers()

    def enter(self, message: Message) -> None:
        """Take in a new order (rules 12 to 20, 30 to 32)."""
        order = Order(**dict(vars(message), display=message.display or LARGEST))  # 0 hides nothing
        self.check_order(order)
        if order.type in WAITING:
            self.wait(order)
        else:
            self.prepare(order)
            self.report(protocol.ACKNOWLEDGED, order)
            self.carry_out(order)

    def cancel(self, message: Message) -> None:
        """Take an order out of the book (rule 25)."""
        refuse_if(message.order_id not in self.orders, codes.REJECT_UNKNOWN_ORDER)
        self.shrink(self.orders[message.order_id], 0, ACCEPTED)

    def modify(self, message: Message) -> None:
        """Change price and open quantity of an order, which mostly loses its place (26, 27)."""
        refuse_if(message.order_id not in self.orders, codes.REJECT_UNKNOWN_ORDER)
        self.about = order = self.orders[message.order_id]  # whose side, price, quantity are told
        refuse_if(order.place > SELL, codes.REJECT_WAITING)
        changed = replace(order, price=message.price, quantity=message.quantity)
        self.check_order(changed)
        self.prepare(changed)
        no_more = changed.price == order.price and changed.quantity <= order.quantity
        if no_more and self.rules.amend_keeps_priority:
            order.quantity, order.shown = changed.quantity, min(order.shown, changed.quantity)
            self.report(protocol.MODIFIED, order)
        else:
            self.take_out(order)
            changed.place = NOWHERE
            self.report(protocol.MODIFIED, changed)
            self.carry_out(changed)

    def learn(self, message: Message) -> None:
        """Learn a price, a position (rule 43), the time, or that an owner is gone (28, 29)."""
        kind, owner, is_gone = message.kind, message.owner, message.kind == codes.DISCONNECT
        if kind == codes.TELL_PRICE:
            self.note_price(message.trigger, message.price)
        elif kind == codes.TELL_POSITION:
            refuse_if(abs(message.quantity) >= TOO_MANY_LOTS, codes.REJECT_OVERFLOW)
            self.positions |= {owner: message.quantity} if owner != codes.NOBODY else {}
            self.enforce(owner)
        elif kind == codes.CANCEL_ALL or (is_gone and self.rules.cancel_on_disconnect):
            for order in [o for side in self.sides for o in side.values() if o.owner == owner]:
                self.shrink(order, 0, codes.REJECT_DISCONNECTED if is_gone else ACCEPTED)

    def expire(self) -> None:
        """Cancel what is good till now or an earlier time, the earliest first (rule 42)."""
        over = [o for o in self.orders.values() if o.tif == GTT and o.expiry <= self.time]
        for order in sorted(over, key=lambda order: order.expiry):  # of equals, the first stays so
            self.shrink(order, 0, codes.REJECT_EXPIRED)

    # --- What is refused ---------------------------------------------------------------------
    def check_message(self, message: Message) -> None:
        """Refuse a message that makes no sense (rule 9) or is too early (rule 10)."""
        last_kind, last_tif = (MODIFY, POST_ONLY) if message.plain else (codes.CLOCK, GTT)
        is_market, tif, is_bad = message.type in MARKETS, message.tif, message.kind > last_kind
        if message.kind == codes.TELL_PRICE:
            is_bad |= message.trigger not in (codes.ON_MARK, codes.ON_INDEX)
        elif message.kind == NEW:
            is_bad = message.type > codes.TRAILING_STOP or message.trigger > codes.ON_INDEX
            is_bad |= message.self_trade > codes.DECREMENT or tif > last_tif
            is_bad |= max(message.side, message.reduce_only) > 1
            is_bad |= is_market and tif in (POST_ONLY, GTT)
            is_bad |= message.display != 0 and (is_market or tif in (IOC, FOK))
        refuse_if(is_bad, codes.REJECT_MESSAGE)
        in_time = message.plain or self.time <= message.time <= LATEST
        refuse_if(message.sequence < self.sequence or not in_time, codes.REJECT_SEQUENCE)

    def check_rate(self, message: Message) -> None:
        """Refuse a message of an owner who has sent too many, or count it (rule 11)."""
        interval, burst, owner = self.rules.rate_interval, self.rules.rate_burst, message.owner
        if interval > 0 and owner != codes.NOBODY and message.kind in (NEW, CANCEL, MODIFY):
            used_up = max(self.used_up.get(owner, self.time), self.time)
            refuse_if(self.time < used_up - (burst - 1) * interval, codes.REJECT_RATE)
            self.used_up[owner] = used_up + interval

    def check_order(self, order: Order) -> None:
        """Refuse a new order by rules 12 to 16, or what a modify would make of one."""
        rules, price, quantity = self.rules, order.price, order.quantity
        refuse_if(quantity <= 0 or order.display < 0, codes.REJECT_QUANTITY)
        refuse_if(quantity >= TOO_MANY_LOTS, codes.REJECT_OVERFLOW)
        refuse_if(quantity % rules.lot != 0, codes.REJECT_LOT)
        refuse_if(quantity < rules.minimum_quantity, codes.REJECT_MINIMUM_QUANTITY)
        refuse_if(quantity > (rules.maximum_quantity or LARGEST), codes.REJECT_MAXIMUM_QUANTITY)
        refuse_if(quantity > order.display * rules.iceberg_parts, codes.REJECT_PARTS)
        is_new = order.place == NOWHERE
        refuse_if(is_new and order.order_id in self.orders, codes.REJECT_DUPLICATE_ID)
        if order.type not in MARKETS:
            refuse_if(price % rules.tick != 0, codes.REJECT_TICK)
            end = rules.highest_price if order.side == BUY else rules.lowest_price
            refuse_if(end is not None and is_better(order.side, price, end), codes.REJECT_BAND)
            refuse_if(abs(price) * quantity < rules.minimum_notional, codes.REJECT_MINIMUM_NOTIONAL)
        refuse_if(order.tif == GTT and order.expiry <= self.time, codes.REJECT_EXPIRED)
        if is_new and order.owner != codes.NOBODY and (order.can_rest or order.type in WAITING):
            waits = order.type in WAITING
            most = rules.maximum_waiting if waits else rules.maximum_orders
            mine = [o for o in self.orders.values() if o.owner == order.owner]
            refuse_if(0 < most <= sum((o.place > SELL) == waits for o in mine), codes.REJECT_ORDERS)

    def prepare(self, order: Order) -> None:
        """Cut and move an order until it keeps rules 18 to 20; refuse it where that cannot be."""
        if order.reduce_only:
            closable = max(0, -order.sign * self.positions.get(order.owner, 0))  # rule 44
            refuse_if(closable == 0, codes.REJECT_NOTHING_TO_REDUCE)
            order.quantity = min(order.quantity, closable)
        first = self.reached(1 - order.side, order.price)
        if order.tif == POST_ONLY and first is not None:
            price = first.price - order.sign * self.rules.tick
            can_slide = self.rules.post_only == "slide" and SMALLEST <= price <= LARGEST
            refuse_if(not can_slide, codes.REJECT_WOULD_CROSS)
            order.price, first = price, None
        self.most = max(self.most, order.quantity)  # so much at a price needs large orders
        if order.can_rest and first is None and self.most * (1 + len(self.orders)) >= TOO_MANY_LOTS:
            others = [o for o in self.at(order.side, order.price) if o.order_id != order.order_id]
            total = sum(o.shown for o in others) + min(order.display, order.quantity)
            refuse_if(total >= TOO_MANY_LOTS, codes.REJECT_OVERFLOW)

    def wait(self, order: Order) -> None:
        """Let an order wait for its trigger, if it may (rules 30 to 32)."""
        price, order.limit = self.newest.get(order.trigger), order.price
        order.price = order.trigger_price
        if order.type == codes.TRAILING_STOP:
            refuse_if(order.trail <= 0, codes.REJECT_PRICE)
            refuse_if(price is None, codes.REJECT_NO_PRICE)
            order.price = max(SMALLEST, min((price or 0) + order.sign * order.trail, LARGEST))
        place = 2 + 2 * order.trigger + ((order.side == BUY) == (order.type in STOPS))
        is_reached = price is not None and not is_better(place, price, order.price)
        refuse_if(is_reached, codes.REJECT_WOULD_TRIGGER)
        total = self.quantity_at(place, order.price) + order.quantity
        refuse_if(total >= TOO_MANY_LOTS, codes.REJECT_OVERFLOW)
        self.put_in(order, place)
        self.report(protocol.ACKNOWLEDGED, order)

    # --- Matching ----------------------------------------------------------------------------
    def carry_out(self, order: Order) -> None:
        """Let an order trade; what is left of it rests or is canceled (rules 21 to 24)."""
        limit, reason, best = order.price, ACCEPTED, self.best(1 - order.side)
        if order.type in MARKETS and best is not None:
            reach = float("inf") if self.rules.protection is None else self.rules.protection
            limit = best + order.sign * reach
        if order.tif != FOK or self.certain_to_trade(order, limit) >= order.quantity:
            reason = self.match(order, limit)
        if order.quantity > 0 and order.can_rest and reason == ACCEPTED:
            self.put_in(order, order.side)
            self.to_enforce += [order.owner] if order.reduce_only else []
        elif order.quantity > 0:
            self.shrink(order, 0, reason)
        while self.to_enforce:
            self.enforce(self.to_enforce.pop(0))

    def certain_to_trade(self, taker: Order, limit: float) -> int:
        """Return how much a fill-or-kill order can count on (rule 22)."""
        total = 0
        for price in self.prices(1 - taker.side):
            if is_better(taker.side, price, limit):
                break
            shown = hidden = 0
            for maker in self.at(1 - taker.side, price):
                mode = self.self_trade_mode(taker, maker)
                if mode not in (codes.UNSET, codes.EXPIRE_MAKER):
                    return total + (shown if self.rules.matching == "price_time" else 0)
                if mode == codes.UNSET and not maker.reduce_only:
                    shown += maker.shown
                    hidden += maker.quantity - maker.shown
            total += shown + hidden
        return total

    def match(self, taker: Order, limit: float) -> int:
        """Trade with all within the limit (rule 23); return why the taker is stopped, if it is."""
        is_pro_rata = self.rules.matching == "pro_rata"  # else each round is of one maker
        while taker.quantity > 0 and (first := self.reached(1 - taker.side, limit)):
            makers = self.at(first.side, first.price) if is_pro_rata else [first]
            for maker in makers:  # rules 36 and 39
                if taker.quantity > 0 and self.meet(taker, maker):
                    return codes.REJECT_SELF_TRADE
            end = self.arrivals
            if is_pro_rata and taker.quantity < sum(maker.shown for maker in makers):
                self.share_out(taker, makers)
            for maker in makers:  # rules 4 and 7; who has refilled comes later (rules 8 and 41)
                self.trade(taker, maker, taker.quantity if maker.rank[1] < end else 0)
        return ACCEPTED

    def share_out(self, taker: Order, makers: list[Order]) -> None:
        """Give the orders of a price their shares, first the top order (rules 5 and 6)."""
        end, lots, total = self.arrivals, taker.quantity, sum(maker.shown for maker in makers)
        top, most = self.top.get(1 - taker.side), self.rules.top_maximum
        if top in makers:
            share = lots * self.rules.top_share_e9 // RATE_UNIT
            self.trade(taker, top, share if most is None else min(share, most))
        lots, total = taker.quantity, total - lots + taker.quantity
        for maker in makers:
            share = lots * maker.shown // total
            if maker.rank[1] < end and share >= self.rules.pro_rata_minimum:
                self.trade(taker, maker, share)

    def trade(self, taker: Order, maker: Order, wanted: int) -> None:
        """Trade what is wanted and displayed, at the maker's price (rules 3, 41, 43, 47)."""
        if maker.reduce_only and min(wanted, maker.shown) > 0:
            self.enforce(maker.owner)
        quantity, ids = min(wanted, maker.shown), (maker.order_id, taker.order_id)
        if quantity == 0:
            return
        self.report(protocol.TRADE, taker, ACCEPTED, maker.price, quantity, *ids)
        self.note_price(codes.ON_LAST, maker.price)
        maker.shown -= quantity
        for order in (maker, taker):
            order.quantity -= quantity
            if order.owner in self.positions:
                position = self.positions[order.owner] + order.sign * quantity
                self.positions[order.owner] = max(-TOO_MANY_LOTS, min(position, TOO_MANY_LOTS))
                self.to_enforce += [order.owner] if order.owner not in self.to_enforce else []
        if maker.quantity == 0:
            self.take_out(maker)
        elif maker.shown == 0:
            self.put_in(maker, maker.side)
            self.report(protocol.REFILLED, maker, ACCEPTED, maker.price, maker.shown)

    def shrink(self, order: Order, left: int, reason: int) -> None:
        """Leave an order so much, hidden quantity goes first; with nothing left it is canceled."""
        kind = protocol.REDUCED if left else protocol.CANCELED
        self.report(kind, order, reason, order.price, left or order.quantity)
        order.quantity, order.shown = left, min(order.shown, left)
        if left == 0 and order.place != NOWHERE:
            self.take_out(order)

    # --- Meeting oneself, and reduce-only ----------------------------------------------------
    def self_trade_mode(self, taker: Order, maker: Order) -> int:
        """Return what happens instead of a trade, or UNSET: it happens (rules 36, 40)."""
        if taker.owner != maker.owner or taker.owner == codes.NOBODY:
            return codes.UNSET
        decider = maker if self.rules.self_trade_decides == "maker" else taker
        return decider.self_trade or SELF_TRADE[self.rules.self_trade]

    def meet(self, taker: Order, maker: Order) -> bool:
        """Do what the self-trade mode says; return whether the taker is stopped (rules 37, 38)."""
        mode, lost = self.self_trade_mode(taker, maker), min(maker.quantity, taker.quantity)
        if mode in (codes.EXPIRE_MAKER, codes.EXPIRE_BOTH):
            self.shrink(maker, 0, codes.REJECT_SELF_TRADE)
        for order in (maker, taker) if mode == codes.DECREMENT else ():
            self.shrink(order, order.quantity - lost, codes.REJECT_SELF_TRADE)
        return mode in (codes.EXPIRE_TAKER, codes.EXPIRE_BOTH)

    def enforce(self, owner: int) -> None:
        """Cut the resting reduce-only orders of an owner to its position (rule 46)."""
        position = self.positions.get(owner, 0)
        for side, left in ((BUY, max(0, -position)), (SELL, max(0, position))):
            for order in list(self.sides[side].values()):
                if order.owner == owner and order.reduce_only:
                    if order.quantity > left:
                        self.shrink(order, left, codes.REJECT_NOTHING_TO_REDUCE)
                    left -= order.quantity

    # --- Triggers ----------------------------------------------------------------------------
    def note_price(self, source: int, price: int) -> None:
        """Remember a last, mark or index price, and that triggers must be looked at."""
        lowest, highest = self.moved.get(source, (price, price))
        self.newest[source] = price
        self.moved[source] = min(lowest, price), max(highest, price)

    def look_at_triggers(self) -> None:
        """Carry out what is triggered, and what that triggers; then move stops (rules 33, 34)."""
        while self.moved:
            source, (lowest, highest) = min(self.moved.items())
            falls, rises = 2 + 2 * source, 3 + 2 * source
            if order := self.reached(rises, highest) or self.reached(falls, lowest):
                self.set_off(order)
            else:
                del self.moved[source]
                for order in (*self.sides[rises].values(), *self.sides[falls].values()):
                    self.follow(order, self.newest[source])

    def set_off(self, order: Order) -> None:
        """Carry out a triggered order, or cancel it if rules 18 to 20 refuse it (rule 35)."""
        self.take_out(order)
        order.price = 0 if order.type in MARKETS else order.limit
        self.report(protocol.TRIGGERED, order)
        price, quantity = order.price, order.quantity
        try:
            self.prepare(order)
            if (order.price, order.quantity) != (price, quantity):
                self.report(protocol.MODIFIED, order)
            self.carry_out(order)
        except Refused as refused:
            order.price, order.quantity = price, quantity
            self.shrink(order, 0, refused.args[0])

    def follow(self, order: Order, price: int) -> None:
        """Let an order follow a price, if it is a trailing stop (rules 31, 34)."""
        price = max(SMALLEST, min(price + order.sign * order.trail, LARGEST))
        total = self.quantity_at(order.place, price) + order.quantity
        is_nearer = is_better(order.place, price, order.price) and total < TOO_MANY_LOTS
        if is_nearer and order.type == codes.TRAILING_STOP:
            order.price = price
            self.put_in(order, order.place)

    # --- Queues, and questions about them ----------------------------------------------------
    def put_in(self, order: Order, place: int) -> None:
        """Let an order rest, or wait, behind all others of its price; or go there again."""
        if not self.sides[place] or is_better(place, order.price, self.best(place) or 0):
            self.top[place] = order
        order.place = place
        order.shown = order.quantity if place > SELL else min(order.display, order.quantity)
        self.sides[place].pop(order.rank, None)
        order.rank = (-order.price if place % 2 == 0 else order.price, self.arrivals)
        self.arrivals += 1
        self.sides[place][order.rank] = self.orders[order.order_id] = order

    def take_out(self, order: Order) -> None:
        """Remove an order that rests or waits."""
        del self.sides[order.place][order.rank], self.orders[order.order_id]
        order.place = NOWHERE

    def best(self, side: int) -> int | None:
        """Return the price that comes first on a side, None if there is none."""
        return self.sides[side].peekitem(0)[1].price if self.sides[side] else None

    best_bid = property(lambda self: self.best(BUY), doc="What a buyer pays at most, or None.")
    best_ask = property(lambda self: self.best(SELL), doc="What a seller wants at least, or None.")

    def reached(self, side: int, price: float) -> Order | None:
        """Return the first order of a side if this price reaches it, to trade or to trigger."""
        best = self.best(side)
        reaches = best is not None and not is_better(side, price, best)
        return self.sides[side].peekitem(0)[1] if reaches else None

    def prices(self, side: int) -> list[int]:
        """Return the prices of a side, best first."""
        return list(dict.fromkeys(order.price for order in self.sides[side].values()))

    def at(self, side: int, price: int) -> list[Order]:
        """Return the orders of a price, first come first."""
        rank = -price if side % 2 == 0 else price
        return [self.sides[side][key] for key in self.sides[side].irange((rank,), (rank + 1,))]

    def queue(self, side: int, price: int) -> list[tuple[int, int]]:
        """Return (order id, displayed quantity) of the orders of a price, first come first."""
        return [(order.order_id, order.shown) for order in self.at(side, price)]

    def quantity_at(self, side: int, price: int) -> int:
        """Return how much is displayed at a price (lots)."""
        return sum(order.shown for order in self.at(side, price))

    def depth(self, side: int) -> list[tuple[int, int]]:
        """Return (price, displayed quantity) of every price of a side, best first."""
        return [(price, self.quantity_at(side, price)) for price in self.prices(side)]

    def queue_ahead(self, order_id: int) -> int:
        """Return how much is displayed before an order at its price (lots)."""
        order = self.orders[order_id]
        return sum(o.shown for o in self.at(order.place, order.price) if o.rank < order.rank)

    def report(self, kind: int, about: Message, reason: int = ACCEPTED, *other: int) -> None:
        """Report on an order or a message: its price and quantity, unless other ones are given."""
        price, quantity, *ids = other or (about.price, about.quantity)
        about_what = (kind, about.side, reason, self.message.sequence, about.order_id)
        self.reports.append((*about_what, price, quantity, *(ids or (0, 0))))
