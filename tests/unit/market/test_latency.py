"""How long messages are on their way: the distributions, and whom their draws depend on."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import gammagym
from gammagym.market.latency import latency_ns, travel_ns
from gammagym.scenario.competitors import write_latency
from gammagym.venues.schema import Latency
from gammagym.world import empty_worlds
from gammagym.world.codes import WAY_ACKNOWLEDGEMENT, WAY_CANCEL, WAY_DATA, WAY_ENTRY, WAYS
from gammagym.world.sizes import LONGEST_LATENCY_NS

KEY = np.uint64(0x0123456789ABCDEF)
COUNT = 20_000
MS = 1_000_000
WILD = {"median": "20ms", "sigma": 1.0, "jitter": "2ms"}


def row(**keys: Any) -> Any:
    """Return a row of a world that holds a latency as a venue file would say it."""
    latencies = empty_worlds(1)["agents"]["latencies"][0, 0]
    write_latency(latencies.view(np.recarray)[0], Latency.model_validate(keys))
    return latencies[0]


def draws(count: int = COUNT, **keys: Any) -> Any:
    latency = row(**keys)
    return np.array([latency_ns(latency, KEY, number) for number in range(count)])


# --- Distributions ---------------------------------------------------------------------------


@pytest.mark.parametrize("median", ["0s", "20ms", "1h"])
def test_a_median_alone_is_a_constant(median):
    latency = Latency.model_validate({"median": median})
    assert set(draws(100, median=median).tolist()) == {latency.median}


def test_a_constant_with_jitter_is_uniform_on_top():
    times = draws(median="20ms", jitter="4ms") - 20 * MS
    assert 0 <= times.min() < 0.01 * MS
    assert 3.99 * MS < times.max() < 4 * MS
    assert times.mean() == pytest.approx(2 * MS, rel=0.02)
    assert times.std() == pytest.approx(4 * MS / math.sqrt(12), rel=0.02)


def test_the_logarithm_of_a_lognormal_is_normal_around_its_median():
    logs = np.log(draws(median="20ms", sigma=0.4) / (20 * MS))
    assert logs.mean() == pytest.approx(0.0, abs=4 * 0.4 / math.sqrt(COUNT))
    assert logs.std() == pytest.approx(0.4, rel=0.02)
    stats = pytest.importorskip("scipy.stats")
    assert stats.kstest(logs / 0.4, "norm").pvalue > 0.001


def test_a_floor_leaves_the_median_and_varies_only_what_is_above_it():
    times = draws(median="20ms", sigma=1.0, minimum="15ms")
    assert np.median(times) == pytest.approx(20 * MS, rel=0.01)
    assert times.min() >= 15 * MS
    assert np.log((times - 15 * MS) / (5 * MS)).std() == pytest.approx(1.0, rel=0.02)


def test_lognormal_jitter_is_drawn_by_itself():
    plain, shaken = draws(median="20ms", sigma=0.4), draws(median="20ms", sigma=0.4, jitter="4ms")
    jitter = shaken - plain
    assert (jitter >= 0).all()
    assert (jitter <= 4 * MS).all()
    assert jitter.mean() == pytest.approx(2 * MS, rel=0.02)
    assert abs(np.corrcoef(plain, jitter)[0, 1]) < 4 / math.sqrt(COUNT)


def test_the_samples_of_a_table_are_equally_likely():
    values, counts = np.unique(draws(samples=["12ms", "80ms", "15ms"]), return_counts=True)
    assert values.tolist() == [12 * MS, 15 * MS, 80 * MS]
    assert counts / COUNT == pytest.approx(np.full(3, 1 / 3), abs=4 * math.sqrt(2 / 9 / COUNT))


def test_the_wildest_draw_is_no_longer_than_the_longest_latency_allowed():
    times = draws(200, median="1h", sigma=3.0, jitter="1h")
    assert times.max() == LONGEST_LATENCY_NS
    assert times.min() >= 0


# --- Streams ---------------------------------------------------------------------------------


def test_draws_are_a_function_of_key_and_number_alone():
    latency, expected = row(**WILD), draws(500, **WILD)
    places = np.random.default_rng(0).permutation(500)
    assert [latency_ns(latency, KEY, place) for place in places] == expected[places].tolist()
    assert latency_ns(latency, KEY + np.uint64(1), 0) != expected[0]


def test_every_agent_has_streams_of_its_own_for_every_way():
    rules = {"order_latency": WILD, "data_latency": WILD}
    scenario = gammagym.load_scenario("calm", {"rules": rules})
    world = gammagym.Market(scenario, agents=["alice", "bob"], seed=7).world
    times = np.array(
        [
            [travel_ns(world, agent, way, number) for number in range(500)]
            for agent in range(2)
            for way in range(WAYS)
        ]
    )
    correlations = np.corrcoef(np.log(times)) - np.eye(2 * WAYS)
    assert np.abs(correlations).max() < 5 / math.sqrt(500)


def sent(bob_is_busy: bool) -> list[int]:
    """Return the arrivals of alice's instructions, while bob is idle or busy."""
    rules = {"order_latency": WILD, "cancel_latency": {"samples": ["1ms", "90ms"]}}
    market = gammagym.Market(
        gammagym.load_scenario("calm", {"rules": rules}), agents=["alice", "bob"], seed=7
    )
    arrivals: list[int] = []
    for number in range(8):
        if bob_is_busy:
            for _ in range(1 + number % 3):
                market.submit("bob", "BTC-PERP", "buy", 0.1, price=20_000.0)
        order = market.submit("alice", "BTC-PERP", "buy", 0.1, price=30_000.0)
        if number % 2:
            market.cancel(order.id)
        flight = market.world["messages"][: int(market.world["message_count"])]
        arrivals += flight["arrival_ns"][flight["order_id"] == order.id].tolist()
        market.advance(seconds=1.0)
    return arrivals


