"""Turn a validated scenario and a task into a template world: decimals become ticks, lots, quanta.

Every derived value is computed here and nowhere else. A template is copied for each episode and
opened with its seed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gammagym.engine.rules import BookRules
from gammagym.engine.tables import BOOK_TABLES, place_in_world
from gammagym.errors import CapacityError, ScenarioError
from gammagym.exchange.opening import open_books
from gammagym.scenario.load import Scenario, flow_parameters, load_flow, load_venue
from gammagym.scenario.tasks import Leg, Task
from gammagym.venues.schema import Latency, Listing, OrderRules, Venue
from gammagym.world import (
    CALL,
    FEE_INCOME,
    FIRST_AGENT_ACCOUNT,
    FLOW_IDEAL,
    FLOW_NONE,
    FLOW_ZERO_INTELLIGENCE,
    INSURANCE,
    LARGEST_QUANTA,
    LATENCY_CONSTANT,
    LATENCY_LOGNORMAL,
    LATENCY_TABLE,
    NO_ACCOUNT,
    NO_ORDER,
    PERPETUAL,
    PRICE_GBM,
    PRICE_REPLAY,
    PUT,
    QUANTA,
    RATE_UNIT,
    SHOCK_DEPTH,
    SHOCK_PRICE,
    SHOCK_SPREAD,
    SPOT,
    STANDARD,
    WAY_ACKNOWLEDGEMENT,
    WAY_CANCEL,
    WAY_DATA,
    WAY_ENTRY,
    Capacity,
    empty_worlds,
)

PERPETUAL_ROW = 0
QUOTE, COIN = 0, 1
_KINDS = {"call": CALL, "put": PUT, "spot": SPOT}
_SHOCKS = {"price": SHOCK_PRICE, "spread": SHOCK_SPREAD, "depth": SHOCK_DEPTH}
_INSURANCE_QUANTA = 10_000_000 * QUANTA
_PROTECTION = 0.05
# Sizes in flow files are in units; in a world, in lots.
_FLOW_SIZES = {
    "add_size": "add_size_lots",
    "market_size": "market_size_lots",
    "touch_size": "touch_size_lots",
    "impact_scale": "impact_scale_lots",
}
# How far the price may run before integer arithmetic would be at risk; see _check_notional.
_LARGEST_MOVE = 20
_LOT_TOLERANCE = 1e-6
_FEWEST_TICKS = 100


@dataclass(frozen=True)
class Compiled:
    """A template world with what does not fit into a record.

    Attributes:
        template: array of one world, to be copied and opened with a seed.
        tape: recorded prices on a regular grid, float64, shape (n,); one element if unused.
        instruments: names of the template's instruments, by row.
        reference_price: price that observed prices are divided by.
        scenario: what it was made from.
        task: what it was made from.
        venue: what it was made from.
    """

    template: NDArray[Any]
    tape: NDArray[np.float64]
    instruments: tuple[str, ...]
    reference_price: float
    scenario: Scenario
    task: Task
    venue: Venue


def compile_world(
    scenario: Scenario,
    task: Task,
    agents: int = 1,
    capacity: Capacity = STANDARD,
) -> Compiled:
    """Build the template world of a scenario and a task.

    Args:
        scenario: validated scenario.
        task: checked task; every agent is handed the same book.
        agents: number of competitors in the world.
        capacity: row counts of the world's tables.

    Raises:
        ScenarioError: something impossible, with scenario and key.
        DataError: the price file is missing or broken.
        CapacityError: more agents or instruments than the capacity has rows for.
    """
    venue = load_venue(scenario.venue, scenario.rules)
    worlds = empty_worlds(1, capacity)
    world = worlds.view(np.recarray)[0]
    end_ns = round(task.horizon_seconds * 1e9)
    tape, volatility = _write_price(world, scenario, end_ns)
    start = float(tape[0])
    _check_scale(scenario, venue, task, float(tape.min()))
    world.end_ns = end_ns
    world.next_order_id = 1
    world.time_ns = -_whole_ticks(scenario.warmup, scenario.price.tick)
    world.price.next_tick_ns = world.time_ns
    _write_venue(world, venue)
    names = _write_instruments(world, scenario, venue, task, volatility)
    _write_flow(world, scenario, task)
    _write_agents(world, task, venue, agents, start)
    _write_shocks(world, scenario, end_ns)
    _check_notional(scenario, task, start)
    place_in_world(worlds, **BOOK_TABLES)
    _write_rules(world, venue, task)
    open_books(worlds[0])
    return Compiled(worlds, tape, names, start, scenario, task, venue)


def _check_scale(scenario: Scenario, venue: Venue, task: Task, lowest: float) -> None:
    """Refuse a clock coarser than the decisions, and prices of hardly any ticks."""
    if scenario.price.tick > round(task.decision_interval * 1e9):
        raise ScenarioError(
            f"scenario {scenario.name!r}, task {task.name}: price.tick is "
            f"{scenario.price.tick / 1e9:g} s, which must be at most the decision interval of "
            f"{task.decision_interval:g} s"
        )
    listings = {"perpetual": venue.perpetual, "spot": venue.spot, "option": venue.option}
    for kind, listing in listings.items():
        if lowest < _FEWEST_TICKS * float(listing.tick):
            key = "price.start" if scenario.price.model == "gbm" else "the lowest price.file price"
            raise ScenarioError(
                f"scenario {scenario.name!r}: {key}, {lowest:g}, must be at least {_FEWEST_TICKS} "
                f"ticks of {listing.tick} ({kind}.tick of venue {venue.name!r}): take a higher "
                f'price, or a smaller tick with rules = {{ "{kind}.tick" = "..." }}'
            )


def _whole_ticks(duration_ns: int, tick_ns: int) -> int:
    return -(-duration_ns // tick_ns) * tick_ns


def _write_price(world: Any, scenario: Scenario, end_ns: int) -> tuple[NDArray[np.float64], float]:
    """Write the price process; returns the tape and the annual volatility."""
    price = scenario.price
    world.price.tick_ns = price.tick
    if price.model == "gbm":
        world.price.model = PRICE_GBM
        world.price.process = float(price.start or 0)
        world.price.drift = price.drift
        world.price.volatility = price.volatility or 0.0
        return np.array([world.price.process]), world.price.volatility
    from gammagym.data.prices import annual_volatility, read_prices, tape

    if price.file is None:
        raise ScenarioError(
            f"scenario {scenario.name!r}: price.file is missing: a replay needs a CSV of prices "
            "(price.file in the scenario, or --price-file FILE)"
        )
    series = read_prices(price.file)
    recorded = tape(series, series.step_ns)
    cells = math.ceil(end_ns / series.step_ns) + 1
    if len(recorded) < cells:
        raise ScenarioError(
            f"scenario {scenario.name!r}: price.file {price.file} covers "
            f"{len(recorded) * series.step_ns / 3.6e12:.1f} hours, the episode needs "
            f"{end_ns / 3.6e12:.1f}: take a longer file or a shorter horizon"
        )
    volatility = annual_volatility(series) if price.volatility is None else price.volatility
    world.price.model = PRICE_REPLAY
    world.price.tape_step_ns = series.step_ns
    world.price.tape_choices = len(recorded) - cells + 1 if price.offset_mode == "random" else 0
    world.price.volatility = volatility
    return recorded, volatility


def _rate_e9(share: Decimal | float) -> int:
    return round(Decimal(share) * RATE_UNIT)


def _write_venue(world: Any, venue: Venue) -> None:
    row = world.venues[0]
    row.liquidation_fee_e9 = _rate_e9(venue.liquidation_fee)
    row.fee_account = FEE_INCOME
    row.insurance_account = INSURANCE
    world.cash[INSURANCE, QUOTE] = _INSURANCE_QUANTA
    world.deposits[QUOTE] = _INSURANCE_QUANTA


def _write_terms(contract: Any, kind: int, listing: Any) -> None:
    """Write what all instruments have: grid of prices and sizes, account currency."""
    contract.kind = kind
    contract.flow = FLOW_NONE
    contract.tick_size = float(listing.tick)
    contract.lot_size = float(listing.lot)
    contract.tick_quanta = int(listing.tick * listing.lot * QUANTA)
    contract.protection = _PROTECTION
    contract.maker_orders[:] = NO_ORDER
    contract.currency = QUOTE
    contract.base_currency = COIN
    contract.lot_coin_quanta = int(listing.lot * QUANTA)


def _write_rules(world: Any, venue: Venue, task: Task) -> None:
    """Write the rules of every book; those of an instrument nobody lists stay as they are."""
    listings = {"spot": venue.spot, "perpetual": venue.perpetual}
    kinds = ["perpetual", *(leg.kind for leg in task.legs)]
    for row in range(len(world.books)):
        kind = kinds[row] if row < len(kinds) else "perpetual"
        listing = listings.get(kind, venue.option)
        book_rules(venue.orders, listing).write(world.books[row].rules)
        world.instruments[row].price_band = float(listing.price_band or 0)
        world.instruments[row].protection = float(listing.market_protection)


def book_rules(orders: OrderRules, listing: Listing) -> BookRules:
    """Return a venue's rules for the book of one listing, in ticks and lots."""
    notional = (listing.minimum_notional or 0) / (listing.tick * listing.lot)
    return BookRules(
        minimum_quantity=_in_lots(listing.minimum_quantity, listing) or 1,
        maximum_quantity=_in_lots(listing.maximum_quantity, listing),
        minimum_notional=math.ceil(notional),
        iceberg_parts=orders.iceberg_parts,
        maximum_orders=orders.maximum_orders,
        maximum_waiting=orders.maximum_waiting,
        rate_burst=orders.rate_burst,
        rate_interval=orders.rate_interval,
        matching=listing.matching,
        top_share=float(listing.top_share),
        top_maximum=_in_lots(listing.top_maximum, listing),
        pro_rata_minimum=_in_lots(listing.pro_rata_minimum, listing) or 0,
        post_only=orders.post_only,
        amend_keeps_priority=orders.amend_keeps_priority,
        self_trade=orders.self_trade,
        self_trade_decides=orders.self_trade_decides,
        cancel_on_disconnect=orders.cancel_on_disconnect,
    )


