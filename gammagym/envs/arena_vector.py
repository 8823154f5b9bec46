"""Many arenas at once: arrays over worlds and competitors, for learners that play all sides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from gammagym.agent import AgentSpec
from gammagym.envs.batch import Batch
from gammagym.envs.core import agent_spec, build, column_infos, episode_results, failure_infos
from gammagym.envs.kernels.stepping import ENDED, FAILED, RUNNING
from gammagym.envs.seeds import checked_num_envs, checked_seeds
from gammagym.scenario.arena import Agents, named_competitors
from gammagym.scenario.tasks import Task

Observations = NDArray[np.float32]


class ArenaVectorEnv(gym.vector.VectorEnv[Observations, Observations, NDArray[Any]]):
    """A batch of markets, in each of which the same competitors meet.

    Everything is an array over worlds, then competitors in the order of `possible_agents`: world i
    behaves as an `Arena` with its seed. All competitors of a world end at once, so what says that
    an episode is over has one entry a world. A world that ends starts anew in the same step
    (Gymnasium's SAME_STEP), and its last observations and infos are ``final_obs`` and
    ``final_info``, which says why those that failed have done so (``failure``).

    Args:
        num_envs: number of worlds.
        task: name of a task, or a `Task`.
        scenario: name, path, dict or `Scenario`.
        agents: how many competitors, their names, or what each has of its own by name.
        price_file: CSV of prices to replay as the fundamental price.
        overrides: scenario values by dotted key, such as ``{"price.volatility": 0.8}``.
        threads: threads that step worlds; more than 1 pays only on an idle machine.
        **options: attributes of the task to change, such as ``horizon_seconds=14400``.

    Raises:
        ScenarioError: something is unknown, malformed or impossible.
        DataError: the price file is missing or broken.

    >>> envs = ArenaVectorEnv(3, agents=("alice", "bob"), horizon_seconds=3600.0)
    >>> observations, infos = envs.reset(seed=7)
    >>> observations.shape, envs.action_space.shape
    ((3, 2, 29), (3, 2, 2))
    >>> observations, rewards, terminations, truncations, infos = envs.step(
    ...     envs.action_space.sample()
    ... )
    >>> rewards.shape, terminations.shape, infos["profit"].shape
    ((3, 2), (3,), (3, 2))
    """

    metadata: dict[str, Any] = {  # noqa: RUF012 (Gymnasium's own name and type)
        "render_modes": [],
        "autoreset_mode": AutoresetMode.SAME_STEP,
    }

    def __init__(
        self,
        num_envs: int = 1,
        task: str | Task = "GammaScalp",
        scenario: Any = "calm",
        agents: Agents = ("alice", "bob"),
        *,
        price_file: str | None = None,
        overrides: Mapping[str, Any] | None = None,
        threads: int = 1,
        **options: Any,
    ) -> None:
        num_envs = checked_num_envs(num_envs)
        competitors = named_competitors(agents)
        settings = tuple(competitors.values())
        self.compiled = build(task, scenario, price_file, overrides, options, settings)
        self.batch = Batch(self.compiled, num_envs, threads)
        self.num_envs = num_envs
        self.possible_agents = list(competitors)
        face, count = self.batch.face, len(competitors)
        self.observation_fields = face.fields
        self.single_observation_space = batch_space(face.observation_space, count)
        self.single_action_space = batch_space(face.action_space, count)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)

    @property
    def worlds(self) -> NDArray[Any]:
        """The worlds, shape (num_envs,)."""
        return self.batch.worlds

    def agent_spec(self, agent: str) -> AgentSpec:
        """Return what the agent of a competitor is told before the first observation."""
        return agent_spec(self.compiled, self.possible_agents.index(agent))

    def results(self, agent: str) -> dict[str, NDArray[Any]]:
        """Return what became of a competitor in each world so far, columns of shape (num_envs,)."""
        return episode_results(self.worlds, self.possible_agents.index(agent))

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Observations, dict[str, Any]]:
        """Start new episodes in all worlds.

        Args:
            seed: world i gets seed + i; a list gives each its own; None draws from the generator.
            options: not used.

        Returns:
            Observations of shape (num_envs, agents, fields), and infos.
        """
        given = checked_seeds(seed, self.num_envs)
        # The generator, which seeds the episodes that follow, hangs on what was given.
        super().reset(seed=next((one for one in given if one is not None), None), options=options)
        drawn = self._drawn(self.num_envs) if None in given else given
        seeds = [new if one is None else one for one, new in zip(given, drawn, strict=True)]
        self.batch.open(np.arange(self.num_envs), np.array(seeds, np.uint64))
        return self.batch.observations.copy(), self._infos()

    def step(
        self, actions: Observations
    ) -> tuple[Observations, NDArray[Any], NDArray[Any], NDArray[Any], dict[str, Any]]:
        """Let every competitor of every world take one decision.

        Args:
            actions: shape (num_envs, agents, numbers of an action), each number from -1 to 1
                (others are clipped).

        Returns:
            Observations (num_envs, agents, fields), rewards (num_envs, agents), terminations and
            truncations (num_envs,), and infos.

        Raises:
            InvalidActionError: wrong shape, NaN or infinity.
            gymnasium.error.ResetNeeded: before the first reset.
        """
        if (self.batch.status != RUNNING).any():
            raise gym.error.ResetNeeded("call reset() before step()")
        lead = (self.num_envs, len(self.possible_agents))
        self.batch.step(self.batch.face.checked(actions, *lead))
        rewards, status = self.batch.rewards.copy(), self.batch.status.copy()
        infos = self._infos() | failure_infos(self.batch.infos[:, 0], status == FAILED)
        over = status != RUNNING
        if over.any():
            final = self.batch.observations.copy()
            self.batch.open(np.flatnonzero(over), self._drawn(int(over.sum())))
            fresh = self._infos()
            infos = fresh | {
                "final_obs": final,
                "_final_obs": over,
                "final_info": infos,
                "_final_info": over,
            }
        return self.batch.observations.copy(), rewards, status == ENDED, status == FAILED, infos

    def _drawn(self, count: int) -> NDArray[np.uint64]:
        """Return seeds from the generator."""
        return self.np_random.integers(0, 2**63, count, dtype=np.int64).astype(np.uint64)

    def _infos(self) -> dict[str, Any]:
        """Return time (num_envs,), and profit, its parts, refused orders (num_envs, agents)."""
        infos = column_infos(self.batch.infos.copy())
        return infos | {"time_seconds": infos["time_seconds"][:, 0]}
