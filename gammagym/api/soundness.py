"""Is this world one that the kernels can be trusted with? Asked of what comes from a file.

Compiled code follows every row number it finds and checks none of them, so a broken file could make
it read and write anywhere. Checked is what kernels use to find rows and to come to an end. What
merely makes a strange market, such as a negative balance, is allowed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gammagym.api.timeline_soundness import ranges_of_events
from gammagym.engine.inspection import SOUND, check_book
from gammagym.market.sentiment import LARGEST_LEAN
from gammagym.world import viewed
from gammagym.world.codes import (
    COIN,
    CROWD,
    DECREMENT,
    FEE_CLASSES,
    FILL_DELEVERAGING,
    FILL_ORDERED,
    FIRST_AGENT_ACCOUNT,
    FUNDING_PREMIUM,
    LATENCY_TABLE,
    NO_ACCOUNT,
    NO_LEVEL,
    NO_ORDER,
    NO_TERMS,
    NOBODY,
    PRICE_GBM,
    PRICE_HESTON,
    PRICE_MERTON,
    PRICE_REPLAY,
    PRICE_SVCJ,
    PUT,
    QUOTE,
    SELL,
    SHOCK_COLLATERAL,
    SIDES,
    SPOT,
)
from gammagym.world.sizes import (
    BREAKERS,
    FEE_LADDER,
    HEDGES,
    INDEX_SOURCES,
    LATENCY_SAMPLES,
    LIQUIDATION_STEPS,
    MARGIN_SCENARIOS,
    PATH_STEPS,
    RATE_UNIT,
    SLOTS,
    SPREAD_BANDS,
)

# Sums of two times fit into 64 bits.
_LAST_NS = 2**61
# Events per second: slower than that, the time to the next one would not; faster is no scenario.
_SLOWEST_RATE, _FASTEST_RATE = 1e-8, 20_000.0
_SHORTEST_TICK_NS = 1_000_000  # of a scenario
_LARGEST = 2**62
_MOST_LOTS = 2**54
# Of a hedger (units): positions of so many lots are far from the end of 64 bits.
_LARGEST_GAMMA = 1e10
# Logarithm of a price over another one.
_MOST_LOG = 20.0
# Of a scenario's arbitrageur.
_MOST_UNITS = 1e6
# Samples of a premium that one price tick may have to catch up with.
_MOST_SAMPLES = 10_000_000

_Range = tuple[str, Any, float, float]


def fault_of(worlds: NDArray[Any], tape: NDArray[Any]) -> str | None:
    """Return what is wrong with the world in an array of one, or None.

    Args:
        worlds: shape (1,), its books placed (`engine.tables.place_in_world`).
        tape: recorded prices.
    """
    world = worlds[0]
    return (
        _tape_fault(tape)
        or _range_fault(_counts(world))
        or _range_fault(_rows(world))
        or _range_fault(_clocks(world))
        or _flow_fault(world)
        or _books_fault(world)
    )


def _tape_fault(tape: NDArray[Any]) -> str | None:
    if tape.dtype != np.float64 or tape.ndim != 1 or len(tape) == 0:
        return "the tape is no list of prices"
    return None if np.isfinite(tape).all() else "the tape holds a price that is not finite"


# --- Ranges ----------------------------------------------------------------------------------


def _range_fault(ranges: Iterator[_Range]) -> str | None:
    """Return the first value outside its range; NaN is outside of every range."""
    for name, values, lowest, highest in ranges:
        fine = (np.asarray(values) >= lowest) & (np.asarray(values) <= highest)
        if not fine.all():
            wrong = np.asarray(values)[~fine].flat[0]
            return f"{name} must be from {lowest} to {highest}, was {wrong}"
    return None


def _counts(world: Any) -> Iterator[_Range]:
    """Yield how many rows are in use."""
    yield "instrument_count", world["instrument_count"], 1, len(world["instruments"])
    yield "account_count", world["account_count"], FIRST_AGENT_ACCOUNT, len(world["accounts"])
    yield "agent_count", world["agent_count"], 1, len(world["agents"])
    for table in ("flow", "hedger", "arbitrageur", "shock", "message", "bucket"):
        yield f"{table}_count", world[f"{table}_count"], 0, len(world[f"{table}s"])
    yield "stretch_count", world["stretch_count"], 0, len(world["stretches"])
    yield "to_fetch", world["to_fetch"], 0, 0
    yield "price.path_steps", world["price"]["path_steps"], 1, PATH_STEPS
    yield "fill_count", world["fill_count"], 0, _LARGEST
    yield "next_order_id", world["next_order_id"], 1, _LARGEST


def _rows(world: Any) -> Iterator[_Range]:
    """Yield what kernels use as a row number. Reads: the counts, which must be right."""
    yield from _rows_of_exchange(world)
    yield from _rows_of_agents(world)
    yield from _options_market(world)
    yield from _rows_of_arbitrageurs(world)
    yield from ranges_of_events(world)
    instruments, accounts = int(world["instrument_count"]), int(world["account_count"])
    messages = world["messages"][: world["message_count"]]
    yield "messages.account", messages["account"], FIRST_AGENT_ACCOUNT, accounts - 1
    yield "messages.instrument", messages["instrument"], 0, instruments - 1
    yield "fills.instrument", world["fills"]["instrument"], 0, instruments - 1
    shocks = world["shocks"][: world["shock_count"]]
    yield "shocks.venue", shocks["venue"], 0, len(world["venues"]) - 1
    currencies = shocks["code"][shocks["kind"] == SHOCK_COLLATERAL]
    yield "shocks.code", currencies, QUOTE, COIN
    buckets = world["buckets"][: world["bucket_count"]]
    yield "buckets.account", buckets["account"], FIRST_AGENT_ACCOUNT, accounts - 1
    yield "buckets.instrument", buckets["instrument"], 0, instruments - 1
    # The sum over all buckets fits into 64 bits, too.
    yield "buckets.quantity_lots", buckets["quantity_lots"], -_MOST_LOTS, _MOST_LOTS
    yield "buckets.opened_lots", buckets["opened_lots"], -_MOST_LOTS, _MOST_LOTS
    yield "buckets.initial_e9", buckets["initial_e9"], 1, RATE_UNIT
    flows = world["flows"][: world["flow_count"]]
    most = flows["rows"].shape[1]
    yield "flows.instrument", flows["instrument"], 0, instruments - 1
    yield "flows.slots", flows["slots"], 1, most
    yield "flows.touch_slots", flows["touch_slots"], 1, most
    # The places behind the touch are those that the quotes at the touch of both sides leave.
    yield "flows.slots less those at the touch", flows["slots"] - 2 * flows["touch_slots"], 1, most
    yield "flows.run_side", flows["run_side"], 0, SELL
    sentiment = flows["sentiment"]
    yield "flows.sentiment.lean", sentiment["lean"], -LARGEST_LEAN, LARGEST_LEAN
    yield "flows.sentiment.premium", sentiment["premium"], -_MOST_LOG, _MOST_LOG
    yield "flows.sentiment.reversion", sentiment["reversion"], 0.0, 1.0
    yield "flows.sentiment.decay", sentiment["decay"][sentiment["reversion"] > 0], 1e-9, 1e12
    yield "flows.rows", flows["rows"], NO_ORDER, len(world["orders"]) - 1
    yield "watched_rows", world["watched_rows"], 0, len(world["orders"]) - 1
    stretches = world["stretches"][: world["stretch_count"]]
    for name in ("start", "end"):
        yield f"stretches.{name}", stretches[name], 0, world.dtype.itemsize
    hedgers = world["hedgers"][: world["hedger_count"]]
    yield "hedgers.account", hedgers["account"], FIRST_AGENT_ACCOUNT, accounts - 1
    yield "hedgers.instrument", hedgers["instrument"], 0, instruments - 1
    yield "hedgers.gamma", hedgers["gamma"], -_LARGEST_GAMMA, _LARGEST_GAMMA
    yield "hedgers.band", hedgers["band"], 0, 1e15
    yield "hedgers.reference_price", hedgers["reference_price"], 0, 1e15


def _rows_of_exchange(world: Any) -> Iterator[_Range]:
    accounts, currencies = int(world["account_count"]), world["cash"].shape[1]
    venues, contracts = world["venues"], world["instruments"][: world["instrument_count"]]
    yield "venues.fee_account", venues["fee_account"], 0, accounts - 1
    yield "venues.insurance_account", venues["insurance_account"], 0, accounts - 1
    yield "instruments.venue", contracts["venue"], 0, len(venues) - 1
    yield "instruments.currency", contracts["currency"], 0, currencies - 1
    yield "instruments.kind", contracts["kind"], SPOT, PUT
    yield "instruments.maker_orders", contracts["maker_orders"], NO_ORDER, len(world["orders"]) - 1
    for name in ("tick_size", "lot_size", "lot_quantity"):
        yield f"instruments.{name}", contracts[name], 1e-18, 1e18
    yield "instruments.carry.log_basis", contracts["carry"]["log_basis"], -_MOST_LOG, _MOST_LOG
    yield "instruments.carry.reversion", contracts["carry"]["reversion"], 0.0, 1.0
    yield "instruments.tick_quanta", contracts["tick_quanta"], 1, _LARGEST
    yield "instruments.fee_class", contracts["fee_class"], 0, FEE_CLASSES - 1
    tiers = len(world["tiers"])
    yield "instruments.first_tier", contracts["first_tier"], 0, tiers - 1
    yield "instruments.tier_count", contracts["tier_count"], 0, tiers
    last = contracts["first_tier"] + contracts["tier_count"]
    yield "instruments.first_tier and tier_count", last, 0, tiers
    yield "fills.cause", world["fills"]["cause"], FILL_ORDERED, FILL_DELEVERAGING
    yield "venues.step_count", venues["step_count"], 0, LIQUIDATION_STEPS
    yield "instruments.breaker_count", contracts["breaker_count"], 0, BREAKERS
    yield "instruments.breakers_hit", contracts["breakers_hit"], 0, BREAKERS
    spot = contracts["kind"] == SPOT
    yield "instruments.lot_coin_quanta", contracts["lot_coin_quanta"][spot], 1, _LARGEST
    yield "price.coin_quanta", world["price"]["coin_quanta"], 1, _LARGEST
    for name in ("value", "index", "previous_index"):
        yield f"price.{name}", world["price"][name], 1e-12, 1e15
    if world["price"]["model"] not in (PRICE_GBM, PRICE_REPLAY, PRICE_MERTON):
        yield "price.dynamics.reversion", world["price"]["dynamics"]["reversion"], 1e-12, 1e12
    if world["price"]["model"] in (PRICE_HESTON, PRICE_SVCJ):
        noise = world["price"]["dynamics"]["variance_volatility"]
        yield "price.dynamics.variance_volatility", noise, 1e-12, 1e12
    inverse = contracts["inverse"] != 0
    yield "instruments.face", contracts["face"][inverse], 1e-12, 1e15
    yield "venues.ladder_count", venues["ladder_count"], 0, FEE_LADDER
    yield "venues.scenario_count", venues["scenario_count"], 0, MARGIN_SCENARIOS
    yield "price.source_count", world["price"]["source_count"], 1, INDEX_SOURCES
    yield "closure_count", world["closure_count"], 0, len(world["closures"])
    closures = world["closures"][: world["closure_count"]]
    yield "closures.venue", closures["venue"], 0, len(venues) - 1
    yield "change_count", world["change_count"], 0, len(world["changes"])
    yield "changes_made", world["changes_made"], 0, world["change_count"]
    changes = world["changes"][: world["change_count"]]
    yield "changes.venue", changes["venue"], 0, len(venues) - 1
    transfers = world["transfers"]
    yield "transfers.target", transfers["target"], 0, accounts - 1
    yield "transfers.currency", transfers["currency"], 0, currencies - 1
    owners = world["accounts"]
    yield "accounts.step", owners["step"], 0, LIQUIDATION_STEPS - 1
    yield "accounts.venue", owners["venue"], 0, len(venues) - 1
    checked = owners[(owners["margined"] != 0) & (owners["venue"] < len(venues))]
    checked = checked[checked["venue"] >= 0]
    steps = venues["step_count"][checked["venue"]]
    yield "venues.step_count of margined accounts", steps, 1, LIQUIDATION_STEPS
    yield "accounts.step before the last", steps - 1 - checked["step"], 0, LIQUIDATION_STEPS
    rules = world["books"]["rules"]
    yield "rules.self_trade", rules["self_trade"], 0, DECREMENT
    yield "rules.top_share_e9", rules["top_share_e9"], 0, RATE_UNIT


def _rows_of_agents(world: Any) -> Iterator[_Range]:
    accounts, agents = world["accounts"], world["agents"][: world["agent_count"]]
    own, theirs = accounts[:FIRST_AGENT_ACCOUNT], accounts[FIRST_AGENT_ACCOUNT:]
    used = int(world["account_count"]) - FIRST_AGENT_ACCOUNT
    yield "accounts.agent of the world's own", own["agent"], NO_ACCOUNT, NO_ACCOUNT
    yield "accounts.agent", theirs["agent"][:used], NO_ACCOUNT, len(agents) - 1
    yield "accounts.partner of the world's own", own["partner"], NO_ACCOUNT, NO_ACCOUNT
    yield "accounts.short_legs of the world's own", own["short_legs"], 0, 0
    yield from _pairs(theirs[:used])
    for name in ("book_account", "hedge_account"):
        yield f"agents.{name}", agents[name], FIRST_AGENT_ACCOUNT, int(world["account_count"]) - 1
    instruments = int(world["instrument_count"])
    yield "agents.hedge_instrument", agents["hedge_instrument"], 0, instruments - 1
    yield "agents.hedge_count", agents["hedge_count"], 0, HEDGES
    yield "agents.hedges", agents["hedges"], 0, instruments - 1
    yield "agents.slots", agents["slots"], 0, SLOTS
    working = agents["working"]
    yield "working.row", working["row"], NO_ORDER, len(world["orders"]) - 1
    yield "working.instrument", working["instrument"], 0, instruments - 1
    yield "working.account", working["account"], 0, int(world["account_count"]) - 1
    latencies = agents["latencies"]
    samples = latencies["sample_count"][latencies["kind"] == LATENCY_TABLE]
    yield "latencies.sample_count", samples, 1, LATENCY_SAMPLES


def _options_market(world: Any) -> Iterator[_Range]:
    """Yield what the surface divides by or takes the logarithm of, and how options are quoted."""
    surface, makers = world["surface"], world["option_makers"]
    yield "option_makers.band_count", makers["band_count"], 0, SPREAD_BANDS
    if surface["shaped"] or makers["band_count"]:
        for name in ("long_volatility", "short_volatility", "reversion", "term_rate", "forward"):
            yield f"surface.{name}", surface[name], 1e-9, 1e15
        yield "surface.correlation", surface["correlation"], -1, 1
        for name in ("curvature", "decay", "stickiness", "volatility", "level"):
            yield f"surface.{name}", surface[name], -1e6, 1e6
        for name in ("inventory_units", "seen_price"):
            yield f"option_makers.{name}", makers[name], 1e-12, 1e15
        yield "option_makers.realised_variance", makers["realised_variance"], 0, 1e15
        yield "option_makers.lean", makers["lean"], -1, 1


def _rows_of_arbitrageurs(world: Any) -> Iterator[_Range]:
    owners = world["arbitrageurs"][: world["arbitrageur_count"]]
    instruments, accounts = int(world["instrument_count"]), int(world["account_count"])
    yield "arbitrageurs.instruments", owners["instruments"], 0, instruments - 1
    yield "arbitrageurs.accounts", owners["accounts"], FIRST_AGENT_ACCOUNT, accounts - 1
    # What they trade is a number of lots.
    for name in ("order_units", "limit_units"):
        yield f"arbitrageurs.{name}", owners[name], 0.0, _MOST_UNITS
    yield "arbitrageurs.initial_lots", owners["initial_lots"], -_LARGEST, _LARGEST


def _pairs(accounts: Any) -> Iterator[_Range]:
    """Yield partners: each of a pair is the other's, and one of them has the short legs."""
    last = FIRST_AGENT_ACCOUNT + len(accounts) - 1
    partner, rows = accounts["partner"], np.arange(FIRST_AGENT_ACCOUNT, last + 1)
    paired = partner != NO_ACCOUNT
    yield "accounts.short_legs", accounts["short_legs"], 0, 1
    yield "accounts.short_legs without a partner", accounts["short_legs"][~paired], 0, 0
    yield "accounts.partner", partner[paired], FIRST_AGENT_ACCOUNT, last
    other = accounts[np.where(paired, partner, FIRST_AGENT_ACCOUNT) - FIRST_AGENT_ACCOUNT][paired]
    yield "accounts.partner of a partner", other["partner"] - rows[paired], 0, 0
    yield "short_legs of a pair", other["short_legs"] + accounts["short_legs"][paired], 1, 1


