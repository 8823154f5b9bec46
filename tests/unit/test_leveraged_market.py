"""The leveraged crowd in a market by hand: seen, saved, forked, the same in every build."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gammagym
from gammagym.api.soundness import fault_of
from gammagym.scenario.load import load_scenario
from gammagym.world import fingerprint

ROOT = Path(__file__).resolve().parents[2]
FAST = {
    "jitter": "0s",
    "warmup": "2s",
    "flow.preset": "sparse",
    "flow.widening": 0.0,
    "flow.pulling": 0.0,
    "shocks.0.at": "1s",
    "shocks.0.ramp": "3s",
    "shocks.0.move": "-6%",
}


def market(venue: str = "binance", seed: int = 11) -> gammagym.Market:
    scenario = load_scenario("liquidation_cascade", FAST | {"venue": venue, "rules": {}})
    return gammagym.Market(scenario, seed=seed, horizon_seconds=600.0)


def ending(venue: str, seconds: float) -> dict[str, Any]:
    """Return what is left of a market after some seconds."""
    each = market(venue)
    each.advance(seconds=seconds)
    return {
        "fingerprint": fingerprint(each.world),
        "held": int(np.abs(each.world["buckets"]["quantity_lots"]).sum()),
        "opened": int(np.abs(each.world["buckets"]["opened_lots"]).sum()),
    }


def test_the_liquidation_map_lists_who_is_left_from_the_highest_price_down():
    each = market()
    table = each.liquidation_map()
    assert list(table.columns) == [
        "instrument",
        "quantity",
        "leverage",
        "entry_price",
        "liquidation_price",
        "bankruptcy_price",
        "called",
    ]
    longs, shorts = table[table["quantity"] > 0], table[table["quantity"] < 0]
    assert longs["quantity"].sum() == pytest.approx(30_000.0)
    assert shorts["quantity"].sum() == pytest.approx(-10_000.0)
    assert table["liquidation_price"].is_monotonic_decreasing
    assert longs["liquidation_price"].max() < 60_000.0 < shorts["liquidation_price"].min()
    assert set(table["leverage"]) == {5.0, 10.0, 20.0, 50.0}
    assert not table["called"].any()
    each.advance(seconds=10.0)
    after = each.liquidation_map()
    assert after[after["quantity"] > 0]["quantity"].sum() < 30_000.0


def test_a_market_without_a_crowd_has_an_empty_map():
    table = gammagym.Market("calm", seed=1).liquidation_map()
    assert len(table) == 0
    assert "liquidation_price" in table.columns


def test_a_market_saved_in_a_cascade_goes_on_as_if_it_had_not_been(tmp_path):
    each = market()
    each.advance(seconds=6.0)
    each.save(tmp_path / "m.npz")
    twin, fork = gammagym.Market.load(tmp_path / "m.npz"), each.fork()
    for other in (each, twin, fork):
        other.advance(seconds=10.0)
    assert fingerprint(each.world) == fingerprint(twin.world) == fingerprint(fork.world)


def test_the_same_seed_makes_the_same_cascade_and_another_one_another():
    assert ending("generic", 20.0) == ending("generic", 20.0)
    first, second = market(seed=1), market(seed=2)
    assert (first.world["buckets"]["entry_quanta"] != second.world["buckets"]["entry_quanta"]).any()


# where, wrong value
BROKEN = [
    ("account", 0),
    ("account", 39),
    ("instrument", 15),
    ("instrument", -1),
    ("quantity_lots", 2**60),
    ("initial_e9", 0),
]


@pytest.mark.parametrize(("field", "value"), BROKEN)
def test_a_bucket_that_points_nowhere_is_found(field, value):
    each = market()
    worlds = each._worlds.copy()
    assert fault_of(worlds, each._tape) is None
    worlds["buckets"][field][0, 3] = value
    assert f"buckets.{field}" in str(fault_of(worlds, each._tape))


def test_more_buckets_than_rows_are_found():
    each = market()
    worlds = each._worlds.copy()
    worlds["bucket_count"] = 129
    assert "bucket_count" in str(fault_of(worlds, each._tape))


_SCRIPT = """
import json, sys
sys.path.insert(0, {folder!r})
import test_leveraged_market as tests
print(json.dumps([tests.ending(venue, 8.0) for venue in {venues!r}]))
"""


@pytest.mark.slow
def test_money_and_positions_agree_after_every_event_also_without_compilation():
    """The debug build checks both; a world is the same to the bit with and without compilation."""
    venues = ("binance", "binance_coinm")
    environment = os.environ | {"GAMMAGYM_DEBUG": "1", "NUMBA_DISABLE_JIT": "1"}
    script = _SCRIPT.format(folder=str(Path(__file__).parent), venues=venues)
    command = [sys.executable, "-W", "ignore", "-c", script]
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    plain = json.loads(run.stdout)
    assert plain == [ending(venue, 8.0) for venue in venues]
    assert all(0 < each["held"] < each["opened"] for each in plain)
