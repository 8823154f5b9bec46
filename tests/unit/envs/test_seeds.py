"""Seeds: what is no seed is refused by every face, and nothing has begun anew."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from gammagym.envs.arena import Arena
from gammagym.envs.arena_vector import ArenaVectorEnv
from gammagym.envs.single import HedgeEnv
from gammagym.envs.vector import HedgeVectorEnv
from gammagym.world import fingerprint

SHORT: dict[str, Any] = {"scenario": "calm", "horizon_seconds": 600.0}
NO_SEED = (-1, 1.5, "a", True, 2**63)


@pytest.fixture(scope="module")
def faces() -> list[Any]:
    return [
        HedgeEnv(**SHORT),
        Arena(**SHORT),
        HedgeVectorEnv(2, **SHORT),
        ArenaVectorEnv(2, **SHORT),
    ]


@pytest.mark.parametrize("seed", NO_SEED, ids=repr)
def test_what_is_no_seed_is_refused_by_every_face(faces: list[Any], seed: Any) -> None:
    for env in faces:
        env.reset(seed=3)
        before = fingerprint(env.worlds)
        with pytest.raises(gym.error.Error, match=r"seed must be None or a whole number from 0"):
            env.reset(seed=seed)
        assert fingerprint(env.worlds) == before


@pytest.mark.parametrize("seed", NO_SEED, ids=repr)
def test_of_several_seeds_each_is_looked_at(faces: list[Any], seed: Any) -> None:
    for env in faces[2:]:
        with pytest.raises(gym.error.Error, match="seed must be None or a whole number"):
            env.reset(seed=[4, seed])


def test_the_largest_seed_is_one_and_the_next_world_has_none_left(faces: list[Any]) -> None:
    for env in faces[:2]:
        env.reset(seed=2**63 - 1)
        assert env.worlds["seed"].tolist() == [2**63 - 1]
    for env in faces[2:]:
        with pytest.raises(gym.error.Error, match=f"was {2**63}"):
            env.reset(seed=2**63 - 1)


def test_a_world_without_a_seed_among_several_draws_one(faces: list[Any]) -> None:
    for env in faces[2:]:
        env.reset(seed=np.array([8, 9]))
        assert env.worlds["seed"].tolist() == [8, 9]
        drawn: list[int] = []
        for _ in range(2):
            env.reset(seed=[8, None])
            first, second = env.worlds["seed"].tolist()
            assert first == 8
            drawn.append(second)
        assert drawn[0] == drawn[1]  # the generator hangs on the 8


def test_stable_baselines_refuses_likewise() -> None:
    pytest.importorskip("stable_baselines3")
    from gammagym.sb3 import make_vec_env

    with pytest.raises(gym.error.Error, match="whole number from 0"):
        make_vec_env("GammaScalp", 2, seed=-1, **SHORT)


@pytest.mark.parametrize("count", [0, -2, 2.5, "2", True, None])
@pytest.mark.parametrize("face", [HedgeVectorEnv, ArenaVectorEnv])
def test_a_number_of_worlds_is_whole_and_above_0(face: Any, count: Any) -> None:
    with pytest.raises(gym.error.Error, match="num_envs must be at least 1 and a whole number"):
        face(count, **SHORT)


def test_an_autoreset_mode_is_one_of_gymnasiums() -> None:
    with pytest.raises(gym.error.Error, match="NextStep, SameStep, Disabled, was 'Never'"):
        HedgeVectorEnv(1, autoreset_mode="Never", **SHORT)
