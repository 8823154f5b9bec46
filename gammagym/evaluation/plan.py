"""What a tournament is to run: agents x scenarios x seeds, checked before anything is written."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import numpy as np

from gammagym import _kernel, content
from gammagym.agent import AgentSpec
from gammagym.envs.core import agent_spec, build
from gammagym.envs.vector import HedgeVectorEnv
from gammagym.errors import AgentError, GammagymError, ScenarioError, nearest
from gammagym.loading import (
    ENTRY_POINT_GROUP,
    agent_title,
    available_agents,
    load_agent,
    parse_reference,
)
from gammagym.scenario.compile import Compiled
from gammagym.scenario.load import load_scenario, load_venue
from gammagym.scenario.reference import parse_scenario
from gammagym.scenario.schema import Scenario
from gammagym.scenario.tasks import Task, get_task
from gammagym.scenario.variants import variants_of

DEFAULT_TASK = "GammaScalp"
DEFAULT_SEEDS = 32
DEMO_SEEDS = 16
VENUE_SCENARIOS = ("calm",)
DEMO_SCENARIOS = ("textbook", "calm", "choppy", "trending", "flash_crash", "exchange_outage")
# What is played if nothing is said: a day like others, and what goes wrong.
DEFAULT_GROUPS = ("everyday", "stress")
# Scenarios that play a price file, and ship without one.
REPLAYS = ("replay", "replay_mirrored")
SHORT_HORIZON_SECONDS = 14_400.0
_DAY_SECONDS = 86_400.0
_NO_INFLUENCE = ("_bundled", "cli", "evaluation", "training")
_LARGEST_SEED = 2**63 - 1


@dataclass(frozen=True)
class Plan:
    """A tournament: each agent alone in its own copy of each market.

    Attributes:
        agents: references of agents.
        scenarios: names or paths of scenarios, perhaps combined or at a venue:
            "calm + flash_crash@binance".
        task: name of the task.
        first_seed: seed of the first episode.
        seeds: number of episodes of each agent in each scenario; seeds count up by one.
        options: attributes of the task to change.
        overrides: scenario values by dotted key.
        price_file: CSV of prices that every scenario replays, or None.
        batch: most episodes that are run, and may be lost, together.
    """

    agents: tuple[str, ...]
    scenarios: tuple[str, ...]
    task: str = DEFAULT_TASK
    first_seed: int = 0
    seeds: int = DEFAULT_SEEDS
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    overrides: Mapping[str, Any] = field(default_factory=dict[str, Any])
    price_file: str | None = None
    batch: int = 32

    @property
    def seed_range(self) -> range:
        """The seeds of every agent and scenario."""
        return range(self.first_seed, self.first_seed + self.seeds)


@dataclass(frozen=True)
class Batch:
    """Episodes that are run together.

    Attributes:
        agent: reference of the agent.
        scenario: reference of the scenario.
        seeds: one episode each.
    """

    agent: str
    scenario: str
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class Contest:
    """A checked plan, with everything that is derived from it.

    Attributes:
        plan: what to run.
        markets: compiled scenario by reference.
        price_digest: digest of the price file, or nothing.
    """

    plan: Plan
    markets: Mapping[str, Compiled]
    price_digest: str

    @property
    def task(self) -> Task:
        """The task with its options."""
        return self.markets[self.plan.scenarios[0]].task

    @cached_property
    def agent_titles(self) -> dict[str, str]:
        """Short name of each agent by reference, all different."""
        return _distinct({agent: agent_title(agent) for agent in self.plan.agents})

    @cached_property
    def scenario_titles(self) -> dict[str, str]:
        """Short name of each scenario by reference, all different."""
        return _distinct({key: market.scenario.name for key, market in self.markets.items()})

    @cached_property
    def places(self) -> dict[str, dict[str, str]]:
        """Scenario, venue and terms of each reference that names a venue."""
        taken_apart = {key: parse_scenario(key) for key in self.plan.scenarios}
        return {
            key: {
                "scenario": reference.title,
                "venue": self.markets[key].venue.name,
                "terms": reference.told_terms,
            }
            for key, reference in taken_apart.items()
            if reference.venue
        }

    @cached_property
    def fingerprints(self) -> dict[str, dict[str, str]]:
        """Digest of all that an episode depends on but its seed, by agent and scenario."""
        return {
            agent: {
                scenario: self._fingerprint(agent_digest(agent), market)
                for scenario, market in self.markets.items()
            }
            for agent in self.plan.agents
        }

    def _fingerprint(self, agent: str, market: Compiled) -> str:
        described = (
            _simulator_digest(),
            agent,
            market.scenario.model_dump_json(),
            market.venue.model_dump_json(),
            _book_venue(market.scenario),
            repr(market.task),
            self.price_digest,
        )
        return hashlib.sha256(json.dumps(described).encode()).hexdigest()[:16]


def default_agents() -> tuple[str, ...]:
    """Return the agents that ship with gammagym."""
    return tuple(content.available("agents"))


def default_scenarios(price_file: str | None = None) -> tuple[str, ...]:
    """Return everyday and stress scenarios of one market; with a price file, its replays.

    A file is played as it is and mirrored, so that a month that fell does not reward whoever was
    short. Scenarios of several markets take minutes, so they are played when they are named, as are
    those of history.

    >>> {"calm", "flash_crash"} <= set(default_scenarios())
    True
    """
    if price_file is not None:
        return REPLAYS
    names = [name for name in content.available("scenarios") if name not in REPLAYS]
    loaded = {name: load_scenario(name) for name in names}
    return tuple(
        name
        for name, scenario in loaded.items()
        if scenario.group in DEFAULT_GROUPS and not scenario.has_several_markets
    )


def at_venues(
    scenarios: Sequence[str], venues: Sequence[str], terms: Sequence[str] = ("",)
) -> tuple[str, ...]:
    """Return references of each scenario at each venue, on each of some terms of an account.

    Args:
        scenarios: names or paths.
        venues: names or paths; "all" is every venue that ships.
        terms: such as "discounts=all"; nothing: those of the scenario.

    >>> at_venues(["calm"], ["mexc", "weex"], ["", "discounts=all"])[:3]
    ('calm@mexc', 'calm@mexc:discounts=all', 'calm@weex')
    """
    for scenario in scenarios:
        if parse_scenario(scenario).venue:
            raise ScenarioError(f"scenario {scenario!r} names a venue already: leave out venues")
    named = content.available("venues") if tuple(venues) == ("all",) else venues
    return tuple(
        f"{scenario}@{venue}:{each}" if each else f"{scenario}@{venue}"
        for scenario in scenarios
        for venue in named
        for each in terms
    )


def default_options(task: str) -> dict[str, Any]:
    """Return the tournament's own options of a task: the 4-hour variant of what lasts a day.

    >>> default_options("GammaScalp"), default_options("SpotHedge")
    ({'horizon_seconds': 14400.0}, {})
    """
    if get_task(task).horizon_seconds > _DAY_SECONDS:
        return {}
    return {"horizon_seconds": SHORT_HORIZON_SECONDS}


def check(plan: Plan) -> Contest:
    """Check a plan: every scenario is compiled with its variants, every agent looked up.

    Agents that are shipped are made, too.

    Files of the user's own are not run here: they lose only their own episodes if they fail.

    Raises:
        GammagymError: anything in the plan is unknown, malformed or impossible.
    """
    _check_numbers(plan)
    markets = {
        name: build(plan.task, name, plan.price_file, plan.overrides, plan.options)
        for name in plan.scenarios
    }
    for market in markets.values():
        variants_of(market)
    spec = agent_spec(markets[plan.scenarios[0]])
    for reference in plan.agents:
        _check_agent(reference, spec)
    try:
        json.dumps([dict(plan.options), dict(plan.overrides)])
    except TypeError as error:
        raise GammagymError(f"options and overrides must be plain values: {error}") from error
    return Contest(plan, markets, _file_digest(plan.price_file))


def playable(plan: Plan) -> tuple[tuple[str, ...], dict[str, str]]:
    """Tell which agents of a plan can be made for its task, and of the others why they cannot."""
    _check_numbers(plan)
    market = build(plan.task, plan.scenarios[0], plan.price_file, plan.overrides, plan.options)
    spec = agent_spec(market)
    able: list[str] = []
    unable: dict[str, str] = {}
    for reference in plan.agents:
        try:
            _check_agent(reference, spec)
            able.append(reference)
        except AgentError as error:
            unable[reference] = str(error)
    return tuple(able), unable


def warm_up(contest: Contest) -> None:
    """Compile the kernels, or load them from the cache, by one tiny step."""
    plan = contest.plan
    options: dict[str, Any] = dict(plan.options) | {"decision_interval": 1.0}
    env = HedgeVectorEnv(
        1,
        plan.task,
        plan.scenarios[0],
        price_file=plan.price_file,
        overrides=plan.overrides,
        **options,
    )
    env.reset(seed=0)
    env.step(np.zeros((1, *env.batch.face.action_shape), np.float32))


def batches(plan: Plan, finished: Mapping[tuple[str, str], set[int]]) -> list[Batch]:
    """Return what is still to be run, in the order of agents, scenarios and seeds.

    Args:
        plan: what to run.
        finished: seeds that are finished, by agent and scenario.
    """
    result: list[Batch] = []
    for agent in plan.agents:
        for scenario in plan.scenarios:
            done = finished.get((agent, scenario), set())
            for first in range(plan.first_seed, plan.first_seed + plan.seeds, plan.batch):
                chunk = range(first, min(first + plan.batch, plan.first_seed + plan.seeds))
                missing = tuple(seed for seed in chunk if seed not in done)
                if missing:
                    result.append(Batch(agent, scenario, missing))
    return result


def is_shipped(reference: str) -> bool:
    """Return whether an agent ships with gammagym, so that its code is trusted."""
    name, _ = parse_reference(reference)
    return not content.is_path("agents", name) and name in content.available("agents")


def agent_digest(reference: str) -> str:
    """Return a digest of an agent's reference and code.

    >>> agent_digest("no_hedge") == agent_digest("delta_band")
    False
    """
    name, _ = parse_reference(reference)
    state = hashlib.sha256(reference.encode())
    if content.is_path("agents", name) or name in content.available("agents"):
        path = content.resolve("agents", name)
        files = sorted(path.parent.iterdir()) if path.name == "agent.py" else [path]
        for file in (each for each in files if each.is_file()):
            state.update(file.name.encode() + file.read_bytes())
    else:
        for entry in entry_points(group=ENTRY_POINT_GROUP, name=name):
            version = entry.dist.version if entry.dist else ""
            state.update(f"{entry.value} {version}".encode())
    return state.hexdigest()


def _book_venue(scenario: Scenario) -> str:
    """Return the rules of the venue that a scenario names for the book, or nothing."""
    named = scenario.book_venue
    return "" if named is None else load_venue(named).model_dump_json()


def _check_numbers(plan: Plan) -> None:
    if not plan.agents:
        raise AgentError("a tournament needs at least one agent")
    if not plan.scenarios:
        raise ScenarioError("a tournament needs at least one scenario")
    for kind, given in (("agent", plan.agents), ("scenario", plan.scenarios)):
        double = next((each for each in given if given.count(each) > 1), None)
        if double is not None:
            raise GammagymError(f"{kind} {double!r} is given twice")
    if plan.seeds < 1:
        raise GammagymError(f"the number of seeds must be at least 1, was {plan.seeds}")
    if plan.first_seed < 0 or plan.first_seed + plan.seeds > _LARGEST_SEED:
        raise GammagymError(f"seeds must be from 0 to 2^63 - 1, the first was {plan.first_seed}")
    if plan.batch < 1:
        raise GammagymError(f"the size of a batch must be at least 1, was {plan.batch}")


def _check_agent(reference: str, spec: AgentSpec) -> None:
    """Refuse an agent that cannot be found, or one of our own that cannot be made."""
    name, _ = parse_reference(reference)
    if is_shipped(reference):
        load_agent(reference, spec)
    elif content.is_path("agents", name):
        content.resolve("agents", name)
    elif name not in available_agents():
        raise AgentError(
            f"no agent {name!r}: {nearest(name, available_agents())}; "
            "a file of your own is given by its path, such as ./mine.py"
        )


@cache
def _simulator_digest() -> str:
    """Return a digest of all code and data of gammagym that results depend on."""
    state = hashlib.sha256(_kernel.CACHE_FOLDER.name.encode())
    for file in sorted(content.PACKAGE.rglob("*")):
        place = file.relative_to(content.PACKAGE)
        if file.suffix in (".py", ".toml") and place.parts[0] not in _NO_INFLUENCE:
            state.update(place.as_posix().encode() + file.read_bytes())
    return state.hexdigest()


def _file_digest(path: str | None) -> str:
    if path is None:
        return ""
    return hashlib.sha256(Path(os.path.expanduser(path)).read_bytes()).hexdigest()


def _distinct(titles: dict[str, str]) -> dict[str, str]:
    """Return the titles by reference; where two are alike, the references themselves."""
    given = list(titles.values())
    return {key: title if given.count(title) == 1 else key for key, title in titles.items()}
