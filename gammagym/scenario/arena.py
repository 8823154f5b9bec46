"""Several competitors in one world: what each has of its own, and which contracts they need.

All of them hedge with the same instruments and decide at the same times; latencies, fees and books
may differ. A contract is listed once, however many books have it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from gammagym.errors import ScenarioError
from gammagym.quantities import Exact, Model, Problems
from gammagym.scenario.problems import describe, report
from gammagym.scenario.tasks import Leg, Task, get_task
from gammagym.venues.latency import Latency, Way
from gammagym.venues.units import MakerFee, TakerFee
from gammagym.world import LARGE

# Rows of agents in the largest world.
MOST_COMPETITORS = LARGE.agents


def _seconds(value: object) -> object:
    """Read a bare number as seconds; text and tables are as in a venue file."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return f"{value:.9f}s" if is_number else value


OwnWay = Annotated[Way, BeforeValidator(_seconds, json_schema_input_type=float | str | Latency)]


class Competitor(Model):
    """What one competitor has of its own; what is left out is as the task and the venue have it."""

    book: tuple[Leg, ...] | None = Field(
        default=None, strict=False, description="the book it is handed"
    )
    latency: OwnWay | None = Field(
        default=None, description="time that messages take, on all ways without one of their own"
    )
    order_latency: OwnWay | None = Field(
        default=None, description="time an instruction takes to the matching engine"
    )
    cancel_latency: OwnWay | None = Field(default=None, description="the same for cancels")
    data_latency: OwnWay | None = Field(
        default=None, description="time market data takes to the competitor"
    )
    acknowledgement_latency: OwnWay | None = Field(
        default=None, description="time the answer takes to the competitor"
    )
    maker_fee: MakerFee | None = Field(
        default=None, description="fee of perpetuals and futures on trades whose order rested"
    )
    taker_fee: TakerFee | None = Field(
        default=None, description="the same on trades whose order took"
    )
    volume: Annotated[Exact, Field(ge=0, le=10**10)] | None = Field(
        default=None, description="traded in the last 30 days, for the fee ladder (quote)"
    )

    @model_validator(mode="after")
    def _fees_have_one_source(self) -> Competitor:
        problems = Problems(self)
        if self.maker_fee is not None or self.taker_fee is not None:
            problems.forbid("volume", "fees are given, so no ladder is walked: leave one out")
        problems.raise_if_any()
        return self


Agents = int | Sequence[str] | Mapping[str, Competitor | Mapping[str, Any] | None]


def named_competitors(agents: Agents) -> dict[str, Competitor]:
    """Return competitors by name.

    Args:
        agents: how many, their names, or what each has of its own by name.

    Raises:
        ScenarioError: a name is missing or given twice, there are too many of them, or what one of
            them has is impossible.

    >>> list(named_competitors(2))
    ['agent_0', 'agent_1']
    >>> named_competitors({"alice": {"latency": "1ms"}, "bob": None})["alice"].latency.median
    1000000
    """
    given: Any = agents
    if isinstance(agents, int) and not isinstance(agents, bool):
        given = [f"agent_{number}" for number in range(agents)]
    if isinstance(given, str) or not isinstance(given, Sequence | Mapping):
        raise ScenarioError(f"agents must be a number, names, or a table by name, was {agents!r}")
    names: list[Any] = list(given)
    if not 1 <= len(names) <= MOST_COMPETITORS:
        raise ScenarioError(f"agents must be 1 to {MOST_COMPETITORS} competitors, was {agents!r}")
    for name in names:
        if not isinstance(name, str) or not name or names.count(name) > 1:
            raise ScenarioError(f"agents must be different names, {name!r} is not: {names!r}")
    if not isinstance(given, Mapping):
        return {name: Competitor() for name in names}
    return {name: _competitor(name, given[name]) for name in names}


def _competitor(name: str, terms: Any) -> Competitor:
    """Return one competitor, with all that is wrong with it in one error."""
    if isinstance(terms, Competitor):
        return terms
    if terms is not None and not isinstance(terms, Mapping):
        raise ScenarioError(f"agents: {name!r} must be a Competitor or a table, was {terms!r}")
    table = dict(terms or {})
    try:
        return Competitor.model_validate(table)
    except ValidationError as error:
        lines = describe(error, Competitor, table).values()
        raise ScenarioError(report(f"agents: {name!r}", lines)) from None


def own_task(task: Task, competitor: Competitor) -> Task:
    """Return the task of one competitor: the common one, with its own book.

    Raises:
        ScenarioError: the book is impossible.
    """
    return task if competitor.book is None else get_task(task, book=competitor.book)


def joint_task(tasks: Sequence[Task]) -> Task:
    """Return a task whose book has every contract of every competitor's book.

    Quantities are the largest of them all: what integer arithmetic has to hold.

    >>> book = joint_task([get_task("GammaScalp"), get_task("SpotHedge")]).book
    >>> [leg.kind for leg in book]
    ['call', 'put', 'spot']
    """
    legs = list(tasks[0].book)
    for task in tasks[1:]:
        for leg, row in zip(task.book, book_rows(legs, task.book), strict=True):
            if row is None:
                legs.append(leg)
            elif abs(leg.quantity) > abs(legs[row].quantity):
                legs[row] = replace(legs[row], quantity=leg.quantity)
    return replace(tasks[0], book=tuple(legs))


def book_rows(legs: Sequence[Leg], own: Sequence[Leg]) -> list[int | None]:
    """Return for each leg of a book which of the given legs is the same contract, each once."""
    free: list[int | None] = list(range(len(legs)))
    rows: list[int | None] = []
    for leg in own:
        same = (row for row in free if row is not None and _contract(legs[row]) == _contract(leg))
        row = next(same, None)
        rows.append(row)
        if row is not None:
            free[row] = None
    return rows


def _contract(leg: Leg) -> tuple[str, float, float]:
    """Return what makes a leg the contract it is."""
    moneyness = leg.moneyness if leg.kind in ("call", "put") else 0.0
    return leg.kind, moneyness, leg.expiry_days if leg.kind != "spot" else 0.0
