"""The leveraged crowd: positions of many small traders, spread over their liquidation prices.

Their positions are in buckets, each of one side, one leverage and one liquidation price, which the
venue's own formula gives. Two accounts, of longs and of shorts, hold them; the makers are on the
other side at first. When the mark reaches a bucket, its quantity becomes orders that have to match
in the book like anybody's, a slice at every price tick. Nothing writes a price: that the orders of
one bucket may bring the mark to the next is all there is to a cascade (docs/rules/crowd).

Their margin is isolated. What is left of a bucket's margin goes to the insurance fund, which pays
what is missing.
"""

from __future__ import annotations

import math

import numpy as np

from gammagym._kernel import kernel
from gammagym.exchange.deleveraging import hand_over_lots
from gammagym.exchange.formulas.order_limits import rounded_safe
from gammagym.exchange.ledger import (
    change_position,
    mul_div,
    settle_funding,
    share_of,
    trade_value,
    transfer,
    value_at,
)
from gammagym.exchange.own_orders import market_order
from gammagym.exchange.trading import is_closed
from gammagym.market.crossing import cross
from gammagym.market.members import enter, entry_price
from gammagym.world.codes import (
    BUY,
    FILL_LIQUIDATION,
    FUNDING_CONTINUOUS,
    MAKERS,
    SELL,
    STEP_TAKE_OVER,
)

_NO_BUCKET = -1
_NEVER_NS = 2**62


# --- The first moment ------------------------------------------------------------------------


@kernel
def open_leveraged(world):
    """Give the leveraged crowd its positions, before anybody trades.

    They were bought from the makers and sold to them at prices of the past; their margin is brought
    into the world. Reads: price, keys. Writes: buckets, cash, positions, deposits.
    """
    for row in range(world.bucket_count):
        bucket = world.buckets[row]
        contract = world.instruments[bucket.instrument]
        lots = bucket.quantity_lots
        ticks = max(round(entry_price(world, row) / contract.tick_size), 1)
        value = trade_value(contract, ticks, lots)
        change_position(world, bucket.instrument, bucket.account, lots, value)
        change_position(world, bucket.instrument, MAKERS, -lots, -value)
        enter(world, bucket, value)


# --- At every price tick ---------------------------------------------------------------------


@kernel
def step_leveraged(world, elapsed_ns):
    """Call the buckets that the mark has reached, and work off a slice of what is called.

    Reads: marks. Writes: buckets, books, cash, positions.
    """
    if world.bucket_count == 0 or is_closed(world, world.buckets[0].instrument):
        return
    for account in range(world.buckets[0].account, _last_account(world) + 1):
        _follow_account(world, account)
        _call(world, account)
        _hand_over_bankrupt(world, account)
        _work_off(world, account)
        if world.leverage.reopening_ns > 0:
            _open_again(world, account, elapsed_ns)


@kernel
def _is_past(world, bucket, price):
    """Return whether the mark has reached a price that a bucket fears."""
    mark = world.instruments[bucket.instrument].mark_price
    return mark <= price if bucket.quantity_lots > 0 else mark >= price


@kernel
def _call(world, account):
    """Call the buckets whose liquidation price the mark has reached. Writes: buckets, accounts."""
    for row in range(world.bucket_count):
        bucket = world.buckets[row]
        if bucket.account != account or bucket.quantity_lots == 0 or bucket.called:
            continue
        if _is_past(world, bucket, bucket.liquidation_price):
            bucket.called = 1
            bucket.called_ns = world.time_ns
            world.accounts[account].liquidations += 1


@kernel
def _takes_over(venue):
    """Return whether a venue's liquidation hands over what its orders did not close."""
    for place in range(venue.step_count):
        if venue.liquidation_steps[place] == STEP_TAKE_OVER:
            return True
    return False


