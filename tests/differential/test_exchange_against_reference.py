"""The kernels' money against the plain rules: the same events must give the same quanta."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gammagym.exchange.calendar import expire
from gammagym.exchange.fees import walk_ladder
from gammagym.exchange.funding import fund, watch_premiums
from gammagym.exchange.ledger import (
    book_trade,
    charge_fee,
    conserved,
    deposit,
    equity,
    holding,
    mul_div,
    share_of,
)
from gammagym.exchange.liquidation import check_accounts
from gammagym.exchange.margin import (
    can_afford,
    initial_margin,
    maintenance_margin,
    margin_balance,
)
from gammagym.exchange.orders import cancel_orders
from gammagym.exchange.own_orders import limit_order
from gammagym.exchange.transfers import deliver_transfers, send_transfer, withdrawable
from gammagym.reference.exchange import Exchange
from gammagym.reference.options import black_76
from gammagym.world.codes import (
    BACKSTOP_DELEVERAGING,
    BUY,
    COIN,
    FUTURE,
    GTC,
    INSURANCE,
    MAKERS,
    NO_ACCOUNT,
    PERPETUAL,
    QUOTE,
    SELL,
)
from gammagym.world.sizes import QUANTA, RATE_UNIT

sys.path.insert(0, str(Path(__file__).resolve().parent))
from exchange_worlds import (
    ACCOUNTS,
    BACKSTOPS,
    CALL_ROW,
    COIN_PUT,
    DATED,
    INSTRUMENTS,
    INVERSE,
    LONG_NS,
    PERP,
    RANKS,
    SECOND_FUND,
    SHORT_LEGS,
    SPOT_ROW,
    TRADERS,
    bare_world,
    draw_rules,
    e9,
    lot_value,
    reference_of,
    set_price,
    tell_marks,
)

CURRENCIES = (QUOTE, COIN)
TOTALS = {
    "fees_quanta": "fees",
    "funding_quanta": "funding",
    "covered_quanta": "covered",
    "socialised_quanta": "socialised",
    "traded_quanta": "traded",
    "bonus_quanta": "bonus",
    "credit_quanta": "credit",
    "liquidations": "liquidations",
    "deleveragings": "deleveragings",
    "liquidating": "liquidating",
}
SECOND_NS = 10**9
OPTIONS = (CALL_ROW, COIN_PUT)
DERIVATIVES = [row for row in range(INSTRUMENTS) if row != SPOT_ROW]
# A book has room for 24 orders, and as many prices.
FULLEST_BOOK = 18


# --- Comparing -------------------------------------------------------------------------------


def assert_same_money(world: Any, exchange: Exchange) -> None:
    """Compare all that accounts own, owe and have paid, to the last quantum."""
    accounts = exchange.accounts
    count = len(accounts)
    assert world["cash"][:count].tolist() == [account.cash for account in accounts]
    rows = range(INSTRUMENTS)
    held = world["positions"][:count, :INSTRUMENTS]
    kept = [[account.position(row) for row in rows] for account in accounts]
    assert held["quantity_lots"].tolist() == [[one.quantity for one in row] for row in kept]
    assert held["entry_quanta"].tolist() == [[one.entry for one in row] for row in kept]
    assert held["margin_quanta"].tolist() == [[one.margin for one in row] for row in kept]
    for name, attribute in TOTALS.items():
        total = [int(getattr(account, attribute)) for account in accounts]
        assert (name, world["accounts"][name][:count].tolist()) == (name, total)


def assert_nothing_is_lost(world: Any, exchange: Exchange) -> None:
    """Check that money and positions are conserved, in the world and in the plain exchange."""
    held = world["positions"][:ACCOUNTS, :INSTRUMENTS]
    for currency in CURRENCIES:
        assert conserved(world, currency) == world["deposits"][currency]
        assert exchange.conserved(currency) == exchange.deposits[currency]
        assert exchange.deposits[currency] == world["deposits"][currency]
    assert not held["quantity_lots"].sum(axis=0).any()
    closed = held["quantity_lots"] == 0
    pairs = world["accounts"]["short_legs"][:ACCOUNTS] == 1
    legs = world["instruments"]["kind"][:INSTRUMENTS]
    legs = (legs == PERPETUAL) | (legs == FUTURE)
    assert not world["cash"][:ACCOUNTS][pairs].any()
    assert (held["quantity_lots"][pairs] <= 0).all()
    longs = world["accounts"]["partner"][:ACCOUNTS][pairs]
    assert (held["quantity_lots"][longs][:, legs] >= 0).all()
    assert not held["entry_quanta"][closed].any()
    assert not held["margin_quanta"][closed].any()
    assert (held["margin_quanta"] >= 0).all()


def assert_same_values(world: Any, exchange: Exchange) -> None:
    """Compare volatilities, and what options are worth at them by the plain formula."""
    for row in OPTIONS:
        contract, terms = world["instruments"][row], exchange.contracts[row]
        assert contract["implied_volatility"] == terms.implied_volatility
        volatility, years = terms.implied_volatility, terms.years
        plain = black_76(terms.kind, exchange.spot, terms.strike, volatility, years)
        assert contract["value"] == pytest.approx(plain.value, rel=1e-9, abs=1e-9 * exchange.spot)
        assert contract["volatility_change"] == 0.0


def assert_same_books(world: Any, exchange: Exchange) -> None:
    live = world["orders"][world["orders"]["live"] == 1]
    names = ["instrument", "owner", "side", "price_ticks", "quantity_lots"]
    resting = [
        (row, order.account, order.side, order.price_ticks, order.lots)
        for row, book in enumerate(exchange.books)
        for order in book
    ]
    assert sorted(live[names].tolist()) == sorted(resting)


def assert_same_margins(world: Any, exchange: Exchange) -> None:
    """Compare everything that is computed from what accounts own."""
    for account in range(ACCOUNTS):
        assert equity(world, account) == exchange.equity(account)
        if world["accounts"]["short_legs"][account]:
            continue  # its partner stands for both
        assert margin_balance(world, account) == exchange.margin_balance(account)
        for row in range(INSTRUMENTS):
            assert holding(world, account, row) == exchange.holding(account, row)
        for currency in CURRENCIES:
            assert withdrawable(world, account, currency) == exchange.withdrawable(
                account, currency
            )
        assert maintenance_margin(world, account) == exchange.maintenance_margin(account)


# --- Events ----------------------------------------------------------------------------------


class Pair:
    """A world and its plain exchange, to which the same things happen."""

    def __init__(self, seed: int, size: int = 1) -> None:
        self.random = np.random.default_rng(seed)
        self.surface = np.random.default_rng([seed, 1])
        self.size = size
        self.world = bare_world()
        draw_rules(self.world, self.random)
        self.exchange = reference_of(self.world)
        self.happened: dict[str, int] = {}
        for fund_account in (INSURANCE, SECOND_FUND):
            for currency in CURRENCIES:
                self.deposit(fund_account, currency, int(self.random.choice([0, 10**9])))
        for account in TRADERS:
            self.top_up(account)

    @property
    def price(self) -> float:
        return float(self.world["price"]["value"])

    def deposit(self, account: int, currency: int, amount: int) -> None:
        deposit(self.world, account, currency, amount)
        self.exchange.deposit(account, currency, amount)

    def top_up(self, account: int) -> None:
        """Bring in some dollars or coins, the one as much as the other."""
        dollars = 10 ** self.random.uniform(2, 5) * self.size
        if self.random.random() < 0.5:
            self.deposit(account, QUOTE, int(dollars * QUANTA))
        else:
            self.deposit(account, COIN, int(dollars / self.price * QUANTA))

    def ticks(self, row: int, spread: float) -> int:
        """Return a price near the mark (ticks)."""
        contract = self.world["instruments"][row]
        price = contract["mark_price"] * (1 + self.random.normal() * spread)
        return max(round(float(price / contract["tick_size"])), 1)

    def lots(self, row: int, dollars: float) -> int:
        """Return lots of about so many dollars."""
        contract = self.world["instruments"][row]
        return max(round(float(dollars / (contract["lot_size"] * self.price))), 1)

    def is_pair(self, account: int, row: int) -> bool:
        """Return whether an account holds long and short positions of a contract side by side."""
        kind = self.world["instruments"]["kind"][row]
        paired = self.world["accounts"]["partner"][account] != NO_ACCOUNT
        return bool(paired) and kind in (PERPETUAL, FUTURE)

    def leg(self, account: int, row: int) -> int:
        """Return one of the legs of a pair, or the account."""
        pick_short = self.is_pair(account, row) and self.random.random() < 0.5
        return SHORT_LEGS[account] if pick_short else account

    def book(self, row: int, taker: int, maker: int, side: int, ticks: int, lots: int) -> int:
        """Book a trade outside the book, which in a pair opens; returns its absolute value.

        Books know nothing of it, so orders that could close too much must go.
        """
        parties: list[int] = []
        for account, own_side in ((taker, side), (maker, 1 - side)):
            paired = self.is_pair(account, row)
            if paired:
                cancel_orders(self.world, account)
                self.exchange.cancel_orders(account)
            parties.append(SHORT_LEGS[account] if paired and own_side == SELL else account)
        value = book_trade(self.world, row, *parties, side, ticks, lots)
        assert value == self.exchange.trade(row, *parties, side, ticks, lots)
        return int(value)

    def order(self, account: int, row: int, side: int, ticks: int, lots: int) -> None:
        """Enter a limit order."""
        if len(self.exchange.books[row]) >= FULLEST_BOOK:
            return
        limit_order(self.world, account, row, side, ticks, lots, GTC)
        self.exchange.limit_order(account, row, side, ticks, lots)

    def quote(self, _account: int, _row: int) -> None:
        """Let the makers, who have no margin to keep, quote around the mark."""
        cancel_orders(self.world, MAKERS)
        self.exchange.cancel_orders(MAKERS)
        for each in range(INSTRUMENTS):
            deep = 10 ** self.random.uniform(2, 6) * self.size
            for place in range(3):
                for side, sign in ((BUY, -1), (SELL, 1)):
                    mark = self.ticks(each, 0.0005)
                    ticks = max(round(mark * (1 + sign * 0.002 * (1 + place * 5))), 1)
                    self.order(MAKERS, each, side, ticks, self.lots(each, deep))

    def trade(self, account: int, row: int) -> None:
        """Trade in the book, at a price that is there or is not."""
        side = int(self.random.integers(2))
        dollars = 10 ** self.random.uniform(2, 6) * self.size
        account = self.leg(account, row)
        self.order(account, row, side, self.ticks(row, 0.01), self.lots(row, dollars))

    def close(self, _account: int, _row: int) -> None:
        """Let a pair offer two times to close all of a leg, and to open more of it."""
        held = self.world["positions"]["quantity_lots"]
        legs = [
            (leg, row)
            for pair in SHORT_LEGS.items()
            for leg in pair
            for row in range(INSTRUMENTS)
            if held[leg, row] != 0 and self.is_pair(leg, row)
        ]
        if not legs:
            return
        leg, row = legs[int(self.random.integers(len(legs)))]
        side, lots = (SELL if leg in SHORT_LEGS else BUY), abs(int(held[leg, row]))
        for _ in range(2):
            self.order(leg, row, side, self.ticks(row, 0.003), lots)
        self.order(leg, row, 1 - side, self.ticks(row, 0.003), max(lots // 2, 1))

    def deal(self, account: int, row: int) -> None:
        """Trade outside the book, without asking for margin, for a fee."""
        other = int(self.random.choice([one for one in TRADERS if one != account]))
        side = int(self.random.integers(2))
        ticks, lots = self.ticks(row, 0.001), self.lots(row, 10 ** self.random.uniform(1, 6))
        value = self.book(row, account, other, side, ticks, lots * self.size)
        rate = int(self.random.integers(-100_000, 1_000_000))
        fee = charge_fee(self.world, row, account, value, lots * self.size, rate)
        assert fee == self.exchange.charge_fee(row, account, value, lots * self.size, e9(rate))

    def move(self, _account: int, _row: int) -> None:
        """Let time pass and the price move: a little, or with a gap; then look at all accounts."""
        gap = self.random.random() < 0.1
        move = self.random.normal() * (0.08 if gap else 0.004)
        price = min(max(self.price * np.exp(move), 2_000.0), 500_000.0)
        self.move_to(price, price * (1 + self.random.normal() * 0.0005))

    def move_to(self, price: float, index: float) -> None:
        world, elapsed = self.world, int(self.random.integers(1, 3 * SECOND_NS))
        world["time_ns"] += elapsed
        self.move_volatilities()
        set_price(world, price, index, elapsed)
        watch_premiums(world, elapsed)
        tell_marks(world, self.exchange)
        assert_same_values(world, self.exchange)
        deliver_transfers(world)
        self.exchange.deliver_transfers()
        check_accounts(world)
        self.exchange.check_accounts()

    def move_volatilities(self) -> None:
        """Let the next mark find a surface that has moved."""
        for row in OPTIONS:
            contract = self.world["instruments"][row]
            before = float(contract["implied_volatility"])
            change = min(max(before * np.exp(self.surface.normal() * 0.05), 0.05), 3.0) - before
            contract["volatility_change"] = change
            self.exchange.contracts[row].implied_volatility = before + change

    def pay_funding(self, _account: int, _row: int) -> None:
        """Let every perpetual's funding be due."""
        rate = int(self.random.normal() * 10**6)
        for row in (PERP, INVERSE):
            funding = self.world["instruments"]["funding"][row]
            funding["interval_ns"], funding["next_ns"] = 10**12, self.world["time_ns"]
            funding["clamp"], funding["cap"] = 0.00025, 0.01
        self.world["instruments"]["funding"]["rate_e9"][PERP] = rate
        fund(self.world)
        self.exchange.pay_funding(PERP, e9(rate))
        for account in range(ACCOUNTS):
            self.exchange.settle_funding(INVERSE, account)

    def expire(self, _account: int, row: int) -> None:
        """Let a contract expire, and list it again."""
        row = DATED[row % len(DATED)]
        contract = self.world["instruments"][row]
        contract["expiry_ns"] = self.world["time_ns"]
        self.exchange.books[row].clear()
        expire(self.world)
        price = float(self.world["price"]["index"])
        self.exchange.deliver(row, lot_value(contract, "fair_quanta"), price)
        contract["settled"], contract["expiry_ns"] = 0, LONG_NS
        contract["settlement_sum"], contract["settlement_samples"] = 0.0, 0
        set_price(self.world, self.price, price, 0)
        tell_marks(self.world, self.exchange)

    def send(self, account: int, row: int) -> None:
        """Withdraw a part of what may be withdrawn, or a quantum more."""
        currency = row % 2
        most = int(withdrawable(self.world, account, currency))
        amount = int(self.random.choice([most, most + 1, most // 3, -1, 0]))
        target = int(self.random.choice(TRADERS))
        if len(self.exchange.transfers) < len(self.world["transfers"]):
            allowed = send_transfer(self.world, account, target, currency, amount)
            assert bool(allowed) == self.exchange.transfer(account, target, currency, amount)

    def ask(self, account: int, row: int) -> None:
        """Ask what an order would need, and whether it is affordable."""
        lots = self.lots(row, 10 ** self.random.uniform(2, 6))
        account = self.leg(account, row)
        signed = lots if self.random.random() < 0.5 else -lots
        order = self.world["incoming"]
        order["account"], order["instrument"] = account, row
        order["side"], order["quantity_lots"] = (BUY, lots) if signed > 0 else (SELL, lots)
        after = holding(self.world, account, row) + signed
        needed = initial_margin(self.world, account, row, after)
        assert needed == self.exchange.initial_margin(account, row, signed)
        affordable = bool(can_afford(self.world, order))
        assert affordable == self.exchange.may_trade(account, row, signed)

    def rise(self, account: int, _row: int) -> None:
        """Let an account have the fees of its volume."""
        walk_ladder(self.world, account)
        self.exchange.walk_ladder(account)

    def halt(self, account: int, row: int) -> None:
        """Close a venue, or open it; the same with its transfers."""
        name = ("halted", "transfers_halted")[row % 2]
        now = not self.world["venues"][name][account % 2] and self.random.random() < 0.3
        self.world["venues"][name][account % 2] = now
        setattr(self.exchange.venues[account % 2], name, bool(now))

    def slip(self, _account: int, row: int) -> None:
        """Let a currency be taken for less as margin than the venue's rule has it, or end that."""
        shift = -abs(self.random.normal()) * 0.1 if self.random.random() < 0.6 else 0.0
        self.world["stress"]["collateral_shift"][row % 2] = shift
        self.exchange.slips.pop(row % 2, None)
        if shift != 0.0:
            self.exchange.slips[row % 2] = math.exp(shift)

    def add_money(self, account: int, _row: int) -> None:
        self.top_up(account)

    def happen(self, what: str, account: int, row: int) -> None:
        """Let one thing happen on both sides, and compare."""
        self.happened[what] = self.happened.get(what, 0) + 1
        getattr(self, what)(account, row)
        assert_same_money(self.world, self.exchange)
        assert_nothing_is_lost(self.world, self.exchange)


EVENTS = {
    "trade": 0.32,
    "close": 0.08,
    "deal": 0.08,
    "move": 0.25,
    "quote": 0.06,
    "ask": 0.05,
    "slip": 0.02,
    "send": 0.04,
    "pay_funding": 0.03,
    "add_money": 0.03,
    "rise": 0.01,
    "halt": 0.02,
    "expire": 0.01,
}


def run(pair: Pair, steps: int) -> None:
    """Let random things happen."""
    random = pair.random
    for step in range(steps):
        what = str(random.choice(list(EVENTS), p=list(EVENTS.values())))
        pair.happen(what, int(random.choice(TRADERS)), int(random.integers(INSTRUMENTS)))
        if step % 10 == 0:
            assert_same_margins(pair.world, pair.exchange)
            assert_same_books(pair.world, pair.exchange)


@pytest.mark.parametrize("seed", range(12))
def test_three_hundred_events_at_drawn_venues_book_the_same_quanta(seed: int) -> None:
    """Every seed draws its own rules: steps, backstops, ranks, tiers, haircuts, modes."""
    run(Pair(seed), 300)


@pytest.mark.parametrize("seed", range(2))
def test_sizes_near_what_64_bits_hold_book_the_same_quanta(seed: int) -> None:
    """Up to 10 million coins at a time, as many dollars as there are."""
    run(Pair(1_000 + seed, size=20_000), 150)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("rank", RANKS)
def test_deleveraging_by_every_rank_books_the_same_quanta(rank: int, seed: int) -> None:
    """Everybody trades with everybody for more than they have, nobody insures, prices jump."""
    pair = Pair(2_000 + seed)
    world, exchange, random = pair.world, pair.exchange, pair.random
    world["venues"]["backstop"], world["venues"]["rank"] = BACKSTOP_DELEVERAGING, rank
    world["venues"]["liquidation_interval_ns"] = 0
    for venue in exchange.venues:
        venue.backstop, venue.rank, venue.interval = BACKSTOP_DELEVERAGING, rank, 0
    for _ in range(12):
        for account in TRADERS:
            if equity(world, account) < QUANTA:
                pair.top_up(account)
            row = int(random.choice(DERIVATIVES))
            other = int(random.choice([one for one in TRADERS if one != account]))
            lots = pair.lots(row, max(equity(world, account), QUANTA) / QUANTA * 8)
            side, ticks = int(random.integers(2)), pair.ticks(row, 0.001)
            pair.book(row, account, other, side, ticks, lots)
        price = pair.price * (1.0 + random.choice([-1, 1]) * random.uniform(0.02, 0.2))
        pair.move_to(price, price)
        assert_same_money(world, exchange)
        assert_nothing_is_lost(world, exchange)
        assert_same_margins(world, exchange)
    assert world["accounts"]["liquidations"].sum() > 20


accounts = st.sampled_from(TRADERS)
rows = st.integers(0, INSTRUMENTS - 1)
# Trades and moves are what the other events are about.
MIXED = [*sorted(EVENTS), "trade", "trade", "deal", "move", "move"]


@settings(max_examples=20)
@given(
    st.integers(0, 10**6),
    st.lists(st.tuples(st.sampled_from(MIXED), accounts, rows), min_size=20, max_size=60),
)
def test_any_sequence_of_events_books_the_same_quanta(seed, sequence):
    pair = Pair(seed)
    for what, account, row in sequence:
        pair.happen(what, account, row)
    assert_same_margins(pair.world, pair.exchange)
    assert_same_books(pair.world, pair.exchange)


@settings(max_examples=40)
@given(
    seed=st.integers(0, 10**6),
    row=st.sampled_from(DERIVATIVES),
    backstop=st.sampled_from(BACKSTOPS),
    rank=st.sampled_from(RANKS),
    side=st.sampled_from([BUY, SELL]),
    moves=st.lists(st.floats(-0.5, 0.5), min_size=1, max_size=4),
)
def test_bankruptcies_at_any_gap_book_the_same_quanta(seed, row, backstop, rank, side, moves):
    """One side of everything is too large for what it has, funds are nearly empty, prices jump."""
    pair = Pair(seed)
    world, exchange = pair.world, pair.exchange
    world["venues"]["backstop"], world["venues"]["rank"] = backstop, rank
    for venue in exchange.venues:
        venue.backstop, venue.rank = backstop, rank
    pair.quote(MAKERS, row)
    for place, account in enumerate(TRADERS[:4]):
        dollars = equity(world, account) / QUANTA * pair.random.uniform(3, 30)
        lots, other = pair.lots(row, dollars), TRADERS[4 + place]
        ticks = pair.ticks(row, 0.001)
        pair.book(row, account, other, side, ticks, lots)
    for move in moves:
        price = pair.price * (1.0 + move)
        pair.move_to(price, price)
        assert_same_money(world, exchange)
        assert_nothing_is_lost(world, exchange)
    assert_same_margins(world, exchange)


# --- Arithmetic ------------------------------------------------------------------------------

amounts = st.integers(-(2**62), 2**62)


@given(amounts, st.integers(-(10**9), 10**9))
def test_money_times_a_rate_is_rounded_down_and_never_wraps(amount, rate):
    assert mul_div(amount, rate) == amount * rate // RATE_UNIT


@given(amounts, st.data())
def test_a_share_of_money_is_rounded_down_and_never_wraps(amount, data):
    whole = data.draw(st.one_of(st.integers(1, 2**31), st.integers(1, 2**62 - 1)))
    part = data.draw(st.integers(1, whole))
    assert share_of(amount, part, whole) == amount * part // whole
