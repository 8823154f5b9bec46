"""The price of a place in a queue: one order at the front and at the back, in the same futures.

Who is in front trades more often, and not only when the price is about to run it over (Moallemi and
Yuan, "A model for queue position valuation in a limit order book", 2016). Here nothing is modelled:
a world is forked, the order is moved in its queue, and both worlds go on with equal random numbers.
As every look into a fork, it is privileged.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gammagym.envs.kernels.stepping import INFO_PROFIT
from gammagym.envs.single import HedgeEnv
from gammagym.errors import OrderError
from gammagym.world.codes import NO_ORDER


class QueueValues(NamedTuple):
    """What became of an order, future by future, shape (futures,) each."""

    front: NDArray[np.float64]  # profit with the order at the front of its queue (currency)
    back: NDArray[np.float64]  # profit with it at the back
    front_filled: NDArray[np.float64]  # share of it that traded, at the front
    back_filled: NDArray[np.float64]  # share of it that traded, at the back


def queue_values(env: HedgeEnv, futures: int, decisions: int, reseed: int = 0) -> QueueValues:
    """Return what a competitor's first working order earns at the front and at the back.

    The order stays where it is and nothing else is done. What it has traded is marked at the end,
    so the difference of the profits is the worth of the place.

    Args:
        env: where an order rests; it stays as it is, but for `forked`.
        futures: how many futures are drawn.
        decisions: how long the order is left alone (decision intervals).
        reseed: number of the first future.

    Raises:
        OrderError: no order rests.

    >>> env = HedgeEnv(scenario="calm", horizon_seconds=3600.0, decision_interval=1.0)
    >>> _ = env.reset(seed=5)
    >>> _ = env.step(np.array([0.5, 0.0], np.float32))  # joins the best bid
    >>> values = queue_values(env, futures=16, decisions=5)
    >>> bool((values.front_filled >= values.back_filled).all())
    True
    """
    row = resting_order(env.worlds[0])
    numbers = list(range(reseed, reseed + futures))
    copies = env.fork_many(numbers * 2)
    for place, world in enumerate(copies.worlds):
        move_in_queue(world, row, to_front=place < futures)
    order = env.worlds["orders"][0, row]
    account = env.worlds["agents"]["working"]["account"][0, 0]
    instrument = env.worlds["agents"]["working"]["instrument"][0, 0]
    held = env.worlds["positions"]["quantity_lots"][0, account, instrument]
    # No number is no decision: the order is left alone.
    nothing = np.full((len(copies.worlds), 1, *copies.batch.face.action_shape), np.nan, np.float32)
    for _ in range(decisions):
        copies.batch.step(nothing)
    profits = copies.batch.infos[:, 0, INFO_PROFIT] - env.batch.infos[0, 0, INFO_PROFIT]
    now = copies.worlds["positions"]["quantity_lots"][:, account, instrument]
    filled = np.abs(now - held) / float(order["quantity_lots"])
    return QueueValues(profits[:futures], profits[futures:], filled[:futures], filled[futures:])


def resting_order(world: Any) -> int:
    """Return the row of orders where the first working order of the first competitor rests.

    Raises:
        OrderError: none does.
    """
    working = world["agents"]["working"][0, 0]
    row = int(working["row"])
    if row == NO_ORDER or not world["orders"]["live"][row]:
        raise OrderError("no order rests: let one join a queue first (urgency 0), then step")
    if world["orders"]["order_id"][row] != working["order_id"]:
        raise OrderError("no order rests: the last one has traded or was canceled")
    return row


def move_in_queue(world: Any, row: int, *, to_front: bool) -> None:
    """Move a resting order to the front or to the back of the queue at its price.

    Args:
        world: a fork, since no venue would do that.
        row: row of orders.
        to_front: whether to the front or to the back.
    """
    orders, levels = world["orders"], world["levels"]
    level = int(orders["level"][row])
    queue = [int(levels["first"][level])]
    while orders["next"][queue[-1]] != NO_ORDER:
        queue.append(int(orders["next"][queue[-1]]))
    arrivals = orders["arrival"][queue]
    queue.remove(row)
    queue.insert(0 if to_front else len(queue), row)
    # Who comes first in the queue has come first.
    orders["arrival"][queue] = arrivals
    orders["next"][queue] = [*queue[1:], NO_ORDER]
    orders["previous"][queue] = [NO_ORDER, *queue[:-1]]
    levels["first"][level], levels["last"][level] = queue[0], queue[-1]
