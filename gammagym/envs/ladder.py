"""The order book as text: a ladder of prices with the agent's own order marked."""

from __future__ import annotations

from typing import Any

import numpy as np

from gammagym.api.tables import side_levels
from gammagym.world import BUY, SELL

_LEVELS = 8


def draw_ladder(world: Any) -> str:
    """Return both sides of the hedge instrument's book, asks above bids, one line a level."""
    agent = world["agents"][0]
    instrument = int(agent["hedge_instrument"])
    contract = world["instruments"][instrument]
    orders = world["orders"]
    own = (orders["live"] == 1) & (orders["owner"] == agent["hedge_account"])
    own &= orders["instrument"] == instrument
    marked = set(np.unique(orders["price_ticks"][own]).tolist())
    tick, lot = float(contract["tick_size"]), float(contract["lot_quantity"])

    def line(price: int, quantity: int, column: int) -> str:
        size = f"{quantity * lot:10.3f}"
        cells = [size, f"{price * tick:12.2f}", " " * 10]
        if column:
            cells = [" " * 10, cells[1], size]
        return "  ".join(cells).rstrip() + ("  <- yours" if price in marked else "")

    asks = [
        line(price, size, 1)
        for price, size in reversed(side_levels(world, instrument, SELL, _LEVELS))
    ]
    bids = [line(price, size, 0) for price, size in side_levels(world, instrument, BUY, _LEVELS)]
    header = f"{'bid':>10}  {'price':>12}  {'ask':>10}"
    return "\n".join([f"t = {int(world['time_ns']) * 1e-9:.0f} s", header, *asks, *bids])
