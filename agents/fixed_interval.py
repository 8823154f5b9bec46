"""Fixed interval: trade back to zero net delta every so many minutes, whatever happened between.

The oldest way to hedge, and the one that option pricing itself is derived from as the interval
shrinks. Short intervals hand the gamma profit to the exchange, long ones leave the risk: with
proportional costs the fees grow as 1/√Δt and the standard deviation as √Δt.

The environment carries out no order smaller than its dead zone (5 % of the largest order, unless
changed), so at intervals of a few minutes many of the wishes are not traded: every minute costs a
third less than it would without.

Reference: Leland (1985), Option pricing and replication with transactions costs, Journal of
Finance 40(5); Kamal and Derman (1998), When You Cannot Hedge Continuously: The Corrections to
Black-Scholes, Goldman Sachs Quantitative Strategies research note.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gammagym.agent import Agent, AgentSpec, Array
from gammagym.errors import AgentError


@dataclass(frozen=True)
class Params:
    """What can be set."""

    minutes: float = 15.0  # time between two hedges; at least one decision

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        if not self.minutes > 0:
            raise AgentError(f"minutes must be > 0, was {self.minutes}")


class FixedInterval:
    """Hedges in the first decision of every interval, and goes on until that hedge is done.

    One hedge may take several orders: a wish is cut to the largest order, and a halted venue
    fills nothing. So each world remembers the position that its hedge was to reach.
    """

    def __init__(self, spec: AgentSpec, params: Params) -> None:
        """Start without a memory."""
        self.spec, self.params = spec, params
        self._interval: NDArray[Any] | None = None  # number of the interval last hedged in
        self._target: NDArray[Any] | None = None  # hedge position wished for then

    def reset(self, info: dict[str, Any], worlds: NDArray[np.bool_] | None = None) -> None:  # noqa: ARG002
        """Forget when the worlds that start anew were hedged."""
        if worlds is None or self._interval is None or self._target is None:
            self._interval = self._target = None
        else:
            self._interval = np.where(worlds, np.nan, self._interval)
            self._target = np.where(worlds, np.nan, self._target)

    def act(self, observation: Array) -> Array:
        """Return the order that brings the net delta to zero where a hedge is due or unfinished."""
        seen = self.spec.read(observation)
        if self._interval is None or self._target is None:
            self._interval = self._target = np.full(seen.price.shape, np.nan)

        # Half a decision is added so that rounding cannot make a hedge come one decision late.
        elapsed = (1 - seen.time_left) * self.spec.horizon_seconds + self.spec.decision_seconds / 2
        interval = elapsed // (60 * self.params.minutes)
        due = interval != self._interval  # also at the start: nothing equals nan
        smallest = self.spec.dead_zone * self.spec.largest_order
        unfinished = np.abs(self._target - seen.hedge) > smallest
        trade = due | unfinished

        self._interval = np.where(due, interval, self._interval)
        self._target = np.where(trade, seen.hedge - seen.net_delta, self._target)
        return self.spec.order(np.where(trade, -seen.net_delta, 0.0))


def make_agent(spec: AgentSpec, **params: Any) -> Agent:
    """Make the agent for a task."""
    return FixedInterval(spec, Params(**params))
