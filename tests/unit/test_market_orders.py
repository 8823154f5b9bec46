"""Every kind of order through `Market`: sent, triggered, filled, shown, ended; or refused."""

from __future__ import annotations

from typing import Any

import pytest

import gammagym
from gammagym.errors import OrderError
from gammagym.world import fingerprint

# Makers quote 30 either side of the fair price of about 1990, so that there is room in between.
CALL = "BTC-7D-100-C"
PERP = "BTC-PERP"
TRAVEL = 0.05  # s, longer than any instruction is on its way
START = 1990.0


@pytest.fixture
def market() -> gammagym.Market:
    return gammagym.Market("calm", agents=["alice", "bob", "carol"], seed=7)


def trade(market: gammagym.Market, price: float) -> None:
    """Let bob and carol trade the call, so that this is its last price."""
    market.submit("bob", CALL, "sell", 0.1, price=price)
    market.advance(TRAVEL)
    market.submit("carol", CALL, "buy", 0.1, price=price)
    market.advance(TRAVEL)
    assert market.fills("carol")["price"].iloc[-1] == price


def only_order(market: gammagym.Market) -> dict[str, Any]:
    (line,) = market.orders("alice").to_dict("records")
    return line


def bought_and_sold(market: gammagym.Market) -> list[list[float]]:
    return market.fills("alice")[["quantity", "price"]].to_numpy().tolist()


def touch(market: gammagym.Market, instrument: str, side: str) -> tuple[float, float]:
    """Return price and quantity at the best price of a side."""
    book = market.book(instrument, 1)
    line = book[book["side"] == side].iloc[0]
    return float(line["price"]), float(line["quantity"])


