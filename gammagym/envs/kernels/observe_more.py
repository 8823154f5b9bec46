"""Write the further fields of observations: gammagym.fields.MORE_FIELDS, in that order.

They are an entry of their own, called after each turn only where they are asked for, and by groups:
who does without them pays for none, in time or in compilation. What needs market data is not
written while there are none, and so stands still.
"""

from __future__ import annotations

import math

import numpy as np

from gammagym._kernel import kernel
from gammagym.engine.book import best_price, best_quantity, has_side
from gammagym.engine.tables import levels_of
from gammagym.envs.kernels.observe import hedge_margin, is_dark
from gammagym.exchange.ledger import holding
from gammagym.exchange.margin import is_option
from gammagym.exchange.trading import mid_price
from gammagym.world.codes import BUY, FEES_OPTION, FUTURE, NO_LEVEL, SELL
from gammagym.world.sizes import OBSERVED, QUANTA, YEAR_NS

# What is done with a world: nothing, observed after a decision, observed for the first time.
_STAY, _OPEN = 0, 2
# Groups, and where the fields of each begin. A test compares the names.
(
    GROUP_ORDERS,
    GROUP_HEDGES,
    GROUP_DEPTH,
    GROUP_RETURNS,
    GROUP_GREEKS,
    GROUP_OPTIONS,
    GROUP_ACCOUNT,
    GROUP_VENUE,
) = range(8)
GROUP_STARTS = (0, 9, 36, 43, 49, 52, 72, 84)
_ORDERS, _HEDGES, _DEPTH, _RETURNS, _GREEKS, _OPTIONS, _ACCOUNT, _VENUE = GROUP_STARTS
_FURTHER_HEDGES = _HEDGES + 12
# Most orders, hedges and options that have fields of their own.
_MOST = 4
# Memory of returns and of variances (s).
_RETURN_SECONDS = (60.0, 600.0, 3_600.0, 14_400.0)
_VARIANCE_SECONDS = (300.0, 14_400.0)
_LEVELS = 5
_WEEK_NS = 7 * 86_400_000_000_000
_DAYS_A_YEAR = 365.0
_BASIS_POINTS = 1e4
# What stands for a price that is not there, and for no danger (bounds of the fields).
_NO_PRICE, _SAFE = 1000.0, 10.0
_SECOND_NS = 1e9


@kernel
def observe_more(worlds, commands, groups, bounds, fields, observations):
    """Write the further fields of the worlds that have just been turned.

    Args:
        worlds: shape (n,).
        commands: STAY, STEP or OPEN of `stepping`; STAY for all that have not been turned.
        groups: 1 for each group of fields that is shown, shape (groups,).
        bounds: lower and upper bounds of all fields, shape (2, all fields).
        fields: which fields are shown, shape (fields,).
        observations: float32 to write to, shape (n, agents, fields).
    """
    for index in range(len(worlds)):
        if commands[index] == _STAY:
            continue
        for row in range(observations.shape[1]):
            _write_groups(worlds[index], row, groups, 1 if commands[index] == _OPEN else 0)
            more = worlds[index].agents[row].more
            for place in range(len(fields)):
                field = fields[place]
                if field >= OBSERVED:
                    seen = min(max(more[field - OBSERVED], bounds[0, field]), bounds[1, field])
                    observations[index, row, place] = seen


@kernel
def _write_groups(world, row, groups, is_first):
    """Bring the groups that are shown up to date. Writes: agents.more*."""
    agent = world.agents[row]
    book_is_dark = is_dark(world, agent, agent.book_account)
    hedge_is_dark = is_dark(world, agent, agent.hedge_account)
    if groups[GROUP_ORDERS]:
        _see_orders(agent)
    if groups[GROUP_HEDGES]:
        _see_hedges(world, agent, hedge_is_dark)
    if groups[GROUP_DEPTH] and not hedge_is_dark:
        _see_depth(world, agent)
        _see_trades(world, agent, is_first)
    if groups[GROUP_RETURNS]:
        _see_returns(agent, is_first)
    if groups[GROUP_GREEKS] and not book_is_dark:
        _see_greeks(world, agent)
    if groups[GROUP_OPTIONS]:
        _see_options(world, agent, book_is_dark)
    if groups[GROUP_ACCOUNT]:
        _see_fills(world, agent, is_first)
        _see_account(world, agent, book_is_dark, hedge_is_dark)
    if groups[GROUP_VENUE]:
        _see_venues(world, agent, hedge_is_dark)


