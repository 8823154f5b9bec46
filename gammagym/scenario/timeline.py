"""Write the timeline of a world: one row for each event, several for a path or two fees.

A large order gets an account of its own, after all others.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise
from types import MappingProxyType
from typing import Any

from gammagym.errors import CapacityError, ScenarioError, nearest
from gammagym.quantities import Span, format_duration
from gammagym.scenario.places import HEDGE_ROW, HEDGE_VENUE, Venues
from gammagym.scenario.problems import report
from gammagym.scenario.rules import quanta, write_account
from gammagym.scenario.schema import AccountTerms, Scenario
from gammagym.scenario.shocks import Point, Shock, log_return
from gammagym.scenario.timeline_checks import Event, problems_of_events
from gammagym.world.codes import (
    BUY,
    COIN,
    MARGIN_CROSS,
    NO_ACCOUNT,
    NO_INSTRUMENT,
    OUTAGE_CANCELS,
    OUTAGE_DATA,
    OUTAGE_MATCHING,
    QUOTE,
    SELL,
    SHOCK_BASIS,
    SHOCK_COLLATERAL,
    SHOCK_DEFAULT,
    SHOCK_DELEVERAGING,
    SHOCK_DEPTH,
    SHOCK_FUNDING,
    SHOCK_IMPLIED_VOLATILITY,
    SHOCK_INDEX,
    SHOCK_LARGE_ORDER,
    SHOCK_LATENCY,
    SHOCK_MAKER_FEE,
    SHOCK_MAKERS,
    SHOCK_ORDERS,
    SHOCK_OUTAGE,
    SHOCK_PRICE,
    SHOCK_SPREAD,
    SHOCK_TAKER_FEE,
    SHOCK_TRANSFERS,
    SHOCK_VOLATILITY,
    SPOT,
)
from gammagym.world.sizes import RATE_UNIT

_KINDS = MappingProxyType(
    {
        "price": SHOCK_PRICE,
        "spread": SHOCK_SPREAD,
        "depth": SHOCK_DEPTH,
        "makers": SHOCK_MAKERS,
        "orders": SHOCK_ORDERS,
        "outage": SHOCK_OUTAGE,
        "latency": SHOCK_LATENCY,
        "funding": SHOCK_FUNDING,
        "index": SHOCK_INDEX,
        "basis": SHOCK_BASIS,
        "collateral": SHOCK_COLLATERAL,
        "implied_volatility": SHOCK_IMPLIED_VOLATILITY,
        "volatility": SHOCK_VOLATILITY,
        "transfers": SHOCK_TRANSFERS,
        "deleveraging": SHOCK_DELEVERAGING,
        "large_order": SHOCK_LARGE_ORDER,
        "default": SHOCK_DEFAULT,
    }
)
_OUTAGES = MappingProxyType(
    {"matching": OUTAGE_MATCHING, "data": OUTAGE_DATA, "cancels": OUTAGE_CANCELS}
)
_SIDES = MappingProxyType({"buy": BUY, "sell": SELL, None: BUY})
# Events that act on one market, the hedge's if they name none.
_OF_ONE_MARKET = ("basis", "large_order")


def write_timeline(
    world: Any,
    scenario: Scenario,
    venues: Venues,
    names: Sequence[str],
    end_ns: int,
    start: float,
) -> None:
    """Write every event of a scenario.

    Args:
        world: to be written; its instruments, flows and all other accounts are.
        scenario: what it says of shocks.
        venues: of the world.
        names: of the instruments, by row.
        end_ns: length of the episode (ns).
        start: first price of the underlying.

    Raises:
        ScenarioError: events outside the episode, unknown markets or venues, events that contradict
            each other or have nothing to act on: all in one message.
        CapacityError: more events than a world has room for, or no room for their accounts.
    """
    problems: list[str] = []
    # What a world has before its first price tick.
    for multiple in ("spread", "depth", "variance", "latency"):
        setattr(world.stress, f"{multiple}_multiple", 1.0)
    events = [
        _event(shock, place, venues, names, end_ns, problems)
        for place, shock in enumerate(scenario.shocks)
    ]
    problems += problems_of_events(world, events, end_ns, venues.hedge.index.sources)
    if problems:
        raise ScenarioError(report(f"scenario {scenario.name!r}", problems))
    for event in events:
        for row in _rows(event.shock, event.start_ns, end_ns):
            where = {"venue": event.venue, "instrument": event.instrument}
            _write_row(world, scenario, row | where)
            if event.shock.kind == "large_order":
                _write_order(world, scenario, venues, event, start)
    if any(shock.kind == "implied_volatility" for shock in scenario.shocks):
        world.surface.shaped = 1
    world.shock_jitter_ns = scenario.jitter.nanoseconds(end_ns)


def _event(
    shock: Shock,
    place: int,
    venues: Venues,
    names: Sequence[str],
    end_ns: int,
    problems: list[str],
) -> Event:
    """Return when and where an event happens; adds to problems what is unknown or outside."""
    start_ns = shock.at.nanoseconds(end_ns)
    if start_ns >= end_ns:
        problems.append(
            f"shocks.{place}.at = {str(shock.at)!r}: is not within the episode of "
            f"{format_duration(end_ns)}: begin earlier, or take a longer horizon"
        )
    venue, instrument = _where(shock, place, venues, names, problems)
    return Event(place, shock, start_ns, venue, instrument)


def _where(
    shock: Shock, place: int, venues: Venues, names: Sequence[str], problems: list[str]
) -> tuple[int, int]:
    """Return the rows of an event's venue and instrument; adds to problems what is unknown."""
    venue, instrument = HEDGE_VENUE, NO_INSTRUMENT
    known = [each.name for each in venues.both]
    if shock.venue in known:
        venue = known.index(shock.venue)
    elif shock.venue is not None:
        problems.append(
            f"shocks.{place}.venue = {shock.venue!r}: is no venue of this world: "
            f"{nearest(shock.venue, known)}"
        )
    if shock.market is not None and shock.market in names:
        instrument = list(names).index(shock.market)
    elif shock.market is not None:
        problems.append(
            f"shocks.{place}.market = {shock.market!r}: is no market of this world: "
            f"{nearest(shock.market, list(names))}"
        )
    elif shock.kind in _OF_ONE_MARKET:
        instrument = HEDGE_ROW
    return venue, instrument


