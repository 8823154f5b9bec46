"""Whether the timeline of a saved world is one that kernels can follow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gammagym.world.codes import (
    COIN,
    FIRST_AGENT_ACCOUNT,
    NO_ACCOUNT,
    NO_INSTRUMENT,
    QUOTE,
    SHOCK_COLLATERAL,
    SHOCK_DEFAULT,
    SHOCK_INDEX,
    SHOCK_LARGE_ORDER,
    SHOCK_PRICE,
)
from gammagym.world.sizes import INDEX_SOURCES

# Sums with them stay within 64 bits.
_LAST_NS = 2**60
_MOST_LOTS = 2**53
# A logarithm of 10,000 is 9.2; with so many, exponentials of all events together stay finite.
_MOST = 10.0


def ranges_of_events(world: Any) -> Iterator[tuple[str, Any, float, float]]:
    """Yield name, values, and lowest and highest of what the timeline uses.

    Reads: the counts, which must be right.
    """
    shocks = world["shocks"][: world["shock_count"]]
    instruments, accounts = int(world["instrument_count"]), int(world["account_count"])
    yield "shocks.kind", shocks["kind"], SHOCK_PRICE, SHOCK_DEFAULT
    yield "shocks.instrument", shocks["instrument"], NO_INSTRUMENT, instruments - 1
    yield "shocks.venue", shocks["venue"], 0, len(world["venues"]) - 1
    yield "shocks.account", shocks["account"], NO_ACCOUNT, accounts - 1
    yield "shocks.magnitude", shocks["magnitude"], -_MOST, _MOST
    for name in ("start_ns", "ramp_ns", "hold_ns"):
        yield f"shocks.{name}", shocks[name], 0, _LAST_NS
    yield "shocks.recovery_ns", shocks["recovery_ns"], -1, _LAST_NS
    orders = shocks[shocks["kind"] == SHOCK_LARGE_ORDER]
    yield "shocks.instrument of orders", orders["instrument"], 0, instruments - 1
    yield "shocks.account of orders", orders["account"], FIRST_AGENT_ACCOUNT, accounts - 1
    yield "shocks.hold_ns of orders", orders["hold_ns"], 1, _LAST_NS
    yield "shocks.lots of orders", orders["lots"], -_MOST_LOTS, _MOST_LOTS
    yield "shocks.done of orders", orders["done"], 0, _MOST_LOTS
    collateral = shocks[shocks["kind"] == SHOCK_COLLATERAL]
    yield "shocks.code of collateral", collateral["code"], QUOTE, COIN
    index = shocks[shocks["kind"] == SHOCK_INDEX]
    yield "shocks.code of the index", index["code"], 0, INDEX_SOURCES
    flows, contracts = world["flows"][: world["flow_count"]], world["instruments"]
    yield "flows.quickening", flows["quickening"], 1e-300, 1e300
    yield "instruments.makers_away", contracts["makers_away"], 0, 1
    yield "instruments.basis_shift", contracts["basis_shift"], -_MOST, _MOST
    stress = world["stress"]
    yield "stress.variance_multiple", stress["variance_multiple"], 0, 1e300
    yield "stress.implied_shift", stress["implied_shift"], -24 * _MOST, 24 * _MOST
    yield "stress.sources_off", stress["sources_off"], 0, INDEX_SOURCES
