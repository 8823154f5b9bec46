"""What the timeline does to venues: outages, latency, fees, funding, margin, forced closings."""

from __future__ import annotations

from typing import Any

import pytest

import gammagym
from gammagym.exchange.ledger import conserved
from gammagym.world.codes import COIN, FEE_INCOME, QUOTE
from gammagym.world.sizes import QUANTA, RATE_UNIT

PERP = "BTC-PERP"
DAY = 86_400.0
Event = dict[str, Any]


def market(*shocks: Event, venue: str = "generic", seconds: float = DAY, **keys: Any) -> Any:
    """Return a market that stands still at 60,000 but for its events."""
    cash = keys.pop("cash", 1_000_000.0)
    scenario = {
        "purpose": "to see one event at work",
        "venue": venue,
        "price": {"model": "gbm", "start": "60000", "volatility": 0.0},
        "options": {"implied_volatility": 0.6},
        "flow": {"kind": "ideal", "half_spread": 0.0001, "size": 1000},
        "shocks": list(shocks),
        **keys,
    }
    return gammagym.Market(scenario, agents=["alice", "bob"], cash=cash, horizon_seconds=seconds)


def event(kind: str, at: str = "60s", **keys: Any) -> Event:
    return {"kind": kind, "at": at, **keys}


def trade(here: Any, lots: float, who: str = "alice", instrument: str = PERP) -> Any:
    """Trade at market, positive: buy; returns the fill."""
    side = "buy" if lots > 0 else "sell"
    here.submit(who, instrument, side, abs(lots), type="market")
    here.advance(1)
    return here.fills(who).iloc[-1]


def assert_nothing_is_lost(here: Any) -> None:
    for currency in (QUOTE, COIN):
        assert conserved(here.world, currency) == here.world["deposits"][currency]
    assert not here.world["positions"]["quantity_lots"].sum(axis=0).any()


def funding_rate(here: Any) -> float:
    return int(here.world["instruments"]["funding"]["rate_e9"][0]) / RATE_UNIT


# --- Nothing matches -------------------------------------------------------------------------

OUTAGE = event("outage", what="matching", hold="10min")


def test_in_an_outage_nothing_trades_and_resting_orders_stay() -> None:
    fall = event("price", "120s", move="-20%")
    here = market(OUTAGE, fall)
    here.submit("alice", PERP, "buy", 1.0, price=59_000.0)
    here.advance(30)
    trades = int(here.world["books"]["trades"][0])
    here.advance(90)
    # The price elsewhere is far below the bid by now, and nobody sells to it.
    assert float(here.world["price"]["value"]) == pytest.approx(48_000.0)
    here.submit("alice", PERP, "buy", 1.0, type="market")
    here.cancel_all("alice")
    here.advance(400)
    assert here.rejects("alice")["halted"] == 2
    assert int(here.world["books"]["trades"][0]) == trades
    assert len(here.orders("alice")) == 1
    # 660 s: it goes on, and the stale bid is hit.
    here.advance(150)
    assert here.account("alice")[PERP] == 1.0
    assert here.fills("alice").iloc[-1]["price"] == 59_000.0
    assert_nothing_is_lost(here)


def test_an_outage_comes_on_top_of_closed_hours() -> None:
    """Closed by its hours from 60 s on, out of order from 30 s to 90 s."""
    calendar = {"timezone": "UTC", "open": "Mon 08:00", "close": "Mon 17:00"}
    keys: dict[str, Any] = {"rules": {"calendar": calendar}, "start": "2025-10-06T16:59:00Z"}
    outage = event("outage", "30s", what="matching", hold="60s")
    halted: list[list[int]] = [[], []]
    for place, shocks in enumerate(((outage,), ())):
        here = market(*shocks, **keys)
        for _ in range(6):
            here.advance(20)
            halted[place].append(int(here.world["venues"]["halted"][0]))
    assert halted == [[0, 1, 1, 1, 1, 1], [0, 0, 1, 1, 1, 1]]