class TestTriggers:
    @pytest.mark.parametrize(
        ("kind", "side", "trigger"),
        [
            ("stop", "buy", START + 10),
            ("stop", "sell", START - 10),
            ("take_profit", "buy", START - 10),
            ("take_profit", "sell", START + 10),
        ],
    )
    def test_it_waits_for_its_trigger_and_then_takes_the_best_price(
        self, market: gammagym.Market, kind: str, side: str, trigger: float
    ) -> None:
        trade(market, START)
        sent = market.submit("alice", CALL, side, 0.3, type=kind, trigger_price=trigger)
        assert (sent.type, sent.price, sent.trigger_price) == (kind, None, trigger)
        market.advance(TRAVEL)
        line = only_order(market)
        assert (line["order_id"], line["type"], line["side"]) == (sent.id, kind, side)
        assert (line["trigger_price"], line["trigger_by"], line["displayed"]) == (
            trigger,
            "last",
            0.0,
        )
        trade(market, START)
        assert market.fills("alice").empty
        best, _ = touch(market, CALL, "ask" if side == "buy" else "bid")
        trade(market, trigger)
        assert bought_and_sold(market) == [
            [pytest.approx(0.3 if side == "buy" else -0.3), pytest.approx(best)]
        ]
        assert market.orders("alice").empty

    @pytest.mark.parametrize(
        ("kind", "side", "trigger", "limit"),
        [
            ("stop_limit", "buy", START + 10, START + 5),
            ("stop_limit", "sell", START - 10, START - 5),
            ("take_profit_limit", "buy", START - 10, START - 15),
            ("take_profit_limit", "sell", START + 10, START + 15),
        ],
    )
    def test_with_a_limit_it_rests_once_triggered(
        self, market: gammagym.Market, kind: str, side: str, trigger: float, limit: float
    ) -> None:
        trade(market, START)
        market.submit("alice", CALL, side, 0.3, limit, type=kind, trigger_price=trigger)
        market.advance(TRAVEL)
        assert (only_order(market)["price"], only_order(market)["type"]) == (limit, kind)
        trade(market, trigger)
        line = only_order(market)
        assert (line["type"], line["price"], line["displayed"]) == (
            "limit",
            limit,
            pytest.approx(0.3),
        )
        market.submit("bob", CALL, "sell" if side == "buy" else "buy", 0.3, price=limit)
        market.advance(TRAVEL)
        assert [price for _, price in bought_and_sold(market)] == [limit]

    def test_a_trailing_stop_follows_the_price_and_sells_when_it_turns(
        self, market: gammagym.Market
    ) -> None:
        trade(market, START)
        market.submit("alice", CALL, "sell", 0.3, type="trailing_stop", trail=10.0)
        market.advance(TRAVEL)
        assert only_order(market)["trigger_price"] == START - 10
        trade(market, START + 15)
        assert only_order(market)["trigger_price"] == START + 5
        trade(market, START + 5)
        assert [quantity for quantity, _ in bought_and_sold(market)] == [pytest.approx(-0.3)]

    @pytest.mark.parametrize("source", ["mark", "index"])
    def test_mark_and_index_trigger_too(self, market: gammagym.Market, source: str) -> None:
        mark = round(float(market.instruments().loc[PERP, "mark_price"]))
        for side, trigger in (("buy", mark + 20.0), ("sell", mark - 20.0)):
            market.submit(
                "alice", PERP, side, 0.1, type="stop", trigger_price=trigger, trigger_by=source
            )
        market.advance(TRAVEL)
        assert market.orders("alice")["trigger_by"].tolist() == [source, source]
        while len(market.orders("alice")) == 2:
            market.advance(seconds=1.0)
        moved = float(market.instruments().loc[PERP, "mark_price"]) - mark
        assert abs(moved) >= 20.0
        assert (market.fills("alice")["quantity"].sum() > 0) == (moved > 0)

    def test_a_trigger_that_has_been_reached_already_is_refused(
        self, market: gammagym.Market
    ) -> None:
        trade(market, START)
        market.submit("alice", CALL, "buy", 0.1, type="stop", trigger_price=START)
        market.submit("alice", PERP, "buy", 0.1, type="stop", trigger_price=1.0, trigger_by="mark")
        market.advance(TRAVEL)
        assert market.rejects("alice").to_dict() == {"would trigger": 2}

    def test_it_can_be_canceled_but_not_amended_while_it_waits(
        self, market: gammagym.Market
    ) -> None:
        sent = market.submit(
            "alice", CALL, "buy", 0.1, 2_100.0, type="stop_limit", trigger_price=2_100.0
        )
        market.advance(TRAVEL)
        market.amend(sent.id, price=2_000.0, quantity=0.2)
        market.advance(TRAVEL)
        assert market.rejects("alice").to_dict() == {"waiting": 1}
        market.cancel(sent.id)
        market.advance(TRAVEL)
        assert market.orders("alice").empty


class TestHowLongAndHowMuch:
    def test_an_iceberg_shows_a_part_at_a_time(self, market: gammagym.Market) -> None:
        market.submit("alice", CALL, "buy", 1.0, price=START, display=0.2)
        market.advance(TRAVEL)
        assert touch(market, CALL, "bid") == (START, pytest.approx(0.2))
        market.submit("bob", CALL, "buy", 0.1, price=START)
        market.submit("carol", CALL, "sell", 0.2, price=START)
        market.advance(TRAVEL)
        assert touch(market, CALL, "bid") == (START, pytest.approx(0.3))
        line = only_order(market)
        assert line["quantity"] == pytest.approx(0.8)
        assert line["displayed"] == pytest.approx(0.2)
        assert line["queue_ahead"] == pytest.approx(0.1)  # refilled behind bob

    def test_amending_an_iceberg_counts_what_it_hides(self, market: gammagym.Market) -> None:
        sent = market.submit("alice", CALL, "buy", 1.0, price=START, display=0.2)
        market.advance(TRAVEL)
        market.amend(sent.id, price=START + 1, quantity=0.5)
        market.advance(TRAVEL)
        assert only_order(market)["quantity"] == pytest.approx(0.5)
        assert touch(market, CALL, "bid") == (START + 1, pytest.approx(0.2))

    def test_good_till_time_ends_by_itself(self, market: gammagym.Market) -> None:
        market.submit("alice", PERP, "buy", 0.1, price=50_000.0, tif="gtt", expire_in=2.0)
        market.advance(seconds=1.5)
        assert only_order(market)["expires"] == pytest.approx(2.0)
        market.advance(seconds=1.5)
        assert market.orders("alice").empty
        assert market.rejects("alice").to_dict() == {"expired": 1}

    def test_a_market_order_for_all_or_nothing_takes_nothing_of_too_little(
        self, market: gammagym.Market
    ) -> None:
        market.submit("alice", CALL, "buy", 11.0, tif="fok")
        market.submit("alice", CALL, "buy", 11.0, type="market")
        market.advance(TRAVEL)
        assert [quantity for quantity, _ in bought_and_sold(market)] == [pytest.approx(10.0)]

    def test_a_market_order_reaches_only_so_far_through_the_touch(self) -> None:
        rules = {"perpetual.market_protection": "0.002%", "perpetual.initial_margin": "2%"}
        scenario = gammagym.load_scenario("calm", {"rules": rules})
        market = gammagym.Market(scenario, agents=["alice"], cash=100_000_000.0)
        market.advance(1.0)
        ask, _ = touch(market, PERP, "ask")
        assert market.submit("alice", PERP, "buy", 1_000.0).price is None
        market.advance(TRAVEL)
        fills = market.fills("alice")
        assert 0.0 < fills["quantity"].sum() < 1_000.0
        assert fills["price"].max() <= ask * 1.00002 + 1.0


