"""Markets with a perpetual, spot and a future, to test what holds their prices together."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gammagym.loop import advance, open_world
from gammagym.scenario.compile import Compiled, compile_world
from gammagym.scenario.load import load_scenario
from gammagym.scenario.tasks import Task
from gammagym.world import LARGE
from gammagym.world.sizes import NANOSECONDS

PERP, SPOT, DATED = 0, 1, 2
THIN = {"preset": "thin"}
ARBITRAGEUR: dict[str, Any] = {
    "between": ["BTC-PERP", "BTC-SPOT"],
    "limit": 50.0,
    "fee": "0%",
    "interval": "200ms",
}


def books(**keys: Any) -> dict[str, Any]:
    """Return a scenario of a perpetual and spot on one venue, with changes."""
    return {
        "purpose": "books held together",
        "price": {"model": "gbm", "start": "60000", "volatility": 0.6},
        "flow": THIN,
        "markets": [{"kind": "spot", "flow": THIN}],
    } | keys


def template(scenario: Any, overrides: dict[str, Any] | None = None) -> Compiled:
    """Compile a scenario without a task's book, into the capacity of several markets."""
    task = Task("Books", (), horizon_seconds=90 * 86_400.0)
    return compile_world(load_scenario(scenario, overrides or {}), task, capacity=LARGE)


def opened(compiled: Compiled, seed: int = 1) -> NDArray[Any]:
    """Return an array of one world, opened."""
    worlds = compiled.template.copy()
    worlds["agents"]["collateral_share"] = 0.0
    open_world(worlds[0], compiled.tape, np.uint64(seed))
    return worlds


def go(compiled: Compiled, worlds: NDArray[Any], seconds: float) -> None:
    """Advance a world by some seconds."""
    until = int(worlds["time_ns"][0]) + round(seconds * NANOSECONDS)
    advance(worlds[0], compiled.tape, until)


def traded(worlds: NDArray[Any], row: int = 0) -> tuple[float, float]:
    """Return what an arbitrageur has bought net of its first and second book (units)."""
    world = worlds[0]
    owner = world["arbitrageurs"][row]
    units: list[float] = []
    for leg in (0, 1):
        account, instrument = int(owner["accounts"][leg]), int(owner["instruments"][leg])
        contract = world["instruments"][instrument]
        lots = int(world["positions"]["quantity_lots"][account, instrument])
        if int(contract["lot_coin_quanta"]) and instrument == SPOT:
            lots = int(world["cash"][account, 1]) // int(contract["lot_coin_quanta"])
            lots -= int(owner["initial_lots"][leg])
        units.append(lots * float(contract["lot_size"]))
    return units[0], units[1]
