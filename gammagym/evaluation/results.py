"""What a tournament found: leaderboards, attribution of profit and loss, failures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gammagym.errors import DataError, GammagymError
from gammagym.evaluation import statistics
from gammagym.evaluation.rollout import DONE, FAILED, VOID
from gammagym.evaluation.store import ResultStore, Run
from gammagym.world.codes import PARTS

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Unit:
    """How shares of the stake are shown to people.

    Attributes:
        name: such as ``% of stake``.
        factor: what a share is multiplied by.
    """

    name: str
    factor: float


PERCENT_OF_STAKE = Unit("% of stake", 100.0)
BASIS_POINTS = Unit("bp of notional", 1e4)


@dataclass(frozen=True)
class Failure:
    """Episodes that came to nothing for one reason.

    Attributes:
        agent: title of the agent.
        scenario: title of the scenario.
        episodes: how many.
        reason: why.
        status: ``failed``: the agent has lost them; ``void``: their worlds have failed.
    """

    agent: str
    scenario: str
    episodes: int
    reason: str
    status: str = FAILED


@dataclass(frozen=True)
class Standing:
    """One line of a leaderboard. Costs and fees are shares of the stake; less is better.

    Attributes:
        place: 1 is the best; agents without a score share the last.
        group: letters of the groups it is in; empty without a score.
        agent: title of the agent.
        score: mean + 1.5 standard deviations of the relative cost (of the scenarios' scores the
            mean, where there are several).
        low: lower end of the score's 95 % interval.
        high: upper end.
        mean: mean relative cost.
        std: standard deviation of the relative cost.
        cvar: mean of the worst 5 % of the raw cost.
        taker_fills: mean number of fills that took, in an episode.
        maker_fills: mean number of fills that rested, in an episode.
        fees: mean fees paid.
        profit: mean profit.
        carried_delta: part of it that net delta has earned which was carried through moves.
        carried_share: the same as a share of the profit (`statistics.carried_share`).
        liquidations: number of liquidations, in all episodes.
        failures: number of episodes that it has lost.
    """

    place: int
    group: str
    agent: str
    score: float
    low: float
    high: float
    mean: float
    std: float
    cvar: float
    taker_fills: float
    maker_fills: float
    fees: float
    profit: float
    carried_delta: float
    carried_share: float
    liquidations: int
    failures: int


@dataclass(frozen=True)
class VenueCost:
    """What hedging cost one agent at one venue, over all scenarios played there.

    Attributes:
        venue: name of the venue.
        terms: terms of the account, such as ``discounts, fee credit 100``; empty: plain fees.
        agent: title of the agent.
        cost: mean relative cost (share of the stake).
        fees: mean fees paid (share of the stake).
        rejects: mean number of orders refused in an episode.
        liquidations: number of liquidations.
        failures: number of episodes that it has lost.
    """

    venue: str
    terms: str
    agent: str
    cost: float
    fees: float
    rejects: float
    liquidations: int
    failures: int


def lines_of(costs: Iterable[VenueCost]) -> dict[tuple[str, str], dict[str, VenueCost]]:
    """Return costs as lines of a table: by venue and terms, then by agent."""
    lines: dict[tuple[str, str], dict[str, VenueCost]] = {}
    for cost in costs:
        lines.setdefault((cost.venue, cost.terms), {})[cost.agent] = cost
    return lines


@dataclass(frozen=True, eq=False)
class Results:
    """All episodes of one plan, as arrays of shape (agents, scenarios, seeds).

    Attributes:
        run: version, command, plan and date.
        agents: titles of the agents.
        scenarios: titles of the scenarios.
        seeds: the seeds.
        columns: results by name; NaN where an episode failed, is void or is missing.
        failures: episodes that were lost or are void, with reasons.
        lost: number of episodes that agents have lost, shape (agents, scenarios).
        void: where a world has failed, whoever was in it, shape (scenarios, seeds).
    """

    run: Run
    agents: tuple[str, ...]
    scenarios: tuple[str, ...]
    seeds: range
    columns: Mapping[str, Floats]
    failures: tuple[Failure, ...]
    lost: NDArray[np.int64]
    void: NDArray[np.bool_]

    @property
    def plan(self) -> dict[str, Any]:
        """What was run, as plain values."""
        return self.run.plan

    @property
    def unit(self) -> Unit:
        """How costs are shown."""
        return BASIS_POINTS if self.plan.get("spot") else PERCENT_OF_STAKE

    @property
    def episodes(self) -> int:
        """Number of episodes that came to their end."""
        return int(np.isfinite(self.columns["cost"]).sum()) if self.columns else 0

    def column(self, name: str) -> Floats:
        """Return one result of every episode, shape (agents, scenarios, seeds)."""
        shape = (len(self.agents), len(self.scenarios), len(self.seeds))
        return self.columns[name] if name in self.columns else np.full(shape, np.nan)

    @property
    def void_seeds(self) -> int:
        """Number of seeds that are void, of all scenarios together."""
        return int(self.void.sum())

    def counted(self, name: str, scenario: str | None = None) -> Floats:
        """Return one result without the seeds that are void, shape (agents, scenarios, seeds left).

        Agents are compared seed by seed, so what is void for one is left out for all; but where no
        seed would be left, none is left out.
        """
        rows = self.select(scenario)
        counts = ~self.void[rows].any(axis=0)
        return self.column(name)[:, rows][..., counts if counts.any() else slice(None)]

    def bootstrap(self, scenario: str | None = None) -> statistics.Bootstrap:
        """Return scores and what a bootstrap says of them, for one scenario or over all."""
        return _bootstrap(self, scenario)

    def select(self, scenario: str | None) -> slice:
        """Return the place of one scenario among the arrays' second axis, or all of it."""
        if scenario is None:
            return slice(None)
        place = self.scenarios.index(scenario)
        return slice(place, place + 1)

    def leaderboard(self, scenario: str | None = None) -> list[Standing]:
        """Return the standings in one scenario, or over all: medians, and means of counts."""
        found = self.bootstrap(scenario)
        letters = statistics.groups(found)
        relative = self.counted("relative_cost", scenario)
        means = np.median(relative.mean(axis=2), axis=1)
        stds = np.median(statistics.sample_std(relative), axis=1)
        cvars = np.median(statistics.cvar(self.counted("cost", scenario)), axis=1)
        fees = -(self.counted("fees", scenario) / self.counted("stake", scenario))
        profit, delta = self.carried(scenario)
        shares = statistics.carried_share(delta, profit)
        taker = self.counted("taker_fills", scenario).mean(axis=(1, 2))
        maker = self.counted("maker_fills", scenario).mean(axis=(1, 2))
        liquidations = np.nansum(self.counted("liquidations", scenario), axis=(1, 2))
        lost = self.lost[:, self.select(scenario)].sum(axis=1)
        # Without a score (one seed), the mean decides; without results, nothing does.
        keys = np.where(np.isfinite(found.scores), found.scores, means)
        order = np.argsort(keys, kind="stable")
        last = int(np.isfinite(keys).sum()) + 1
        return [
            Standing(
                min(place, last),
                letters[row],
                self.agents[row],
                float(found.scores[row]),
                float(found.low[row]),
                float(found.high[row]),
                float(means[row]),
                float(stds[row]),
                float(cvars[row]),
                float(taker[row]),
                float(maker[row]),
                float(fees[row].mean()),
                float(profit[row]),
                float(delta[row]),
                float(shares[row]),
                int(liquidations[row]),
                int(lost[row]),
            )
            for place, row in enumerate(order.tolist(), start=1)
        ]

    def carried(self, scenario: str | None = None) -> tuple[Floats, Floats]:
        """Return mean profit, and what of it is from carried delta, in stakes, shape (agents,)."""
        stake = self.counted("stake", scenario)
        profit = (self.counted("profit", scenario) / stake).mean(axis=(1, 2))
        return profit, (self.counted("delta", scenario) / stake).mean(axis=(1, 2))

    def by_venue(self) -> list[VenueCost]:
        """Return the cost of every agent at every venue; nothing if no venues were compared."""
        titles: dict[str, str] = self.plan["scenario_titles"]
        grouped: dict[tuple[str, str], list[int]] = {}
        for key, place in self.plan.get("places", {}).items():
            row = self.scenarios.index(titles[key])
            grouped.setdefault((place["venue"], place["terms"]), []).append(row)
        relative = self.counted("relative_cost")
        fees = -self.counted("fees") / self.counted("stake")
        rejects, liquidations = self.counted("rejects"), self.counted("liquidations")
        return [
            VenueCost(
                venue,
                terms,
                agent,
                float(relative[row, rows].mean()),
                float(fees[row, rows].mean()),
                float(rejects[row, rows].mean()),
                int(np.nansum(liquidations[row, rows])),
                int(self.lost[row, rows].sum()),
            )
            for (venue, terms), rows in grouped.items()
            for row, agent in enumerate(self.agents)
        ]

    def drawn_scenarios(self) -> tuple[str, ...]:
        """Return the scenarios to look at closely: those on special terms are left out."""
        titles, places = self.plan["scenario_titles"], self.plan.get("places", {})
        special = {titles[key] for key, place in places.items() if place["terms"]}
        plain = tuple(name for name in self.scenarios if name not in special)
        return plain or self.scenarios

    def table(self, scenario: str | None = None) -> Any:
        """Return a leaderboard as a `pandas.DataFrame`."""
        import pandas as pd

        return pd.DataFrame([asdict(line) for line in self.leaderboard(scenario)])

    def attribution(self, scenario: str | None = None) -> dict[str, Floats]:
        """Return where the profit went: the mean of each part, in stakes, shape (agents,).

        Raises:
            GammagymError: the parts of an episode do not add up to its profit.
        """
        stake = self.counted("stake", scenario)
        parts = {part: self.counted(part, scenario) for part in PARTS}
        scale = np.maximum(sum(np.abs(each) for each in parts.values()), 1.0)
        gap = np.abs(sum(parts.values()) - self.counted("profit", scenario)) / scale
        if np.nanmax(gap, initial=0.0) > 1e-6:
            raise GammagymError("attribution: the parts of an episode do not add up to its profit")
        return {part: (each / stake).mean(axis=(1, 2)) for part, each in parts.items()}

    def attribution_table(self) -> Any:
        """Return the attribution of all agents and scenarios as a `pandas.DataFrame`."""
        import pandas as pd

        lines: list[dict[str, Any]] = []
        for scenario in self.scenarios:
            parts = self.attribution(scenario)
            for row, agent in enumerate(self.agents):
                shares = {part: float(values[row]) for part, values in parts.items()}
                total = {"profit": sum(shares.values())}
                lines.append({"scenario": scenario, "agent": agent} | shares | total)
        return pd.DataFrame(lines)

    def correlation(self, scenario: str | None = None) -> Floats:
        """Return the correlation of raw costs on the same seeds, the mean over scenarios."""
        costs = self.counted("cost", scenario)
        found = [statistics.correlation(costs[:, each]) for each in range(costs.shape[1])]
        return np.mean(found, axis=0)

    def summary(self) -> dict[str, Any]:
        """Return everything that machines may want to know, as plain values; NaN becomes None."""
        boards = {name: self.leaderboard(name) for name in self.scenarios}
        return {
            "version": self.run.version,
            "plan": self.plan,
            "unit": "share of the stake",
            "overall": [_plain(line) for line in self.leaderboard()],
            "scenarios": {key: [_plain(line) for line in board] for key, board in boards.items()},
            "venues": [_plain(line) for line in self.by_venue()],
            "failures": [asdict(failure) for failure in self.failures],
            "void_seeds": self.void_seeds,
        }


