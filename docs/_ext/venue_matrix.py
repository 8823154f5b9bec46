"""How the venues that ship differ: tables made from their files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from markup import percent, table

from gammagym import content
from gammagym.quantities import format_duration
from gammagym.scenario.load import load_venue
from gammagym.venues import words
from gammagym.venues.shown import Sheet

_FIRM = "\N{NO-BREAK SPACE}"


def venue_matrix() -> str:
    """Return how the venues that ship differ, one table for each group of rules."""
    parts: dict[str, dict[str, Callable[[Sheet], str]]] = {
        "Contracts and fees": {
            "listed": lambda sheet: words.contracts(sheet.venue),
            "tick": lambda sheet: _of_hedge(sheet, "tick"),
            "lot": lambda sheet: _of_hedge(sheet, "lot"),
            "maker": lambda sheet: _starred_percent(sheet, "maker_fee"),
            "taker": lambda sheet: _starred_percent(sheet, "taker_fee"),
            "lowest fees of the ladder": _lowest_fees,
            "discounts": _discounts,
        },
        "Funding and marks": {
            "funding": _funding,
            "interest, clamp, cap": _funding_rates,
            "mark of the hedge": _mark,
            "price band": lambda sheet: _of_hedge(sheet, "price_band"),
        },
        "Margin": {
            "first tier": lambda sheet: _tier(sheet, 0),
            "last tier": lambda sheet: _tier(sheet, -1),
            "modes": lambda sheet: ", ".join(sheet.venue.margin.modes),
            "positions": lambda sheet: ", ".join(sheet.venue.margin.position_modes).replace(
                "_", " "
            ),
            "collateral": _collateral,
        },
        "Liquidation": {
            "trigger": lambda sheet: words.trigger(sheet.venue).removesuffix(", at marks"),
            "steps": lambda sheet: sheet.starred(
                ", then ".join(f"`{step}`" for step in sheet.venue.liquidation.steps),
                "liquidation.steps",
            ),
            "when the fund is empty": _backstop,
        },
        "Orders, hours, evidence": {
            "an amended order": _amended,
            "self-trade": lambda sheet: sheet.starred(
                f"`{sheet.venue.orders.self_trade}`", "orders.self_trade"
            ),
            "post-only": lambda sheet: f"`{sheet.venue.orders.post_only}`",
            "hours": _hours,
            "as of": lambda sheet: str(sheet.venue.as_of),
            "unverified": lambda sheet: str(len(sheet.venue.unverified)),
        },
    }
    sheets = {name: Sheet(load_venue(name)) for name in content.available("venues")}

    def cell(text: str) -> str:
        # A star must not start emphasis, nor it or a percent sign a line.
        return text.replace(" %", f"{_FIRM}%").replace(" *", f"{_FIRM}\\*")

    def lines(facts: dict[str, Callable[[Sheet], str]]) -> list[tuple[str, ...]]:
        return [
            (f"`{name}`", *(cell(fact(sheet)) for fact in facts.values()))
            for name, sheet in sheets.items()
        ]

    return "\n\n".join(
        f"### {title}\n\n" + table(("venue", *facts), lines(facts))
        for title, facts in parts.items()
    )


def _hedge(sheet: Sheet) -> tuple[str, Any]:
    """Return what a venue has to hedge with, and its kind."""
    venue = sheet.venue
    return ("perpetual", venue.perpetual) if venue.perpetual else ("future", venue.future)


def _of_hedge(sheet: Sheet, key: str) -> str:
    kind, listing = _hedge(sheet)
    value = getattr(listing, key)
    if value is None:
        return "none"
    text = percent(value) if key == "price_band" else words.number(value)
    if key == "lot" and listing.contract == "inverse":
        text += f" contract of {words.number(listing.face)} {sheet.venue.quote}"
    return sheet.starred(text, f"{kind}.{key}")


def _starred_percent(sheet: Sheet, key: str) -> str:
    return sheet.starred(percent(getattr(sheet.venue, key)), key)


def _lowest_fees(sheet: Sheet) -> str:
    tiers = sheet.venue.fee_tiers
    if not tiers:
        return "no ladder"
    text = f"{percent(tiers[-1].maker)} / {percent(tiers[-1].taker)}"
    return sheet.starred(f"{text} from {words.number(tiers[-1].volume)}", "fee_tiers")


def _discounts(sheet: Sheet) -> str:
    return (
        ", ".join(f"{key} {percent(off)}" for key, off in sheet.venue.discounts.items()) or "none"
    )


def _funding(sheet: Sheet) -> str:
    perpetual = sheet.venue.perpetual
    if perpetual is None:
        return "no perpetual"
    interval = format_duration(perpetual.funding_interval)
    rules = perpetual.funding
    if rules.method != "premium":
        return f"{rules.method}, per {interval}"
    sampled = f"sampled every {format_duration(rules.sample)}, weights {rules.weights}"
    return f"premium, every {interval}, {sampled}"


def _funding_rates(sheet: Sheet) -> str:
    perpetual = sheet.venue.perpetual
    if perpetual is None or perpetual.funding.method == "imposed":
        return "none"
    rules, root = perpetual.funding, "perpetual.funding"
    cap = "no cap" if rules.cap is None else f"±{percent(rules.cap)}"
    texts = {
        "interest": percent(rules.interest),
        "clamp": f"±{percent(rules.clamp)}",
        "cap": cap,
    }
    return ", ".join(sheet.starred(text, f"{root}.{key}") for key, text in texts.items())


def _mark(sheet: Sheet) -> str:
    kind, listing = _hedge(sheet)
    method = listing.mark.method
    window = "" if method == "index" else f", {format_duration(listing.mark.window)}"
    return sheet.starred(f"`{method}`{window}", f"{kind}.mark")


def _tier(sheet: Sheet, place: int) -> str:
    kind, listing = _hedge(sheet)
    tier = listing.tiers[place]
    currency = sheet.venue.coin if listing.contract == "inverse" else sheet.venue.quote
    top = "without end" if tier.to is None else f"to {words.number(tier.to)} {currency}"
    text = f"{percent(tier.maintenance)}, {tier.leverage:g}x, {top}"
    keys = ("tiers", "initial_margin", "maintenance_margin")
    return sheet.starred(text, *(f"{kind}.{key}" for key in keys))


def _backstop(sheet: Sheet) -> str:
    rules = sheet.venue.liquidation
    rank = f" by `{rules.rank}`" if rules.backstop == "deleveraging" else ""
    return sheet.starred(f"`{rules.backstop}`{rank}", "liquidation.backstop")


def _amended(sheet: Sheet) -> str:
    keeps = sheet.venue.orders.amend_keeps_priority
    text = "keeps its place if no larger" if keeps else "goes to the back"
    return sheet.starred(text, "orders.amend_keeps_priority")


def _hours(sheet: Sheet) -> str:
    hours = sheet.venue.calendar
    if hours is None:
        return "always"
    pause = f", but for {hours.daily_break}" if hours.daily_break else ""
    return sheet.starred(f"{hours.open} to {hours.close} {hours.timezone}{pause}", "calendar")


def _collateral(sheet: Sheet) -> str:
    return ", ".join(
        sheet.starred(f"{currency} {percent(share)}", f"collateral.{currency}")
        for currency, share in sheet.venue.collateral.items()
    )
