"""What a task wishes of a scenario: its venues, its leverage, its clock, futures to hedge with.

What a scenario file says of venues counts; a task's wish is for what it leaves open.
"""

from __future__ import annotations

from gammagym.errors import ScenarioError
from gammagym.quantities import format_duration
from gammagym.scenario.markets import MarketSpec
from gammagym.scenario.places import Venues, hedge_listing, is_market_of, leg_listing
from gammagym.scenario.schema import Scenario
from gammagym.scenario.tasks import Hedge, Task
from gammagym.world.sizes import NANOSECONDS

# The preset of rare events.
_RARE_PRESET = "sparse"
# Price ticks where nothing minds: the longest that decisions come at.
_LONG_TICKS_NS = (30 * NANOSECONDS, 10 * NANOSECONDS)


def with_venues(scenario: Scenario, task: Task) -> Scenario:
    """Return a scenario at the venues of the task where it names none, with the task's leverage."""
    changes: dict[str, object] = {}
    for key in ("venue", "book_venue"):
        wish = getattr(task, key)
        if wish is not None and key not in scenario.model_fields_set:
            changes[key] = wish
    if task.leverage is not None:
        changes["account"] = scenario.account.model_copy(update={"leverage": task.leverage})
    return scenario.model_copy(update=changes) if changes else scenario


def with_clock(scenario: Scenario, task: Task) -> Scenario:
    """Return a scenario whose price ticks are as long as nothing in it minds, if it names no tick.

    They are longer where the crowd's events are rare, decisions come at price ticks, and nothing is
    traded but one book with a crowd and options of days: what stands still between two ticks is
    then old when nobody looks. A timeline and recorded prices need the shorter ticks, and so do
    makers of futures, who quote at ticks alone.
    """
    flow, decision_ns = scenario.flow, round(task.decision_interval * NANOSECONDS)
    ticks = [tick for tick in _LONG_TICKS_NS if decision_ns % tick == 0]
    if (
        flow.kind == "ideal"
        or flow.preset_name(task.flow) != _RARE_PRESET
        or not ticks
        or "tick" in scenario.price.model_fields_set
        or scenario.price.model == "replay"
        or scenario.shocks
        or scenario.has_several_markets
        or any(hedge.kind == "future" for hedge in task.hedges)
        or any(leg.kind != "spot" and leg.expiry_days < 1.0 for leg in task.book)
    ):
        return scenario
    price = scenario.price.model_copy(update={"tick": ticks[0]})
    return scenario.model_copy(update={"price": price})


def with_hedges(scenario: Scenario, venues: Venues, task: Task) -> Scenario:
    """Return a scenario that has a market for every future to hedge with; makers quote new ones."""
    futures = [hedge for hedge in task.hedges if hedge.kind == "future"]
    missing = [hedge for hedge in futures if not _has_market(scenario, hedge, venues)]
    if not missing or venues.hedge.future is None:
        return scenario
    return scenario.model_copy(
        update={"markets": (*scenario.markets, *(_market(hedge, venues) for hedge in missing))}
    )


def _market(hedge: Hedge, venues: Venues) -> MarketSpec:
    expiry = format_duration(hedge.expiry_ns)
    return MarketSpec.model_validate(
        {"kind": hedge.kind, "venue": venues.hedge.name, "expiry": expiry}
    )


def _has_market(scenario: Scenario, hedge: Hedge, venues: Venues) -> bool:
    return any(is_market_of(hedge, market, venues) for market in scenario.markets)


def check_venues(scenario: Scenario, venues: Venues, task: Task) -> None:
    """Refuse venues that are not what the task is about."""
    _check_contracts(scenario, venues, task)
    if task.two_venues and venues.hedge.name == venues.book.name:
        raise ScenarioError(
            f"scenario {scenario.name!r}, task {task.name}: venue and book_venue are both "
            f"{venues.hedge.name!r}, the task is about two venues: name another one as venue= or "
            "book_venue=, or add two_venues=False for two accounts at one venue"
        )


def _check_contracts(scenario: Scenario, venues: Venues, task: Task) -> None:
    """Refuse contracts that are not what the task is about."""
    wanted = task.contract
    if wanted is None:
        return
    traded = {f"hedge at venue {venues.hedge.name!r}": hedge_listing(venues.hedge).contract}
    if any(leg.kind in ("call", "put") for leg in task.book):
        listing = leg_listing(venues.book, "call", task)
        traded[f"options at venue {venues.book.name!r}"] = listing.contract
    for what, contract in traded.items():
        if contract != wanted:
            raise ScenarioError(
                f"scenario {scenario.name!r}, task {task.name}: the {what} is {contract}, the task "
                f"is about {wanted} contracts: add venue={task.venue!r}, "
                f"book_venue={task.book_venue!r}, or others that list such"
            )