def _in_lots(quantity: Decimal | None, listing: Listing) -> int | None:
    """Return a quantity in whole lots, rounded up."""
    return None if quantity is None else math.ceil(quantity / listing.lot)


def _write_instruments(
    world: Any, scenario: Scenario, venue: Venue, task: Task, volatility: float
) -> tuple[str, ...]:
    """List the perpetual, then one instrument for each leg; returns their names."""
    if 1 + len(task.legs) > len(world.instruments):
        raise CapacityError(
            f"task {task.name}: {len(task.legs)} legs need {1 + len(task.legs)} instruments, "
            f"this capacity has {len(world.instruments)}"
        )
    perpetual = world.instruments[PERPETUAL_ROW]
    _write_terms(perpetual, PERPETUAL, venue.perpetual)
    perpetual.initial_margin_e9 = _rate_e9(venue.perpetual.initial_margin)
    perpetual.maintenance_margin_e9 = _rate_e9(venue.perpetual.maintenance_margin)
    perpetual.funding_rate_e9 = _rate_e9(scenario.funding)
    perpetual.funding_interval_ns = venue.perpetual.funding_interval
    perpetual.next_funding_ns = venue.perpetual.funding_interval
    names = ["BTC-PERP"]
    for row, leg in enumerate(task.legs, start=1):
        names.append(_write_leg(world.instruments[row], leg, scenario, venue, volatility))
    world.instrument_count = len(names)
    return tuple(_distinct(names))


