"""Write the competitors of a world: accounts, collateral, delays, and the book they are handed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gammagym.errors import CapacityError, ScenarioError
from gammagym.scenario.arena import Competitor, book_rows, joint_task, own_task
from gammagym.scenario.instruments import whole_lots
from gammagym.scenario.places import HEDGE_VENUE, Venues, hedge_listing, hedge_rows
from gammagym.scenario.rules import is_hedge_mode, rate_e9, write_account, write_short_legs
from gammagym.scenario.schema import AccountTerms, Scenario
from gammagym.scenario.tasks import Task
from gammagym.venues.schema import Latency, Venue
from gammagym.world.codes import (
    COIN,
    FEES_DERIVATIVE,
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
from gammagym.world.sizes import FREE_ORDERS, SLOTS

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
    world: Any,
    scenario: Scenario,
    task: Task,
    venues: Venues,
    competitors: Sequence[Competitor],
    start: float,
) -> None:
    """Give every competitor an account for its book and one for its hedge."""
    agents = len(competitors)
    if not 1 <= agents <= len(world.agents):
        raise CapacityError(f"{agents} agents: a world has room for 1 to {len(world.agents)}")
    world.agent_count = agents
    first_shorts = FIRST_AGENT_ACCOUNT + 2 * agents + len(venues.both) - 1
    in_hedge_mode = is_hedge_mode(scenario.account, venues.hedge)
    world.account_count = first_shorts + (agents if in_hedge_mode else 0)
    world.accounts["partner"] = NO_ACCOUNT
    for row in range(world.account_count):
        world.accounts[row].agent = NO_ACCOUNT
    tasks = [own_task(task, each) for each in competitors]
    listed = joint_task(tasks)
    for row, (task, competitor) in enumerate(zip(tasks, competitors, strict=True)):
        agent = world.agents[row]
        agent.hedge_account = FIRST_AGENT_ACCOUNT + 2 * row + 1
        joint = _shares_account(scenario, venues)
        agent.book_account = agent.hedge_account - (0 if joint else 1)
        rows = [1 + place for place in book_rows(listed.book, task.book) if place is not None]
        _write_hedges(world, agent, task, hedge_rows(scenario, venues, listed), rows)
        _write_latencies(agent, venues.hedge, competitor)
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
            if competitor.volume is not None:
                terms = terms.model_copy(update={"volume": competitor.volume})
            write_account(world.accounts[account], venue, terms)
        if not joint:
            # A book in custody pays fees, but needs no margin.
            book = world.accounts[agent.book_account]
            book.margined = task.book_collateral is not None
            book.margin_mode = MARGIN_CROSS
            book.bonus_quanta = book.credit_quanta = 0
        world.accounts[agent.hedge_account].margined = 1
        _write_fees(world.accounts[agent.hedge_account], venues.hedge, competitor)
        if in_hedge_mode:
            write_short_legs(world, agent.hedge_account, first_shorts + row)
        _write_book(world, agent, task, listed, rows)
    if any(each.maker_fee is not None or each.taker_fee is not None for each in competitors):
        _check_rebates(world)


def _write_hedges(
    world: Any, agent: Any, task: Task, hedges: list[int], rows: Sequence[int]
) -> None:
    """Write what a competitor hedges with, and the orders it keeps track of.

    Args:
        world: record of the world.
        agent: its row of agents.
        task: its task.
        hedges: rows of what it hedges with.
        rows: row of each leg of its book.
    """
    agent.hedge_instrument = hedges[0]
    agent.hedge_count = len(hedges)
    agent.hedges[: len(hedges)] = hedges
    agent.hedge_mask = sum(1 << hedge for hedge in hedges)
    agent.largest_order_units = task.largest_order * task.gross_quantity
    slots = [(hedge, agent.hedge_account) for hedge in _slots_of(task, hedges)]
    options = {row: leg for row, leg in zip(rows, task.book, strict=True) if task.trades(leg)}
    slots += [(row, agent.book_account) for row in options]
    if len(slots) > SLOTS:
        raise CapacityError(
            f"task {task.name}: trade_options: {len(options)} options of the book and "
            f"{len(slots) - len(options)} orders of the scheme {task.action_scheme!r} are more "
            f"than the {SLOTS} orders a competitor keeps track of"
        )
    agent.slots, agent.option_slots = len(slots), len(options)
    agent.working["row"] = NO_ORDER
    for working, (row, account) in zip(agent.working, slots, strict=False):
        contract = world.instruments[row]
        working.instrument, working.account = row, account
        largest = round(agent.largest_order_units / contract.lot_size)
        if row in options:
            largest = abs(whole_lots(options[row], contract, task))
        working.largest_lots = max(1, largest)


def _slots_of(task: Task, hedges: list[int]) -> list[int]:
    """Return the instrument of each order of an action scheme."""
    if task.action_scheme == "hedge":
        return hedges
    if task.action_scheme == "orders":
        return [hedges[slot % len(hedges)] for slot in range(FREE_ORDERS)]
    return hedges[:1] * (2 if task.action_scheme == "quotes" else 1)


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


def _write_latencies(agent: Any, venue: Venue, own: Competitor) -> None:
    """Write how long each way takes; what is left out is as its neighbour.

    The competitor's own latency of a way comes first, then what it has for all of them.
    """
    order = own.order_latency or own.latency or venue.order_latency
    data = own.data_latency or own.latency or venue.data_latency
    cancel = None if own.order_latency or own.latency else venue.cancel_latency
    answer = None if own.data_latency or own.latency else venue.acknowledgement_latency
    ways = {
        WAY_ENTRY: order,
        WAY_CANCEL: own.cancel_latency or cancel or order,
        WAY_ACKNOWLEDGEMENT: own.acknowledgement_latency or answer or data,
        WAY_DATA: data,
    }
    for way, latency in ways.items():
        write_latency(agent.latencies[way], latency)


def _write_fees(account: Any, venue: Venue, own: Competitor) -> None:
    """Write the fees that a competitor has of its own, and refuse those the venue cannot have."""
    if own.volume is not None and not venue.fee_tiers:
        raise ScenarioError(
            f"agents: volume: venue {venue.name!r} has no fee_tiers, so fees are the same for "
            "every volume: give maker_fee and taker_fee"
        )
    for key, fees in (("maker_fee", account.maker_fee_e9), ("taker_fee", account.taker_fee_e9)):
        fee = getattr(own, key)
        if fee is None:
            continue
        if venue.fee_tiers:
            raise ScenarioError(
                f"agents: {key}: venue {venue.name!r} has fee_tiers, which everybody walks: give "
                "volume, traded in the last 30 days"
            )
        fees[FEES_DERIVATIVE] = rate_e9(fee)


def _check_rebates(world: Any) -> None:
    """Refuse a rebate above what a taker pays: the venue would pay for every trade of the two."""
    accounts = world.accounts[world.agents["hedge_account"][: world.agent_count]]
    rebate = -int(accounts["maker_fee_e9"][:, FEES_DERIVATIVE].min())
    lowest = int(accounts["taker_fee_e9"][:, FEES_DERIVATIVE].min())
    if rebate > max(lowest, 0):
        raise ScenarioError(
            f"agents: a rebate of {rebate / 1e7:g}% for one competitor exceeds the taker_fee of "
            f"{lowest / 1e7:g}% of another: take a smaller rebate or a higher taker fee"
        )


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


def _write_book(world: Any, agent: Any, task: Task, listed: Task, rows: Sequence[int]) -> None:
    """Write the positions to be handed over; coins are brought along, options are bought."""
    others = set(range(1, 1 + len(listed.book))) - set(rows)
    agent.others_mask = sum(1 << row for row in others)
    account = agent.book_account
    for row, leg in zip(rows, task.book, strict=True):
        contract = world.instruments[row]
        lots = whole_lots(leg, contract, task)
        if leg.kind == "spot":
            world.cash[account, COIN] += lots * contract.lot_coin_quanta
            world.deposits[COIN] += lots * contract.lot_coin_quanta
        else:
            world.positions[account, row].quantity_lots = lots