def test_who_cannot_be_liquidated_in_an_outage_is_when_it_ends() -> None:
    here = market(OUTAGE, event("price", "120s", move="-20%"), cash=50_000.0)
    trade(here, 4.0)
    here.advance(600)
    assert here.world["accounts"]["liquidations"].sum() == 0
    here.advance(100)
    assert here.world["accounts"]["liquidations"].sum() == 1
    assert_nothing_is_lost(here)


def test_a_stop_that_is_reached_in_an_outage_trades_when_it_ends() -> None:
    """Although the price has come back: 60,000 to 57,000 and back, all within the outage."""
    there = event("price", "120s", hold="60s", move="-5%")
    here = market(OUTAGE, there)
    trade(here, 1.0)
    keys = {"type": "stop", "trigger_price": 58_000.0, "trigger_by": "mark"}
    here.submit("alice", PERP, "sell", 1.0, **keys)
    here.advance(620)
    assert here.account("alice")[PERP] == 1.0
    here.advance(60)
    assert here.account("alice")[PERP] == 0.0
    assert here.fills("alice").iloc[-1]["price"] == pytest.approx(60_000, rel=1e-3)


def test_a_frozen_book_is_no_basis_of_the_mark_and_no_sample_of_the_premium() -> None:
    """Ten minutes at 20 % below the book: mark and funding rate know nothing of the old quotes."""
    here = market(OUTAGE, event("price", "120s", move="-20%"), venue="binance")
    here.advance(59)
    rate = funding_rate(here)
    samples = int(here.world["instruments"]["funding"]["samples"][0])
    here.advance(600)
    assert float(here.world["instruments"]["mark_price"][0]) == pytest.approx(48_000, rel=1e-3)
    assert funding_rate(here) == rate
    assert int(here.world["instruments"]["funding"]["samples"][0]) <= samples + 1


def test_funding_is_due_in_an_outage() -> None:
    outage = event("outage", "7h", what="matching", hold="2h")
    here = market(outage, funding="0.1%")
    trade(here, -1.0)
    here.advance(8.5 * 3_600)
    assert here.account("alice")["funding"] == pytest.approx(60.0, rel=1e-3)


# --- No cancels ------------------------------------------------------------------------------


def test_where_cancels_are_refused_new_orders_still_work() -> None:
    here = market(event("outage", what="cancels", hold="60s"))
    order = here.submit("alice", PERP, "buy", 1.0, price=50_000.0)
    here.advance(70)
    here.cancel(order.id)
    here.amend(order.id, price=51_000.0, quantity=1.0)
    here.cancel_all("alice")
    here.submit("alice", PERP, "buy", 2.0, type="market")
    here.advance(1)
    assert here.rejects("alice")["halted"] == 3
    assert here.orders("alice")["price"].tolist() == [50_000.0]
    assert here.account("alice")[PERP] == 2.0
    here.advance(60)
    here.cancel(order.id)
    here.advance(1)
    assert here.orders("alice").empty


# --- Latency ---------------------------------------------------------------------------------


def arrivals(*shocks: Event) -> list[int]:
    """Return how long orders of alice are on their way before, in and after 60 s to 120 s."""
    latency = {"median": "20ms", "sigma": 0.4, "jitter": "2ms"}
    here = market(*shocks, rules={"order_latency": latency})
    times = []
    for _ in range(3):
        here.advance(50)
        here.submit("alice", PERP, "buy", 0.1, price=50_000.0)
        message = here.world["messages"][int(here.world["message_count"]) - 1]
        times.append(int(message["arrival_ns"]) - int(here.world["time_ns"]))
    return times


def test_a_latency_storm_multiplies_the_same_draws() -> None:
    calm = arrivals()
    storm = arrivals(event("latency", multiple=50.0, hold="60s"))
    # Of whole nanoseconds.
    assert storm == [calm[0], pytest.approx(50 * calm[1], abs=50), calm[2]]


