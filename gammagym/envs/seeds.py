"""What may be given as the seed of a world, or of many; what may not is refused by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np


def checked_seed(seed: Any, name: str = "seed") -> int | None:
    """Return the seed of one world.

    Raises:
        gymnasium.error.Error: it is neither None nor a whole number from 0 to 2**63 - 1.

    >>> checked_seed(np.int64(7))
    7
    """
    whole = isinstance(seed, int | np.integer) and not isinstance(seed, bool)
    if seed is not None and not (whole and 0 <= seed < 2**63):
        raise gym.error.Error(
            f"{name} must be None or a whole number from 0 to 2**63 - 1, was {seed!r}"
        )
    return None if seed is None else int(seed)


def checked_seeds(seed: Any, count: int) -> list[int | None]:
    """Return one seed for each world.

    Args:
        seed: world i gets seed + i; several: each its own; None: nobody gets one.
        count: number of worlds.

    Raises:
        gymnasium.error.Error: there is not one for each world, or one is no seed.

    >>> checked_seeds(5, 3)
    [5, 6, 7]
    """
    if isinstance(seed, Sequence | np.ndarray) and not isinstance(seed, str):
        if len(seed) != count:
            raise gym.error.Error(f"{count} seeds are needed, {len(seed)} were given")
        return [checked_seed(one) for one in seed]
    first = checked_seed(seed)
    if first is None:
        return [None] * count
    return [checked_seed(first + row) for row in range(count)]


def checked_num_envs(count: Any) -> int:
    """Return a number of worlds.

    Raises:
        gymnasium.error.Error: it is no whole number above 0.
    """
    if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 1:
        raise gym.error.Error(f"num_envs must be at least 1 and a whole number, was {count!r}")
    return int(count)
