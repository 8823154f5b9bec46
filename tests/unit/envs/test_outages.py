"""What an agent sees and can do while its venue is in trouble."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gammagym.agent import FIELD_NAMES
from gammagym.world.codes import NO_ORDER, REJECT_HALTED
from gammagym.world.sizes import OBSERVED

MINUTE: dict[str, Any] = {"horizon_seconds": 1_200.0, "decision_interval": 20.0}
# What market data say, of the book and of the hedge, and what an agent knows without them.
OF_BOOK = ("book_delta", "gamma", "vega", "theta", "implied_volatility")
OF_HEDGE = ("price", "spread", "bid_depth", "ask_depth", "imbalance", "funding_rate", "basis")
CLOCKS = ("time_to_expiry", "time_left", "time_to_funding")


def outage(what: str, at: str = "200s", hold: str = "200s", **keys: Any) -> dict[str, Any]:
    return {"kind": "outage", "what": what, "at": at, "hold": hold, **keys}


def opened(make_worlds: Any, *shocks: dict[str, Any], **keys: Any) -> Any:
    overrides = {"shocks": list(shocks)} | keys.pop("overrides", {})
    return make_worlds(
        keys.pop("scenario", "calm"), "GammaScalp", 1, 3, overrides=overrides, **MINUTE | keys
    )


def field(run: Any, name: str) -> float:
    return float(run.observations[0, FIELD_NAMES.index(name)])


def seen(run: Any, names: tuple[str, ...]) -> list[float]:
    return [field(run, name) for name in names]


def own_orders(run: Any) -> Any:
    world = run.worlds[0]
    orders, account = world["orders"], world["agents"]["hedge_account"][0]
    return orders[(orders["live"] == 1) & (orders["owner"] == account)]


def test_a_world_has_room_for_every_field_of_the_observation() -> None:
    assert len(FIELD_NAMES) == OBSERVED


# --- No market data --------------------------------------------------------------------------


def test_without_data_an_agent_sees_the_last_market_and_its_own_position(make_worlds: Any) -> None:
    run = opened(make_worlds, outage("data"))
    for _ in range(9):
        run.step([[0.0, 0.0]])
    # 180 s; the data stop at 200 s, which is the moment of the next decision.
    last = seen(run, OF_BOOK + OF_HEDGE)
    fills = int(run.worlds["fill_count"][0])
    trades = int(run.worlds["books"]["trades"][0, 0])
    # An event is still there at the price tick at which its hold ends, 400 s.
    for step in range(11):
        run.step([[0.5, 1.0]])
        assert seen(run, OF_BOOK + OF_HEDGE) == last
        assert (field(run, "halted"), field(run, "return_1")) == (1.0, 0.0)
        assert field(run, "hedge") == pytest.approx(0.1 * (step + 1))
        net = field(run, "book_delta") + field(run, "hedge")
        assert field(run, "net_delta") == pytest.approx(net, rel=1e-6)
    # The market went on, and its clocks.
    assert int(run.worlds["books"]["trades"][0, 0]) > trades + 10
    assert int(run.worlds["fill_count"][0]) >= fills + 10
    assert field(run, "time_left") == pytest.approx(1 - 400 / 1_200)
    run.step([[0.0, 0.0]])
    assert field(run, "halted") == 0.0
    assert all(now != then for now, then in zip(seen(run, OF_BOOK[:4]), last, strict=False))
    # The move of ten decisions is seen in one.
    assert field(run, "return_1") != 0.0


def test_a_data_outage_gives_nothing_away(make_worlds: Any) -> None:
    """A crash within it is in no field but what the agent's own clock and fills say."""
    crash = {"kind": "price", "at": "250s", "move": "-10%"}
    runs = [opened(make_worlds, outage("data"), *more) for more in ((), (crash,))]
    for step in range(20):
        for run in runs:
            run.step([[0.0, 0.0]])
        assert runs[0].observations.tobytes() == runs[1].observations.tobytes(), step
    for run in runs:
        run.step([[0.0, 0.0]])
    assert field(runs[1], "price") < 0.92 * field(runs[0], "price")


def test_without_data_orders_are_placed_by_the_last_touch(make_worlds: Any) -> None:
    crash = {"kind": "price", "at": "250s", "move": "-3%"}
    run = opened(make_worlds, outage("data"), crash)
    for _ in range(10):
        run.step([[0.0, 0.0]])
    touch = run.worlds["agents"]["seen_touch_ticks"][0, 0, 0].tolist()
    for _ in range(4):
        run.step([[0.0, 0.0]])
    # 3 % above the market by now, so a post-only bid there would trade.
    run.step([[0.5, 0.0]])
    assert run.worlds["agents"]["working"]["price_ticks"][0, 0, 0] == touch[0]
    assert run.worlds["agents"]["rejects"][0, 0].sum() == 1
    run.step([[-0.5, 0.0]])
    assert own_orders(run)["price_ticks"].tolist() == [touch[1]]
    assert field(run, "working_distance") == pytest.approx(0.0, abs=1e-6)


