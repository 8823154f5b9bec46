"""PPO: a small network that learned to hedge from its reward alone.

It sees ten fields of the observation (net delta, gamma, time left, two returns, spread, imbalance,
its working order, basis) and answers with a size and how to place it; nobody told it to trade
against its delta. It learned from 800,000 decisions, some 3,300 episodes of the four-hour
GammaScalp in the scenario `calm`, in under seven minutes on a busy core; `train.toml` beside this
file repeats it, and `policy.npz` tells seed and versions. The weights are plain arrays, played with
NumPy alone.

What it found is to rest orders well behind the touch and to let the market come to it, crossing
hardly ever: it pays the maker's fee and saves the taker's. So it depends on how the crowd of its
training fills an order that waits, more than any rule based on delta alone. It is a first learned
agent and a starting point; it is not claimed to win, least of all in scenarios that it never saw.

Reference: Schulman, Wolski, Dhariwal, Radford and Klimov (2017), Proximal Policy Optimization
Algorithms; trained with stable-baselines3.
"""

from __future__ import annotations

from pathlib import Path

from gammagym.agent import Agent, AgentSpec
from gammagym.policy import PolicyAgent


def make_agent(spec: AgentSpec) -> Agent:
    """Make the agent for a task."""
    return PolicyAgent(spec, Path(__file__).with_name("policy.npz"))
