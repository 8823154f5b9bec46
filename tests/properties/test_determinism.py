"""The same seed gives the same bytes, however worlds are grouped, threaded, ordered or compiled."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from gammagym.envs.single import HedgeEnv
from gammagym.envs.vector import HedgeVectorEnv
from gammagym.world import SMALL, STANDARD, empty_worlds, fingerprint

SEED = 40
STEPS = 12
SHORT: dict[str, Any] = {"horizon_seconds": 240.0, "decision_interval": 20.0}


def actions_of(seed: int) -> Any:
    """Return the actions of one world, which depend on its seed alone; shape (STEPS, 2)."""
    return np.random.default_rng(seed).uniform(-1, 1, (STEPS, 2)).astype(np.float32)


def batch(make_worlds: Any, count: int, seed: int = SEED, **options: Any) -> Any:
    run = make_worlds(options.pop("scenario", "calm"), "GammaScalp", count, seed, **SHORT | options)
    actions = np.stack([actions_of(seed + row) for row in range(count)])
    for step in range(STEPS):
        run.step(actions[:, step])
    return run


def test_one_world_is_the_same_alone_and_among_256(make_worlds):
    many = batch(make_worlds, 256)
    for row in (0, 1, 100, 255):
        alone = batch(make_worlds, 1, SEED + row)
        assert fingerprint(alone.worlds[0]) == fingerprint(many.worlds[row])
        assert alone.observations[0].tobytes() == many.observations[row].tobytes()
        assert alone.rewards[0] == many.rewards[row]


def test_different_seeds_give_different_worlds(make_worlds):
    many = batch(make_worlds, 64)
    assert len({fingerprint(world) for world in many.worlds}) == 64


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one core")
def test_two_threads_give_the_same_bytes_as_one():
    results = []
    for threads in (1, 2):
        envs = HedgeVectorEnv(32, scenario="calm", threads=threads, **SHORT)
        observations, _ = envs.reset(seed=SEED)
        actions = np.stack([actions_of(row) for row in range(32)])
        for step in range(STEPS):
            observations, rewards, *_ = envs.step(actions[:, step])
        results.append([fingerprint(envs.worlds), observations.tobytes(), rewards.tobytes()])
    assert results[0] == results[1]


def test_the_order_in_which_worlds_are_stepped_does_not_matter(make_worlds):
    """Worlds stepped one by one, last first, against all at once."""
    together = batch(make_worlds, 4)
    apart = make_worlds("calm", "GammaScalp", 4, SEED, **SHORT)
    for row in (3, 1, 0, 2):
        apart.status[:] = 1
        apart.status[row] = 0
        for step in range(STEPS):
            actions = np.zeros((4, 2), np.float32)
            actions[row] = actions_of(SEED + row)[step]
            apart.step(actions)
    assert fingerprint(apart.worlds) == fingerprint(together.worlds)


def test_single_and_vector_environments_agree_to_the_bit():
    envs = HedgeVectorEnv(
        3, scenario="spread_blowout", autoreset_mode=AutoresetMode.DISABLED, **SHORT
    )
    observations, infos = envs.reset(seed=SEED)
    singles = [HedgeEnv(scenario="spread_blowout", **SHORT) for _ in range(3)]
    for row, env in enumerate(singles):
        first, info = env.reset(seed=SEED + row)
        assert first.tobytes() == observations[row].tobytes()
        assert info["profit"] == infos["profit"][row]
    for step in range(STEPS):
        actions = np.stack([actions_of(row)[step] for row in range(3)])
        observations, rewards, terminated, truncated, infos = envs.step(actions)
        for row, env in enumerate(singles):
            one, reward, ended, cut, info = env.step(actions[row])
            assert one.tobytes() == observations[row].tobytes()
            assert (reward, ended, cut) == (rewards[row], terminated[row], truncated[row])
            assert info["time_seconds"] == infos["time_seconds"][row]
            for part, amount in info["attribution"].items():
                assert amount == infos["attribution"][part][row]
    assert terminated.all()
    for row, env in enumerate(singles):
        assert fingerprint(env.worlds[0]) == fingerprint(envs.worlds[row])


@pytest.mark.parametrize("scenario", ["calm", "smile"])
def test_a_copied_world_goes_on_as_the_original(make_worlds, scenario):
    run = make_worlds(scenario, "GammaScalp", 2, SEED, **SHORT)
    actions = actions_of(0)
    for step in range(4):
        run.step(np.stack([actions[step]] * 2))
    run.worlds[1] = run.worlds[0]
    for step in range(4, STEPS):
        run.step(np.stack([actions[step]] * 2))
        assert fingerprint(run.worlds[0]) == fingerprint(run.worlds[1])
        assert run.observations[0].tobytes() == run.observations[1].tobytes()


@pytest.mark.parametrize("scenario", ["calm", "smile"])
def test_a_world_saved_as_bytes_goes_on_as_before(make_worlds, scenario):
    run = make_worlds(scenario, "GammaScalp", 1, SEED, **SHORT)
    run.step(actions_of(0)[:1])
    saved = run.worlds.tobytes()
    again = make_worlds(scenario, "GammaScalp", 1, SEED + 1, **SHORT)
    again.worlds[:] = np.frombuffer(saved, run.worlds.dtype)
    for one in (run, again):
        one.step(actions_of(0)[1:2])
    assert fingerprint(run.worlds[0]) == fingerprint(again.worlds[0])


@pytest.mark.parametrize("scenario", ["textbook", "spread_blowout"])
def test_capacity_does_not_change_trajectories(make_worlds, scenario):
    small = batch(make_worlds, 2, scenario=scenario, capacity=SMALL)
    large = batch(make_worlds, 2, scenario=scenario, capacity=STANDARD)
    assert small.worlds["rejected_background"].tolist() == [0, 0]
    assert small.observations.tobytes() == large.observations.tobytes()
    assert small.rewards.tobytes() == large.rewards.tobytes()
    for field in ("time_ns", "events", "next_order_id", "price", "stress", "fill_count"):
        assert small.worlds[field].tobytes() == large.worlds[field].tobytes()
    assert small.worlds["cash"][:, :8].tolist() == large.worlds["cash"][:, :8].tolist()


def test_a_world_leaves_no_byte_unwritten_by_its_seed():
    """No padding: every byte belongs to a field, so equal worlds have equal hashes."""
    for capacity in (SMALL, STANDARD):
        worlds = empty_worlds(1, capacity)
        used = np.zeros(worlds.dtype.itemsize, np.bool_)
        _cover(worlds.dtype, 0, used)
        assert used.all()


def _cover(dtype: Any, start: int, used: Any) -> None:
    """Mark the bytes that fields of a dtype occupy."""
    if dtype.subdtype is not None:
        cell, shape = dtype.subdtype
        for index in range(int(np.prod(shape))):
            _cover(cell, start + index * cell.itemsize, used)
    elif dtype.names is not None:
        for name in dtype.names:
            cell, offset = dtype.fields[name][:2]
            _cover(cell, start + offset, used)
    else:
        assert not used[start : start + dtype.itemsize].any()
        used[start : start + dtype.itemsize] = True


# --- Common random numbers -------------------------------------------------------------------


@pytest.mark.parametrize("scenario", ["calm", "spread_blowout", "textbook", "smile"])
def test_what_an_agent_does_does_not_change_the_fundamental_price(make_worlds, scenario):
    active = make_worlds(scenario, "GammaScalp", 1, SEED, **SHORT)
    idle = make_worlds(scenario, "GammaScalp", 1, SEED, **SHORT)
    for step in range(STEPS):
        active.step([[1.0 if step % 2 else -1.0, 1.0]])
        idle.step([[0.0, 0.0]])
        assert active.worlds["price"].tobytes() == idle.worlds["price"].tobytes()
        assert active.worlds["stress"].tobytes() == idle.worlds["stress"].tobytes()
        marks = [run.worlds["instruments"]["mark_price"].tolist() for run in (active, idle)]
        assert marks[0] == marks[1]
        hedger = [run.worlds["agents"]["reference_profit"].tolist() for run in (active, idle)]
        assert hedger[0] == hedger[1]
    assert active.worlds["agents"]["turnover_units"][0, 0] > 0
    # Candidate events keep their numbers and times, whatever is done to the book.
    assert active.worlds["flows"]["event"].tolist() == idle.worlds["flows"]["event"].tolist()
    assert active.worlds["flows"]["next_ns"].tolist() == idle.worlds["flows"]["next_ns"].tolist()


def test_a_shock_leaves_every_other_random_number_alone(make_worlds):
    """The process under a price shock is that of the market without the shock."""
    fall = {"kind": "price", "at": "10%", "ramp": "1min", "move": "-5%"}
    crash = batch(make_worlds, 1, scenario={"extends": "calm", "purpose": "x", "shocks": [fall]})
    calm = batch(make_worlds, 1, scenario="calm")
    assert crash.worlds["price"]["process"].tolist() == calm.worlds["price"]["process"].tolist()
    assert crash.worlds["price"]["value"][0] < 0.99 * calm.worlds["price"]["value"][0]


# --- Without compilation ---------------------------------------------------------------------

PLAIN = """
import sys
import numpy as np
from gammagym.envs.single import HedgeEnv
from gammagym.world import fingerprint