def _clocks(world: Any) -> Iterator[_Range]:
    """Yield the times that let the world go on, and what its clocks go by."""
    now, price = int(world["time_ns"]), world["price"]
    yield "time_ns", now, 0, _LAST_NS
    yield "price.next_tick_ns", price["next_tick_ns"], now, _LAST_NS
    yield "price.tick_ns", price["tick_ns"], _SHORTEST_TICK_NS, _LAST_NS
    if price["model"] == PRICE_REPLAY:
        yield "price.tape_step_ns", price["tape_step_ns"], 1, _LAST_NS
        yield "price.tape_start_ns", price["tape_start_ns"], 0, _LAST_NS
    yield "next_funding_ns", world["next_funding_ns"], now, _LARGEST
    yield "next_look_ns", world["next_look_ns"], now, _LARGEST
    owners = world["arbitrageurs"][: world["arbitrageur_count"]]
    yield "arbitrageurs.interval_ns", owners["interval_ns"], _SHORTEST_TICK_NS, _LAST_NS
    yield "arbitrageurs.next_ns", owners["next_ns"], now, _LARGEST
    if len(owners) > 0:
        yield "next_arbitrage_ns", world["next_arbitrage_ns"], now, owners["next_ns"].min()
    funding = world["instruments"]["funding"]
    yield "funding.interval_ns", funding["interval_ns"], 0, _LAST_NS
    paid = funding["interval_ns"] > 0
    yield "funding.next_ns", funding["next_ns"][paid], now, _LARGEST
    sampled = paid & (funding["method"] == FUNDING_PREMIUM)
    yield "funding.sample_ns", funding["sample_ns"][sampled], 1, _LAST_NS
    late = now - funding["next_sample_ns"][sampled]
    yield "funding.next_sample_ns", late // funding["sample_ns"][sampled], -_LARGEST, _MOST_SAMPLES
    messages = world["messages"][: world["message_count"]]
    yield "messages.arrival_ns", messages["arrival_ns"], now, _LARGEST
    flows = world["flows"][: world["flow_count"]]
    yield "flows.next_ns", flows["next_ns"], now, _LARGEST
    hedgers = world["hedgers"][: world["hedger_count"]]
    yield "hedgers.interval_ns", hedgers["interval_ns"], 1, _LAST_NS
    yield "hedgers.next_ns", hedgers["next_ns"], 0, _LARGEST
    yield "flows.rate", flows["rate"], _SLOWEST_RATE, _FASTEST_RATE
    customers = world["customers"]
    if customers["rate"] != 0:
        yield "customers.rate", customers["rate"], _SLOWEST_RATE, _FASTEST_RATE
        yield "customers.next_ns", customers["next_ns"], now, _LARGEST
        yield "customers.event", customers["event"], 0, _LARGEST
        yield "customers.size_units", customers["size_units"], 0, 1e15
        yield "customers.size_sigma", customers["size_sigma"], 0, 1e3


