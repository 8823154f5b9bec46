"""Forks: the same outside world or another one, planning with them, the price of a queue place."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from gammagym import Market
from gammagym.engine.book import queue_ahead
from gammagym.engine.inspection import SOUND, check_book
from gammagym.envs.planning import values_of
from gammagym.envs.queueing import move_in_queue, queue_values, resting_order
from gammagym.envs.single import HedgeEnv
from gammagym.envs.vector import HedgeVectorEnv
from gammagym.errors import OrderError
from gammagym.world import fingerprint

SHORT: dict[str, Any] = {"horizon_seconds": 240.0, "decision_interval": 20.0}
WISH = np.array([0.5, 0.0], np.float32)


def begun(scenario: str = "calm", steps: int = 3, **options: Any) -> HedgeEnv:
    env = HedgeEnv(scenario=scenario, **SHORT | options)
    env.reset(seed=4)
    for _ in range(steps):
        env.step(WISH)
    return env


# --- Forks -----------------------------------------------------------------------------------


@pytest.mark.parametrize("scenario", ["calm", "smile", "liquidation_cascade", "spread_blowout"])
def test_a_fork_meets_the_same_outside_world_and_leaves_the_original_alone(scenario: str):
    env, untouched = begun(scenario), begun(scenario)
    twin = env.fork()
    for _ in range(3):
        twin.step(-WISH)
    assert fingerprint(env.worlds) == fingerprint(untouched.worlds)
    for _ in range(3):
        env.step(WISH)
    for name in ("process", "ahead", "path"):
        assert twin.worlds["price"][name].tobytes() == env.worlds["price"][name].tobytes()
    assert twin.worlds["flows"]["event"].tolist() == env.worlds["flows"]["event"].tolist()
    assert twin.worlds["keys"].tobytes() == env.worlds["keys"].tobytes()
    assert fingerprint(twin.worlds) != fingerprint(env.worlds)


@pytest.mark.parametrize("scenario", ["calm", "smile", "two_venues", "trending"])
def test_a_reseeded_fork_shares_the_present_and_nothing_of_the_future(scenario: str):
    env = begun(scenario)
    other = env.fork(reseed=1)
    assert other.worlds["price"]["value"] == env.worlds["price"]["value"]
    assert other.worlds["cash"].tobytes() == env.worlds["cash"].tobytes()
    assert other.worlds["orders"].tobytes() == env.worlds["orders"].tobytes()
    flows = int(env.worlds["flow_count"][0])
    assert (other.worlds["price"]["ahead"] != env.worlds["price"]["ahead"]).all()
    was, now = (each.worlds["flows"]["next_ns"][0, :flows] for each in (env, other))
    assert (was != now).all()
    assert (now > env.worlds["time_ns"][0]).all()
    observations = [each.step(WISH)[0].tobytes() for each in (env, other)]
    assert observations[0] != observations[1]


def test_equal_numbers_give_equal_futures_and_a_fork_of_a_fork_another_one():
    env = begun()
    one, same, other = env.fork(reseed=5), env.fork(reseed=5), env.fork(reseed=6)
    again = one.fork(reseed=5)
    for each in (one, same, other, again):
        each.step(WISH)
    assert fingerprint(one.worlds) == fingerprint(same.worlds)
    prices = [float(each.worlds["price"]["value"][0]) for each in (one, other, again)]
    assert len(set(prices)) == 3


def test_many_forks_are_the_forks_that_one_by_one_would_be():
    env = begun()
    many = env.fork_many([3, None, 3])
    assert isinstance(many, HedgeVectorEnv)
    observations, rewards, *_ = many.step(np.tile(WISH, (3, 1)))
    for row, number in enumerate([3, None, 3]):
        alone = env.fork(reseed=number)
        observation, reward, *_ = alone.step(WISH)
        assert observation.tobytes() == observations[row].tobytes()
        assert reward == rewards[row]
        assert fingerprint(alone.worlds[0]) == fingerprint(many.worlds[row])


def test_worlds_of_a_vector_environment_are_reseeded_each_with_its_number():
    envs = HedgeVectorEnv(3, scenario="calm", **SHORT)
    envs.reset(seed=4)
    wishes = np.tile(WISH, (3, 1))
    twin, other, one = envs.fork(), envs.fork(reseed=[8, None, 9]), envs.fork(reseed=8)
    for each in (envs, twin, other, one):
        each.step(wishes)
    assert fingerprint(twin.worlds) == fingerprint(envs.worlds)
    prices = [each.worlds["price"]["value"] for each in (envs, other, one)]
    assert (prices[0] == prices[1]).tolist() == [False, True, False]
    assert (prices[1] == prices[2]).tolist() == [True, False, False]


def test_episodes_after_a_fork_are_equal_too_and_after_a_reseeded_one_different():
    env = begun()
    twin, other = env.fork(), env.fork(reseed=2)
    first = [each.reset()[0].tobytes() for each in (env, twin, other)]
    assert first[0] == first[1] != first[2]


def test_who_looks_into_a_fork_is_marked():
    env = begun()
    assert not env.forked
    twin = env.fork(reseed=1)
    assert env.forked
    assert twin.forked
    envs = HedgeVectorEnv(2, scenario="calm", **SHORT)
    envs.reset(seed=1)
    assert not envs.forked
    assert envs.fork().forked
    assert envs.forked
    assert begun().fork_many([1]).forked


def test_the_wait_for_the_next_customer_is_drawn_from_its_law():
    """Exponential with the scenario's rate, from the fork on: it has no memory."""
    env = begun("smile", overrides={"options.customers": {"rate": 0.05}})
    waits = []
    for first in range(0, 2_000, 100):
        many = env.fork_many(list(range(first, first + 100)))
        waits.append((many.worlds["customers"]["next_ns"] - many.worlds["time_ns"]) / 1e9)
    seconds = np.concatenate(waits)
    assert seconds.min() > 0.0
    assert seconds.mean() == pytest.approx(20.0, abs=4 * 20.0 / np.sqrt(2_000))
    assert (seconds > 20.0).mean() == pytest.approx(np.exp(-1), abs=4 * 0.48 / np.sqrt(2_000))