def test_no_latency_storm_is_longer_than_an_hour() -> None:
    here = market(event("latency", multiple=10_000.0), rules={"order_latency": "10s"})
    here.advance(61)
    here.submit("alice", PERP, "buy", 0.1, price=50_000.0)
    assert int(here.world["messages"]["arrival_ns"][0]) == (61 + 3_600) * 10**9


# --- Fees ------------------------------------------------------------------------------------


def taker_rate(here: Any, who: str = "alice") -> float:
    fill = trade(here, 1.0, who)
    return float(fill["fee"] / fill["price"])


def test_a_fee_hike_is_everybodys_and_ends() -> None:
    here = market(event("fees", taker="0.005%", maker="-0.001%", hold="60s"))
    before = here.world["accounts"].tobytes()
    assert taker_rate(here) == pytest.approx(0.0005, rel=1e-6)
    here.advance(60)
    for who in ("alice", "bob"):
        assert taker_rate(here, who) == pytest.approx(0.00055, rel=1e-6)
    here.advance(60)
    assert taker_rate(here) == pytest.approx(0.0005, rel=1e-6)
    fresh = market()
    for name in ("maker_fee_e9", "taker_fee_e9"):
        rates = here.world["accounts"][name]
        assert rates.tolist() == fresh.world["accounts"][name].tolist()
    assert before != here.world["accounts"].tobytes()
    assert here.world["venues"]["ladder"].tolist() == fresh.world["venues"]["ladder"].tolist()


def test_a_step_of_the_ladder_within_a_fee_hike_keeps_the_hike() -> None:
    """At midnight the volume of a day brings 4 bp instead of 5, on top of which the event is."""
    tiers = [{"volume": 100_000, "maker": "0.01%", "taker": "0.04%"}]
    hike = event("fees", "12h", taker="0.005%", hold="24h")
    keys: dict[str, Any] = {"rules": {"fee_tiers": tiers}, "start": "2025-10-06T00:00:00Z"}
    here = market(hike, seconds=3 * DAY, **keys)
    assert taker_rate(here) == pytest.approx(0.0005, rel=1e-6)
    here.advance(13 * 3_600)
    assert taker_rate(here) == pytest.approx(0.00055, rel=1e-6)
    here.advance(12 * 3_600)
    assert taker_rate(here) == pytest.approx(0.00045, rel=1e-6)
    here.advance(12 * 3_600)
    assert taker_rate(here) == pytest.approx(0.0004, rel=1e-6)


# --- Funding ---------------------------------------------------------------------------------


def test_an_imposed_rate_rises_and_is_what_it_was_again() -> None:
    here = market(event("funding", move="0.2%", hold="60s"), funding="0.01%")
    rates = []
    for _ in range(3):
        here.advance(50)
        rates.append(funding_rate(here))
    assert rates == [0.0001, 0.0021, 0.0001]


def test_an_imposed_rate_goes_no_further_than_the_cap() -> None:
    here = market(
        event("funding", move="-50%"), funding="0.01%", rules={"perpetual.funding.cap": "0.3%"}
    )
    here.advance(61)
    assert funding_rate(here) == -0.003


def test_a_premium_of_the_timeline_brings_the_rate_to_its_cap() -> None:
    """From the first sample on, 1 % of premium: 0.95 % after the clamp, and a cap of 0.3 %."""
    for cap, expected in (("2%", 0.0095), ("0.3%", 0.003)):
        here = market(
            event("funding", "0s", move="1%"),
            venue="binance",
            rules={"perpetual.funding.cap": cap},
        )
        here.advance(3_600)
        assert funding_rate(here) == pytest.approx(expected, rel=0.02)


def test_continuous_funding_is_paid_on_the_premium_of_the_timeline() -> None:
    """A premium of 0.2 % less the damper of 0.025 %, for an hour of eight, on 600,000 dollars."""
    here = market(
        event("funding", move="0.2%", hold="1h"),
        venue="deribit",
        rules={"perpetual.price_band": None},
        cash=10_000_000.0,
    )
    trade(here, -60_000.0)
    here.advance(3 * 3_600)
    trade(here, 10.0)
    expected = 600_000.0 * (0.002 - 0.00025) / 8
    assert here.account("alice")["funding"] == pytest.approx(expected, rel=0.02)
    assert_nothing_is_lost(here)


