"""The venue files that ship, against figures collected independently of them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gammagym import content
from gammagym.exchange.margin import position_initial, position_maintenance
from gammagym.exchange.marks import write_price
from gammagym.quantities import format_duration
from gammagym.scenario.compile import compile_world
from gammagym.scenario.load import list_venues, load_scenario, load_venue
from gammagym.scenario.tasks import get_task
from gammagym.venues.schema import Venue
from gammagym.world.sizes import QUANTA

ROOT = Path(__file__).resolve().parents[3]
DATA = Path(os.environ.get("GAMMAGYM_DATA", ROOT.parent / "shared" / "data"))
FILE = DATA.parent / "venues" / "venues.json"
FACTS: dict[str, Any] = json.loads(FILE.read_text("utf-8"))["venues"] if FILE.is_file() else {}
MISSING = f"no {FILE} (set GAMMAGYM_DATA to the folder of market data beside it)"
needs_facts = pytest.mark.skipif(not FACTS, reason=MISSING)

REAL = (
    "binance",
    "binance_coinm",
    "bingx",
    "bybit",
    "bybit_inverse",
    "cme",
    "deribit",
    "mexc",
    "weex",
)


def fact(path: str) -> Any:
    """Return the value at a path of the collected facts, such as "mexc.fees.base.maker"."""
    here: Any = FACTS
    for part in path.split("."):
        here = here["v"] if "v" in here and part not in here else here
        here = here[part]
    return here.get("v", here) if isinstance(here, dict) else here


def key(venue: Venue, path: str) -> Any:
    """Return the value at a dotted key of a venue, as its file writes it."""
    here: Any = venue
    for part in path.split("."):
        here = here[part] if isinstance(here, dict) else getattr(here, part)
    return here


# --- All of them -----------------------------------------------------------------------------


def test_the_real_venues_are_known() -> None:
    assert set(list_venues()) == {*REAL, "generic", "frictionless"}


@pytest.mark.parametrize("name", REAL)
def test_a_venue_loads_and_is_written_so_that_it_loads_again(name: str) -> None:
    venue = load_venue(name)
    assert load_venue(venue.model_dump()) == venue
    assert load_venue(venue.model_dump(mode="json")) == venue


@pytest.mark.parametrize("name", REAL)
def test_a_venue_says_what_it_is_where_it_is_from_and_what_is_unsure(name: str) -> None:
    venue = load_venue(name)
    text = content.resolve("venues", name).read_text("utf-8")
    assert text.startswith("# ")
    assert len(text.partition("\npurpose =")[0].splitlines()) >= 8
    assert len(venue.sources) >= 4
    assert "order_latency" in venue.unverified
    assert len(set(venue.unverified)) == len(venue.unverified)


@pytest.mark.parametrize("name", REAL)
def test_every_listing_has_its_margin_tiers_and_collateral(name: str) -> None:
    venue = load_venue(name)
    for listing in filter(None, (venue.perpetual, venue.future)):
        first = listing.tiers[0]
        assert listing.maintenance_margin == first.maintenance
        assert float(listing.initial_margin or 0) == pytest.approx(1 / first.leverage)
        assert all(tier.amount is not None for tier in listing.tiers)
        money = venue.coin if listing.contract == "inverse" else venue.quote
        assert venue.collateral[money] == 1


# --- Against the facts -----------------------------------------------------------------------

RATES = [
    ("binance", "maker_fee", "binance_usdm.fees.base.maker"),
    ("binance", "taker_fee", "binance_usdm.fees.base.taker"),
    ("binance", "discounts.token", "binance_usdm.fees.bnb_discount"),
    ("binance", "liquidation_fee", "binance_usdm.contract.liquidation_fee.BTCUSDT"),
    ("binance", "perpetual.funding.cap", "binance_usdm.funding.cap_values.BTCUSDT"),
    ("binance", "option.short_initial", "binance_options.margin.initial"),
    ("binance", "option.short_initial_minimum", "binance_options.margin.min_initial"),
    ("binance", "option.short_maintenance", "binance_options.margin.maintenance"),
    ("binance_coinm", "taker_fee", "binance_coinm.fees.base_taker"),
    ("binance_coinm", "maker_fee", "binance_coinm.fees.base_maker.official_faq_example"),
    ("binance_coinm", "perpetual.price_band", "binance_coinm.contract.percent_price.perp"),
    ("binance_coinm", "future.price_band", "binance_coinm.contract.percent_price.quarterly"),
    ("bybit", "maker_fee", "bybit_linear.fees.base.maker"),
    ("bybit", "taker_fee", "bybit_linear.fees.base.taker"),
    ("bybit", "perpetual.funding.cap", "bybit_linear.funding.limits.BTCUSDT"),
    ("bybit", "perpetual.funding.interest", "bybit_linear.funding.interest_8h"),
    ("bybit_inverse", "maker_fee", "bybit_linear.fees.base.maker"),
    ("bybit_inverse", "future.delivery_fee", "bybit_linear.fees.delivery"),
    ("bybit_inverse", "perpetual.maintenance_margin", "bybit_inverse.margin.tier1.mmr"),
    ("bybit_inverse", "perpetual.initial_margin", "bybit_inverse.margin.tier1.imr"),
    ("bingx", "maker_fee", "bingx.fees.base.maker"),
    ("bingx", "taker_fee", "bingx.fees.base.taker"),
    ("weex", "maker_fee", "weex.fees.base.maker"),
    ("weex", "taker_fee", "weex.fees.base.taker"),
    ("weex", "perpetual.price_band", "weex.contract.price_limit_ratio"),
    ("mexc", "maker_fee", "mexc.fees.base.maker"),
    ("mexc", "taker_fee", "mexc.fees.base.taker"),
    ("mexc", "perpetual.price_band", "mexc.contract.price_band.BTC_USDT"),
    ("mexc", "perpetual.market_protection", "mexc.contract.trigger_protect"),
    ("mexc", "perpetual.funding.cap", "mexc.funding.caps.docs_sample"),
    ("mexc", "perpetual.maintenance_margin", "mexc.margin.tier1.BTC_USDT.mmr"),
    ("mexc", "perpetual.initial_margin", "mexc.margin.tier1.BTC_USDT.imr"),
    ("deribit", "maker_fee", "deribit.fees.futures_perp.maker"),
    ("deribit", "taker_fee", "deribit.fees.futures_perp.taker"),
    (
        "deribit",
        "liquidation_fee",
        "deribit.contract.perp.BTC-PERPETUAL.max_liquidation_commission",
    ),
    ("deribit", "option.delivery_fee", "deribit_options.fees.delivery.option"),
    ("deribit", "option.delivery_fee_cap", "deribit_options.fees.delivery.cap"),
    ("deribit", "future.delivery_fee", "deribit_options.fees.delivery.future"),
    ("deribit", "option.fee_cap", "deribit_options.fees.linear.cap"),
    ("deribit", "portfolio_margin.volatility_up", "deribit.margin.pm.vol_range_up"),
    ("deribit", "portfolio_margin.volatility_down", "deribit.margin.pm.vol_range_down"),
    ("deribit", "portfolio_margin.maintenance_factor", "deribit.margin.pm.mm_factor"),
    (
        "deribit",
        "portfolio_margin.short_term_vega_power",
        "deribit.margin.pm.short_term_vega_power",
    ),
    ("deribit", "portfolio_margin.long_term_vega_power", "deribit.margin.pm.long_term_vega_power"),
    ("deribit", "portfolio_margin.extended_dampener", "deribit.margin.pm.extended_dampener.btc"),
    ("deribit", "portfolio_margin.minimum_volatility_up", "deribit.margin.pm.min_vol_for_shock_up"),
]
SIZES = [
    ("binance", "perpetual.tick", "binance_usdm.contract.tick.BTCUSDT"),
    ("binance", "perpetual.lot", "binance_usdm.contract.step.BTCUSDT"),
    ("binance", "perpetual.maximum_quantity", "binance_usdm.contract.max_qty.BTCUSDT"),
    ("binance", "perpetual.minimum_notional", "binance_usdm.contract.min_notional.BTCUSDT"),
    ("binance", "orders.maximum_orders", "binance_usdm.orders.limits.open_orders_per_symbol"),
    ("binance", "orders.maximum_waiting", "binance_usdm.orders.limits.algo_orders_per_symbol"),
    ("binance", "orders.rate_burst", "binance_usdm.orders.rate.orders_per_10s"),
    ("binance", "option.tick", "binance_options.contract.tick.BTC"),
    ("binance", "option.lot", "binance_options.contract.min_size.default"),
    ("binance_coinm", "perpetual.face", "binance_coinm.contract.size_usd.BTCUSD"),
    ("binance_coinm", "perpetual.tick", "binance_coinm.contract.tick.BTCUSD_PERP"),
    ("bybit", "perpetual.tick", "bybit_linear.contract.tick.BTCUSDT"),
    ("bybit", "perpetual.lot", "bybit_linear.contract.qty_step.BTCUSDT"),
    ("bybit", "perpetual.minimum_notional", "bybit_linear.contract.min_notional.BTCUSDT"),
    ("bybit", "perpetual.maximum_quantity", "bybit_linear.contract.max_order.limit"),
    ("bybit", "orders.maximum_orders", "bybit_linear.orders.limits.active_per_symbol"),
    ("bybit", "orders.maximum_waiting", "bybit_linear.orders.limits.conditional_per_symbol"),
    ("bybit", "orders.rate_burst", "bybit_linear.orders.rate.create_amend_cancel_per_s"),
    ("bybit_inverse", "perpetual.face", "bybit_inverse.contract.size_usd.BTCUSD"),
    ("bybit_inverse", "perpetual.tick", "bybit_inverse.contract.tick.BTCUSD"),
    ("bybit_inverse", "perpetual.lot", "bybit_inverse.contract.min"),
    ("bingx", "perpetual.tick", "bingx.contract.tick.BTC-USDT"),
    ("bingx", "perpetual.lot", "bingx.contract.step.BTC-USDT"),
    ("bingx", "perpetual.minimum_notional", "bingx.contract.min_notional"),
    ("bingx", "orders.rate_burst", "bingx.orders.rate.order_per_s"),
    ("weex", "perpetual.tick", "weex.contract.tick.BTCUSDT"),
    ("weex", "perpetual.lot", "weex.contract.size.BTCUSDT"),
    ("weex", "perpetual.maximum_quantity", "weex.contract.max_order.BTCUSDT"),
    ("mexc", "perpetual.tick", "mexc.contract.tick.BTC_USDT"),
    ("mexc", "perpetual.lot", "mexc.contract.size.BTC_USDT"),
    ("deribit", "perpetual.face", "deribit.contract.perp.BTC-PERPETUAL.contract_usd"),
    ("deribit", "perpetual.tick", "deribit.contract.perp.BTC-PERPETUAL.tick"),
    ("deribit", "option.tick", "deribit_options.contract.inverse.tick"),
    ("deribit", "option.lot", "deribit_options.contract.inverse.min"),
    ("cme", "future.tick", "cme.futures.MBT.tick"),
]
INTERVALS = [
    ("binance", "binance_usdm.funding.interval_h.default"),
    ("bingx", "bingx.funding.interval_h"),
    ("weex", "weex.funding.interval_h"),
    ("mexc", "mexc.funding.interval_h"),
]
HIGHEST_LEVERAGE = [
    ("binance_coinm", "binance_coinm.contract.max_leverage.BTC"),
    ("bybit", "bybit_linear.contract.max_leverage.BTCUSDT"),
    ("bybit_inverse", "bybit_inverse.margin.tier1.max_leverage"),
    ("bingx", "bingx.contract.max_leverage"),
    ("weex", "weex.contract.max_leverage.BTCUSDT"),
    ("mexc", "mexc.contract.max_leverage.BTC_USDT"),
    ("deribit", "deribit.contract.perp.BTC-PERPETUAL.max_leverage"),
]


@needs_facts
@pytest.mark.parametrize(("name", "path", "source"), [*RATES, *SIZES])
def test_a_figure_is_as_published(name: str, path: str, source: str) -> None:
    assert Decimal(str(key(load_venue(name), path))) == Decimal(str(fact(source)))


@needs_facts
@pytest.mark.parametrize(("name", "source"), INTERVALS)
def test_funding_is_paid_as_often_as_published(name: str, source: str) -> None:
    interval = key(load_venue(name), "perpetual.funding_interval")
    assert format_duration(interval) == f"{fact(source)}h"


@needs_facts
@pytest.mark.parametrize(("name", "source"), HIGHEST_LEVERAGE)
def test_the_highest_leverage_is_as_published(name: str, source: str) -> None:
    assert key(load_venue(name), "perpetual.tiers")[0].leverage == fact(source)


@needs_facts
@pytest.mark.parametrize(
    ("name", "source", "amount"),
    [
        ("binance", "binance_usdm.margin.tiers.BTC", "maint_amount"),
        ("bybit", "bybit_linear.margin.tiers.BTCUSDT", "deduction"),
        ("bingx", "bingx.margin.tiers.BTC-USDT", "maint_amount"),
    ],
)
def test_margin_tiers_are_as_published(name: str, source: str, amount: str) -> None:
    rows = fact(source)
    tiers = key(load_venue(name), "perpetual.tiers")[: len(rows)]
    assert name == "bingx" or len(key(load_venue(name), "perpetual.tiers")) == len(rows)
    for tier, row in zip(tiers, rows, strict=True):
        assert (float(tier.to), float(tier.maintenance)) == (row["cap"], row["mmr"])
        assert float(tier.amount) == pytest.approx(row[amount])
        assert tier.leverage == row.get("max_leverage", tier.leverage)


def test_the_tiers_of_binance_coinm_meet_the_published_amounts() -> None:
    tiers = key(load_venue("binance_coinm"), "perpetual.tiers")
    found = [(float(tier.maintenance), float(tier.amount)) for tier in tiers]
    for published in ((0.025, 0.56), (0.05, 1.81), (0.125, 11.81)):
        assert published in found
    assert next(tier.to for tier in tiers if float(tier.maintenance) == 0.025) == 50


def test_the_margin_of_deribit_slides_with_every_coin() -> None:
    """As in its example: 25 BTC need 2.125 % to open and 1.125 % to hold."""
    template = compile_world(load_scenario("calm@deribit"), get_task("ShortGamma")).template
    world = template[0]
    world["price"]["coin_quanta"], world["instruments"]["mark_quanta"][0] = 60_000 * 10_000, 0
    contract = world["instruments"][0]
    write_price(contract, 60_000.0)
    lots = 25 * 60_000 // 10
    notional = 25 * 60_000
    initial = position_initial(world, 7, 0, lots) / QUANTA
    world["positions"]["quantity_lots"][7, 0] = lots
    maintenance = position_maintenance(world, 7, 0) / QUANTA
    assert initial / notional == pytest.approx(0.02125, rel=1e-6)
    assert maintenance / notional == pytest.approx(0.01125, rel=1e-6)


@needs_facts
@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("binance", "binance_usdm.fees.ladder"),
        ("bybit", "bybit_linear.fees.ladder"),
        ("bybit_inverse", "bybit_linear.fees.ladder"),
        ("weex", "weex.fees.ladder"),
    ],
)
def test_fees_fall_with_volume_as_published(name: str, source: str) -> None:
    venue, rows = load_venue(name), fact(source)
    found = [(venue.maker_fee, venue.taker_fee)]
    found += [(tier.maker, tier.taker) for tier in venue.fee_tiers]
    expected = [(row["maker"], row["taker"]) for row in rows]
    assert [(float(a), float(b)) for a, b in found] == [pytest.approx(pair) for pair in expected]
    if "volume_30d_usd" in rows[0]:
        volumes = [float(tier.volume) for tier in venue.fee_tiers]
        assert volumes == [row["volume_30d_usd"] for row in rows[1:]]


@needs_facts
def test_the_scenarios_of_portfolio_margin_are_as_published() -> None:
    table, published = load_venue("deribit").portfolio_margin, fact("deribit.margin.pm")
    assert table is not None
    assert len(table.moves) == published["buckets"]
    assert float(table.moves[-1]) == -float(table.moves[0]) == published["price_range"]
    assert [float(move) for move in table.extended_moves] == published["extended_moves"]


def test_cme_trades_in_a_week_with_breaks() -> None:
    calendar = load_venue("cme").calendar
    assert calendar is not None
    assert (calendar.open_weekday, calendar.open_time.hour) == (6, 17)
    assert (calendar.close_weekday, calendar.close_time.hour) == (4, 16)
    assert calendar.break_times is not None
    assert [time.hour for time in calendar.break_times] == [16, 17]
    assert calendar.zone.key == "America/Chicago"


# --- What is unverified ----------------------------------------------------------------------

# Where a figure that the facts mark as unverified stands in a file; () where it stands in none.
UNVERIFIED: dict[str, tuple[str, ...]] = {
    "binance_coinm.fees.base_maker": ("maker_fee",),
    "binance_options.settlement": ("option.settlement_window",),
    "bybit_linear.contract.tick_eth": (),
    "bybit_linear.funding.impact_notional": ("perpetual.funding.impact_notional",),
    "bybit_linear.margin.alt_tiers": (),
    "bingx.contract.coinm": (),
    "bingx.fees.ladder": ("fee_tiers",),
    "bingx.liquidation.adl": ("liquidation.rank",),
    "bingx.orders.stp": ("orders.self_trade",),
    "weex.margin.btc_tiers": ("perpetual.tiers",),
    "weex.orders.stp": ("orders.self_trade",),
    "weex.orders.amend": ("orders.amend_keeps_priority",),
    "mexc.fees.ladder": ("fee_tiers",),
    "mexc.funding.formula": ("perpetual.funding.method", "perpetual.funding.clamp"),
    "mexc.orders.stp": ("orders.self_trade",),
    "mexc.orders.amend": ("orders.amend_keeps_priority",),
    "deribit.contract.eth_perp": (),
    "deribit.funding.cap": ("perpetual.funding.cap",),
    "deribit_options.band": ("option.price_band",),
    "cme.price_limits_current": ("future.price_band",),
    "cme.fees": ("maker_fee", "taker_fee"),
    "cme.margin": ("future.initial_margin", "future.maintenance_margin"),
}
# The same of facts that are confirmed but carry a note that today's value is not.
DOUBTED: dict[str, tuple[str, ...]] = {
    "binance_usdm.contract.percent_price": ("perpetual.price_band", "future.price_band"),
    "binance_usdm.contract.liquidation_fee": ("liquidation_fee",),
    "binance_usdm.fees.vip_requirements": ("fee_tiers",),
    "binance_usdm.margin.initial": (),
    "binance_options.fees.trade": ("option.maker_fee", "option.taker_fee"),
    "bybit_linear.orders.amend": ("orders.amend_keeps_priority",),
    "bybit_linear.liquidation.adl_rank": ("liquidation.rank",),
    "bingx.funding.formula": ("perpetual.funding",),
    "bingx.margin.tiers": ("perpetual.tiers",),
    "weex.funding.formula": ("perpetual.funding.clamp", "perpetual.funding.cap"),
    "deribit.fees.vip": ("fee_tiers",),
    "deribit.liquidation.fee": (),  # of options
    "cme.hours": ("calendar",),
}
FILES = {
    "binance_usdm": ("binance",),
    "binance_options": ("binance",),
    "bybit_linear": ("bybit", "bybit_inverse"),
    "deribit_options": ("deribit",),
}
NOT_MODELLED = ("okx", "hyperliquid", "dydx")


def facts(here: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the facts about the venues that ship: path, and value with status and note."""
    if isinstance(here, dict) and path not in NOT_MODELLED:
        if "st" in here:
            yield path, here
        for name, inner in here.items():
            yield from facts(inner, f"{path}.{name}".strip("."))


