"""What environments take for an action, by scheme, and what they refuse."""

from __future__ import annotations

import warnings
from typing import Any, get_args

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from gammagym.envs.actions import InvalidActionError
from gammagym.envs.kernels.moves import MOVES
from gammagym.envs.single import HedgeEnv
from gammagym.envs.vector import HedgeVectorEnv
from gammagym.errors import AgentError, CapacityError, ScenarioError
from gammagym.loading import load_agent
from gammagym.scenario.tasks import ActionScheme, Leg, Task, get_task
from gammagym.world import fingerprint
from gammagym.world.sizes import FREE_ORDERS

SCHEMES = get_args(ActionScheme)
SIZES = {"hedge": 2, "quotes": 4, "band": 3, "orders": 4 * FREE_ORDERS}
EVERY = [(scheme, options) for scheme in SCHEMES for options in (False, True)]
SHORT: dict[str, Any] = {"horizon_seconds": 240.0, "decision_interval": 60.0}
SPARSE = {"flow.preset": "sparse"}


def single(scheme: str, trade_options: bool = False, **options: Any) -> HedgeEnv:
    return HedgeEnv(
        "GammaScalp",
        "calm",
        overrides=SPARSE,
        action_scheme=scheme,
        trade_options=trade_options,
        **(SHORT | options),
    )


@pytest.mark.parametrize(("scheme", "options"), EVERY)
def test_spaces_are_those_of_the_scheme_and_options_add_a_number_each(scheme, options):
    env = single(scheme, options)
    if scheme == "discrete":
        expected: Any = gym.spaces.Discrete(len(MOVES))
        if options:
            expected = gym.spaces.MultiDiscrete([len(MOVES), 3, 3])
    else:
        expected = gym.spaces.Box(-1.0, 1.0, (SIZES[scheme] + 2 * options,), np.float32)
    assert env.action_space == expected
    assert env.agent_spec().action_shape == expected.shape
    assert env.agent_spec().action_scheme == scheme


@pytest.mark.parametrize(("scheme", "options"), EVERY)
def test_environments_of_every_scheme_pass_gymnasiums_check(scheme, options):
    env = gym.make(
        "gammagym/GammaScalp-v0",
        scenario="calm",
        overrides=SPARSE,
        action_scheme=scheme,
        trade_options=options,
        **SHORT,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env.unwrapped)


@pytest.mark.parametrize(("scheme", "options"), EVERY)
def test_environments_of_every_scheme_pass_the_check_of_stable_baselines3(scheme, options):
    checker = pytest.importorskip("stable_baselines3.common.env_checker")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        checker.check_env(single(scheme, options))


@pytest.mark.parametrize(("scheme", "options"), EVERY)
def test_a_vector_of_worlds_takes_the_same_actions_to_the_bit(scheme, options):
    alone = single(scheme, options)
    envs = HedgeVectorEnv(
        2,
        "GammaScalp",
        "calm",
        overrides=SPARSE,
        action_scheme=scheme,
        trade_options=options,
        **SHORT,
    )
    alone.reset(seed=4)
    envs.reset(seed=3)
    envs.action_space.seed(0)
    for _ in range(3):
        actions = envs.action_space.sample()
        seen, reward, *_ = alone.step(actions[1])
        observations, rewards, *_ = envs.step(actions)
        np.testing.assert_array_equal(seen, observations[1])
        assert reward == rewards[1]
    assert fingerprint(alone.worlds[:1]) == fingerprint(envs.worlds[1:])


@pytest.mark.parametrize("trade_options", [False, True])
def test_algorithms_of_stable_baselines3_act_in_whole_numbers(trade_options):
    algorithms = pytest.importorskip("stable_baselines3")
    from gammagym.sb3 import make_vec_env

    options = SHORT | {"action_scheme": "discrete", "trade_options": trade_options}
    envs = make_vec_env("GammaScalp", 2, seed=0, scenario="calm", overrides=SPARSE, **options)
    state = np.random.get_state()  # noqa: NPY002 (which these algorithms draw from)
    model = algorithms.PPO("MlpPolicy", envs, n_steps=4, batch_size=8, n_epochs=1, device="cpu")
    model.learn(8)
    if not trade_options:
        small = {"buffer_size": 100, "learning_starts": 4, "device": "cpu"}
        algorithms.DQN("MlpPolicy", envs, **small).learn(8)
    np.random.set_state(state)  # noqa: NPY002


# --- Refused ----------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", [name for name in SCHEMES if name != "discrete"])
def test_numbers_beyond_one_are_clipped_and_others_refused(scheme):
    env, clipped = single(scheme), single(scheme)
    first = env.reset(seed=1)[0]
    np.testing.assert_array_equal(first, clipped.reset(seed=1)[0])
    size = SIZES[scheme]
    beyond = np.where(np.arange(size) % 2, -7.0, 3.0)
    np.testing.assert_array_equal(env.step(beyond)[0], clipped.step(np.sign(beyond))[0])
    with pytest.raises(InvalidActionError, match=rf"must have shape \({size},\), was \(1,\)"):
        env.step([0.0])
    with pytest.raises(gym.error.InvalidAction, match="finite"):
        env.step(np.full(size, np.nan))


@pytest.mark.parametrize(
    ("action", "told"),
    [
        (0.0, "must be integers of shape .* was float64"),
        (np.float32(3.0), "must be integers"),
        (True, "must be integers"),
        ("buy", "must be integers"),
        ([3], r"must have shape \(\), was \(1,\)"),
        (-1, f"from 0 to {len(MOVES) - 1}, was -1"),
        (len(MOVES), f"from 0 to {len(MOVES) - 1}, was {len(MOVES)}"),
    ],
)
def test_a_move_is_one_whole_number_of_the_table(action, told):
    env = single("discrete")
    env.reset(seed=1)
    with pytest.raises(InvalidActionError, match=told):
        env.step(action)
    for move in (3, np.int64(3), np.array(3)):
        env.step(move)