def load_results(store: ResultStore, run: Run | None = None) -> Results:
    """Collect the episodes of a run's plan.

    Args:
        store: the file of results.
        run: whose plan; the last one if None.

    Raises:
        DataError: the file holds no run.
    """
    runs = store.runs()
    if not runs:
        raise DataError(f"{store.path}: holds no tournament yet")
    run = run or runs[-1]
    plan = run.plan
    seeds = range(plan["first_seed"], plan["first_seed"] + plan["seeds"])
    agents, scenarios = plan["agents"], plan["scenarios"]
    columns: dict[str, Floats] = {}
    lost = np.zeros((len(agents), len(scenarios)), np.int64)
    void = np.zeros((len(scenarios), len(seeds)), np.bool_)
    failures: list[Failure] = []
    shape = (len(agents), len(scenarios), len(seeds))
    for row, agent in enumerate(agents):
        for place, scenario in enumerate(scenarios):
            mark = plan["fingerprints"][agent][scenario]
            found = store.episodes(agent, scenario, plan["task"], mark)
            chosen = [index for index, seed in enumerate(found.seeds.tolist()) if seed in seeds]
            at = [int(found.seeds[index]) - seeds.start for index in chosen]
            for name, values in found.columns.items():
                columns.setdefault(name, np.full(shape, np.nan))[row, place, at] = values[chosen]
            ends = [(found.reason[index], found.status[index]) for index in chosen]
            lost[row, place] = sum(status == FAILED for _, status in ends)
            void[place, at] |= [status == VOID for _, status in ends]
            titles = (plan["agent_titles"][agent], plan["scenario_titles"][scenario])
            failures += [
                Failure(*titles, ends.count(end), *end)
                for end in dict.fromkeys(ends)
                if end[1] != DONE
            ]
    return Results(
        run,
        tuple(plan["agent_titles"][agent] for agent in agents),
        tuple(plan["scenario_titles"][scenario] for scenario in scenarios),
        seeds,
        columns,
        tuple(failures),
        lost,
        void,
    )


@lru_cache(maxsize=64)
def _bootstrap(results: Results, scenario: str | None) -> statistics.Bootstrap:
    return statistics.bootstrap(results.counted("relative_cost", scenario))


def _plain(line: Standing | VenueCost) -> dict[str, Any]:
    values = asdict(line)
    return {
        key: None if isinstance(value, float) and not np.isfinite(value) else value
        for key, value in values.items()
    }
