"""One episode in memory while it is recorded: thinned so that it never outgrows its limit.

Every decision is looked at. When what was kept exceeds its share of the limit, every second
decision is dropped, and from then on only every second, fourth, eighth ... is kept: the rows stay
evenly spaced, whatever the length of the episode. Fills and events are never thinned; beyond their
own share they are counted as lost.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gammagym.recording.events import Event
from gammagym.recording.looking import FILL, ORDER

# Shares of the limit: of what is looked at at decisions, of fills, of events.
_LOOKS, _FILLS, _EVENTS = 0.75, 0.125, 0.125
_EVENT_BYTES = 128


class Look(NamedTuple):
    """Everything that was looked at at one decision."""

    decision: int
    step: NDArray[Any]  # one row
    instruments: NDArray[Any]
    books: NDArray[Any]
    orders: NDArray[Any]

    @property
    def size(self) -> int:
        """How much room it takes (bytes)."""
        return sum(table.nbytes for table in self[1:])


class Episode:
    """What has been recorded of an episode so far.

    Args:
        seed: of the episode.
        timeline: what the scenario does to the market, and when.
        limit: most that is kept (bytes in memory; files are compressed).

    Attributes:
        decisions: decisions so far.
        stride: every how many decisions one is kept.
        total_reward: sum of the rewards so far.
        seen_fills: trades of the world's log that have been looked at.
        lost: trades and events that happened but are not recorded.
    """

    def __init__(self, seed: int, timeline: list[dict[str, Any]], limit: float) -> None:
        self.seed = seed
        self.timeline = timeline
        self.decisions = 0
        self.stride = 1
        self.total_reward = 0.0
        self.seen_fills = 0
        self.lost = 0
        self._limit = limit
        self._looks: list[Look] = []
        self._last: Look | None = None
        self._size = 0
        self._fills: list[NDArray[Any]] = []
        self._fill_count = 0
        self._events: list[Event] = []

    def add_look(self, look: Look) -> None:
        """Keep a decision, if its turn has come; the last one is kept until the next has come."""
        self._last = look
        if look.decision % self.stride == 0:
            self._looks.append(look)
            self._size += look.size
        while self._size > _LOOKS * self._limit and len(self._looks) > 1:
            self.stride *= 2
            self._looks = [each for each in self._looks if each.decision % self.stride == 0]
            self._size = sum(each.size for each in self._looks)

    def add_fills(self, fills: NDArray[Any], lost: int) -> None:
        """Keep trades; `lost` is how many the world has forgotten before they were looked at."""
        room = max(int(_FILLS * self._limit) // FILL.itemsize - self._fill_count, 0)
        self.lost += lost + max(len(fills) - room, 0)
        if len(fills[:room]):
            self._fills.append(fills[:room])
            self._fill_count += len(fills[:room])

    def add_events(self, events: list[Event]) -> None:
        """Keep events."""
        room = max(int(_EVENTS * self._limit) // _EVENT_BYTES - len(self._events), 0)
        self.lost += max(len(events) - room, 0)
        self._events += events[:room]

    def tables(self) -> dict[str, NDArray[Any] | list[Event]]:
        """Return what was kept, by name of the table."""
        looks = list(self._looks)
        if self._last is not None and looks[-1].decision != self._last.decision:
            looks.append(self._last)
        return {
            "steps": np.concatenate([look.step for look in looks]),
            "instruments": np.concatenate([look.instruments for look in looks]),
            "book": np.concatenate([look.books for look in looks]),
            "orders": np.concatenate([np.zeros(0, ORDER), *(look.orders for look in looks)]),
            "fills": np.concatenate([np.zeros(0, FILL), *self._fills]),
            "events": self._events,
        }
