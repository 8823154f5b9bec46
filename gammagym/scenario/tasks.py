"""Tasks: the book a competitor is handed, and how long and how often it may act."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, NoReturn, cast, get_args

from gammagym.errors import ScenarioError, nearest
from gammagym.scenario.order_flow import PRESET_KINDS
from gammagym.world.sizes import HEDGES

_DAY_SECONDS = 86_400.0

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
        kind: ``perpetual`` (where the venue lists none: its future that expires 30 days after the
            episode), or ``future``.
        expiry_days: time to expiry of a future from the start of the episode (days).
        optional: whether a future is left out where the venue lists none; else that is an error.
    """

    kind: Literal["perpetual", "future"] = "perpetual"
    expiry_days: float = 30.0
    optional: bool = False

    @property
    def expiry_ns(self) -> int:
        """Time to expiry of a future from the start of the episode (ns)."""
        return round(self.expiry_days * _DAY_SECONDS * 1e9)


@dataclass(frozen=True)
class Task:
    """What an agent must do.

    Attributes:
        name: as in ``gammagym/<name>-v0``.
        book: the legs it is handed at the mark; none: it trades the hedge alone.
        horizon_seconds: length of an episode (s).
        decision_interval: time between two decisions (s).
        largest_order: largest hedge order, as a share of the gross quantity of the book.
        dead_zone: smallest hedge order, as a share of the largest.
        collateral: collateral of the hedge account, as a share of the book's notional; None: 10 %,
            or a quarter more than the venue asks for to hedge all of it, if that is more.
        book_collateral: the same of the book's account, which then needs margin and can be
            liquidated; None: the book is in custody, and needs none.
        risk_aversion: weight of variance in the reward, times the stake.
        delta_limit: largest net delta that orders may lead to, in gross quantities; None: any.
        loss_limit: loss of book and hedge, in stakes, at which the hedge is closed and nothing
            more is sent; None: never.
        flow: preset of order flow that a scenario's default gives way to, or None.
        action_scheme: how an action is read (docs/environments/actions).
        reward: name of what is paid (docs/environments/rewards).
        observation_fields: names of the fields of the observation, in order; None: the usual ones.
        trade_options: whether actions also trade the options of the book: one number for each.
        leverage: leverage of the hedge account; None: the scenario's.
        venue: venue of the hedge, where the scenario names none; by keyword: in any case.
        book_venue: venue of the book, likewise.
        contract: what the hedge and the options of the book must be: ``linear`` or ``inverse``
            (settled in coins); None: either.
        two_venues: whether hedge and book must be at different venues.
        hedges: what it may hedge with, the first mostly; none: the perpetual.
        size: gross quantity of a task without a book (units).
    """

    name: str
    book: tuple[Leg, ...]
    horizon_seconds: float = _DAY_SECONDS
    decision_interval: float = 60.0
    largest_order: float = 0.2
    dead_zone: float = 0.05
    collateral: float | None = None
    book_collateral: float | None = None
    risk_aversion: float = 8.0
    delta_limit: float | None = None
    loss_limit: float | None = None
    flow: str | None = None
    action_scheme: ActionScheme = "hedge"
    reward: RewardName = "relative"
    observation_fields: tuple[str, ...] | None = None
    trade_options: bool = False
    leverage: float | None = None
    venue: str | None = None
    book_venue: str | None = None
    contract: Literal["linear", "inverse"] | None = None
    two_venues: bool = False
    hedges: tuple[Hedge, ...] = ()
    size: float | None = None

    @property
    def gross_quantity(self) -> float:
        """Size of the book (units): a straddle on one unit counts one, as does one unit of spot."""
        by_kind: dict[str, float] = {}
        for leg in self.book:
            by_kind[leg.kind] = by_kind.get(leg.kind, 0.0) + abs(leg.quantity)
        return max(by_kind.values(), default=self.size or 0.0)

    def trades(self, leg: Leg) -> bool:
        """Return whether actions trade a leg of the book."""
        return self.trade_options and leg.kind in ("call", "put")


def _straddle(quantity: float) -> tuple[Leg, ...]:
    return (Leg("call", quantity), Leg("put", quantity))


_COIN = Leg("spot", 10.0)
# Tasks of a month: an hour between decisions, and collateral that a move of the price does not use
# up.
_MONTH: dict[str, Any] = {
    "horizon_seconds": 30 * _DAY_SECONDS,
    "decision_interval": 3_600.0,
    "collateral": 1.0,
    "flow": "sparse",
}

