"""advance(world, until): the order in which things happen. Read this first.

The next thing that happens is the earliest of a look at which the market overruns a competitor's
order, a price tick, a funding payment, an instruction that arrives, a look of an arbitrageur, a
background order, and a customer's order for an option; of simultaneous ones, in this order. Orders
that it triggers follow at once. Crowds that have been quiet answer to the price before instructions
and arbitrageurs come.

A price tick is, in this order: what the calendar brings, transfers that arrive, shocks, fundamental
price, carry of futures, sentiment of the crowds, quiet crowds, implied volatilities, marks (and
attribution), premiums, the frictionless reference, what the timeline lets happen once, makers who
leave, market makers' quotes, hedgers of options, large orders of the timeline, circuit breakers,
margin checks and liquidations, those of the leveraged crowd, expiries.
"""

from __future__ import annotations

import numpy as np

from gammagym._kernel import DEBUG, kernel
from gammagym.engine.inspection import SOUND, check_book
from gammagym.engine.warming import fetch_some_of_next
from gammagym.errors import InvariantError
from gammagym.exchange.attribution import close_attribution, measure_book
from gammagym.exchange.calendar import expire, turn_pages, watch_breakers
from gammagym.exchange.funding import fund, schedule_funding, settle_all, watch_premiums
from gammagym.exchange.ledger import conserved, equity
from gammagym.exchange.liquidation import check_accounts
from gammagym.exchange.marks import set_marks
from gammagym.exchange.messages import deliver
from gammagym.exchange.opening import fix_strikes, hand_over
from gammagym.exchange.orders import cancel_orders, carry_out_triggers, open_times
from gammagym.exchange.own_orders import market_order
from gammagym.exchange.transfers import deliver_transfers
from gammagym.market.arbitrage import arbitrage, start_arbitrage
from gammagym.market.carry import start_carries, step_carries
from gammagym.market.customers import customer_order, open_customers
from gammagym.market.events import carry_out_events
from gammagym.market.flow import background_event, open_flow
from gammagym.market.hedgers import hedge
from gammagym.market.large_orders import work_large_orders
from gammagym.market.leveraged import agrees, open_leveraged, step_leveraged
from gammagym.market.looks import look, plan_look, wake
from gammagym.market.makers import open_makers, quote
from gammagym.market.price import start_price, step_price
from gammagym.market.reference_hedger import step_reference
from gammagym.market.sentiment import start_sentiments, step_sentiments
from gammagym.market.shocks import apply_shocks, start_timeline
from gammagym.market.streams import open_streams
from gammagym.market.surface import move_surface, open_surface
from gammagym.market.withdrawal import withdraw
from gammagym.world.codes import FILL_ORDERED, FUNDING_CONTINUOUS

_LOOK, _TICK, _FUNDING, _MESSAGE, _ARBITRAGE, _BACKGROUND, _CUSTOMER = range(7)


@kernel
def advance(world, tape, until_ns):
    """Let everything happen that is due until a time, and set the clock to it.

    Args:
        world: one world.
        tape: recorded prices of a replay, shape (n,); any array for other price models.
        until_ns: time to advance to (ns).
    """
    _see_what_was_done(world)
    while step(world, tape, until_ns):
        pass
    world.time_ns = until_ns


@kernel
def _see_what_was_done(world):
    """Plan the next look anew: from outside orders may have come, and a fork draws other prices."""
    if world.watching:
        plan_look(world)


@kernel(shared=True)
def step(world, tape, until_ns):
    """Carry out the next event, if one is due until a time (ns); return whether one was."""
    when, what, row = world.next_look_ns, _LOOK, 0
    if world.price.next_tick_ns < when:
        when, what = world.price.next_tick_ns, _TICK
    if world.next_funding_ns < when:
        when, what = world.next_funding_ns, _FUNDING
    if world.message_count > 0 and world.messages[0].arrival_ns < when:
        when, what = world.messages[0].arrival_ns, _MESSAGE
    if world.arbitrageur_count > 0 and world.next_arbitrage_ns < when:
        when, what = world.next_arbitrage_ns, _ARBITRAGE
    for index in range(world.flow_count):
        if world.flows[index].next_ns < when:
            when, what, row = world.flows[index].next_ns, _BACKGROUND, index
    if world.customers.rate > 0.0 and world.customers.next_ns < when:
        when, what = world.customers.next_ns, _CUSTOMER
    if when > until_ns:
        return False
    world.time_ns = when
    world.events += 1
    # Meanwhile the world behind this one is fetched (engine/warming).
    fetch_some_of_next(world)
    if what == _BACKGROUND:
        background_event(world, row)
    elif what == _MESSAGE:
        wake(world, False)
        deliver(world)
    elif what == _FUNDING:
        fund(world)
    elif what == _ARBITRAGE:
        wake(world, False)
        arbitrage(world)
    elif what == _CUSTOMER:
        customer_order(world)
    elif what == _LOOK:
        look(world)
    else:
        price_tick(world, tape)
    if world.triggers_due:
        carry_out_triggers(world)
    if world.watching:
        plan_look(world)
    fetch_some_of_next(world)
    if DEBUG:
        _check_books(world)
        _check_money(world)
    return True


