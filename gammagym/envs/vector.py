"""Many worlds at once: a Gymnasium vector environment over an array of world records."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from gammagym.agent import AgentSpec
from gammagym.envs.batch import Batch, checked_threads
from gammagym.envs.core import (
    agent_spec,
    build,
    column_infos,
    episode_results,
    failure_infos,
    failure_texts,
)
from gammagym.envs.forking import Reseed, check_begun, reseeded, reseeds
from gammagym.envs.frames import Frame
from gammagym.envs.kernels.stepping import ENDED, FAILED, INFO_PARTS, RUNNING
from gammagym.envs.paying import RewardFunction, take_function
from gammagym.envs.rendering import RENDERING, Renderer
from gammagym.envs.saving import read_environment, write_environment
from gammagym.envs.seeds import checked_num_envs, checked_seeds
from gammagym.scenario.tasks import Task
from gammagym.world.codes import PARTS

Observations = NDArray[np.float32]


class LeanStep(NamedTuple):
    """What `HedgeVectorEnv.step_lean` returns: one step without infos."""

    observations: Observations  # shape (num_envs, fields); of the new episode where one ended
    rewards: NDArray[Any]  # shape (num_envs,)
    over: NDArray[np.bool_]  # shape (num_envs,): the episode has ended or failed
    parts: NDArray[np.float64]  # shape (num_envs, parts): of the profit, also of what has ended
    truncated: NDArray[np.bool_]  # shape (num_envs,): it has failed
    last_observations: Observations  # of the episodes that ended, shape (k, fields)
    results: dict[str, NDArray[Any]]  # of the episodes that ended, columns of shape (k,)
    failures: list[str]  # of the episodes that ended: why they have failed, or ""


class HedgeVectorEnv(gym.vector.VectorEnv[Observations, Observations, NDArray[Any]]):
    """A batch of independent markets, each with one agent that hedges the book of a task.

    Worlds are stepped one after the other, or with `threads` side by side; results are the same to
    the bit, and world i of a batch behaves as a single environment with its seed.

    Args:
        num_envs: number of worlds.
        task: name of a task, or a `Task`.
        scenario: name, path, dict or `Scenario`; a list: world i has the one at i % len(list).
        price_file: CSV of prices to replay as the fundamental price.
        overrides: scenario values by dotted key, such as ``{"price.volatility": 0.8}``.
        reward: name of a reward, or a function of two `gammagym.envs.paying.Standing`.
        autoreset_mode: what happens to a world that has ended (Gymnasium's own modes).
        threads: threads that step worlds; more than 1 pays only on an idle machine.
        render_mode: ``ansi``, ``rgb_array`` or None.
        **options: attributes of the task to change, such as ``horizon_seconds=14400``.

    Raises:
        ScenarioError: something is unknown, malformed or impossible.
        DataError: the price file is missing or broken.

    >>> envs = HedgeVectorEnv(2, scenario="calm", horizon_seconds=3600.0)
    >>> observations, infos = envs.reset(seed=7)
    >>> observations.shape
    (2, 29)
    """

    metadata: dict[str, Any] = {  # noqa: RUF012 (Gymnasium's own name and type)
        **RENDERING,
        "autoreset_mode": AutoresetMode.NEXT_STEP,
    }

    def __init__(
        self,
        num_envs: int = 1,
        task: str | Task = "GammaScalp",
        scenario: Any = "calm",
        *,
        price_file: str | None = None,
        overrides: Mapping[str, Any] | None = None,
        reward: str | RewardFunction | None = None,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        threads: int = 1,
        render_mode: str | None = None,
        **options: Any,
    ) -> None:
        num_envs = checked_num_envs(num_envs)
        scenarios = list(scenario) if isinstance(scenario, list | tuple) else [scenario]
        if not 1 <= len(scenarios) <= num_envs:
            raise gym.error.Error(
                f"scenario must be one, or a list of 1 to num_envs = {num_envs}, had "
                f"{len(scenarios)} entries"
            )
        function = take_function(reward, options)
        kinds = [build(task, one, price_file, overrides, options) for one in scenarios]
        batch = Batch(kinds, num_envs, threads, function)
        self._hold(batch, _checked_mode(autoreset_mode), render_mode)
        self._was_reset = False

    @classmethod
    def of(cls, batch: Batch, generator: np.random.Generator) -> HedgeVectorEnv:
        """Return an environment of worlds that are open already, in the usual autoreset mode.

        Args:
            batch: the worlds.
            generator: seeds the episodes that follow.
        """
        envs = object.__new__(cls)
        envs._hold(batch, AutoresetMode.NEXT_STEP, None)
        envs.np_random = generator
        envs._was_reset = True
        return envs

    def _hold(self, batch: Batch, mode: AutoresetMode, render_mode: str | None) -> None:
        """Take a batch of worlds, and show their face."""
        self.batch = batch
        self.compiled = batch.kinds[0]
        self.num_envs = len(batch.worlds)
        self.render_mode = render_mode
        self._renderer = Renderer(render_mode, self.num_envs)
        self.autoreset_mode = mode
        self.metadata = self.metadata | {"autoreset_mode": mode}
        face = batch.face
        self.single_observation_space = face.observation_space
        self.single_action_space = face.action_space
        self.observation_space = batch_space(face.observation_space, self.num_envs)
        self.action_space = batch_space(face.action_space, self.num_envs)
        self.observation_fields = face.fields
        self.forked = False

    @property
    def worlds(self) -> NDArray[Any]:
        """The worlds, shape (num_envs,)."""
        return self.batch.worlds

    @property
    def threads(self) -> int:
        """Threads that step them."""
        return self.batch.threads

    @threads.setter
    def threads(self, threads: int) -> None:
        self.batch.threads = checked_threads(threads)

    def agent_spec(self, world: int = 0) -> AgentSpec:
        """Return what an agent of this environment is told before the first observation.

        With several scenarios, fees, price and stake are those of the scenario of `world`.
        """
        return agent_spec(self.batch.kinds[self.batch.kind_of[world]])

    def scenarios(self) -> tuple[str, ...]:
        """Return the name of each world's scenario."""
        return tuple(self.batch.kinds[kind].scenario.name for kind in self.batch.kind_of)

    def variants(self) -> dict[str, NDArray[Any]]:
        """Return what each world's seed drew from the scenario's ranges, columns by dotted key.

        Percentages are shares, durations seconds; choices that are no numbers stay what they are.
        """
        return self.batch.drawn()

    def results(self) -> dict[str, NDArray[Any]]:
        """Return what became of each world so far, as columns of shape (num_envs,)."""
        return episode_results(self.worlds)

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Observations, dict[str, Any]]:
        """Start new episodes.

        Args:
            seed: world i gets seed + i; a list gives each its own; None draws from the generator.
            options: ``{"reset_mask": mask}`` restarts only the worlds of a boolean mask.
        """
        mask = np.ones(self.num_envs, np.bool_)
        if options is not None and "reset_mask" in options:
            mask = np.asarray(options["reset_mask"], dtype=np.bool_)
            if mask.shape != (self.num_envs,):
                raise gym.error.Error(
                    f"reset_mask must have shape ({self.num_envs},), was {mask.shape}"
                )
        given = checked_seeds(seed, self.num_envs)
        # The generator, which seeds the episodes that follow, hangs on what was given.
        super().reset(seed=next((one for one in given if one is not None), None))
        drawn = self._drawn() if seed is None or isinstance(seed, Sequence | np.ndarray) else given
        seeds = [new if one is None else one for one, new in zip(given, drawn, strict=True)]
        self._start(mask, np.array(seeds, np.uint64)[mask])
        self._was_reset = True
        return self.batch.observations[:, 0].copy(), self._infos(mask)

    def _drawn(self) -> NDArray[np.uint64]:
        """Return one seed a world from the generator."""
        return self.np_random.integers(0, 2**63, self.num_envs, dtype=np.int64).astype(np.uint64)

    def _start(self, mask: NDArray[np.bool_], seeds: NDArray[np.uint64]) -> None:
        """Start new episodes in the worlds of a mask."""
        self.batch.open(np.flatnonzero(mask), seeds)

    def _checked(self, actions: Any) -> NDArray[np.float32]:
        """Return actions as the batch takes them, one competitor a world."""
        return self.batch.face.checked(actions, self.num_envs)[:, None]

    def step(
        self, actions: Observations
    ) -> tuple[Observations, NDArray[Any], NDArray[Any], NDArray[Any], dict[str, Any]]:
        """Let every agent take one decision and the markets run until the next.

        Args:
            actions: of the action space; numbers beyond -1 and 1 are clipped.

        Raises:
            InvalidActionError: wrong shape, NaN or infinity.
            gymnasium.error.ResetNeeded: before the first reset, or after the end of an episode
                when autoreset is disabled.
        """
        if not self._was_reset:
            raise gym.error.ResetNeeded("call reset() before step()")
        before = self.batch.status != RUNNING
        actions = self._checked(actions)
        if self.autoreset_mode == AutoresetMode.DISABLED and before.any():
            raise gym.error.ResetNeeded(
                f"worlds {np.flatnonzero(before).tolist()!r:.60} have ended: reset them with "
                'reset(options={"reset_mask": mask}) before stepping on'
            )
        self.batch.step(actions)
        rewards, status = self.batch.rewards[:, 0].copy(), self.batch.status.copy()
        if self.autoreset_mode == AutoresetMode.NEXT_STEP and before.any():
            self._start(before, self._drawn()[before])
        ended, failed = (status == ENDED) & ~before, (status == FAILED) & ~before
        infos = self._infos(np.ones(self.num_envs, np.bool_))
        infos |= failure_infos(self.batch.infos[:, 0], failed)
        over = ended | failed
        if self.autoreset_mode == AutoresetMode.SAME_STEP and over.any():
            infos = self._restart_same_step(over, infos)
        return self.batch.observations[:, 0].copy(), rewards, ended, failed, infos

    def step_lean(self, actions: Observations) -> LeanStep:
        """Step as in the mode SAME_STEP, without the cost of infos: for adapters that need few.

        Args:
            actions: of the action space; numbers beyond -1 and 1 are clipped.

        Raises:
            InvalidActionError: wrong shape, NaN or infinity.
            gymnasium.error.ResetNeeded: before the first reset.
        """
        if not self._was_reset or (self.batch.status != RUNNING).any():
            raise gym.error.ResetNeeded("call reset() before step_lean()")
        self.batch.step(self._checked(actions))
        status, rewards = self.batch.status.copy(), self.batch.rewards[:, 0].copy()
        parts = self.batch.infos[:, 0, INFO_PARTS:].copy()
        over = status != RUNNING
        last = self.batch.observations[over, 0]
        results: dict[str, NDArray[Any]] = {}
        failures: list[str] = []
        if over.any():
            results = episode_results(self.worlds[over])
            failures = failure_texts(self.batch.infos[over, 0])
            self._start(over, self._drawn()[over])
        observations = self.batch.observations[:, 0].copy()
        return LeanStep(
            observations, rewards, over, parts, status == FAILED, last, results, failures
        )

    def _restart_same_step(self, ended: NDArray[np.bool_], infos: dict[str, Any]) -> dict[str, Any]:
        """Keep the last observation and info of worlds that ended, and start them anew."""
        last = self.batch.observations[:, 0].copy()
        self._start(ended, self._drawn()[ended])
        fresh = self._infos(np.ones(self.num_envs, np.bool_))
        final = {key: value for key, value in infos.items() if not key.startswith("_")}
        fresh["final_obs"] = np.full(self.num_envs, None, dtype=object)
        for row in np.flatnonzero(ended):
            fresh["final_obs"][row] = last[row]
        fresh["_final_obs"] = ended
        given = {f"_{key}": ended & infos[f"_{key}"] for key in final}
        fresh["final_info"] = final | given
        fresh["_final_info"] = ended
        return fresh

    def render(self) -> tuple[str | Frame, ...] | None:
        """Return every world's book, own orders marked: texts, or pictures of them."""
        return self._renderer.render(self.worlds)

    def _infos(self, mask: NDArray[np.bool_]) -> dict[str, Any]:
        """Return time, profit and its parts, and refused orders since the start of each episode."""
        infos = column_infos(self.batch.infos[:, 0].copy())
        infos["attribution"] |= {f"_{part}": mask for part in PARTS}
        return infos | {f"_{key}": mask for key in infos}

    # --- Copies, see docs/environments/forks ---------------------------------------------------

    def fork(self, reseed: Reseed = None) -> HedgeVectorEnv:
        """Return a copy of the environment at the same moment, with worlds of its own.

        Whoever looks into a fork sees what no agent may: `forked` is True from then on, of the copy
        and of this environment.

        Args:
            reseed: None keeps the random numbers to come: the copy meets the same outside world,
                for counterfactuals. A number redraws everything after the fork, for planning; a
                sequence gives each world its own.
        """
        check_begun(self, "fork")
        numbers = reseeds(reseed, self.num_envs)
        self.forked = True
        return reseeded(copy.deepcopy(self), numbers)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the environment in mid-episode to a file of plain arrays; nothing is pickled.

        Raises:
            gymnasium.error.ResetNeeded: not all worlds have been reset.
            DataError: its reward is a function, which no file of arrays can hold.
        """
        write_environment(path, self)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> HedgeVectorEnv:
        """Read an environment that `save` wrote; it goes on equally to the bit, on one thread.

        Raises:
            DataError: the file is not a saved vector environment, is of another version, or
                contradicts itself.
            ScenarioError: its scenario cannot be compiled any more: a file of prices is missing.
        """
        envs = read_environment(path, cls)
        envs._was_reset = True
        return envs


def _checked_mode(mode: AutoresetMode | str) -> AutoresetMode:
    """Return what happens to a world that has ended, by its name too."""
    try:
        return AutoresetMode(mode)
    except ValueError:
        names = ", ".join(each.value for each in AutoresetMode)
        raise gym.error.Error(f"autoreset_mode must be one of {names}, was {mode!r}") from None
