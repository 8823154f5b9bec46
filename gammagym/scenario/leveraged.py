"""Write the leveraged crowd into a world: an account for each side, buckets for each leverage."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from gammagym.errors import CapacityError, ScenarioError
from gammagym.scenario.crowd import MOST_LEVERAGES, CrowdSpec
from gammagym.scenario.places import HEDGE_ROW, HEDGE_VENUE, Venues
from gammagym.scenario.rules import rate_e9
from gammagym.venues.listings import PerpetualListing
from gammagym.world.codes import FEES_DERIVATIVE, NO_ACCOUNT


def write_crowd(
    world: Any, name: str, crowd: CrowdSpec | None, venues: Venues, start: float
) -> None:
    """Write the wishes of a leveraged crowd; `open_leveraged` makes positions of them.

    Args:
        world: to be written; its other accounts are in place.
        name: of the scenario.
        crowd: what it says of it; None: there is none.
        venues: of the world.
        start: first price of the underlying.

    Raises:
        ScenarioError: the venue lists no perpetual, or does not allow such a leverage.
        CapacityError: the world has no room for it.
    """
    if crowd is None:
        return
    listing = venues.hedge.perpetual
    if listing is None:
        raise ScenarioError(
            f"scenario {name!r}: crowd: venue {venues.hedge.name!r} lists no perpetual, which the "
            "leveraged crowd trades: take another venue, or leave [crowd] out"
        )
    _check_leverages(name, crowd, listing, venues.hedge.name, start)
    sides = [(1, crowd.longs), (-1, crowd.shorts)]
    sides = [(sign, units) for sign, units in sides if units > 0.0]
    first = int(world.account_count)
    per_side = len(world.buckets) // 2
    if first + len(sides) > len(world.accounts) or per_side < MOST_LEVERAGES:
        raise CapacityError(
            f"scenario {name!r}: crowd: needs {len(sides)} accounts and {2 * MOST_LEVERAGES} "
            f"buckets, this capacity has {len(world.accounts) - first} accounts left and "
            f"{len(world.buckets)} buckets"
        )
    common = world.leverage
    common.entry_sigma = float(crowd.entry_spread)
    common.swept = float(crowd.swept)
    common.member_notional = crowd.position
    common.reopening_ns = crowd.reopening or 0
    for place, (sign, units) in enumerate(sides):
        _write_account(world, first + place, venues)
        _write_side(world, crowd, first + place, sign * units, per_side)


def _check_leverages(
    name: str, crowd: CrowdSpec, listing: PerpetualListing, venue: str, start: float
) -> None:
    """Refuse leverages that the venue does not allow to positions of that size."""
    notional = crowd.position / start if listing.contract == "inverse" else crowd.position
    problems: list[str] = []
    tier = next(
        (tier for tier in listing.tiers if tier.to is None or notional <= tier.to),
        listing.tiers[-1],
    )
    for place, item in enumerate(crowd.leverages):
        key = f"scenario {name!r}: crowd.leverages.{place}.leverage"
        if item.leverage > tier.leverage:
            problems.append(
                f"{key} must be at most {tier.leverage:g}, the highest that venue {venue!r} allows "
                f"to positions of {crowd.position:g}, was {item.leverage:g}"
            )
    if problems:
        raise ScenarioError("\n".join(problems))


def _write_account(world: Any, row: int, venues: Venues) -> None:
    """Write an account of the world's own that holds one side of the crowd."""
    account = world.accounts[row]
    account.agent = account.partner = NO_ACCOUNT
    account.venue = HEDGE_VENUE
    assert venues.hedge.perpetual is not None, "it was looked at before"
    own = venues.hedge.perpetual.taker_fee
    fee = venues.hedge.taker_fee if own is None else own
    account.taker_fee_e9[FEES_DERIVATIVE] = rate_e9(fee)
    world.account_count += 1


def _write_side(world: Any, crowd: CrowdSpec, account: int, units: float, rows: int) -> None:
    """Write the buckets of one side; every leverage has as many."""
    contract = world.instruments[HEDGE_ROW]
    places = rows // len(crowd.leverages)
    for item in crowd.leverages:
        whole = round(float(item.share) * abs(units) / contract.lot_size)
        for place in range(places):
            lots = whole * (place + 1) // places - whole * place // places
            if lots == 0:
                continue
            bucket = world.buckets[world.bucket_count]
            world.bucket_count += 1
            bucket.quantity_lots = lots if units > 0 else -lots
            bucket.opened_lots = bucket.quantity_lots
            bucket.initial_e9 = rate_e9(1 / Decimal(str(item.leverage)))
            bucket.place, bucket.places = place, places
            bucket.account, bucket.instrument = account, HEDGE_ROW
