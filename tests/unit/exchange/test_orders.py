"""Orders at the venue: what waits, what is hidden, what is refused, and what it costs nobody."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from gammagym.engine.inspection import SOUND, check_book
from gammagym.exchange.ledger import book_trade, conserved, deposit
from gammagym.exchange.messages import send
from gammagym.exchange.orders import next_order_id
from gammagym.loop import advance
from gammagym.scenario.compile import compile_world
from gammagym.scenario.load import load_scenario, load_venue
from gammagym.scenario.tasks import get_task
from gammagym.world import STANDARD, viewed
from gammagym.world.codes import (
    BUY,
    CANCEL,
    CANCEL_ALL,
    DECREMENT,
    DISCONNECT,
    EXPIRE_BOTH,
    EXPIRE_MAKER,
    EXPIRE_TAKER,
    FIRST_AGENT_ACCOUNT,
    FOK,
    GTT,
    IOC,
    MARKET,
    MODIFY,
    NEW,
    ON_INDEX,
    ON_MARK,
    POST_ONLY,
    REJECT_BAND,
    REJECT_DISCONNECTED,
    REJECT_EXPIRED,
    REJECT_FULL,
    REJECT_MARGIN,
    REJECT_MESSAGE,
    REJECT_MINIMUM_NOTIONAL,
    REJECT_NO_PRICE,
    REJECT_NOTHING_TO_REDUCE,
    REJECT_ORDERS,
    REJECT_PARTS,
    REJECT_RATE,
    REJECT_SELF_TRADE,
    REJECT_WAITING,
    REJECT_WOULD_CROSS,
    REJECT_WOULD_TRIGGER,
    SELL,
    SIDES,
    STOP,
    STOP_LIMIT,
    TAKE_PROFIT,
    TAKE_PROFIT_LIMIT,
    TRAILING_STOP,
    UNSET,
)
from gammagym.world.sizes import QUANTA

PERP, SPOT_ROW = 0, 3
HEDGE, OTHER, THIRD = (FIRST_AGENT_ACCOUNT + number for number in (1, 2, 3))
TAPE = np.array([0.0])
SECOND = 1_000_000_000
MARK = 600_000  # ticks


@pytest.fixture
def world(make_exchange) -> Iterator[Any]:
    """A bare exchange whose price stands still; afterwards no money is lost and books are sound."""
    world = make_exchange()
    world["price"]["volatility"] = 0.0
    move_price(world, 0)
    deposit(world, HEDGE, 0, 10**6 * QUANTA)
    yield world
    assert [check_book(viewed(world["books"])[row]) for row in range(5)] == [SOUND] * 5
    assert conserved(world, 0) == world["deposits"][0]
    assert world["positions"]["quantity_lots"][:, PERP].sum() == 0


def move_price(world: Any, ticks: int) -> None:
    """Let the price be so many ticks above the first one, from the next price tick on."""
    world["price"]["ahead"] = (MARK + ticks) / 10


def post(world: Any, **message: int) -> int:
    """Let an instruction of the hedge account arrive now; returns the order's id."""
    draft = dict.fromkeys(world["incoming"].dtype.names, 0)
    draft |= {"kind": NEW, "price_ticks": MARK, "quantity_lots": 100}
    draft |= {"account": HEDGE, "instrument": PERP} | message
    if "order_id" not in draft or draft["order_id"] == 0:
        draft["order_id"] = next_order_id(world)
    for name, value in draft.items():
        world["incoming"][name] = value
    send(world, 0, 0)
    advance(world, TAPE, int(world["time_ns"]))
    return int(draft["order_id"])


def quote(world: Any, side: int, ticks: int, lots: int = 100, account: int = OTHER) -> int:
    """Let another account quote so many ticks from the mark."""
    return post(world, account=account, side=side, price_ticks=MARK + ticks, quantity_lots=lots)


def trade_at(world: Any, ticks: int) -> None:
    """Let two others trade one lot so many ticks from the mark."""
    quote(world, SELL, ticks, 1)
    quote(world, BUY, ticks, 1, THIRD)


def tick(world: Any, ticks: int) -> None:
    """Let the next price tick bring a mark so many ticks above the first one."""
    move_price(world, ticks)
    advance(world, TAPE, int(world["price"]["next_tick_ns"]))


