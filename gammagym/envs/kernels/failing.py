"""Failures: when a world cannot go on as a market, so that its episode ends (docs/environments).

Nothing of this happens in a market of sound parameters. It is looked at before and after the market
runs, so that a world that was spoiled from outside does not run at all.
"""

from __future__ import annotations

import math

from gammagym._kernel import kernel
from gammagym.exchange.ledger import holding
from gammagym.world.sizes import LARGEST_QUANTA

# Why a world has failed, by the codes that follow; the first means that it has not.
FAILURES = (
    "none",
    "a price is not a number from 1e-9 to 1e15",
    "money or a position is more than 64 bits hold",
    "the market had no room for a tenth of its orders",
    "the reward is not a finite number",
    "the observation is not a number",
)
(
    SOUND,
    FAILED_PRICE,
    FAILED_MONEY,
    FAILED_ROOM,
    FAILED_REWARD,
    FAILED_OBSERVATION,
) = range(len(FAILURES))

_LOWEST_PRICE, _HIGHEST_PRICE = 1e-9, 1e15
# Fewer orders than that make no market meaningless.
_FEW_ORDERS = 100
_SHARE = 10


@kernel
def failure(world):
    """Return why a world cannot go on, or SOUND. Reads: prices, cash, positions, stakes, counts."""
    price = world.price
    if not (_is_price(price.value) and _is_price(price.index) and _is_price(price.ahead)):
        return FAILED_PRICE
    for instrument in range(world.instrument_count):
        contract = world.instruments[instrument]
        # An option may be worth nothing, or by rounding next to nothing less.
        if not -_LOWEST_PRICE <= contract.mark_price <= _HIGHEST_PRICE:
            return FAILED_PRICE
        if math.isnan(contract.fair_price):
            return FAILED_PRICE
        if abs(contract.funding.index) > LARGEST_QUANTA:
            return FAILED_MONEY
    if _is_too_rich(world):
        return FAILED_MONEY
    for row in range(world.agent_count):
        # What it is paid is counted in stakes.
        if not world.agents[row].stake > 0.0:
            return FAILED_REWARD
    refused = world.without_room
    if refused > _FEW_ORDERS and refused > world.next_order_id // _SHARE:
        return FAILED_ROOM
    return SOUND


@kernel(inline=True)
def _is_price(value):
    """Return whether a number, which may be none, can be a price."""
    return _LOWEST_PRICE <= value <= _HIGHEST_PRICE


@kernel
def _is_too_rich(world):
    """Return whether cash, or the value of a competitor's position, is beyond what is safe."""
    most = 0
    for account in range(world.account_count):
        for currency in range(len(world.deposits)):
            most = max(most, abs(world.cash[account, currency]))
    if most > LARGEST_QUANTA:
        return True
    for row in range(world.agent_count):
        agent = world.agents[row]
        for instrument in range(world.instrument_count):
            value = float(world.instruments[instrument].mark_quanta)
            for account in (agent.book_account, agent.hedge_account):
                if abs(holding(world, account, instrument) * value) > LARGEST_QUANTA:
                    return True
    return False