class TestOneself:
    @pytest.mark.parametrize(
        ("mode", "left", "refusals"),
        [
            (None, [-1.0], 1),  # the venue's: expire_maker
            ("expire_taker", [0.4], 1),
            ("expire_maker", [-1.0], 1),
            ("expire_both", [], 2),
            ("decrement", [-0.6], 1),
        ],
    )
    def test_self_trade_modes(
        self, market: gammagym.Market, mode: str | None, left: list[float], refusals: int
    ) -> None:
        market.submit("alice", CALL, "buy", 0.4, price=START)
        market.advance(TRAVEL)
        market.submit("alice", CALL, "sell", 1.0, price=START, self_trade=mode)
        market.advance(TRAVEL)
        assert market.fills("alice").empty
        table = market.orders("alice")
        signed = table["quantity"].where(table["side"] == "buy", -table["quantity"])
        assert signed.tolist() == pytest.approx(left)
        assert market.rejects("alice").to_dict() == {"self-trade": refusals}


class TestAllAtOnce:
    def fill(self, market: gammagym.Market) -> None:
        market.submit("alice", PERP, "buy", 0.1, price=50_000.0)
        market.submit("alice", CALL, "buy", 0.1, price=START)
        market.submit("alice", PERP, "buy", 0.1, type="stop", trigger_price=70_000.0)
        market.submit("bob", CALL, "buy", 0.1, price=START)
        market.advance(TRAVEL)
        assert len(market.orders("alice")) == 3

    def test_cancel_all_cancels_everywhere_but_nobody_elses(self, market: gammagym.Market) -> None:
        self.fill(market)
        market.cancel_all("alice")
        assert len(market.orders("alice")) == 3  # it is still on its way
        market.advance(TRAVEL)
        assert market.orders("alice").empty
        assert len(market.orders("bob")) == 1

    @pytest.mark.parametrize("cancels", [False, True])
    def test_a_disconnect_cancels_only_where_the_venue_says_so(self, cancels: bool) -> None:
        scenario = gammagym.load_scenario(
            "calm", {"rules": {"orders.cancel_on_disconnect": cancels}}
        )
        market = gammagym.Market(scenario, agents=["alice", "bob"], seed=7)
        self.fill(market)
        market.disconnect("alice")
        market.advance(TRAVEL)
        assert len(market.orders("alice")) == (0 if cancels else 3)
        assert market.rejects("alice").to_dict() == ({"disconnected": 3} if cancels else {})
        assert len(market.orders("bob")) == 1

    def test_who_is_unknown_can_do_neither(self, market: gammagym.Market) -> None:
        for send in (market.cancel_all, market.disconnect, market.orders):
            with pytest.raises(OrderError, match="unknown agent 'dave'"):
                send("dave")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"type": "stopp"}, "unknown type 'stopp': did you mean 'stop'"),
        ({"type": ["stop"]}, "unknown type"),
        ({"price": 1.0, "tif": "day"}, "unknown tif 'day'"),
        ({"type": "stop", "trigger_price": 1.0, "trigger_by": "mid"}, "unknown trigger_by 'mid'"),
        ({"price": 1.0, "self_trade": "allow"}, "unknown self_trade 'allow'"),
        ({"type": "limit"}, "type='limit' needs price"),
        ({"type": "market", "price": 1.0}, "price does not go with type='market'"),
        ({"type": "stop"}, "type='stop' needs trigger_price"),
        ({"type": "stop", "trigger_price": 1.0, "price": 1.0}, "take one of .*'stop_limit'"),
        ({"type": "stop_limit", "trigger_price": 1.0}, "type='stop_limit' needs price"),
        ({"type": "trailing_stop", "trigger_price": 1.0}, "trigger_price does not go with"),
        ({"type": "trailing_stop"}, "type='trailing_stop' needs trail"),
        ({"price": 1.0, "trail": 1.0}, "trail does not go with type='limit'"),
        ({"trigger_price": 1.0}, "trigger_price does not go with type='market'.*'stop'"),
        ({"price": 1.0, "trigger_by": "mark"}, "trigger_by does not go with type='limit'"),
        ({"post_only": True}, "post_only needs tif='gtc' and a price"),
        ({"type": "stop", "trigger_price": 1.0, "post_only": True}, "post_only needs"),
        ({"price": 1.0, "tif": "ioc", "post_only": True}, "post_only needs"),
        ({"price": 1.0, "tif": "gtt"}, "give both or neither"),
        ({"price": 1.0, "expire_in": 5.0}, "give both or neither"),
        ({"tif": "gtt", "expire_in": 5.0}, "tif='gtt' needs a price"),
        ({"price": 1.0, "tif": "gtt", "expire_in": 0.0}, "expire_in must be > 0"),
        ({"price": 1.0, "tif": "gtt", "expire_in": 1e9}, "expire_in must be .* at most a year"),
        ({"price": 1.0, "tif": "gtt", "expire_in": "soon"}, "expire_in must be a number"),
        ({"display": 0.1}, "display needs a price"),
        ({"price": 1.0, "tif": "ioc", "display": 0.1}, "display needs a price and tif"),
        ({"price": 1.0, "display": 0.0005}, "display must be a multiple of 0.001"),
        ({"price": 1.0, "display": 0.0}, "display must be at least 0.001"),
        ({"type": "stop", "trigger_price": 0.05}, "trigger_price must be a multiple of 0.1"),
        ({"type": "stop", "trigger_price": float("inf")}, "trigger_price must be a finite"),
        ({"type": "stop", "trigger_price": 10**400}, "trigger_price must be a finite"),
        ({"type": "stop", "trigger_price": -1.0}, "trigger_price must be at least"),
        ({"type": "trailing_stop", "trail": 0.0}, "trail must be at least 0.1"),
        ({"type": "trailing_stop", "trail": True}, "trail must be a number"),
    ],
)
def test_what_contradicts_itself_is_refused_and_leaves_no_trace(
    market: gammagym.Market, arguments: dict[str, Any], message: str
) -> None:
    before = fingerprint(market.world)
    with pytest.raises(OrderError, match=message):
        market.submit("alice", PERP, "buy", 1.0, **arguments)
    assert fingerprint(market.world) == before


def test_the_type_follows_from_the_price(market: gammagym.Market) -> None:
    twin = market.fork()
    market.submit("alice", PERP, "buy", 0.1)
    market.submit("alice", PERP, "buy", 0.1, 50_000.0)
    twin.submit("alice", PERP, "buy", 0.1, type="market")
    twin.submit("alice", PERP, "buy", 0.1, 50_000.0, type="limit")
    assert fingerprint(twin.world) == fingerprint(market.world)
