"""An arena as a `ParallelEnv` of PettingZoo.

Needs the extra: ``pip install 'gammagym[arena]'``.
"""

from __future__ import annotations

from typing import Any

from gammagym.envs.arena import Arena, Observation
from gammagym.errors import MissingExtraError
from gammagym.scenario.arena import Agents
from gammagym.scenario.tasks import Task

try:
    from pettingzoo import ParallelEnv
except ImportError as error:
    raise MissingExtraError(
        f"an arena for PettingZoo needs pettingzoo ({error}): pip install 'gammagym[arena]'"
    ) from error


class ArenaParallelEnv(Arena, ParallelEnv[str, Observation, Observation]):
    """An `Arena` as PettingZoo wants it, equal to it to the bit."""

    metadata: dict[str, Any] = Arena.metadata | {
        "name": "gammagym_arena_v0",
        "is_parallelizable": True,
    }


def arena_parallel_env(
    task: str | Task = "GammaScalp",
    scenario: Any = "calm",
    agents: Agents = ("alice", "bob"),
    **options: Any,
) -> ArenaParallelEnv:
    """Make a market in which several agents compete, as an environment of PettingZoo.

    Args:
        task: name of a task, or a `Task`.
        scenario: name, path, dict or `Scenario`.
        agents: how many competitors, their names, or what each has of its own by name.
        **options: as of `gammagym.envs.arena.Arena`.

    Raises:
        ScenarioError: something is unknown, malformed or impossible.

    >>> env = arena_parallel_env("GammaScalp", agents=("alice", "bob"), horizon_seconds=3600.0)
    >>> observations, infos = env.reset(seed=7)
    >>> actions = {name: env.action_space(name).sample() for name in env.agents}
    >>> observations, rewards, terminations, truncations, infos = env.step(actions)
    >>> sorted(rewards)
    ['alice', 'bob']
    """
    return ArenaParallelEnv(task, scenario, agents, **options)
