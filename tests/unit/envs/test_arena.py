"""Several competitors in one world: alone as ever, in each other's way, and each with its own."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from gammagym.envs.actions import InvalidActionError
from gammagym.envs.arena import Arena
from gammagym.envs.arena_vector import ArenaVectorEnv
from gammagym.envs.single import HedgeEnv
from gammagym.errors import ScenarioError
from gammagym.exchange.ledger import conserved
from gammagym.market.latency import travel_ns
from gammagym.market.streams import open_streams, uniform
from gammagym.scenario.tasks import TASKS, Leg
from gammagym.world import LARGE, empty_worlds, viewed
from gammagym.world.codes import (
    BUY,
    LATENCY_CONSTANT,
    PART_FEES,
    PART_RESIDUAL,
    STREAM_LATENCY,
    WAY_ACKNOWLEDGEMENT,
    WAY_CANCEL,
    WAY_DATA,
    WAY_ENTRY,
)

SHORT: dict[str, Any] = {"scenario": "calm", "horizon_seconds": 300.0}
# Nothing moves, and there is room for prices between the quotes.
STILL: dict[str, Any] = {
    "scenario": "textbook",
    "horizon_seconds": 600.0,
    "overrides": {"price.volatility": 0.0, "flow.half_spread": 0.0001},
}
NOTHING = np.zeros(2, np.float32)
IMPROVE, JOIN, TAKE, TAKE_BACK = (
    np.array(wish, np.float32) for wish in ((0.5, 0.25), (0.5, 0.0), (-0.5, 1.0), (0.5, 1.0))
)


def random_actions(count: int, agents: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).uniform(-1, 1, (count, agents, 2)).astype(np.float32)


def position(arena: Arena, name: str) -> int:
    world = arena.worlds[0]
    account = world["agents"]["hedge_account"][arena.possible_agents.index(name)]
    return int(world["positions"]["quantity_lots"][account, 0])


def resting(arena: Arena, name: str) -> list[tuple[int, int, int]]:
    """Return side, price and quantity of a competitor's orders in the book of the hedge."""
    world = arena.worlds[0]
    account = world["agents"]["hedge_account"][arena.possible_agents.index(name)]
    orders = world["orders"]
    own = orders[(orders["live"] == 1) & (orders["owner"] == account) & (orders["instrument"] == 0)]
    return [(int(o["side"]), int(o["price_ticks"]), int(o["quantity_lots"])) for o in own]


# --- Alone -----------------------------------------------------------------------------------


@pytest.mark.parametrize("task", sorted(TASKS))
def test_with_one_competitor_it_equals_the_single_environment_to_the_bit(task):
    options = SHORT | {"decision_interval": 60.0}
    arena, env = Arena(task, agents=["alice"], **options), HedgeEnv(task, **options)
    for seed in (3, None):
        (seen, infos), (expected, info) = arena.reset(seed=seed), env.reset(seed=seed)
        np.testing.assert_array_equal(seen["alice"], expected)
        assert infos["alice"] == info
        env.action_space.seed(5)
        for _ in range(5):
            action = env.action_space.sample()
            step = arena.step({"alice": action})
            observation, reward, ended, failed, info = env.step(action)
            np.testing.assert_array_equal(step.observations["alice"], observation)
            assert step.rewards["alice"] == reward
            assert (step.terminations["alice"], step.truncations["alice"]) == (ended, failed)
            assert step.infos["alice"] == info
        assert ended
        assert arena.worlds.tobytes() == env.worlds.tobytes()
        assert arena.results("alice") == env.results()
    assert arena.agent_spec("alice") == env.agent_spec()


