"""No hedge: keep the book as it is and never trade.

The floor of every comparison. It pays no fees and bears the whole risk: an agent that does not
beat it in risk, or loses to it in cost for nothing, has no reason to trade.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gammagym.agent import Agent, AgentSpec, Array


@dataclass(frozen=True)
class Params:
    """It has none."""


class NoHedge:
    """Wishes for no order, always."""

    def __init__(self, spec: AgentSpec, params: Params) -> None:
        """Keep the spec."""
        self.spec, self.params = spec, params

    def reset(self, info: dict[str, Any], worlds: NDArray[np.bool_] | None = None) -> None:
        """Forget nothing: nothing is remembered."""

    def act(self, observation: Array) -> Array:
        """Return an order of size zero for every world."""
        return self.spec.order(np.zeros(observation.shape[:-1]))


def make_agent(spec: AgentSpec, **params: Any) -> Agent:
    """Make the agent for a task."""
    return NoHedge(spec, Params(**params))
