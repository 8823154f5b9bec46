"""Delta band: leave the net delta alone inside a band of fixed width, trade it back outside.

Trading only where the risk is beats trading by the clock. The width is a share of the book's gross
quantity, so 1 % of 10 straddles is a band of ±0.1. It is the same at any gamma, price and fee,
which is what Whalley and Wilmott's band improves on.

Reference: Martellini and Priaulet (2002), Competing methods for option hedging in the presence of
transaction costs, Journal of Derivatives 9(3). With fees in proportion to the trade, going back to
the nearest edge is cheaper; with a fee per trade, going back to the centre is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gammagym.agent import Agent, AgentSpec, Array
from gammagym.errors import AgentError
from gammagym.hedging import trade_to_band, trade_to_centre


@dataclass(frozen=True)
class Params:
    """What can be set."""

    band: float = 0.01  # half-width of the band, as a share of the book's gross quantity
    edge: bool = False  # trade to the nearest edge of the band instead of to its centre

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        if not self.band >= 0:
            raise AgentError(f"band must be >= 0, was {self.band}")


class DeltaBand:
    """Compares the net delta with the band at every decision; remembers nothing."""

    def __init__(self, spec: AgentSpec, params: Params) -> None:
        """Reckon the width once: it never changes."""
        self.spec, self.params = spec, params
        self.half_width = params.band * spec.gross_quantity  # units of the underlying
        self.trade = trade_to_band if params.edge else trade_to_centre

    def reset(self, info: dict[str, Any], worlds: NDArray[np.bool_] | None = None) -> None:
        """Forget nothing: nothing is remembered."""

    def act(self, observation: Array) -> Array:
        """Return the order that brings the net delta back where it is outside the band."""
        seen = self.spec.read(observation)
        return self.spec.order(self.trade(seen.net_delta, self.half_width))


def make_agent(spec: AgentSpec, **params: Any) -> Agent:
    """Make the agent for a task."""
    return DeltaBand(spec, Params(**params))