def test_competitors_who_do_nothing_change_nothing_for_another():
    books = {
        "alice": {"book": (Leg("spot", 3.0),)},
        "bob": {},
        "carol": {"book": (Leg("call", -5.0, 1.1, 3.0), Leg("put", -5.0))},
    }
    arena = Arena(agents=books, **SHORT)
    for name, row in (("alice", 0), ("bob", 1), ("carol", 2)):
        env = HedgeEnv(**SHORT | ({"book": books[name]["book"]} if books[name] else {}))
        seen, _ = arena.reset(seed=5)
        expected, _ = env.reset(seed=5)
        np.testing.assert_array_equal(seen[name], expected)
        for action in random_actions(5, 1, row):
            actions = dict.fromkeys(arena.possible_agents, NOTHING) | {name: action[0]}
            step = arena.step(actions)
            observation, reward, _, _, info = env.step(action[0])
            np.testing.assert_array_equal(step.observations[name], observation)
            assert step.rewards[name] == pytest.approx(reward, rel=1e-12)
            # Sums over a book are taken in the order in which all of them are listed.
            assert step.infos[name].pop("attribution") == pytest.approx(
                info.pop("attribution"), rel=1e-12, abs=1e-9
            )
            assert step.infos[name] == info
        assert arena.agent_spec(name) == env.agent_spec()
        assert arena.results(name) == pytest.approx(env.results(), rel=1e-12, abs=1e-9)


# --- In each other's way ---------------------------------------------------------------------


def test_who_came_first_to_a_price_is_filled_first():
    arena = Arena(agents=("alice", "bob", "carol"), **STILL)
    arena.reset(seed=1)
    arena.step({"alice": IMPROVE, "bob": NOTHING, "carol": NOTHING})
    (side, price, lots) = resting(arena, "alice")[0]
    assert side == BUY
    step = arena.step({"alice": JOIN, "bob": JOIN, "carol": NOTHING})
    assert resting(arena, "alice") == [(BUY, price, lots)]
    assert resting(arena, "bob") == [(BUY, price, lots)]
    queue = arena.observation_fields.index("queue_ahead")
    assert step.observations["alice"][queue] == 0.0
    # Alice's order of half the largest size is what bob has ahead of him.
    assert step.observations["bob"][queue] == 0.5
    arena.step({"alice": JOIN, "bob": JOIN, "carol": TAKE})
    assert [position(arena, name) for name in ("alice", "bob", "carol")] == [lots, 0, -lots]


def test_without_the_first_the_second_is_filled():
    arena = Arena(agents=("alice", "bob", "carol"), **STILL)
    arena.reset(seed=1)
    arena.step({"alice": NOTHING, "bob": IMPROVE, "carol": NOTHING})
    arena.step({"alice": NOTHING, "bob": JOIN, "carol": TAKE})
    assert position(arena, "bob") == -position(arena, "carol") > 0


@pytest.mark.parametrize("seed", range(4))
def test_of_orders_that_arrive_at_once_another_competitors_is_first_in_turn(seed):
    arena = Arena(agents=("alice", "bob"), **STILL)
    arena.reset(seed=seed)
    queue = arena.observation_fields.index("queue_ahead")
    for decision in range(3):
        step = arena.step({"alice": IMPROVE, "bob": IMPROVE})
        ahead = [float(step.observations[name][queue]) for name in ("alice", "bob")]
        assert ahead == ([0.0, 0.5] if (seed + decision) % 2 == 0 else [0.5, 0.0])
        arena.step({"alice": NOTHING, "bob": NOTHING})
        arena.step({"alice": NOTHING, "bob": NOTHING})


@pytest.mark.parametrize("seed", range(4))
def test_the_faster_is_ahead_whosever_turn_it_is(seed):
    arena = Arena(agents={"alice": {"latency": "30ms"}, "bob": {"latency": "5ms"}}, **STILL)
    arena.reset(seed=seed)
    step = arena.step({"alice": IMPROVE, "bob": IMPROVE})
    queue = arena.observation_fields.index("queue_ahead")
    assert [float(step.observations[name][queue]) for name in ("alice", "bob")] == [0.5, 0.0]


def test_at_the_end_nobodys_orders_are_left_for_others_to_close_against():
    arena = Arena(agents=("alice", "bob"), **STILL | {"horizon_seconds": 120.0})
    for seed in (0, 1):
        arena.reset(seed=seed)
        arena.step({"alice": NOTHING, "bob": TAKE_BACK})
        held = position(arena, "bob")
        assert held > 0
        arena.step({"alice": IMPROVE, "bob": NOTHING})
        assert position(arena, "alice") == position(arena, "bob") == 0
        assert arena.results("alice")["maker_fills"] == 0
        assert arena.agents == []


