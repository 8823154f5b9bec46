"""Market: one world by hand. Submit, cancel, advance, look, fork, save."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gammagym.api.order_entry import (
    SIDES,
    OrderTerms,
    SentOrder,
    message_fields,
    number,
    seconds_to_ns,
    steps,
)
from gammagym.api.positions import position_name
from gammagym.api.saving import SavedMarket, are_names, read_market, write_market
from gammagym.api.views import Views
from gammagym.errors import OrderError
from gammagym.exchange.ledger import deposit
from gammagym.exchange.orders import make_plain, next_order_id
from gammagym.exchange.trading import mid_price
from gammagym.exchange.transfers import send_transfer, withdrawable
from gammagym.loop import advance, open_world
from gammagym.market.latency import instruct
from gammagym.market.redraw import redraw_worlds
from gammagym.scenario.compile import compile_world
from gammagym.scenario.load import load_scenario, load_venue
from gammagym.scenario.schema import Scenario
from gammagym.scenario.tasks import Leg, LegKind, Task
from gammagym.scenario.variants import variants_of
from gammagym.world import copied
from gammagym.world.codes import CANCEL, CANCEL_ALL, COIN, DISCONNECT, MODIFY, NEW, QUOTE
from gammagym.world.sizes import QUANTA

if TYPE_CHECKING:
    pass

# What a message speaks of that is about no order in particular; ids start at 1.
_NO_ID = -1
# The currencies of a world, as they are called here.
_CURRENCIES = ("quote", "coin")
_LARGEST_CASH = 1e9


class Market(Views):
    """One market with named competitors, each with one account that starts with cash only.

    Instructions travel with the venue's latencies: advance the clock and they arrive. Listed is
    what the venue lists: a perpetual or a future to hedge with, spot, a call and a put at the money
    and a future that expire in seven days. With `book_venue` in the scenario, all but the first are
    listed there, and each competitor has a second account for them. At a venue where only coins
    count as margin, money is brought in coins.

    Args:
        scenario: name, path, combination of them ("calm + flash_crash"), dict or `Scenario`.
        agents: names of the competitors.
        seed: seed of every random stream.
        cash: what each account starts with (quote currency), more than 0, at most 1e9.
        horizon_seconds: length that the scenario's timeline is stretched over (s).

    Raises:
        ScenarioError: the scenario is unknown, malformed or impossible.
        CapacityError: more competitors than a world has room for.

    >>> market = Market("calm", agents=["alice"], seed=7)
    >>> order = market.submit("alice", "BTC-PERP", "buy", 0.5, price=50_000.0)
    >>> market.advance(seconds=1.0)
    >>> market.cancel(order.id)
    >>> market.advance(seconds=1.0)
    >>> float(market.account("alice")["equity"])
    1000000.0
    """

    def __init__(
        self,
        scenario: Any = "calm",
        agents: Sequence[str] = ("agent",),
        seed: int = 0,
        *,
        cash: float = 1_000_000.0,
        horizon_seconds: float = 86_400.0,
    ) -> None:
        if isinstance(agents, str) or not are_names(agents):
            raise OrderError(f"agents must be a list of different names, was {agents!r}")
        if not 0 < number("cash", cash) <= _LARGEST_CASH:
            raise OrderError(f"cash must be > 0 and at most {_LARGEST_CASH:g}, was {cash!r}")
        seconds_to_ns("horizon_seconds", horizon_seconds)
        loaded = load_scenario(scenario)
        task = Task("Market", listed_legs(loaded), horizon_seconds=horizon_seconds)
        compiled = compile_world(loaded, task, len(agents))
        self.agents = tuple(agents)
        self._names = compiled.instruments
        self._tape = compiled.tape
        self._worlds: NDArray[Any] = copied(compiled.template)
        seeds = np.array([_seed("seed", seed)], np.uint64)
        variants_of(compiled).write(self._worlds, np.zeros(1, np.int64), seeds)
        self._sent: dict[int, SentOrder] = {}
        competitors = self._worlds["agents"][0, : len(self.agents)]
        competitors["collateral_share"] = 0.0
        if not self.world["instruments"]["venue"].any():
            competitors["book_account"] = competitors["hedge_account"]
        open_world(self._worlds[0], self._tape, seeds[0])
        for row in range(len(self.agents)):
            for account in self._accounts(row):
                self.world["accounts"]["margined"][account] = 1
                self._pay_in(account, cash)

    def _pay_in(self, account: int, cash: float) -> None:
        """Bring a competitor's money in, in the currency that counts as margin there."""
        venue = self.world["venues"][self.world["accounts"][account]["venue"]]
        if venue["collateral_e9"][QUOTE]:
            deposit(self.world, account, QUOTE, round(cash * QUANTA))
        else:
            coins = cash / float(self.world["price"]["value"])
            deposit(self.world, account, COIN, round(coins * QUANTA))

    def advance(self, seconds: float) -> None:
        """Let everything happen that is due in the next seconds (> 0, at most a year)."""
        until_ns = int(self.world["time_ns"]) + seconds_to_ns("seconds", seconds)
        advance(self.world, self._tape, until_ns)

    # --- Instructions ------------------------------------------------------------------------

    def submit(
        self,
        agent: str,
        instrument: str,
        side: str,
        quantity: float,
        price: float | None = None,
        tif: str = "gtc",
        *,
        type: str | None = None,
        trigger_price: float | None = None,
        trigger_by: str = "last",
        trail: float | None = None,
        display: float | None = None,
        expire_in: float | None = None,
        self_trade: str | None = None,
        post_only: bool = False,
        reduce_only: bool = False,
        position: str | None = None,
    ) -> SentOrder:
        """Send a new order (docs/rules/matching).

        Args:
            agent: name of the competitor.
            instrument: name of the instrument.
            side: ``buy`` or ``sell``.
            quantity: units of the underlying (inverse: contracts), a multiple of the lot.
            price: limit, a multiple of the tick; None: a market order, or one that becomes one.
            tif: ``gtc``, ``ioc``, ``fok`` or ``gtt`` (good till a time, see `expire_in`).
            type: ``limit``, ``market``, ``stop``, ``stop_limit``, ``take_profit``,
                ``take_profit_limit`` or ``trailing_stop``; None: ``limit`` if there is a price,
                else ``market``, which reaches as far through the touch as the venue lets it.
            trigger_price: of a stop or take-profit, a multiple of the tick.
            trigger_by: the price it waits for: ``last``, ``mark`` or ``index``.
            trail: of a trailing stop: distance of its trigger, a multiple of the tick.
            display: of an iceberg: quantity shown at a time, a multiple of the lot.
            expire_in: with ``tif="gtt"``: when it ends, counted from now (s).
            self_trade: what happens when it meets an order of the same agent: ``expire_taker``,
                ``expire_maker``, ``expire_both`` or ``decrement``; None: as the venue has it.
            post_only: refuse it rather than let it take.
            reduce_only: let it only bring the position closer to zero.
            position: with ``account.position_mode = "hedge"``, of perpetuals and futures: ``long``
                or ``short``, the position it opens or closes. What closes is cut to what is held.

        Raises:
            OrderError: something is unknown, impossible or contradicts itself; nothing was sent.

        >>> market = Market("calm", seed=7)
        >>> bought = market.submit("agent", "BTC-PERP", "buy", 0.5)
        >>> stop = market.submit(
        ...     "agent", "BTC-PERP", "sell", 0.5, type="stop", trigger_price=59_000.0,
        ...     trigger_by="mark", reduce_only=True,
        ... )
        >>> market.advance(seconds=1.0)
        >>> market.orders("agent")[["side", "type", "trigger_price", "quantity"]].values.tolist()
        [['sell', 'stop', 59000.0, 0.5]]
        """
        row, column = self._agent(agent), self._instrument(instrument)
        terms = OrderTerms(
            side=side,
            quantity=quantity,
            price=price,
            tif=tif,
            type=type,
            trigger_price=trigger_price,
            trigger_by=trigger_by,
            trail=trail,
            display=display,
            expire_in=expire_in,
            self_trade=self_trade,
            post_only=post_only,
            reduce_only=reduce_only,
        )
        contract = self.world["instruments"][column]
        fields = message_fields(terms, contract, int(self.world["time_ns"]))
        self._check_position(row, column, position)
        message = self.world["incoming"]
        message["kind"] = NEW
        for name, value in fields.items():
            message[name] = value
        order_id = int(next_order_id(self.world))
        self._send(row, column, order_id, position)
        limit = fields["price_ticks"] * float(contract["tick_size"])
        order = SentOrder(
            id=order_id,
            agent=agent,
            instrument=instrument,
            side=side,
            quantity=float(quantity),
            price=limit if fields["price_ticks"] > 0 else None,
            reduce_only=bool(reduce_only),
            type=terms.kind,
            trigger_price=None if trigger_price is None else float(trigger_price),
            position=position,
        )
        self._sent[order_id] = order
        return order

    def cancel(self, order_id: int) -> None:
        """Send the cancellation of an order; it may lose to a fill on the way."""
        order = self._order(order_id)
        self._instruct(CANCEL, order.agent, order.instrument, order_id, order.position)

    def cancel_all(self, agent: str) -> None:
        """Send the cancellation of every order of a competitor, in all books, waiting ones too."""
        for name in self._one_of_each_account(agent):
            self._instruct(CANCEL_ALL, agent, name, _NO_ID)

    def disconnect(self, agent: str) -> None:
        """Let a competitor's connection break; it may go on sending.

        A venue with ``orders.cancel_on_disconnect`` cancels its orders, others do nothing.
        """
        for name in self._one_of_each_account(agent):
            self._instruct(DISCONNECT, agent, name, _NO_ID)

    def transfer(
        self, agent: str, amount: float, source: str, target: str, currency: str = "quote"
    ) -> None:
        """Send money from one of a competitor's accounts to the other; it takes the venue's time.

        Args:
            agent: whose money.
            amount: how much (> 0), in the currency.
            source: account it leaves, "hedge" or "book".
            target: the other one.
            currency: "quote" or "coin".

        Raises:
            OrderError: there is one venue only, transfers are halted, too many are on their way, or
                the amount is more than margin and bonus leave free.
        """
        row = self._agent(agent)
        if currency not in _CURRENCIES:
            raise OrderError(f"currency must be quote or coin, was {currency!r}")
        given, taken = self._account_at(row, source), self._account_at(row, target)
        if given == taken:
            raise OrderError(f"source and target must be two accounts, were both {source!r}")
        if not 0 < number("amount", amount) <= _LARGEST_CASH:
            raise OrderError(f"amount must be > 0 and at most {_LARGEST_CASH:g}, was {amount!r}")
        code, sum_ = _CURRENCIES.index(currency), round(amount * QUANTA)
        if not send_transfer(self.world, given, taken, code, sum_):
            most = withdrawable(self.world, given, code) / QUANTA
            raise OrderError(
                f"a transfer of {amount:g} was refused: at most {most:g} is free at {source!r}, "
                "or transfers are halted, or too many are on their way"
            )

    def amend(self, order_id: int, price: float, quantity: float) -> None:
        """Send a new price and open quantity for an order that rests; priority as the venue has it.

        The open quantity is what is left to trade, what an iceberg hides included. The venue
        refuses it for orders that still wait for their trigger.
        """
        order = self._order(order_id)
        column = self._instrument(order.instrument)
        contract = self.world["instruments"][column]
        quantity_lots = steps("quantity", quantity, float(contract["lot_quantity"]))
        price_ticks = steps("price", price, float(contract["tick_size"]))
        message = self.world["incoming"]
        message["kind"] = MODIFY
        message["side"] = SIDES[order.side]
        message["quantity_lots"], message["price_ticks"] = quantity_lots, price_ticks
        message["reduce_only"] = int(order.reduce_only)
        make_plain(message)
        self._send(self._agent(order.agent), column, order_id, order.position)

    def _check_position(self, row: int, column: int, position: str | None) -> None:
        """Refuse an order that must say for which position it is, and one that must not."""
        has_legs = position_name(self.world, self._account_for(row, column), column) is not None
        name = self._names[column]
        if has_legs and position not in ("long", "short"):
            raise OrderError(
                "the position mode is 'hedge': an order for "
                f"{name} needs position='long' or position='short', was {position!r}"
            )
        if not has_legs and position is not None:
            raise OrderError(
                f"position={position!r} does not go with {name}, which has one position here: "
                "leave it out (long and short side by side are perpetuals and futures under "
                "account.position_mode = 'hedge')"
            )

    def _instruct(
        self, kind: int, agent: str, instrument: str, order_id: int, position: str | None = None
    ) -> None:
        """Send a message that says no more than what it speaks of."""
        message = self.world["incoming"]
        message["kind"] = kind
        make_plain(message)
        self._send(self._agent(agent), self._instrument(instrument), order_id, position)

    def _send(self, row: int, column: int, order_id: int, position: str | None) -> None:
        message = self.world["incoming"]
        message["order_id"] = order_id
        account = self._account_for(row, column)
        if position == "short":
            account = int(self.world["accounts"]["partner"][account])
        message["account"] = account
        message["instrument"] = column
        message["liquidation"] = 0
        message["decision_mid"] = mid_price(self.world, column)
        if not instruct(self.world, 0):
            raise OrderError("too many instructions are in flight: advance the clock first")

    # --- Copies ------------------------------------------------------------------------------

    def fork(self, reseed: int | None = None) -> Market:
        """Return a copy of the whole market.

        Args:
            reseed: None keeps the random streams: the copy meets the same outside world, for
                counterfactuals. A number redraws everything after the fork, for planning.
        """
        twin: Market = object.__new__(Market)
        twin.agents, twin._names, twin._tape = self.agents, self._names, self._tape
        twin._worlds, twin._sent = copied(self._worlds), dict(self._sent)
        if reseed is not None:
            numbers = np.array([_seed("reseed", reseed)])
            redraw_worlds(twin._worlds, twin._tape, np.zeros(1, np.int64), numbers)
        return twin

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the market to a file of plain arrays (``.npz``); nothing is pickled."""
        write_market(
            path, SavedMarket(self._worlds, self._tape, self.agents, self._names, self._sent)
        )

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Market:
        """Read a market that `save` wrote; what is in the file is checked before it is used.

        Raises:
            OrderError: the file is not a saved market, is one of another version, or contradicts
                itself.
        """
        saved = read_market(path)
        market: Market = object.__new__(cls)
        market.agents, market._names = saved.agents, saved.instruments
        market._worlds, market._tape = saved.worlds, saved.tape
        market._sent = saved.sent
        return market

    def _order(self, order_id: int) -> SentOrder:
        if order_id not in self._sent:
            raise OrderError(
                f"unknown order {order_id!r}: this market sent {len(self._sent)} orders"
            )
        return self._sent[order_id]


def listed_legs(scenario: Scenario) -> tuple[Leg, ...]:
    """Return one leg of everything that the venue lists beside its perpetual, quantity 0.

    With a venue for the book it is what that one lists.
    """
    venue = load_venue(scenario.venue, scenario.rules)
    if scenario.book_venue not in (None, scenario.venue):
        venue = load_venue(str(scenario.book_venue))
    kinds: list[LegKind] = []
    if venue.spot is not None:
        kinds.append("spot")
    if venue.option is not None:
        kinds.extend(("call", "put"))
    if venue.future is not None:
        kinds.append("future")
    return tuple(Leg(kind, 0.0) for kind in kinds)


def _seed(name: str, value: object) -> np.uint64:
    """Return a seed of 64 bits, or say why it is none."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise OrderError(f"{name} must be a whole number, was {value!r}")
    if not 0 <= int(value) < 2**63:
        raise OrderError(f"{name} must be from 0 to 2**63 - 1, was {value!r}")
    return np.uint64(value)
