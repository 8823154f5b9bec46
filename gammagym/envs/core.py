"""What single and vector environments share: spaces, worlds, what an agent is told."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from gammagym.agent import FIELD_NAMES, OBSERVATION_FIELDS, AgentSpec
from gammagym.envs.kernels.stepping import INFO_PARTS, INFO_PROFIT, INFO_REJECTS, INFO_TIME
from gammagym.errors import ActionError, ScenarioError, nearest
from gammagym.exchange.attribution import write_hedge_profits
from gammagym.scenario.compile import Compiled, compile_world
from gammagym.scenario.load import load_scenario
from gammagym.scenario.prices import ProcessParameters
from gammagym.scenario.reference import parse_scenario
from gammagym.scenario.tasks import Task, get_task
from gammagym.world import PARTS, QUANTA, RATE_UNIT, YEAR_NS

BOUNDS = np.array([[field.low, field.high] for field in OBSERVATION_FIELDS]).T.copy()
FIELD_ROWS = {field.name: row for row, field in enumerate(OBSERVATION_FIELDS)}


@dataclass(frozen=True)
class Face:
    """What an environment shows of its worlds, and what it takes.

    Attributes:
        fields: names of the observation's entries.
        rows: their rows of `OBSERVATION_FIELDS`, int64.
        observation_space: of one competitor.
        action_space: of one competitor.
        action_shape: shape of what it contains.
    """

    fields: tuple[str, ...]
    rows: NDArray[np.int64]
    observation_space: gym.Space[NDArray[np.float32]]
    action_space: gym.Space[NDArray[np.float32]]
    action_shape: tuple[int, ...]


def face_of(compiled: Compiled) -> Face:
    """Return the spaces of the environments of a compiled scenario and task.

    Raises:
        ScenarioError: an observation field is unknown or named twice.
    """
    task = compiled.task
    fields = FIELD_NAMES if task.observation_fields is None else tuple(task.observation_fields)
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
    return Face(
        fields,
        rows,
        gym.spaces.Box(lows, highs, dtype=np.float32),
        gym.spaces.Box(-1.0, 1.0, (action_size(compiled),), np.float32),
        (action_size(compiled),),
    )


def action_size(compiled: Compiled) -> int:
    """Return how many numbers an action has."""
    return 2 * int(compiled.template["agents"]["hedge_count"][0, 0])


class InvalidActionError(ActionError, gym.error.InvalidAction):
    """An action has the wrong shape or is not a number."""


class InvalidOptionError(ScenarioError, gym.error.Error):
    """A scenario, a task or one of its options is unknown, malformed or impossible."""


def build(
    task: str | Task,
    scenario: Any,
    price_file: str | os.PathLike[str] | None,
    overrides: Mapping[str, Any] | None,
    options: Mapping[str, Any],
) -> Compiled:
    """Compile a scenario and a task, both by name or given.

    Args:
        task: name or `Task`.
        scenario: name, path, combination of them ("calm + flash_crash"), dict or `Scenario`.
        price_file: CSV of prices: turns the scenario's price into a replay of it.
        overrides: scenario values by dotted key.
        options: attributes of the task to change; ``venue`` and ``book_venue`` count more than
            those of the scenario.

    Raises:
        InvalidOptionError: something is unknown, malformed or impossible.
        DataError: the price file is missing or broken.
    """
    try:
        compiled = _compile(task, scenario, price_file, overrides, options)
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
    return compile_world(loaded, chosen)


def _refuse_two_venues(scenario: Any, venue: str) -> None:
    """Refuse a venue by keyword for a scenario such as "calm@binance", which names one already."""
    if isinstance(scenario, str) and parse_scenario(scenario).venue:
        raise ScenarioError(
            f"scenario {scenario!r} names a venue already: leave out the option {venue!r}"
        )


def agent_spec(compiled: Compiled) -> AgentSpec:
    """Return what an agent of this environment is told before the first observation."""
    task, price = compiled.task, compiled.reference_price
    stake = expected_stake(compiled)
    maker_fee, taker_fee = fees(compiled)
    return AgentSpec(
        task=task.name,
        action_scheme=task.action_scheme,
        observation_fields=face_of(compiled).fields,
        gross_quantity=task.gross_quantity,
        largest_order=task.largest_order * task.gross_quantity,
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


def fees(compiled: Compiled) -> tuple[float, float]:
    """Return what the hedge's account pays at first as maker and as taker, discounts taken off."""
    world = compiled.template[0]
    agent = world["agents"][0]
    account = world["accounts"][agent["hedge_account"]]
    group = int(world["instruments"]["fee_class"][agent["hedge_instrument"]])
    discount = int(account["discount_e9"])

    def effective(rate: int) -> float:
        return rate * (1.0 - discount / RATE_UNIT if rate > 0 else 1.0) / RATE_UNIT

    return effective(int(account["maker_fee_e9"][group])), effective(
        int(account["taker_fee_e9"][group])
    )


