"""Gymnasium's contract: its own checker, seeds, autoreset modes, errors, registration."""

from __future__ import annotations

import copy
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import gammagym
from gammagym.agent import FIELD_NAMES
from gammagym.envs.single import HedgeEnv
from gammagym.envs.vector import HedgeVectorEnv
from gammagym.errors import GammagymError, ScenarioError
from gammagym.scenario.tasks import TASKS

IDS = [f"gammagym/{task}-v0" for task in sorted(TASKS)]
SHORT: dict[str, Any] = {"scenario": "calm", "horizon_seconds": 60.0, "decision_interval": 20.0}
LENGTH = 3
COUNT = 3
WISH = np.array([0.5, 1.0], np.float32)
WISHES = np.tile(WISH, (COUNT, 1))


def vector(mode: AutoresetMode = AutoresetMode.NEXT_STEP, **options: Any) -> HedgeVectorEnv:
    return HedgeVectorEnv(COUNT, autoreset_mode=mode, **SHORT | options)


# --- One environment -------------------------------------------------------------------------


@pytest.mark.parametrize("name", IDS)
def test_gymnasiums_checker_finds_nothing(name):
    check_env(gym.make(name, **SHORT).unwrapped)


@pytest.mark.parametrize("name", IDS)
def test_registered_environments_run_to_their_end_with_every_wrapper(name):
    env = gym.make(name, **SHORT)
    observation, info = env.reset(seed=1)
    assert observation.shape == (len(env.unwrapped.observation_fields),)
    for step in range(LENGTH):
        wish = np.resize(WISH, env.action_space.shape)
        observation, reward, terminated, truncated, info = env.step(wish)
        assert (terminated, truncated) == (step == LENGTH - 1, False)
        assert env.observation_space.contains(observation)
        assert isinstance(reward, float)
    assert info["time_seconds"] == 60.0
    assert env.unwrapped.observation_fields[: len(FIELD_NAMES)] == FIELD_NAMES


def test_rendering_is_text_and_declared():
    env = gym.make(IDS[0], render_mode="ansi", **SHORT)
    env.reset(seed=1)
    assert "ask" in env.render()
    assert env.metadata["render_modes"] == ["ansi", "rgb_array"]


def test_equal_seeds_give_equal_episodes_and_no_seed_gives_a_new_one():
    env = HedgeEnv(**SHORT)
    first, _ = env.reset(seed=5)
    second, _ = env.reset()
    third, _ = env.reset()
    again, _ = env.reset(seed=5)
    assert first.tobytes() == again.tobytes()
    assert second.tobytes() != third.tobytes()
    assert env.reset()[0].tobytes() == second.tobytes()


def test_what_is_returned_is_a_copy():
    env = HedgeEnv(**SHORT)
    observation, _ = env.reset(seed=5)
    kept = observation.copy()
    env.step(WISH)
    assert observation.tobytes() == kept.tobytes()
    envs = vector()
    observations, _ = envs.reset(seed=5)
    kept = observations.copy()
    _, rewards, *_ = envs.step(WISHES)
    kept_rewards = rewards.copy()
    envs.step(-WISHES)
    assert observations.tobytes() == kept.tobytes()
    assert rewards.tobytes() == kept_rewards.tobytes()


def test_environments_can_be_copied():
    env = HedgeEnv(**SHORT)
    env.reset(seed=5)
    twin = copy.deepcopy(env)
    assert env.step(WISH)[0].tobytes() == twin.step(WISH)[0].tobytes()


# --- Errors ----------------------------------------------------------------------------------

BAD_ACTIONS = [
    np.zeros(3, np.float32),
    np.zeros((1, 2), np.float32),
    np.array([np.nan, 0.0], np.float32),
    np.array([0.0, np.inf], np.float32),
    0.5,
    "buy",
    None,
    [[1.0], [2.0, 3.0]],
]


@pytest.mark.parametrize("action", BAD_ACTIONS, ids=repr)
def test_a_bad_action_is_refused_and_changes_nothing(action):
    env = HedgeEnv(**SHORT)
    env.reset(seed=1)
    before = env.worlds.tobytes()
    with pytest.raises(gym.error.InvalidAction) as caught:
        env.step(action)
    assert isinstance(caught.value, GammagymError)
    assert env.worlds.tobytes() == before


@pytest.mark.parametrize("action", [WISH, np.zeros((2, 2)), np.full((COUNT, 2), np.nan), None])
def test_bad_actions_are_refused_by_the_vector_environment(action):
    envs = vector()
    envs.reset(seed=1)
    with pytest.raises(gym.error.InvalidAction):
        envs.step(action)


def test_numbers_beyond_the_bounds_are_clipped():
    results = []
    for action in ([1.0, 1.0], [9.0, 5.0]):
        env = HedgeEnv(**SHORT)
        env.reset(seed=1)
        results.append(env.step(np.array(action, np.float32))[0].tobytes())
    assert results[0] == results[1]