def in_book(world: Any, *sides: int, account: int = HEDGE) -> list[tuple[int, int]]:
    """Return (order id, displayed quantity) of an account's orders, in order of arrival."""
    orders = world["orders"]
    mine = (orders["live"] == 1) & (orders["owner"] == account)
    mine &= np.isin(orders["side"], sides or (BUY, SELL))
    rows = orders[mine][np.argsort(orders[mine]["arrival"])]
    return rows[["order_id", "quantity_lots"]].tolist()


def waiting(world: Any) -> list[tuple[int, int]]:
    return in_book(world, *range(2, SIDES))


def position(world: Any, account: int = HEDGE) -> int:
    return int(world["positions"]["quantity_lots"][account, PERP])


def rejects(world: Any) -> dict[int, int]:
    """Return how often each reason was counted for the competitor."""
    counts = world["agents"]["rejects"][0]
    return {int(reason): int(counts[reason]) for reason in np.flatnonzero(counts)}


def set_rules(world: Any, **rules: int) -> None:
    for name, value in rules.items():
        world["books"]["rules"][name][PERP] = value


# --- Triggers --------------------------------------------------------------------------------


def test_a_stop_is_carried_out_after_the_trade_that_reaches_it(world):
    quote(world, SELL, 10, 50)
    quote(world, SELL, 20, 50)
    post(world, type=STOP, trigger_ticks=MARK + 10, quantity_lots=60)
    assert (position(world), len(waiting(world))) == (0, 1)
    quote(world, BUY, 10, 30, THIRD)
    assert (position(world), waiting(world)) == (60, [])
    fills = world["fills"][:2][["price_ticks", "quantity_lots", "maker"]].tolist()
    assert fills == [(MARK + 10, 20, 0), (MARK + 20, 40, 0)]


@pytest.mark.parametrize("source", [ON_MARK, ON_INDEX])
@pytest.mark.parametrize(
    ("kind", "side", "trigger", "short_of_it", "reached"),
    [
        (STOP, BUY, 50, 49, 50),
        (STOP, SELL, -50, -49, -51),
        (TAKE_PROFIT, BUY, -50, -49, -50),
        (TAKE_PROFIT, SELL, 50, 49, 80),
    ],
)
def test_stops_and_take_profits_follow_mark_and_index(
    world, source, kind, side, trigger, short_of_it, reached
):
    tick(world, 0)
    quote(world, BUY, -200)
    quote(world, SELL, 200)
    post(world, type=kind, side=side, trigger=source, trigger_ticks=MARK + trigger)
    tick(world, short_of_it)
    assert (position(world), len(waiting(world))) == (0, 1)
    tick(world, reached)
    assert (position(world), waiting(world)) == (100 if side == BUY else -100, [])


def test_trades_do_not_trigger_what_looks_at_the_mark(world):
    tick(world, 0)
    quote(world, SELL, 200)
    post(world, type=STOP, trigger=ON_MARK, trigger_ticks=MARK + 50)
    trade_at(world, 100)
    assert position(world) == 0


@pytest.mark.parametrize(("kind", "trigger"), [(STOP_LIMIT, 50), (TAKE_PROFIT_LIMIT, -50)])
def test_a_triggered_limit_order_trades_within_its_limit_and_rests(world, kind, trigger):
    tick(world, 0)
    quote(world, SELL, 60, 30)
    order = post(
        world,
        type=kind,
        trigger=ON_MARK,
        trigger_ticks=MARK + trigger,
        price_ticks=MARK + 60,
    )
    tick(world, trigger)
    assert (position(world), in_book(world)) == (30, [(order, 70)])


def test_one_triggered_order_triggers_the_next(world):
    for ticks in (10, 20, 30):
        quote(world, SELL, ticks, 10)
    post(world, type=STOP, trigger_ticks=MARK + 20, quantity_lots=10)
    post(world, type=STOP, trigger_ticks=MARK + 10, quantity_lots=10)
    quote(world, BUY, 10, 10, THIRD)
    assert (position(world), waiting(world)) == (20, [])


def test_a_trailing_stop_follows_the_mark_up_and_sells_when_it_has_fallen(world):
    tick(world, 0)
    quote(world, BUY, -300)
    post(world, type=TRAILING_STOP, side=SELL, trigger=ON_MARK, trail_ticks=40)
    for ticks in (100, 61, 90):
        tick(world, ticks)
        assert position(world) == 0
    tick(world, 60)
    assert (position(world), waiting(world)) == (-100, [])