# --- Each with its own -----------------------------------------------------------------------


def test_each_pays_its_own_fees():
    fees = {"alice": {"taker_fee": "0.02%"}, "bob": {"taker_fee": "0.1%"}, "carol": None}
    arena = Arena(agents=fees, **STILL)
    arena.reset(seed=1)
    arena.step(dict.fromkeys(fees, TAKE))
    world = arena.worlds[0]
    price = world["fills"]["price_ticks"][0] * world["instruments"]["tick_size"][0]
    lot = float(world["instruments"]["lot_size"][0])
    traded = -position(arena, "alice")
    assert traded == -position(arena, "bob") == -position(arena, "carol") > 0
    paid = -world["agents"]["parts"][:3, PART_FEES]
    seen, _ = arena.reset(seed=1)
    # The venue itself charges nothing.
    for row, (name, rate) in enumerate((("alice", 2e-4), ("bob", 1e-3), ("carol", 0.0))):
        assert paid[row] == pytest.approx(rate * traded * lot * price, rel=1e-6)
        assert arena.agent_spec(name).taker_fee == pytest.approx(rate)
        shown = seen[name][arena.observation_fields.index("taker_fee")]
        assert shown == pytest.approx(1e4 * rate)


def test_who_has_traded_more_pays_less_on_the_venues_ladder():
    options = SHORT | {"overrides": {"venue": "binance"}}
    arena = Arena(agents={"alice": {"volume": 10**9}, "bob": None}, **options)
    alice, bob = arena.agent_spec("alice"), arena.agent_spec("bob")
    assert alice.taker_fee < bob.taker_fee == HedgeEnv(**options).agent_spec().taker_fee


def test_each_has_its_own_latency_on_every_way():
    agents = {
        "alice": {"latency": 0.004, "cancel_latency": "2ms"},
        "bob": {"order_latency": "7ms", "data_latency": {"median": "3ms", "jitter": "1ms"}},
        "carol": None,
    }
    arena = Arena(agents=agents, **SHORT)
    ways = [WAY_ENTRY, WAY_CANCEL, WAY_ACKNOWLEDGEMENT, WAY_DATA]
    rows = arena.worlds["agents"]["latencies"][0]
    milliseconds = ((rows["fixed_ns"] + rows["median_ns"]) / 1e6)[:, ways].tolist()
    assert milliseconds[0] == [4.0, 2.0, 4.0, 4.0]
    assert milliseconds[1] == [7.0, 7.0, 3.0, 3.0]
    assert milliseconds[2] == [20.0, 20.0, 10.0, 10.0]
    assert rows["jitter_ns"][1, WAY_DATA] == 1_000_000


def test_every_competitor_has_latencies_of_its_own_and_the_first_four_as_they_were():
    world = viewed(empty_worlds(1, LARGE))[0]
    world["seed"] = 7
    open_streams(world)
    world["stress"]["latency_multiple"] = 1.0
    world["agents"]["latencies"]["jitter_ns"] = 10**9
    world["agents"]["latencies"]["kind"] = LATENCY_CONSTANT
    drawn = [[travel_ns(world, row, way, 0) for way in range(4)] for row in range(16)]
    assert len({time for times in drawn for time in times}) == 64
    key = world["keys"][STREAM_LATENCY + 4 * 3 + WAY_DATA]
    assert drawn[3][WAY_DATA] == int(1e9 * uniform(key, 1))


def test_a_book_is_listed_once_however_many_have_it():
    straddle = (Leg("call", 2.0), Leg("put", 2.0))
    agents = {"alice": None, "bob": {"book": straddle}, "carol": {"book": (Leg("put", -1.0),)}}
    arena = Arena(agents=agents, **SHORT)
    assert arena.compiled.instruments == ("BTC-PERP", "BTC-7D-100-C", "BTC-7D-100-P")
    arena.reset(seed=1)
    world = arena.worlds[0]
    books = world["positions"]["quantity_lots"][world["agents"]["book_account"][:3], 1:3]
    lot = float(world["instruments"]["lot_quantity"][1])
    assert (books * lot).tolist() == [[10.0, 10.0], [2.0, 2.0], [0.0, -1.0]]
    assert [arena.agent_spec(name).gross_quantity for name in agents] == [10.0, 2.0, 1.0]