def test_the_delays_of_an_agent_do_not_depend_on_what_others_send():
    assert sent(bob_is_busy=False) == sent(bob_is_busy=True)
    assert len(set(sent(bob_is_busy=True))) > 8


# --- Rules -----------------------------------------------------------------------------------


def ways(make_exchange: Any, **rules: Any) -> dict[int, int]:
    """Return the first draw of every way of an agent at a venue with these rules."""
    world = make_exchange(rules=rules)
    return {way: travel_ns(world, 0, way, 0) for way in range(WAYS)}


def test_what_a_venue_leaves_out_is_as_its_neighbour(make_exchange):
    assert ways(make_exchange) == {
        WAY_ENTRY: 20 * MS,
        WAY_CANCEL: 20 * MS,
        WAY_ACKNOWLEDGEMENT: 10 * MS,
        WAY_DATA: 10 * MS,
    }


def test_every_way_has_a_rule(make_exchange):
    rules = {"order_latency": "1ms", "cancel_latency": "2ms"}
    rules |= {"acknowledgement_latency": "3ms", "data_latency": "4ms"}
    assert ways(make_exchange, **rules) == {
        WAY_ENTRY: 1 * MS,
        WAY_CANCEL: 2 * MS,
        WAY_ACKNOWLEDGEMENT: 3 * MS,
        WAY_DATA: 4 * MS,
    }


def test_an_order_sent_later_may_arrive_earlier():
    """Ten at once: where delays vary, they queue in another order than they were sent in."""
    rules = {"order_latency": WILD}
    market = gammagym.Market(gammagym.load_scenario("calm", {"rules": rules}), seed=7)
    orders = [market.submit("agent", "BTC-PERP", "buy", 0.1, price=30_000.0).id for _ in range(10)]
    market.advance(seconds=5.0)
    resting = market.world["orders"]
    resting = resting[np.isin(resting["order_id"], orders) & (resting["live"] == 1)]
    queue = resting["order_id"][np.argsort(resting["arrival"])].tolist()
    assert sorted(queue) == orders
    assert queue != orders
