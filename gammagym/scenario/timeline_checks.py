"""What cannot be about the events of a timeline together: they contradict, or act on nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from gammagym.scenario.shocks import Shock
from gammagym.world.codes import CALL, FLOW_CROWD, FLOW_IDEAL, NO_INSTRUMENT, PUT

# Events of a venue; those of a market are of its venue too.
_OF_A_VENUE = ("outage", "fees", "default")
_OF_A_MARKET = ("makers", "orders", "large_order")


@dataclass(frozen=True)
class Event:
    """One event of the timeline, in its episode.

    Attributes:
        place: in the list of shocks.
        shock: what the file says.
        start_ns: when it begins.
        venue: row of the venue it acts on.
        instrument: row of the market it acts on, or NO_INSTRUMENT: all.
    """

    place: int
    shock: Shock
    start_ns: int
    venue: int
    instrument: int

    def stop_ns(self, episode_ns: int) -> float:
        """Return when nothing is left of it (ns); infinite if it stays."""
        shock = self.shock
        if shock.recovery is None:
            return math.inf
        spans = [shock.ramp, shock.hold, shock.recovery]
        if shock.path:
            spans.append(shock.path[-1].after)
        return self.start_ns + sum(span.nanoseconds(episode_ns) for span in spans)


def problems_of_events(
    world: Any, events: Sequence[Event], episode_ns: int, sources: int
) -> list[str]:
    """Return what is wrong about events, one line each.

    Args:
        world: with its instruments and flows.
        events: of the timeline, in the order of the file.
        episode_ns: length of the episode (ns).
        sources: of the index of the hedge's venue.
    """
    problems: list[str] = []
    for event in events:
        problems += _problems_of_one(world, event, episode_ns, sources)
    for first, second in combinations(events, 2):
        problems += _contradictions(world, first, second, episode_ns)
    return problems


def _problems_of_one(world: Any, event: Event, episode_ns: int, sources: int) -> Iterator[str]:
    shock, key = event.shock, f"shocks.{event.place}"
    times = [point.after.nanoseconds(episode_ns) for point in shock.path]
    for place in range(1, len(times)):
        if times[place] <= times[place - 1]:
            yield (
                f"{key}.path.{place}.after = {str(shock.path[place].after)!r}: must be later than "
                f"that of the point before, {str(shock.path[place - 1].after)!r}"
            )
    if shock.kind == "index" and (shock.sources or 1) > sources:
        yield (
            f"{key}.sources = {shock.sources}: the index of the hedge's venue has {sources}: take "
            "as many or fewer"
        )
    yield from _nothing_to_act_on(world, event)


def _nothing_to_act_on(world: Any, event: Event) -> Iterator[str]:
    """Yield why the market of an event has nobody whom it could concern."""
    shock = event.shock
    key = f"shocks.{event.place}.market"
    rows = (
        range(world.instrument_count) if event.instrument == NO_INSTRUMENT else [event.instrument]
    )
    books = [world.instruments[row] for row in rows]
    named = f" = {shock.market!r}" if shock.market is not None else ""
    if shock.kind == "orders" and not any(book.flow == FLOW_CROWD for book in books):
        yield f"{key}{named}: has no order flow whose events could be more: give it a flow"
    if shock.kind in ("makers", "large_order") and not any(_has_makers(book) for book in books):
        yield f"{key}{named}: has no makers: give it a flow, or take another market"
    if shock.kind == "basis" and books[0].kind in (CALL, PUT):
        yield f"{key}{named}: is an option: a basis is of spot, perpetuals or futures"
    if shock.kind == "large_order":
        quantity, lot = shock.quantity or 0.0, float(books[0].lot_size)
        if round(quantity / lot) < 1:
            yield (
                f"shocks.{event.place}.quantity = {quantity:g}: is less than a lot of its market, "
                f"{lot:g}"
            )


def _has_makers(book: Any) -> bool:
    return book.flow in (FLOW_CROWD, FLOW_IDEAL) or book.maker_size_lots > 0


def _contradictions(world: Any, first: Event, second: Event, episode_ns: int) -> Iterator[str]:
    """Yield why two events cannot both be."""
    kinds = (first.shock.kind, second.shock.kind)
    key = f"shocks.{second.place}"
    overlap = first.start_ns < second.stop_ns(episode_ns) and second.start_ns < first.stop_ns(
        episode_ns
    )
    if kinds == ("outage", "outage") and first.venue == second.venue and overlap:
        whats = {first.shock.what, second.shock.what}
        if len(whats) == 1 or "cancels" not in whats:
            yield (
                f"{key}.what = {second.shock.what!r}: overlaps shocks.{first.place}, "
                f"{first.shock.what!r} at the same venue, from which it would not differ: let one "
                "end before the other begins, or make one of them"
            )
    if kinds == ("funding", "funding") and overlap:
        if first.shock.magnitude * second.shock.magnitude < 0:
            yield (
                f"{key}.move: overlaps shocks.{first.place}, which moves funding the other way: "
                "let one end before the other begins"
            )
    if "default" in kinds:
        yield from _after_default(world, first, second)


def _after_default(world: Any, first: Event, second: Event) -> Iterator[str]:
    """Yield why an event comes too late: its venue has gone."""
    for gone, other in ((first, second), (second, first)):
        if gone.shock.kind != "default" or other.start_ns < gone.start_ns:
            continue
        if gone.venue == _venue_of(world, other):
            yield (
                f"shocks.{other.place}: comes when its venue is closed for good, by "
                f"shocks.{gone.place}: begin earlier, or name another venue or market"
            )
            return


def _venue_of(world: Any, event: Event) -> int | None:
    """Return the row of the venue that an event is of, or None if it is of all."""
    if event.shock.kind in _OF_A_VENUE:
        return event.venue
    if event.shock.kind in _OF_A_MARKET and event.instrument != NO_INSTRUMENT:
        return int(world.instruments[event.instrument].venue)
    return None
