"""Write the arbitrageurs of a world: their books, accounts, capital and what they ask for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from gammagym.errors import CapacityError, ScenarioError, nearest
from gammagym.scenario.arbitrageurs import ArbitrageurSpec
from gammagym.scenario.places import Venues
from gammagym.scenario.rules import quanta, rate_e9, write_account
from gammagym.scenario.schema import AccountTerms, Scenario
from gammagym.world.codes import COIN, FUTURE, NO_ACCOUNT, PERPETUAL, QUOTE, SPOT
from gammagym.world.sizes import RATE_UNIT, YEAR_NS

_TRADED = (SPOT, PERPETUAL, FUTURE)


def write_arbitrageurs(
    world: Any, scenario: Scenario, venues: Venues, names: Sequence[str], start: float
) -> None:
    """Give every arbitrageur its books, an account for each, and money for its largest position.

    Args:
        world: to be written; its instruments and the competitors' accounts are there.
        scenario: what it says of arbitrageurs.
        venues: of the world.
        names: of its instruments, by row.
        start: first price of the underlying.

    Raises:
        ScenarioError: an arbitrageur names what is no instrument, or an option.
        CapacityError: the world has no room for so many, or for their accounts.
    """
    specs = scenario.arbitrageurs
    _check_books(world, scenario, names)
    accounts = int(world.account_count) + 2 * len(specs)
    if len(specs) > len(world.arbitrageurs) or accounts > len(world.accounts):
        raise CapacityError(
            f"scenario {scenario.name!r}: {len(specs)} arbitrageurs need as many rows and "
            f"{accounts} accounts, this capacity has {len(world.arbitrageurs)} and "
            f"{len(world.accounts)}"
        )
    for row, spec in enumerate(specs):
        target = world.arbitrageurs[row]
        for leg, name in enumerate(spec.between):
            instrument = names.index(name)
            target.instruments[leg] = instrument
            target.accounts[leg] = _open_account(world, spec, venues, instrument, start)
        _write_terms(world, target, spec)
    world.arbitrageur_count = len(specs)


def _check_books(world: Any, scenario: Scenario, names: Sequence[str]) -> None:
    """Refuse what no arbitrageur can trade, all of it in one message."""
    problems: list[str] = []
    for row, spec in enumerate(scenario.arbitrageurs):
        for name in spec.between:
            key = f"arbitrageurs.{row}.between: "
            if name not in names:
                problems.append(f"{key}unknown instrument {name!r}: {nearest(name, list(names))}")
            elif world.instruments[names.index(name)].kind not in _TRADED:
                problems.append(f"{key}{name!r} is an option: take spot, perpetuals or futures")
    if problems:
        raise ScenarioError(f"scenario {scenario.name!r}: " + "; ".join(problems))


def _open_account(
    world: Any, spec: ArbitrageurSpec, venues: Venues, instrument: int, start: float
) -> int:
    """Open an account for one book, with money for the largest position; returns its row.

    Nobody checks its margin: what it holds in the other book covers it.
    """
    row = int(world.account_count)
    world.account_count += 1
    account, contract = world.accounts[row], world.instruments[instrument]
    account.agent = account.partner = NO_ACCOUNT
    account.venue = contract.venue
    write_account(account, venues.both[contract.venue], AccountTerms())
    if spec.fee is not None:
        account.taker_fee_e9[:] = rate_e9(spec.fee)
    money = {QUOTE: spec.limit * start}
    if contract.kind == SPOT or contract.currency == COIN:
        money[COIN] = spec.limit
    for currency, amount in money.items():
        world.cash[row, currency] = quanta(amount)
        world.deposits[currency] += world.cash[row, currency]
    return row


def _write_terms(world: Any, target: Any, spec: ArbitrageurSpec) -> None:
    fees = 0
    for instrument, account in zip(target.instruments, target.accounts, strict=True):
        fees += world.accounts[account].taker_fee_e9[world.instruments[instrument].fee_class]
    target.threshold = 2.0 * float(fees) / RATE_UNIT + float(spec.margin)
    target.order_units, target.limit_units = spec.size, spec.limit
    target.financing = float(spec.financing)
    target.horizon_ns, target.interval_ns = spec.horizon, spec.interval
    volatility = math.inf if spec.withdraws_above is None else spec.withdraws_above
    target.largest_variance = volatility**2 / (YEAR_NS / 1e9)