cases = {
    "thin": dict(scenario="spread_blowout", horizon_seconds=10.0, decision_interval=5.0,
                 overrides={"warmup": "1s"}),
    "ideal": dict(scenario="textbook", horizon_seconds=240.0, decision_interval=60.0,
                  task="ShortGamma"),
    "spot": dict(scenario="textbook", horizon_seconds=60.0, decision_interval=20.0,
                 task="SpotHedge"),
}
for model in ("merton", "heston", "svcj"):
    cases[model] = dict(scenario="textbook", horizon_seconds=240.0, decision_interval=60.0,
                        overrides={"price.model": model, "price.preset": "btc",
                                   "price.volatility": 0.4 if model == "merton" else None})
    if model != "heston":
        cases[model]["overrides"]["price.jump_rate"] = 1e5
cases["regime"] = dict(
    scenario="textbook", horizon_seconds=240.0, decision_interval=60.0,
    overrides={"price.model": "regime", "price.volatility": None, "price.drift": None,
               "price.range_volatility": 0.4, "price.range_half_life": "1min",
               "price.range_duration": "1min", "price.trend_volatility": 0.6,
               "price.trend_drift": 20.0, "price.trend_duration": "20s"})
cases["smile"] = dict(
    scenario="textbook", horizon_seconds=240.0, decision_interval=60.0,
    overrides={"options.preset": "btc", "options.half_spread": None,
               "options.customers": {"rate": 0.1}})
for name, options in cases.items():
    env = HedgeEnv(**options)
    env.reset(seed=3)
    ended, number = False, 0
    while not ended:
        number += 1
        wish = (0.7 if number % 2 else -0.4, 1.0 - 0.4 * number % 2)
        action = np.resize(np.array(wish, np.float32), env.action_space.shape)
        observation, reward, ended, _, _ = env.step(action)
    print(name, fingerprint(env.worlds), observation.tobytes().hex()[:16], reward)
"""


def run_plain(disable: str) -> str:
    environment = os.environ | {"NUMBA_DISABLE_JIT": disable}
    command = [sys.executable, "-W", "ignore", "-c", PLAIN]
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        command, env=environment, cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_plain_python_gives_the_same_bytes_as_compiled_code():
    plain = run_plain("1")
    assert plain.count("\n") == 8
    assert plain == run_plain("0")