@needs_facts
def test_every_unverified_fact_has_its_place() -> None:
    unverified = {path for path, one in facts(FACTS) if one["st"] == "unverified"}
    assert unverified == set(UNVERIFIED)
    doubted = {
        path for path, one in facts(FACTS) if "unverified" in f"{one['v']} {one.get('note')}"
    }
    assert doubted - unverified == set(DOUBTED)


@pytest.mark.parametrize(("path", "keys"), (UNVERIFIED | DOUBTED).items())
def test_a_figure_that_is_unverified_is_listed_as_such(path: str, keys: tuple[str, ...]) -> None:
    source = path.split(".")[0]
    for name in FILES.get(source, (source,)):
        assert set(keys) <= set(load_venue(name).unverified)


# --- A world of them -------------------------------------------------------------------------


def test_a_book_that_the_venue_does_not_list_is_held_elsewhere() -> None:
    world = compile_world(load_scenario("calm@bybit"), get_task("ShortGamma")).template[0]
    assert world["instruments"]["venue"][:3].tolist() == [0, 1, 1]
    scenario = load_scenario("calm", {"venue": "deribit", "book_venue": "bybit"})
    with pytest.raises(ValueError, match=r"venue 'bybit' has no \[option\].*ShortGamma"):
        compile_world(scenario, get_task("ShortGamma"))


def test_a_world_of_a_real_venue_has_its_terms() -> None:
    scenario = load_scenario("calm", {"venue": "binance"})
    world = compile_world(scenario, get_task("ShortGamma")).template[0]
    perpetual = world["instruments"][0]
    tiers = world["tiers"][: perpetual["tier_count"]]
    assert len(tiers) == 12
    assert tiers["maintenance_e9"][:2].tolist() == [4_000_000, 5_000_000]
    assert tiers["initial_e9"][0] == 6_666_667
    assert tiers["amount_quanta"][1] == 300 * QUANTA
