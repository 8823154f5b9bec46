"""The rules of a venue as tables of text, grouped as a trader looks for them.

A figure that no source confirms has a star behind it. Shares are written as in the file, "0.02%".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import pairwise
from typing import Any

from gammagym.quantities import format_duration, format_percent
from gammagym.venues.listings import (
    DerivativeListing,
    FutureListing,
    Listing,
    OptionListing,
)
from gammagym.venues.schema import Venue
from gammagym.venues.shown import NOTHING, Sheet, Shown
from gammagym.venues.words import (
    BACKSTOPS,
    FUNDINGS,
    MARKS,
    RANKS,
    SELF_TRADES,
    STEPS,
    delay,
    number,
    trigger,
)


def rules(venue: Venue) -> list[Shown]:
    """Return all rules of a venue; tables of what it does not have are left out."""
    writer = _Writer(venue)
    parts: tuple[Callable[[], Iterator[Shown]], ...] = (
        writer.contracts, writer.fees, writer.funding, writer.marks, writer.tiers,
        writer.liquidation, writer.margin, writer.orders, writer.calendar, writer.portfolio,
        writer.changes, writer.instruments,
    )  # fmt: skip
    return [table for part in parts for table in part() if table.rows]


class _Writer(Sheet):
    """Writes the tables of one venue."""

    # --- Contracts and fees ------------------------------------------------------------------

    def contracts(self) -> Iterator[Shown]:
        """Write what can be traded, in which steps and sizes."""
        quote, coin = self.venue.quote, self.venue.coin

        def size_unit(one: Any) -> str:
            inverse = isinstance(one, DerivativeListing) and one.contract == "inverse"
            return "contracts" if inverse else coin

        def amount(key: str, of: Callable[[Any], str]) -> Callable[[str, Any], str]:
            def text(kind: str, one: Any) -> str:
                value = getattr(one, key, None)
                if value is None:
                    return ""
                unit = of(one) if value != 1 else of(one).removesuffix("s")
                return self.starred(f"{number(value)} {unit}", f"{kind}.{key}")

            return text

        def share(key: str) -> Callable[[str, Any], str]:
            return lambda kind, one: self.share(kind, one, key)

        def price_unit(one: Any) -> str:
            in_coin = isinstance(one, OptionListing) and one.contract == "inverse"
            return coin if in_coin else quote

        def matching(kind: str, one: Listing) -> str:
            if one.matching == "price_time":
                return ""
            return self.starred("pro rata", f"{kind}.matching")

        def settled(kind: str, one: Any) -> str:
            if not isinstance(one, FutureListing | OptionListing):
                return ""
            window = one.settlement_window
            text = f"index of {format_duration(window)}" if window else "the last index"
            return self.starred(text, f"{kind}.settlement_window")

        yield self.by_kind(
            "Contracts",
            {
                "kind": lambda _, one: getattr(one, "contract", "paid at once"),
                "value of a contract": amount("face", lambda _: quote),
                "tick": amount("tick", price_unit),
                "lot": amount("lot", size_unit),
                "smallest order": amount("minimum_quantity", size_unit),
                "largest order": amount("maximum_quantity", size_unit),
                "smallest notional": amount("minimum_notional", lambda _: quote),
                "price band about the mark": share("price_band"),
                "reach of a market order": share("market_protection"),
                "matching": matching,
                "settled at": settled,
            },
        )

    def fees(self) -> Iterator[Shown]:
        """Write the fees by kind of contract, the ladder, and discounts."""
        venue = self.venue

        def fee(key: str) -> Callable[[str, Any], str]:
            def text(kind: str, one: Listing) -> str:
                own = getattr(one, key)
                value = getattr(venue, key) if own is None else own
                return self.starred(format_percent(value), key if own is None else f"{kind}.{key}")

            return text

        def share(key: str) -> Callable[[str, Any], str]:
            return lambda kind, one: self.share(kind, one, key) if getattr(one, key, None) else ""

        discounts = ", ".join(
            f"{key} {format_percent(off)}" for key, off in venue.discounts.items()
        )
        yield self.by_kind(
            "Fees, of the notional (options: of the underlying)",
            {
                "maker": fee("maker_fee"),
                "taker": fee("taker_fee"),
                "at most, of the option's price": share("fee_cap"),
                "delivery": share("delivery_fee"),
                "delivery at most, of the payoff": share("delivery_fee_cap"),
            },
            note=self.starred(f"Discounts: {discounts}", "discounts") if discounts else "",
        )
        ladder = [(Decimal(0), venue.maker_fee, venue.taker_fee)] if venue.fee_tiers else []
        ladder += [(tier.volume, tier.maker, tier.taker) for tier in venue.fee_tiers]
        yield Shown(
            self.starred("Fee ladder of perpetuals and futures", "fee_tiers"),
            (f"30 days, {venue.quote}", "maker", "taker"),
            tuple((number(v), format_percent(m), format_percent(t)) for v, m, t in ladder),
            left=0,
        )

    # --- Prices ------------------------------------------------------------------------------

    def funding(self) -> Iterator[Shown]:
        """Write how funding is found and paid."""
        listing = self.venue.perpetual
        if listing is None:
            return
        rules, root = listing.funding, "perpetual.funding"
        interval = format_duration(listing.funding_interval) if listing.funding_interval else ""
        rows = [
            ("method", FUNDINGS[rules.method], f"{root}.method"),
            ("interval", interval or "never", "perpetual.funding_interval"),
        ]
        if rules.method != "imposed":
            cap = "none" if rules.cap is None else f"±{format_percent(rules.cap)} an interval"
            rows.append(("cap", cap, f"{root}.cap"))
        clamp = f"±{format_percent(rules.clamp)}"
        if rules.method == "continuous":
            rows.append(("premium that costs nothing", clamp, f"{root}.clamp"))
        if rules.method == "premium":
            weights = {"linear": "later samples count more", "equal": "all count alike"}
            rows += [
                ("interest", format_percent(rules.interest), f"{root}.interest"),
                ("drawn to the interest by", clamp, f"{root}.clamp"),
                ("sampled every", format_duration(rules.sample), f"{root}.sample"),
                ("weights", weights[rules.weights], f"{root}.weights"),
                (
                    "impact notional",
                    f"{number(rules.impact_notional)} {self.venue.quote}",
                    f"{root}.impact_notional",
                ),
            ]
        yield self.facts("Funding", rows)

    def marks(self) -> Iterator[Shown]:
        """Write how marks and the index are made."""
        rows: list[tuple[str, str, str]] = []
        for kind, one in self.listings().items():
            if isinstance(one, DerivativeListing):
                window = f" over {format_duration(one.mark.window)}"
                text = MARKS[one.mark.method] + (window if one.mark.method != "index" else "")
                rows.append((f"mark of a {kind}", text, f"{kind}.mark"))
        index = self.venue.index
        rows += [
            ("sources of the index", str(index.sources), "index.sources"),
            ("a source is left out", f"beyond {format_percent(index.outlier)}", "index.outlier"),
        ]
        yield self.facts("Marks and index", rows)

    # --- Margin and liquidation --------------------------------------------------------------

    def tiers(self) -> Iterator[Shown]:
        """Write margin tiers, and the margin of short options."""
        for kind, one in self.listings().items():
            if isinstance(one, DerivativeListing):
                yield self._tiers(kind, one)
        option = self.venue.option
        if option is not None:
            keys = {
                "initial": "short_initial",
                "initial, at least": "short_initial_minimum",
                "maintenance": "short_maintenance",
            }
            yield self.facts(
                "Short options, of the underlying",
                [
                    (name, format_percent(getattr(option, key)), f"option.{key}")
                    for name, key in keys.items()
                ],
            )

    def _tiers(self, kind: str, one: DerivativeListing) -> Shown:
        currency = self.venue.coin if one.contract == "inverse" else self.venue.quote
        tops = [Decimal(0), *(tier.to for tier in one.tiers)]
        rows = tuple(
            (
                number(low or 0),
                "and more" if high is None else number(high),
                format_percent(tier.maintenance),
                f"{tier.leverage:g}",
                number(tier.amount or 0),
            )
            for (low, high), tier in zip(pairwise(tops), one.tiers, strict=True)
        )
        keys = [f"{kind}.{key}" for key in ("tiers", "initial_margin", "maintenance_margin")]
        slope = format_percent(one.margin_slope)
        note = f"Both rates rise by {slope} for each {self.venue.coin} of the position."
        return Shown(
            self.starred(f"Margin tiers of a {kind}", *keys),
            (f"from, {currency}", "to", "maintenance", "leverage", "amount"),
            rows,
            left=0,
            note=self.starred(note, f"{kind}.margin_slope") if one.margin_slope else "",
        )

    def liquidation(self) -> Iterator[Shown]:
        """Write what happens to an account that lacks margin."""
        rules = self.venue.liquidation
        slices = format_percent(rules.slice) if "reduce_slice" in rules.steps else ""
        waits = format_duration(rules.interval) if rules.interval else ""
        rank = RANKS[rules.rank] if rules.backstop == "deleveraging" else ""
        fund = f"{number(rules.insurance_fund)} {self.venue.quote}"
        rows = [
            ("trigger", trigger(self.venue), "liquidation.counts_closing_fee"),
            ("first", "all orders are canceled", ""),
            *((f"step {n}", STEPS[s], "liquidation.steps") for n, s in enumerate(rules.steps, 1)),
            ("slice", slices, "liquidation.slice"),
            ("between two steps", waits, "liquidation.interval"),
            ("fee", format_percent(self.venue.liquidation_fee), "liquidation_fee"),
            ("insurance fund", fund, "liquidation.insurance_fund"),
            ("when it is empty", BACKSTOPS[rules.backstop], "liquidation.backstop"),
            ("who is first", rank, "liquidation.rank"),
        ]
        yield self.facts("Liquidation", rows)

    def margin(self) -> Iterator[Shown]:
        """Write margin and position modes, and what counts as collateral."""
        rules = self.venue.margin
        positions = ", ".join(rules.position_modes)
        rows = [
            ("margin modes", ", ".join(rules.modes), "margin.modes"),
            ("positions", positions.replace("_", " "), "margin.position_modes"),
        ]
        rows += [
            (f"counts of {currency}", format_percent(share), f"collateral.{currency}")
            for currency, share in self.venue.collateral.items()
        ]
        wait = format_duration(self.venue.transfer_time)
        rows.append(("a transfer takes", wait, "transfer_time"))
        yield self.facts("Margin and collateral", rows)

    # --- Orders and hours --------------------------------------------------------------------

    def orders(self) -> Iterator[Shown]:
        """Write what orders may do, and how long messages take."""
        venue, rules = self.venue, self.venue.orders
        kept = "keeps its place if no larger" if rules.amend_keeps_priority else "to the back"
        post_only = {"reject": "refused", "slide": "moved to the touch"}[rules.post_only]
        rate = ""
        if rules.rate_interval:
            interval = format_duration(rules.rate_interval)
            rate = f"{rules.rate_burst} at once, one more every {interval}"

        def most(count: int) -> str:
            return number(count) if count else ""

        yield self.facts(
            "Orders",
            [
                ("amended order", kept, "orders.amend_keeps_priority"),
                ("post-only that would trade", post_only, "orders.post_only"),
                ("self-trade", SELF_TRADES[rules.self_trade], "orders.self_trade"),
                ("most orders", most(rules.maximum_orders), "orders.maximum_orders"),
                ("most that wait", most(rules.maximum_waiting), "orders.maximum_waiting"),
                ("messages", rate, "orders.rate_burst"),
                ("time to the engine", delay(venue.order_latency), "order_latency"),
                ("time of a cancel", delay(venue.cancel_latency), "cancel_latency"),
                ("time of market data", delay(venue.data_latency), "data_latency"),
            ],
        )

    def calendar(self) -> Iterator[Shown]:
        """Write when the venue trades."""
        found = self.venue.calendar
        rows = [("open", "always", "calendar")]
        if found is not None:
            rows = [
                ("opens", found.open, "calendar"),
                ("closes", found.close, "calendar"),
                ("daily break", found.daily_break or "", "calendar"),
                ("time zone", found.timezone, "calendar"),
            ]
        yield self.facts("Calendar", rows)

    def portfolio(self) -> Iterator[Shown]:
        """Write the scenarios of portfolio margin."""
        found = self.venue.portfolio_margin
        if found is None:
            return
        root = "portfolio_margin"
        near, far = found.short_term_vega_power, found.long_term_vega_power
        shares = {
            "volatility up": "volatility_up",
            "volatility down": "volatility_down",
            "for futures": "futures_contingency",
            "for short options": "option_contingency",
            "maintenance, of the initial": "maintenance_factor",
        }
        rows = [
            ("moves", ", ".join(map(format_percent, found.moves)), f"{root}.moves"),
            (
                "larger moves, volatility up",
                ", ".join(map(format_percent, found.extended_moves)),
                f"{root}.extended_moves",
            ),
            (
                "power of 30 days / time",
                f"{near:g} up to 30 days, {far:g} beyond",
                f"{root}.short_term_vega_power",
            ),
        ]
        rows += [
            (name, format_percent(getattr(found, key)), f"{root}.{key}")
            for name, key in shares.items()
        ]
        yield self.facts("Portfolio margin: the worst loss over", rows)

    def changes(self) -> Iterator[Shown]:
        """Write rules that change on a date."""
        rows = tuple(
            (f"{one.at:%Y-%m-%d %H:%M} UTC", one.key, format_percent(one.value))
            for one in self.venue.changes
        )
        yield Shown("Rules that change", ("from", "rule", "to"), rows)

    def instruments(self) -> Iterator[Shown]:
        """Write instruments that are listed by name."""
        rows = tuple(
            (
                one.name,
                one.kind,
                f"{one.expiry:%Y-%m-%d %H:%M} UTC",
                NOTHING if one.strike is None else number(one.strike),
            )
            for one in self.venue.instruments
        )
        yield Shown("Listed instruments", ("name", "kind", "expires", "strike"), rows, left=3)