def test_a_trailing_stop_needs_a_price_to_follow(world):
    post(world, type=TRAILING_STOP, trail_ticks=40)
    assert rejects(world) == {REJECT_NO_PRICE: 1}
    trade_at(world, 0)
    post(world, type=TRAILING_STOP, trail_ticks=40)
    assert len(waiting(world)) == 1


def test_a_stop_that_the_price_has_passed_already_is_refused(world):
    trade_at(world, 0)
    post(world, type=STOP, trigger_ticks=MARK)
    assert (rejects(world), waiting(world)) == ({REJECT_WOULD_TRIGGER: 1}, [])


def test_an_order_that_waits_can_be_canceled_but_not_modified(world):
    order = post(world, type=STOP, trigger_ticks=MARK + 10)
    post(world, kind=MODIFY, order_id=order)
    assert (rejects(world), waiting(world)) == ({REJECT_WAITING: 1}, [(order, 100)])
    post(world, kind=CANCEL, order_id=order)
    assert waiting(world) == []


def test_a_triggered_order_without_the_margin_for_it_is_refused(world):
    quote(world, SELL, 50, 10**6)
    post(world, type=STOP, trigger_ticks=MARK + 10, quantity_lots=10**6)
    trade_at(world, 10)
    assert position(world) == 0
    assert rejects(world) == {REJECT_MARGIN: 1}


# --- Icebergs and orders that end ------------------------------------------------------------


def test_an_iceberg_shows_a_part_at_a_time_and_loses_its_place_with_each(world):
    order = post(world, side=SELL, quantity_lots=90, display_lots=40)
    other = quote(world, SELL, 0, 20)
    assert in_book(world) == [(order, 40)]
    quote(world, BUY, 0, 40, THIRD)
    assert (in_book(world), position(world)) == ([(order, 40)], -40)
    quote(world, BUY, 0, 25, THIRD)
    assert in_book(world, account=OTHER) == []
    assert (in_book(world), position(world)) == ([(order, 35)], -45)
    assert other > order
    quote(world, BUY, 0, 45, THIRD)
    assert (in_book(world), position(world)) == ([], -90)


def test_an_iceberg_of_too_many_parts_is_refused(world):
    post(world, quantity_lots=101, display_lots=1)
    assert (rejects(world), in_book(world)) == ({REJECT_PARTS: 1}, [])


def test_a_good_till_time_order_ends_before_the_next_message_is_looked_at(world):
    post(world, side=SELL, tif=GTT, expiry_ns=5 * SECOND)
    advance(world, TAPE, 5 * SECOND - 1)
    quote(world, BUY, 0, 10, THIRD)
    assert position(world) == -10
    advance(world, TAPE, 5 * SECOND)
    quote(world, BUY, 0, 10, THIRD)
    assert (position(world), in_book(world)) == (-10, [])
    assert rejects(world) == {REJECT_EXPIRED: 1}


def test_an_order_that_has_ended_before_it_arrives_is_refused(world):
    advance(world, TAPE, SECOND)
    post(world, tif=GTT, expiry_ns=SECOND)
    assert (rejects(world), in_book(world)) == ({REJECT_EXPIRED: 1}, [])


@pytest.mark.parametrize(
    "order",
    [
        {"tif": GTT, "expiry_ns": SECOND},
        {"display_lots": 50},
        {"type": STOP, "trigger_ticks": MARK + 10},
    ],
)
def test_a_book_that_has_no_room_for_further_terms_refuses_the_order(world, order):
    room = STANDARD.terms // STANDARD.instruments
    for _ in range(room):
        post(world, **order)
    assert rejects(world) == {}
    post(world, **order)
    assert rejects(world) == {REJECT_FULL: 1}
    assert len(in_book(world) + waiting(world)) == room


# --- Entry -----------------------------------------------------------------------------------


def test_a_post_only_order_slides_to_the_best_price_where_it_rests(world):
    quote(world, SELL, 0)
    post(world, tif=POST_ONLY, price_ticks=MARK + 30)
    assert (rejects(world), in_book(world)) == ({REJECT_WOULD_CROSS: 1}, [])
    set_rules(world, post_only_slides=1)
    post(world, tif=POST_ONLY, price_ticks=MARK + 30)
    assert position(world) == 0
    assert world["orders"]["price_ticks"][world["orders"]["owner"] == HEDGE].tolist() == [MARK - 1]


