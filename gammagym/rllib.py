"""Worlds as environments of RLlib: one agent, a batch of worlds, or several agents in one world.

Needs the extra: ``pip install 'gammagym[ray]'``.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import gymnasium as gym

from gammagym.envs.arena import Arena, Infos, Observation
from gammagym.envs.single import HedgeEnv
from gammagym.envs.vector import HedgeVectorEnv
from gammagym.errors import MissingExtraError
from gammagym.scenario.arena import Agents
from gammagym.scenario.tasks import TASKS, Task

try:
    from ray.rllib.env.multi_agent_env import MultiAgentEnv
    from ray.tune.registry import register_env
except ImportError as error:
    raise MissingExtraError(
        f"environments for RLlib need ray and what it asks for ({error}): "
        "pip install 'gammagym[ray]'"
    ) from error

# RLlib's name for "the whole environment" among the agents' names.
_ALL = "__all__"


def register() -> tuple[str, ...]:
    """Register every task with RLlib, alone and as an arena, and return the names.

    ``gammagym/<task>-v0`` has one agent: as a batch of worlds if RLlib is told
    ``gym_env_vectorize_mode="vector_entry_point"``, else as single environments.
    ``gammagym/<task>Arena-v0`` has several. The ``env_config`` of either has keyword arguments:
    of `HedgeEnv` or `HedgeVectorEnv`, and of `ArenaMultiAgentEnv`.

    >>> register()[:2]
    ('gammagym/GammaScalp-v0', 'gammagym/GammaScalpArena-v0')
    """
    names: list[str] = []
    for task in TASKS:
        for name, make in ((f"gammagym/{task}-v0", make_env), (f"gammagym/{task}Arena-v0", _arena)):
            register_env(name, functools.partial(make, task))
            names.append(name)
    return tuple(names)


def make_env(task: str, config: Mapping[str, Any]) -> HedgeEnv | HedgeVectorEnv:
    """Make an environment with one agent from an ``env_config``; with ``num_envs``, a batch."""
    return HedgeVectorEnv(task=task, **config) if "num_envs" in config else HedgeEnv(task, **config)


def _arena(task: str, config: Mapping[str, Any]) -> ArenaMultiAgentEnv:
    return ArenaMultiAgentEnv(task, **config)


class ArenaMultiAgentEnv(MultiAgentEnv):
    """An `Arena` as RLlib wants it; equal to it to the bit.

    Args:
        task: name of a task, or a `Task`.
        scenario: name, path, dict or `Scenario`.
        agents: how many competitors, their names, or what each has of its own by name.
        **options: as of `gammagym.envs.arena.Arena`.

    Raises:
        ScenarioError: something is unknown, malformed or impossible.

    >>> env = ArenaMultiAgentEnv(agents=("alice", "bob"), horizon_seconds=3600.0)
    >>> observations, infos = env.reset(seed=7)
    >>> env.get_action_space("alice").shape, sorted(observations)
    ((2,), ['alice', 'bob'])
    """

    metadata: dict[str, Any] = Arena.metadata

    def __init__(
        self,
        task: str | Task = "GammaScalp",
        scenario: Any = "calm",
        agents: Agents = ("alice", "bob"),
        **options: Any,
    ) -> None:
        super().__init__()
        self.arena = Arena(task, scenario, agents, **options)
        self.render_mode = self.arena.render_mode
        self.possible_agents: list[str] = self.arena.possible_agents
        # RLlib reads who there is before the first reset.
        self.agents: list[str] = list(self.possible_agents)
        self.observation_spaces: dict[str, gym.Space[Any]] = dict(self.arena.observation_spaces)
        self.action_spaces: dict[str, gym.Space[Any]] = dict(self.arena.action_spaces)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Observation], Infos]:
        """Start a new episode; without a seed, one is drawn from the environment's generator."""
        observations = self.arena.reset(seed, options)
        self.agents = self.arena.agents
        return observations

    def step(
        self, action_dict: Mapping[str, Observation]
    ) -> tuple[dict[str, Observation], dict[str, float], dict[str, bool], dict[str, bool], Infos]:
        """Let every competitor take one decision and the market run until the next.

        Args:
            action_dict: one for each name, of the shape of its action space.

        Raises:
            InvalidActionError: an action is missing, of nobody, of wrong shape, NaN or infinite.
            gymnasium.error.ResetNeeded: before reset, or after the end of the episode.
        """
        step = self.arena.step(action_dict)
        self.agents = self.arena.agents
        # All end at once.
        terminations = step.terminations | {_ALL: all(step.terminations.values())}
        truncations = step.truncations | {_ALL: all(step.truncations.values())}
        return step.observations, step.rewards, terminations, truncations, step.infos

    def render(self) -> Any:
        """Return the order book as text (mode ``ansi``)."""
        return self.arena.render()
