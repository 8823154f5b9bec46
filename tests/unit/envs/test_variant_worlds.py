"""Worlds of a scenario with ranges: a seed gives the same variant wherever it is played."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from gammagym import Market
from gammagym.envs.core import episode_results
from gammagym.envs.single import HedgeEnv
from gammagym.envs.vector import HedgeVectorEnv
from gammagym.evaluation.rollout import rollout
from gammagym.scenario.load import load_scenario
from gammagym.world import fingerprint

RANGES: dict[str, Any] = {
    "flow.preset": "sparse",
    "price.volatility": {"low": 0.4, "high": 0.9},
    "options.implied_volatility": {"choices": [0.5, 0.6, 0.7]},
    "shocks.0.move": {"choices": ["-5%", "-10%", "-15%"]},
}
SHORT: dict[str, Any] = {"horizon_seconds": 480.0, "decision_interval": 120.0}
SETTING: dict[str, Any] = {"scenario": "flash_crash", "overrides": RANGES, **SHORT}
SEED = 70


def actions_of(seeds: Any) -> Any:
    """Return actions that hang on seeds alone, shape (decisions, seeds, 2)."""
    drawn = [np.random.default_rng(int(seed)).uniform(-1, 1, (4, 2)) for seed in seeds]
    return np.stack(drawn, axis=1).astype(np.float32)


def test_a_world_is_the_same_alone_and_in_batches_of_any_width():
    wide = HedgeVectorEnv(17, **SETTING)
    narrow = HedgeVectorEnv(3, **SETTING)
    alone = HedgeEnv(**SETTING)
    wide.reset(seed=SEED)
    narrow.reset(seed=SEED + 4)
    alone.reset(seed=SEED + 5)
    actions = actions_of(range(SEED, SEED + 17))
    for step in actions:
        wide.step(step)
        narrow.step(step[4:7])
        alone.step(step[5])
    assert [fingerprint(world) for world in wide.worlds[4:7]] == [
        fingerprint(world) for world in narrow.worlds
    ]
    assert fingerprint(alone.worlds[0]) == fingerprint(wide.worlds[5])
    assert alone.variant == {key: column.tolist()[5] for key, column in wide.variants().items()}
    assert len(set(wide.variants()["price.volatility"])) > 5


def test_two_threads_give_the_same_bytes_as_one():
    prints = []
    for threads in (1, 2):
        try:
            envs = HedgeVectorEnv(8, threads=threads, **SETTING)
        except Exception as error:
            pytest.skip(str(error))
        envs.reset(seed=SEED)
        for step in actions_of(range(8)):
            envs.step(step)
        prints.append(fingerprint(envs.worlds))
    assert prints[0] == prints[1]


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_every_new_episode_is_the_variant_of_its_own_seed(mode):
    envs = HedgeVectorEnv(4, autoreset_mode=mode, **SETTING)
    envs.reset(seed=SEED)
    first = envs.variants()["price.volatility"].tolist()
    nothing = np.zeros((4, 2), np.float32)
    for _ in range(4):
        _, _, ended, _, _ = envs.step(nothing)
    assert ended.all()
    if mode == AutoresetMode.NEXT_STEP:
        envs.step(nothing)
    if mode == AutoresetMode.DISABLED:
        envs.reset(options={"reset_mask": np.ones(4, np.bool_)})
    assert envs.variants()["price.volatility"].tolist() != first
    alone = HedgeEnv(**SETTING)
    for row, seed in enumerate(envs.worlds["seed"].tolist()):
        alone.reset(seed=seed)
        assert fingerprint(alone.worlds[0]) == fingerprint(envs.worlds[row])


def test_a_mask_restarts_only_the_chosen_worlds_with_new_variants():
    envs = HedgeVectorEnv(6, autoreset_mode="Disabled", **SETTING)
    envs.reset(seed=SEED)
    before = [fingerprint(world) for world in envs.worlds]
    mask = np.array([False, True, False, False, True, False])
    envs.reset(seed=[900 + row for row in range(6)], options={"reset_mask": mask})
    after = [fingerprint(world) for world in envs.worlds]
    assert [one == other for one, other in zip(before, after, strict=True)] == (~mask).tolist()
    alone = HedgeEnv(**SETTING)
    alone.reset(seed=904)
    assert fingerprint(alone.worlds[0]) == after[4]


def test_step_lean_restarts_worlds_as_variants_too():
    envs = HedgeVectorEnv(3, **SETTING)
    envs.reset(seed=SEED)
    for _ in range(4):
        envs.step_lean(np.zeros((3, 2), np.float32))
    alone = HedgeEnv(**SETTING)
    alone.reset(seed=int(envs.worlds["seed"][2]))
    assert fingerprint(alone.worlds[0]) == fingerprint(envs.worlds[2])


def test_a_market_by_hand_has_the_variant_of_its_seed():
    scenario = load_scenario("flash_crash", RANGES)
    env = HedgeEnv(scenario=scenario, horizon_seconds=86_400.0)
    moves = set()
    for seed in (1, 2, 3, 4):
        env.reset(seed=seed)
        world = Market(scenario, seed=seed).world
        assert world["price"]["volatility"] == env.variant["price.volatility"]
        assert np.expm1(world["shocks"]["magnitude"][0]) == pytest.approx(
            env.variant["shocks.0.move"]
        )
        moves.add(env.variant["shocks.0.move"])
    assert len(moves) > 1


def test_agents_meet_the_same_variants_and_results_tell_them():
    setting = {"scenario": "flash_crash", "overrides": RANGES, "seeds": range(5, 11), **SHORT}
    one = rollout("no_hedge", worlds_at_once=4, **setting)
    other = rollout("delta_band:band=0.02", worlds_at_once=6, **setting)
    names = {f"variant.{key}" for key, value in RANGES.items() if isinstance(value, dict)}
    assert names <= set(one.columns)
    for name in names | {"final_price", "stake"}:
        assert one.columns[name].tolist() == other.columns[name].tolist()
    envs = HedgeVectorEnv(6, **SETTING)
    envs.reset(seed=5)
    for key, column in envs.variants().items():
        assert column.tolist() == one.columns[f"variant.{key}"].tolist()
    assert len(set(one.columns["stake"])) > 1


def test_a_range_changes_nothing_but_its_key():
    # The flash crash with a range that changes no path: every other number is as without it.
    fixed = {key: value for key, value in RANGES.items() if not isinstance(value, dict)}
    with_range = fixed | {"options.implied_volatility": {"choices": [0.5, 0.7]}}
    results = []
    for overrides in (fixed, with_range):
        envs = HedgeVectorEnv(4, **SETTING | {"overrides": overrides})
        envs.reset(seed=SEED)
        for _ in range(4):
            envs.step(np.zeros((4, 2), np.float32))
        results.append(episode_results(envs.worlds))
    assert results[0]["final_price"].tolist() == results[1]["final_price"].tolist()
    assert (results[0]["stake"] != results[1]["stake"]).all()


def test_without_ranges_nothing_is_drawn():
    env = HedgeEnv(scenario="calm", **SHORT)
    env.reset(seed=1)
    assert env.variant == {}
    assert HedgeVectorEnv(2, scenario="calm", **SHORT).variants() == {}