def test_a_market_order_takes_what_is_there_and_never_rests(world):
    quote(world, SELL, 5, 30)
    quote(world, SELL, 900, 30)
    post(world, type=MARKET, price_ticks=0)
    assert (position(world), in_book(world)) == (60, [])
    post(world, type=MARKET, price_ticks=0)
    assert (position(world), in_book(world)) == (60, [])


def test_a_market_order_reaches_no_further_than_its_protection(world):
    world["instruments"]["protection"][PERP] = 100 / MARK
    quote(world, SELL, 5, 30)
    quote(world, SELL, 105, 30)
    quote(world, SELL, 106, 30)
    post(world, type=MARKET)
    assert position(world) == 60


def test_orders_beyond_the_band_around_the_mark_are_refused(world):
    world["instruments"]["price_band"][PERP] = 0.01
    tick(world, 0)
    post(world, price_ticks=606_001)
    post(world, side=SELL, price_ticks=593_999)
    assert rejects(world) == {REJECT_BAND: 2}
    kept = [post(world, price_ticks=594_001), post(world, side=SELL, price_ticks=606_000)]
    assert [order for order, _ in in_book(world)] == kept
    post(world, kind=CANCEL_ALL)
    tick(world, 600)
    higher = post(world, price_ticks=606_001)
    assert (rejects(world), in_book(world)) == ({REJECT_BAND: 2}, [(higher, 100)])


def test_orders_below_the_minimum_notional_are_refused(world):
    set_rules(world, minimum_notional=MARK * 10)
    post(world, quantity_lots=9)
    assert rejects(world) == {REJECT_MINIMUM_NOTIONAL: 1}
    assert in_book(world) == []
    order = post(world, quantity_lots=10)
    assert in_book(world) == [(order, 10)]


def test_an_account_may_have_so_many_orders_and_no_more(world):
    set_rules(world, maximum_orders=2, maximum_waiting=1)
    kept = [post(world), post(world)]
    post(world)
    post(world, type=STOP, trigger_ticks=MARK + 10)
    post(world, type=STOP, trigger_ticks=MARK + 10)
    assert rejects(world) == {REJECT_ORDERS: 2}
    assert [order for order, _ in in_book(world)] == kept
    post(world, tif=IOC)
    post(world, kind=CANCEL, order_id=kept[0])
    post(world)
    assert rejects(world) == {REJECT_ORDERS: 2}


def test_an_account_may_send_a_burst_and_then_one_message_an_interval(world):
    set_rules(world, rate_burst=2, rate_interval_ns=SECOND)
    order = post(world)
    post(world)
    post(world)
    post(world, kind=CANCEL, order_id=order)
    assert (rejects(world), len(in_book(world))) == ({REJECT_RATE: 2}, 2)
    quote(world, BUY, -5)
    assert len(in_book(world, account=OTHER)) == 1
    advance(world, TAPE, SECOND)
    post(world, kind=CANCEL, order_id=order)
    assert (rejects(world), len(in_book(world))) == ({REJECT_RATE: 2}, 1)


@pytest.mark.parametrize(
    "order",
    [
        {"tif": IOC, "display_lots": 5},
        {"type": MARKET, "tif": POST_ONLY},
        {"type": TRAILING_STOP + 1},
        {"self_trade": DECREMENT + 1},
        {"trigger": ON_INDEX + 1},
    ],
)
def test_an_order_that_contradicts_itself_is_refused(world, order):
    post(world, **order)
    assert (rejects(world), in_book(world)) == ({REJECT_MESSAGE: 1}, [])


def test_fill_or_kill_counts_hidden_quantity(world):
    post(world, account=OTHER, side=SELL, quantity_lots=100, display_lots=10)
    post(world, tif=FOK, quantity_lots=101)
    assert (position(world), rejects(world)) == (0, {REJECT_FULL: 1})
    post(world, tif=FOK, quantity_lots=100)
    assert position(world) == 100


# --- Meeting oneself -------------------------------------------------------------------------

# mode: what is left of a resting sell of 100 and of a buy of 60 that would rest
MODES = [
    (EXPIRE_TAKER, [100], []),
    (EXPIRE_MAKER, [], [60]),
    (EXPIRE_BOTH, [], []),
    (DECREMENT, [40], []),
]


def lots_of(world: Any, side: int) -> list[int]:
    return [lots for _, lots in in_book(world, side)]


