"""What the rules of a venue are called, in words that traders use."""

from __future__ import annotations

from decimal import Decimal

from gammagym.quantities import format_duration
from gammagym.venues.latency import Latency
from gammagym.venues.schema import Venue

KINDS = ("perpetual", "future", "spot", "option")
STEPS = {
    "reduce_to_restore": "one order that brings margin back",
    "reduce_to_lower_tier": "reduce to the tier below, and again",
    "reduce_two_tiers": "reduce by two tiers, and again",
    "reduce_slice": "close a slice of the position",
    "close_in_book": "close everything by market orders",
    "take_over": "the insurance fund takes the position at its bankruptcy price",
}
BACKSTOPS = {
    "insurance": "the fund pays, and may go below zero",
    "deleveraging": "auto-deleveraging: the best opposite positions are closed",
    "socialised_loss": "socialised loss: all who have gains pay a share",
}
RANKS = {
    "margin_ratio": "profit share x margin ratio",
    "leverage": "profit share x leverage",
    "signed_leverage": "profit x leverage; losses divided by leverage",
}
FUNDINGS = {
    "premium": "average premium of each interval, paid at its end",
    "continuous": "premium of each moment, paid all the time",
    "imposed": "the rate that the scenario says",
}
MARKS = {
    "index": "the index",
    "median": "median of index with funding, index with average basis, last price",
    "average_basis": "index plus the average basis",
}
SELF_TRADES = {
    "allow": "an account may trade with itself",
    "expire_taker": "the incoming order is canceled",
    "expire_maker": "the resting order is canceled",
    "expire_both": "both orders are canceled",
    "decrement": "both get smaller, the smaller one ends",
}


def number(value: Decimal | int) -> str:
    """Return an exact number with commas and no zeros at its end.

    >>> number(Decimal("1200000")), number(Decimal("0.10"))
    ('1,200,000', '0.1')
    """
    text = f"{Decimal(value):,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def contracts(venue: Venue) -> str:
    """Return what a venue lists, in a few words.

    >>> from gammagym.scenario.load import load_venue
    >>> contracts(load_venue("binance"))
    'linear perpetual, future, option; spot'
    """
    kinds = [(kind, getattr(venue, kind)) for kind in KINDS]
    words: list[str] = []
    for way in ("linear", "inverse"):
        found = [kind for kind, one in kinds if one and getattr(one, "contract", "") == way]
        if found:
            words.append(f"{way} {', '.join(found)}")
    return "; ".join([*words, "spot"] if venue.spot else words)


def trigger(venue: Venue) -> str:
    """Return what starts a liquidation."""
    more = " + taker fee of closing" if venue.liquidation.counts_closing_fee else ""
    return f"equity < maintenance margin{more}, at marks"


def delay(latency: Latency | None) -> str:
    """Return how long a way takes, or nothing if it is as its neighbour."""
    if latency is None:
        return ""
    if latency.samples is not None:
        return f"one of {len(latency.samples)} samples"
    varies = f", sigma {latency.sigma:g}" if latency.sigma else ""
    return f"{format_duration(latency.median or 0)}{varies}"
