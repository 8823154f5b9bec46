"""gammagym: a market you can trade in, as a Gymnasium environment.

>>> import gymnasium as gym
>>> import gammagym
>>> env = gym.make("gammagym/GammaScalp-v0", scenario="calm")
>>> observation, info = env.reset(seed=1)
"""

from __future__ import annotations

from gammagym.agent import OBSERVATION_FIELDS, Agent, AgentSpec
from gammagym.api.market import Market
from gammagym.api.order_book import OrderBook
from gammagym.engine.process import MESSAGE, REPORT
from gammagym.envs import register_environments
from gammagym.errors import GammagymError
from gammagym.loading import load_agent
from gammagym.scenario.load import load_scenario

__version__ = "0.1.0"

__all__ = [
    "MESSAGE",
    "OBSERVATION_FIELDS",
    "REPORT",
    "Agent",
    "AgentSpec",
    "GammagymError",
    "Market",
    "OrderBook",
    "load_agent",
    "load_scenario",
]

register_environments()
