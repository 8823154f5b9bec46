"""Several competitors in one market, by name: who is in whose way in the same queues.

`Arena` is the body of the multi-agent environments; it needs no further package. PettingZoo's face
of it is in `parallel`, RLlib's in `gammagym.rllib`, and `arena_vector` has many worlds at once.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np
from gymnasium.spaces.utils import flatten_space
from gymnasium.utils import seeding
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from gammagym.agent import AgentSpec
from gammagym.envs.actions import InvalidActionError
from gammagym.envs.batch import Batch
from gammagym.envs.core import (
    agent_spec,
    build,
    episode_results,
    step_info,
)
from gammagym.envs.kernels.stepping import ENDED, FAILED, RUNNING
from gammagym.envs.ladder import draw_ladder
from gammagym.envs.seeds import checked_seed
from gammagym.scenario.arena import Agents, named_competitors
from gammagym.scenario.tasks import Task

Observation = NDArray[np.float32]
Infos = dict[str, dict[str, Any]]


class ArenaStep(NamedTuple):
    """What a step returns, each by the names of those who took it."""

    observations: dict[str, Observation]
    rewards: dict[str, float]
    terminations: dict[str, bool]
    truncations: dict[str, bool]
    infos: Infos


class Arena:
    """One market with several agents, each of which hedges its own book.

    All of them decide at the same time, once a decision interval. Of instructions that arrive at
    the same instant, those of one competitor come first: the first in turn, which goes round.

    Args:
        task: name of a task, or a `Task`.
        scenario: name, path, dict or `Scenario`.
        agents: how many competitors, their names, or what each has of its own by name: latencies,
            fees, book (`gammagym.scenario.arena.Competitor`, or a table of its keys).
        price_file: CSV of prices to replay as the fundamental price.
        overrides: scenario values by dotted key, such as ``{"price.volatility": 0.8}``.
        render_mode: ``ansi`` or None.
        **options: attributes of the task to change, such as ``horizon_seconds=14400``.

    Raises:
        ScenarioError: something is unknown, malformed or impossible.
        DataError: the price file is missing or broken.

    >>> arena = Arena(agents={"alice": {"latency": "1ms"}, "bob": None}, horizon_seconds=3600.0)
    >>> observations, infos = arena.reset(seed=7)
    >>> list(observations), arena.agent_spec("bob").gross_quantity
    (['alice', 'bob'], 10.0)
    """

    metadata: dict[str, Any] = {"render_modes": ["ansi"], "render_fps": 4}  # noqa: RUF012

    def __init__(
        self,
        task: str | Task = "GammaScalp",
        scenario: Any = "calm",
        agents: Agents = ("alice", "bob"),
        *,
        price_file: str | None = None,
        overrides: Mapping[str, Any] | None = None,
        render_mode: str | None = None,
        **options: Any,
    ) -> None:
        competitors = named_competitors(agents)
        settings = tuple(competitors.values())
        self.compiled = build(task, scenario, price_file, overrides, options, settings)
        self.batch = Batch(self.compiled, 1)
        self.possible_agents = list(competitors)
        self.agents: list[str] = []
        self.render_mode = render_mode
        self.observation_fields = self.batch.face.fields
        # Each has spaces of its own, whose generators are seeded apart.
        face = self.batch.face
        names = self.possible_agents
        self.observation_spaces = {name: copy.deepcopy(face.observation_space) for name in names}
        self.action_spaces = {name: copy.deepcopy(face.action_space) for name in names}
        self.state_space = flatten_space(batch_space(face.observation_space, len(names)))
        self._rng, _ = seeding.np_random()

    @property
    def worlds(self) -> NDArray[Any]:
        """The world, as an array of one."""
        return self.batch.worlds

    def observation_space(self, agent: str) -> gym.Space[Observation]:
        """Return what a competitor sees: for the same name the same object."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> gym.Space[Observation]:
        """Return what a competitor may do: for the same name the same object."""
        return self.action_spaces[agent]

    def agent_spec(self, agent: str) -> AgentSpec:
        """Return what the agent of a competitor is told before the first observation."""
        return agent_spec(self.compiled, self._row(agent))

    def results(self, agent: str) -> dict[str, Any]:
        """Return what became of a competitor's episode so far."""
        columns = episode_results(self.worlds, self._row(agent))
        return {key: column[0].item() for key, column in columns.items()}

    def reset(
        self,
        seed: int | None = None,
        options: dict[str, Any] | None = None,  # noqa: ARG002 (PettingZoo's signature)
    ) -> tuple[dict[str, Observation], Infos]:
        """Start a new episode; without a seed, one is drawn from the environment's generator."""
        seed = checked_seed(seed)
        if seed is None:
            seed = int(self._rng.integers(0, 2**63, dtype=np.int64))
        else:
            self._rng, _ = seeding.np_random(seed)
        self.batch.open(np.zeros(1, np.int64), np.array([seed], np.uint64))
        self.agents = list(self.possible_agents)
        return self._observations(), self._infos()

    def step(self, actions: Mapping[str, Observation]) -> ArenaStep:
        """Let every competitor take one decision and the market run until the next.

        Args:
            actions: one for each name, of the shape of its action space; numbers from -1 to 1
                (others are clipped).

        Raises:
            InvalidActionError: an action is missing, of nobody, of wrong shape, NaN or infinite.
            gymnasium.error.ResetNeeded: before reset, or after the end of the episode.
        """
        batch = self.batch
        if batch.status[0] != RUNNING:
            raise gym.error.ResetNeeded("the episode has not begun or is over: call reset()")
        batch.step(self._checked(actions))
        status = int(batch.status[0])
        names = self.possible_agents
        if status != RUNNING:
            self.agents = []
        return ArenaStep(
            self._observations(),
            dict(zip(names, batch.rewards[0].tolist(), strict=True)),
            dict.fromkeys(names, status == ENDED),
            dict.fromkeys(names, status == FAILED),
            self._infos(),
        )

    def state(self) -> Observation:
        """Return all observations one after the other: nothing that nobody sees."""
        return self.batch.observations[0].ravel().copy()

    def render(self) -> str | None:
        """Return the order book as text (mode ``ansi``), the first competitor's orders marked."""
        return draw_ladder(self.worlds[0]) if self.render_mode == "ansi" else None

    def close(self) -> None:
        """Do nothing: there is nothing to release."""

    def _row(self, agent: str) -> int:
        """Return the row of a competitor."""
        if agent not in self.possible_agents:
            raise KeyError(f"no agent {agent!r}: there are {', '.join(self.possible_agents)}")
        return self.possible_agents.index(agent)

    def _checked(self, actions: Mapping[str, Observation]) -> NDArray[np.float32]:
        """Return actions as the batch takes them, shape (1, agents, numbers of an action)."""
        names = self.possible_agents
        if set(actions) != set(names):
            raise InvalidActionError(
                f"one action is needed for each of {', '.join(names)}: actions were given for "
                f"{', '.join(map(str, actions)) or 'nobody'}"
            )
        return np.stack([self.batch.face.checked(actions[name]) for name in names])[None]

    def _observations(self) -> dict[str, Observation]:
        return dict(zip(self.possible_agents, self.batch.observations[0].copy(), strict=True))

    def _infos(self) -> Infos:
        return {
            name: step_info(row)
            for name, row in zip(self.possible_agents, self.batch.infos[0], strict=True)
        }
