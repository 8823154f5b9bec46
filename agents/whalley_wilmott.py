"""Whalley-Wilmott: a delta band as wide as fees and gamma make worth while, traded to its edge.

For small costs the best policy of a risk-averse hedger is to do nothing inside a band around the
delta and to trade to its nearest edge outside. The band is wide where gamma is large, since the
delta would soon be back, and where trading is dear; it is narrow for the risk-averse:

    half-width = (3/2 · cost · price · gamma² / risk aversion)^(1/3)

Gamma is that of the whole book, and the cost of a trade is the taker fee of the moment plus half of
the spread, since this agent crosses it. Without gamma the band has no width: the book is hedged
once and then left alone.

Reference: Whalley and Wilmott (1997), An asymptotic analysis of an optimal hedging model for
option pricing with transaction costs, Mathematical Finance 7(3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gammagym.agent import Agent, AgentSpec, Array
from gammagym.errors import AgentError
from gammagym.hedging import trade_to_band, whalley_wilmott_half_width


@dataclass(frozen=True)
class Params:
    """What can be set."""

    risk_aversion: float = 1.0  # multiple of the task's own risk aversion; more: narrower band

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        if not self.risk_aversion > 0:
            raise AgentError(f"risk_aversion must be > 0, was {self.risk_aversion}")


class WhalleyWilmott:
    """Reckons the band anew at every decision; remembers nothing."""

    def __init__(self, spec: AgentSpec, params: Params) -> None:
        """Reckon the risk aversion (1 / currency)."""
        self.spec, self.params = spec, params
        self.risk_aversion = params.risk_aversion * spec.risk_aversion
        if not self.risk_aversion > 0:
            raise AgentError(
                f"the task's risk aversion must be > 0 for a band, was {spec.risk_aversion}"
            )

    def reset(self, info: dict[str, Any], worlds: NDArray[np.bool_] | None = None) -> None:
        """Forget nothing: nothing is remembered."""

    def act(self, observation: Array) -> Array:
        """Return the order to the nearest edge where the net delta is outside the band."""
        seen = self.spec.read(observation)
        taker_fee = self.spec.field(observation, "taker_fee") * 1e-4
        half_spread = 0.5 * seen.spread / np.maximum(seen.price, 1e-12)
        half_width = whalley_wilmott_half_width(
            seen.price, seen.gamma, taker_fee + half_spread, self.risk_aversion
        )
        return self.spec.order(trade_to_band(seen.net_delta, half_width))


def make_agent(spec: AgentSpec, **params: Any) -> Agent:
    """Make the agent for a task."""
    return WhalleyWilmott(spec, Params(**params))
