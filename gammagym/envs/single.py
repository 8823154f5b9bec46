"""One world: a Gymnasium environment over one world record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from gammagym.agent import FIELD_NAMES, AgentSpec
from gammagym.envs.core import (
    ACTION_SPACE,
    BOUNDS,
    OBSERVATION_SPACE,
    agent_spec,
    build,
    checked_actions,
    episode_results,
)
from gammagym.envs.ladder import draw_ladder
from gammagym.envs.stepping import ENDED, RUNNING, reset_worlds, step_worlds
from gammagym.scenario.tasks import Task
from gammagym.scenario.variants import variants_of
from gammagym.world import PARTS, QUANTA

Observation = NDArray[np.float32]


class HedgeEnv(gym.Env[Observation, Observation]):
    """A market with one agent that hedges the book of a task.

    Observations are described by `gammagym.agent.OBSERVATION_FIELDS`; the action is the one working
    hedge order the agent wishes to have: signed size, and how to place it. The reward is minus the
    increment of cost relative to a frictionless one-minute hedger, less a price on delta risk.

    Args:
        task: name of a task, or a `Task`.
        scenario: name, path, dict or `Scenario`.
        price_file: CSV of prices to replay as the fundamental price.
        overrides: scenario values by dotted key, such as ``{"price.volatility": 0.8}``.
        render_mode: ``ansi`` or None.
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

    metadata: dict[str, Any] = {"render_modes": ["ansi"], "render_fps": 4}  # noqa: RUF012

    def __init__(
        self,
        task: str | Task = "GammaScalp",
        scenario: Any = "calm",
        *,
        price_file: str | None = None,
        overrides: Mapping[str, Any] | None = None,
        render_mode: str | None = None,
        **options: Any,
    ) -> None:
        self.compiled = build(task, scenario, price_file, overrides, options)
        self._variants = variants_of(self.compiled)
        self.observation_space = OBSERVATION_SPACE
        self.action_space = ACTION_SPACE
        self.observation_fields = FIELD_NAMES
        self.render_mode = render_mode
        self.worlds: NDArray[Any] = self.compiled.template.copy()
        self._observation = np.zeros((1, *OBSERVATION_SPACE.shape), np.float32)
        self._reward = np.zeros(1)
        self._status = np.full(1, ENDED, np.int64)

    def agent_spec(self) -> AgentSpec:
        """Return what an agent of this environment is told before the first observation."""
        return agent_spec(self.compiled)

    @property
    def variant(self) -> dict[str, Any]:
        """What the seed of this episode drew from the scenario's ranges, by dotted key.

        Percentages are shares, durations seconds; choices that are no numbers stay what they are.
        """
        columns = self._variants.values(self.worlds["seed"])
        return {key: column.tolist()[0] for key, column in columns.items()}

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
        super().reset(seed=seed)
        if seed is None:
            seed = int(self.np_random.integers(0, 2**63, dtype=np.int64))
        seeds, chosen = np.array([seed], np.uint64), np.zeros(1, np.int64)
        self._variants.write(self.worlds, chosen, seeds)
        reset_worlds(self.worlds, self.compiled.tape, seeds, chosen, BOUNDS, self._observation)
        self._status[0] = RUNNING
        return self._observation[0].copy(), self._info()

    def step(self, action: Observation) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Take one decision and let the market run until the next.

        Args:
            action: shape (2,), each number from -1 to 1 (others are clipped).

        Raises:
            InvalidActionError: wrong shape, NaN or infinity.
            gymnasium.error.ResetNeeded: before reset, or after the end of the episode.
        """
        if self._status[0] == ENDED:
            raise gym.error.ResetNeeded("the episode has not begun or is over: call reset()")
        actions = checked_actions(action, ACTION_SPACE.shape)[None]
        step_worlds(
            self.worlds,
            self.compiled.tape,
            actions,
            BOUNDS,
            self._observation,
            self._reward,
            self._status,
        )
        ended = bool(self._status[0] == ENDED)
        return self._observation[0].copy(), float(self._reward[0]), ended, False, self._info()

    def _info(self) -> dict[str, Any]:
        """Return time, profit and its parts, and refused orders since the start of the episode."""
        agent = self.worlds["agents"][0, 0]
        profit = int(agent["equity_quanta"]) - int(agent["initial_equity_quanta"])
        return {
            "time_seconds": int(self.worlds["time_ns"][0]) / 1e9,
            "profit": profit / QUANTA,
            "attribution": dict(zip(PARTS, agent["parts"].tolist(), strict=True)),
            "rejects": int(agent["rejects"].sum()),
        }

    def render(self) -> str | None:
        """Return the order book as text, with the agent's own order marked (mode ``ansi``)."""
        return draw_ladder(self.worlds[0]) if self.render_mode == "ansi" else None