@pytest.mark.parametrize(("mode", "sells", "buys"), MODES)
@pytest.mark.parametrize("whose", ["venue", "order"])
def test_an_account_does_not_trade_with_itself(world, whose, mode, sells, buys):
    set_rules(world, self_trade=mode if whose == "venue" else EXPIRE_MAKER)
    own = mode if whose == "order" else UNSET
    post(world, side=SELL)
    post(world, side=BUY, quantity_lots=60, self_trade=own)
    assert (lots_of(world, SELL), lots_of(world, BUY)) == (sells, buys)
    assert (position(world), world["fill_count"]) == (0, 0)
    assert set(rejects(world)) == {REJECT_SELF_TRADE}


def test_the_makers_mode_counts_where_the_venue_says_so(world):
    set_rules(world, maker_decides=1)
    post(world, side=SELL, self_trade=EXPIRE_TAKER)
    post(world, side=BUY, quantity_lots=60, self_trade=EXPIRE_MAKER)
    assert (lots_of(world, SELL), lots_of(world, BUY)) == ([100], [])


def test_where_it_is_allowed_a_trade_with_oneself_moves_no_money(world):
    set_rules(world, self_trade=UNSET)
    cash = int(world["cash"][HEDGE, 0])
    post(world, side=SELL)
    post(world, side=BUY, quantity_lots=60)
    assert (lots_of(world, SELL), lots_of(world, BUY)) == ([40], [])
    assert (position(world), int(world["cash"][HEDGE, 0])) == (0, cash)


def test_an_order_goes_on_to_others_behind_its_own(world):
    post(world, side=SELL)
    quote(world, SELL, 1, 100)
    post(world, price_ticks=MARK + 1, quantity_lots=60)
    assert (position(world), lots_of(world, SELL)) == (60, [])


# --- Everything at once ----------------------------------------------------------------------


def many_orders(world: Any) -> None:
    """Orders of the competitor that rest and wait, in two books, and one of somebody else."""
    post(world)
    post(world, side=SELL, price_ticks=MARK + 50)
    post(world, type=STOP, trigger_ticks=MARK + 70)
    post(world, tif=GTT, expiry_ns=SECOND, price_ticks=MARK - 5)
    post(world, instrument=SPOT_ROW, price_ticks=10**6, quantity_lots=1)
    quote(world, BUY, -20)
    assert len(in_book(world, *range(SIDES))) == 5


def test_a_mass_cancel_takes_every_order_of_the_account_and_of_nobody_else(world):
    many_orders(world)
    post(world, kind=CANCEL_ALL)
    assert in_book(world, *range(SIDES)) == []
    assert len(in_book(world, account=OTHER)) == 1
    assert rejects(world) == {}


def test_who_disconnects_loses_its_orders_where_the_venue_says_so(world):
    many_orders(world)
    post(world, kind=DISCONNECT)
    assert len(in_book(world, *range(SIDES))) == 5
    world["books"]["rules"]["cancel_on_disconnect"] = 1
    post(world, kind=DISCONNECT)
    assert in_book(world, *range(SIDES)) == []
    assert len(in_book(world, account=OTHER)) == 1
    assert rejects(world) == {REJECT_DISCONNECTED: 5}


# --- Reduce-only -----------------------------------------------------------------------------


def hold(world: Any, lots: int) -> None:
    """Let the competitor hold a position that somebody else sold to it."""
    book_trade(world, PERP, HEDGE, OTHER, BUY if lots > 0 else SELL, MARK, abs(lots))


def test_a_reduce_only_order_is_cut_to_the_position_that_it_can_close(world):
    hold(world, 30)
    order = post(world, side=SELL, reduce_only=1, price_ticks=MARK + 10)
    assert in_book(world) == [(order, 30)]
    post(world, side=BUY, reduce_only=1)
    assert rejects(world) == {REJECT_NOTHING_TO_REDUCE: 1}


def test_a_resting_reduce_only_order_shrinks_with_the_position(world):
    hold(world, 100)
    order = post(world, side=SELL, reduce_only=1, price_ticks=MARK + 10)
    quote(world, BUY, 0, 60)
    post(world, side=SELL, quantity_lots=60)
    assert (position(world), in_book(world)) == (40, [(order, 40)])
    quote(world, BUY, 0, 40)
    post(world, side=SELL, quantity_lots=40)
    assert (position(world), in_book(world)) == (0, [])
    assert rejects(world) == {REJECT_NOTHING_TO_REDUCE: 2}


