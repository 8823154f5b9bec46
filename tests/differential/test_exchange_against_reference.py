"""The kernels' money against the plain rules: the same trades must give the same quanta."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gammagym.exchange.ledger import (
    book_trade,
    charge_fee,
    conserved,
    deposit,
    equity,
    holding,
    mul_div,
    pay_funding,
    settle,
    share_of,
)
from gammagym.exchange.liquidation import check_accounts
from gammagym.exchange.margin import can_afford, check_margin, initial_margin, maintenance_margin
from gammagym.exchange.orders import limit_order
from gammagym.reference.exchange import Contract, Exchange, Fill
from gammagym.world import (
    BUY,
    FIRST_AGENT_ACCOUNT,
    GTC,
    INSURANCE,
    QUANTA,
    RATE_UNIT,
    SELL,
)

PERP, CALL_ROW, SPOT_ROW, FUTURE_ROW = 0, 1, 3, 4
INSTRUMENTS = 5
TRADERS = range(FIRST_AGENT_ACCOUNT, FIRST_AGENT_ACCOUNT + 6)
CURRENCIES = (0, 1)


def e9(rate: int) -> Fraction:
    return Fraction(int(rate), RATE_UNIT)


def reference_of(world: Any) -> Exchange:
    """Build the plain exchange with the terms of a world's instruments, and nothing in it."""
    contracts = [
        Contract(
            kind=int(row["kind"]),
            tick_quanta=int(row["tick_quanta"]),
            lot_coin_quanta=int(row["lot_coin_quanta"]),
            mark_quanta=int(row["mark_quanta"]),
            initial_margin=e9(row["initial_margin_e9"]),
            maintenance_margin=e9(row["maintenance_margin_e9"]),
            currency=int(row["currency"]),
            coin=int(row["base_currency"]),
        )
        for row in world["instruments"][:INSTRUMENTS]
    ]
    return Exchange(contracts, int(world["account_count"]))


def assert_equal(world: Any, exchange: Exchange) -> None:
    """Compare everything that is money, and everything that is computed from it."""
    for number, account in enumerate(exchange.accounts):
        cash = [account.cash.get(currency, 0) for currency in CURRENCIES]
        assert world["cash"][number, :2].tolist() == cash
        held = world["positions"][number, :INSTRUMENTS]
        kept = [account.position(row) for row in range(INSTRUMENTS)]
        assert held["quantity_lots"].tolist() == [one.quantity for one in kept]
        assert held["entry_quanta"].tolist() == [one.entry for one in kept]
        totals = world["accounts"][number][["fees_quanta", "funding_quanta", "covered_quanta"]]
        assert tuple(totals.tolist()) == (account.fees, account.funding, account.covered)
        assert equity(world, number) == exchange.equity(number)
        assert maintenance_margin(world, number) == exchange.maintenance_margin(number)
        for row in range(INSTRUMENTS):
            assert holding(world, number, row) == exchange.holding(number, row)
    for currency in CURRENCIES:
        assert conserved(world, currency) == exchange.conserved(currency)
        assert conserved(world, currency) == world["deposits"][currency]
    for row in (0, 1, 2, 4):
        assert world["positions"]["quantity_lots"][:, row].sum() == 0


# --- What can happen, within what 64 bits hold: up to 10,000 coins at 100,000 -----------------

traders = st.sampled_from(TRADERS)
rows = st.integers(0, INSTRUMENTS - 1)
events = st.one_of(
    st.tuples(
        st.just("trade"),
        rows,
        traders,
        traders,
        st.sampled_from([BUY, SELL]),
        st.integers(1, 10**7),
        st.integers(1, 10**5),
    ),
    # A rebate is a negative fee.
    st.tuples(st.just("fee"), rows, traders, st.integers(0, 10**16), st.integers(-(10**6), 10**7)),
    st.tuples(st.just("funding"), st.just(PERP), st.integers(-5 * 10**7, 5 * 10**7)),
    st.tuples(st.just("mark"), rows, st.integers(1, 10**10)),
    st.tuples(st.just("settle"), st.sampled_from([CALL_ROW, 2, FUTURE_ROW]), st.integers(0, 10**9)),
    st.tuples(st.just("deposit"), traders, st.sampled_from(CURRENCIES), st.integers(1, 10**12)),
)


def carry_out(world: Any, exchange: Exchange, event: tuple[Any, ...]) -> None:
    """Let one thing happen on both sides."""
    what, *values = event
    if what == "trade":
        row, taker, maker, side, ticks, lots = values
        if taker != maker:
            book_trade(world, row, taker, maker, side, ticks, lots)
            exchange.trade(row, taker, maker, side, ticks, lots)
    elif what == "fee":
        row, account, notional, rate = values
        taken = charge_fee(world, row, account, notional, rate)
        assert taken == exchange.charge_fee(row, account, notional, e9(rate))
    elif what == "funding":
        row, rate = values
        pay_funding(world, row, rate)
        exchange.pay_funding(row, e9(rate))
    elif what == "mark":
        row, mark = values
        world["instruments"]["mark_quanta"][row] = mark
        exchange.contracts[row].mark_quanta = mark
    elif what == "settle":
        row, payoff = values
        settle(world, row, payoff)
        exchange.settle(row, payoff)
    else:
        account, currency, amount = values
        deposit(world, account, currency, amount)
        exchange.deposit(account, currency, amount)


