"""The first moment of an episode: contracts get terms, competitors a book and collateral."""

from __future__ import annotations

from gammagym._kernel import kernel
from gammagym.engine.book import open_book
from gammagym.exchange.ledger import book_trade, deposit
from gammagym.exchange.marks import carried, option_price, write_price
from gammagym.exchange.options import value_option
from gammagym.world.codes import BUY, CALL, COIN, FLOW_CROWD, MAKERS, PUT, QUOTE, SELL
from gammagym.world.sizes import QUANTA, YEAR_NS

# Rows of orders and levels of a book that only makers and competitors use.
QUIET_ROWS = 24


@kernel
def hand_over(world):
    """Mark everything, and hand every competitor its book and its collateral.

    A template's positions are wishes: here they are bought from the makers at the mark, so that
    positions in every contract sum to zero. Reads: price. Writes: instruments, cash, positions.
    """
    _open_instruments(world)
    for row in range(world.agent_count):
        _hand_over_book(world, row)
        _measure_stake(world, row)
        _hand_over_collateral(world, row)


@kernel
def fix_strikes(world):
    """Give strikes to options that have a moneyness. Reads: price. Writes: instruments.strike."""
    for instrument in range(world.instrument_count):
        contract = world.instruments[instrument]
        is_option = contract.kind == CALL or contract.kind == PUT
        if is_option and contract.strike == 0.0:
            grid = contract.strike_step
            steps = round(contract.moneyness * world.price.value / grid)
            contract.strike = max(steps, 1) * grid


@kernel
def _open_instruments(world):
    price = world.price.value
    for instrument in range(world.instrument_count):
        contract = world.instruments[instrument]
        if contract.kind == CALL or contract.kind == PUT:
            value_option(contract, price, world.time_ns)
            write_price(contract, option_price(world, contract))
        else:
            write_price(contract, carried(contract, price))


@kernel
def _hand_over_book(world, row):
    """Trade the positions that the template asks for, in ticks nearest to the mark."""
    agent = world.agents[row]
    for instrument in range(world.instrument_count):
        contract = world.instruments[instrument]
        position = world.positions[agent.book_account, instrument]
        wanted = position.quantity_lots
        agent.handed_lots[instrument] = wanted
        if wanted == 0:
            continue
        position.quantity_lots = 0
        side = BUY if wanted > 0 else SELL
        ticks = round(contract.fair_price / contract.tick_size)
        book_trade(world, instrument, agent.book_account, MAKERS, side, ticks, abs(wanted))


@kernel
def _measure_stake(world, row):
    """Write the expected gamma profit over the horizon (dollar gamma is a martingale).

    Books without gamma are measured by their notional.
    """
    agent = world.agents[row]
    price = world.price.value
    gamma, volatility, most = 0.0, 0.0, 0.0
    for instrument in range(world.instrument_count):
        contract = world.instruments[instrument]
        if contract.kind == CALL or contract.kind == PUT:
            lots = world.positions[agent.book_account, instrument].quantity_lots
            own = lots * contract.lot_size * contract.gamma
            gamma += own
            if abs(own) > most:
                # Of a smile, the volatility of the option that has most of the gamma.
                most, volatility = abs(own), contract.implied_volatility
    years = world.end_ns / YEAR_NS
    agent.stake = 0.5 * abs(gamma) * price * price * volatility * volatility * years
    if agent.stake == 0.0:
        agent.stake = max(agent.gross_units, 1.0) * price
    agent.risk_aversion = agent.relative_aversion / agent.stake


@kernel
def _hand_over_collateral(world, row):
    """Bring in the collateral of the hedge and, if it needs margin too, of the book."""
    agent = world.agents[row]
    book, hedge = agent.book_account, agent.hedge_account
    if world.accounts[book].margined:
        # Who margins the book has brought the money for it, too.
        for money in (QUOTE, COIN):
            deposit(world, book, money, max(-world.cash[book, money], 0))
    _bring_collateral(world, agent, hedge, agent.collateral_share)
    if book != hedge:
        _bring_collateral(world, agent, book, agent.book_collateral)
    agent.book_coins = world.cash[agent.book_account, COIN] / QUANTA


@kernel
def _bring_collateral(world, agent, account, share):
    """Bring in a share of the notional, in the hedge's currency if it counts at the venue."""
    amount = share * agent.gross_units * world.price.value
    currency = world.instruments[agent.hedge_instrument].currency
    if world.venues[world.accounts[account].venue].collateral_e9[currency] == 0:
        currency = 1 - currency
    if currency == COIN:
        amount /= world.price.value
    deposit(world, account, currency, round(amount * QUANTA))


@kernel
def open_books(world):
    """Open every book with its share of the pools: a few rows, or with flow all the rest.

    Reads: instruments.flow. Writes: books, orders, levels, terms, members.
    """
    busy = 0
    for instrument in range(len(world.instruments)):
        if world.instruments[instrument].flow == FLOW_CROWD:
            busy += 1
    quiet = len(world.instruments) - busy
    first_order, first_level = 0, 0
    terms = len(world.terms) // len(world.instruments)
    for instrument in range(len(world.instruments)):
        orders, levels = QUIET_ROWS, QUIET_ROWS
        if world.instruments[instrument].flow == FLOW_CROWD:
            orders = (len(world.orders) - quiet * QUIET_ROWS) // busy
            levels = (len(world.levels) - quiet * QUIET_ROWS) // busy
        book, first_terms = world.books[instrument], instrument * terms
        open_book(book, first_order, orders, first_level, levels, first_terms, terms)
        first_order += orders
        first_level += levels
