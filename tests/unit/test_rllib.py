"""RLlib's environments: the arena and the batch as they are, and its PPO learns on both."""

from __future__ import annotations

import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("ray", reason="ray is not installed")
pytest.importorskip("torch", reason="torch is not installed")

EXAMPLE = Path(__file__).parents[2] / "docs" / "environments" / "rllib_example.py"
SHORT: dict[str, Any] = {"scenario": "calm", "horizon_seconds": 300.0}


def test_the_environment_of_several_agents_equals_the_arena_to_the_bit():
    from gammagym.envs.arena import Arena
    from gammagym.rllib import ArenaMultiAgentEnv

    env, arena = ArenaMultiAgentEnv(agents=2, **SHORT), Arena(agents=2, **SHORT)
    names = ["agent_0", "agent_1"]
    assert env.possible_agents == env.agents == names
    seen, infos = env.reset(seed=3)
    expected, told = arena.reset(seed=3)
    assert infos == told
    generator = np.random.default_rng(0)
    for number in range(5):
        for name in names:
            assert env.get_observation_space(name).contains(seen[name])
            np.testing.assert_array_equal(seen[name], expected[name])
        actions = {name: generator.uniform(-1, 1, 2).astype(np.float32) for name in names}
        seen, rewards, ended, failed, infos = env.step(actions)
        expected, *others = arena.step(actions)
        assert rewards == others[0]
        assert ended == dict.fromkeys([*names, "__all__"], number == 4)
        assert failed == dict.fromkeys([*names, "__all__"], False)
        assert infos == others[3]
    assert env.agents == []


def test_an_environment_of_one_agent_is_single_or_a_batch_as_it_is_asked_for():
    from gammagym.envs.single import HedgeEnv
    from gammagym.envs.vector import HedgeVectorEnv
    from gammagym.rllib import make_env

    assert isinstance(make_env("ShortGamma", SHORT), HedgeEnv)
    envs = make_env("ShortGamma", SHORT | {"num_envs": 3})
    assert isinstance(envs, HedgeVectorEnv)
    assert (envs.num_envs, envs.agent_spec().task) == (3, "ShortGamma")


@pytest.fixture
def example() -> Iterator[dict[str, Any]]:
    """Return the example's functions; RLlib seeds NumPy's global generator, which is put back."""
    state = np.random.get_state()  # noqa: NPY002
    yield runpy.run_path(str(EXAMPLE))
    np.random.set_state(state)  # noqa: NPY002


@pytest.mark.filterwarnings("ignore")  # Ray's own, of many kinds
@pytest.mark.parametrize("mode", ["vector_entry_point", "sync"])
def test_rllib_samples_whole_episodes_of_a_batch_as_of_single_environments(example, mode):
    from ray.rllib.env.single_agent_env_runner import SingleAgentEnvRunner

    example["register"]()
    config = example["configured"]("gammagym/GammaScalp-v0")
    config.env_runners(num_envs_per_env_runner=2, gym_env_vectorize_mode=mode)
    runner = SingleAgentEnvRunner(config=config)
    pieces = [each for _ in range(2) for each in runner.sample(num_timesteps=32)]
    ended = [each for each in pieces if each.is_terminated]
    # Sixteen decisions of each, then fourteen to the horizon, then two of the next episode.
    assert sorted(map(len, pieces)) == [2, 2, 14, 14, 16, 16]
    assert [each.get_infos(-1)["time_seconds"] for each in ended] == [1800.0, 1800.0]
    assert not any(each.is_truncated for each in pieces)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_example_of_the_documentation_runs(example):
    ray = pytest.importorskip("ray")
    ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False)
    try:
        assert "gammagym/GammaScalpArena-v0" in example["register"]()
        one, two = (example[name]()["env_runners"] for name in ("one_agent", "two_agents"))
        assert np.isfinite(one["episode_return_mean"])
        assert set(two["agent_episode_returns_mean"]) == {"alice", "bob"}
        assert np.isfinite(list(two["agent_episode_returns_mean"].values())).all()
    finally:
        ray.shutdown()