def _write_leg(contract: Any, leg: Leg, scenario: Scenario, venue: Venue, volatility: float) -> str:
    if leg.kind == "spot":
        _write_terms(contract, SPOT, venue.spot)
        contract.maker_half_spread = scenario.options.half_spread
        contract.maker_size_lots = int(scenario.options.size / contract.lot_size)
        return "BTC-SPOT"
    _write_terms(contract, _KINDS[leg.kind], venue.option)
    implied = scenario.options.implied_volatility
    contract.implied_volatility = volatility if implied is None else implied
    contract.moneyness = leg.moneyness
    contract.expiry_ns = round(leg.expiry_days * 86_400 * 1e9)
    contract.maker_half_spread = scenario.options.half_spread
    contract.maker_size_lots = int(scenario.options.size / contract.lot_size)
    return f"BTC-{leg.expiry_days:g}D-{100 * leg.moneyness:g}-{leg.kind[0].upper()}"


def _distinct(names: list[str]) -> list[str]:
    """Number instruments that would share a name."""
    seen: dict[str, int] = {}
    result: list[str] = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name}-{seen[name]}")
    return result


def _write_flow(world: Any, scenario: Scenario, task: Task) -> None:
    """Feed the perpetual's book: an ideal maker, or zero-intelligence flow."""
    perpetual = world.instruments[PERPETUAL_ROW]
    flow = scenario.flow
    if flow.kind == "ideal":
        perpetual.flow = FLOW_IDEAL
        perpetual.maker_half_spread = flow.half_spread
        perpetual.maker_size_lots = int((flow.size or 0.0) / perpetual.lot_size)
        return
    perpetual.flow = FLOW_ZERO_INTELLIGENCE
    parameters = flow_parameters(flow)
    if task.flow is not None and "preset" not in flow.model_fields_set:
        parameters = load_flow(task.flow) | flow.overrides()
    row = world.flows[0]
    for name, value in parameters.items():
        if name in _FLOW_SIZES:
            setattr(row, _FLOW_SIZES[name], value / perpetual.lot_size)
        else:
            setattr(row, name, value)
    row.slots = min(row.slots, len(row.rows))
    row.instrument = PERPETUAL_ROW
    row.rows[:] = NO_ORDER
    world.flow_count = 1


