"""How many rows the tables of a world have: worlds come in three sizes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Capacity:
    """How many rows each table of a world has."""

    venues: int
    currencies: int
    tiers: int
    transfers: int
    closures: int
    changes: int
    instruments: int
    accounts: int
    agents: int
    flows: int
    background: int
    hedgers: int
    shocks: int
    buckets: int
    messages: int
    fills: int
    orders: int
    levels: int
    terms: int
    members: int
    arbitrageurs: int


# Few, since each costs a compilation of every kernel: for one market that is not too busy, for one
# or two, for several. In the first, a market has as much room as in the second.
SMALL = Capacity(
    venues=2,
    currencies=2,
    tiers=48,
    transfers=4,
    closures=64,
    changes=8,
    instruments=4,
    accounts=19,
    agents=2,
    flows=1,
    background=320,
    hedgers=1,
    arbitrageurs=1,
    shocks=24,
    buckets=1,
    messages=32,
    fills=64,
    orders=544,
    levels=416,
    terms=32,
    members=32,
)
STANDARD = Capacity(
    venues=2,
    currencies=2,
    tiers=48,
    transfers=4,
    closures=64,
    changes=8,
    instruments=8,
    accounts=19,
    agents=4,
    flows=2,
    background=512,
    hedgers=1,
    arbitrageurs=1,
    shocks=24,
    buckets=1,
    messages=32,
    fills=64,
    orders=640,
    levels=512,
    terms=64,
    members=32,
)
LARGE = Capacity(
    venues=2,
    currencies=2,
    tiers=64,
    transfers=4,
    closures=64,
    changes=8,
    instruments=16,
    accounts=80,
    agents=16,
    flows=5,
    background=512,
    hedgers=12,
    arbitrageurs=4,
    shocks=24,
    buckets=128,
    messages=128,
    fills=64,
    orders=2816,
    levels=2048,
    terms=64,
    members=64,
)
