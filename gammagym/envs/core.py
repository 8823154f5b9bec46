"""What single and vector environments share: spaces, worlds, what an agent is told."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from gammagym.agent import AgentSpec
from gammagym.envs.actions import (
    action_size,
    action_space,
    checked_actions,
    checked_moves,
)
from gammagym.envs.kernels.failing import FAILURES
from gammagym.envs.kernels.stepping import (
    INFO_FAILURE,
    INFO_PARTS,
    INFO_PROFIT,
    INFO_REJECTS,
    INFO_TIME,
)
from gammagym.errors import ScenarioError, nearest
from gammagym.exchange.attribution import write_hedge_profits
from gammagym.fields import ALL_FIELDS, default_fields
from gammagym.scenario.arena import Competitor
from gammagym.scenario.compile import Compiled, compile_world
from gammagym.scenario.load import load_scenario
from gammagym.scenario.prices import ProcessParameters
from gammagym.scenario.reference import parse_scenario
from gammagym.scenario.stakes import expected_stakes
from gammagym.scenario.tasks import Task, get_task
from gammagym.world.codes import CALL, PARTS, PUT
from gammagym.world.sizes import QUANTA, RATE_UNIT, YEAR_NS

BOUNDS = np.array([[field.low, field.high] for field in ALL_FIELDS]).T.copy()
FIELD_ROWS = {field.name: row for row, field in enumerate(ALL_FIELDS)}


@dataclass(frozen=True)
class Face:
    """What an environment shows of its worlds, and what it takes.

    Attributes:
        fields: names of the observation's entries.
        rows: their rows of `ALL_FIELDS`, int64.
        observation_space: of one competitor.
        action_space: of one competitor.
        action_shape: shape of what it contains.
        action_size: how many numbers the worlds take for it.
    """

    fields: tuple[str, ...]
    rows: NDArray[np.int64]
    observation_space: gym.Space[NDArray[np.float32]]
    action_space: gym.Space[Any]
    action_shape: tuple[int, ...]
    action_size: int

    def checked(self, action: Any, *lead: int) -> NDArray[np.float32]:
        """Return actions as a batch takes them, after checking shape and numbers.

        Args:
            action: of the action space, with further axes before its own: shape (*lead,
                *action_shape).
            *lead: lengths of these axes.

        Returns:
            float32, shape (*lead, action_size).

        Raises:
            InvalidActionError: the shape is wrong, or something is no such number.
        """
        shape = (*lead, *self.action_shape)
        if isinstance(self.action_space, gym.spaces.Box):
            return checked_actions(action, shape)
        return checked_moves(action, shape, self.action_space).reshape(*lead, self.action_size)


def face_of(compiled: Compiled) -> Face:
    """Return the spaces of the environments of a compiled scenario and task.

    Raises:
        ScenarioError: an observation field is unknown or named twice.
    """
    task = compiled.task
    fields = _usual_fields(compiled)
    if task.observation_fields is not None:
        fields = tuple(task.observation_fields)
    for name in fields:
        if name not in FIELD_ROWS:
            raise ScenarioError(
                f"task {task.name}: observation_fields: unknown field {name!r}: "
                f"{nearest(name, list(FIELD_ROWS))}"
            )
    if not fields or len(set(fields)) < len(fields):
        raise ScenarioError(
            f"task {task.name}: observation_fields must be at least one name, and none twice, "
            f"was {fields!r}"
        )
    rows = np.array([FIELD_ROWS[name] for name in fields], np.int64)
    lows, highs = BOUNDS[:, rows].astype(np.float32)
    space = action_space(compiled)
    return Face(
        fields,
        rows,
        gym.spaces.Box(lows, highs, dtype=np.float32),
        space,
        space.shape or (),
        action_size(compiled),
    )


def _usual_fields(compiled: Compiled) -> tuple[str, ...]:
    """Return the fields that are shown where the task names none."""
    agent = compiled.template["agents"][0, 0]
    hedges = agent["hedges"][: agent["hedge_count"]]
    orders = np.isin(agent["working"]["instrument"][: agent["slots"]], hedges).sum()
    kinds = compiled.template["instruments"]["kind"][0, : compiled.template["instrument_count"][0]]
    options = np.isin(kinds, (CALL, PUT)).sum() if compiled.task.trade_options else 0
    return default_fields(len(hedges), int(orders), int(options))


class InvalidOptionError(ScenarioError, gym.error.Error):
    """A scenario, a task or one of its options is unknown, malformed or impossible."""


def build(
    task: str | Task,
    scenario: Any,
    price_file: str | os.PathLike[str] | None,
    overrides: Mapping[str, Any] | None,
    options: Mapping[str, Any],
    agents: int | Sequence[Competitor] = 1,
) -> Compiled:
    """Compile a scenario and a task, both by name or given.

    Args:
        task: name or `Task`.
        scenario: name, path, combination of them ("calm + flash_crash"), dict or `Scenario`.
        price_file: CSV of prices: turns the scenario's price into a replay of it.
        overrides: scenario values by dotted key.
        options: attributes of the task to change; ``venue`` and ``book_venue`` count more than
            those of the scenario.
        agents: number of competitors in each world, or what each of them has of its own.

    Raises:
        InvalidOptionError: something is unknown, malformed or impossible.
        DataError: the price file is missing or broken.
    """
    try:
        compiled = _compile(task, scenario, price_file, overrides, options, agents)
        face_of(compiled)
    except ScenarioError as error:
        raise InvalidOptionError(str(error)) from error
    return compiled


def _compile(
    task: str | Task,
    scenario: Any,
    price_file: str | os.PathLike[str] | None,
    overrides: Mapping[str, Any] | None,
    options: Mapping[str, Any],
    agents: int | Sequence[Competitor],
) -> Compiled:
    chosen = get_task(task, **options)
    changes = dict(overrides or {})
    if price_file is not None:
        changes |= {"price.model": "replay", "price.file": os.fspath(price_file)}
        others = ("start", "drift", "preset", *ProcessParameters.model_fields)
        changes |= {f"price.{key}": None for key in others} | changes
    for key in ("venue", "book_venue"):
        if options.get(key) is not None:
            _refuse_two_venues(scenario, options[key])
            changes[key] = options[key]
    loaded = load_scenario(scenario, changes)
    if loaded.account.position_mode == "hedge":
        raise ScenarioError(
            f"scenario {loaded.name!r}: account.position_mode: 'hedge' is for gammagym.Market: an "
            "environment's action is one signed order, which is for a one-way position"
        )
    return compile_world(loaded, chosen, agents)


def _refuse_two_venues(scenario: Any, venue: str) -> None:
    """Refuse a venue by keyword for a scenario such as "calm@binance", which names one already."""
    if isinstance(scenario, str) and parse_scenario(scenario).venue:
        raise ScenarioError(
            f"scenario {scenario!r} names a venue already: leave out the option {venue!r}"
        )


def agent_spec(compiled: Compiled, row: int = 0) -> AgentSpec:
    """Return what the agent of one competitor is told before the first observation."""
    task, price = compiled.task, compiled.reference_price
    stake = expected_stake(compiled, row)
    maker_fee, taker_fee = fees(compiled, row)
    gross = float(compiled.template["agents"]["gross_units"][0, row])
    face = face_of(compiled)
    return AgentSpec(
        task=task.name,
        action_scheme=task.action_scheme,
        action_shape=face.action_shape,
        observation_fields=face.fields,
        gross_quantity=gross,
        largest_order=task.largest_order * gross,
        dead_zone=task.dead_zone,
        maker_fee=maker_fee,
        taker_fee=taker_fee,
        reference_price=price,
        stake=stake,
        risk_aversion=task.risk_aversion / stake,
        decision_seconds=task.decision_interval,
        horizon_seconds=task.horizon_seconds,
        hedge_instruments=tuple(compiled.instruments[row] for row in hedge_rows_of(compiled)),
    )


def hedge_rows_of(compiled: Compiled) -> list[int]:
    """Return the rows of instruments that a competitor hedges with."""
    agent = compiled.template["agents"][0, 0]
    return agent["hedges"][: agent["hedge_count"]].tolist()


def fees(compiled: Compiled, row: int = 0) -> tuple[float, float]:
    """Return what the hedge's account pays at first as maker and as taker, discounts taken off."""
    world = compiled.template[0]
    agent = world["agents"][row]
    account = world["accounts"][agent["hedge_account"]]
    group = int(world["instruments"]["fee_class"][agent["hedge_instrument"]])
    discount = int(account["discount_e9"])

    def effective(rate: int) -> float:
        return rate * (1.0 - discount / RATE_UNIT if rate > 0 else 1.0) / RATE_UNIT

    return effective(int(account["maker_fee_e9"][group])), effective(
        int(account["taker_fee_e9"][group])
    )


