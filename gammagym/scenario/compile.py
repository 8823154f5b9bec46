"""Turn a validated scenario and a task into a template world: decimals become ticks, lots, quanta.

Every derived value is computed here and nowhere else. A template is copied for each episode and
opened with its seed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gammagym.engine.tables import BOOK_TABLES, place_in_world
from gammagym.engine.warming import note_stretches
from gammagym.errors import ScenarioError
from gammagym.exchange.calendar import make_changes
from gammagym.exchange.fees import walk_ladder
from gammagym.exchange.funding import NEVER_NS
from gammagym.exchange.opening import open_books
from gammagym.scenario.arbitrage import write_arbitrageurs
from gammagym.scenario.arena import Competitor, joint_task, own_task
from gammagym.scenario.carry import write_carries
from gammagym.scenario.competitors import write_competitors
from gammagym.scenario.dealers import write_hedgers
from gammagym.scenario.feeds import write_feeds
from gammagym.scenario.instruments import check_scale, write_books, write_instruments
from gammagym.scenario.leveraged import write_crowd
from gammagym.scenario.load import Scenario, flow_parameters, load_venue
from gammagym.scenario.option_market import write_option_market
from gammagym.scenario.places import HEDGE_VENUE, Venues, hedge_listing, instruments_needed, section
from gammagym.scenario.prices import PROCESS_KEYS, Price, jump_moments
from gammagym.scenario.rules import (
    first_moment,
    quanta,
    write_changes,
    write_closures,
    write_venue,
)
from gammagym.scenario.stakes import tell_aversion
from gammagym.scenario.tasks import Task
from gammagym.scenario.timeline import write_timeline
from gammagym.scenario.wishes import check_venues, with_clock, with_hedges, with_venues
from gammagym.venues.schema import Venue
from gammagym.world import LARGE, SMALL, STANDARD, Capacity, empty_worlds
from gammagym.world.codes import (
    COIN,
    FIRST_AGENT_ACCOUNT,
    INSURANCE,
    PRICE_GBM,
    PRICE_HESTON,
    PRICE_MERTON,
    PRICE_REGIME,
    PRICE_REPLAY,
    PRICE_SVCJ,
    QUOTE,
)
from gammagym.world.sizes import LARGEST_QUANTA, PATH_STEP_NS, PATH_STEPS, QUANTA, YEAR_NS

_PROCESSES = {
    "merton": PRICE_MERTON,
    "heston": PRICE_HESTON,
    "svcj": PRICE_SVCJ,
    "regime": PRICE_REGIME,
}
_DAY_NS = 86_400 * 10**9
# Where a book is held that the venue does not list.
_BOOK_VENUE = "generic"
# Keys of a flow that its number of background orders follows from.
_SLOT_KEYS = frozenset({"kind", "preset", "slots"})
# How far the price may run before integer arithmetic would be at risk; see _check_notional.
_LARGEST_MOVE = 20


@dataclass(frozen=True)
class Compiled:
    """A template world with what does not fit into a record.

    Attributes:
        template: array of one world, to be copied and opened with a seed.
        tape: recorded prices on a regular grid, float64, shape (n,); one element if unused.
        instruments: names of the template's instruments, by row.
        reference_price: price that observed prices are divided by.
        scenario: what it was made from, with what the task wishes of it.
        task: what it was made from.
        venue: what it was made from.
        competitors: what it was made from.
    """

    template: NDArray[Any]
    tape: NDArray[np.float64]
    instruments: tuple[str, ...]
    reference_price: float
    scenario: Scenario
    task: Task
    venue: Venue
    competitors: tuple[Competitor, ...] = (Competitor(),)

    def __deepcopy__(self, memo: dict[int, Any]) -> Compiled:
        # It never changes, so copies of environments share it.
        return self


def compile_world(
    scenario: Scenario,
    task: Task,
    agents: int | Sequence[Competitor] = 1,
    capacity: Capacity | None = None,
) -> Compiled:
    """Build the template world of a scenario and a task.

    Args:
        scenario: validated scenario.
        task: checked task; every competitor without a book of its own is handed this one.
        agents: number of competitors in the world, or what each of them has of its own.
        capacity: row counts of the world's tables; None: the smallest that has room for the
            scenario.

    Raises:
        ScenarioError: something impossible, with scenario and key.
        DataError: the price file is missing or broken.
        CapacityError: more agents or instruments than the capacity has rows for.
    """
    competitors = (Competitor(),) * agents if isinstance(agents, int) else tuple(agents)
    # What is listed is what all the books have.
    given, task = task, joint_task([own_task(task, each) for each in competitors] or [task])
    agents = len(competitors)
    scenario = with_clock(with_venues(scenario, task), task)
    venues = _load_venues(scenario, task)
    check_venues(scenario, venues, task)
    scenario = with_hedges(scenario, venues, task)
    worlds = empty_worlds(1, capacity or _capacity(scenario, venues, task, agents))
    world = worlds.view(np.recarray)[0]
    end_ns = round(task.horizon_seconds * 1e9)
    tape, volatility = _write_price(world, scenario, end_ns)
    start = float(tape[0])
    _check_clock(scenario, task)
    check_scale(scenario, venues, task, float(tape.min()))
    world.end_ns = end_ns
    world.next_order_id = 1
    world.next_look_ns = NEVER_NS
    world.time_ns = -_whole_ticks(scenario.warmup, scenario.price.tick)
    world.price.next_tick_ns = world.time_ns
    names = write_instruments(world, scenario, venues, task, start, volatility)
    write_option_market(world, scenario, volatility)
    write_carries(world, scenario.carry)
    _write_venues(world, venues, agents, start)
    write_feeds(world, scenario, venues, task, start, volatility)
    write_competitors(world, scenario, given, venues, competitors, start)
    write_crowd(world, scenario.name, scenario.crowd, venues, start)
    write_hedgers(world, scenario, venues, start)
    _check_notional(scenario, task, start)
    write_arbitrageurs(world, scenario, venues, names, start)
    write_timeline(world, scenario, venues, names, end_ns, start)
    for account in range(world.account_count):
        walk_ladder(worlds[0], account)
    make_changes(worlds[0])
    place_in_world(worlds, **BOOK_TABLES)
    write_books(world, scenario, venues, task)
    open_books(worlds[0])
    if task.action_scheme == "band":
        tell_aversion(worlds, tape)
    note_stretches(worlds)
    return Compiled(worlds, tape, names, start, scenario, given, venues.hedge, competitors)


def _load_venues(scenario: Scenario, task: Task) -> Venues:
    """Load the hedge's venue and the book's: the same, if it lists the whole book."""
    hedge = load_venue(scenario.venue, scenario.rules)
    book = hedge
    lists_all = all(getattr(hedge, section(leg.kind)) is not None for leg in task.book)
    if scenario.book_venue not in (None, scenario.venue) or not lists_all:
        book = load_venue(scenario.book_venue or _BOOK_VENUE)
        if book.coin != hedge.coin:
            raise ScenarioError(
                f"scenario {scenario.name!r}: book_venue {book.name!r} trades {book.coin}, venue "
                f"{hedge.name!r} {hedge.coin}: take two of one coin"
            )
    return Venues(hedge, book, first_moment(scenario, hedge))


def _capacity(scenario: Scenario, venues: Venues, task: Task, agents: int) -> Capacity:
    """Return the smallest capacity that has room for a scenario."""
    flows = 1 + sum(market.flow is not None for market in scenario.markets)
    instruments = instruments_needed(scenario, venues, task)
    slots = _most_slots(scenario, task)
    if scenario.crowd or scenario.hedgers or scenario.arbitrageurs:
        return LARGE
    for capacity in (SMALL, STANDARD):
        fits = flows <= capacity.flows and instruments <= capacity.instruments
        if fits and agents <= capacity.agents and slots <= capacity.background:
            return capacity
    return LARGE


def _most_slots(scenario: Scenario, task: Task) -> int:
    """Return how many background orders a flow may have, whatever is drawn from ranges."""
    if any(key.rpartition(".")[2] in _SLOT_KEYS for key in scenario.ranges):
        return STANDARD.background
    wishes = [(scenario.flow, task.flow), *((market.flow, None) for market in scenario.markets)]
    lists = [
        int(flow_parameters(flow, wish)["slots"])
        for flow, wish in wishes
        if flow is not None and flow.kind != "ideal"
    ]
    return max(lists, default=0)


def _check_clock(scenario: Scenario, task: Task) -> None:
    """Refuse a clock coarser than the decisions."""
    if scenario.price.tick > round(task.decision_interval * 1e9):
        raise ScenarioError(
            f"scenario {scenario.name!r}, task {task.name}: price.tick is "
            f"{scenario.price.tick / 1e9:g} s, which must be at most the decision interval of "
            f"{task.decision_interval:g} s"
        )


def _whole_ticks(duration_ns: int, tick_ns: int) -> int:
    return -(-duration_ns // tick_ns) * tick_ns


def _write_price(world: Any, scenario: Scenario, end_ns: int) -> tuple[NDArray[np.float64], float]:
    """Write the price process; returns the tape and the annual volatility."""
    price = scenario.price
    world.price.tick_ns = price.tick
    world.price.activity = world.price.pace = 1.0
    world.price.activity_sigma = price.activity_sigma
    world.price.activity_reversion = math.log(2.0) * 1e9 / price.activity_half_life
    world.price.path_steps = min(max(price.tick // PATH_STEP_NS, 1), PATH_STEPS)
    if price.model == "gbm":
        world.price.model = PRICE_GBM
        world.price.process = float(price.start or 0)
        world.price.drift = price.drift
        world.price.volatility = price.volatility or 0.0
        return np.array([world.price.process]), world.price.volatility
    if price.model in PROCESS_KEYS:
        _write_process(world.price, price)
        return np.array([world.price.process]), price.long_run_volatility() or 0.0
    from gammagym.data.prices import annual_volatility, known_prices, mirrored, tape

    if price.file is None:
        raise ScenarioError(
            f"scenario {scenario.name!r}: price.file is missing: a replay needs a CSV of prices "
            "(price.file in the scenario, or --price-file FILE)"
        )
    series = known_prices(price.file)
    recorded = tape(series, series.step_ns)
    cells = math.ceil(end_ns / series.step_ns) + 1
    if len(recorded) < cells:
        raise ScenarioError(
            f"scenario {scenario.name!r}: price.file {price.file} covers "
            f"{len(recorded) * series.step_ns / 3.6e12:.1f} hours, the episode needs "
            f"{end_ns / 3.6e12:.1f}: take a longer file or a shorter horizon"
        )
    if price.mirror:
        recorded = mirrored(recorded)
    volatility = annual_volatility(series) if price.volatility is None else price.volatility
    world.price.model = PRICE_REPLAY
    world.price.tape_step_ns = series.step_ns
    world.price.tape_choices = len(recorded) - cells + 1 if price.offset_mode == "random" else 0
    world.price.volatility = volatility
    return recorded, volatility


def _write_process(target: Any, price: Price) -> None:
    """Write a price that jumps, or whose variance or regime changes."""
    own = price.parameters()
    dynamics = target.dynamics
    target.model = _PROCESSES[price.model]
    target.process = float(price.start or 0)
    target.drift = price.drift
    if price.model == "regime":
        dynamics.reversion = math.log(2.0) * YEAR_NS / own["range_half_life"]
        dynamics.range_variance = own["range_volatility"] ** 2
        dynamics.trend_variance = own["trend_volatility"] ** 2
        dynamics.trend_drift = own["trend_drift"]
        dynamics.leave_range = YEAR_NS / own["range_duration"]
        dynamics.leave_trend = YEAR_NS / own["trend_duration"]
        return
    for name in set(own) & set(dynamics.dtype.names):
        setattr(dynamics, name, own[name])
    dynamics.variance = own["volatility"] ** 2 if "volatility" in own else own["initial_variance"]
    dynamics.compensator, dynamics.jump_variance = jump_moments(own)


def _write_venues(world: Any, venues: Venues, agents: int, start: float) -> None:
    """Write the venues: rules, insurance funds, hours, and what changes during the episode."""
    for row, venue in enumerate(venues.both):
        fund = INSURANCE if row == HEDGE_VENUE else FIRST_AGENT_ACCOUNT + 2 * agents
        write_venue(world, row, venue, fund)
        world.accounts[fund].venue = row
        currency, amount = QUOTE, float(venue.liquidation.insurance_fund)
        if hedge_listing(venue).contract == "inverse":
            currency, amount = COIN, amount / start
        world.cash[fund, currency] = quanta(amount)
        world.deposits[currency] += world.cash[fund, currency]
        if venue.calendar is not None:
            write_closures(world, row, venue.calendar, venues.start, world.end_ns)
        write_changes(world, row, venue, venues.start, world.end_ns)
    order = np.argsort(world.changes["time_ns"][: world.change_count], kind="stable")
    world.changes[: world.change_count] = world.changes[order]
    world.next_day_ns = _DAY_NS
    world.price.source_count = venues.hedge.index.sources


def _check_notional(scenario: Scenario, task: Task, start: float) -> None:
    """Refuse what 64-bit money could not hold, with room for a large move of the price."""
    quantity = max(
        task.gross_quantity * 10,
        scenario.options.size,
        (scenario.flow.size or 0.0) if scenario.flow.kind == "ideal" else 0.0,
        max(scenario.crowd.longs, scenario.crowd.shorts) if scenario.crowd else 0.0,
        *(each.limit for each in scenario.arbitrageurs),
        sum(shock.quantity or 0.0 for shock in scenario.shocks),
    )
    notional = quantity * start * _LARGEST_MOVE * QUANTA
    if notional > LARGEST_QUANTA:
        raise ScenarioError(
            f"scenario {scenario.name!r}, task {task.name}: price {start:g} times the "
            f"largest quantity {quantity:g} (book, options.size, flow.size, crowd, "
            f"arbitrageurs.limit, all shocks.quantity), with room for a move, "
            f"is {notional / QUANTA:.3g}, more than 64-bit money holds "
            f"({LARGEST_QUANTA / QUANTA:.3g}): take smaller ones"
        )
