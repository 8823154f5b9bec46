"""What agents did in a scenario: score, profit and where it came from, on a few seeds."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from gammagym.errors import AgentError
from gammagym.evaluation import statistics
from gammagym.evaluation.plan import Plan, check, default_agents, playable
from gammagym.evaluation.results import BASIS_POINTS, PERCENT_OF_STAKE, Unit
from gammagym.evaluation.rollout import failed_episodes, rollout
from gammagym.evaluation.statistics import carried_share
from gammagym.loading import agent_title

ALL_AGENTS = ("all",)
# Columns of the table, and the parts of profit that each is the sum of.
SOURCES = MappingProxyType(
    {
        "gamma": ("gamma",),
        "theta": ("theta",),
        "volatility": ("vega", "vanna", "volga"),
        "carried delta": ("delta",),
        "fees": ("fees",),
        "spread and slippage": ("spread", "delay", "maker"),
        "funding": ("funding",),
        "liquidation": ("liquidation", "deleveraging"),
        "rest": ("basis", "residual"),
    }
)


@dataclass(frozen=True)
class Conduct:
    """What one agent did in a scenario: means over its episodes, as shares of the stake.

    Attributes:
        agent: title of the agent.
        score: mean + 1.5 standard deviations of the relative cost; NaN for a single episode.
        profit: profit.
        sources: parts of the profit by key of `SOURCES`, which sum to it.
        carried: carried delta as a share of the profit (1 is all of it).
        liquidated: share of episodes in which its hedge was liquidated.
        failure: why it failed; empty where it did not.
    """

    agent: str
    score: float
    profit: float
    sources: Mapping[str, float]
    carried: float
    liquidated: float
    failure: str


@dataclass(frozen=True)
class Field:
    """What all agents did in a scenario.

    Attributes:
        conducts: one an agent, the best score first.
        unit: how shares of the stake are shown.
        absent: why agents that nobody chose did not take part, by agent.
    """

    conducts: tuple[Conduct, ...]
    unit: Unit
    absent: Mapping[str, str]


def compare_agents(
    agents: Sequence[str],
    scenario: str,
    seeds: range,
    task: str = "GammaScalp",
    price_file: str | os.PathLike[str] | None = None,
    *,
    overrides: Mapping[str, Any] | None = None,
    progress: Callable[[int], None] | None = None,
    **options: Any,
) -> Field:
    """Let agents hedge in a scenario, each alone in its own copy of the same markets.

    Args:
        agents: references; ``("all",)`` for those that ship and can do the task.
        scenario: reference of the scenario.
        seeds: one episode each.
        task: name of the task.
        price_file: CSV of prices to replay.
        overrides: scenario values by dotted key.
        progress: called with the number of agents that are done.
        **options: attributes of the task to change.

    Raises:
        GammagymError: something is unknown, malformed or impossible.
    """
    file = None if price_file is None else os.fspath(price_file)
    chosen = tuple(agents) if tuple(agents) != ALL_AGENTS else default_agents()
    plan = Plan(
        chosen,
        (scenario,),
        task,
        seeds.start,
        len(seeds),
        options,
        overrides or {},
        price_file=file,
    )
    absent: dict[str, str] = {}
    if tuple(agents) == ALL_AGENTS:
        able, absent = playable(plan)
        plan = replace(plan, agents=able)
    contest = check(plan)
    conducts: list[Conduct] = []
    for agent in plan.agents:
        conducts.append(_conduct(agent, plan))
        if progress:
            progress(len(conducts))
    best_first = sorted(conducts, key=lambda each: (each.score != each.score, each.score))
    spot = all(leg.kind == "spot" for leg in contest.task.book)
    return Field(tuple(best_first), BASIS_POINTS if spot else PERCENT_OF_STAKE, absent)


def _conduct(agent: str, plan: Plan) -> Conduct:
    """Run one agent and sum up what it did."""
    scenario, options = plan.scenarios[0], plan.options
    try:
        found = rollout(agent, scenario, plan.task, plan.seed_range, plan.price_file, **options)
    except AgentError as error:
        found = failed_episodes(agent, scenario, plan.task, plan.seed_range, str(error))
    title = agent_title(agent)
    if found.failures or found.voids == len(found.seeds):
        reason = next(each for each in found.reason if each)
        return Conduct(title, math.nan, math.nan, {}, math.nan, math.nan, reason)
    columns = found.finished()
    stake = columns["stake"]
    sources = {
        name: float(np.mean(sum(columns[part] for part in parts) / stake))
        for name, parts in SOURCES.items()
    }
    profit = float(np.mean(columns["profit"] / stake))
    return Conduct(
        title,
        float(statistics.score(columns["relative_cost"])),
        profit,
        sources,
        float(carried_share(sources["carried delta"], profit)),
        float(np.mean(columns["liquidations"] > 0)),
        "",
    )