def test_stepping_needs_a_reset_first():
    with pytest.raises(gym.error.ResetNeeded):
        HedgeEnv(**SHORT).step(WISH)
    with pytest.raises(gym.error.ResetNeeded):
        vector().step(WISHES)
    with pytest.raises(gym.error.ResetNeeded):
        vector().step_lean(WISHES)


def test_stepping_beyond_the_end_needs_a_reset():
    env = HedgeEnv(**SHORT)
    env.reset(seed=1)
    for _ in range(LENGTH):
        env.step(WISH)
    with pytest.raises(gym.error.ResetNeeded):
        env.step(WISH)
    env.reset()
    env.step(WISH)


@pytest.mark.parametrize(
    "options",
    [
        {"scenario": "clam"},
        {"task": "GammaScalpel"},
        {"horizon": 60.0},
        {"horizon_seconds": -1.0},
        {"decision_interval": 100.0},
        {"overrides": {"price.volatillity": 1.0}},
    ],
)
def test_what_does_not_exist_or_cannot_be_is_refused_by_name(options):
    key, value = next(iter(options.items()))
    with pytest.raises(ScenarioError) as caught:
        HedgeEnv(**SHORT | options)
    known = next(iter(value)).split(".")[-1] if isinstance(value, dict) else str(value)
    assert key in str(caught.value) or known in str(caught.value)


def test_negative_seeds_are_refused():
    with pytest.raises(gym.error.Error):
        HedgeEnv(**SHORT).reset(seed=-1)
    with pytest.raises(gym.error.Error):
        vector().reset(seed=-1)


# --- Many environments -----------------------------------------------------------------------


@pytest.mark.parametrize("name", IDS)
def test_make_vec_makes_the_vector_environment(name):
    envs = gym.make_vec(name, num_envs=COUNT, vectorization_mode="vector_entry_point", **SHORT)
    assert isinstance(envs.unwrapped, HedgeVectorEnv)
    observations, _ = envs.reset(seed=1)
    assert envs.observation_space.contains(observations)
    assert envs.metadata["autoreset_mode"] == AutoresetMode.NEXT_STEP
    envs.action_space.seed(1)
    for _ in range(LENGTH + 2):
        observations, rewards, terminated, truncated, _ = envs.step(envs.action_space.sample())
        assert envs.observation_space.contains(observations)
        assert rewards.dtype == np.float64
        assert terminated.dtype == truncated.dtype == np.bool_
    envs.close()


def test_a_seed_gives_each_world_the_next_one_and_a_list_gives_each_its_own():
    envs = vector()
    envs.reset(seed=10)
    assert envs.worlds["seed"].tolist() == [10, 11, 12]
    first = envs.reset(seed=[12, 10, 99])[0]
    assert envs.worlds["seed"].tolist() == [12, 10, 99]
    assert first[1].tobytes() == HedgeEnv(**SHORT).reset(seed=10)[0].tobytes()
    envs.reset(seed=[7, None, 8])
    assert envs.worlds["seed"].tolist()[::2] == [7, 8]
    envs.reset()
    assert len(set(envs.worlds["seed"].tolist())) == COUNT
    with pytest.raises(gym.error.Error, match="3 seeds"):
        envs.reset(seed=[1, 2])


@pytest.mark.parametrize("seed", [5, np.int64(5), [5, 6, 7], [5, None, 7], (5, 6, 7)])
@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_episodes_after_the_first_depend_on_the_seed_alone(seed, mode):
    results = []
    for _ in range(2):
        envs = vector(mode)
        envs.reset(seed=seed)
        for _ in range(2 * LENGTH + 3):
            observations, *_ = envs.step(WISHES)
        results.append((envs.worlds["seed"].tolist(), observations.tobytes()))
    assert results[0] == results[1]


def assert_same_structure(ours: dict[str, Any], theirs: dict[str, Any], path: str = "") -> None:
    """Compare the keys and masks of two vector infos, and the type of what is behind them."""
    assert set(ours) == set(theirs), path
    for key, value in theirs.items():
        where = f"{path}/{key}"
        if isinstance(value, dict):
            assert_same_structure(ours[key], value, where)
        else:
            assert ours[key].shape == value.shape, where
            assert ours[key].dtype.kind == value.dtype.kind, where
            if key.startswith("_"):
                assert ours[key].tolist() == value.tolist(), where


