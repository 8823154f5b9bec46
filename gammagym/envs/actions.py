"""Action spaces: what an environment takes for an action, by scheme (docs/environments/actions)."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from gammagym.envs.kernels.moves import LEG_SHARES, MOVES
from gammagym.errors import ActionError
from gammagym.scenario.compile import Compiled
from gammagym.world.codes import SCHEME_BAND, SCHEME_DISCRETE, SCHEME_HEDGE, SCHEME_QUOTES
from gammagym.world.sizes import FREE_ORDERS


class InvalidActionError(ActionError, gym.error.InvalidAction):
    """An action has the wrong shape or is not a number."""


def action_size(compiled: Compiled) -> int:
    """Return how many numbers the worlds take for an action."""
    agent = compiled.template["agents"][0, 0]
    hedges = int(agent["hedge_count"])
    numbers = {SCHEME_HEDGE: 2 * hedges, SCHEME_QUOTES: 4, SCHEME_BAND: 3, SCHEME_DISCRETE: 1}
    free = FREE_ORDERS * (4 if hedges == 1 else 5)
    return numbers.get(int(agent["scheme"]), free) + int(agent["option_slots"])


def action_space(compiled: Compiled) -> gym.Space[Any]:
    """Return the action space of one competitor."""
    size = action_size(compiled)
    if compiled.task.action_scheme != "discrete":
        return gym.spaces.Box(-1.0, 1.0, (size,), np.float32)
    if size == 1:
        return gym.spaces.Discrete(len(MOVES))
    return gym.spaces.MultiDiscrete([len(MOVES), *[len(LEG_SHARES)] * (size - 1)])


def checked_actions(action: Any, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return an action as contiguous float32 after checking shape and numbers.

    Raises:
        InvalidActionError: the shape is wrong or a number is NaN or infinite.
    """
    try:
        array = np.ascontiguousarray(action, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise InvalidActionError(f"an action must be numbers of shape {shape}: {error}") from None
    if array.shape != shape:
        raise InvalidActionError(f"an action must have shape {shape}, was {array.shape}")
    if np.count_nonzero(np.isfinite(array)) < array.size:
        raise InvalidActionError(
            "an action must be finite numbers (those beyond -1 and 1 are clipped), "
            f"was {np.asarray(action).tolist()!r:.200}"
        )
    return array


def checked_moves(
    action: Any, shape: tuple[int, ...], space: gym.Space[Any]
) -> NDArray[np.float32]:
    """Return a discrete action as contiguous float32 after checking shape and numbers.

    Args:
        action: whole numbers.
        shape: the shape it must have; its last axes are those of the space.
        space: `Discrete` or `MultiDiscrete`.

    Raises:
        InvalidActionError: the shape is wrong, or something is no integer, or none of the space's.
    """
    counts = space.nvec if isinstance(space, gym.spaces.MultiDiscrete) else np.array(len(MOVES))
    array = np.asarray(action)
    if array.dtype.kind not in "iu":
        raise InvalidActionError(
            f"a discrete action must be integers of shape {shape}, was {array.dtype} of shape "
            f"{array.shape}: {array.tolist()!r:.200}"
        )
    if array.shape != shape:
        raise InvalidActionError(f"a discrete action must have shape {shape}, was {array.shape}")
    if ((array < 0) | (array >= counts)).any():
        raise InvalidActionError(
            f"a discrete action must be from 0 to {(counts - 1).tolist()}, "
            f"was {array.tolist()!r:.200}"
        )
    return np.ascontiguousarray(array, dtype=np.float32)