@kernel
def _see_orders(agent):
    for slot in range(1, min(agent.slots, _MOST)):
        for index in range(3):
            agent.more[_ORDERS + 3 * (slot - 1) + index] = agent.working[slot].seen[index]


# --- Instruments to hedge with ---------------------------------------------------------------


@kernel
def _see_hedges(world, agent, is_dark_now):
    for place in range(min(agent.hedge_count, _MOST)):
        instrument = np.int64(agent.hedges[place])
        contract = world.instruments[instrument]
        at = _HEDGES + 3 * place
        units = _held(world, agent, instrument) * contract.lot_size
        agent.more[at] = units / agent.gross_units
        left_ns = 0
        if contract.kind == FUTURE and not contract.settled:
            left_ns = max(contract.expiry_ns - world.time_ns, 0)
        agent.more[at + 2] = left_ns / _WEEK_NS
        if is_dark_now:
            continue
        over = math.log(mid_price(world, instrument) / world.price.index)
        years = max(left_ns / YEAR_NS, 1.0 / _DAYS_A_YEAR)
        agent.more[at + 1] = over / years if left_ns > 0 else 0.0
        if place > 0:
            _see_quotes(world, agent, instrument, _FURTHER_HEDGES + 5 * (place - 1))


@kernel
def _see_quotes(world, agent, instrument, at):
    """Write spread, depth, basis and funding of a further hedge."""
    contract, book = world.instruments[instrument], world.books[instrument]
    first = world.instruments[agent.hedge_instrument]
    mid = mid_price(world, instrument)
    agent.more[at] = _spread(world, instrument) / mid * _BASIS_POINTS
    # The largest order, in lots of this instrument.
    largest = agent.largest_order_lots * first.lot_size / contract.lot_size
    for side in (BUY, SELL):
        agent.more[at + 1 + side] = best_quantity(book, side) / largest
    agent.more[at + 3] = (mid / world.price.index - 1.0) * _BASIS_POINTS
    agent.more[at + 4] = contract.funding.rate_e9 * 1e-9 * _BASIS_POINTS


@kernel
def _spread(world, instrument):
    """Return best ask less best bid (settlement currency), 0 if a side is empty."""
    book = world.books[instrument]
    if not (has_side(book, BUY) and has_side(book, SELL)):
        return 0.0
    ticks = best_price(book, SELL) - best_price(book, BUY)
    return ticks * world.instruments[instrument].tick_size


@kernel
def _held(world, agent, instrument):
    """Return what both accounts hold (lots)."""
    lots = holding(world, agent.book_account, instrument)
    if agent.hedge_account != agent.book_account:
        lots += holding(world, agent.hedge_account, instrument)
    return lots


# --- The book of the first hedge -------------------------------------------------------------


@kernel
def _see_depth(world, agent):
    book = world.books[agent.hedge_instrument]
    mid = mid_price(world, agent.hedge_instrument)
    tick = world.instruments[agent.hedge_instrument].tick_size
    bid, ask = best_quantity(book, BUY), best_quantity(book, SELL)
    for side in (BUY, SELL):
        agent.more[_DEPTH + side] = _depth(book, side) / agent.largest_order_lots
        # Who buys meets those who sell.
        price = _sweep(book, 1 - side, agent.largest_order_lots) * tick
        sign = 1.0 if side == BUY else -1.0
        slippage = sign * (price / mid - 1.0) * _BASIS_POINTS if price > 0.0 else _NO_PRICE
        agent.more[_DEPTH + 2 + side] = slippage
    agent.more[_DEPTH + 4] = 0.0
    if bid > 0 and ask > 0:
        lean = 0.5 * (bid - ask) / (bid + ask)
        agent.more[_DEPTH + 4] = lean * _spread(world, agent.hedge_instrument) / mid * _BASIS_POINTS


