"""Bare exchanges for tests: a world with many contracts, and the plain exchange with its terms."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from gammagym.exchange.marks import set_marks
from gammagym.reference.exchange import Contract, Exchange, Scenario, Tier, Venue
from gammagym.scenario.compile import compile_world
from gammagym.scenario.load import load_scenario
from gammagym.scenario.rules import write_short_legs
from gammagym.scenario.tasks import Leg, Task
from gammagym.world import STANDARD, viewed
from gammagym.world.codes import (
    BACKSTOP_DELEVERAGING,
    BACKSTOP_INSURANCE,
    BACKSTOP_SOCIALISED_LOSS,
    CALL,
    COIN,
    EXPIRE_MAKER,
    FEE_CLASSES,
    FEE_INCOME,
    FEES_DERIVATIVE,
    FEES_OPTION,
    FEES_SPOT,
    FIRST_AGENT_ACCOUNT,
    FLOW_NONE,
    FUNDING_CONTINUOUS,
    FUNDING_IMPOSED,
    FUTURE,
    INSURANCE,
    MARGIN_CROSS,
    MARGIN_ISOLATED,
    MARGIN_PORTFOLIO,
    MARK_AVERAGE_BASIS,
    MARK_INDEX,
    NO_ACCOUNT,
    NO_ORDER,
    PERPETUAL,
    PUT,
    QUOTE,
    RANK_LEVERAGE,
    RANK_MARGIN_RATIO,
    RANK_SIGNED_LEVERAGE,
    SPOT,
    STEP_CLOSE_IN_BOOK,
    STEP_REDUCE_SLICE,
    STEP_REDUCE_TO_LOWER_TIER,
    STEP_REDUCE_TO_RESTORE,
    STEP_REDUCE_TWO_TIERS,
    STEP_TAKE_OVER,
)
from gammagym.world.sizes import FINE_UNIT, LARGEST_QUANTA, QUANTA, RATE_UNIT, YEAR_NS

PERP, CALL_ROW, COIN_PUT, SPOT_ROW, FUTURE_ROW, INVERSE, INVERSE_FUTURE = range(7)
INSTRUMENTS = 7
DATED = (CALL_ROW, COIN_PUT, FUTURE_ROW, INVERSE_FUTURE)
# The second competitor's accounts belong to nobody; the last one is the second venue's fund.
TRADERS = range(FIRST_AGENT_ACCOUNT, FIRST_AGENT_ACCOUNT + 8)
SECOND_FUND = FIRST_AGENT_ACCOUNT + 8
# Some traders may be in hedge mode; then they have an account for their short legs.
SHORT_LEGS = {TRADERS[place]: SECOND_FUND + 1 + row for row, place in enumerate((1, 3, 6))}
ACCOUNTS = SECOND_FUND + 1 + len(SHORT_LEGS)
START = 60_000.0
LONG_NS = 10**16

_KINDS = (PERPETUAL, CALL, PUT, SPOT, FUTURE, PERPETUAL, FUTURE)
_CURRENCIES = (QUOTE, QUOTE, COIN, QUOTE, QUOTE, COIN, COIN)
_TICKS = (0.1, 1.0, 0.0005, 0.1, 0.1, 0.5, 0.5)
_LOTS = (0.001, 0.1, 0.1, 0.001, 0.001, 0.0, 0.0)
_FACE = 100
STEPS = (
    (STEP_REDUCE_TO_RESTORE, STEP_TAKE_OVER),
    (STEP_REDUCE_TO_LOWER_TIER, STEP_REDUCE_SLICE, STEP_TAKE_OVER),
    (STEP_REDUCE_TWO_TIERS, STEP_REDUCE_TO_RESTORE, STEP_CLOSE_IN_BOOK, STEP_TAKE_OVER),
    (STEP_CLOSE_IN_BOOK, STEP_TAKE_OVER),
    (STEP_REDUCE_SLICE,),
    (STEP_TAKE_OVER,),
)
BACKSTOPS = (BACKSTOP_INSURANCE, BACKSTOP_DELEVERAGING, BACKSTOP_SOCIALISED_LOSS)
RANKS = (RANK_MARGIN_RATIO, RANK_LEVERAGE, RANK_SIGNED_LEVERAGE)
MODES = (MARGIN_CROSS, MARGIN_CROSS, MARGIN_ISOLATED, MARGIN_PORTFOLIO)


def e9(rate: Any) -> Fraction:
    return Fraction(int(rate), RATE_UNIT)


def bare_world() -> Any:
    """Return a world of seven contracts on two venues, in which nobody has anything yet.

    Linear and inverse perpetual and future, a call in dollars, a put in coins, spot. Fees and
    margins are nought until a test writes them.
    """
    legs = (Leg("call", 1.0), Leg("put", 1.0), Leg("spot", 1.0))
    changes = {
        "flow.kind": "ideal",
        "flow.preset": None,
        "flow.half_spread": 0.0001,
        "flow.size": 100.0,
        "price.start": "60000",
    }
    compiled = compile_world(load_scenario("calm", changes), Task("test", legs), capacity=STANDARD)
    world = viewed(compiled.template.copy())[0]
    for table in ("instruments", "accounts", "tiers", "venues", "positions"):
        world[table].view(np.uint8)[...] = 0
    for row in range(INSTRUMENTS):
        _write_contract(world["instruments"][row], row)
        rules = world["books"]["rules"][row]
        rules["lowest_ticks"], rules["highest_ticks"] = 1, 2**62
        rules["maximum_lots"], rules["minimum_lots"], rules["minimum_notional"] = 2**60, 1, 0
        rules["self_trade"], rules["maker_decides"] = EXPIRE_MAKER, 0
        rules["protection_ticks"] = -1
    world["instruments"]["maker_orders"] = NO_ORDER
    world["accounts"]["agent"] = NO_ACCOUNT
    world["accounts"]["partner"] = NO_ACCOUNT
    # Both accounts of the competitor, and two more that are told of fills like it.
    world["accounts"]["agent"][FIRST_AGENT_ACCOUNT : FIRST_AGENT_ACCOUNT + 4] = 0
    world["venues"]["fee_account"] = FEE_INCOME
    world["venues"]["insurance_account"] = (INSURANCE, SECOND_FUND)
    world["venues"]["collateral_e9"][:, QUOTE] = RATE_UNIT
    world["accounts"]["venue"][SECOND_FUND] = 1
    world["cash"], world["deposits"] = 0, 0
    world["instrument_count"], world["account_count"] = INSTRUMENTS, ACCOUNTS
    world["time_ns"] = 0
    world["next_funding_ns"] = 2**62
    set_price(world, START, START, 0)
    return world


def _write_contract(contract: Any, row: int) -> None:
    contract["kind"], contract["currency"] = _KINDS[row], _CURRENCIES[row]
    contract["venue"] = 1 if row in (FUTURE_ROW, INVERSE_FUTURE) else 0
    contract["flow"], contract["tick_size"] = FLOW_NONE, _TICKS[row]
    contract["expiry_ns"] = LONG_NS
    contract["mark_method"], contract["basis_window"] = MARK_INDEX, 30.0
    contract["fee_class"] = {SPOT_ROW: FEES_SPOT, CALL_ROW: FEES_OPTION, COIN_PUT: FEES_OPTION}.get(
        row, FEES_DERIVATIVE
    )
    contract["funding"]["method"] = FUNDING_CONTINUOUS if row == INVERSE else FUNDING_IMPOSED
    contract["strike"], contract["implied_volatility"] = START, 0.6
    if row in (INVERSE, INVERSE_FUTURE):
        contract["inverse"], contract["face"] = 1, _FACE
        contract["tick_quanta"] = round(_FACE / _TICKS[row] * QUANTA)
    else:
        contract["lot_size"] = _LOTS[row]
        contract["tick_quanta"] = round(_TICKS[row] * _LOTS[row] * QUANTA)
        contract["lot_coin_quanta"] = round(_LOTS[row] * QUANTA)


def write_tiers(world: Any, row: int, tiers: list[tuple[int, int, int, int]]) -> None:
    """Give a contract tiers: rows (top, initial, maintenance, amount); four rows for each."""
    contract = world["instruments"][row]
    contract["first_tier"], contract["tier_count"] = 4 * row, len(tiers)
    for place, tier in enumerate(tiers):
        world["tiers"][4 * row + place] = tier


def set_price(world: Any, price: float, index: float, elapsed_ns: int) -> None:
    """Let the price of the coin be something else, and mark everything at it."""
    state = world["price"]
    state["previous"], state["value"], state["index"] = state["value"], price, index
    state["coin_quanta"] = round(price * FINE_UNIT)
    set_marks(world, elapsed_ns)


# --- Rules and accounts, drawn at random -----------------------------------------------------


def draw_rules(world: Any, random: np.random.Generator) -> None:
    """Write two venues, the margins of every contract, and the terms of every account."""
    for venue in world["venues"]:
        steps = STEPS[random.integers(len(STEPS))]
        venue["liquidation_steps"][: len(steps)] = steps
        venue["step_count"] = len(steps)
        venue["liquidation_interval_ns"] = int(random.choice([0, 10**9]))
        venue["liquidation_slice_e9"] = int(random.integers(10**7, 5 * 10**8))
        venue["liquidation_fee_e9"] = int(random.integers(0, 10**7))
        venue["collateral_e9"] = (RATE_UNIT, int(random.integers(7, 11)) * 10**8)
        venue["counts_closing_fee"] = random.integers(2)
        venue["backstop"] = random.choice(BACKSTOPS)
        venue["rank"] = random.choice(RANKS)
        venue["transfer_ns"] = int(random.integers(0, 10**10))
        _draw_ladder(venue, random)
        _draw_portfolio(venue, random)
    for row in range(INSTRUMENTS):
        _draw_margins(world, row, random)
    for account in TRADERS:
        _draw_account(world, account, random)
    for account, shorts in SHORT_LEGS.items():
        if random.random() < 0.7:
            pair_up(world, account, shorts)


def pair_up(world: Any, account: int, shorts: int) -> None:
    """Let an account be in hedge mode, which a portfolio margin does not know."""
    if world["accounts"]["margin_mode"][account] == MARGIN_PORTFOLIO:
        world["accounts"]["margin_mode"][account] = MARGIN_CROSS
    # Only competitors have it.
    world["accounts"]["agent"][account] = 0
    write_short_legs(world.view(np.recarray), account, shorts)
    world["positions"]["initial_e9"][shorts] = world["positions"]["initial_e9"][account]


def _draw_ladder(venue: Any, random: np.random.Generator) -> None:
    for place in range(3):
        fees = int(random.integers(-50_000, 200_000)), int(random.integers(0, 700_000))
        venue["ladder"][place] = (place * 10**14, *fees)
    venue["ladder_count"] = 3


def _draw_portfolio(venue: Any, random: np.random.Generator) -> None:
    moves = [(move, shift) for move in (-0.15, -0.05, 0.05, 0.15) for shift in (0.5, 0.0, -0.25)]
    for place, (move, shift) in enumerate(moves):
        venue["scenarios"][place] = (move, shift, 1.0, 0.0)
    venue["scenarios"][len(moves)] = (0.5, 0.5, 0.3, 100.0)
    venue["scenario_count"] = len(moves) + 1
    venue["short_power"], venue["long_power"] = 0.3, 0.13
    venue["least_shocked_volatility"] = 0.5
    venue["contingency"], venue["maintenance_share"] = float(random.uniform(0, 0.01)), 0.8


def _draw_margins(world: Any, row: int, random: np.random.Generator) -> None:
    contract = world["instruments"][row]
    contract["fee_cap_e9"] = int(random.choice([0, 125_000_000]))
    contract["delivery_fee_e9"], contract["delivery_fee_cap_e9"] = 250_000, 125_000_000
    contract["short_initial"], contract["short_minimum"] = 0.15, 0.1
    contract["short_maintenance"] = 0.075
    if row in (CALL_ROW, COIN_PUT, SPOT_ROW):
        return
    contract["price_band"] = float(random.choice([0.0, 0.05]))
    contract["mark_method"] = random.choice([MARK_INDEX, MARK_AVERAGE_BASIS])
    contract["margin_slope_e9"] = int(random.choice([0, 50_000]))
    coin = 1 if _CURRENCIES[row] == QUOTE else START
    top = int(random.integers(10**12, 10**14) / coin)
    count, maintenance, amount = int(random.integers(1, 5)), int(random.integers(3, 15)) * 10**6, 0
    tiers: list[tuple[int, int, int, int]] = []
    for place in range(count):
        last = place + 1 == count
        tiers.append((LARGEST_QUANTA if last else top, 2 * maintenance, maintenance, amount))
        amount += top * maintenance // RATE_UNIT  # the next tier has twice the rate
        top, maintenance = 4 * top, 2 * maintenance
    write_tiers(world, row, tiers)


def _draw_account(world: Any, account: int, random: np.random.Generator) -> None:
    state = world["accounts"][account]
    state["venue"] = random.integers(2)
    state["margined"] = account != FIRST_AGENT_ACCOUNT
    state["margin_mode"] = random.choice(MODES)
    state["maker_fee_e9"] = random.integers(-100_000, 300_000, FEE_CLASSES)
    state["taker_fee_e9"] = random.integers(0, 1_000_000, FEE_CLASSES)
    state["discount_e9"] = int(random.choice([0, 10**8]))
    state["bonus_quanta"] = int(random.choice([0, 10**10]))
    state["credit_quanta"] = int(random.choice([0, 10**9]))
    state["volume_quanta"] = int(random.choice([0, 1])) * 10**14
    initial = int(random.choice([0, 10**7, 10**8, 10**9]))
    world["positions"]["initial_e9"][account] = initial


# --- The plain exchange of a world -----------------------------------------------------------


def reference_of(world: Any) -> Exchange:
    """Build the plain exchange with the terms of a world, and nothing in it."""
    exchange = Exchange(
        [_contract(world, row) for row in range(INSTRUMENTS)],
        int(world["account_count"]),
        [_venue(venue) for venue in world["venues"]],
    )
    for number, account in enumerate(exchange.accounts):
        state = world["accounts"][number]
        account.venue, account.competitor = int(state["venue"]), int(state["agent"])
        account.maker_fee = {row: e9(state["maker_fee_e9"][row]) for row in range(FEE_CLASSES)}
        account.taker_fee = {row: e9(state["taker_fee_e9"][row]) for row in range(FEE_CLASSES)}
        account.discount, account.volume = e9(state["discount_e9"]), int(state["volume_quanta"])
        account.bonus, account.credit = int(state["bonus_quanta"]), int(state["credit_quanta"])
        account.partner, account.short_legs = int(state["partner"]), bool(state["short_legs"])
        account.margined, account.mode = bool(state["margined"]), int(state["margin_mode"])
        for row in range(INSTRUMENTS):
            account.position(row).initial = e9(world["positions"]["initial_e9"][number, row])
    tell_marks(world, exchange)
    return exchange


def _contract(world: Any, row: int) -> Contract:
    contract = world["instruments"][row]
    first = int(contract["first_tier"])
    tiers = world["tiers"][first : first + int(contract["tier_count"])]
    return Contract(
        kind=int(contract["kind"]),
        tick_quanta=int(contract["tick_quanta"]),
        inverse=bool(contract["inverse"]),
        currency=int(contract["currency"]),
        lot_coin_quanta=int(contract["lot_coin_quanta"]),
        venue=int(contract["venue"]),
        tiers=[
            Tier(
                int(tier["top_quanta"]),
                e9(tier["initial_e9"]),
                e9(tier["maintenance_e9"]),
                int(tier["amount_quanta"]),
            )
            for tier in tiers
        ],
        fee_class=int(contract["fee_class"]),
        fee_cap=e9(contract["fee_cap_e9"]),
        funding=int(contract["funding"]["method"]),
        tick_size=float(contract["tick_size"]),
        face=float(contract["face"]),
        delivery_fee=e9(contract["delivery_fee_e9"]),
        delivery_fee_cap=e9(contract["delivery_fee_cap_e9"]),
        margin_slope=e9(contract["margin_slope_e9"]),
        band=float(contract["price_band"]),
        strike=float(contract["strike"]),
        short_margins=(
            float(contract["short_initial"]),
            float(contract["short_minimum"]),
            float(contract["short_maintenance"]),
        ),
        implied_volatility=float(contract["implied_volatility"]),
    )


def _venue(venue: Any) -> Venue:
    return Venue(
        collateral=(e9(venue["collateral_e9"][QUOTE]), e9(venue["collateral_e9"][COIN])),
        ladder=[
            (int(volume), e9(maker), e9(taker))
            for volume, maker, taker in venue["ladder"][: int(venue["ladder_count"])].tolist()
        ],
        steps=tuple(venue["liquidation_steps"][: int(venue["step_count"])].tolist()),
        interval=int(venue["liquidation_interval_ns"]),
        slice=e9(venue["liquidation_slice_e9"]),
        liquidation_fee=e9(venue["liquidation_fee_e9"]),
        counts_closing_fee=bool(venue["counts_closing_fee"]),
        backstop=int(venue["backstop"]),
        rank=int(venue["rank"]),
        fee_account=int(venue["fee_account"]),
        insurance_account=int(venue["insurance_account"]),
        transfer_time=int(venue["transfer_ns"]),
        scenarios=[
            Scenario(*row) for row in venue["scenarios"][: int(venue["scenario_count"])].tolist()
        ],
        portfolio={
            name: float(venue[name])
            for name in (
                "short_power",
                "long_power",
                "least_shocked_volatility",
                "contingency",
                "maintenance_share",
            )
        },
    )


def tell_marks(world: Any, exchange: Exchange) -> None:
    """Tell the plain exchange what models say: time, prices, marks, values, funding so far."""
    exchange.time = int(world["time_ns"])
    exchange.spot = float(world["price"]["value"])
    exchange.coin_price = Fraction(int(world["price"]["coin_quanta"]), FINE_UNIT)
    for row, terms in enumerate(exchange.contracts):
        contract = world["instruments"][row]
        terms.mark = lot_value(contract, "mark_quanta")
        terms.fair = lot_value(contract, "fair_quanta")
        terms.price = float(contract["mark_price"])
        terms.units = float(contract["lot_size"])
        terms.option_value = float(contract["value"])
        # In floats, as the kernel: Python would round the quotient of such large integers once.
        left = int(contract["expiry_ns"]) - exchange.time
        terms.years = max(float(left) / float(YEAR_NS), 0.0)
        terms.funding_paid = Fraction(int(contract["funding"]["index"]), FINE_UNIT)
        terms.settled = bool(contract["settled"])


def lot_value(contract: Any, name: str) -> Fraction:
    """Return a mark as the value of one lot (quanta)."""
    return Fraction(int(contract[name]), FINE_UNIT if contract["inverse"] else 1)
