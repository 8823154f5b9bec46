"""gammagym: a market you can trade in, as a Gymnasium environment.

>>> import gymnasium as gym
>>> import gammagym
>>> env = gym.make("gammagym/GammaScalp-v0", scenario="calm")
>>> observation, info = env.reset(seed=1)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from gammagym.agent import OBSERVATION_FIELDS, Agent, AgentSpec
from gammagym.envs import register_environments
from gammagym.errors import GammagymError

if TYPE_CHECKING:
    from gammagym.api.market import Market
    from gammagym.api.order_book import OrderBook
    from gammagym.engine.protocol import INSTRUCTION, MESSAGE, REPORT
    from gammagym.engine.rules import BookRules
    from gammagym.exchange.formulas.contracts import (
        inverse_average_entry,
        inverse_pnl,
        linear_average_entry,
        linear_pnl,
    )
    from gammagym.exchange.formulas.fees import capped_option_fee
    from gammagym.exchange.formulas.funding import (
        clamped_funding_rate,
        inverse_funding_payment,
        linear_funding_payment,
        premium_index,
    )
    from gammagym.exchange.formulas.liquidation import (
        bankruptcy_price,
        inverse_bankruptcy_price,
        inverse_liquidation_price,
        liquidation_price,
    )
    from gammagym.exchange.formulas.margin import tiered_maintenance_margin
    from gammagym.exchange.formulas.marks import mark_price
    from gammagym.loading import load_agent
    from gammagym.scenario.load import load_scenario

__version__ = "0.1.0"

__all__ = [
    "INSTRUCTION",
    "MESSAGE",
    "OBSERVATION_FIELDS",
    "REPORT",
    "Agent",
    "AgentSpec",
    "BookRules",
    "GammagymError",
    "Market",
    "OrderBook",
    "bankruptcy_price",
    "capped_option_fee",
    "clamped_funding_rate",
    "inverse_average_entry",
    "inverse_bankruptcy_price",
    "inverse_funding_payment",
    "inverse_liquidation_price",
    "inverse_pnl",
    "linear_average_entry",
    "linear_funding_payment",
    "linear_pnl",
    "liquidation_price",
    "load_agent",
    "load_scenario",
    "mark_price",
    "premium_index",
    "tiered_maintenance_margin",
]

# Loaded when first used, so that `import gammagym` and the command line's help are there at once.
_WHERE = {
    "BookRules": "gammagym.engine.rules",
    "INSTRUCTION": "gammagym.engine.protocol",
    "MESSAGE": "gammagym.engine.protocol",
    "Market": "gammagym.api.market",
    "OrderBook": "gammagym.api.order_book",
    "REPORT": "gammagym.engine.protocol",
    "bankruptcy_price": "gammagym.exchange.formulas.liquidation",
    "capped_option_fee": "gammagym.exchange.formulas.fees",
    "clamped_funding_rate": "gammagym.exchange.formulas.funding",
    "inverse_average_entry": "gammagym.exchange.formulas.contracts",
    "inverse_bankruptcy_price": "gammagym.exchange.formulas.liquidation",
    "inverse_funding_payment": "gammagym.exchange.formulas.funding",
    "inverse_liquidation_price": "gammagym.exchange.formulas.liquidation",
    "inverse_pnl": "gammagym.exchange.formulas.contracts",
    "linear_average_entry": "gammagym.exchange.formulas.contracts",
    "linear_funding_payment": "gammagym.exchange.formulas.funding",
    "linear_pnl": "gammagym.exchange.formulas.contracts",
    "liquidation_price": "gammagym.exchange.formulas.liquidation",
    "load_agent": "gammagym.loading",
    "load_scenario": "gammagym.scenario.load",
    "mark_price": "gammagym.exchange.formulas.marks",
    "premium_index": "gammagym.exchange.formulas.funding",
    "tiered_maintenance_margin": "gammagym.exchange.formulas.margin",
}


def __getattr__(name: str) -> Any:
    """Import a public name that has not been used yet."""
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_WHERE[name]), name)
    globals()[name] = value
    return value


register_environments()