def expected_stake(compiled: Compiled, row: int = 0) -> float:
    """Return a competitor's stake of an episode that starts at the reference price (currency)."""
    return float(expected_stakes(compiled.template, compiled.tape)[row])


def episode_results(worlds: NDArray[Any], row: int = 0) -> dict[str, NDArray[Any]]:
    """Return what became of one competitor of each world, as columns of shape (worlds,).

    Profit and parts are in the settlement currency; `cost` and `relative_cost` are shares of the
    stake, raw and relative to the frictionless reference; `delta_risk` is the annualised standard
    deviation of the net delta's profit, in stakes. Parts (`PARTS`) have the sign of a profit.
    """
    agent = worlds["agents"][:, row]
    rows = np.arange(len(worlds))
    hedge = worlds["accounts"][rows, agent["hedge_account"]]
    book = worlds["accounts"][rows, agent["book_account"]]
    is_apart = agent["book_account"] != agent["hedge_account"]

    def fills(kind: str) -> NDArray[np.int64]:
        return hedge[kind] + np.where(is_apart, book[kind], 0)

    profit = (agent["equity_quanta"] - agent["initial_equity_quanta"]) / QUANTA
    # The book's own profit is in both, so the difference is the hedge's less the reference's.
    relative = relative_profit(worlds, row)
    years = worlds["end_ns"] / YEAR_NS
    columns = {
        "seed": worlds["seed"].astype(np.int64),
        "profit": profit,
        "stake": agent["stake"],
        "cost": -profit / agent["stake"],
        "relative_cost": -relative / agent["stake"],
        "turnover": agent["turnover_units"],
        "taker_fills": fills("taker_fills"),
        "maker_fills": fills("maker_fills"),
        "liquidations": hedge["liquidations"],
        "covered": hedge["covered_quanta"] / QUANTA,
        "drawdown": agent["drawdown"],
        "rejects": agent["rejects"].sum(axis=1),
        "delta_risk": np.sqrt(agent["risk_penalty"] / years) / agent["stake"],
        "final_price": worlds["price"]["value"],
    }
    return columns | {part: agent["parts"][:, index] for index, part in enumerate(PARTS)}