def _rows(shock: Shock, start_ns: int, end_ns: int) -> list[dict[str, Any]]:
    """Return the fields of the rows that stand for an event."""
    recovery = shock.recovery
    row: dict[str, Any] = {
        "start_ns": start_ns,
        "ramp_ns": shock.ramp.nanoseconds(end_ns),
        "hold_ns": shock.hold.nanoseconds(end_ns),
        "recovery_ns": -1 if recovery is None else recovery.nanoseconds(end_ns),
        "magnitude": shock.magnitude,
        "code": _code(shock),
    }
    if shock.path:
        return _path_rows(shock, row, end_ns)
    if shock.kind == "fees":
        fees = ((SHOCK_MAKER_FEE, shock.maker), (SHOCK_TAKER_FEE, shock.taker))
        return [row | {"kind": kind, "lots": int(rate * RATE_UNIT)} for kind, rate in fees if rate]
    return [row | {"kind": _KINDS[shock.kind]}]


def _path_rows(shock: Shock, row: dict[str, Any], end_ns: int) -> list[dict[str, Any]]:
    """Return one lasting move for each leg of a path; together they recover, if it does."""
    points = (Point(after=Span(), move=Decimal(0)), *shock.path)
    times = [point.after.nanoseconds(end_ns) for point in points]
    rows: list[dict[str, Any]] = []
    for leg, (before, after) in enumerate(pairwise(points)):
        move = log_return(after.move) - log_return(before.move)
        start, ramp = row["start_ns"] + times[leg], times[leg + 1] - times[leg]
        hold = times[-1] - times[leg + 1]
        moved = {"start_ns": start, "ramp_ns": ramp, "hold_ns": hold, "magnitude": move}
        rows.append(row | moved | {"kind": SHOCK_PRICE})
    return rows


def _code(shock: Shock) -> int:
    """Return the number that says which: of outages, sources, sides, currencies."""
    if shock.what is not None:
        return _OUTAGES[shock.what]
    if shock.kind == "index":
        return shock.sources or 1
    if shock.kind == "collateral":
        return COIN if shock.currency == "coin" else QUOTE
    return _SIDES[shock.side]


def _write_row(world: Any, scenario: Scenario, row: dict[str, Any]) -> None:
    place = int(world.shock_count)
    if place == len(world.shocks):
        raise CapacityError(
            f"scenario {scenario.name!r}: shocks: a world has room for {len(world.shocks)} of them "
            "(a path takes one for each of its points)"
        )
    target = world.shocks[place]
    target.account = NO_ACCOUNT
    for key, value in row.items():
        setattr(target, key, value)
    world.shock_count = place + 1


def _write_order(
    world: Any, scenario: Scenario, venues: Venues, event: Event, start: float
) -> None:
    """Write the quantity of a large order, and open its account, which owes no margin."""
    account = int(world.account_count)
    if account == len(world.accounts):
        raise CapacityError(
            f"scenario {scenario.name!r}: shocks.{event.place}: a world has room for "
            f"{len(world.accounts)} accounts, and none is left for a large order: take fewer of "
            "them, or fewer agents"
        )
    contract = world.instruments[event.instrument]
    quantity = event.shock.quantity or 0.0
    buys = event.shock.side == "buy"
    target = world.shocks[world.shock_count - 1]
    target.account = account
    target.lots = round(quantity / float(contract.lot_size)) * (1 if buys else -1)
    world.account_count = account + 1
    owner = world.accounts[account]
    write_account(owner, venues.both[contract.venue], AccountTerms())
    owner.margin_mode = MARGIN_CROSS
    owner.agent, owner.partner, owner.venue = NO_ACCOUNT, NO_ACCOUNT, contract.venue
    if contract.kind == SPOT:
        # Spot is sold by who has it, and bought by who has the money.
        currency, amount = (QUOTE, quantity * start) if buys else (COIN, quantity)
        world.cash[account, currency] = quanta(amount)
        world.deposits[currency] += world.cash[account, currency]