# --- Collateral ------------------------------------------------------------------------------


def test_a_depeg_takes_from_the_margin_and_not_from_the_equity() -> None:
    here = market(event("collateral", move="-10%", hold="60s"), venue="binance")
    here.advance(61)
    account = here.account("alice")
    assert account["equity"] == 1_000_000.0
    assert account["margin_balance"] == pytest.approx(900_000.0)
    here.advance(60)
    assert here.account("alice")["margin_balance"] == 1_000_000.0


def test_a_depeg_can_liquidate_who_has_lost_nothing() -> None:
    """16 bitcoin on 50,000 dollars: a tenth less of them is below the maintenance margin."""
    keys: dict[str, Any] = {"venue": "binance", "cash": 10_000.0}
    for shocks, liquidations in (((), 0), ((event("collateral", move="-80%"),), 1)):
        here = market(*shocks, **keys)
        trade(here, 8.0)
        here.advance(100)
        assert here.world["accounts"]["liquidations"].sum() == liquidations


# --- Deleveraging ----------------------------------------------------------------------------


def test_deleveraging_closes_a_share_of_winning_shorts_at_the_mark() -> None:
    fall = event("price", "30s", move="-10%")
    here = market(fall, event("deleveraging", share="40%", side="sell"))
    sold = trade(here, -2.0)
    trade(here, 3.0, "bob")
    here.submit("alice", PERP, "sell", 0.5, price=70_000.0)
    here.submit("bob", PERP, "sell", 0.5, price=70_000.0)
    here.advance(50)
    before = here.account("alice")
    here.advance(20)
    after = here.account("alice")
    assert after[PERP] == pytest.approx(-1.2)
    assert after["equity"] == before["equity"]
    assert after["cash"] - before["cash"] == pytest.approx(0.8 * (sold["price"] - 54_000.0))
    line = here.fills("alice").iloc[-1]
    assert (line["cause"], line["price"], line["fee"]) == ("deleveraging", 54_000.0, 0.0)
    accounts = here.world["accounts"]
    assert accounts["deleveragings"].sum() == 1
    # Longs keep what they have; only who is deleveraged loses the orders.
    assert here.account("bob")[PERP] == 3.0
    assert (len(here.orders("alice")), len(here.orders("bob"))) == (0, 1)
    assert_nothing_is_lost(here)
    here.advance(60)
    assert here.account("alice")[PERP] == pytest.approx(-1.2)


def test_who_has_lost_is_not_deleveraged() -> None:
    rise = event("price", "30s", move="10%")
    here = market(rise, event("deleveraging", share="40%", side="sell"))
    trade(here, -2.0)
    here.advance(100)
    assert here.account("alice")[PERP] == -2.0


def test_deleveraging_takes_the_winners_of_the_leveraged_crowd_and_moves_no_price() -> None:
    """Of 10,000 short, those in profit as a whole; the buckets follow at the same tick."""
    runs = []
    for share in (None, "50%"):
        shocks = [event("price", "30s", move="-2%")]
        if share is not None:
            shocks.append(event("deleveraging", share=share, side="sell"))
        here = gammagym.Market(
            gammagym.load_scenario("liquidation_cascade", {"shocks": shocks, "jitter": "0s"}),
            agents=["alice"],
            seed=3,
        )
        here.advance(60.9)
        runs.append(here)
    calm, here = runs
    first, last = (int(here.world["buckets"]["account"][row]) for row in (0, -1))
    lots = [run.world["positions"]["quantity_lots"][:, 0] for run in runs]
    assert lots[1][last] == pytest.approx(0.5 * lots[0][last], abs=2)
    assert lots[1][first] == lots[0][first]
    shorts = here.world["buckets"]["account"] == last
    assert here.world["buckets"]["quantity_lots"][shorts].sum() == lots[1][last]
    for run in runs:
        assert_nothing_is_lost(run)
    here.advance(0.2)
    calm.advance(0.2)
    assert here.world["price"]["pressure"] == pytest.approx(calm.world["price"]["pressure"])


