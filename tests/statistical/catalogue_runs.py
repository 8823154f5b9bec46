"""Run scenarios with nobody in the market but the market itself, several seeds side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from many_worlds import advance_all, opened
from numpy.typing import NDArray

from gammagym.agent import FIELD_NAMES
from gammagym.engine.book import best_price, has_side
from gammagym.envs.vector import HedgeVectorEnv
from gammagym.exchange.trading import mid_price
from gammagym.loading import load_agent
from gammagym.scenario.compile import compile_world
from gammagym.scenario.load import load_scenario
from gammagym.scenario.tasks import get_task
from gammagym.world import viewed
from gammagym.world.codes import BUY, PARTS, SELL
from gammagym.world.sizes import NANOSECONDS

HOURS_4 = 14_400.0
DAY = 86_400.0
_YEAR = 365 * DAY
# Quotes that stand still and take everything: for what is about the price alone.
IDEAL: dict[str, Any] = {"flow": {"kind": "ideal", "half_spread": 0.0001, "size": 1000.0}}

Array = NDArray[Any]


@dataclass(frozen=True)
class Run:
    """What was seen of some worlds, a row for each look, a column for each seed.

    Attributes:
        time: of each look, since the first shock of its world begins, or since the start (s).
        price: the fundamental price.
        mid: of what is hedged with.
        spread: of its book, NaN where a side is empty (bp).
        depth: quantity within 10 bp of its mid, both sides (units).
        mark: its mark.
        funding: its rate per interval.
        trades: so far in its book.
        events: of its flow so far.
        worlds: as they are at the end.
    """

    time: Array
    price: Array
    mid: Array
    spread: Array
    depth: Array
    mark: Array
    funding: Array
    trades: Array
    events: Array
    worlds: Array

    def volatility(self, first: float = -np.inf, last: float = np.inf) -> float:
        """Return the annual volatility of the fundamental price between two times (s)."""
        returns = np.diff(np.log(self.price), axis=0)
        inside = (self.time[:-1] >= first) & (self.time[1:] <= last)
        step = self.time[1, 0] - self.time[0, 0]
        return float(np.sqrt((returns[inside] ** 2).mean() * _YEAR / step))

    def between(self, values: Array, first: float, last: float) -> Array:
        """Return the values of all looks between two times (s), of all seeds."""
        return values[(self.time >= first) & (self.time <= last)]


def variance_ratio(price: Array, long: int, short: int) -> float:
    """Return the variance of returns over `long` looks over that of `short` ones, for each look.

    Returns are not centred: a trend is movement too. Smaller than 1: the price comes back.
    """

    def variance(looks: int) -> float:
        returns = np.log(price[looks:] / price[:-looks])
        return float((returns**2).mean() / looks)

    return variance(long) / variance(short)


def play(
    scenario: str,
    seeds: int = 3,
    horizon: float = HOURS_4,
    step: float = 30.0,
    task: str = "GammaScalp",
    **changes: Any,
) -> Run:
    """Run a scenario for an episode; changes are values by dotted key.

    Args:
        scenario: name.
        seeds: how many worlds, seeds from 0.
        horizon: length of the episode (s).
        step: time between two looks (s).
        task: what is listed beside the hedge.
        **changes: values by key; of a table's keys give the table.
    """
    compiled = compile_world(
        load_scenario(scenario, changes), get_task(task, horizon_seconds=horizon)
    )
    worlds = opened(compiled, seeds)
    columns: dict[str, list[Any]] = {name: [] for name in Run.__annotations__ if name != "worlds"}
    begins = worlds["shocks"]["start_ns"][:, 0] / NANOSECONDS
    for look in range(1, round(horizon / step) + 1):
        advance_all(worlds, compiled.tape, round(look * step * NANOSECONDS))
        for name, values in _look(viewed(worlds)).items():
            columns[name].append(values)
        columns["time"].append(look * step - begins)
    return Run(worlds=worlds, **{name: np.array(rows) for name, rows in columns.items()})


def _look(worlds: Any) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {
        "price": worlds["price"]["value"].tolist(),
        "mark": worlds["instruments"]["mark_price"][:, 0].tolist(),
        "funding": (worlds["instruments"]["funding"]["rate_e9"][:, 0] * 1e-9).tolist(),
        "trades": worlds["books"]["trades"][:, 0].tolist(),
        "events": worlds["flows"]["event"][:, 0].tolist(),
        "mid": [],
        "spread": [],
        "depth": [],
    }
    for world in worlds:
        mid = float(mid_price(world, 0))
        found["mid"].append(mid)
        found["spread"].append(_spread(world, mid))
        found["depth"].append(_depth(world, mid))
    return found


def _spread(world: Any, mid: float) -> float:
    """Return the spread of the first book (bp), NaN where a side is empty."""
    book = world["books"][0]
    if not (has_side(book, BUY) and has_side(book, SELL)):
        return float("nan")
    ticks = int(best_price(book, SELL)) - int(best_price(book, BUY))
    return 1e4 * ticks * float(world["instruments"]["tick_size"][0]) / mid


def _depth(world: Any, mid: float) -> float:
    """Return what the crowd of the first book has within 10 bp of the mid (units)."""
    flow, contract = world["flows"][0], world["instruments"][0]
    rows, ids = flow["rows"], flow["ids"]
    orders = world["orders"][rows[rows >= 0]]
    orders = orders[orders["order_id"] == ids[rows >= 0]]
    near = abs(orders["price_ticks"] * float(contract["tick_size"]) - mid) <= 1e-3 * mid
    return float(orders["quantity_lots"][near].sum() * float(contract["lot_size"]))


@dataclass(frozen=True)
class Followed:
    """What an agent went through, a row for each decision, a column for each seed.

    Attributes:
        time: of each decision, since the first shock of its world begins (s).
        hedge: what it holds of the hedge (units).
        observed: all that it observes, shape (decisions, seeds, fields).
        accounts: at the end, the account of its hedge.
        rejects: at the end, orders that were refused, by seed and reason.
        parts: at the end, where its money went, by name (currency).
    """

    time: Array
    hedge: Array
    observed: Array
    accounts: Array
    rejects: Array
    parts: dict[str, Array]

    def field(self, name: str) -> Array:
        """Return what it observes in one field, a row for each decision, a column for each seed."""
        return self.observed[:, :, FIELD_NAMES.index(name)]


def follow(
    scenario: str,
    agent: str = "whalley_wilmott",
    task: str = "GammaScalp",
    seeds: int = 3,
    horizon: float = HOURS_4,
    **changes: Any,
) -> Followed:
    """Let an agent hedge through an episode, a decision each minute, and look at each of them.

    Args:
        scenario: name.
        agent: its reference.
        task: what it must hedge.
        seeds: how many worlds, seeds from 0.
        horizon: length of the episode (s).
        **changes: values of the scenario by key.
    """
    env = HedgeVectorEnv(
        seeds,
        task,
        scenario,
        overrides=changes,
        autoreset_mode="Disabled",
        horizon_seconds=horizon,
        decision_interval=60.0,
    )
    spec = env.agent_spec()
    hedger = load_agent(agent, spec)
    observations, info = env.reset(seed=list(range(seeds)))
    hedger.reset(info)
    worlds = env.worlds
    begins = worlds["shocks"]["start_ns"][:, 0]
    account = int(worlds["agents"]["hedge_account"][0, 0])
    lot = float(worlds["instruments"]["lot_size"][0, 0])
    rows: list[tuple[Any, Any, Any]] = []
    ended = np.zeros(seeds, bool)
    while not ended.all():
        observations, _, ended, _, _ = env.step(hedger.act(observations))
        held = worlds["positions"]["quantity_lots"][:, account, 0] * lot
        times = (worlds["time_ns"] - begins) / NANOSECONDS
        rows.append((times, held.copy(), observations.copy()))
    time, hedge, observed = (np.array(column) for column in zip(*rows, strict=True))
    agents = worlds["agents"][:, 0]
    parts = dict(zip(PARTS, agents["parts"].T, strict=True))
    return Followed(
        time,
        hedge,
        observed,
        worlds["accounts"][:, account].copy(),
        agents["rejects"].copy(),
        parts,
    )
