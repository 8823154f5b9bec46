"""A market by hand: instructions travel, money moves, copies go their own way or the same way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import gammagym
from gammagym.errors import CapacityError, OrderError
from gammagym.world import fingerprint


@pytest.fixture
def market() -> gammagym.Market:
    return gammagym.Market("calm", agents=["alice", "bob"], seed=7)


def best(market: gammagym.Market, side: str) -> float:
    book = market.book("BTC-PERP", 1)
    return float(book.loc[book["side"] == side, "price"].iloc[0])


def test_an_order_trades_when_it_arrives_and_not_when_it_is_sent(market: gammagym.Market) -> None:
    market.submit("alice", "BTC-PERP", "buy", 0.5)
    market.advance(seconds=0.010)
    assert market.fills("alice").empty
    market.advance(seconds=0.020)
    assert market.fills("alice")["quantity"].sum() == pytest.approx(0.5)


def test_two_competitors_trade_with_each_other_at_the_makers_price(
    market: gammagym.Market,
) -> None:
    book = market.book("BTC-7D-100-C", 1)
    middle = float(round(book["price"].mean()))
    market.submit("alice", "BTC-7D-100-C", "buy", 1.0, price=middle, post_only=True)
    market.advance(seconds=0.05)
    market.submit("bob", "BTC-7D-100-C", "sell", 1.0, price=middle - 1.0)
    market.advance(seconds=0.05)
    bought, sold = market.fills("alice"), market.fills("bob")
    assert bought[["quantity", "price", "maker"]].to_numpy().tolist() == [[1.0, middle, True]]
    assert sold[["quantity", "price", "maker"]].to_numpy().tolist() == [[-1.0, middle, False]]


def test_a_taker_fee_is_a_share_of_the_notional(market: gammagym.Market) -> None:
    market.submit("alice", "BTC-PERP", "sell", 1.0)
    market.advance(seconds=1.0)
    fills = market.fills("alice")
    notional = (fills["quantity"].abs() * fills["price"]).sum()
    assert fills["fee"].sum() == pytest.approx(0.0005 * notional, abs=1e-6)
    assert market.account("alice")["fees"] == pytest.approx(fills["fee"].sum())


def test_a_canceled_order_never_trades(market: gammagym.Market) -> None:
    order = market.submit("alice", "BTC-PERP", "buy", 0.1, price=best(market, "bid"))
    market.advance(seconds=0.021)
    market.cancel(order.id)
    market.advance(seconds=60.0)
    resting = market.world["orders"]
    assert not ((resting["live"] == 1) & (resting["order_id"] == order.id)).any()


def test_an_amended_order_rests_at_its_new_price(market: gammagym.Market) -> None:
    order = market.submit("alice", "BTC-PERP", "buy", 0.1, price=30_000.0, post_only=True)
    market.advance(seconds=0.05)
    market.amend(order.id, price=29_000.0, quantity=0.2)
    market.advance(seconds=0.05)
    orders = market.world["orders"]
    (row,) = np.flatnonzero((orders["live"] == 1) & (orders["order_id"] == order.id))
    assert (orders["price_ticks"][row], orders["quantity_lots"][row]) == (290_000, 200)


def test_a_fork_meets_the_same_market_and_a_reseeded_fork_another(market: gammagym.Market) -> None:
    twin, other = market.fork(), market.fork(reseed=1)
    for copy in (market, twin, other):
        copy.advance(seconds=30.0)
    assert fingerprint(twin.world) == fingerprint(market.world)
    assert fingerprint(other.world) != fingerprint(market.world)


def test_a_saved_market_goes_on_as_if_nothing_had_happened(
    market: gammagym.Market, tmp_path: Path
) -> None:
    order = market.submit("alice", "BTC-PERP", "buy", 0.1, price=30_000.0)
    market.advance(seconds=5.0)
    market.save(tmp_path / "m.npz")
    loaded = gammagym.Market.load(tmp_path / "m.npz")
    loaded.cancel(order.id)
    market.cancel(order.id)
    loaded.advance(seconds=5.0)
    market.advance(seconds=5.0)
    assert fingerprint(loaded.world) == fingerprint(market.world)


def test_a_file_that_is_no_market_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.npz").write_bytes(b"not a market")
    with pytest.raises(OrderError, match="not a saved market"):
        gammagym.Market.load(tmp_path / "m.npz")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("carol", "BTC-PERP", "buy", 1.0), "unknown agent 'carol'"),
        (("alice", "BTC-PREP", "buy", 1.0), "did you mean 'BTC-PERP'"),
        (("alice", "BTC-PERP", "long", 1.0), "side must be"),
        (("alice", "BTC-PERP", "buy", 0.0), "quantity must be at least 0.001"),
        (("alice", "BTC-PERP", "buy", 0.0005), "multiple of 0.001"),
        (("alice", "BTC-PERP", "buy", float("nan")), "finite"),
        (("alice", "BTC-PERP", "buy", 1e18), "quantity must be less than"),
        (("alice", "BTC-PERP", "buy", "much"), "quantity must be a number"),
        (("alice", "BTC-PERP", "buy", 1.0, 1e300), "price must be less than"),
        (("alice", "BTC-PERP", "buy", 1.0, 60_000.05), "multiple of 0.1"),
    ],
)
def test_an_impossible_order_is_refused_before_it_is_sent(
    market: gammagym.Market, arguments: tuple[object, ...], message: str
) -> None:
    with pytest.raises(OrderError, match=message):
        market.submit(*arguments)  # type: ignore[arg-type]
    assert market.world["message_count"] == 0


def test_a_world_has_room_for_a_limited_number_of_competitors() -> None:
    with pytest.raises(CapacityError, match="room for 1 to 16"):
        gammagym.Market("calm", agents=[f"agent{number}" for number in range(17)])


def test_a_refused_order_is_counted_with_its_reason(market: gammagym.Market) -> None:
    market.submit("alice", "BTC-PERP", "buy", 5_000.0, price=59_000.0)
    market.advance(seconds=1.0)
    assert market.rejects("alice").to_dict() == {"insufficient margin": 1}
    assert market.rejects("bob").empty


def test_impossible_markets_are_refused() -> None:
    for arguments in ({"agents": "alice"}, {"agents": ["a", "a"]}, {"seed": -1}):
        with pytest.raises(OrderError):
            gammagym.Market("calm", **arguments)  # type: ignore[arg-type]
