"""Write observations: the fields of gammagym.fields.OBSERVATION_FIELDS, in that order.

The environment's clock runs on the agent's data time: what is written here is the market as the
agent knows it at its decision, and its instructions arrive later by both latencies. Its own order
is shown as acknowledgements have told it. Nothing hidden is read: not the fundamental price, not
the timeline, not other accounts. While a venue publishes no data, what needs them stands still.
"""

from __future__ import annotations

import math

from gammagym._kernel import kernel
from gammagym.engine.book import best_price, best_quantity, has_side, queue_ahead
from gammagym.exchange.attribution import hedge_units, measure_book
from gammagym.exchange.ledger import in_quote
from gammagym.exchange.margin import isolated_equity, position_maintenance
from gammagym.exchange.messages import working_quantity
from gammagym.exchange.trading import is_closed, mid_price
from gammagym.world.codes import BUY, CALL, MARGIN_ISOLATED, PUT, SELL
from gammagym.world.sizes import OBSERVED, QUANTA, YEAR_NS

_WEEK_NS = 7 * 86_400_000_000_000
_DAYS_A_YEAR = 365.0
_BASIS_POINTS = 1e4
_MEMORY_SECONDS = 1800.0
# Fields that market data make: of the book's venue, and of the hedge's.
_OF_BOOK = (1, 3, 4, 5, 8)
_OF_HEDGE = (14, 15, 16, 17, 21, 22, 24)
_PROFIT = 28


@kernel
def is_dark(world, agent, account):
    """Return whether an agent gets no market data from an account's venue.

    What it saw before its first decision was there before the episode.
    """
    return agent.decisions > 0 and world.venues[world.accounts[account].venue].data_halted != 0


@kernel
def _is_unseen(world, agent, instrument):
    """Return whether an agent gets no market data of an instrument."""
    venue = world.instruments[instrument].venue
    return agent.decisions > 0 and world.venues[venue].data_halted != 0


@kernel
def seen_mid(world, agent, instrument):
    """Return the mid of an instrument as an agent knows it: without data, the last one."""
    if _is_unseen(world, agent, instrument):
        return agent.seen_mids[instrument]
    return mid_price(world, instrument)


@kernel
def seen_touch(world, agent, instrument, side):
    """Return the best price of a side as an agent knows it (ticks), 0 for an empty side."""
    if _is_unseen(world, agent, instrument):
        return agent.seen_touch_ticks[instrument, side]
    book = world.books[instrument]
    return best_price(book, side) if has_side(book, side) else 0


@kernel
def start_seeing(world, row, volatility):
    """Start an agent's backward-looking statistics. Writes: agents.seen_*."""
    agent = world.agents[row]
    for slot in range(agent.slots):
        instrument = agent.working[slot].instrument
        agent.seen_mids[instrument] = mid_price(world, instrument)
    agent.seen_return = 0.0
    agent.seen_return_5 = 0.0
    agent.seen_return_15 = 0.0
    agent.seen_variance = volatility * volatility


@kernel
def see_market(world, row):
    """Update an agent's backward-looking statistics, once a decision. Writes: agents.seen_*."""
    agent = world.agents[row]
    mid = seen_mid(world, agent, agent.hedge_instrument)
    move = math.log(mid / agent.seen_mids[agent.hedge_instrument])
    seconds = agent.decision_ns * 1e-9
    weight = 1.0 - math.exp(-seconds / _MEMORY_SECONDS)
    annual = move * move / (agent.decision_ns / YEAR_NS)
    agent.seen_variance += weight * (annual - agent.seen_variance)
    agent.seen_return = move
    agent.seen_return_5 += move - agent.seen_return_5 / 5.0
    agent.seen_return_15 += move - agent.seen_return_15 / 15.0
    for slot in range(agent.slots):
        instrument = agent.working[slot].instrument
        agent.seen_mids[instrument] = seen_mid(world, agent, instrument)


