"""Environments in files: they go on, and what is broken, foreign or changed is refused."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from gammagym.envs.kernels.stepping import FAILED
from gammagym.envs.single import HedgeEnv
from gammagym.envs.vector import HedgeVectorEnv
from gammagym.errors import DataError, OrderError, ScenarioError
from gammagym.world import fingerprint

SHORT: dict[str, Any] = {"horizon_seconds": 120.0, "decision_interval": 20.0}
WISH = np.array([0.5, 0.0], np.float32)


def begun(**options: Any) -> HedgeEnv:
    env = HedgeEnv(**{"scenario": "calm"} | SHORT | options)
    env.reset(seed=5)
    env.step(WISH)
    return env


def test_what_was_chosen_comes_back(tmp_path: Path):
    ranges = {"price.volatility": {"low": 0.3, "high": 0.9}}
    env = begun(task="ShortGamma", overrides=ranges, render_mode="ansi", dead_zone=0.1)
    env.fork()
    env.save(tmp_path / "env.npz")
    loaded = HedgeEnv.load(tmp_path / "env.npz")
    assert loaded.compiled.task == env.compiled.task
    assert loaded.compiled.scenario == env.compiled.scenario
    assert loaded.render() == env.render()
    assert loaded.variant == env.variant
    assert loaded.results() == env.results()
    assert loaded.forked
    with pytest.raises(gym.error.InvalidAction):
        loaded.step(WISH[:1])


def prices_of(file: Path, last: int) -> str:
    """Write twenty minutes of prices; returns where."""
    lines = [f"{1_700_000_000 + 60 * row},{60_000 + 10 * row}" for row in range(19)]
    last_line = f"{1_700_000_000 + 60 * 19},{last}"
    file.write_text("\n".join(["timestamp,price", *lines, last_line, ""]))
    return str(file)


def test_a_replay_comes_back_if_its_prices_are_still_there(tmp_path: Path):
    env = begun(price_file=prices_of(tmp_path / "prices.csv", 60_190))
    env.save(tmp_path / "env.npz")
    loaded = HedgeEnv.load(tmp_path / "env.npz")
    assert loaded.step(WISH)[0].tobytes() == env.step(WISH)[0].tobytes()


def test_a_replay_without_its_prices_is_refused(tmp_path: Path):
    file = tmp_path / "prices.csv"
    begun(price_file=prices_of(file, 60_190)).save(tmp_path / "env.npz")
    prices_of(file, 60_200)
    os.utime(file, (1, 1))  # files of one size and time are known prices
    with pytest.raises(DataError, match="prices have changed since it was saved"):
        HedgeEnv.load(tmp_path / "env.npz")
    file.unlink()
    with pytest.raises((DataError, ScenarioError), match=r"env\.npz: .*prices\.csv"):
        HedgeEnv.load(tmp_path / "env.npz")


def failed_in(mode: str, path: str = "price.value", value: float = np.nan) -> HedgeVectorEnv:
    """Return two worlds, the first of which has failed by what was put into a field of it."""
    envs = HedgeVectorEnv(2, scenario="calm", autoreset_mode=mode, render_mode="ansi", **SHORT)
    envs.reset(seed=5)
    envs.step(np.tile(WISH, (2, 1)))
    table, name = path.split(".")
    envs.worlds[table][name][0] = value
    envs.step(np.tile(WISH, (2, 1)))
    assert envs.batch.status.tolist() == [FAILED, 0]
    return envs


def test_a_world_that_has_failed_does_not_keep_the_others_from_coming_back(tmp_path: Path):
    envs = failed_in("NextStep")
    envs.save(tmp_path / "envs.npz")
    loaded = HedgeVectorEnv.load(tmp_path / "envs.npz")
    assert loaded.batch.status.tolist() == [FAILED, 0]
    for _ in range(3):
        steps = [each.step(np.tile(WISH, (2, 1))) for each in (envs, loaded)]
        assert steps[0][0].tobytes() == steps[1][0].tobytes()
    assert fingerprint(envs.worlds) == fingerprint(loaded.worlds)


@pytest.mark.parametrize(
    ("path", "value"),
    [("price.value", np.nan), ("price.drift", 1e9), ("agents.stake", 0.0), ("price.index", 0.0)],
)
def test_a_world_that_has_failed_keeps_its_results(path: str, value: float, tmp_path: Path):
    envs = failed_in("Disabled", path, value)
    envs.save(tmp_path / "envs.npz")
    loaded = HedgeVectorEnv.load(tmp_path / "envs.npz")
    assert fingerprint(envs.worlds) == fingerprint(loaded.worlds)
    with np.errstate(divide="ignore"):  # a stake of 0
        before, after = envs.results(), loaded.results()
    for name, values in before.items():
        assert after[name].tobytes() == values.tobytes(), name
    assert before["turnover"][0] > 0.0
    assert loaded.render() == envs.render()
    assert loaded.batch.infos.tolist() == envs.batch.infos.tolist()


def test_a_world_that_has_failed_is_left_out_if_it_is_broken(tmp_path: Path):
    envs = failed_in("Disabled")
    envs.save(tmp_path / "envs.npz")
    change(tmp_path / "envs.npz", "world", spoiled("agents.hedge_account", -1))
    loaded = HedgeVectorEnv.load(tmp_path / "envs.npz")
    assert loaded.worlds[0].tobytes() == envs.compiled.template[0].tobytes()
    assert loaded.worlds[1].tobytes() == envs.worlds[1].tobytes()
    assert loaded.batch.status.tolist() == [FAILED, 0]


def test_what_has_not_begun_cannot_be_saved(tmp_path: Path):
    with pytest.raises(gym.error.ResetNeeded, match="no episode to save"):
        HedgeEnv(scenario="calm", **SHORT).save(tmp_path / "env.npz")
    assert not list(tmp_path.iterdir())


def test_each_kind_of_file_is_read_by_its_own(tmp_path: Path):
    env = begun()
    env.save(tmp_path / "env.npz")
    with pytest.raises(DataError, match="holds a HedgeEnv, not a HedgeVectorEnv"):
        HedgeVectorEnv.load(tmp_path / "env.npz")
    import gammagym

    gammagym.Market("calm", seed=1).save(tmp_path / "market.npz")
    with pytest.raises(DataError, match=r"market\.npz: not a saved environment"):
        HedgeEnv.load(tmp_path / "market.npz")
    with pytest.raises(OrderError, match=r"env\.npz: not a saved market"):
        gammagym.Market.load(tmp_path / "env.npz")
    with pytest.raises(DataError, match="there is no such file"):
        HedgeEnv.load(tmp_path / "none.npz")
    (tmp_path / "text.npz").write_text("no arrays")
    with pytest.raises(DataError, match=r"text\.npz: not a saved environment"):
        HedgeEnv.load(tmp_path / "text.npz")


def change(path: Path, name: str, turn: Callable[[Any], Any]) -> None:
    """Write a file again with one of its arrays changed."""
    with np.load(path, allow_pickle=False) as file:
        content = {member: file[member] for member in file.files}
    content[name] = turn(content[name])
    np.savez(path, **content)


def change_words(path: Path, turn: Callable[[dict[str, Any]], None]) -> None:
    """Write a file again with some of its words changed."""

    def turned(array: Any) -> Any:
        words = json.loads(array.tobytes())
        turn(words)
        return np.frombuffer(json.dumps(words).encode(), np.uint8)

    change(path, "words", turned)


def spoiled(path: str, value: Any) -> Callable[[Any], Any]:
    """Return a function that spoils a field of the saved world."""
    dtype = HedgeEnv(scenario="calm", **SHORT).worlds.dtype

    def turned(array: Any) -> Any:
        world = np.frombuffer(array.tobytes(), dtype).copy()
        target = world
        *tables, name = path.split(".")
        for table in tables:
            target = target[table]
        target[name][0] = value
        return np.frombuffer(world.tobytes(), np.uint8)

    return turned


@pytest.mark.parametrize(
    ("name", "turn", "message"),
    [
        ("status", lambda array: array + 7, "status must be from 0 to 2"),
        ("rewards", lambda array: array[:, :0], "rewards must be float64 of shape"),
        ("observations", lambda array: array.astype("f8"), "observations must be float32"),
        ("schema", lambda _: np.array(["0", "x"]), "saved by another version"),
        ("world", lambda array: array[:-1], "not a saved environment"),
        ("words", lambda array: array[:-1], "not a saved environment"),
    ],
)
def test_broken_parts_are_refused(name: str, turn: Any, message: str, tmp_path: Path):
    begun().save(tmp_path / "env.npz")
    change(tmp_path / "env.npz", name, turn)
    with pytest.raises(DataError, match=message):
        HedgeEnv.load(tmp_path / "env.npz")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("account_count", 10**6),
        ("agent_count", 2),
        ("agents.hedge_count", 4),
        ("agents.scheme", 184),
        ("agents.slots", 8),
        ("agents.hedge_account", -1),
        ("flows.next_ns", -1),
        ("books.free_order", 10**6),
    ],
)
def test_a_broken_world_is_refused(path: str, value: int, tmp_path: Path):
    begun().save(tmp_path / "env.npz")
    change(tmp_path / "env.npz", "world", spoiled(path, value))
    with pytest.raises(DataError, match="a broken environment: world 0: "):
        HedgeEnv.load(tmp_path / "env.npz")


def test_where_tables_are_is_never_taken_from_a_file(tmp_path: Path):
    env = begun()
    env.save(tmp_path / "env.npz")
    for table in ("orders", "levels", "nodes", "terms", "members"):
        change(tmp_path / "env.npz", "world", spoiled(f"books.{table}_at", 2**40))
    loaded = HedgeEnv.load(tmp_path / "env.npz")
    assert loaded.step(WISH)[0].tobytes() == env.step(WISH)[0].tobytes()


@pytest.mark.parametrize(
    "turn",
    [
        lambda words: words.pop("task"),
        lambda words: words["task"].update(book=[{"kind": "call"}]),
        lambda words: words["task"].update(unknown=1),
        lambda words: words.update(generator={"bit_generator": "PCG64"}),
        lambda words: words.update(environment="Market"),
        lambda words: words["scenarios"][0].update(venue="nowhere"),
        lambda words: words.update(digest="0"),
    ],
)
def test_broken_words_are_refused(turn: Any, tmp_path: Path):
    begun().save(tmp_path / "env.npz")
    change_words(tmp_path / "env.npz", turn)
    with pytest.raises((DataError, ScenarioError), match=r"env\.npz: "):
        HedgeEnv.load(tmp_path / "env.npz")