TASKS = {
    task.name: task
    for task in (
        Task("GammaScalp", _straddle(10.0)),
        Task("ShortGamma", _straddle(-10.0)),
        Task("CoveredCall", (_COIN, Leg("call", -10.0, 1.1, 30.0)), **_MONTH),
        Task("ProtectivePut", (_COIN, Leg("put", 10.0, 0.9, 30.0)), **_MONTH),
        Task(
            "SpotHedge",
            (_COIN,),
            hedges=(
                Hedge("perpetual"),
                Hedge("future", 15.0, optional=True),
                Hedge("future", 45.0, optional=True),
            ),
            **_MONTH,
        ),
        Task("SyntheticScalp", (), size=10.0),
        Task(
            "InverseGammaScalp",
            _straddle(10.0),
            venue="deribit",
            book_venue="deribit",
            contract="inverse",
        ),
        Task(
            "TwoVenueHedge",
            _straddle(10.0),
            venue="binance",
            book_venue="deribit",
            two_venues=True,
            book_collateral=0.0,
        ),
    )
}


def get_task(task: str | Task, **changes: Any) -> Task:
    """Return a task by name, with changed attributes, after checking that it is possible.

    Args:
        task: name of a task, or one of your own.
        **changes: attributes of `Task` to replace; None leaves one as it is. Legs and hedges may be
            given as mappings of their attributes, a hedge also by its kind alone.

    Raises:
        ScenarioError: unknown name or attribute, or an impossible value.

    >>> get_task("GammaScalp", horizon_seconds=3600.0).gross_quantity
    10.0
    >>> get_task("GammaScalp", book=[{"kind": "call", "quantity": -2.0}]).book
    (Leg(kind='call', quantity=-2.0, moneyness=1.0, expiry_days=7.0),)
    """
    if isinstance(task, str):
        if task not in TASKS:
            raise ScenarioError(f"unknown task {task!r}: {nearest(task, list(TASKS))}")
        task = TASKS[task]
    known = [field.name for field in fields(Task) if field.name != "name"]
    given = {name: value for name, value in changes.items() if value is not None}
    for name in given:
        if name not in known:
            raise ScenarioError(
                f"task {task.name}: unknown option {name!r}: {nearest(name, known)}"
            )
    for name, read in _READERS.items():
        if name in given:
            given[name] = _each(task, name, given[name], read)
    changed = replace(task, **given)
    _check(changed)
    return changed


# --- What may be written in several ways -----------------------------------------------------


def _each(task: Task, key: str, value: object, read: Callable[[Any], Any]) -> tuple[Any, ...]:
    """Return a list as a tuple of what its members stand for."""
    if isinstance(value, str | Mapping) or not isinstance(value, Iterable):
        _refuse(task, key, value, "a list or tuple")
    members = tuple(cast(Iterable[Any], value))
    try:
        return tuple(read(member) for member in members)
    except TypeError as error:
        _refuse(task, key, members, f"{_ALLOWED[key]} ({error})")


def _leg(member: Any) -> Any:
    return Leg(**member) if isinstance(member, Mapping) else member


def _hedge(member: Any) -> Any:
    if isinstance(member, str):
        return Hedge(cast(Any, member))
    return Hedge(**member) if isinstance(member, Mapping) else member


def _itself(member: Any) -> Any:
    return member


_READERS: dict[str, Callable[[Any], Any]] = {
    "book": _leg,
    "hedges": _hedge,
    "observation_fields": _itself,
}
_ALLOWED = {
    "book": "legs: Leg, or a mapping of its attributes",
    "hedges": "hedges: Hedge, a mapping of its attributes, or 'perpetual'",
    "observation_fields": "names of fields",
}

# --- What is possible ------------------------------------------------------------------------

_NUMBERS = {
    "horizon_seconds": (1.0, 3650 * _DAY_SECONDS),
    "decision_interval": (0.001, 30 * _DAY_SECONDS),
    "largest_order": (1e-6, 1e3),
    "dead_zone": (0.0, 1.0),
    "collateral": (0.0, 1e3),
    "book_collateral": (0.0, 1e3),
    "risk_aversion": (0.0, 1e6),
    "delta_limit": (1e-6, 1e6),
    "loss_limit": (1e-9, 1e9),
    "leverage": (1.0, 1e3),
    "size": (1e-9, 1e9),
}
_OPEN = ("collateral", "book_collateral", "delta_limit", "loss_limit", "leverage", "size")
_CHOICES: dict[str, tuple[object, ...]] = {
    "action_scheme": get_args(ActionScheme),
    "reward": get_args(RewardName),
    "trade_options": (False, True),
    "two_venues": (False, True),
    "contract": (None, "linear", "inverse"),
    "flow": (None, *PRESET_KINDS),
}