def test_each_venue_has_data_of_its_own(make_worlds: Any) -> None:
    """Options at one venue, the hedge at another: what each publishes stands still on its own."""
    for venue, names, others in (
        ("generic", OF_BOOK, ("price",)),
        ("binance", ("price", "basis"), ("book_delta",)),
    ):
        run = opened(make_worlds, outage("data", venue=venue), scenario="two_venues")
        for _ in range(9):
            run.step([[0.0, 0.0]])
        last, other = seen(run, names), seen(run, others)
        for _ in range(5):
            run.step([[0.0, 0.0]])
        assert seen(run, names) == last
        assert seen(run, others) != other
        assert field(run, "halted") == (1.0 if venue == "binance" else 0.0)


def test_an_outage_from_the_first_moment_leaves_the_first_look(make_worlds: Any) -> None:
    dark, calm = opened(make_worlds, outage("data", "0s")), opened(make_worlds)
    halted = FIELD_NAMES.index("halted")
    assert np.delete(dark.observations, halted).tolist() == (
        np.delete(calm.observations, halted).tolist()
    )
    first = seen(dark, OF_HEDGE)
    dark.step([[0.0, 0.0]])
    assert seen(dark, OF_HEDGE) == first


# --- No matching -----------------------------------------------------------------------------


def test_an_outage_of_the_hedges_venue_is_announced(make_worlds: Any) -> None:
    run = opened(make_worlds, outage("matching"))
    halted = []
    while not run.over:
        run.step([[0.2, 1.0]])
        halted.append(field(run, "halted"))
    assert halted == [0.0] * 9 + [1.0] * 11 + [0.0] * 40
    # One wish in each decision of the outage.
    assert run.worlds["agents"]["rejects"][0, 0, REJECT_HALTED] == 11


def test_an_order_is_not_lost_track_of_when_its_cancel_is_refused(make_worlds: Any) -> None:
    for what in ("matching", "cancels"):
        run = opened(make_worlds, outage(what))
        for _ in range(10):
            run.step([[0.5, -1.0]])
        resting = own_orders(run)
        assert len(resting) == 1
        for _ in range(3):
            run.step([[0.0, 0.0]])
            assert field(run, "working") == pytest.approx(0.5)
            assert run.worlds["agents"]["working"]["row"][0, 0, 0] != NO_ORDER
        while field(run, "time_left") > 0.6:
            run.step([[0.0, 0.0]])
        assert len(own_orders(run)) == 0
        assert field(run, "working") == 0.0


# --- No cancels ------------------------------------------------------------------------------


def test_an_order_that_cannot_be_canceled_is_canceled_when_that_works_again(
    make_worlds: Any,
) -> None:
    run = opened(make_worlds, outage("cancels"))
    for _ in range(10):
        run.step([[0.5, -1.0]])
    # The other side: the bid cannot be canceled, the offer comes besides.
    run.step([[-0.5, -1.0]])
    run.step([[-0.5, -1.0]])
    assert sorted(own_orders(run)["side"].tolist()) == [0, 1]
    # From then on nothing more rests, but crossing works.
    hedge = field(run, "hedge")
    run.step([[0.25, -1.0]])
    assert len(own_orders(run)) == 2
    run.step([[0.25, 1.0]])
    assert field(run, "hedge") == pytest.approx(hedge + 0.05)
    while field(run, "time_left") > 0.6:
        run.step([[0.25, -1.0]])
    orders = own_orders(run)
    assert orders["side"].tolist() == [0]
    assert (
        orders["order_id"].tolist()
        == run.worlds["agents"]["working"]["order_id"][0, 0, :1].tolist()
    )


@pytest.mark.parametrize("what", ["matching", "data", "cancels"])
@pytest.mark.parametrize("seed", range(4))
def test_whatever_an_agent_does_no_order_stays_behind(
    make_worlds: Any, what: str, seed: int
) -> None:
    """Random wishes through an outage; afterwards the wish for no order leaves none."""
    run = opened(make_worlds, outage(what))
    random = np.random.default_rng(seed)
    for _ in range(24):
        run.step(random.uniform(-1.0, [[1.0, 0.4]], (1, 2)))
        assert len(own_orders(run)) <= 2
    for _ in range(2):
        run.step([[0.0, 0.0]])
    assert len(own_orders(run)) == 0
    agent = run.worlds["agents"][0, 0]
    assert agent["working"][["strays", "pending", "unacknowledged"]][0].tolist() == (0, 0, 0)
