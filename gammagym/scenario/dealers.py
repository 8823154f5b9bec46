"""Write the hedgers of a world: each dealer's account, its share of the gamma, and its times."""

from __future__ import annotations

from typing import Any

from gammagym.errors import CapacityError, ScenarioError
from gammagym.scenario.hedgers import HedgerSpec
from gammagym.scenario.places import HEDGE_ROW, HEDGE_VENUE, Venues
from gammagym.scenario.rules import write_account
from gammagym.scenario.schema import AccountTerms, Scenario
from gammagym.venues.schema import Venue
from gammagym.world.codes import MARGIN_CROSS, NO_ACCOUNT
from gammagym.world.sizes import LARGEST_PRESSURE, LARGEST_QUANTA, QUANTA

_PER_CENT = 100.0
# Ten times by trading, twice besides: how far the price may run before money is at risk.
_LARGEST_MOVE = 20


def write_hedgers(world: Any, scenario: Scenario, venues: Venues, start: float) -> None:
    """Give every dealer a row and an account, after all other accounts.

    Args:
        world: to be written.
        scenario: what it says of hedgers.
        venues: of the world; hedgers trade at the hedge's.
        start: first price of the underlying.

    Raises:
        ScenarioError: their largest position is more than 64-bit money holds.
        CapacityError: the world has too few accounts.
    """
    _check_notional(scenario, start)
    for spec in scenario.hedgers:
        for place in range(spec.count):
            _write_hedger(world, spec, place, venues.hedge)


def _write_hedger(world: Any, spec: HedgerSpec, place: int, venue: Venue) -> None:
    row, account = int(world.hedger_count), int(world.account_count)
    if row == len(world.hedgers) or account == len(world.accounts):
        raise CapacityError(
            f"hedgers: a world has room for {len(world.hedgers)} of them, and for "
            f"{len(world.accounts)} accounts: take fewer hedgers, or fewer agents"
        )
    hedger = world.hedgers[row]
    hedger.account, hedger.instrument = account, HEDGE_ROW
    # The move is measured as a logarithm, of which 1 % is a hundredth.
    hedger.gamma = _PER_CENT * spec.gamma / spec.count
    hedger.band = spec.band
    hedger.interval_ns = spec.interval
    hedger.next_ns = place * spec.interval // spec.count if spec.phase == "staggered" else 0
    world.hedger_count = row + 1
    world.account_count = account + 1
    owner = world.accounts[account]
    write_account(owner, venue, AccountTerms())
    # Dealers clear elsewhere: they owe no margin here, so no liquidation ends the feedback.
    owner.margin_mode = MARGIN_CROSS
    owner.agent, owner.partner, owner.venue = NO_ACCOUNT, NO_ACCOUNT, HEDGE_VENUE


def _check_notional(scenario: Scenario, start: float) -> None:
    """Refuse what 64-bit money could not hold, should the feedback run away."""
    gamma = sum(abs(spec.gamma) for spec in scenario.hedgers)
    # Beyond that move they give up.
    largest = _PER_CENT * gamma * LARGEST_PRESSURE
    notional = largest * start * _LARGEST_MOVE * QUANTA
    if notional > LARGEST_QUANTA:
        most = 0.99 * gamma * LARGEST_QUANTA / notional
        raise ScenarioError(
            f"scenario {scenario.name!r}: hedgers: a gamma of {gamma:g} units per 1 % in all, at a "
            f"price of {start:g} and with room for a move, is more than 64-bit money holds: take "
            f"at most {most:.3g}"
        )
