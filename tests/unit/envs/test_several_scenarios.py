"""One vector environment whose worlds are of several scenarios."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from gammagym.envs.single import HedgeEnv
from gammagym.envs.vector import HedgeVectorEnv

OPTIONS: dict[str, Any] = {"horizon_seconds": 600.0, "decision_interval": 60.0}
FALLING = [60_000.0 - 20.0 * minute for minute in range(40)]


@pytest.fixture(scope="module")
def falling(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return a scenario that replays a falling price."""
    file = tmp_path_factory.mktemp("prices") / "falling.csv"
    rows = [f"2022-01-01 00:{minute:02d}:00,{price}" for minute, price in enumerate(FALLING)]
    file.write_text("timestamp,price\n" + "\n".join(rows) + "\n")
    price = {"model": "replay", "file": str(file)}
    return {"extends": "replay", "purpose": "falling", "price": price}


def played(env: Any, seed: int, actions: Any) -> list[Any]:
    """Return what an environment shows of an episode."""
    seen = [env.reset(seed=seed)[0]]
    for action in actions:
        observation, reward, _, _, info = env.step(action)
        seen += [observation, reward, info["profit"]]
    return [np.asarray(each).tobytes() for each in seen]


def test_every_world_is_that_of_its_scenario_to_the_bit(falling: dict[str, Any]) -> None:
    scenarios = [
        "calm",
        falling,
        {"extends": "calm", "flow": {"preset": "sparse"}, "purpose": "few"},
    ]
    envs = HedgeVectorEnv(5, scenario=scenarios, **OPTIONS)
    actions = np.random.default_rng(0).uniform(-1, 1, (6, 5, 2)).astype(np.float32)
    columns = [envs.reset(seed=3)[0]]
    for each in actions:
        observations, rewards, _, _, infos = envs.step(each)
        columns += [observations, rewards, infos["profit"]]
    assert envs.scenarios() == ("calm", "unnamed", "unnamed", "calm", "unnamed")
    for world in range(5):
        env = HedgeEnv(scenario=scenarios[world % 3], **OPTIONS)
        alone = played(env, 3 + world, actions[:, world])
        assert [np.asarray(column[world]).tobytes() for column in columns] == alone


def test_a_world_that_starts_anew_keeps_its_scenario(falling: dict[str, Any]) -> None:
    """In a falling market each episode ends lower than it began."""
    envs = HedgeVectorEnv(4, scenario=["textbook", falling], autoreset_mode="SameStep", **OPTIONS)
    envs.reset(seed=0)
    nothing = np.zeros((4, 2), np.float32)
    for step in range(30):
        *_, infos = envs.step(nothing)
        if step % 10 == 9:
            assert infos["_final_info"].all()
            prices = np.stack(infos["final_obs"])[:, envs.observation_fields.index("price")]
            assert (prices[1::2] < 1.0).all()
    assert envs.agent_spec(1).reference_price == FALLING[0]


def test_ranges_of_one_scenario_are_told_of_its_worlds_only() -> None:
    ranged = {
        "extends": "calm",
        "purpose": "ranged",
        "price": {"volatility": {"low": 0.3, "high": 0.9}},
    }
    envs = HedgeVectorEnv(4, scenario=["calm", ranged], **OPTIONS)
    envs.reset(seed=0)
    drawn = envs.variants()["price.volatility"]
    assert np.isnan(drawn[::2]).all()
    assert ((drawn[1::2] > 0.3) & (drawn[1::2] < 0.9)).all()


@pytest.mark.parametrize("scenarios", [[], ["calm"] * 3])
def test_more_scenarios_than_worlds_are_refused(scenarios: list[str]) -> None:
    with pytest.raises(gym.error.Error, match="list of 1 to num_envs = 2"):
        HedgeVectorEnv(2, scenario=scenarios, **OPTIONS)