@kernel
def _hand_over_bankrupt(world, account):
    """Hand buckets that are bankrupt at the mark to the insurance fund, where a venue does so.

    When the fund cannot bear one, the best positions against it are closed.
    Writes: buckets, cash, positions.
    """
    for row in range(world.bucket_count):
        bucket = world.buckets[row]
        if bucket.account != account or not bucket.called:
            continue
        contract = world.instruments[bucket.instrument]
        if not _takes_over(world.venues[contract.venue]):
            return
        if _is_past(world, bucket, bucket.bankruptcy_price):
            lots = bucket.quantity_lots
            value = value_at(contract, contract.mark_quanta, lots)
            worth = value - bucket.entry_quanta + bucket.margin_quanta
            world.accounts[account].covered_quanta += max(-worth, 0)
            hand_over_lots(world, bucket.instrument, account, lots, worth)
            _take_off(bucket, abs(lots))


@kernel
def _work_off(world, account):
    """Send the orders of a slice of what is called, first called first. Writes: books, cash."""
    pending = 0
    for row in range(world.bucket_count):
        bucket = world.buckets[row]
        if bucket.account == account and bucket.called:
            pending += abs(bucket.quantity_lots)
    if pending == 0:
        return
    venue = world.venues[world.accounts[account].venue]
    left = max(mul_div(pending, venue.liquidation_slice_e9), 1)
    while left > 0:
        row = _first_called(world, account)
        if row == _NO_BUCKET:
            return
        lots = min(left, abs(world.buckets[row].quantity_lots))
        if _close(world, world.buckets[row], lots) < lots:
            # What the book does not take is tried again at the next tick.
            return
        left -= lots


@kernel
def _first_called(world, account):
    """Return the bucket of an account that was called first, the first row of equals."""
    first, since_ns = _NO_BUCKET, _NEVER_NS
    for row in range(world.bucket_count):
        bucket = world.buckets[row]
        if bucket.account != account or not bucket.called or bucket.quantity_lots == 0:
            continue
        if bucket.called_ns < since_ns:
            first, since_ns = row, bucket.called_ns
    return first


@kernel
def _close(world, bucket, lots):
    """Close lots of a bucket in the book; returns how many it took.

    What they fetched less what they were entered at, with their margin, is the insurance fund's,
    which pays it if it is negative. Writes: books, cash, positions, buckets.
    """
    account, instrument = bucket.account, bucket.instrument
    contract = world.instruments[instrument]
    before = _money(world, account, instrument)
    signed = -lots if bucket.quantity_lots > 0 else lots
    worst = _worst_ticks(world, bucket)
    left = market_order(world, account, instrument, signed, FILL_LIQUIDATION, worst)
    closed = lots - abs(left)
    if closed > 0:
        earned = _money(world, account, instrument) - before
        rest = earned + _take_off(bucket, closed)
        fund = world.venues[contract.venue].insurance_account
        transfer(world, account, fund, contract.currency, rest)
        world.accounts[account].covered_quanta += max(-rest, 0)
    return closed


@kernel
def _money(world, account, instrument):
    """Return an account's cash less the entry value of its position, which only trades change."""
    contract = world.instruments[instrument]
    if contract.funding.method == FUNDING_CONTINUOUS:
        settle_funding(world, instrument, account)
    entry = world.positions[account, instrument].entry_quanta
    return world.cash[account, contract.currency] - entry


@kernel
def _worst_ticks(world, bucket):
    """Return the limit of a bucket's orders (ticks).

    It is the bankruptcy price where a venue takes over what is left, else as far from the mark as
    market orders reach.
    """
    contract = world.instruments[bucket.instrument]
    long = bucket.quantity_lots > 0
    price = bucket.bankruptcy_price
    if not _takes_over(world.venues[contract.venue]):
        reach = contract.protection * contract.mark_price
        price = contract.mark_price - reach if long else contract.mark_price + reach
    return max(np.int64(rounded_safe(price / contract.tick_size, 1.0, 1.0 if long else -1.0)), 1)


