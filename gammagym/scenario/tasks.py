"""Tasks: the book a competitor is handed, and how long and how often it may act."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from gammagym.errors import ScenarioError, nearest

_SECOND_NS = 1_000_000_000
_DAY_NS = 86_400 * _SECOND_NS


LegKind = Literal["call", "put", "spot", "future"]
ActionScheme = Literal["hedge", "quotes", "band", "discrete", "orders"]
RewardName = Literal["relative", "equity", "risk", "sharpe", "utility", "terminal"]


@dataclass(frozen=True)
class Leg:
    """One line of the book.

    Attributes:
        kind: ``call``, ``put``, ``spot`` or ``future``.
        quantity: signed quantity (units of the underlying; of inverse futures: contracts).
        moneyness: strike as a multiple of the episode's first price; not used for spot.
        expiry_days: time to expiry from the start of the episode (days); not used for spot.
    """

    kind: LegKind
    quantity: float
    moneyness: float = 1.0
    expiry_days: float = 7.0


@dataclass(frozen=True)
class Hedge:
    """One instrument to hedge with, at the venue of the hedge.

    Attributes:
        kind: ``perpetual`` or ``future``.
        expiry_days: time to expiry of a future from the start of the episode (days).
    """

    kind: Literal["perpetual", "future"]
    expiry_days: float = 30.0


@dataclass(frozen=True)
class Task:
    """What an agent must do.

    Attributes:
        name: as in ``gammagym/<name>-v0``.
        legs: the book it is handed at the mark.
        horizon_seconds: length of an episode (s).
        decision_interval: time between two decisions (s).
        largest_order: largest hedge order, as a share of the gross quantity of the book.
        dead_zone: smallest hedge order, as a share of the largest.
        collateral: collateral of the hedge account, as a share of the book's notional; None: 10 %,
            or a quarter more than the venue asks for to hedge all of it, if that is more.
        risk_aversion: weight of variance in the reward, times the stake.
        flow: preset of order flow that a scenario's default gives way to, or None.
        action_scheme: how an action is read (docs/environments/actions).
        reward: name of what is paid (docs/environments/rewards).
        observation_fields: names of the fields of the observation, in order; None: the usual ones.
        trade_options: whether actions also trade the options of the book: one number for each.
        leverage: leverage of the hedge account; None: the scenario's.
        venue: venue of the hedge that a scenario's default gives way to, or None.
        book_venue: venue of the book, likewise.
        hedges: what it may hedge with, the first mostly; none: the venue's perpetual or future.
        size: gross quantity of a task without a book (units).
    """

    name: str
    legs: tuple[Leg, ...]
    horizon_seconds: float = 86_400.0
    decision_interval: float = 60.0
    largest_order: float = 0.2
    dead_zone: float = 0.05
    collateral: float | None = None
    risk_aversion: float = 8.0
    flow: str | None = None
    action_scheme: ActionScheme = "hedge"
    reward: RewardName = "relative"
    observation_fields: tuple[str, ...] | None = None
    trade_options: bool = False
    leverage: float | None = None
    venue: str | None = None
    book_venue: str | None = None
    hedges: tuple[Hedge, ...] = ()
    size: float | None = None

    @property
    def gross_quantity(self) -> float:
        """Size of the book (units): a straddle on one unit counts one, as does one unit of spot."""
        by_kind: dict[str, float] = {}
        for leg in self.legs:
            by_kind[leg.kind] = by_kind.get(leg.kind, 0.0) + abs(leg.quantity)
        return max(by_kind.values(), default=self.size or 0.0)

    def trades(self, leg: Leg) -> bool:
        """Return whether actions trade a leg of the book."""
        return self.trade_options and leg.kind in ("call", "put")


def _straddle(quantity: float) -> tuple[Leg, ...]:
    return (Leg("call", quantity), Leg("put", quantity))


TASKS = {
    task.name: task
    for task in (
        Task("GammaScalp", _straddle(10.0)),
        Task("ShortGamma", _straddle(-10.0)),
        Task(
            "SpotHedge",
            (Leg("spot", 10.0),),
            horizon_seconds=30 * 86_400.0,
            decision_interval=3_600.0,
            collateral=1.0,
            flow="sparse",
        ),
    )
}


def get_task(task: str | Task, **changes: Any) -> Task:
    """Return a task by name, with changed attributes, after checking that it is possible.

    Args:
        task: name of a task, or one of your own.
        **changes: attributes of `Task` to replace; None leaves one as it is.

    Raises:
        ScenarioError: unknown name or attribute, or an impossible value.

    >>> get_task("GammaScalp", horizon_seconds=3600.0).gross_quantity
    10.0
    """
    if isinstance(task, str):
        if task not in TASKS:
            raise ScenarioError(f"unknown task {task!r}: {nearest(task, list(TASKS))}")
        task = TASKS[task]
    known = [name for name in Task.__dataclass_fields__ if name != "name"]
    given = {name: value for name, value in changes.items() if value is not None}
    for name in given:
        if name not in known:
            raise ScenarioError(
                f"task {task.name}: unknown option {name!r}: {nearest(name, known)}"
            )
    changed = replace(task, **given)
    _check(changed)
    return changed


def _check(task: Task) -> None:
    """Refuse impossible values, naming task, key, value and what is allowed."""

    def refuse(key: str, value: object, allowed: str) -> None:
        raise ScenarioError(f"task {task.name}: {key} must be {allowed}, was {value!r}")

    numbers = {
        "horizon_seconds": (1.0, 3650 * 86_400.0),
        "decision_interval": (0.001, 30 * 86_400.0),
        "largest_order": (1e-6, 1e3),
        "dead_zone": (0.0, 1.0),
        "collateral": (0.0, 1e3),
        "risk_aversion": (0.0, 1e6),
    }
    for key, (low, high) in numbers.items():
        value = getattr(task, key)
        if key == "collateral" and value is None:
            continue
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not low <= value <= high
        ):
            refuse(key, value, f"a number from {low:g} to {high:g}")
    if task.decision_interval > task.horizon_seconds:
        refuse("decision_interval", task.decision_interval, "at most horizon_seconds")
    if not task.legs:
        refuse("legs", task.legs, "at least one Leg")
    if sum(leg.kind == "spot" for leg in task.legs) > 1:
        refuse("legs", task.legs, "with at most one of kind spot: all spot is one balance of coins")
    for leg in task.legs:
        if leg.kind not in get_args(LegKind):
            refuse("legs", leg, f"of kind {', '.join(get_args(LegKind))}")
        if not (abs(leg.quantity) > 0 and leg.moneyness > 0 and leg.expiry_days > 0):
            refuse("legs", leg, "of quantity other than 0, moneyness > 0, expiry_days > 0")
    _check_actions(task, refuse)


def _check_actions(task: Task, refuse: Callable[[str, object, str], None]) -> None:
    """Refuse action schemes that do not exist or that a task is not made for."""
    if task.action_scheme not in get_args(ActionScheme):
        schemes = list(get_args(ActionScheme))
        refuse("action_scheme", task.action_scheme, f"one of {', '.join(schemes)}")
    if task.action_scheme == "band" and task.risk_aversion == 0:
        refuse("risk_aversion", task.risk_aversion, "> 0 for the action scheme 'band'")
    if task.trade_options not in (True, False):
        refuse("trade_options", task.trade_options, "True or False")
    if task.trade_options and not any(task.trades(leg) for leg in task.legs):
        refuse("trade_options", True, "False for a book without options")
