"""Worlds as a vector environment of stable-baselines3, whose `VecEnv` is not Gymnasium's.

Needs the extra: ``pip install 'gammagym[train]'``.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from gammagym.envs.seeds import checked_seed
from gammagym.envs.vector import HedgeVectorEnv
from gammagym.errors import GammagymError, MissingExtraError
from gammagym.scenario.tasks import Task
from gammagym.world.codes import PARTS

try:
    from stable_baselines3.common.monitor import Monitor
    from stable_baselines3.common.vec_env.base_vec_env import (
        VecEnv,
        VecEnvIndices,
        VecEnvStepReturn,
    )
except ImportError as error:
    raise MissingExtraError(
        f"learning needs stable-baselines3 and torch ({error}): pip install 'gammagym[train]'"
    ) from error

_ID_PREFIX = "gammagym/"
_ID_SUFFIX = "-v0"


def make_vec_env(
    task: str | Task,
    n_envs: int = 1,
    seed: int | None = None,
    *,
    attribution: bool = False,
    **kwargs: Any,
) -> HedgeVecEnv:
    """Make a vector environment for stable-baselines3.

    Args:
        task: an environment's id (``gammagym/GammaScalp-v0``), a task's name, or a `Task`.
        n_envs: number of worlds.
        seed: world i gets seed + i at the first reset; None: seeds of no memory.
        attribution: put the profit's split into the info of every step, which costs time.
        **kwargs: as of `HedgeVectorEnv`: ``scenario``, ``overrides``, ``threads`` and so on.

    Raises:
        ScenarioError: something is unknown, malformed or impossible.

    >>> envs = make_vec_env("GammaScalp", n_envs=4, seed=7, scenario="calm")
    >>> envs.reset().shape
    (4, 29)
    """
    if isinstance(task, str):
        task = task.removeprefix(_ID_PREFIX).removesuffix(_ID_SUFFIX)
    envs = HedgeVectorEnv(n_envs, task, autoreset_mode=AutoresetMode.SAME_STEP, **kwargs)
    adapter = HedgeVecEnv(envs, attribution=attribution)
    if seed is not None:
        adapter.seed(seed)
    return adapter


class HedgeVecEnv(VecEnv):
    """A `HedgeVectorEnv` as stable-baselines3 wants it; equal to it to the bit.

    A world that ends starts anew in the same step. Its info then has ``terminal_observation``,
    ``TimeLimit.truncated`` (False at the horizon, which is part of the task; True if the world has
    failed, with the reason in ``failure``), ``episode`` with the return, the length and the time
    since the start, and ``results`` with what became of it; infos of other worlds are empty, unless
    ``attribution`` is asked for.

    Worlds are rows of one environment, so attributes and methods are those of `HedgeVectorEnv`:
    the same for every world.

    Args:
        envs: the worlds, in the mode SAME_STEP.
        attribution: put the profit's split into the info of every step, as ``attribution``; of an
            episode that has ended, it is the last one.
    """

    def __init__(self, envs: HedgeVectorEnv, *, attribution: bool = False) -> None:
        self.envs = envs
        self.attribution = attribution
        self._first_seed: int | None = None
        self._actions = np.zeros((envs.num_envs, 0), np.float32)
        self._returns = np.zeros(envs.num_envs)
        self._lengths = np.zeros(envs.num_envs, np.int64)
        self._start = time.perf_counter()
        super().__init__(envs.num_envs, envs.single_observation_space, envs.single_action_space)

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """Set the seeds of the next reset: world i gets seed + i; None draws one."""
        given = checked_seed(seed)
        first = int(np.random.default_rng().integers(2**32)) if given is None else given
        self._first_seed = first
        self._seeds = [first + row for row in range(self.num_envs)]
        return self._seeds

    def reset(self) -> NDArray[np.float32]:
        """Start new episodes in all worlds."""
        observations, _ = self.envs.reset(seed=self._first_seed)
        self._first_seed = None
        self._reset_seeds()
        self._reset_options()
        self._returns[:] = 0.0
        self._lengths[:] = 0
        return observations

    def step_async(self, actions: NDArray[Any]) -> None:
        """Keep the actions for `step_wait`."""
        self._actions = actions

    def step_wait(self) -> VecEnvStepReturn:
        """Let every agent take one decision; worlds that end start anew."""
        step = self.envs.step_lean(self._actions)
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        if self.attribution:
            for info, parts in zip(infos, step.parts.tolist(), strict=True):
                info["attribution"] = dict(zip(PARTS, parts, strict=True))
        self._returns += step.rewards
        self._lengths += 1
        if step.over.any():
            elapsed = round(time.perf_counter() - self._start, 6)
            for index, row in enumerate(np.flatnonzero(step.over)):
                infos[row] |= {
                    "terminal_observation": step.last_observations[index],
                    "TimeLimit.truncated": bool(step.truncated[row]),
                    "episode": {
                        "r": float(self._returns[row]),
                        "l": int(self._lengths[row]),
                        "t": elapsed,
                    },
                    "results": {key: column[index].item() for key, column in step.results.items()},
                }
                if step.truncated[row]:
                    infos[row]["failure"] = step.failures[index]
            self._returns[step.over] = 0.0
            self._lengths[step.over] = 0
        return step.observations, step.rewards, step.over, infos

    def close(self) -> None:
        """Close the environment."""
        self.envs.close()

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """Return an attribute, once for each of the chosen worlds."""
        return [getattr(self.envs, attr_name)] * len(self._rows(indices))

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Set an attribute; of all worlds only, since they share it.

        Raises:
            GammagymError: only some worlds are chosen.
        """
        if set(self._rows(indices)) != set(range(self.num_envs)):
            raise GammagymError(f"{attr_name!r} cannot be set for some worlds: they share it")
        setattr(self.envs, attr_name, value)

    def env_method(
        self,
        method_name: str,
        *method_args: Any,
        indices: VecEnvIndices = None,
        **method_kwargs: Any,
    ) -> list[Any]:
        """Call a method once; returns its result for each of the chosen worlds."""
        result = getattr(self.envs, method_name)(*method_args, **method_kwargs)
        return [result] * len(self._rows(indices))

    def env_is_wrapped(
        self, wrapper_class: type[gym.Wrapper[Any, Any, Any, Any]], indices: VecEnvIndices = None
    ) -> list[bool]:
        """Return whether worlds are wrapped: as by `Monitor`, whose statistics infos have."""
        return [issubclass(wrapper_class, Monitor)] * len(self._rows(indices))

    def _rows(self, indices: VecEnvIndices) -> list[int]:
        return [int(row) for row in self._get_indices(indices)]