def assert_same_values(ours: dict[str, Any], theirs: dict[str, Any], rows: Any) -> None:
    for key, value in theirs.items():
        if isinstance(value, dict):
            assert_same_values(ours[key], value, rows)
        elif not key.startswith("_"):
            assert ours[key][rows].tolist() == value[rows].tolist(), key


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_autoreset_is_that_of_gymnasiums_own_vector_environment(mode):
    """Beside SyncVectorEnv over single environments: flags, masks, final values, shapes."""
    ours = vector(mode)
    theirs = SyncVectorEnv([lambda: HedgeEnv(**SHORT)] * COUNT, autoreset_mode=mode)
    first, info = ours.reset(seed=3)
    second, their_info = theirs.reset(seed=3)
    assert first.tobytes() == second.tobytes()
    assert_same_structure(info, their_info)
    everyone = np.arange(COUNT)
    first_episode = True
    for _ in range(2 * LENGTH + 3):
        mine, my_rewards, my_ends, my_cuts, info = ours.step(WISHES)
        other, rewards, ends, cuts, their_info = theirs.step(WISHES)
        assert my_ends.tolist() == ends.tolist()
        assert my_cuts.tolist() == cuts.tolist()
        assert_same_structure(info, their_info)
        if first_episode:
            assert my_rewards.tolist() == rewards.tolist()
            if mode == AutoresetMode.SAME_STEP and ends.any():
                for row in everyone:
                    final = info["final_obs"][row], their_info["final_obs"][row]
                    assert final[0].tobytes() == final[1].tobytes()
                assert_same_values(info["final_info"], their_info["final_info"], everyone)
            else:
                assert mine.tobytes() == other.tobytes()
                assert_same_values(info, their_info, everyone)
        first_episode &= not ends.any()


def staggered(mode: AutoresetMode) -> tuple[HedgeVectorEnv, Any]:
    """Step a vector environment whose first world is one decision behind the others."""
    envs = vector(mode)
    envs.reset(seed=1)
    envs.step(WISHES)
    mask = np.array([True, False, False])
    _, infos = envs.reset(seed=[50, None, None], options={"reset_mask": mask})
    return envs, infos


def test_a_reset_mask_restarts_only_its_worlds():
    envs, infos = staggered(AutoresetMode.DISABLED)
    assert envs.worlds["seed"].tolist() == [50, 2, 3]
    assert infos["time_seconds"].tolist() == [0.0, 20.0, 20.0]
    assert infos["_time_seconds"].tolist() == [True, False, False]
    envs.step(WISHES)
    *_, ended, _, _ = envs.step(WISHES)
    assert ended.tolist() == [False, True, True]
    with pytest.raises(gym.error.ResetNeeded, match="reset_mask"):
        envs.step(WISHES)
    envs.reset(options={"reset_mask": ended})
    assert envs.worlds["seed"][0] == 50
    *_, ended, _, _ = envs.step(WISHES)
    assert ended.tolist() == [True, False, False]
    with pytest.raises(gym.error.Error, match="reset_mask"):
        envs.reset(options={"reset_mask": np.array([True])})


def test_worlds_that_end_at_different_times_restart_in_the_same_step():
    envs, _ = staggered(AutoresetMode.SAME_STEP)
    envs.step(WISHES)
    observations, _, ended, _, infos = envs.step(WISHES)
    assert ended.tolist() == [False, True, True]
    assert infos["final_obs"].dtype == object
    assert infos["final_obs"][0] is None
    assert infos["final_obs"][1].shape == observations[1].shape
    assert infos["_final_obs"].tolist() == [False, True, True]
    assert infos["final_info"]["time_seconds"][1:].tolist() == [60.0, 60.0]
    assert infos["time_seconds"].tolist() == [40.0, 0.0, 0.0]


def test_worlds_that_end_at_different_times_restart_in_the_next_step():
    envs, _ = staggered(AutoresetMode.NEXT_STEP)
    envs.step(WISHES)
    envs.step(WISHES)
    observations, rewards, ended, _, infos = envs.step(WISHES)
    assert ended.tolist() == [True, False, False]
    assert infos["time_seconds"].tolist() == [60.0, 0.0, 0.0]
    assert rewards[1:].tolist() == [0.0, 0.0]
    left = observations[:, FIELD_NAMES.index("time_left")]
    assert left.tolist() == [0.0, 1.0, 1.0]


def test_lean_steps_are_steps_without_infos():
    full, lean = vector(AutoresetMode.SAME_STEP), vector(AutoresetMode.SAME_STEP)
    full.reset(seed=4)
    lean.reset(seed=4)
    for _ in range(2 * LENGTH):
        observations, rewards, ended, _, infos = full.step(WISHES)
        step = lean.step_lean(WISHES)
        assert step.observations.tobytes() == observations.tobytes()
        assert step.rewards.tobytes() == rewards.tobytes()
        assert step.over.tolist() == ended.tolist()
        if ended.any():
            assert step.last_observations.tobytes() == np.stack(infos["final_obs"]).tobytes()
            assert step.results["profit"].tolist() == infos["final_info"]["profit"].tolist()


@pytest.mark.parametrize("threads", [0, 1_000])
def test_an_impossible_number_of_threads_is_refused(threads):
    with pytest.raises(gym.error.Error, match="threads"):
        vector(threads=threads)


def test_importing_gammagym_registers_every_task():
    assert gammagym.__version__
    assert set(IDS) <= set(gym.registry)