def test_redrawn_prices_are_on_average_the_price_now():
    env = begun(decision_interval=20.0)
    prices = []
    for first in range(0, 400, 100):
        many = env.fork_many(list(range(first, first + 100)))
        many.step(np.zeros((100, 2), np.float32))
        prices.append(many.worlds["price"]["value"])
    moves = np.log(np.concatenate(prices) / float(env.worlds["price"]["value"][0]))
    deviation = 0.6 * np.sqrt(20.0 / (365 * 86_400))
    assert abs(moves.mean()) < 4 * deviation / np.sqrt(400)
    assert moves.std() == pytest.approx(deviation, rel=0.2)


def test_how_active_the_market_is_stays_in_a_reseeded_fork():
    market = Market("btc", seed=3)
    market.advance(seconds=20.0)
    assert market.world["price"]["activity_sigma"] > 0.0
    other = market.fork(reseed=1)
    assert other.world["price"]["activity"] == market.world["price"]["activity"]
    assert other.world["price"]["activity_state"] == market.world["price"]["activity_state"]


@pytest.mark.parametrize("reseed", [-1, 2**63, 1.5, True, "x", [1], [1, 2, None], [1, 2.5]])
def test_an_impossible_reseed_is_refused(reseed: Any):
    envs = HedgeVectorEnv(2, scenario="calm", **SHORT)
    envs.reset(seed=1)
    with pytest.raises(gym.error.Error, match="reseed must be"):
        envs.fork(reseed=reseed)
    assert not envs.forked


def test_what_has_not_begun_cannot_be_forked():
    with pytest.raises(gym.error.ResetNeeded, match="no episode to fork"):
        HedgeEnv(scenario="calm", **SHORT).fork()
    with pytest.raises(gym.error.ResetNeeded, match="no episode to fork"):
        HedgeVectorEnv(2, scenario="calm", **SHORT).fork(reseed=1)
    with pytest.raises(gym.error.Error, match="reseed must be"):
        begun().fork_many([])


