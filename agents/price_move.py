"""Price move: trade back to zero net delta whenever the price has moved by a share since last time.

The rule that articles on gamma scalping recommend, with a trigger of 0.1 %. A rebalance after a
relative move x books half of x of the notional it trades and pays the fee: at a taker fee of
5 basis points a trigger of 0.1 % hands the whole gamma profit to the exchange. Wider triggers are
a good rule: they beat fixed intervals of equal turnover in variance.

Reference: Henrotte (1993), Transaction costs and duplication strategies, for moves as triggers;
``gammagym.hedging.break_even_volatility_trigger`` for what fees amount to.
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

    move: float = 0.001  # relative price move that triggers a hedge (0.001 is 0.1 %)

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        if not 0 < self.move < 1:
            raise AgentError(f"move must be > 0 and < 1 (a share of the price), was {self.move}")


class PriceMove:
    """Hedges when the price has left its last hedging price, and until that hedge is done.

    One hedge may take several orders: a wish is cut to the largest order, and a halted venue
    fills nothing. So each world remembers the position that its hedge was to reach.
    """

    def __init__(self, spec: AgentSpec, params: Params) -> None:
        """Start without a memory."""
        self.spec, self.params = spec, params
        self._last_price: NDArray[Any] | None = None  # mid at the last hedge
        self._target: NDArray[Any] | None = None  # hedge position wished for then

    def reset(self, info: dict[str, Any], worlds: NDArray[np.bool_] | None = None) -> None:  # noqa: ARG002
        """Forget at what price the worlds that start anew were hedged."""
        if worlds is None or self._last_price is None or self._target is None:
            self._last_price = self._target = None
        else:
            self._last_price = np.where(worlds, np.nan, self._last_price)
            self._target = np.where(worlds, np.nan, self._target)

    def act(self, observation: Array) -> Array:
        """Return the order that brings the net delta to zero where a hedge is due or unfinished."""
        seen = self.spec.read(observation)
        if self._last_price is None or self._target is None:
            self._last_price = self._target = np.full(seen.price.shape, np.nan)

        first = np.isnan(self._last_price)
        moved = np.abs(seen.price - self._last_price) >= self.params.move * self._last_price
        smallest = self.spec.dead_zone * self.spec.largest_order
        unfinished = np.abs(self._target - seen.hedge) > smallest
        units = np.where(first | moved | unfinished, -seen.net_delta, 0.0)

        # A wish in the dead zone is no order, so it is no hedge to measure the next move from.
        hedges = np.abs(units) >= smallest
        self._last_price = np.where(first | hedges, seen.price, self._last_price)
        self._target = np.where(hedges, seen.hedge + units, self._target)
        return self.spec.order(units)


def make_agent(spec: AgentSpec, **params: Any) -> Agent:
    """Make the agent for a task."""
    return PriceMove(spec, Params(**params))