@kernel
def _check_books(world):
    for instrument in range(world.instrument_count):
        if check_book(world.books[instrument]) != SOUND:
            raise InvariantError("an event has left a book that contradicts itself: please report")


@kernel
def _check_money(world):
    for currency in range(len(world.deposits)):
        if conserved(world, currency) != world.deposits[currency]:
            raise InvariantError("an event has made or lost money: please report")
    for instrument in range(world.instrument_count):
        held = 0
        for account in range(world.account_count):
            held += world.positions[account, instrument].quantity_lots
        if held != 0:
            raise InvariantError("an event has left positions that do not cancel: please report")
    if not agrees(world):
        raise InvariantError("an event has left a crowd that holds what it has not: please report")


@kernel
def price_tick(world, tape):
    """Carry out one price tick."""
    world.price.next_tick_ns += world.price.tick_ns
    elapsed_ns = max(world.time_ns, 0) - max(world.price.changed_ns, 0)
    open_times(world)
    turn_pages(world)
    if world.in_transit > 0:
        deliver_transfers(world)
    if world.shock_count > 0:
        apply_shocks(world)
    step_price(world, tape)
    step_carries(world, elapsed_ns)
    step_sentiments(world, elapsed_ns)
    wake(world, world.price.jumped != 0.0)
    move_surface(world, elapsed_ns)
    set_marks(world, elapsed_ns)
    watch_premiums(world, elapsed_ns)
    step_reference(world, elapsed_ns)
    if world.shock_count > 0:
        carry_out_events(world)
        withdraw(world)
    quote(world)
    hedge(world)
    if world.shock_count > 0:
        work_large_orders(world)
    watch_breakers(world)
    check_accounts(world)
    step_leveraged(world, elapsed_ns)
    expire(world)


def open_world(world, tape, seed):
    """Start a world that was copied from its template: streams, first prices, books, warm-up.

    Afterwards the clock stands at 0. For Python, which so compiles the loop once, for `advance`.

    Args:
        world: one world.
        tape: recorded prices of a replay, shape (n,); any array for other price models.
        seed: of every random stream, from 0.
    """
    start_world(world, tape, np.uint64(seed))
    advance(world, tape, 0)
    start_measuring(world)


@kernel
def open_inside(world, tape, seed):
    """Do as `open_world` does, inside a kernel."""
    start_world(world, tape, seed)
    advance(world, tape, 0)
    start_measuring(world)


@kernel(shared=True)
def start_world(world, tape, seed):
    """Start a world up to its warm-up, for which the clock stands before 0. Writes: everything."""
    world.seed = seed
    open_streams(world)
    start_timeline(world)
    apply_shocks(world)
    start_price(world, tape)
    start_carries(world)
    start_sentiments(world)
    fix_strikes(world)
    open_surface(world)
    hand_over(world)
    open_makers(world)
    open_customers(world)
    open_leveraged(world)
    schedule_funding(world)
    for row in range(world.flow_count):
        open_flow(world, row)
    start_arbitrage(world)


@kernel
def start_measuring(world):
    """Start the measuring of all competitors at the state the warm-up left."""
    for row in range(world.agent_count):
        _start_measuring(world, row)


@kernel
def _start_measuring(world, row):
    agent = world.agents[row]
    agent.parts[:] = 0.0
    agent.risk_penalty = 0.0
    agent.reference_profit = 0.0
    agent.book_profit = 0.0
    agent.reference_price = world.price.value
    measure_book(world, row)
    agent.reference_units = agent.collateral_delta - agent.book_delta
    agent.reference_next_ns = 60_000_000_000
    close_attribution(world, row)
    agent.initial_equity_quanta = agent.equity_quanta
    agent.initial_hedge_quanta = equity(world, agent.hedge_account)
    close_attribution(world, row)


@kernel
def close_out(world, first):
    """Cancel all competitors' orders and close their hedges in the book, at the end of an episode.

    They close one after the other, from row `first` on. What the book does not take stays marked.
    Writes: book, cash, positions, parts.
    """
    for row in range(world.agent_count):
        cancel_orders(world, world.agents[row].hedge_account)
    for place in range(world.agent_count):
        _close_hedge(world, (first + place) % world.agent_count)


@kernel
def _close_hedge(world, row):
    agent = world.agents[row]
    for place in range(agent.hedge_count):
        instrument = np.int64(agent.hedges[place])
        lots = world.positions[agent.hedge_account, instrument].quantity_lots
        if lots != 0:
            market_order(world, agent.hedge_account, instrument, -lots, FILL_ORDERED, 0)
        if world.instruments[instrument].funding.method == FUNDING_CONTINUOUS:
            settle_all(world, instrument)
    close_attribution(world, row)