def test_worlds_with_ranges_keep_what_each_competitor_has_of_its_own():
    agents = {"alice": {"taker_fee": "0.1%", "book": (Leg("spot", 2.0),)}, "bob": None}
    wide = {"price.volatility": {"low": 0.2, "high": 1.2}}
    arena = Arena(agents=agents, **SHORT, overrides=wide)
    drawn = set()
    for seed in range(3):
        arena.reset(seed=seed)
        world = arena.worlds[0]
        accounts = world["accounts"][world["agents"]["hedge_account"][:2]]
        assert accounts["taker_fee_e9"][:, 0].tolist() == [1_000_000, 500_000]
        assert world["agents"]["gross_units"][:2].tolist() == [2.0, 10.0]
        drawn.add(float(world["price"]["volatility"]))
    assert len(drawn) > 1


# --- Many of them ----------------------------------------------------------------------------


@pytest.mark.parametrize("count", [3, 16])
def test_money_is_conserved_and_the_parts_of_every_profit_sum_to_it(count):
    arena = Arena(agents=count, **SHORT | {"horizon_seconds": 900.0})
    arena.reset(seed=2)
    for actions in random_actions(15, count):
        step = arena.step(dict(zip(arena.possible_agents, actions, strict=True)))
    assert all(step.terminations.values())
    world = viewed(arena.worlds)[0]
    for currency in range(2):
        assert conserved(world, currency) == world["deposits"][currency]
    positions = world["positions"]["quantity_lots"]
    assert not positions[:, : int(world["instrument_count"])].sum(axis=0).any()
    premium = 39_767.0
    for row, name in enumerate(arena.possible_agents):
        parts = step.infos[name]["attribution"]
        assert sum(parts.values()) == pytest.approx(step.infos[name]["profit"], abs=1e-6 * premium)
        gamma = abs(parts["gamma"])
        assert abs(world["agents"]["parts"][row, PART_RESIDUAL]) <= max(0.005 * gamma, 1.0)
        assert arena.results(name)["turnover"] > 0
        assert position(arena, name) == 0
        assert step.infos[name]["rejects"] == world["agents"]["rejects"][row].sum()


def test_all_observations_are_in_their_space_and_make_up_the_state():
    arena = Arena(agents=("alice", "bob"), **SHORT)
    seen, _ = arena.reset(seed=4)
    for actions in random_actions(5, 2):
        for name in seen:
            assert arena.observation_space(name).contains(seen[name])
        assert arena.state_space.contains(arena.state())
        np.testing.assert_array_equal(arena.state(), np.concatenate(list(seen.values())))
        seen = arena.step(dict(zip(seen, actions, strict=True))).observations


# --- Many worlds -----------------------------------------------------------------------------


@pytest.mark.parametrize("threads", [1, 2])
def test_each_world_of_a_batch_equals_an_arena_to_the_bit(threads):
    envs = ArenaVectorEnv(3, agents=2, threads=threads, **SHORT)
    arenas = [Arena(agents=2, **SHORT) for _ in range(3)]
    seen, infos = envs.reset(seed=11)
    for row, arena in enumerate(arenas):
        arena.reset(seed=11 + row)
        np.testing.assert_array_equal(seen[row].ravel(), arena.state())
    actions = np.stack([random_actions(5, 2, seed) for seed in range(3)], axis=1)
    for number, action in enumerate(actions):
        seen, rewards, ended, failed, infos = envs.step(action)
        assert ended.tolist() == [number == 4] * 3
        assert not failed.any()
        before = infos["final_info"] if ended.any() else infos
        for row, arena in enumerate(arenas):
            step = arena.step(dict(zip(arena.possible_agents, action[row], strict=True)))
            last = infos["final_obs"] if ended.any() else seen
            np.testing.assert_array_equal(last[row].ravel(), arena.state())
            assert rewards[row].tolist() == list(step.rewards.values())
            profits = [info["profit"] for info in step.infos.values()]
            assert before["profit"][row].tolist() == profits
    assert (infos["time_seconds"] == 0.0).all()
    assert envs.observation_space.contains(seen)
    assert envs.agent_spec("agent_1") == arenas[0].agent_spec("agent_1")
    assert envs.results("agent_1")["turnover"].tolist() == [0.0] * 3