def step_info(numbers: NDArray[np.float64]) -> dict[str, Any]:
    """Return the info of one competitor from its row of infos, shape (columns,).

    Of a world that has failed it has the reason, ``failure``.
    """
    values = numbers.tolist()
    code = int(values[INFO_FAILURE])
    failed = {"failure": FAILURES[code]} if code else {}
    return failed | {
        "time_seconds": values[INFO_TIME],
        "profit": values[INFO_PROFIT],
        "attribution": dict(zip(PARTS, values[INFO_PARTS:], strict=True)),
        "rejects": int(values[INFO_REJECTS]),
    }


def column_infos(numbers: NDArray[np.float64]) -> dict[str, Any]:
    """Return what `step_info` says of many competitors as columns, failures apart.

    Args:
        numbers: rows of infos, shape (..., columns).

    Returns:
        Columns of shape (...).
    """
    return {
        "time_seconds": numbers[..., INFO_TIME],
        "profit": numbers[..., INFO_PROFIT],
        "attribution": {part: numbers[..., INFO_PARTS + row] for row, part in enumerate(PARTS)},
        "rejects": numbers[..., INFO_REJECTS].astype(np.int64),
    }


def failure_texts(numbers: NDArray[np.float64]) -> list[str]:
    """Return why each world has failed, or "", from rows of infos, shape (worlds, columns)."""
    codes = numbers[:, INFO_FAILURE].astype(np.int64).tolist()
    return [FAILURES[code] if code else "" for code in codes]


def failure_infos(numbers: NDArray[np.float64], failed: NDArray[np.bool_]) -> dict[str, Any]:
    """Return what infos of a vector environment say of worlds that have just failed.

    Args:
        numbers: infos, shape (worlds, columns).
        failed: which worlds, shape (worlds,).
    """
    if not failed.any():
        return {}
    reasons = np.full(len(failed), None, dtype=object)
    reasons[failed] = failure_texts(numbers[failed])
    return {"failure": reasons, "_failure": failed}


def relative_profit(worlds: NDArray[Any], row: int = 0) -> NDArray[np.float64]:
    """Return the hedge's profit less that of the frictionless reference, shape (worlds,)."""
    profits = np.empty(len(worlds))
    write_hedge_profits(worlds, row, profits)
    return profits - worlds["agents"]["reference_profit"][:, row]