# --- Default ---------------------------------------------------------------------------------


def test_a_default_takes_a_share_of_the_equity_and_closes_everything() -> None:
    here = market(event("default", share="75%"))
    trade(here, -2.0)
    trade(here, 1.0, instrument="BTC-7D-100-C")
    trade(here, 3.0, instrument="BTC-SPOT")
    here.submit("alice", PERP, "buy", 1.0, price=50_000.0)
    here.advance(50)
    before = here.account("alice")["equity"]
    income = int(here.world["cash"][FEE_INCOME, QUOTE])
    here.advance(20)
    after = here.account("alice")
    assert after["equity"] == pytest.approx(0.25 * before, rel=1e-6)
    assert after["cash"] == after["equity"]
    assert [after[name] for name in (PERP, "BTC-7D-100-C", "coins")] == [0.0, 0.0, 0.0]
    assert here.orders("alice").empty
    assert after["maintenance_margin"] == 0.0
    # Bob, who had done nothing, has lost the same share.
    assert here.account("bob")["equity"] == 250_000.0
    lost = 0.75 * (before + 1_000_000.0)
    assert (int(here.world["cash"][FEE_INCOME, QUOTE]) - income) / QUANTA == pytest.approx(lost)
    assert_nothing_is_lost(here)
    here.submit("alice", PERP, "buy", 1.0, type="market")
    here.advance(DAY - 200)
    assert here.rejects("alice")["halted"] == 1
    assert here.account("alice")["equity"] == after["equity"]


def test_who_owes_money_loses_nothing_more_by_a_default() -> None:
    here = market(
        OUTAGE, event("price", "120s", move="-30%"), event("default", "150s", share="50%")
    )
    here.world["accounts"]["margined"][:] = 0
    trade(here, 80.0)
    here.advance(140)
    before = here.account("alice")["equity"]
    assert before < 0
    here.advance(100)
    assert here.account("alice")["equity"] == before


def test_a_default_of_one_venue_leaves_the_other_alone_and_stops_transfers() -> None:
    here = market(event("default", share="100%"), venue="binance", book_venue="deribit")
    trade(here, -2.0)
    trade(here, 1.0, instrument="BTC-7D-100-C")
    here.advance(100)
    assert here.account("alice")["equity"] == 0.0
    assert here.account("alice", at="book")["BTC-7D-100-C"] == 1.0
    assert trade(here, 1.0, instrument="BTC-7D-100-C")["quantity"] == 1.0
    with pytest.raises(gammagym.GammagymError, match="halted"):
        here.transfer("alice", 0.01, source="book", target="hedge")
    assert_nothing_is_lost(here)


# --- Copies ----------------------------------------------------------------------------------

ALL = (
    event("fees", "50s", taker="0.01%", hold="60s"),
    event("outage", "60s", what="cancels", hold="60s"),
    event("outage", "70s", what="matching", hold="40s"),
    event("latency", "60s", multiple=30.0, hold="80s"),
    event("funding", "55s", move="1%", hold="60s"),
    event("collateral", "50s", move="-5%", hold="60s"),
    event("deleveraging", "150s", share="30%", side="sell"),
    event("default", "200s", share="50%"),
)


def test_a_copy_in_the_middle_of_events_goes_on_alike(tmp_path: Any) -> None:
    here = gammagym.Market(
        gammagym.load_scenario("calm", {"shocks": list(ALL)}), agents=["alice"], seed=5
    )
    trade(here, -1.0)
    for second in (74, 20, 60, 70):
        here.submit("alice", PERP, "sell", 0.2, price=59_000.0)
        here.advance(second)
        path = tmp_path / f"{second}.npz"
        here.save(path)
        others = [here.fork(), gammagym.Market.load(path)]
        for one in (here, *others):
            one.advance(11)
        for other in others:
            assert other.world.tobytes() == here.world.tobytes()
        assert_nothing_is_lost(here)
