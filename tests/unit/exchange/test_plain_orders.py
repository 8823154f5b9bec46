"""The short way of the crowd's orders into the book comes to what the long way comes to."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gammagym.exchange.orders import enter, next_order_id
from gammagym.exchange.own_orders import limit_order
from gammagym.loop import open_world
from gammagym.scenario.compile import compile_world
from gammagym.scenario.load import load_scenario
from gammagym.scenario.tasks import get_task
from gammagym.world import viewed
from gammagym.world.codes import BUY, CROWD, GTC, IOC, LIMIT, MAKERS, NEW, SELL, UNSET

# The work space, which the short way leaves as it was.
SCRATCH = ("work", "incoming")
# How often a drawn number is an ordinary one, or one of three that no order may have.
USUAL = (0.85, 0.05, 0.05, 0.05)


@pytest.fixture(scope="module")
def market() -> Any:
    """Return a market of thin flow that has just been opened."""
    compiled = compile_world(load_scenario("calm"), get_task("GammaScalp"))
    worlds = compiled.template.copy()
    open_world(viewed(worlds)[0], compiled.tape, np.uint64(5))
    return worlds


def the_long_way(world: Any, account: int, side: int, ticks: int, lots: int, tif: int) -> int:
    """Enter an order as any other is entered, with every field written."""
    message = world["incoming"]
    for name in message.dtype.names:
        message[name] = 0
    message["kind"], message["type"], message["self_trade"] = NEW, LIMIT, UNSET
    message["account"], message["side"], message["tif"] = account, side, tif
    message["price_ticks"], message["quantity_lots"] = ticks, lots
    message["order_id"] = next_order_id(world)
    return int(enter(world, message))


@pytest.mark.parametrize("seed", range(4))
def test_the_short_way_leaves_the_world_that_the_long_way_leaves(market, seed):
    short, long = viewed(market.copy()), viewed(market.copy())
    random, rested, traded = np.random.default_rng(seed), 0, 0
    for _ in range(120):
        account, side = int(random.choice([CROWD, MAKERS])), int(random.choice([BUY, SELL]))
        # Some prices and quantities are none, or more than any venue takes.
        ticks = int(
            random.choice(np.array([600_000 + random.integers(-80, 80), -3, 0, 2**62]), p=USUAL)
        )
        lots = int(random.choice(np.array([random.integers(1, 9_000), 0, -1, 2**62]), p=USUAL))
        tif = int(random.choice([GTC, IOC]))
        before = int(short["books"]["trades"][0, 0])
        row = int(limit_order(short[0], account, 0, side, ticks, lots, tif))
        assert row == the_long_way(long[0], account, side, ticks, lots, tif)
        rested += row >= 0
        traded += int(short["books"]["trades"][0, 0]) - before
    for name in set(short.dtype.names) - set(SCRATCH):
        assert short[name].tobytes() == long[name].tobytes(), name
    assert min(rested, traded) > 5
