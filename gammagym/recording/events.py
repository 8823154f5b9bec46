"""What a venue announces and what happens to accounts, as changes between two decisions.

Nothing is said of what begins and ends between two decisions: an agent could not see it either.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from gammagym.recording.looking import accounts_of
from gammagym.world.codes import REJECT_REASONS
from gammagym.world.sizes import QUANTA, RATE_UNIT

ACCOUNTS = ("hedge", "book")  # names of `accounts_of`


class Event(NamedTuple):
    """One change that was seen at a decision."""

    decision: int
    time: float  # of the decision that saw it (s)
    event: str
    subject: str  # venue, instrument, account or reason that it is about
    value: float  # what it is now
    change: float  # and by how much it has changed


class EventWatch:
    """Compares a world with what it was at the last decision.

    Args:
        row: row of agents.
        venues: names of the world's venues, by row.
        instruments: names of its instruments, by row.
    """

    def __init__(self, row: int, venues: Sequence[str], instruments: Sequence[str]) -> None:
        self._row, self._venues, self._instruments = row, venues, instruments
        self._known: dict[tuple[str, str], float] = {}

    def start(self, world: Any) -> None:
        """Forget what was, and take a world as it is."""
        self._known = dict(self._state(world))

    def changes(self, world: Any, decision: int) -> list[Event]:
        """Return what has changed since the last call."""
        time = int(world["time_ns"]) / 1e9
        found: list[Event] = []
        for (event, subject), value in self._state(world):
            change = value - self._known[event, subject]
            if change != 0.0:
                found.append(Event(decision, time, event, subject, value, change))
                self._known[event, subject] = value
        return found

    def _state(self, world: Any) -> Iterator[tuple[tuple[str, str], float]]:
        """Yield everything that is watched, by name of the event and what it is about."""
        for row, name in enumerate(self._venues):
            venue = world["venues"][row]
            yield ("matching_halted", name), float(venue["halted"])
            yield ("data_halted", name), float(venue["data_halted"])
            yield ("cancels_halted", name), float(venue["cancels_halted"])
            yield ("transfers_halted", name), float(venue["transfers_halted"])
        contracts = world["instruments"]
        for row, name in enumerate(self._instruments):
            yield ("settled", name), float(contracts["settled"][row])
            paused = 0 <= int(world["time_ns"]) < int(contracts["paused_until_ns"][row])
            yield ("paused", name), float(paused)
        agent = world["agents"][self._row]
        group = int(contracts["fee_class"][agent["hedge_instrument"]])
        for name, number in zip(ACCOUNTS, accounts_of(agent), strict=False):
            account = world["accounts"][number]
            yield ("maker_fee", name), int(account["maker_fee_e9"][group]) / RATE_UNIT
            yield ("taker_fee", name), int(account["taker_fee_e9"][group]) / RATE_UNIT
            yield ("funding", name), int(account["funding_quanta"]) / QUANTA
            yield ("liquidation", name), float(account["liquidations"])
            yield ("deleveraging", name), float(account["deleveragings"])
            yield ("liquidating", name), float(account["liquidating"])
        for reason in np.flatnonzero(agent["rejects"]):
            key = ("rejected", REJECT_REASONS[reason])
            self._known.setdefault(key, 0.0)
            yield key, float(agent["rejects"][reason])