def _write_agents(world: Any, task: Task, venue: Venue, agents: int, start: float) -> None:
    """Give every competitor an account for its book and one for its hedge."""
    if not 1 <= agents <= len(world.agents):
        raise CapacityError(f"{agents} agents: a world has room for 1 to {len(world.agents)}")
    world.agent_count = agents
    world.account_count = FIRST_AGENT_ACCOUNT + 2 * agents
    for row in range(FIRST_AGENT_ACCOUNT):
        world.accounts[row].agent = NO_ACCOUNT
    perpetual = world.instruments[PERPETUAL_ROW]
    for row in range(agents):
        agent = world.agents[row]
        agent.book_account = FIRST_AGENT_ACCOUNT + 2 * row
        agent.hedge_account = agent.book_account + 1
        agent.hedge_instrument = PERPETUAL_ROW
        _write_latencies(agent, venue)
        agent.decision_ns = round(task.decision_interval * 1e9)
        agent.gross_units = task.gross_quantity
        largest = task.largest_order * task.gross_quantity
        agent.largest_order_lots = max(1, round(largest / perpetual.lot_size))
        agent.dead_zone = task.dead_zone
        agent.collateral_share = task.collateral
        agent.relative_aversion = task.risk_aversion
        agent.reference_scale = start
        agent.working_row = NO_ORDER
        for account in (agent.book_account, agent.hedge_account):
            world.accounts[account].agent = row
            world.accounts[account].maker_fee_e9 = _rate_e9(venue.maker_fee)
            world.accounts[account].taker_fee_e9 = _rate_e9(venue.taker_fee)
        world.accounts[agent.hedge_account].margined = 1
        _write_book(world, agent.book_account, task)