def _refuse(task: Task, key: str, value: object, allowed: str) -> NoReturn:
    raise ScenarioError(f"task {task.name}: {key} must be {allowed}, was {value!r}")


def _is_number(value: object, low: float, high: float) -> bool:
    return not isinstance(value, bool) and isinstance(value, int | float) and low <= value <= high


def _check(task: Task) -> None:
    """Refuse impossible values, naming task, key, value and what is allowed."""
    for key, (low, high) in _NUMBERS.items():
        value = getattr(task, key)
        if not (value is None and key in _OPEN) and not _is_number(value, low, high):
            _refuse(task, key, value, f"a number from {low:g} to {high:g}")
    for key, choices in _CHOICES.items():
        value = getattr(task, key)
        if not any(value is choice or value == choice for choice in choices):
            told = [repr(choice) for choice in choices if choice is not None]
            _refuse(task, key, value, f"one of {', '.join(told)}")
    for key in ("venue", "book_venue"):
        value = getattr(task, key)
        if value is not None and not (isinstance(value, str) and value):
            _refuse(task, key, value, "the name or path of a venue")
    names = task.observation_fields
    if names is not None and not all(isinstance(name, str) for name in cast(Any, names)):
        _refuse(task, "observation_fields", names, _ALLOWED["observation_fields"])
    if task.decision_interval > task.horizon_seconds:
        _refuse(task, "decision_interval", task.decision_interval, "at most horizon_seconds")
    _check_book(task)
    _check_actions(task)
    _check_hedges(task)


def _check_book(task: Task) -> None:
    book = task.book
    if not book and task.size is None:
        _refuse(task, "book", book, "at least one Leg, or none with a size")
    if not book and task.book_collateral is not None:
        _refuse(task, "book_collateral", task.book_collateral, "left out: there is no book")
    if not all(isinstance(leg, Leg) for leg in cast(Any, book)):
        _refuse(task, "book", book, _ALLOWED["book"])
    if sum(leg.kind == "spot" for leg in book) > 1:
        _refuse(task, "book", book, "with at most one of kind spot: all spot is one balance")
    for leg in book:
        if leg.kind not in get_args(LegKind):
            _refuse(task, "book", leg, f"of kind {', '.join(get_args(LegKind))}")
        numbers = (abs(leg.quantity), leg.moneyness, leg.expiry_days)
        if not all(_is_number(number, 1e-12, 1e12) for number in numbers):
            _refuse(task, "book", leg, "of quantity other than 0, moneyness > 0, expiry_days > 0")


def _check_actions(task: Task) -> None:
    if task.action_scheme == "band" and task.risk_aversion == 0:
        _refuse(task, "risk_aversion", task.risk_aversion, "> 0 for the action scheme 'band'")
    if task.trade_options and not any(task.trades(leg) for leg in task.book):
        _refuse(task, "trade_options", True, "False for a book without options")


def _check_hedges(task: Task) -> None:
    hedges = task.hedges
    if not all(isinstance(hedge, Hedge) for hedge in cast(Any, hedges)):
        _refuse(task, "hedges", hedges, _ALLOWED["hedges"])
    if len(hedges) > HEDGES:
        _refuse(task, "hedges", hedges, f"at most {HEDGES}")
    for hedge in hedges:
        if hedge.kind not in ("perpetual", "future"):
            _refuse(task, "hedges", hedge, "of kind perpetual or future")
        if not _is_number(hedge.expiry_days, 1e-6, 3650.0):
            _refuse(task, "hedges", hedge, "with expiry_days from 1e-06 to 3650")
    keys = [hedge.kind if hedge.kind == "perpetual" else hedge.expiry_ns for hedge in hedges]
    if len(set(keys)) < len(keys):
        _refuse(task, "hedges", hedges, "different from each other")
    for leg in task.book:
        if leg.kind == "future" and round(leg.expiry_days * _DAY_SECONDS * 1e9) in keys:
            _refuse(task, "hedges", hedges, f"none of the book, which has a {leg.kind} like that")
    first = hedges[0] if hedges else Hedge()
    if first.kind == "future" and first.expiry_days * _DAY_SECONDS <= task.horizon_seconds:
        _refuse(task, "hedges", hedges, "such that the first does not expire before the episode")
