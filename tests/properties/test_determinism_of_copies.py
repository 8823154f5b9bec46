"""Whatever way an environment is copied, and in whatever face, it goes on equally to the bit."""

from __future__ import annotations

import copy
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

import gammagym  # noqa: F401 (registers the environments)
from gammagym.envs.single import HedgeEnv
from gammagym.envs.vector import HedgeVectorEnv
from gammagym.exchange.own_orders import limit_order
from gammagym.scenario.tasks import get_task
from gammagym.world import fingerprint
from gammagym.world.codes import BUY, GTC

SEED = 30
STEPS = 5
SHORT: dict[str, Any] = {"horizon_seconds": 120.0, "decision_interval": 20.0}
CASES = [
    ("GammaScalp", "calm"),
    ("ShortGamma", "smile"),
    ("GammaScalp", "liquidation_cascade"),
    ("SpotHedge", "spread_blowout"),
]
# More worlds than cores; on one core, there is one thread only.
THREADS = 2 if (os.cpu_count() or 1) > 1 else 1


def wishes(count: int, step: int, task: str = "GammaScalp") -> Any:
    """Return actions of which each depends on its world and step alone, shape (count, numbers)."""
    size = 2 * max(len(get_task(task).hedges), 1)
    rows = [np.random.default_rng([row, step]).uniform(-1, 1, size) for row in range(count)]
    return np.array(rows, np.float32)


def said(result: Any) -> list[Any]:
    """Return all that a step has returned, as what can be compared."""
    if isinstance(result, dict):
        return [[key, said(value)] for key, value in result.items()]
    if isinstance(result, tuple | list):
        return [said(value) for value in result]
    if isinstance(result, np.ndarray) and result.dtype == object:
        return [said(value) for value in result.tolist()]
    return [result.tobytes() if isinstance(result, np.ndarray) else result]


def singles(task: str, scenario: str, count: int) -> list[Any]:
    """Return what single environments show: by world, by step, then what has become of them."""
    shown = []
    for row in range(count):
        env = HedgeEnv(task, scenario, **SHORT)
        lines: list[Any] = [env.reset(seed=SEED + row)[0].tobytes()]
        for step in range(STEPS):
            observation, reward, ended, failed, info = env.step(wishes(count, step, task)[row])
            lines.append((observation.tobytes(), reward, ended, failed, info["profit"]))
            lines.append(list(info["attribution"].values()))
        shown.append([*lines, fingerprint(env.worlds[0])])
    return shown


def vector(task: str, scenario: str, count: int, threads: int) -> list[Any]:
    """Return the same of a vector environment."""
    envs = HedgeVectorEnv(count, task, scenario, threads=threads, **SHORT)
    observations, _ = envs.reset(seed=SEED)
    shown: list[list[Any]] = [[observations[row].tobytes()] for row in range(count)]
    for step in range(STEPS):
        observations, rewards, ended, failed, infos = envs.step(wishes(count, step, task))
        parts = [value for key, value in infos["attribution"].items() if key[0] != "_"]
        for row in range(count):
            profit = infos["profit"][row]
            shown[row].append(
                (observations[row].tobytes(), rewards[row], ended[row], failed[row], profit)
            )
            shown[row].append([part[row] for part in parts])
    return [[*lines, fingerprint(envs.worlds[row])] for row, lines in enumerate(shown)]


@pytest.mark.parametrize(("task", "scenario"), CASES)
def test_single_and_vector_environments_of_any_width_and_threads_agree(task: str, scenario: str):
    expected = singles(task, scenario, 7)
    assert len({lines[-1] for lines in expected}) == 7
    for count in (1, 2, 7):
        for threads in {1, THREADS}:
            assert vector(task, scenario, count, threads) == expected[:count]


@pytest.mark.parametrize(("task", "scenario"), CASES[:2])
def test_the_adapter_of_stable_baselines_agrees_with_single_environments(task: str, scenario: str):
    pytest.importorskip("stable_baselines3")
    from gammagym.sb3 import make_vec_env

    expected = singles(task, scenario, 7)
    for threads in {1, THREADS}:
        envs = make_vec_env(task, 7, SEED, scenario=scenario, threads=threads, **SHORT)
        observations = envs.reset()
        assert [row.tobytes() for row in observations] == [lines[0] for lines in expected]
        for step in range(STEPS):
            observations, rewards, dones, _ = envs.step(wishes(7, step))
            lines = [line[1 + 2 * step] for line in expected]
            assert [row.tobytes() for row in observations] == [line[0] for line in lines]
            assert rewards.tolist() == [line[1] for line in lines]
            assert not dones.any()
        assert [fingerprint(world) for world in envs.envs.worlds] == [line[-1] for line in expected]


# --- Copies ----------------------------------------------------------------------------------


def saved(env: Any, folder: Path) -> Any:
    env.save(folder / "env.npz")
    return type(env).load(folder / "env.npz")


COPIES: dict[str, Callable[[Any, Path], Any]] = {
    "deepcopy": lambda env, _: copy.deepcopy(env),
    "pickle": lambda env, _: pickle.loads(pickle.dumps(env)),
    "save and load": saved,
    "fork": lambda env, _: env.fork(),
}


