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
    "load_agent",
    "load_scenario",
]

# Loaded when first used, so that `import gammagym` and the command line's help are there at once.
_WHERE = {
    "BookRules": "gammagym.engine.rules",
    "INSTRUCTION": "gammagym.engine.protocol",
    "MESSAGE": "gammagym.engine.protocol",
    "Market": "gammagym.api.market",
    "OrderBook": "gammagym.api.order_book",
    "REPORT": "gammagym.engine.protocol",
    "load_agent": "gammagym.loading",
    "load_scenario": "gammagym.scenario.load",
}


def __getattr__(name: str) -> Any:
    """Import a public name that has not been used yet."""
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_WHERE[name]), name)
    globals()[name] = value
    return value


register_environments()