def expected_stake(compiled: Compiled) -> float:
    """Return the stake of an episode that starts at the reference price (currency)."""
    from gammagym.exchange.opening import fix_strikes, hand_over
    from gammagym.market.price import start_price
    from gammagym.market.surface import open_surface

    world = compiled.template.copy()
    world["price"]["tape_choices"] = 0
    start_price(world[0], compiled.tape)
    fix_strikes(world[0])
    open_surface(world[0])
    hand_over(world[0])
    return float(world["agents"]["stake"][0, 0])


def checked_actions(action: Any, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return an action as contiguous float32 after checking shape and numbers.

    Raises:
        InvalidActionError: the shape is wrong or a number is NaN or infinite.
    """
    try:
        array = np.ascontiguousarray(action, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise InvalidActionError(f"an action must be numbers of shape {shape}: {error}") from None
    if array.shape != shape:
        raise InvalidActionError(f"an action must have shape {shape}, was {array.shape}")
    if not np.isfinite(array).all():
        raise InvalidActionError(
            "an action must be finite numbers (those beyond -1 and 1 are clipped), "
            f"was {np.asarray(action).tolist()!r:.200}"
        )
    return array


def episode_results(worlds: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Return what became of each world's competitor, as columns of shape (worlds,).

    Profit and parts are in the settlement currency; `cost` and `relative_cost` are shares of the
    stake, raw and relative to the frictionless reference; `delta_risk` is the annualised standard
    deviation of the net delta's profit, in stakes. Parts (`PARTS`) have the sign of a profit.
    """
    agent = worlds["agents"][:, 0]
    rows = np.arange(len(worlds))
    hedge = worlds["accounts"][rows, agent["hedge_account"]]
    profit = (agent["equity_quanta"] - agent["initial_equity_quanta"]) / QUANTA
    # The book's own profit is in both, so the difference is the hedge's less the reference's.
    relative = relative_profit(worlds)
    years = worlds["end_ns"] / YEAR_NS
    columns = {
        "seed": worlds["seed"].astype(np.int64),
        "profit": profit,
        "stake": agent["stake"],
        "cost": -profit / agent["stake"],
        "relative_cost": -relative / agent["stake"],
        "turnover": agent["turnover_units"],
        "taker_fills": hedge["taker_fills"],
        "maker_fills": hedge["maker_fills"],
        "liquidations": hedge["liquidations"],
        "covered": hedge["covered_quanta"] / QUANTA,
        "drawdown": agent["drawdown"],
        "rejects": agent["rejects"].sum(axis=1),
        "delta_risk": np.sqrt(agent["risk_penalty"] / years) / agent["stake"],
        "final_price": worlds["price"]["value"],
    }
    return columns | {part: agent["parts"][:, index] for index, part in enumerate(PARTS)}


def step_info(numbers: NDArray[np.float64]) -> dict[str, Any]:
    """Return the info of one competitor from its row of infos, shape (columns,)."""
    values = numbers.tolist()
    return {
        "time_seconds": values[INFO_TIME],
        "profit": values[INFO_PROFIT],
        "attribution": dict(zip(PARTS, values[INFO_PARTS:], strict=True)),
        "rejects": int(values[INFO_REJECTS]),
    }


def relative_profit(worlds: NDArray[Any]) -> NDArray[np.float64]:
    """Return the hedge's profit less that of the frictionless reference, shape (worlds,)."""
    profits = np.empty(len(worlds))
    write_hedge_profits(worlds, profits)
    return profits - worlds["agents"]["reference_profit"][:, 0]