# --- Planning --------------------------------------------------------------------------------


def test_a_planner_beats_doing_nothing():
    """Six decisions of a short straddle; five orders to choose from, 32 futures each."""
    orders = np.array([[-1, 1], [-0.5, 1], [0, 0], [0.5, 1], [1, 1]], np.float32)
    returns: dict[bool, list[float]] = {True: [], False: []}
    for seed, plans in [(3, True), (3, False), (4, True), (4, False)]:
        env = HedgeEnv(
            "ShortGamma",
            "textbook",
            horizon_seconds=3600.0,
            decision_interval=600.0,
            overrides={"price.tick": "10s"},
        )
        env.reset(seed=seed)
        total, over, number = 0.0, False, 0
        while not over:
            choice = 2
            if plans:
                choice = int(np.argmax(values_of(env, orders, 32, 3, reseed=32 * number)))
            _, reward, over, _, _ = env.step(orders[choice])
            total, number = total + reward, number + 1
        returns[plans].append(total)
    assert np.mean(returns[True]) > 0.5 * np.mean(returns[False])
    assert np.mean(returns[False]) < 0.0


def test_planning_leaves_the_environment_as_it_is():
    env, untouched = begun("textbook"), begun("textbook")
    values = values_of(env, np.array([[0, 0], [1, 1]], np.float32), 4, 20)
    assert values.shape == (2,)
    assert np.isfinite(values).all()
    assert fingerprint(env.worlds) == fingerprint(untouched.worlds)
    assert env.forked


# --- The price of a place in a queue ---------------------------------------------------------

LARGE_TICK: dict[str, Any] = {
    "horizon_seconds": 3600.0,
    "decision_interval": 1.0,
    "overrides": {"rules.perpetual.tick": "50"},
}


def in_a_queue() -> HedgeEnv:
    env = HedgeEnv(scenario="calm", **LARGE_TICK)
    env.reset(seed=5)
    env.step(WISH)
    return env


def test_an_order_is_moved_within_its_queue_and_the_book_stays_sound():
    env = in_a_queue()
    row = resting_order(env.worlds[0])
    book = env.worlds[0]["books"][0]
    ahead = int(queue_ahead(book, row))
    level = env.worlds["levels"][0, env.worlds["orders"]["level"][0, row]]
    own = int(env.worlds["orders"]["quantity_lots"][0, row])
    assert ahead > 0
    many = env.fork_many([1, 1])
    for place, world in enumerate(many.worlds):
        move_in_queue(world, row, to_front=place == 0)
        assert check_book(world["books"][0]) == SOUND
    ahead_now = [int(queue_ahead(world["books"][0], row)) for world in many.worlds]
    assert ahead_now == [0, int(level["quantity_lots"]) - own]
    assert int(queue_ahead(book, row)) == ahead


def test_the_front_of_a_long_queue_is_worth_about_half_a_tick():
    """With a tick of 50, the spread is a tick, and one unit at its front earns half of it."""
    values = queue_values(in_a_queue(), futures=128, decisions=15)
    gain = values.front - values.back
    error = gain.std() / np.sqrt(len(gain))
    assert values.front_filled.mean() > values.back_filled.mean() + 0.3
    assert gain.mean() > 5 * error
    assert 0.25 * 50 < gain.mean() < 50


def test_where_nobody_else_queues_the_place_is_worth_nothing():
    env = HedgeEnv(scenario="btc", horizon_seconds=3600.0, decision_interval=1.0)
    env.reset(seed=2)
    env.step(WISH)
    row = resting_order(env.worlds[0])
    assert int(queue_ahead(env.worlds[0]["books"][0], row)) == 0
    values = queue_values(env, futures=8, decisions=5)
    assert (values.front == values.back).all()
    assert values.front_filled.any()


def test_a_place_in_a_queue_needs_an_order():
    env = HedgeEnv(scenario="calm", **LARGE_TICK)
    env.reset(seed=3)
    with pytest.raises(OrderError, match="no order rests"):
        queue_values(env, futures=2, decisions=1)
