"""Delta band that only rests: the rule `delta_band` with orders that join the best price.

Not a competitor: it lets the rank of thin and full flows be compared where resting orders decide.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gammagym.agent import Agent, AgentSpec, Array
from gammagym.hedging import trade_to_centre


class RestingBand:
    """Trades back to zero outside of 1 % of the book, at the touch, at every decision."""

    def __init__(self, spec: AgentSpec) -> None:
        """Keep the spec."""
        self.spec = spec

    def reset(self, info: dict[str, Any], worlds: NDArray[np.bool_] | None = None) -> None:
        """Forget nothing: nothing is remembered."""

    def act(self, observation: Array) -> Array:
        """Return an order that joins the best price where the net delta is outside the band."""
        seen = self.spec.read(observation)
        wish = trade_to_centre(seen.net_delta, 0.01 * self.spec.gross_quantity)
        return self.spec.order(wish, urgency=0.0)


def make_agent(spec: AgentSpec) -> Agent:
    """Make the agent for a task."""
    return RestingBand(spec)