@given(st.lists(events, max_size=40))
def test_any_sequence_of_events_books_the_same_quanta(make_exchange, sequence):
    world = make_exchange()
    exchange = reference_of(world)
    for event in sequence:
        carry_out(world, exchange, event)
    assert_equal(world, exchange)


def random_event(random: np.random.Generator) -> tuple[Any, ...]:
    """Draw one event; trades are the most frequent, expiries the rarest."""
    what = random.choice(
        ["trade", "fee", "funding", "mark", "settle", "deposit"],
        p=[0.6, 0.2, 0.05, 0.1, 0.01, 0.04],
    )
    row = int(random.integers(INSTRUMENTS))
    one, other = (int(account) for account in random.choice(TRADERS, 2, replace=False))
    side = int(random.integers(2))
    ticks, lots = int(random.integers(1, 10**6)), int(10 ** random.uniform(0, 4))
    notional = int(10 ** random.uniform(0, 17))
    return {
        "trade": ("trade", row, one, other, side, ticks, lots),
        "fee": ("fee", row, one, notional, int(random.integers(-200_000, 10**6))),
        "funding": ("funding", PERP, int(random.normal() * 10**6)),
        "mark": ("mark", row, int(10 ** random.uniform(0, 10))),
        "settle": ("settle", (1, 2, 4)[row % 3], int(10 ** random.uniform(0, 8))),
        "deposit": ("deposit", one, side, int(10 ** random.uniform(0, 12))),
    }[what]


def test_ten_thousand_events_book_the_same_quanta(make_exchange):
    random = np.random.default_rng(20)
    world = make_exchange()
    exchange = reference_of(world)
    for number in range(10_000):
        carry_out(world, exchange, random_event(random))
        if number % 50 == 0:
            assert_equal(world, exchange)
    assert_equal(world, exchange)


# --- Arithmetic ------------------------------------------------------------------------------

amounts = st.integers(-(2**62), 2**62)


@given(amounts, st.integers(-(10**8), 10**8))
def test_money_times_a_rate_is_rounded_down_and_never_wraps(amount, rate):
    assert mul_div(amount, rate) == amount * rate // RATE_UNIT


@given(amounts, st.data())
def test_a_share_of_money_is_rounded_down_and_never_wraps(amount, data):
    whole = data.draw(st.integers(1, 2**31))
    part = data.draw(st.integers(1, whole))
    assert share_of(amount, part, whole) == amount * part // whole


# --- Margin and liquidation ------------------------------------------------------------------


@given(
    st.lists(events.filter(lambda event: event[0] in ("trade", "mark")), max_size=20),
    st.integers(0, 10**15),
    st.integers(-(10**5), 10**5),
)
def test_an_order_is_affordable_on_both_sides_or_on_none(make_exchange, sequence, money, lots):
    world = make_exchange()
    exchange = reference_of(world)
    account = FIRST_AGENT_ACCOUNT + 1
    carry_out(world, exchange, ("deposit", account, 0, money))
    for event in sequence:
        carry_out(world, exchange, event)
    order = world["incoming"]
    order["account"], order["instrument"] = account, PERP
    order["side"], order["quantity_lots"] = (BUY, lots) if lots > 0 else (SELL, -lots)
    held = world["positions"]["quantity_lots"][account, PERP]
    needed = initial_margin(world, account, PERP, held + lots)
    assert needed == exchange.initial_margin(account, PERP, held + lots)
    assert bool(can_afford(world, world["incoming"])) == exchange.may_trade(account, PERP, lots)
    assert bool(check_margin(world, account)) == exchange.must_be_liquidated(account)


@given(
    st.sampled_from([BUY, SELL]),
    st.integers(1, 5_000),
    st.lists(st.tuples(st.integers(-30_000, 30_000), st.integers(1, 3_000)), min_size=2),
    st.integers(-90, 90),
)
def test_liquidations_at_any_gap_book_the_same_quanta(make_exchange, side, lots, book, gap):
    """A leveraged position, a gap of the mark, and a book that has its own opinion."""
    world = make_exchange()
    exchange = reference_of(world)
    account, other, maker = (
        FIRST_AGENT_ACCOUNT + 1,
        FIRST_AGENT_ACCOUNT + 2,
        FIRST_AGENT_ACCOUNT + 3,
    )
    notional = 600_000 * int(world["instruments"]["tick_quanta"][PERP]) * lots
    for event in (
        ("deposit", INSURANCE, 0, 10**8 * QUANTA),
        ("deposit", account, 0, notional // 20),
        ("trade", PERP, account, other, side, 600_000, lots),
        ("mark", PERP, int(world["instruments"]["mark_quanta"][PERP]) * (100 + gap) // 100),
    ):
        carry_out(world, exchange, event)
    resting = [(600_000 + offset, size) for offset, size in book]
    for ticks, size in resting:
        limit_order(world, maker, PERP, side, ticks, size, GTC)
    fee = e9(world["venues"]["liquidation_fee_e9"][0])
    left, fills = lots, []
    # The best price first; at one price the order that came first.
    for ticks, size in sorted(resting, key=lambda one: -one[0] if side == BUY else one[0]):
        fills.append(Fill(maker, ticks, min(size, left)))
        left -= fills[-1].lots
    liquidated = exchange.must_be_liquidated(account)
    if liquidated:
        exchange.liquidate(account, PERP, [fill for fill in fills if fill.lots > 0], fee)
    check_accounts(world)
    assert world["accounts"]["liquidations"][account] == liquidated
    assert_equal(world, exchange)
