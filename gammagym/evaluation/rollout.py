"""Run one agent through episodes: its own copy of the same market for each seed.

All worlds of a chunk are stepped together, and world i of a chunk behaves as a single environment
with its seed, so results do not depend on how seeds are put into chunks. An agent that raises,
returns something that is not an action, or takes too long loses the episodes of its chunk, with the
reason recorded; nothing else is lost. An episode whose world fails is void: that is no fault of the
agent, and the other worlds of the chunk go on.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gammagym.envs.core import failure_texts
from gammagym.envs.kernels.stepping import RUNNING
from gammagym.envs.vector import HedgeVectorEnv
from gammagym.errors import AgentError
from gammagym.loading import agent_title, checked_action, load_agent

DONE, FAILED, VOID = "done", "failed", "void"
WORLDS_AT_ONCE = 64
_LONGEST_REASON = 300


@dataclass(frozen=True)
class Episodes:
    """What became of one agent's episodes in one scenario.

    Attributes:
        agent: reference of the agent.
        scenario: reference of the scenario.
        task: name of the task.
        seeds: seed of each episode, int64, shape (n,).
        status: of each episode: ``done``, ``failed`` (the agent has) or ``void`` (its world has).
        reason: why an episode is not done; empty where it is.
        columns: results by name (`gammagym.envs.core.episode_results`), float64, shape (n,); NaN
            where one is not done. What a seed drew from a range is in `variant.` and its key.
    """

    agent: str
    scenario: str
    task: str
    seeds: NDArray[np.int64]
    status: tuple[str, ...]
    reason: tuple[str, ...]
    columns: dict[str, NDArray[np.float64]]

    @property
    def failures(self) -> int:
        """Number of episodes that the agent has lost."""
        return self.status.count(FAILED)

    @property
    def voids(self) -> int:
        """Number of episodes whose world has failed."""
        return self.status.count(VOID)

    def finished(self) -> dict[str, NDArray[np.float64]]:
        """Return the columns of the episodes that are done alone."""
        done = [status == DONE for status in self.status]
        return {name: column[done] for name, column in self.columns.items()}


def rollout(
    agent: str,
    scenario: Any = "calm",
    task: str = "GammaScalp",
    seeds: Iterable[int] = range(32),
    price_file: str | None = None,
    *,
    overrides: Mapping[str, Any] | None = None,
    time_limit: float | None = None,
    worlds_at_once: int = WORLDS_AT_ONCE,
    **options: Any,
) -> Episodes:
    """Run an agent once for each seed.

    Args:
        agent: reference of the agent, such as ``delta_band:band=0.02``.
        scenario: name or path of the scenario, or whatever else ``load_scenario`` takes.
        task: name of the task.
        seeds: one episode each.
        price_file: CSV of prices to replay as the fundamental price.
        overrides: scenario values by dotted key.
        time_limit: most wall time for one chunk (s), looked at between decisions; None: no limit.
        worlds_at_once: worlds of a chunk.
        **options: attributes of the task to change, such as ``horizon_seconds=14400``.

    Returns:
        The episodes, in the order of the seeds.

    Raises:
        ScenarioError: something about the market is unknown, malformed or impossible.
        DataError: the price file is missing or broken.

    >>> episodes = rollout("no_hedge", "textbook", seeds=[3, 4], horizon_seconds=600.0)
    >>> episodes.status, episodes.columns["taker_fills"].tolist()
    (('done', 'done'), [0.0, 0.0])
    """
    numbers = [int(seed) for seed in seeds]
    label = scenario if isinstance(scenario, str) else str(getattr(scenario, "name", "unnamed"))
    chunks: list[Episodes] = []
    for first in range(0, len(numbers), worlds_at_once):
        chunk = numbers[first : first + worlds_at_once]
        env = HedgeVectorEnv(
            len(chunk),
            task,
            scenario,
            price_file=price_file,
            overrides=overrides,
            autoreset_mode="Disabled",
            **options,
        )
        reason = _run(env, agent, chunk, time_limit)
        if reason:
            chunks.append(failed_episodes(agent, label, task, chunk, reason))
        else:
            chunks.append(_finished(agent, label, task, chunk, env))
    return concatenate(chunks)


def failed_episodes(
    agent: str, scenario: str, task: str, seeds: Sequence[int], reason: str
) -> Episodes:
    """Return episodes that all failed for one reason; their columns are empty."""
    count = len(seeds)
    text = " ".join(reason.split())
    text = text if len(text) <= _LONGEST_REASON else f"{text[: _LONGEST_REASON - 3]}..."
    numbers = np.array(seeds, np.int64)
    return Episodes(agent, scenario, task, numbers, (FAILED,) * count, (text,) * count, {})


def concatenate(chunks: Sequence[Episodes]) -> Episodes:
    """Join episodes of one agent and scenario; columns that some lack are NaN there."""
    names = list(dict.fromkeys(name for chunk in chunks for name in chunk.columns))
    columns = {
        name: np.concatenate(
            [chunk.columns.get(name, np.full(len(chunk.seeds), np.nan)) for chunk in chunks]
        )
        for name in names
    }
    return Episodes(
        chunks[0].agent,
        chunks[0].scenario,
        chunks[0].task,
        np.concatenate([chunk.seeds for chunk in chunks]),
        tuple(status for chunk in chunks for status in chunk.status),
        tuple(reason for chunk in chunks for reason in chunk.reason),
        columns,
    )


def _drawn(env: HedgeVectorEnv) -> dict[str, NDArray[Any]]:
    """Return what the seeds drew from the scenario's ranges, as far as it is numbers."""
    columns = env.variants().items()
    return {f"variant.{key}": column for key, column in columns if column.dtype == np.float64}


