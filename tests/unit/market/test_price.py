"""The fundamental price: its moments, and the bridge over a tape."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gammagym.market.price import _walk, start_price, step_price
from gammagym.market.streams import bits, open_streams
from gammagym.world import STANDARD, empty_worlds
from gammagym.world.codes import PRICE_GBM, PRICE_REPLAY
from gammagym.world.sizes import YEAR_NS

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
TAPE = np.array([100.0, 103.0, 99.0, 101.5, 102.0, 98.0])


def price_world(seed=1, *, model=PRICE_GBM, volatility=0.6, drift=0.0, tick_ns=SECOND, choices=0):
    """Make a world of which only the price is used."""
    world = empty_worlds(1, STANDARD)[0]
    price = world["price"]
    price["model"], price["process"], price["tick_ns"] = model, 100.0, tick_ns
    price["volatility"], price["drift"] = volatility, drift
    price["tape_step_ns"], price["tape_choices"] = MINUTE, choices
    price["path_steps"], price["activity"], price["pace"] = 10, 1.0, 1.0
    world["stress"]["variance_multiple"] = 1.0
    world["seed"] = seed
    open_streams(world)
    start_price(world, TAPE)
    return world


def path(world, ticks):
    """Step a price and return its values; the first tick of all comes before time passes."""
    values = []
    if world["price"]["tick"] == 0:
        step_price(world, TAPE)
    for _ in range(ticks):
        world["time_ns"] += world["price"]["tick_ns"]
        step_price(world, TAPE)
        values.append(float(world["price"]["value"]))
    return np.array(values)


def test_the_first_price_is_the_start():
    world = price_world()
    assert world["price"]["value"] == world["price"]["previous"] == 100.0


def test_a_tick_remembers_the_price_before():
    world = price_world()
    values = path(world, 5)
    assert world["price"]["previous"] == values[-2]
    assert world["price"]["changed_ns"] == 5 * SECOND
    assert world["price"]["tick"] == 6


@pytest.mark.parametrize(("volatility", "drift"), [(0.6, 0.0), (0.2, 3.0), (1.5, -5.0)])
def test_log_returns_have_the_moments_of_a_geometric_brownian_motion(volatility, drift):
    tick = 3_600 * SECOND
    world = price_world(volatility=volatility, drift=drift, tick_ns=tick)
    returns = np.diff(np.log(np.concatenate([[100.0], path(world, 6_000)])))
    years = tick / YEAR_NS
    deviation = volatility * math.sqrt(years)
    mean = (drift - 0.5 * volatility**2) * years
    assert returns.mean() == pytest.approx(mean, abs=4 * deviation / math.sqrt(6_000))
    assert returns.std() == pytest.approx(deviation, rel=0.04)
    correlation = np.corrcoef(returns[1:], returns[:-1])[0, 1]
    assert abs(correlation) < 4 / math.sqrt(6_000)


def test_the_price_without_drift_is_a_martingale():
    year = YEAR_NS
    ends = [path(price_world(seed, tick_ns=year // 4), 4)[-1] for seed in range(4_000)]
    deviation = 100 * math.sqrt(math.exp(0.36) - 1)
    assert np.mean(ends) == pytest.approx(100.0, abs=4 * deviation / math.sqrt(4_000))


def test_without_volatility_the_price_grows_by_its_drift():
    world = price_world(volatility=0.0, drift=1.0, tick_ns=YEAR_NS // 10)
    assert path(world, 10)[-1] == pytest.approx(100 * math.e, rel=1e-12)


def test_the_price_stands_still_while_the_market_warms_up():
    world = price_world()
    world["time_ns"] = -3 * SECOND
    assert path(world, 3).tolist() == [100.0] * 3
    assert path(world, 1)[0] != 100.0


# --- Replay ----------------------------------------------------------------------------------


@pytest.mark.parametrize("tick_seconds", [1, 7, 20, 60, 90])
def test_the_bridge_meets_every_recorded_price_that_falls_on_a_tick(tick_seconds):
    world = price_world(model=PRICE_REPLAY, tick_ns=tick_seconds * SECOND)
    values = path(world, 300 // tick_seconds)
    for number, value in enumerate(values, start=1):
        cell, rest = divmod(number * tick_seconds, 60)
        if rest == 0:
            assert value == TAPE[cell]
        else:
            assert value != TAPE[cell]


def test_the_bridge_has_the_variance_of_a_bridge():
    """In the middle of a minute, half of the deviation of a free walk over the minute."""
    middles = []
    for seed in range(3_000):
        world = price_world(seed, model=PRICE_REPLAY, tick_ns=10 * SECOND)
        middles.append(math.log(path(world, 3)[-1]))
    centre = 0.5 * (math.log(TAPE[0]) + math.log(TAPE[1]))
    deviation = 0.6 * math.sqrt(MINUTE / YEAR_NS) / 2
    assert np.mean(middles) == pytest.approx(centre, abs=4 * deviation / math.sqrt(3_000))
    assert np.std(middles) == pytest.approx(deviation, rel=0.05)


def test_without_volatility_the_bridge_is_straight_in_the_logarithm():
    world = price_world(model=PRICE_REPLAY, volatility=0.0, tick_ns=20 * SECOND)
    values = path(world, 3)
    expected = [100.0 * 1.03 ** (third / 3) for third in (1, 2, 3)]
    assert values == pytest.approx(expected, rel=1e-12)


def test_beyond_the_tape_the_last_price_stays():
    world = price_world(model=PRICE_REPLAY, tick_ns=MINUTE)
    assert path(world, 9)[4:].tolist() == [98.0] * 5


def test_without_a_choice_a_replay_begins_at_the_first_price():
    for seed in range(5):
        world = price_world(seed, model=PRICE_REPLAY)
        assert (world["price"]["value"], world["price"]["tape_start_ns"]) == (100.0, 0)


def test_seeds_start_a_replay_at_every_place_that_may_be_chosen():
    starts = set()
    for seed in range(100):
        world = price_world(seed, model=PRICE_REPLAY, choices=3, tick_ns=MINUTE)
        cell = int(world["price"]["tape_start_ns"]) // MINUTE
        assert world["price"]["value"] == TAPE[cell]
        assert path(world, 2).tolist() == TAPE[cell + 1 : cell + 3].tolist()
        starts.add(cell)
    assert starts == {0, 1, 2}


def test_a_replay_of_real_prices_meets_them(make_worlds, real_data):
    from gammagym.data.prices import read_prices

    file = real_data("btc_perp_1min_2022-01.csv.gz")
    run = make_worlds(
        "replay",
        seed=3,
        overrides={"price.file": str(file)},
        horizon_seconds=600.0,
        decision_interval=60.0,
    )
    prices = read_prices(file).prices
    first = int(run.worlds["price"]["tape_start_ns"][0]) // MINUTE
    assert first > 0
    seen = []
    for _ in range(10):
        run.step([[0.0, 0.0]])
        seen.append(float(run.worlds["price"]["value"][0]))
    assert seen == prices[first + 1 : first + 11].tolist()


@pytest.mark.parametrize("steps", [1, 3, 4, 10, 147, 150])
def test_a_walk_is_the_sum_of_its_coins(steps):
    """Sixteen coins a step; four steps share the bits of one draw."""
    world, key = price_world(), np.uint64(77)
    price = world["price"]
    price["path_steps"], price["tick"] = steps, 3
    price["path"][:] = -1.0
    words = [int(bits(key, 3 * 50 + word)) for word in range(38)]
    heads = [(words[step // 4] >> 16 * (step % 4) & 0xFFFF).bit_count() for step in range(151)]
    expected = 0.5 * np.cumsum([0.0] + [count - 8.0 for count in heads[1 : steps + 1]])
    assert _walk(price, key) == expected[-1]
    np.testing.assert_array_equal(price["path"][: steps + 1], expected)
    assert (price["path"][steps + 1 :] == -1.0).all()