def _write_latencies(agent: Any, venue: Venue) -> None:
    """Write how long each way takes; what the venue leaves out is as its neighbour."""
    ways = {
        WAY_ENTRY: venue.order_latency,
        WAY_CANCEL: venue.cancel_latency or venue.order_latency,
        WAY_ACKNOWLEDGEMENT: venue.acknowledgement_latency or venue.data_latency,
        WAY_DATA: venue.data_latency,
    }
    for way, latency in ways.items():
        write_latency(agent.latencies[way], latency)


def write_latency(row: Any, latency: Latency) -> None:
    """Write one latency into its row of a world."""
    row.jitter_ns = latency.jitter
    if latency.samples is not None:
        row.kind = LATENCY_TABLE
        row.sample_count = len(latency.samples)
        row.samples_ns[: len(latency.samples)] = latency.samples
        return
    median = latency.median or 0
    row.kind = LATENCY_LOGNORMAL if latency.sigma > 0 else LATENCY_CONSTANT
    row.fixed_ns = latency.minimum if latency.sigma > 0 else median
    row.median_ns = median - row.fixed_ns
    row.sigma = latency.sigma


def _write_book(world: Any, account: int, task: Task) -> None:
    """Write the positions to be handed over; coins are brought along, options are bought."""
    for row, leg in enumerate(task.legs, start=1):
        contract = world.instruments[row]
        lots = _whole_lots(leg, contract, task)
        if leg.kind == "spot":
            world.cash[account, COIN] += lots * contract.lot_coin_quanta
            world.deposits[COIN] += lots * contract.lot_coin_quanta
        else:
            world.positions[account, row].quantity_lots = lots


def _whole_lots(leg: Leg, contract: Any, task: Task) -> int:
    """Return the quantity of a leg in lots, refusing what the venue does not trade."""
    lots = round(leg.quantity / contract.lot_size)
    if abs(lots - leg.quantity / contract.lot_size) > _LOT_TOLERANCE:
        raise ScenarioError(
            f"task {task.name}: legs: the quantity of a {leg.kind} must be a multiple of the "
            f"venue's lot, {contract.lot_size:g}, was {leg.quantity!r}"
        )
    return lots


def _write_shocks(world: Any, scenario: Scenario, end_ns: int) -> None:
    if len(scenario.shocks) > len(world.shocks):
        raise CapacityError(
            f"scenario {scenario.name!r}: shocks: {len(scenario.shocks)} given, "
            f"a world has room for {len(world.shocks)}"
        )
    for row, shock in enumerate(scenario.shocks):
        target = world.shocks[row]
        target.kind = _SHOCKS[shock.kind]
        target.start_ns = shock.at.nanoseconds(end_ns)
        target.ramp_ns = shock.ramp.nanoseconds(end_ns)
        target.hold_ns = shock.hold.nanoseconds(end_ns)
        recovery = shock.recovery
        target.recovery_ns = -1 if recovery is None else recovery.nanoseconds(end_ns)
        target.magnitude = shock.magnitude
    world.shock_count = len(scenario.shocks)
    world.shock_jitter_ns = scenario.jitter.nanoseconds(end_ns)


def _check_notional(scenario: Scenario, task: Task, start: float) -> None:
    """Refuse what 64-bit money could not hold, with room for a large move of the price."""
    quantity = max(
        task.gross_quantity * 10,
        scenario.options.size,
        (scenario.flow.size or 0.0) if scenario.flow.kind == "ideal" else 0.0,
    )
    notional = quantity * start * _LARGEST_MOVE * QUANTA
    if notional > LARGEST_QUANTA:
        raise ScenarioError(
            f"scenario {scenario.name!r}, task {task.name}: price {start:g} times the "
            f"largest quantity {quantity:g} (legs, options.size, flow.size), with room for a move, "
            f"is {notional / QUANTA:.3g}, more than 64-bit money holds "
            f"({LARGEST_QUANTA / QUANTA:.3g}): take smaller ones"
        )
