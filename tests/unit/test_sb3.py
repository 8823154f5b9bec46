"""The adapter for stable-baselines3: the vector environment, to the bit."""

import warnings

import numpy as np
import pytest

pytest.importorskip("stable_baselines3", reason="stable-baselines3 is not installed")

import gymnasium as gym
from stable_baselines3.common.env_checker import check_env
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import VecMonitor, VecNormalize

from gammagym.envs.single import HedgeEnv
from gammagym.envs.vector import HedgeVectorEnv
from gammagym.errors import GammagymError, ScenarioError
from gammagym.sb3 import make_vec_env

SETTINGS = {"scenario": "calm", "horizon_seconds": 480.0, "overrides": {"flow.preset": "sparse"}}
STEPS = 8  # in an episode


def actions(rows=3, count=20, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (count, rows, 2)).astype(np.float32)


def test_the_single_environment_passes_the_check_of_stable_baselines3():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(HedgeEnv(**SETTINGS))


def test_it_equals_the_vector_environment_to_the_bit():
    adapter = make_vec_env("gammagym/GammaScalp-v0", n_envs=3, seed=5, **SETTINGS)
    envs = HedgeVectorEnv(3, "GammaScalp", autoreset_mode="SameStep", **SETTINGS)
    np.testing.assert_array_equal(adapter.reset(), envs.reset(seed=5)[0])
    for action in actions():
        observations, rewards, dones, infos = adapter.step(action)
        expected = envs.step(action)
        np.testing.assert_array_equal(observations, expected[0])
        np.testing.assert_array_equal(rewards, expected[1])
        np.testing.assert_array_equal(dones, expected[2])
        if dones.any():
            for row in range(3):
                np.testing.assert_array_equal(
                    infos[row]["terminal_observation"], expected[4]["final_obs"][row]
                )
    assert adapter.envs.worlds.tobytes() == envs.worlds.tobytes()


def test_only_worlds_that_ended_have_infos_with_the_statistics_of_their_episode():
    adapter = make_vec_env("GammaScalp", n_envs=3, seed=5, **SETTINGS)
    adapter.reset()
    returns = np.zeros(3)
    for step, action in enumerate(actions(), start=1):
        _, rewards, dones, infos = adapter.step(action)
        returns += rewards
        assert dones.all() == dones.any() == (step % STEPS == 0)
        for row in range(3):
            if not dones[row]:
                assert infos[row] == {}
                continue
            assert infos[row]["episode"]["l"] == STEPS
            assert infos[row]["episode"]["r"] == pytest.approx(returns[row])
            assert infos[row]["TimeLimit.truncated"] is False
            assert "relative_cost" in infos[row]["results"]
        returns[dones] = 0.0


def test_the_same_seed_gives_the_same_episodes_also_after_the_first():
    first, second = (make_vec_env("GammaScalp", n_envs=2, seed=9, **SETTINGS) for _ in range(2))
    np.testing.assert_array_equal(first.reset(), second.reset())
    for action in actions(2):
        np.testing.assert_array_equal(first.step(action)[0], second.step(action)[0])
    assert first.seed(3) == [3, 4]


def test_attributes_and_methods_are_those_of_the_vector_environment():
    adapter = make_vec_env("GammaScalp", n_envs=3, **SETTINGS)
    assert adapter.get_attr("threads") == [1, 1, 1]
    adapter.set_attr("threads", 2)
    assert adapter.get_attr("threads", indices=1) == [2]
    assert adapter.env_method("agent_spec", indices=[0, 2])[1].task == "GammaScalp"
    assert adapter.env_is_wrapped(Monitor) == [True] * 3
    assert adapter.env_is_wrapped(gym.Wrapper, indices=0) == [False]
    assert not adapter.has_attr("nothing")
    with pytest.raises(GammagymError, match="cannot be set for some worlds"):
        adapter.set_attr("threads", 1, indices=[0])


def test_it_works_under_the_wrappers_of_stable_baselines3():
    adapter = make_vec_env("GammaScalp", n_envs=2, seed=1, **SETTINGS)
    with pytest.warns(UserWarning, match="already wrapped"):  # its own statistics, twice
        envs = VecNormalize(VecMonitor(adapter))
    envs.reset()
    for action in actions(2):
        observations, _, dones, infos = envs.step(action)
        assert np.isfinite(observations).all()
        assert ("episode" in infos[0]) == dones[0]
    envs.close()


def test_stepping_before_reset_and_unknown_tasks_are_refused():
    adapter = make_vec_env("GammaScalp", n_envs=2, **SETTINGS)
    with pytest.raises(gym.error.ResetNeeded):
        adapter.step(actions(2)[0])
    with pytest.raises(ScenarioError, match="did you mean 'GammaScalp'"):
        make_vec_env("gammagym/GamaScalp-v0")


def test_attribution_comes_with_every_info_on_request():
    """It is that of the vector environment, and of an episode that ends its last one."""
    options = {"scenario": "calm", "horizon_seconds": 180.0}
    plain, told = (
        make_vec_env("GammaScalp", 2, seed=3, attribution=wish, **options) for wish in (False, True)
    )
    single = HedgeEnv(**options)
    single.reset(seed=3)
    plain.reset()
    told.reset()
    action = np.full((2, 2), 0.4, np.float32)
    for step in range(3):
        *_, infos = told.step(action)
        *_, empty = plain.step(action)
        *_, info = single.step(action[0])
        assert infos[0]["attribution"] == info["attribution"]
        assert all("attribution" not in each for each in empty)
        assert ("results" in infos[0]) == (step == 2)