def test_a_reduce_only_stop_that_finds_no_position_is_canceled(world):
    hold(world, 50)
    quote(world, BUY, -300)
    post(world, type=STOP, side=SELL, trigger_ticks=MARK - 10, reduce_only=1)
    hold(world, -50)
    trade_at(world, -10)
    assert (position(world), waiting(world)) == (0, [])
    assert rejects(world) == {REJECT_NOTHING_TO_REDUCE: 1}


# --- Where the rules come from ---------------------------------------------------------------

# key of the venue file, value, field of the book's rules, what must stand there
KEYS = [
    ("orders", "amend_keeps_priority = true", "amend_keeps_priority", 1),
    ("orders", 'post_only = "slide"', "post_only_slides", 1),
    ("orders", 'self_trade = "decrement"', "self_trade", DECREMENT),
    ("orders", 'self_trade = "allow"', "self_trade", UNSET),
    ("orders", 'self_trade_decides = "maker"', "maker_decides", 1),
    ("orders", "cancel_on_disconnect = true", "cancel_on_disconnect", 1),
    ("orders", "maximum_orders = 7", "maximum_orders", 7),
    ("orders", "maximum_waiting = 3", "maximum_waiting", 3),
    ("orders", "iceberg_parts = 12", "iceberg_parts", 12),
    ("orders", "rate_burst = 5", "rate_burst", 5),
    ("orders", 'rate_interval = "2ms"', "rate_interval_ns", 2_000_000),
    ("perpetual", 'minimum_quantity = "0.005"', "minimum_lots", 5),
    ("perpetual", 'maximum_quantity = "100"', "maximum_lots", 100_000),
    ("perpetual", 'minimum_notional = "5"', "minimum_notional", 50_000),
    ("perpetual", 'matching = "pro_rata"', "pro_rata", 1),
    ("perpetual", 'top_share = "40%"', "top_share_e9", 400_000_000),
    ("perpetual", 'top_maximum = "2"', "top_maximum_lots", 2_000),
    ("perpetual", 'pro_rata_minimum = "0.002"', "pro_rata_minimum_lots", 2),
]
PLAIN_VENUE = """
purpose = "for tests"
as_of = 2025-01-01
sources = ["nobody"]
maker_fee = "0%"
taker_fee = "0%"
order_latency = "0ms"
data_latency = "0ms"
liquidation_fee = "0%"
[orders]
[perpetual]
tick = "0.1"
lot = "0.001"
initial_margin = "2%"
maintenance_margin = "1%"
funding_interval = "8h"
[spot]
tick = "0.01"
lot = "0.001"
[option]
tick = "1"
lot = "0.1"
"""


def rules_under(tmp_path: Any, section: str = "orders", line: str = "") -> Any:
    """Return the rules of all books of a world at a venue with one more line in its file."""
    file = tmp_path / "mine.toml"
    file.write_text(PLAIN_VENUE.replace(f"[{section}]\n", f"[{section}]\n{line}\n"))
    scenario = load_scenario("calm", {"venue": str(file)})
    return compile_world(scenario, get_task("GammaScalp")).template["books"]["rules"][0]


@pytest.mark.parametrize(("section", "line", "field", "expected"), KEYS)
def test_what_the_venue_file_says_reaches_the_books(tmp_path, section, line, field, expected):
    before, after = rules_under(tmp_path), rules_under(tmp_path, section, line)
    assert after[field][PERP] == expected
    if line != 'self_trade = "allow"':
        assert (after[field][1] == expected) == (section == "orders")
    others = [name for name in after.dtype.names if name != field]
    assert after[others][PERP] == before[others][PERP]


def test_every_key_of_orders_reaches_the_books() -> None:
    keys = {line.split(" = ")[0] for section, line, _, _ in KEYS if section == "orders"}
    assert keys == set(load_venue("generic").orders.model_dump())


def test_a_venue_that_says_nothing_lets_no_account_trade_with_itself(tmp_path):
    assert (rules_under(tmp_path)["self_trade"] == EXPIRE_MAKER).all()


def test_the_price_band_reaches_the_instrument(tmp_path):
    file = tmp_path / "mine.toml"
    banded = PLAIN_VENUE.replace("[perpetual]\n", '[perpetual]\nprice_band = "5%"\n')
    file.write_text(banded)
    compiled = compile_world(load_scenario("calm", {"venue": str(file)}), get_task("GammaScalp"))
    assert compiled.template["instruments"]["price_band"][0, :2].tolist() == [0.05, 0.0]