# --- Books -----------------------------------------------------------------------------------


def _flow_fault(world: Any) -> str | None:
    """Refuse a list of background orders that names an order of somebody else, or elsewhere."""
    for flow in world["flows"][: world["flow_count"]]:
        used = flow["rows"] != NO_ORDER
        orders = world["orders"][flow["rows"][used]]
        own = (orders["live"] == 1) & (orders["order_id"] == flow["ids"][used])
        foreign = (orders["owner"] != CROWD) | (orders["instrument"] != flow["instrument"])
        if (own & foreign).any():
            return "flows.rows names an order that is not the crowd's"
    return None


def _books_fault(world: Any) -> str | None:
    """Refuse books that are not sound, or that share a row of their tables."""
    orders, books = world["orders"], viewed(world["books"])
    live = orders[orders["live"] != 0]
    owners = live["owner"]
    if ((owners < 0) | (owners >= world["account_count"])).any():
        return "orders.owner is no account"
    free: dict[str, list[int]] = {"orders": [], "levels": [], "terms": []}
    queued = 0
    for number in range(len(books)):
        book = books[number]
        code = int(check_book(book))
        if code != SOUND:
            return f"book {number} is inconsistent (code {code} of gammagym.engine.inspection)"
        if not _are_its_own(world, number):
            return f"book {number} holds an order of another one, or an owner that is no account"
        queued += int(book["order_count"].sum())
        free["orders"] += _walk(orders["next"], book["free_order"], NO_ORDER)
        free["levels"] += _walk(world["levels"]["worse"], book["free_level"], NO_LEVEL)
        free["terms"] += _walk(world["terms"]["next"], book["free_terms"], NO_TERMS)
    if queued != len(live):
        return "an order is in no book"
    shared = [name for name, rows in free.items() if len(set(rows)) != len(rows)]
    return f"two books have the same free row of {shared[0]}" if shared else None


def _are_its_own(world: Any, number: int) -> bool:
    """Return whether all that a sound book points to belongs to it and to accounts."""
    book, orders, levels = world["books"][number], world["orders"], world["levels"]
    rows = [
        row
        for side in range(SIDES)
        for level in _walk(levels["worse"], book["best"][side], NO_LEVEL)
        for row in _walk(orders["next"], levels["first"][level], NO_ORDER)
    ]
    ending = _walk(world["terms"]["next"], book["first_expiry"], NO_TERMS)
    rows += world["terms"]["order"][ending].tolist()
    owners = world["members"]["owner"][number]
    known = ((owners == NOBODY) | ((owners > 0) & (owners < world["account_count"]))).all()
    return bool(known and (orders["instrument"][rows] == number).all())


def _walk(following: NDArray[Any], first: Any, end: int) -> list[int]:
    """Return the rows of a list that has been found to be sound."""
    rows: list[int] = []
    row = int(first)
    while row != end:
        rows.append(row)
        row = int(following[row])
    return rows