def test_seeds_of_a_batch_are_those_of_the_vector_environment():
    envs = ArenaVectorEnv(3, agents=2, **SHORT)
    envs.reset(seed=5)
    assert envs.worlds["seed"].tolist() == [5, 6, 7]
    envs.reset(seed=[9, 1, 4])
    assert envs.worlds["seed"].tolist() == [9, 1, 4]
    envs.reset()
    assert len(set(envs.worlds["seed"].tolist())) == 3
    with pytest.raises(gym.error.Error, match="3 seeds are needed, 2 were given"):
        envs.reset(seed=[1, 2])
    with pytest.raises(gym.error.Error, match="num_envs must be at least 1"):
        ArenaVectorEnv(0, **SHORT)


# --- Bad input -------------------------------------------------------------------------------


def test_actions_must_be_those_of_all_competitors():
    arena = Arena(agents=("alice", "bob"), **SHORT)
    with pytest.raises(gym.error.ResetNeeded):
        arena.step({"alice": NOTHING, "bob": NOTHING})
    arena.reset(seed=1)
    before = arena.worlds.tobytes()
    for actions, told in (
        ({"alice": NOTHING}, "needed for each of alice, bob: actions were given for alice"),
        ({"alice": NOTHING, "bob": NOTHING, "eve": NOTHING}, "given for alice, bob, eve"),
        ({"alice": NOTHING, "bob": np.zeros(3)}, r"must have shape \(2,\), was \(3,\)"),
        ({"alice": NOTHING, "bob": np.array([np.nan, 0.0])}, "must be finite"),
    ):
        with pytest.raises(InvalidActionError, match=told):
            arena.step(actions)
    assert arena.worlds.tobytes() == before
    with pytest.raises(KeyError, match="no agent 'eve': there are alice, bob"):
        arena.agent_spec("eve")


@pytest.mark.parametrize(
    ("agents", "told"),
    [
        ("alice", "a number, names, or a table by name"),
        (True, "a number, names, or a table by name"),
        (0, "1 to 16 competitors"),
        (17, "1 to 16 competitors"),
        (["alice", "alice"], "different names, 'alice' is not"),
        (["alice", ""], "different names, '' is not"),
        ({"alice": 3}, "'alice' must be a Competitor or a table, was 3"),
        ({"alice": {"latancy": "1ms"}}, "did you mean 'latency'"),
        ({"alice": {"taker_fee": "-1%", "latency": "fast"}}, "'alice': 2 problems"),
        ({"alice": {"taker_fee": "0.1%", "volume": 5}}, "no ladder is walked"),
        ({"alice": {"volume": 5}}, "venue 'generic' has no fee_tiers"),
        ({"alice": {"maker_fee": "-0.04%"}, "bob": {"taker_fee": "0.03%"}}, "a rebate of 0.04%"),
        ({"alice": {"book": ()}}, "book must be at least one"),
        ({"alice": {"book": (Leg("call", 1e-5),)}}, "multiple of the venue's lot"),
    ],
)
def test_impossible_competitors_are_refused(agents, told):
    with pytest.raises(ScenarioError, match=told):
        Arena(agents=agents, **SHORT)


def test_own_fees_and_a_venues_ladder_do_not_go_together():
    with pytest.raises(ScenarioError, match="has fee_tiers, which everybody walks"):
        Arena(agents={"a": {"taker_fee": "0.1%"}}, **SHORT, overrides={"venue": "binance"})
