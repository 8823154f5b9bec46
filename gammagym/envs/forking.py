"""Forks: environments that are copied in mid-episode, with the future that was drawn or another.

A copy has worlds of its own and shares what never changes. It holds all that is hidden as well, so
whoever looks into one knows more than an agent may: `forked` says so, of both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

import gymnasium as gym
import numpy as np

from gammagym.envs.seeds import checked_seed

if TYPE_CHECKING:
    from gammagym.envs.single import HedgeEnv
    from gammagym.envs.vector import HedgeVectorEnv

Reseed = int | Sequence[int | None] | None
Environment = TypeVar("Environment", "HedgeEnv", "HedgeVectorEnv")


def reseeds(reseed: Reseed, count: int) -> list[int | None]:
    """Return what each of `count` worlds is reseeded with, after checking it.

    Raises:
        gymnasium.error.Error: it is no number from 0 to 2**63 - 1, or not one for each world.
    """
    several = isinstance(reseed, Sequence | np.ndarray)
    given = list(reseed) if several else [reseed] * count
    if len(given) != count or count == 0:
        raise gym.error.Error(
            f"reseed must be one number, or one for each of {max(count, 1)} worlds or more, "
            f"had {len(given)} entries"
        )
    return [checked_seed(number, "reseed") for number in given]


def reseeded(env: Environment, numbers: Sequence[int | None]) -> Environment:
    """Return a fork after redrawing the future of its worlds.

    Args:
        env: the fork, which nobody else uses yet.
        numbers: what each world is reseeded with; None keeps what it has drawn.
    """
    env.forked = True
    rows = np.array([row for row, number in enumerate(numbers) if number is not None], np.int64)
    drawn = np.array([number for number in numbers if number is not None], np.uint64)
    if len(rows) > 0:
        env.batch.redraw(rows, drawn)
        # Also the episodes that come after this one.
        env.np_random = np.random.default_rng(drawn)
    return env


def check_begun(env: HedgeEnv | HedgeVectorEnv, what: str) -> None:
    """Refuse to fork or save what has not begun.

    Raises:
        gymnasium.error.ResetNeeded: some world has had no episode yet.
    """
    if (env.worlds["time_ns"] < 0).any():
        raise gym.error.ResetNeeded(f"there is no episode to {what} yet: call reset() first")