@kernel
def _take_off(bucket, lots):
    """Take lots off a bucket; returns their margin less the value at which they were entered.

    Writes: buckets.
    """
    held = abs(bucket.quantity_lots)
    entry = share_of(bucket.entry_quanta, lots, held)
    margin = share_of(bucket.margin_quanta, lots, held)
    bucket.entry_quanta -= entry
    bucket.margin_quanta -= margin
    bucket.quantity_lots -= lots if bucket.quantity_lots > 0 else -lots
    if bucket.quantity_lots == 0:
        bucket.called = 0
    return margin - entry


@kernel
def agrees(world):
    """Return whether the accounts of the leveraged crowd hold no more than its buckets.

    Until the next price tick they hold less where they were deleveraged.
    """
    if world.bucket_count == 0:
        return True
    instrument = world.buckets[0].instrument
    for account in range(world.buckets[0].account, _last_account(world) + 1):
        held = _held_in_buckets(world, account)
        position = world.positions[account, instrument].quantity_lots
        if abs(position) > abs(held) or position * held < 0:
            return False
    return True


@kernel
def _held_in_buckets(world, account):
    """Return the signed quantity of all buckets of an account (lots)."""
    held = 0
    for row in range(world.bucket_count):
        if world.buckets[row].account == account:
            held += world.buckets[row].quantity_lots
    return held


@kernel(inline=True)
def _last_account(world):
    """Return the account of the last bucket; longs come first, their account just before."""
    return world.buckets[world.bucket_count - 1].account


# --- Deleveraged, and opened again -----------------------------------------------------------


@kernel
def _follow_account(world, account):
    """Take off the buckets what others have closed of their account, the safest members' first.

    That is deleveraging: what they have won with it stays in the account. Writes: buckets.
    """
    position = world.positions[account, world.buckets[0].instrument].quantity_lots
    gone = abs(_held_in_buckets(world, account)) - abs(position)
    while gone > 0:
        bucket = world.buckets[_safest(world, account)]
        lots = min(gone, abs(bucket.quantity_lots))
        _take_off(bucket, lots)
        gone -= lots


@kernel
def _safest(world, account):
    """Return the bucket of an account that is farthest from its liquidation."""
    safest, farthest = _NO_BUCKET, -math.inf
    for row in range(world.bucket_count):
        bucket = world.buckets[row]
        if bucket.account == account and bucket.quantity_lots != 0:
            distance = world.instruments[bucket.instrument].mark_price - bucket.liquidation_price
            distance = distance if bucket.quantity_lots > 0 else -distance
            if safest == _NO_BUCKET or distance > farthest:
                safest, farthest = row, distance
    return safest


@kernel
def _open_again(world, account, elapsed_ns):
    """Let new members come in for those who are gone, by orders at the price of now.

    Writes: leverage, buckets, books, cash, positions, deposits.
    """
    first, missing = _NO_BUCKET, 0
    for row in range(world.bucket_count):
        bucket = world.buckets[row]
        if bucket.account == account and not bucket.called:
            lacks = abs(bucket.opened_lots - bucket.quantity_lots)
            missing += lacks
            if first == _NO_BUCKET and lacks > 0:
                first = row
    if first == _NO_BUCKET:
        return
    crowd, bucket = world.leverage, world.buckets[first]
    side = BUY if bucket.opened_lots > 0 else SELL
    wish = crowd.wish_lots[side] + missing * elapsed_ns / crowd.reopening_ns
    crowd.wish_lots[side] = min(wish, float(missing))
    lots = min(int(crowd.wish_lots[side]), abs(bucket.opened_lots - bucket.quantity_lots))
    if lots > 0:
        crowd.wish_lots[side] -= _open_more(world, bucket, side, lots)


@kernel
def _open_more(world, bucket, side, lots):
    """Add to a bucket what the book gives at once; returns the lots. Writes: as `_open_again`."""
    account, instrument = bucket.account, bucket.instrument
    held = world.positions[account, instrument].quantity_lots
    before = _money(world, account, instrument)
    cross(world, account, instrument, side, lots)
    bought = world.positions[account, instrument].quantity_lots - held
    if bought != 0:
        bucket.quantity_lots += bought
        enter(world, bucket, before - _money(world, account, instrument))
    return abs(bought)