@kernel
def _depth(book, side):
    """Return the quantity at the best levels of a side (lots)."""
    levels = levels_of(book)
    row, lots, count = np.int64(book.best[side]), 0, 0
    while row != NO_LEVEL and count < _LEVELS:
        lots += levels[row].quantity_lots
        row = np.int64(levels[row].worse)
        count += 1
    return lots


@kernel
def _sweep(book, side, wanted_lots):
    """Return the mean price of the best lots of a side (ticks), 0 if there are not as many."""
    levels = levels_of(book)
    row, left, paid = np.int64(book.best[side]), wanted_lots, 0.0
    while row != NO_LEVEL and left > 0:
        lots = min(left, levels[row].quantity_lots)
        paid += float(lots) * levels[row].price_ticks
        left -= lots
        row = np.int64(levels[row].worse)
    return paid / wanted_lots if left == 0 else 0.0


@kernel
def _see_trades(world, agent, is_first):
    """Write what was traded since the last decision with data. Writes: agents.more_counts."""
    book, counts = world.books[agent.hedge_instrument], agent.more_counts
    volume, bought = book.volume_lots - counts[0], book.bought_lots - counts[1]
    counts[0], counts[1] = book.volume_lots, book.bought_lots
    if is_first:
        volume = bought = 0
    agent.more[_DEPTH + 5] = volume / agent.largest_order_lots
    agent.more[_DEPTH + 6] = (2.0 * bought - volume) / max(volume, 1)


@kernel
def _see_returns(agent, is_first):
    """Write returns and volatilities over horizons in real time. Writes: agents.more_returns."""
    memory = agent.more_returns
    seconds = agent.decision_ns / _SECOND_NS
    if is_first:
        memory[:] = 0.0
        memory[len(_RETURN_SECONDS) :] = agent.seen_variance
    volatility = max(float(agent.observed[8]), math.sqrt(agent.seen_variance), 0.01)
    annual = agent.seen_return * agent.seen_return / (agent.decision_ns / YEAR_NS)
    for index in range(len(_RETURN_SECONDS)):
        horizon = _RETURN_SECONDS[index]
        if not is_first:
            memory[index] = math.exp(-seconds / horizon) * memory[index] + agent.seen_return
        years = max(horizon, seconds) * _SECOND_NS / YEAR_NS
        agent.more[_RETURNS + index] = memory[index] / (volatility * math.sqrt(years))
    for index in range(len(_VARIANCE_SECONDS)):
        at = len(_RETURN_SECONDS) + index
        if not is_first:
            weight = 1.0 - math.exp(-seconds / _VARIANCE_SECONDS[index])
            memory[at] += weight * (annual - memory[at])
        agent.more[_RETURNS + at] = math.sqrt(memory[at])


# --- Options ---------------------------------------------------------------------------------


@kernel
def _see_greeks(world, agent):
    """Write vanna, volga and charm of the book (Black-76 without interest)."""
    price = world.price.index
    vanna, volga, charm = 0.0, 0.0, 0.0
    for instrument in range(world.instrument_count):
        contract = world.instruments[instrument]
        if not is_option(contract) or contract.settled:
            continue
        units = _held(world, agent, instrument) * contract.lot_size
        vanna += units * contract.vanna
        volga += units * contract.volga
        years = (contract.expiry_ns - world.time_ns) / YEAR_NS
        if years > 0.0:
            total = 0.5 * contract.implied_volatility**2 * years
            slope = (math.log(price / contract.strike) - total) / (2.0 * years)
            charm += units * contract.gamma * price * slope
    agent.more[_GREEKS] = vanna * 0.01 / agent.gross_units
    agent.more[_GREEKS + 1] = volga * 1e-4 / agent.stake
    agent.more[_GREEKS + 2] = charm / _DAYS_A_YEAR / agent.gross_units