@pytest.mark.parametrize(("task", "scenario"), CASES)
@pytest.mark.parametrize("way", COPIES)
def test_a_copied_environment_goes_on_equally(way: str, task: str, scenario: str, tmp_path: Path):
    """Over the end of the episode, into the next one, which the generator seeds."""
    env = HedgeEnv(task, scenario, **SHORT)
    env.reset(seed=SEED)
    env.step(wishes(1, 0, task)[0])
    twin = COPIES[way](env, tmp_path)
    over = False
    while not over:
        results = [each.step(wishes(1, 1, task)[0]) for each in (env, twin)]
        assert said(results[0]) == said(results[1])
        over = results[0][2]
    assert said(env.reset()) == said(twin.reset())
    assert fingerprint(env.worlds) == fingerprint(twin.worlds)
    assert said(env.step(wishes(1, 2, task)[0])) == said(twin.step(wishes(1, 2, task)[0]))


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
@pytest.mark.parametrize("way", COPIES)
def test_a_copied_vector_environment_goes_on_equally(way: str, mode: AutoresetMode, tmp_path: Path):
    """Copied where its worlds are at different places, one of them before it starts anew."""
    envs = HedgeVectorEnv(3, scenario="calm", autoreset_mode=mode, **SHORT)
    envs.reset(seed=SEED)
    for step in range(3):
        envs.step(wishes(3, step))
    envs.reset(seed=99, options={"reset_mask": np.array([False, True, False])})
    for step in range(3):
        *_, ended, _, _ = envs.step(wishes(3, step))
    assert ended.tolist() == [True, False, True]
    twin = COPIES[way](envs, tmp_path)
    assert twin.metadata["autoreset_mode"] == mode
    for step in range(8):
        results = [each.step(wishes(3, step)) for each in (envs, twin)]
        assert said(results[0]) == said(results[1])
    assert fingerprint(envs.worlds) == fingerprint(twin.worlds)


@pytest.mark.parametrize("way", ["deepcopy", "pickle"])
def test_wrapped_environments_and_adapters_are_copied_likewise(way: str, tmp_path: Path):
    env = gym.make("gammagym/GammaScalp-v0", scenario="calm", max_episode_steps=4, **SHORT)
    env.reset(seed=SEED)
    env.step(wishes(1, 0)[0])
    twin = COPIES[way](env, tmp_path)
    for step in range(3):
        results = [each.step(wishes(1, step)[0]) for each in (env, twin)]
        assert said(results[0]) == said(results[1])
    assert results[0][3]  # the wrapper's limit was copied along

    pytest.importorskip("stable_baselines3")
    from gammagym.sb3 import make_vec_env

    adapter = make_vec_env("GammaScalp", 2, SEED, scenario="calm", **SHORT)
    adapter.reset()
    adapter.step(wishes(2, 0))
    other = COPIES[way](adapter, tmp_path)
    for step in range(8):
        results = [each.step(wishes(2, step)) for each in (adapter, other)]
        observations, rewards, dones, _ = zip(*results, strict=True)
        for pair in (observations, rewards, dones):
            assert pair[0].tobytes() == pair[1].tobytes()
    assert fingerprint(adapter.envs.worlds) == fingerprint(other.envs.worlds)


@pytest.mark.parametrize("way", COPIES)
def test_the_worlds_of_a_copy_are_of_the_one_dtype_that_kernels_know(way: str, tmp_path: Path):
    """Numba looks any other up field by field, at every call: five times the cost of a step."""
    env = HedgeEnv(scenario="calm", **SHORT)
    env.reset(seed=SEED)
    twin = COPIES[way](env, tmp_path)
    assert twin.worlds.dtype is env.worlds.dtype
    assert twin.fork().worlds.dtype is env.worlds.dtype


def test_an_environment_made_from_the_spec_of_another_is_equal_to_it():
    env = gym.make("gammagym/ShortGamma-v0", scenario="smile", **SHORT)
    again = gym.make(pickle.loads(pickle.dumps(env.spec)))
    assert said(env.reset(seed=SEED)) == said(again.reset(seed=SEED))
    assert said(env.step(wishes(1, 0)[0])) == said(again.step(wishes(1, 0)[0]))


def test_what_is_done_to_worlds_from_outside_is_seen_at_any_width():
    """An order that is laid into the books by hand is overrun alike, alone and among many."""
    many = 24
    rare = {"flow.preset": "sparse", "flow.rate": 0.02}
    envs = HedgeVectorEnv(many, overrides=rare, decision_interval=10.0, horizon_seconds=600.0)
    envs.reset(seed=0)
    waits = np.zeros((many, 1, 2), np.float32)
    envs.batch.step(waits)
    for world in envs.worlds:
        best = world["levels"]["price_ticks"][world["books"]["best"][0, BUY]]
        account = int(world["agents"]["hedge_account"][0])
        limit_order(world, account, 0, BUY, int(best) - 20, 100, GTC)
    alone = [envs.batch.take(np.array([row])) for row in range(many)]
    envs.batch.step(waits)
    for row, batch in enumerate(alone):
        batch.step(waits[:1])
        assert fingerprint(batch.worlds) == fingerprint(envs.worlds[row : row + 1])