def test_moves_of_many_worlds_are_as_many_whole_numbers():
    options = SHORT | {"action_scheme": "discrete", "trade_options": True}
    envs = HedgeVectorEnv(2, "GammaScalp", "calm", overrides=SPARSE, **options)
    envs.reset(seed=1)
    envs.step(np.array([[0, 0, 1], [11, 2, 0]]))
    with pytest.raises(InvalidActionError, match=r"shape \(2, 3\), was \(2,\)"):
        envs.step(np.array([0, 1]))
    with pytest.raises(InvalidActionError, match=r"from 0 to \[11, 2, 2\]"):
        envs.step(np.array([[0, 0, 1], [0, 3, 0]]))


def test_impossible_schemes_are_refused_with_what_is_possible():
    with pytest.raises(ScenarioError, match="action_scheme must be one of 'hedge', 'quotes'"):
        get_task("GammaScalp", action_scheme="market_making")
    with pytest.raises(ScenarioError, match="risk_aversion must be > 0 for the action scheme"):
        get_task("GammaScalp", action_scheme="band", risk_aversion=0.0)
    with pytest.raises(ScenarioError, match="trade_options must be False for a book without"):
        get_task("SpotHedge", trade_options=True)
    with pytest.raises(ScenarioError, match="trade_options must be one of False, True, was 'yes'"):
        get_task("GammaScalp", trade_options="yes")


def test_more_options_than_orders_to_keep_track_of_are_refused():
    legs = tuple(Leg("call", 1.0, moneyness) for moneyness in (0.9, 0.95, 1.0, 1.05, 1.1))
    task = Task("Ladder", legs, action_scheme="orders", trade_options=True)
    with pytest.raises(CapacityError, match="5 options of the book and 4 orders of the scheme"):
        HedgeEnv(task, "calm")


# --- Rule-based agents ------------------------------------------------------------------------


def test_the_order_of_a_rule_based_agent_fits_actions_with_more_numbers():
    spec = single("hedge", trade_options=True).agent_spec()
    action = spec.order(np.array([-spec.largest_order, 0.5 * spec.largest_order]), -1.0)
    assert action.dtype == np.float32
    assert action.tolist() == [[-1.0, -1.0, 0.0, 0.0], [0.5, -1.0, 0.0, 0.0]]


@pytest.mark.parametrize("scheme", [name for name in SCHEMES if name != "hedge"])
def test_a_rule_based_agent_refuses_another_scheme(scheme):
    spec = single(scheme).agent_spec()
    with pytest.raises(AgentError, match=f"by the action scheme 'hedge', the task's is '{scheme}'"):
        spec.order(1.0)


BAND_MARKETS: list[dict[str, Any]] = [
    {"scenario": "calm", "overrides": {"flow.preset": "thin"}},
    {"scenario": "calm", "overrides": SPARSE, "dead_zone": 0.0},
    {"scenario": "textbook", "task": "ShortGamma"},
    {"scenario": "flash_crash", "overrides": SPARSE},
    {
        "scenario": "calm",
        "overrides": SPARSE | {"price.volatility": {"low": 0.3, "high": 0.9}},
    },
]


@pytest.mark.parametrize("market", BAND_MARKETS)
def test_the_band_of_zeros_is_whalley_wilmott_to_the_bit(market):
    options = {"horizon_seconds": 7_200.0, "decision_interval": 60.0} | market
    theirs, ours = HedgeEnv(**options), HedgeEnv(**options, action_scheme="band")
    agent = load_agent("whalley_wilmott", theirs.agent_spec())
    seen = theirs.reset(seed=12)[0]
    np.testing.assert_array_equal(ours.reset(seed=12)[0], seen)
    agent.reset({})
    is_over = False
    while not is_over:
        seen, reward, is_over, _, info = theirs.step(agent.act(seen))
        observation, *rest = ours.step(np.zeros(3))
        np.testing.assert_array_equal(observation, seen)
        assert rest == [reward, is_over, False, info]
        for table in ("working", "instructions"):
            sent, wished = (env.worlds["agents"][table] for env in (theirs, ours))
            assert sent.tobytes() == wished.tobytes()
    assert theirs.worlds["fills"].tobytes() == ours.worlds["fills"].tobytes()
    assert theirs.results() == ours.results()
    assert theirs.results()["taker_fills"] > 3


def test_residuals_of_the_band_shift_widen_and_slow_it():
    turnovers = {}
    for name, action in {
        "textbook": (0.0, 0.0, 0.0),
        "wide": (0.0, 1.0, 0.0),
        "narrow": (0.0, -1.0, 0.0),
        "patient": (0.0, 0.0, -0.5),
    }.items():
        env = single("band", horizon_seconds=7_200.0)
        env.reset(seed=12)
        while not env.step(np.array(action))[2]:
            pass
        turnovers[name] = env.results()["turnover"]
        if name == "patient":
            assert env.results()["maker_fills"] > 0
    assert turnovers["wide"] < turnovers["textbook"] < turnovers["narrow"]


@pytest.mark.parametrize("shift", [-1.0, 1.0])
def test_the_centre_of_the_band_moves_the_net_delta(shift):
    env = single("band", horizon_seconds=3_600.0)
    env.reset(seed=12)
    spec = env.agent_spec()
    for _ in range(30):
        seen = env.step(np.array([shift, -1.0, 0.0]))[0]
    assert float(spec.read(seen).net_delta) == pytest.approx(shift, abs=0.35)
