"""A world that fails ends truncated and says why; the others go on."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from gammagym.envs.arena_vector import ArenaVectorEnv
from gammagym.envs.kernels.failing import FAILURES
from gammagym.envs.single import HedgeEnv
from gammagym.envs.vector import HedgeVectorEnv
from gammagym.world import fingerprint

SHORT: dict[str, Any] = {
    "scenario": "calm",
    "horizon_seconds": 100.0,
    "decision_interval": 20.0,
}
WISH = np.array([0.5, 0.0], np.float32)
WISHES = np.tile(WISH, (3, 1))
PRICE, MONEY, ROOM, REWARD, OBSERVATION = FAILURES[1:]
# What is spoiled, with what, and the reason that is told.
SPOILED = {
    "price.value": (np.nan, PRICE),
    "price.index": (0.0, PRICE),
    "price.ahead": (np.inf, PRICE),
    "price.volatility": (np.nan, PRICE),  # found when it has made a price
    "price.drift": (1e9, PRICE),
    "instruments.mark_price": (np.nan, PRICE),
    "instruments.fair_price": (np.nan, PRICE),
    "instruments.funding.index": (2**62 + 1, MONEY),
    "cash": (2**62 + 1, MONEY),
    "positions.quantity_lots": (2**50, MONEY),
    "without_room": (10**6, ROOM),
    "agents.stake": (0.0, REWARD),
    "agents.reward_equity": (np.nan, REWARD),
    "agents.seen_variance": (np.nan, OBSERVATION),
}


def spoil(worlds: Any, row: int, path: str, value: float) -> None:
    *tables, name = path.split(".")
    for table in tables:
        worlds = worlds[table]
    worlds[name][row] = value


def begun(mode: AutoresetMode) -> HedgeVectorEnv:
    envs = HedgeVectorEnv(3, autoreset_mode=mode, **SHORT)
    envs.reset(seed=5)
    envs.step(WISHES)
    return envs


@pytest.mark.parametrize("path", SPOILED)
def test_a_spoiled_world_ends_truncated_with_the_reason(path: str):
    env = HedgeEnv(**SHORT)
    env.reset(seed=5)
    env.step(WISH)
    value, reason = SPOILED[path]
    spoil(env.worlds, 0, path, value)
    observation, reward, terminated, truncated, info = env.step(WISH)
    assert (terminated, truncated, reward) == (False, True, 0.0)
    assert info["failure"] == reason
    assert env.observation_space.contains(observation)
    assert all(np.isfinite(part) for part in info["attribution"].values())
    with pytest.raises(gym.error.ResetNeeded):
        env.step(WISH)
    _, info = env.reset(seed=5)
    assert "failure" not in info
    assert "failure" not in env.step(WISH)[4]


@pytest.mark.parametrize("path", ["price.value", "cash", "agents.seen_variance"])
@pytest.mark.parametrize("mode", AutoresetMode)
def test_only_the_spoiled_world_of_a_vector_environment_ends(mode: AutoresetMode, path: str):
    envs, sound = begun(mode), begun(mode)
    value, reason = SPOILED[path]
    spoil(envs.worlds, 1, path, value)
    observations, rewards, ended, failed, infos = envs.step(WISHES)
    expected, fair, *_ = sound.step(WISHES)
    assert (ended.tolist(), failed.tolist()) == ([False] * 3, [False, True, False])
    assert rewards[1] == 0.0
    for row in (0, 2):
        assert observations[row].tobytes() == expected[row].tobytes()
        assert rewards[row] == fair[row]
        assert fingerprint(envs.worlds[row]) == fingerprint(sound.worlds[row])
    told = infos
    if mode == AutoresetMode.SAME_STEP:
        told = infos["final_info"]
        assert infos["_final_info"].tolist() == [False, True, False]
        assert np.isfinite(infos["final_obs"][1]).all()
        assert "failure" not in infos
    assert told["failure"].tolist() == [None, reason, None]
    assert told["_failure"].tolist() == [False, True, False]
    assert envs.single_observation_space.contains(observations[1])


@pytest.mark.parametrize("mode", AutoresetMode)
def test_a_world_that_failed_starts_anew_as_one_that_ended(mode: AutoresetMode):
    envs = begun(mode)
    spoil(envs.worlds, 1, "price.value", np.nan)
    envs.step(WISHES)
    if mode == AutoresetMode.DISABLED:
        with pytest.raises(gym.error.ResetNeeded, match=r"worlds \[1\] have ended"):
            envs.step(WISHES)
        envs.reset(options={"reset_mask": np.array([False, True, False])})
    *_, failed, infos = envs.step(WISHES)
    assert not failed.any()
    assert "failure" not in infos
    assert np.isfinite(envs.worlds["price"]["value"]).all()
    began = 0.0 if mode == AutoresetMode.NEXT_STEP else 20.0
    assert infos["time_seconds"].tolist() == [60.0, began, 60.0]


def test_an_arena_of_many_worlds_is_told_in_its_final_info():
    envs = ArenaVectorEnv(3, **SHORT)
    envs.reset(seed=5)
    envs.step(np.tile(WISH, (3, 2, 1)))
    spoil(envs.worlds, 1, "price.value", np.nan)
    _, rewards, ended, failed, infos = envs.step(np.tile(WISH, (3, 2, 1)))
    assert (ended.tolist(), failed.tolist()) == ([False] * 3, [False, True, False])
    assert rewards[1].tolist() == [0.0, 0.0]
    assert infos["final_info"]["failure"].tolist() == [None, PRICE, None]
    assert infos["final_info"]["_failure"].tolist() == [False, True, False]
    assert "failure" not in infos
    assert infos["time_seconds"].tolist() == [40.0, 0.0, 40.0]
    assert "final_info" not in envs.step(np.tile(WISH, (3, 2, 1)))[4]


def test_stable_baselines_is_told_that_it_was_cut_off():
    pytest.importorskip("stable_baselines3")
    from gammagym.sb3 import make_vec_env

    envs = make_vec_env("GammaScalp", n_envs=3, seed=5, **SHORT)
    envs.reset()
    spoil(envs.envs.worlds, 1, "price.value", np.nan)
    observations, rewards, dones, infos = envs.step(WISHES)
    assert dones.tolist() == [False, True, False]
    assert infos[1]["TimeLimit.truncated"] is True
    assert infos[1]["failure"] == PRICE
    assert np.isfinite(infos[1]["terminal_observation"]).all()
    assert rewards[1] == 0.0
    assert infos[0] == infos[2] == {}
    assert np.isfinite(observations).all()
    for _ in range(4):
        *_, dones, infos = envs.step(WISHES)
    assert dones.tolist() == [True, False, True]
    assert infos[0]["TimeLimit.truncated"] is False
    assert "failure" not in infos[0]


def test_orders_refused_are_no_failure_as_long_as_they_are_few():
    env = HedgeEnv(**SHORT)
    env.reset(seed=5)
    env.worlds["next_order_id"] += 10_000
    env.worlds["without_room"] = env.worlds["next_order_id"] // 11
    *_, truncated, _ = env.step(WISH)
    assert not truncated


# --- Bad input, in every face ----------------------------------------------------------------


@pytest.mark.parametrize(
    "actions", [np.full((3, 2), np.nan), np.zeros((3, 1)), np.zeros(2), None, "buy"], ids=repr
)
def test_stable_baselines_refuses_bad_actions(actions: Any):
    pytest.importorskip("stable_baselines3")
    from gammagym.sb3 import make_vec_env

    envs = make_vec_env("GammaScalp", n_envs=3, seed=5, **SHORT)
    with pytest.raises(gym.error.ResetNeeded):
        envs.step(WISHES)
    envs.reset()
    before = fingerprint(envs.envs.worlds)
    with pytest.raises(gym.error.InvalidAction):
        envs.step(actions)
    assert fingerprint(envs.envs.worlds) == before
    envs.step(WISHES)