@kernel
def observe(world, row, bounds, fields, out):
    """Write one agent's observation, clipped to its bounds; what is not a number becomes 0.

    Returns whether anything was not a number.

    Args:
        world: one world, marked and attributed up to now.
        row: row of agents.
        bounds: lower and upper bounds of all fields, shape (2, all fields).
        fields: which fields are shown, shape (fields,); further ones are `observe_more`'s.
        out: float32, shape (fields,).
    """
    observed = world.agents[row].observed
    measure_book(world, row)
    _observe_book(world, row, observed)
    _observe_market(world, row, observed)
    _observe_orders(world, row, observed)
    _observe_costs(world, row, observed)
    if world.shock_count > 0:
        _hold_back(world, row, observed)
    mended = False
    for index in range(len(fields)):
        field = fields[index]
        if field < OBSERVED:
            low, high = bounds[0, field], bounds[1, field]
            observed[field] = min(max(observed[field], low), high)
            out[index] = observed[field]
            if math.isnan(observed[field]):
                out[index] = min(max(0.0, low), high)
                mended = True
    return mended


@kernel
def _hold_back(world, row, out):
    """Leave what needs market data as it was when they last came. Writes: agents.told."""
    agent = world.agents[row]
    book_is_dark = is_dark(world, agent, agent.book_account)
    hedge_is_dark = is_dark(world, agent, agent.hedge_account)
    for index in _OF_BOOK:
        if book_is_dark:
            out[index] = agent.told[index]
        agent.told[index] = out[index]
    for index in _OF_HEDGE:
        if hedge_is_dark:
            out[index] = agent.told[index]
        agent.told[index] = out[index]
    if book_is_dark or hedge_is_dark:
        out[_PROFIT] = agent.told[_PROFIT]
    agent.told[_PROFIT] = out[_PROFIT]
    if book_is_dark:
        # Its own position it knows.
        out[0] = out[1] + out[2]


@kernel
def _observe_book(world, row, out):
    agent = world.agents[row]
    gross = agent.gross_units
    hedge = hedge_units(world, row)
    mark = world.instruments[agent.hedge_instrument].mark_price
    out[0] = (agent.book_delta + hedge) / gross
    out[1] = agent.book_delta / gross
    out[2] = hedge / gross
    out[3] = agent.book_gamma * 0.01 * mark / gross
    out[4] = agent.book_vega * 0.01 / agent.stake
    out[5] = agent.book_theta / _DAYS_A_YEAR / agent.stake
    out[6] = _time_to_expiry(world, agent) / _WEEK_NS
    out[7] = max(world.end_ns - world.time_ns, 0) / world.end_ns
    out[8] = implied_volatility(world, agent)


@kernel
def _is_option(world, agent, instrument):
    """Return whether an instrument is an option, and not one of others' books alone."""
    contract = world.instruments[instrument]
    is_own = (agent.others_mask >> instrument) & 1 == 0
    return is_own and (contract.kind == CALL or contract.kind == PUT)


@kernel
def _time_to_expiry(world, agent):
    """Return the time to the first expiry of any option still alive (ns), 0 without one."""
    first = 0
    for instrument in range(world.instrument_count):
        contract = world.instruments[instrument]
        if _is_option(world, agent, instrument) and not contract.settled:
            left = contract.expiry_ns - world.time_ns
            first = left if first == 0 else min(first, left)
    return first


@kernel
def implied_volatility(world, agent):
    """Return the implied volatility of the first option, 0 without one."""
    for instrument in range(world.instrument_count):
        if _is_option(world, agent, instrument):
            return world.instruments[instrument].implied_volatility
    return 0.0


@kernel
def _observe_market(world, row, out):
    agent = world.agents[row]
    contract = world.instruments[agent.hedge_instrument]
    book = world.books[agent.hedge_instrument]
    implied = agent.told[8] if is_dark(world, agent, agent.book_account) else float(out[8])
    realised = math.sqrt(agent.seen_variance)
    deviation = max(implied, realised, 0.01) * math.sqrt(agent.decision_ns / YEAR_NS)
    out[9] = realised
    out[10] = agent.seen_return / deviation
    out[11] = agent.seen_return_5 / deviation
    out[12] = agent.seen_return_15 / deviation
    mid = agent.seen_mids[agent.hedge_instrument]
    out[13] = mid / agent.reference_scale
    spread = 0.0
    if has_side(book, BUY) and has_side(book, SELL):
        spread = best_price(book, SELL) - best_price(book, BUY)
    out[14] = spread * contract.tick_size / mid * _BASIS_POINTS
    bid = float(best_quantity(book, BUY))
    ask = float(best_quantity(book, SELL))
    out[15] = bid / agent.largest_order_lots
    out[16] = ask / agent.largest_order_lots
    out[17] = (bid - ask) / max(bid + ask, 1.0)
    for slot in range(agent.slots):
        instrument = agent.working[slot].instrument
        for side in (BUY, SELL):
            touch = seen_touch(world, agent, instrument, side)
            agent.seen_touch_ticks[instrument, side] = touch


