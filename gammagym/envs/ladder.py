"""The order book as a ladder of prices, with the agent's own orders marked; and as text."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from gammagym.api.tables import side_levels
from gammagym.world.codes import BUY, SELL
from gammagym.world.sizes import QUANTA

_LEVELS = 8


class Rung(NamedTuple):
    """One price of a ladder."""

    price: float
    quantity: float  # what is displayed there, own orders included
    own: float  # part of it that is the agent's own


class Ladder(NamedTuple):
    """Both sides of a book, best price first, and how its agent stands."""

    seconds: float  # since the start of the episode
    asks: list[Rung]
    bids: list[Rung]
    position: float  # in the instrument of this book, as traders say it
    hedge: float  # position in all that it hedges with (units of the underlying)
    net_delta: float  # of book and hedge (units of the underlying)
    profit: float  # change of equity since the start (quote currency)
    mark: float  # mark price of the instrument


def ladder_of(world: Any, levels: int = _LEVELS) -> Ladder:
    """Return the book that the agent hedges in.

    Args:
        world: one world.
        levels: best levels of each side; own orders behind them are added.
    """
    agent = world["agents"][0]
    instrument = int(agent["hedge_instrument"])
    contract, positions = world["instruments"][instrument], world["positions"]["quantity_lots"]
    tick, lot = float(contract["tick_size"]), float(contract["lot_quantity"])
    orders = world["orders"]
    mine = (orders["live"] == 1) & (orders["owner"] == agent["hedge_account"])
    mine &= orders["instrument"] == instrument

    def side_of(side: int) -> list[Rung]:
        own: dict[int, int] = {}
        for order in orders[mine & (orders["side"] == side)]:
            price = int(order["price_ticks"])
            own[price] = own.get(price, 0) + int(order["quantity_lots"])
        found = dict(side_levels(world, instrument, side, levels))
        behind = {price: size for price, size in own.items() if price not in found}
        ranked = sorted((found | behind).items(), reverse=side == BUY)
        return [Rung(price * tick, size * lot, own.get(price, 0) * lot) for price, size in ranked]

    account = int(agent["hedge_account"])
    hedges = agent["hedges"][: agent["hedge_count"]]
    hedge = float(np.dot(positions[account, hedges], world["instruments"]["lot_size"][hedges]))
    gained = int(agent["equity_quanta"]) - int(agent["initial_equity_quanta"])
    return Ladder(
        int(world["time_ns"]) / 1e9,
        side_of(SELL),
        side_of(BUY),
        int(positions[account, instrument]) * lot,
        hedge,
        float(agent["book_delta"]) + hedge,
        gained / QUANTA,
        float(contract["mark_price"]),
    )


def shown(rungs: list[Rung], levels: int) -> list[Rung]:
    """Return what fits into so many levels: the best prices, and own orders that are behind them.

    >>> shown([Rung(2.0, 1.0, 0.0), Rung(3.0, 1.0, 0.0), Rung(9.0, 1.0, 1.0)], 2)
    [Rung(price=2.0, quantity=1.0, own=0.0), Rung(price=9.0, quantity=1.0, own=1.0)]
    """
    behind = [rung for rung in rungs[levels:] if rung.own > 0.0][:levels]
    return rungs[: levels - len(behind)] + behind


def draw_ladder(world: Any) -> str:
    """Return both sides of the hedge instrument's book, asks above bids, one line a level."""
    ladder = ladder_of(world)

    def line(rung: Rung, *, ask: bool) -> str:
        size, price = f"{rung.quantity:10.3f}", f"{rung.price:12.2f}"
        cells = [" " * 10, price, size] if ask else [size, price, " " * 10]
        mark = f"  <- yours: {rung.own:.3f}" if rung.own else ""
        return ("  ".join(cells) + mark).rstrip()

    lines = [
        f"t = {ladder.seconds:.0f} s",
        f"{'bid':>10}  {'price':>12}  {'ask':>10}",
        *(line(rung, ask=True) for rung in reversed(ladder.asks)),
        *(line(rung, ask=False) for rung in ladder.bids),
        f"position {ladder.position:+.3f}  net delta {ladder.net_delta:+.3f}  "
        f"profit {ladder.profit:+,.2f}",
    ]
    return "\n".join(lines)