def _finished(
    agent: str, scenario: str, task: str, seeds: list[int], env: HedgeVectorEnv
) -> Episodes:
    """Return the episodes of a chunk that came to its end; void where a world has failed."""
    why = failure_texts(env.batch.infos[:, 0])
    with np.errstate(all="ignore"):  # what a world that has failed makes of it is not shown
        results = env.results() | _drawn(env)
    columns = {
        name: np.where([text == "" for text in why], np.asarray(column, np.float64), np.nan)
        for name, column in results.items()
        if name != "seed"
    }
    status = tuple(VOID if text else DONE for text in why)
    reason = tuple(f"the world has failed: {text}" if text else "" for text in why)
    return Episodes(agent, scenario, task, np.array(seeds, np.int64), status, reason, columns)


def _run(env: HedgeVectorEnv, reference: str, seeds: list[int], time_limit: float | None) -> str:
    """Run one chunk to its end; returns why the agent failed, or nothing."""
    spec = env.agent_spec()
    deadline = float("inf") if time_limit is None else time.monotonic() + time_limit
    title = agent_title(reference)
    batch = env.batch
    shape = (env.num_envs, *batch.face.action_shape)
    try:
        agent = load_agent(reference, spec)
        observations, info = env.reset(seed=seeds)
        agent.reset(info)
        while True:
            actions = checked_action(agent.act(observations), shape, title)
            # A world that has failed stays as it is, which the environment's own step refuses.
            batch.step(batch.face.checked(actions, env.num_envs)[:, None])
            observations = batch.observations[:, 0].copy()
            if (batch.status != RUNNING).all():
                return ""
            if time.monotonic() > deadline:
                return f"exceeded the time limit of {time_limit:g} s"
    except AgentError as error:
        return str(error)
    except (Exception, SystemExit) as error:
        return _told(error)


def _told(error: BaseException) -> str:
    """Return an error of an agent's code in one line: type, message, and where."""
    message = " ".join(str(error).split())
    text = f"{type(error).__name__}: {message}" if message else type(error).__name__
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return text
    last = frames[-1]
    name = last.filename.replace("\\", "/").rsplit("/", 1)[-1]
    return f"{text} ({name}, line {last.lineno}, in {last.name})"
