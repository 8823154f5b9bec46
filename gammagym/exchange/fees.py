"""Fee ladders: what an account pays depends on what it has traded in thirty days."""

from __future__ import annotations

from gammagym._kernel import kernel
from gammagym.world.codes import FEES_DERIVATIVE, NO_ACCOUNT


@kernel
def walk_ladder(world, account):
    """Give an account the fees of its 30-day volume in derivatives, the episode's included.

    Reads: accounts, venues.ladder. Writes: accounts.maker_fee_e9, taker_fee_e9.
    """
    state = world.accounts[account]
    if state.agent == NO_ACCOUNT:
        return
    venue = world.venues[state.venue]
    for row in range(venue.ladder_count):
        step = venue.ladder[row]
        if state.volume_quanta >= step.volume_quanta:
            state.maker_fee_e9[FEES_DERIVATIVE] = step.maker_fee_e9
            state.taker_fee_e9[FEES_DERIVATIVE] = step.taker_fee_e9


@kernel
def shift_fees(world, place, maker, taker):
    """Raise or lower what the accounts of a venue pay, and its ladder, by the same (1e-9).

    Writes: accounts.maker_fee_e9, taker_fee_e9, venues.ladder.
    """
    for row in range(world.account_count):
        account = world.accounts[row]
        if account.venue == place and account.agent != NO_ACCOUNT:
            account.maker_fee_e9[FEES_DERIVATIVE] += maker
            account.taker_fee_e9[FEES_DERIVATIVE] += taker
    venue = world.venues[place]
    for row in range(venue.ladder_count):
        venue.ladder[row].maker_fee_e9 += maker
        venue.ladder[row].taker_fee_e9 += taker
