"""Write the competitors of a world: accounts, collateral, delays, and the book they are handed."""

from __future__ import annotations

from typing import Any

from gammagym.errors import CapacityError, ScenarioError
from gammagym.scenario.instruments import whole_lots
from gammagym.scenario.places import HEDGE_VENUE, Venues, hedge_listing, hedge_rows
from gammagym.scenario.rules import is_hedge_mode, write_account, write_short_legs
from gammagym.scenario.schema import AccountTerms, Scenario
from gammagym.scenario.tasks import Task
from gammagym.venues.schema import Latency, Venue
from gammagym.world import (
    COIN,
    FIRST_AGENT_ACCOUNT,
    LATENCY_CONSTANT,
    LATENCY_LOGNORMAL,
    LATENCY_TABLE,
    MARGIN_CROSS,
    NO_ACCOUNT,
    NO_ORDER,
    REWARD_EQUITY,
    REWARD_RELATIVE,
    REWARD_RISK,
    REWARD_SHARPE,
    REWARD_TERMINAL,
    REWARD_UTILITY,
    SCHEME_BAND,
    SCHEME_DISCRETE,
    SCHEME_HEDGE,
    SCHEME_ORDERS,
    SCHEME_QUOTES,
    WAY_ACKNOWLEDGEMENT,
    WAY_CANCEL,
    WAY_DATA,
    WAY_ENTRY,
)

_SCHEMES = {
    "hedge": SCHEME_HEDGE,
    "quotes": SCHEME_QUOTES,
    "band": SCHEME_BAND,
    "discrete": SCHEME_DISCRETE,
    "orders": SCHEME_ORDERS,
}
_REWARDS = {
    "relative": REWARD_RELATIVE,
    "equity": REWARD_EQUITY,
    "risk": REWARD_RISK,
    "sharpe": REWARD_SHARPE,
    "utility": REWARD_UTILITY,
    "terminal": REWARD_TERMINAL,
}
# What a hedge has for collateral, share of the notional; and times what the venue asks for.
_COLLATERAL, _COLLATERAL_ROOM = 0.1, 1.25


def write_competitors(
    world: Any, scenario: Scenario, task: Task, venues: Venues, agents: int, start: float
) -> None:
    """Give every competitor an account for its book and one for its hedge."""
    if not 1 <= agents <= len(world.agents):
        raise CapacityError(f"{agents} agents: a world has room for 1 to {len(world.agents)}")
    world.agent_count = agents
    first_shorts = FIRST_AGENT_ACCOUNT + 2 * agents + len(venues.both) - 1
    in_hedge_mode = is_hedge_mode(scenario.account, venues.hedge)
    world.account_count = first_shorts + (agents if in_hedge_mode else 0)
    world.accounts["partner"] = NO_ACCOUNT
    for row in range(world.account_count):
        world.accounts[row].agent = NO_ACCOUNT
    for row in range(agents):
        agent = world.agents[row]
        agent.hedge_account = FIRST_AGENT_ACCOUNT + 2 * row + 1
        joint = _shares_account(scenario, venues)
        agent.book_account = agent.hedge_account - (0 if joint else 1)
        _write_hedges(world, agent, task, hedge_rows(scenario, venues, task))
        _write_latencies(agent, venues.hedge)
        agent.decision_ns = round(task.decision_interval * 1e9)
        agent.gross_units = task.gross_quantity
        agent.largest_order_lots = agent.working[0].largest_lots
        agent.dead_zone = task.dead_zone
        agent.collateral_share = _collateral(scenario, task, venues)
        agent.book_collateral = task.book_collateral or 0.0
        agent.delta_limit = (task.delta_limit or 0.0) * task.gross_quantity
        agent.loss_limit = task.loss_limit or 0.0
        agent.relative_aversion = task.risk_aversion
        agent.reference_scale = start
        agent.scheme = _SCHEMES[task.action_scheme]
        agent.reward = _REWARDS[task.reward]
        for account, venue, venue_row in (
            (agent.book_account, venues.book, venues.book_row),
            (agent.hedge_account, venues.hedge, HEDGE_VENUE),
        ):
            world.accounts[account].agent = row
            world.accounts[account].venue = venue_row
            # The scenario's terms are those of the account at its venue, not at that of the book.
            terms = scenario.account if venue is venues.hedge else AccountTerms()
            write_account(world.accounts[account], venue, terms)
        if not joint:
            # A book in custody pays fees, but needs no margin.
            book = world.accounts[agent.book_account]
            book.margined = task.book_collateral is not None
            book.margin_mode = MARGIN_CROSS
            book.bonus_quanta = book.credit_quanta = 0
        world.accounts[agent.hedge_account].margined = 1
        if in_hedge_mode:
            write_short_legs(world, agent.hedge_account, first_shorts + row)
        _write_book(world, agent.book_account, task)


def _write_hedges(world: Any, agent: Any, task: Task, hedges: list[int]) -> None:
    """Write what a competitor hedges with, and the orders it keeps track of, one for each."""
    agent.hedge_instrument = hedges[0]
    agent.hedge_count = agent.slots = len(hedges)
    agent.hedges[: len(hedges)] = hedges
    agent.hedge_mask = sum(1 << hedge for hedge in hedges)
    agent.working["row"] = NO_ORDER
    largest = task.largest_order * task.gross_quantity
    for slot, hedge in enumerate(hedges):
        working = agent.working[slot]
        working.instrument, working.account = hedge, agent.hedge_account
        working.largest_lots = max(1, round(largest / world.instruments[hedge].lot_size))


def _collateral(scenario: Scenario, task: Task, venues: Venues) -> float:
    """Return the hedge's collateral as a share of the book's notional."""
    if task.collateral is not None:
        return task.collateral
    leverage = hedge_listing(venues.hedge).tiers[0].leverage
    needed = 1.0 / min(leverage, scenario.account.leverage or leverage)
    return max(_COLLATERAL, _COLLATERAL_ROOM * needed)


def _shares_account(scenario: Scenario, venues: Venues) -> bool:
    """Return whether book and hedge are in one account, which must be at one venue."""
    joint = scenario.account.joint or scenario.account.margin == "portfolio"
    if joint and venues.book is not venues.hedge:
        raise ScenarioError(
            f"scenario {scenario.name!r}: account.joint: the book is at venue "
            f"{venues.book.name!r}, the hedge at {venues.hedge.name!r}: one account is at one venue"
        )
    return joint


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
    for row, leg in enumerate(task.book, start=1):
        contract = world.instruments[row]
        lots = whole_lots(leg, contract, task)
        if leg.kind == "spot":
            world.cash[account, COIN] += lots * contract.lot_coin_quanta
            world.deposits[COIN] += lots * contract.lot_coin_quanta
        else:
            world.positions[account, row].quantity_lots = lots
