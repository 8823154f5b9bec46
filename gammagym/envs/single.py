"""One world: a Gymnasium environment over one world record."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from gammagym.agent import AgentSpec
from gammagym.envs.batch import Batch
from gammagym.envs.core import agent_spec, build, episode_results, step_info
from gammagym.envs.forking import check_begun, reseeded, reseeds
from gammagym.envs.frames import Frame
from gammagym.envs.kernels.stepping import ENDED, FAILED, RUNNING
from gammagym.envs.paying import RewardFunction, take_function
from gammagym.envs.rendering import RENDERING, Renderer
from gammagym.envs.saving import read_environment, write_environment
from gammagym.envs.seeds import checked_seed
from gammagym.envs.vector import HedgeVectorEnv
from gammagym.scenario.tasks import Task

Observation = NDArray[np.float32]


class HedgeEnv(gym.Env[Observation, Observation]):
    """A market with one agent that hedges the book of a task.

    Observations are described by `gammagym.fields`; the action is the one working
    hedge order the agent wishes to have: signed size, and how to place it. The reward is minus the
    increment of cost relative to a frictionless one-minute hedger, less a price on delta risk.

    Args:
        task: name of a task, or a `Task`.
        scenario: name, path, dict or `Scenario`.
        price_file: CSV of prices to replay as the fundamental price.
        overrides: scenario values by dotted key, such as ``{"price.volatility": 0.8}``.
        reward: name of a reward, or a function of two `gammagym.envs.paying.Standing`.
        render_mode: ``ansi``, ``rgb_array`` or None.
        **options: attributes of the task to change, such as ``horizon_seconds=14400``.

    Raises:
        ScenarioError: something is unknown, malformed or impossible.
        DataError: the price file is missing or broken.

    >>> env = HedgeEnv(scenario="calm", horizon_seconds=3600.0)
    >>> observation, info = env.reset(seed=7)
    >>> observation, reward, terminated, truncated, info = env.step(env.action_space.sample())
    >>> info["time_seconds"]
    60.0
    """

    metadata: dict[str, Any] = dict(RENDERING)  # noqa: RUF012

    def __init__(
        self,
        task: str | Task = "GammaScalp",
        scenario: Any = "calm",
        *,
        price_file: str | None = None,
        overrides: Mapping[str, Any] | None = None,
        reward: str | RewardFunction | None = None,
        render_mode: str | None = None,
        **options: Any,
    ) -> None:
        function = take_function(reward, options)
        self.compiled = build(task, scenario, price_file, overrides, options)
        self.batch = Batch(self.compiled, 1, reward=function)
        self.observation_space = self.batch.face.observation_space
        self.action_space = self.batch.face.action_space
        self.observation_fields = self.batch.face.fields
        self.render_mode = render_mode
        self._renderer = Renderer(render_mode, 1)
        self.forked = False

    @property
    def worlds(self) -> NDArray[Any]:
        """The world, as an array of one."""
        return self.batch.worlds

    def agent_spec(self) -> AgentSpec:
        """Return what an agent of this environment is told before the first observation."""
        return agent_spec(self.compiled)

    @property
    def variant(self) -> dict[str, Any]:
        """What the seed of this episode drew from the scenario's ranges, by dotted key.

        Percentages are shares, durations seconds; choices that are no numbers stay what they are.
        """
        return self.batch.variant(0, int(self.worlds["seed"][0]))

    def results(self) -> dict[str, Any]:
        """Return what became of the episode so far."""
        return {key: column[0].item() for key, column in episode_results(self.worlds).items()}

    def reset(
        self,
        *,
        seed: int | None = None,
        options: dict[str, Any] | None = None,  # noqa: ARG002 (Gymnasium's signature)
    ) -> tuple[Observation, dict[str, Any]]:
        """Start a new episode; without a seed, one is drawn from the environment's generator."""
        seed = checked_seed(seed)
        super().reset(seed=seed)
        if seed is None:
            seed = int(self.np_random.integers(0, 2**63, dtype=np.int64))
        self.batch.open(np.zeros(1, np.int64), np.array([seed], np.uint64))
        return self.batch.observations[0, 0].copy(), step_info(self.batch.infos[0, 0])

    def step(self, action: Observation) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Take one decision and let the market run until the next.

        Args:
            action: of the action space; numbers beyond -1 and 1 are clipped.

        Raises:
            InvalidActionError: wrong shape, NaN or infinity.
            gymnasium.error.ResetNeeded: before reset, or after the end of the episode.
        """
        batch = self.batch
        if batch.status[0] != RUNNING:
            raise gym.error.ResetNeeded("the episode has not begun or is over: call reset()")
        batch.step(batch.face.checked(action)[None, None])
        status = batch.status[0]
        return (
            batch.observations[0, 0].copy(),
            float(batch.rewards[0, 0]),
            bool(status == ENDED),
            bool(status == FAILED),
            step_info(batch.infos[0, 0]),
        )

    def render(self) -> str | Frame | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return the book with the agent's own orders marked: text, or a picture of it."""
        shown = self._renderer.render(self.worlds)
        return None if shown is None else shown[0]

    # --- Copies, see docs/environments/forks ---------------------------------------------------

    def fork(self, reseed: int | None = None) -> HedgeEnv:
        """Return a copy of the environment at the same moment, with a world of its own.

        Whoever looks into a fork sees what no agent may: `forked` is True from then on, of the copy
        and of this environment.

        Args:
            reseed: None keeps the random numbers to come: the copy meets the same outside world,
                for counterfactuals. A number redraws everything after the fork, for planning.

        >>> env = HedgeEnv(scenario="calm", horizon_seconds=3600.0)
        >>> observation, info = env.reset(seed=7)
        >>> twin = env.fork()
        >>> action = env.action_space.sample()
        >>> bool((twin.step(action)[0] == env.step(action)[0]).all())
        True
        """
        check_begun(self, "fork")
        numbers = reseeds(reseed, 1)
        self.forked = True
        return reseeded(copy.deepcopy(self), numbers)

    def fork_many(self, reseed: Sequence[int | None]) -> HedgeVectorEnv:
        """Return many copies of the world at the same moment, as one vector environment.

        Args:
            reseed: as of `fork`, one for each copy. Copies with the same number meet the same
                future, so that what is done in them can be compared.
        """
        check_begun(self, "fork")
        numbers = reseeds(reseed, len(reseed))
        self.forked = True
        batch = self.batch.take(np.zeros(len(numbers), np.int64))
        return reseeded(HedgeVectorEnv.of(batch, copy.deepcopy(self.np_random)), numbers)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the environment in mid-episode to a file of plain arrays; nothing is pickled.

        Raises:
            gymnasium.error.ResetNeeded: there is no episode yet.
            DataError: its reward is a function, which no file of arrays can hold.
        """
        write_environment(path, self)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> HedgeEnv:
        """Read an environment that `save` wrote; it goes on equally to the bit.

        Raises:
            DataError: the file is not a saved environment of one world, is of another version, or
                contradicts itself.
            ScenarioError: its scenario cannot be compiled any more: a file of prices is missing.
        """
        return read_environment(path, cls)
