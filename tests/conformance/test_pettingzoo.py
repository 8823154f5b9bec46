"""PettingZoo's contract: its own tests, for every task and for competitors that differ."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("pettingzoo", reason="pettingzoo is not installed")

from pettingzoo.test import parallel_api_test, parallel_seed_test

from gammagym.envs import arena_parallel_env
from gammagym.scenario.tasks import TASKS, Leg

SHORT: dict[str, Any] = {"scenario": "calm", "horizon_seconds": 60.0, "decision_interval": 20.0}
UNLIKE = {
    "alice": {"latency": "1ms", "taker_fee": "0.02%"},
    "bob": {"order_latency": {"median": "50ms", "sigma": 0.5}},
    "carol": {"book": (Leg("spot", 3.0),)},
}


@pytest.mark.parametrize("task", sorted(TASKS))
@pytest.mark.parametrize("agents", [1, 2], ids=["one", "two"])
def test_pettingzoos_own_tests_find_nothing(task, agents, capsys):
    parallel_api_test(arena_parallel_env(task, agents=agents, **SHORT), num_cycles=20)
    parallel_seed_test(lambda: arena_parallel_env(task, agents=agents, **SHORT), num_cycles=7)
    assert "Passed" in capsys.readouterr().out


def test_they_find_nothing_where_competitors_differ(capsys):
    parallel_api_test(arena_parallel_env(agents=UNLIKE, **SHORT), num_cycles=20)
    parallel_seed_test(lambda: arena_parallel_env(agents=UNLIKE, **SHORT), num_cycles=7)
    assert "Passed" in capsys.readouterr().out


def test_it_is_what_pettingzoo_wants_to_know():
    env = arena_parallel_env(agents=UNLIKE, **SHORT)
    assert env.possible_agents == ["alice", "bob", "carol"]
    assert env.agents == []
    env.reset(seed=1)
    assert (env.num_agents, env.max_num_agents) == (3, 3)
    assert env.unwrapped is env
    assert env.metadata["is_parallelizable"]
    assert str(env) == "gammagym_arena_v0"
    assert env.action_space("bob") is env.action_space("bob")
    assert env.action_space("bob") is not env.action_space("alice")
