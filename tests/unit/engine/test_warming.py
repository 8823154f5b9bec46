"""What is fetched before a step: enough of a world, within it, and nothing else comes of it."""

from __future__ import annotations

import numpy as np
import pytest

from gammagym.engine.warming import FEW, note_stretches
from gammagym.envs.vector import HedgeVectorEnv
from gammagym.world import empty_worlds
from gammagym.world.sizes import CACHE_LINE, STRETCHES

SCENARIOS = ("calm", "two_venues", "basis")


def opened(scenario, count=2):
    env = HedgeVectorEnv(count, scenario=scenario, decision_interval=10.0, horizon_seconds=3600.0)
    env.reset(seed=1)
    return env


def is_read(world):
    """Return for each byte of a world whether a stretch has it, after checking them all."""
    read = np.zeros(world.nbytes, np.bool_)
    for start, end in world["stretches"][: int(world["stretch_count"])].tolist():
        assert 0 <= start < end <= world.nbytes
        read[start:end] = True
    return read


def rows_read(world, table):
    column, offset = world.dtype.fields[table][:2]
    size = column.itemsize
    return is_read(world)[offset : offset + size].reshape(column.shape[0], -1).all(axis=1)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_rows_in_use_are_read(scenario):
    world = opened(scenario).worlds[0]
    counts = {"instruments": "instrument", "books": "instrument"}
    counts |= {table: table[:-1] for table in ("agents", "accounts", "shocks")}
    for table, count in counts.items():
        assert rows_read(world, table)[: world[f"{count}_count"]].all(), table
    assert is_read(world).mean() < 0.5


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_most_orders_and_levels_of_a_flow_are_read_and_most_of_the_pools_are_not(scenario):
    env = opened(scenario)
    for _ in range(60):
        env.step(np.zeros((2, 2), np.float32))
    world = env.worlds[0]
    fed = world["flows"]["instrument"][: world["flow_count"]]
    orders = world["orders"]
    live = (orders["live"] == 1) & np.isin(orders["instrument"], fed)
    assert rows_read(world, "orders")[live].mean() > 0.9
    assert rows_read(world, "levels")[np.unique(orders["level"][live])].mean() > 0.9
    assert rows_read(world, "orders").mean() < 0.5


def test_orders_that_makers_quote_with_are_read():
    env = opened("calm")
    for _ in range(20):
        env.step(np.zeros((2, 2), np.float32))
    world = env.worlds[0]
    quotes = world["instruments"]["maker_orders"][1 : world["instrument_count"]]
    assert (quotes >= 0).all()
    assert rows_read(world, "orders")[quotes].all()
    assert rows_read(world, "levels")[world["orders"]["level"][quotes]].all()


def test_stretches_are_whole_cache_lines_in_order_that_do_not_overlap():
    for scenario in SCENARIOS:
        world = opened(scenario).worlds[0]
        found = world["stretches"][: int(world["stretch_count"])].tolist()
        bounds = [bound for stretch in found for bound in stretch]
        assert bounds == sorted(bounds)
        assert all(bound % CACHE_LINE == 0 for bound in bounds)


def test_fetching_changes_nothing():
    count = FEW + 4
    warm, cold = opened("calm", count), opened("calm", count)
    cold.worlds["stretch_count"] = 0
    actions = np.random.default_rng(0).uniform(-1.0, 1.0, (20, count, 2)).astype(np.float32)
    for action in actions:
        seen, unseen = warm.step(action), cold.step(action)
        assert seen[0].tobytes() == unseen[0].tobytes()
        assert seen[1].tobytes() == unseen[1].tobytes()
    cold.worlds["stretch_count"] = warm.worlds["stretch_count"]
    assert warm.worlds.tobytes() == cold.worlds.tobytes()


def test_a_world_without_flows_has_stretches_too_and_they_fit():
    worlds = empty_worlds(2)
    worlds["instrument_count"] = worlds["account_count"] = worlds["agent_count"] = 1
    worlds["account_count"] = 8
    note_stretches(worlds)
    assert 0 < worlds["stretch_count"][0] <= STRETCHES
    assert is_read(worlds[1])[: worlds.dtype.fields["price"][1]].all()