@kernel
def _see_options(world, agent, is_dark_now):
    mid = agent.seen_mids[agent.hedge_instrument]
    at = _OPTIONS
    for instrument in range(world.instrument_count):
        contract = world.instruments[instrument]
        if not is_option(contract):
            continue
        if at == _ACCOUNT:
            return
        agent.more[at] = _held(world, agent, instrument) * contract.lot_size / agent.gross_units
        left_ns = 0 if contract.settled else max(contract.expiry_ns - world.time_ns, 0)
        agent.more[at + 4] = left_ns / _WEEK_NS
        if not is_dark_now:
            volatility = max(contract.implied_volatility, 0.01)
            deviation = volatility * math.sqrt(left_ns / YEAR_NS)
            far = math.log(contract.strike / mid)
            agent.more[at + 1] = far / deviation if deviation > 0.0 else 0.0
            agent.more[at + 2] = contract.implied_volatility
            # Prices in coins are shares of the underlying already.
            unit = mid if contract.currency == 0 else 1.0
            agent.more[at + 3] = _spread(world, instrument) / unit * _BASIS_POINTS
        at += 5


# --- Its own accounts ------------------------------------------------------------------------


@kernel
def _see_fills(world, agent, is_first):
    """Write what has happened to it since the last decision. Writes: agents.more_counts, _lots."""
    account, counts = world.accounts[agent.hedge_account], agent.more_counts
    rejects = 0
    for reason in range(len(agent.rejects)):
        rejects += agent.rejects[reason]
    now = (account.taker_fills, account.maker_fills, rejects, account.liquidations)
    for index in range(len(now)):
        agent.more[_ACCOUNT + 3 + index] = 0.0 if is_first else now[index] - counts[2 + index]
        counts[2 + index] = now[index]
    first = world.instruments[agent.hedge_instrument]
    traded = 0.0
    for place in range(agent.hedge_count):
        instrument = np.int64(agent.hedges[place])
        lots = _held(world, agent, instrument)
        if not is_first:
            lot = world.instruments[instrument].lot_size
            traded += (lots - agent.more_lots[place]) * lot
        agent.more_lots[place] = lots
    agent.more[_ACCOUNT + 2] = traded / (agent.largest_order_lots * first.lot_size)


@kernel
def _see_account(world, agent, book_is_dark, hedge_is_dark):
    hedge, book = world.accounts[agent.hedge_account], world.accounts[agent.book_account]
    more, at = agent.more, _ACCOUNT
    if not hedge_is_dark:
        more[at], more[at + 1] = _margin_room(world, agent)
    fees, funding = hedge.fees_quanta, hedge.funding_quanta
    if agent.hedge_account != agent.book_account:
        fees += book.fees_quanta
        funding += book.funding_quanta
    more[at + 7] = fees / QUANTA / agent.stake
    more[at + 8] = funding / QUANTA / agent.stake
    if not (book_is_dark or hedge_is_dark):
        more[at + 9] = agent.drawdown / agent.stake
    unanswered = 0
    for slot in range(agent.slots):
        unanswered += agent.working[slot].pending
    more[at + 10] = unanswered
    more[at + 11] = agent.data_delay_ns / _SECOND_NS


@kernel
def _margin_room(world, agent):
    """Return equity over maintenance margin in notionals of the hedge, and the leverage."""
    notional = 0.0
    for place in range(agent.hedge_count):
        instrument = np.int64(agent.hedges[place])
        contract = world.instruments[instrument]
        lots = abs(_held(world, agent, instrument))
        notional += lots * contract.lot_size * contract.mark_price
    if notional == 0.0:
        return _SAFE, 0.0
    needed, there = hedge_margin(world, agent)
    leverage = notional / (there / QUANTA) if there > 0 else _NO_PRICE
    return (there - needed) / QUANTA / notional, leverage


@kernel
def _see_venues(world, agent, hedge_is_dark):
    book = world.accounts[agent.book_account]
    venue = world.venues[book.venue]
    more, at = agent.more, _VENUE
    more[at] = 1.0 if venue.halted or venue.data_halted else 0.0
    hedge_venue = world.venues[world.accounts[agent.hedge_account].venue]
    more[at + 1] = 1.0 if hedge_venue.cancels_halted else 0.0
    paid = 1.0 - book.discount_e9 * 1e-9
    more[at + 2] = book.taker_fee_e9[FEES_OPTION] * 1e-9 * paid * _BASIS_POINTS
    if not hedge_is_dark:
        mark = world.instruments[agent.hedge_instrument].mark_price
        more[at + 3] = (mark / world.price.index - 1.0) * _BASIS_POINTS
