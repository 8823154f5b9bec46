"""Gymnasium environments: faces of a world, without rules of their own."""

from __future__ import annotations

import gymnasium as gym

from gammagym.scenario.tasks import TASKS


def register_environments() -> None:
    """Register every task as ``gammagym/<task>-v0``; importing gammagym does it."""
    for task in TASKS:
        if f"gammagym/{task}-v0" not in gym.registry:
            gym.register(
                f"gammagym/{task}-v0",
                entry_point="gammagym.envs.single:HedgeEnv",
                vector_entry_point="gammagym.envs.vector:HedgeVectorEnv",
                kwargs={"task": task},
            )
