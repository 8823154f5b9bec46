"""Gymnasium environments: faces of a world, without rules of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gymnasium as gym

from gammagym.scenario.tasks import TASKS

if TYPE_CHECKING:
    from gammagym.envs.parallel import arena_parallel_env

__all__ = ["arena_parallel_env", "register_environments"]


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


def __getattr__(name: str) -> Any:
    """Import what needs PettingZoo when it is asked for, since PettingZoo is optional."""
    if name != "arena_parallel_env":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from gammagym.envs.parallel import arena_parallel_env

    return arena_parallel_env
