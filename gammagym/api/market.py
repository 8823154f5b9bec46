"""Market: one world by hand. Submit, cancel, advance, look, fork, save."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gammagym.api.tables import account_table, book_table, fills_table, instrument_table
from gammagym.engine.book import best_price, has_side
from gammagym.errors import OrderError, nearest
from gammagym.exchange.ledger import deposit
from gammagym.exchange.trading import mid_price, next_order_id
from gammagym.loop import advance, open_world
from gammagym.market.latency import instruct
from gammagym.market.streams import open_streams
from gammagym.scenario.compile import compile_world
from gammagym.scenario.load import load_scenario
from gammagym.scenario.tasks import Leg, Task
from gammagym.world import (
    BUY,
    CANCEL,
    FOK,
    GTC,
    IOC,
    MODIFY,
    NEW,
    POST_ONLY,
    QUANTA,
    REJECT_REASONS,
    SCHEMA_VERSION,
    SELL,
    STANDARD_WORLD,
    schema_hash,
)

if TYPE_CHECKING:
    import pandas as pd

_SIDES = {"buy": BUY, "sell": SELL}
_TIFS = {"gtc": GTC, "ioc": IOC, "fok": FOK}
_YEAR_SECONDS = 365 * 86_400
# Prices and quantities stay below this many steps, so that their product fits money's 64 bits.
_MOST_STEPS = 2**40


@dataclass(frozen=True)
class SentOrder:
    """An order as it was sent; whether it rests is known when it has arrived (`Market.rejects`).

    Attributes:
        id: its order id.
        agent: who sent it.
        instrument: what it is for.
        side: ``buy`` or ``sell``.
        quantity: units of the underlying.
        price: limit, or the protection price of a market order.
        reduce_only: whether it may only bring the position closer to zero.
    """

    id: int
    agent: str
    instrument: str
    side: str
    quantity: float
    price: float
    reduce_only: bool = False


class Market:
    """One market with named competitors, each with one account that starts with cash only.

    Instructions travel with the venue's latencies: advance the clock and they arrive. Listed are a
    perpetual, spot, and a call and a put at the money that expire in seven days.

    Args:
        scenario: name, path, dict or `Scenario`.
        agents: names of the competitors.
        seed: seed of every random stream.
        cash: what each competitor starts with (settlement currency).
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
        if isinstance(agents, str) or len(set(agents)) != len(agents):
            raise OrderError(f"agents must be a list of different names, was {agents!r}")
        legs = tuple(Leg(kind, 0.0) for kind in ("spot", "call", "put"))
        task = Task("Market", legs, horizon_seconds=horizon_seconds)
        compiled = compile_world(load_scenario(scenario), task, len(agents))
        self.agents = tuple(agents)
        self._names = compiled.instruments
        self._tape = compiled.tape
        self._worlds: NDArray[Any] = compiled.template.copy()
        self._sent: dict[int, SentOrder] = {}
        for row in range(len(self.agents)):
            self._worlds["agents"]["book_account"][0, row] = self._account(row)
            self._worlds["agents"]["collateral_share"][0, row] = 0.0
        open_world(self._worlds[0], self._tape, _seed("seed", seed))
        for row in range(len(self.agents)):
            deposit(self._worlds[0], self._account(row), 0, round(cash * QUANTA))

    @property
    def world(self) -> Any:
        """The world record itself: every table, by name."""
        return self._worlds[0]

    @property
    def time(self) -> float:
        """Seconds since the start."""
        return int(self.world["time_ns"]) * 1e-9

    def advance(self, seconds: float) -> None:
        """Let everything happen that is due in the next seconds (> 0, at most a year)."""
        if not 0 < _number("seconds", seconds) <= _YEAR_SECONDS:
            raise OrderError(f"seconds must be > 0 and at most a year, was {seconds!r}")
        advance(self.world, self._tape, int(self.world["time_ns"]) + round(seconds * 1e9))

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
        post_only: bool = False,
        reduce_only: bool = False,
    ) -> SentOrder:
        """Send a new order.

        Args:
            agent: name of the competitor.
            instrument: name of the instrument.
            side: ``buy`` or ``sell``.
            quantity: units of the underlying, a multiple of the lot.
            price: limit, a multiple of the tick; None: a market order, sent as an immediate-or-
                cancel limit that reaches 5 % through the touch.
            tif: ``gtc``, ``ioc`` or ``fok``.
            post_only: refuse it rather than let it take.
            reduce_only: let it only bring the position closer to zero.

        Raises:
            OrderError: something is unknown or impossible; nothing was sent.
        """
        row, column = self._agent(agent), self._instrument(instrument)
        if side not in _SIDES:
            raise OrderError(f"side must be 'buy' or 'sell', was {side!r}")
        if tif not in _TIFS:
            raise OrderError(f"unknown tif {tif!r}: {nearest(str(tif), list(_TIFS))}")
        if post_only and (tif != "gtc" or price is None):
            raise OrderError(
                "post_only needs tif='gtc' and a price: other orders are there to take"
            )
        contract = self.world["instruments"][column]
        message = self.world["incoming"]
        message["kind"] = NEW
        message["tif"] = POST_ONLY if post_only else _TIFS[tif]
        message["side"] = _SIDES[side]
        message["quantity_lots"] = _steps("quantity", quantity, float(contract["lot_size"]))
        if price is None:
            message["tif"] = IOC
            message["price_ticks"] = self._protected(column, _SIDES[side])
        else:
            message["price_ticks"] = _steps("price", price, float(contract["tick_size"]))
        message["reduce_only"] = int(reduce_only)
        order_id = int(next_order_id(self.world))
        self._send(row, column, order_id)
        limit = int(message["price_ticks"]) * float(contract["tick_size"])
        order = SentOrder(order_id, agent, instrument, side, float(quantity), limit, reduce_only)
        self._sent[order_id] = order
        return order

    def cancel(self, order_id: int) -> None:
        """Send the cancellation of an order; it may lose to a fill on the way."""
        order = self._order(order_id)
        self.world["incoming"]["kind"] = CANCEL
        self._send(self._agent(order.agent), self._instrument(order.instrument), order_id)

    def amend(self, order_id: int, price: float, quantity: float) -> None:
        """Send a new price and open quantity for an order; priority as the venue has it."""
        order = self._order(order_id)
        column = self._instrument(order.instrument)
        contract = self.world["instruments"][column]
        message = self.world["incoming"]
        message["kind"] = MODIFY
        message["side"] = _SIDES[order.side]
        message["quantity_lots"] = _steps("quantity", quantity, float(contract["lot_size"]))
        message["price_ticks"] = _steps("price", price, float(contract["tick_size"]))
        message["reduce_only"] = int(order.reduce_only)
        self._send(self._agent(order.agent), column, order_id)

    def _send(self, row: int, column: int, order_id: int) -> None:
        message = self.world["incoming"]
        message["order_id"] = order_id
        message["account"] = self._account(row)
        message["instrument"] = column
        message["liquidation"] = 0
        message["decision_mid"] = mid_price(self.world, column)
        if not instruct(self.world, 0):
            raise OrderError("too many instructions are in flight: advance the clock first")

    # --- Looking -----------------------------------------------------------------------------

    def book(self, instrument: str, levels: int = 10) -> pd.DataFrame:
        """Return the best levels of both sides: side, price, quantity; asks first."""
        return book_table(self.world, self._instrument(instrument), levels)

    def account(self, agent: str) -> pd.Series:
        """Return cash, equity, maintenance margin, fees, funding and positions of a competitor."""
        return account_table(self.world, self._account(self._agent(agent)), self._names)

    def fills(self, agent: str) -> pd.DataFrame:
        """Return the competitor's latest trades; the log holds the last 64 of all of them."""
        return fills_table(self.world, self._account(self._agent(agent)), self._names)

    def rejects(self, agent: str) -> pd.Series:
        """Return how many of the competitor's orders the venue refused, by reason."""
        import pandas as pd

        counts = self.world["agents"]["rejects"][self._agent(agent)]
        found = {reason: int(count) for reason, count in zip(REJECT_REASONS, counts, strict=True)}
        return pd.Series({reason: count for reason, count in found.items() if count}, dtype=int)

    def instruments(self) -> pd.DataFrame:
        """Return the terms, marks and Greeks of what is listed."""
        return instrument_table(self.world, self._names)

    # --- Copies ------------------------------------------------------------------------------

    def fork(self, reseed: int | None = None) -> Market:
        """Return a copy of the whole market.

        Args:
            reseed: None keeps the random streams: the copy meets the same outside world, for
                counterfactuals. A number redraws everything after the fork, for planning.
        """
        twin: Market = object.__new__(Market)
        twin.agents, twin._names, twin._tape = self.agents, self._names, self._tape
        twin._worlds, twin._sent = self._worlds.copy(), dict(self._sent)
        if reseed is not None:
            twin.world["fork"] = _seed("reseed", reseed) + np.uint64(1)
            open_streams(twin.world)
        return twin

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the market to a file of plain arrays (``.npz``); nothing is pickled."""
        sent = [
            (o.id, o.agent, o.instrument, o.side, o.quantity, o.price, int(o.reduce_only))
            for o in self._sent.values()
        ]
        temporary = f"{os.fspath(path)}.part"
        with open(temporary, "wb") as file:
            np.savez(
                file,
                schema=np.array([str(SCHEMA_VERSION), schema_hash(STANDARD_WORLD)]),
                world=np.frombuffer(self._worlds.tobytes(), np.uint8),
                tape=self._tape,
                agents=np.array(self.agents),
                instruments=np.array(self._names),
                sent=np.array(sent, dtype=np.str_).reshape(-1, 7),
            )
        os.replace(temporary, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Market:
        """Read a market that `save` wrote.

        Raises:
            OrderError: the file is not a saved market, or one of another version.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                content = {name: file[name] for name in file.files}
            schema = content["schema"].tolist()
        except FileNotFoundError:
            raise OrderError(f"{os.fspath(path)}: there is no such file") from None
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            raise OrderError(f"{os.fspath(path)}: not a saved market, or a broken one") from None
        expected = [str(SCHEMA_VERSION), schema_hash(STANDARD_WORLD)]
        if schema != expected:
            raise OrderError(
                f"{os.fspath(path)}: saved by another version (schema {schema}, this is {expected})"
            )
        market: Market = object.__new__(cls)
        market.agents = tuple(content["agents"].tolist())
        market._names = tuple(content["instruments"].tolist())
        market._tape = content["tape"]
        market._worlds = np.frombuffer(content["world"].tobytes(), STANDARD_WORLD).copy()
        market._sent = {
            int(order_id): SentOrder(
                int(order_id), agent, instrument, side, float(size), float(price), only == "1"
            )
            for order_id, agent, instrument, side, size, price, only in content["sent"].tolist()
        }
        return market

    # --- Names -------------------------------------------------------------------------------

    def _account(self, row: int) -> int:
        return int(self._worlds["agents"]["hedge_account"][0, row])

    def _agent(self, name: str) -> int:
        if name not in self.agents:
            raise OrderError(f"unknown agent {name!r}: {nearest(name, list(self.agents))}")
        return self.agents.index(name)

    def _instrument(self, name: str) -> int:
        if name not in self._names:
            raise OrderError(f"unknown instrument {name!r}: {nearest(name, list(self._names))}")
        return self._names.index(name)

    def _order(self, order_id: int) -> SentOrder:
        if order_id not in self._sent:
            raise OrderError(
                f"unknown order {order_id!r}: this market sent {len(self._sent)} orders"
            )
        return self._sent[order_id]

    def _protected(self, column: int, side: int) -> int:
        """Return the limit of a market order: the far touch and a protection beyond it (ticks)."""
        contract = self.world["instruments"][column]
        head = self.world["heads"][column]
        touch = float(contract["mark_price"]) / float(contract["tick_size"])
        if has_side(head, 1 - side):
            touch = float(best_price(self.world["levels"], head, 1 - side))
        reach = float(contract["protection"])
        return int(touch * (1.0 + reach if side == BUY else 1.0 - reach))


def _number(name: str, value: object) -> float:
    """Return a value that is a finite number, or say that it is not."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise OrderError(f"{name} must be a number, was {value!r}")
    if not np.isfinite(value):
        raise OrderError(f"{name} must be a finite number, was {value!r}")
    return float(value)


def _seed(name: str, value: object) -> np.uint64:
    """Return a seed of 64 bits, or say why it is none."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise OrderError(f"{name} must be a whole number, was {value!r}")
    if not 0 <= int(value) < 2**63:
        raise OrderError(f"{name} must be from 0 to 2**63 - 1, was {value!r}")
    return np.uint64(value)


def _steps(name: str, value: float, step: float) -> int:
    """Return a price in ticks or a quantity in lots, refusing what is no multiple or too large."""
    if not abs(_number(name, value)) < _MOST_STEPS * step:
        raise OrderError(f"{name} must be less than {_MOST_STEPS * step:g}, was {value!r}")
    steps = round(value / step)
    if abs(value / step - steps) > 1e-6:
        raise OrderError(f"{name} must be a multiple of {step:g}, was {value!r}")
    if steps <= 0:
        raise OrderError(f"{name} must be at least {step:g}, was {value!r}")
    return steps