@kernel
def _observe_orders(world, row, out):
    agent = world.agents[row]
    for slot in range(agent.slots):
        # While an acknowledgement is under way, the agent knows the order only as it was before.
        if agent.working[slot].unacknowledged == 0:
            _see_order(world, agent, agent.working[slot])
    first = agent.working[0]
    for index in range(len(first.seen)):
        out[18 + index] = first.seen[index]


@kernel
def _see_order(world, agent, working):
    """Look at a working order in the book. Writes: its `seen`."""
    known_ahead = working.seen[2]
    working.seen[:] = 0.0
    lots = working_quantity(world, working)
    if lots > 0:
        order = world.orders[working.row]
        sign = 1.0 if order.side == BUY else -1.0
        touch = seen_touch(world, agent, working.instrument, order.side)
        behind = touch - order.price_ticks if touch > 0 else 0
        tick = world.instruments[working.instrument].tick_size
        working.seen[0] = sign * lots / working.largest_lots
        mid = agent.seen_mids[working.instrument]
        working.seen[1] = sign * behind * tick / mid * _BASIS_POINTS
        if _is_unseen(world, agent, working.instrument):
            working.seen[2] = known_ahead
        else:
            ahead = queue_ahead(world.books[working.instrument], working.row)
            working.seen[2] = ahead / working.largest_lots


@kernel
def hedge_margin(world, agent):
    """Return maintenance margin and what stands behind it: isolated, of the hedge (quanta)."""
    account = world.accounts[agent.hedge_account]
    if account.margin_mode != MARGIN_ISOLATED:
        return account.maintenance_quanta, account.equity_quanta
    row, currency = agent.hedge_instrument, world.instruments[agent.hedge_instrument].currency
    needed = position_maintenance(world, agent.hedge_account, row)
    there = isolated_equity(world, agent.hedge_account, row)
    return needed, in_quote(world, there, currency)


@kernel
def _margin_ratio(world, agent):
    """Return maintenance margin over what stands behind it, 10 at most."""
    needed, there = hedge_margin(world, agent)
    if needed == 0 and world.accounts[agent.hedge_account].margin_mode == MARGIN_ISOLATED:
        return 0.0
    return needed / there if needed < 10 * there else 10.0


@kernel
def _observe_costs(world, row, out):
    agent = world.agents[row]
    account = world.accounts[agent.hedge_account]
    contract = world.instruments[agent.hedge_instrument]
    out[21] = _margin_ratio(world, agent)
    funding = contract.funding
    out[22] = funding.rate_e9 * 1e-9 * _BASIS_POINTS
    out[23] = 0.0
    if funding.interval_ns > 0:
        left = max(funding.next_ns - world.time_ns, 0)
        out[23] = left / funding.interval_ns
    out[24] = (agent.seen_mids[agent.hedge_instrument] / contract.mark_price - 1.0) * _BASIS_POINTS
    paid = 1.0 - account.discount_e9 * 1e-9
    maker_fee = account.maker_fee_e9[contract.fee_class] * 1e-9
    out[25] = maker_fee * (paid if maker_fee > 0.0 else 1.0) * _BASIS_POINTS
    out[26] = account.taker_fee_e9[contract.fee_class] * 1e-9 * paid * _BASIS_POINTS
    out[27] = 0.0
    if is_closed(world, agent.hedge_instrument) or world.venues[account.venue].data_halted:
        out[27] = 1.0
    change = agent.equity_quanta - agent.initial_equity_quanta
    out[28] = change / QUANTA / agent.stake
