"""Variants of a scenario: templates put together are those compiled in full, byte for byte."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from gammagym.envs.core import build, expected_stake
from gammagym.envs.single import HedgeEnv
from gammagym.errors import ScenarioError
from gammagym.market.price import start_price
from gammagym.market.streams import uniform
from gammagym.scenario.compile import Compiled, compile_world
from gammagym.scenario.load import load_scenario
from gammagym.scenario.ranges import LATTICE, put
from gammagym.scenario.tasks import get_task
from gammagym.scenario.variants import JOINT, Variants, variants_of
from gammagym.world import capacity_of
from gammagym.world.codes import STREAM_VARIANTS

RANGES: dict[str, Any] = {
    "price.volatility": {"low": 0.4, "high": 0.9},
    "options.implied_volatility": {"distribution": "lognormal", "median": 0.6, "sigma": 0.2},
    "shocks.0.move": {"low": "-15%", "high": "-5%"},
    "flow.preset": {"choices": ["thin", "sparse"]},
}
# The compensator of jumps hangs on the first two.
TOGETHER: dict[str, Any] = {
    "price.model": "merton",
    "price.preset": "btc",
    "price.volatility": None,
    "price.jump_rate": {"low": 1.0, "high": 20.0},
    "price.jump_sigma": {"low": 0.1, "high": 0.2},
    "flow.lasting_impact": {"low": 0.0, "high": 10.0},
}


def compiled(overrides: dict[str, Any], scenario: str = "flash_crash") -> Compiled:
    return compile_world(load_scenario(scenario, overrides), get_task("GammaScalp"))


def assembled(variants: Variants, market: Compiled, seeds: Any) -> Any:
    """Return the templates that seeds draw, one world each."""
    worlds = np.repeat(market.template, len(seeds))
    variants.write(worlds, np.arange(len(seeds)), seeds)
    return worlds


def in_full(market: Compiled, variants: Variants, seed: int) -> Compiled:
    """Compile the variant of a seed as a scenario of its own, from the values as written."""
    rows = variants.rows(np.array([seed], np.uint64))[0]
    table = market.scenario.model_dump() | {"ranges": {}}
    for group, row in zip(variants.groups, rows, strict=True):
        for key, value in zip(group.keys, group.points[row], strict=True):
            put(table, key, value)
    capacity = capacity_of(market.template)
    return compile_world(load_scenario(table), market.task, capacity=capacity)


@pytest.mark.parametrize("overrides", [RANGES, TOGETHER], ids=["apart", "together"])
def test_templates_put_together_are_those_compiled_in_full(overrides):
    market = compiled(overrides, "calm" if overrides is TOGETHER else "flash_crash")
    variants = variants_of(market)
    seeds = np.arange(100, 112, dtype=np.uint64)
    worlds = assembled(variants, market, seeds)
    for seed, world in zip(seeds, worlds, strict=True):
        assert world.tobytes() == in_full(market, variants, int(seed)).template[0].tobytes()
    assert len({world.tobytes() for world in worlds}) == len(worlds)


def test_ranges_that_reach_a_common_field_are_drawn_together():
    groups = {group.keys: group for group in variants_of(compiled(TOGETHER, "calm")).groups}
    assert set(groups) == {("price.jump_rate", "price.jump_sigma"), ("flow.lasting_impact",)}
    joint = groups["price.jump_rate", "price.jump_sigma"]
    rates, sigmas = np.array(joint.points).T
    assert len(np.unique(rates)) == len(np.unique(sigmas)) == JOINT
    assert abs(stats.spearmanr(rates, sigmas).statistic) < 0.15


def test_ranges_that_act_together_are_drawn_together_even_if_each_alone_does_not_show_it():
    # Without bursts at the centre, the rate alone does not reach what a burst adds to it.
    overrides = {
        "flow.branching": {"choices": [0.0, 0.5]},
        "flow.rate": {"low": 10.0, "high": 30.0},
        "price.drift": {"choices": [0.0, 1.0]},
    }
    market = compiled(overrides, "calm")
    variants = variants_of(market)
    assert {group.keys for group in variants.groups} == {
        ("flow.branching", "flow.rate"),
        ("price.drift",),
    }
    seeds = np.arange(6, dtype=np.uint64)
    for seed, world in enumerate(assembled(variants, market, seeds)):
        assert world.tobytes() == in_full(market, variants, seed).template[0].tobytes()


@pytest.mark.parametrize(
    ("key", "given", "law"),
    [
        ("price.volatility", {"low": 0.4, "high": 0.9}, stats.uniform(0.4, 0.5)),
        (
            "price.drift",
            {"distribution": "normal", "mean": 0.5, "sd": 2.0},
            stats.norm(0.5, 2.0),
        ),
        (
            "options.implied_volatility",
            {"distribution": "lognormal", "median": 0.6, "sigma": 0.3},
            stats.lognorm(0.3, scale=0.6),
        ),
        (
            "flow.rate",
            {"distribution": "log_uniform", "low": 5.0, "high": 50.0},
            stats.loguniform(5.0, 50.0),
        ),
    ],
)
def test_values_are_drawn_from_the_distribution_up_to_the_lattice(key, given, law):
    drawn = variants_of(compiled({key: given}, "calm")).values(np.arange(4_000, dtype=np.uint64))
    distance = stats.kstest(drawn[key], law.cdf).statistic
    # Half a step of the lattice, and what 4,000 draws are off by in one of a thousand cases.
    assert distance < 0.5 / LATTICE + 1.95 / np.sqrt(4_000)
    assert len(np.unique(drawn[key])) == LATTICE


def test_choices_have_all_the_same_chance():
    market = compiled({"flow.rate": {"choices": [10.0, 20.0, 30.0]}}, "calm")
    drawn = variants_of(market).values(np.arange(3_000, dtype=np.uint64))["flow.rate"]
    _, counts = np.unique(drawn, return_counts=True)
    assert stats.chisquare(counts).pvalue > 0.001


def test_two_keys_are_drawn_independently():
    drawn = variants_of(compiled(RANGES)).values(np.arange(4_000, dtype=np.uint64))
    one, other = drawn["price.volatility"], drawn["shocks.0.move"]
    table = np.histogram2d(one, other, bins=4)[0]
    assert stats.chi2_contingency(table).pvalue > 0.001


def test_a_further_range_changes_nothing_that_another_draws():
    seeds = np.arange(50, dtype=np.uint64)
    few = {key: RANGES[key] for key in ("price.volatility", "shocks.0.move")}
    of_few = variants_of(compiled(few)).values(seeds)
    of_all = variants_of(compiled(RANGES)).values(seeds)
    for key in few:
        assert of_few[key].tolist() == of_all[key].tolist()


def test_drawn_values_are_those_that_are_in_the_world():
    market = compiled(RANGES)
    variants = variants_of(market)
    seeds = np.arange(20, dtype=np.uint64)
    worlds, drawn = assembled(variants, market, seeds), variants.values(seeds)
    assert worlds["price"]["volatility"].tolist() == drawn["price.volatility"].tolist()
    assert np.exp(worlds["shocks"]["magnitude"][:, 0]) - 1 == pytest.approx(drawn["shocks.0.move"])
    assert set(drawn["flow.preset"]) == {"thin", "sparse"}


def test_a_range_of_one_value_is_that_value():
    plain = compiled({}, "calm")
    market = compiled({"price.volatility": {"low": 0.6, "high": 0.6}}, "calm")
    worlds = assembled(variants_of(market), market, np.arange(5, dtype=np.uint64))
    assert all(world.tobytes() == plain.template[0].tobytes() for world in worlds)


def test_the_draws_come_from_a_stream_of_their_own():
    env = HedgeEnv(scenario="calm", horizon_seconds=60.0)
    env.reset(seed=12)
    key = env.worlds["keys"][0, STREAM_VARIANTS]
    drawn = variants_of(compiled({"price.drift": {"low": -1.0, "high": 1.0}}, "calm"))
    row = int(uniform(key, np.uint64(drawn.groups[0].draw)) * LATTICE)
    assert drawn.rows(np.array([12], np.uint64)).tolist() == [[row]]


def test_without_the_varied_key_two_markets_share_every_random_number():
    def path(overrides: dict[str, Any]) -> list[float]:
        env = HedgeEnv(scenario="calm", overrides=overrides, horizon_seconds=300.0)
        env.reset(seed=4)
        prices = []
        for _ in range(5):
            env.step(np.zeros(2, np.float32))
            prices.append(float(env.worlds["price"]["value"][0]))
        return prices

    assert path({}) == path({"options.implied_volatility": {"low": 0.3, "high": 0.5}})


def test_each_world_has_the_stake_of_its_own_implied_volatility():
    market = compiled({"options.implied_volatility": {"low": 0.3, "high": 0.9}}, "calm")
    variants = variants_of(market)
    env = HedgeEnv(scenario=market.scenario, horizon_seconds=get_task("GammaScalp").horizon_seconds)
    for seed in (1, 2, 3):
        env.reset(seed=seed)
        own = in_full(market, variants, seed)
        assert env.results()["stake"] == expected_stake(own)
    assert len({round(expected_stake(in_full(market, variants, seed))) for seed in (1, 2, 3)}) > 1


def test_prices_are_observed_on_the_scale_that_agents_are_told():
    env = HedgeEnv(scenario="calm", overrides={"price.start": {"low": 40_000, "high": 80_000}})
    spec = env.agent_spec()
    starts = set()
    for seed in range(5):
        observation, _ = env.reset(seed=seed)
        start = env.variant["price.start"]
        starts.add(start)
        assert spec.read(observation).price == pytest.approx(start, rel=0.002)
    assert len(starts) > 2


# --- What cannot be varied -------------------------------------------------------------------


def refused(overrides: dict[str, Any], scenario: str = "calm") -> str:
    with pytest.raises(ScenarioError) as caught:
        variants_of(compiled(overrides, scenario))
    return str(caught.value)


def test_ranges_that_contradict_each_other_are_refused_with_their_values():
    told = refused(
        {
            "flow.probability_market": {"low": 0.1, "high": 0.6},
            "flow.probability_add": {"low": 0.1, "high": 0.6},
        }
    )
    assert "its ranges allow flow.probability_market = 0.5" in told
    assert "together they must be <= 1" in told


def test_a_range_may_not_change_which_instruments_there_are():
    markets = [{"kind": "call", "expiry": "7d", "moneyness": 1.05}]
    told = refused({"markets": markets, "ranges": {"markets.0.kind": {"choices": ["call", "put"]}}})
    assert "markets.0.kind = 'put': that changes which instruments there are" in told


def test_a_replay_is_varied_in_all_but_its_prices(tmp_path: Path):
    rows = [f"{1_700_000_000 + 60 * row},{60_000 + row % 7}" for row in range(2_000)]
    (tmp_path / "prices.csv").write_text("timestamp,price\n" + "\n".join(rows) + "\n")
    market = build(
        "GammaScalp",
        "replay",
        tmp_path / "prices.csv",
        {"options.implied_volatility": {"low": 0.3, "high": 0.9}},
        {"horizon_seconds": 3_600.0},
    )
    variants = variants_of(market)
    worlds = assembled(variants, market, np.arange(3, dtype=np.uint64))
    for seed, world in enumerate(worlds):
        assert world.tobytes() == in_full(market, variants, seed).template[0].tobytes()
        start_price(world, market.tape)
        assert world["price"]["value"] in market.tape
