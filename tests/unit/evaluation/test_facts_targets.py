"""Ranges of real samples: made, kept in files, and compared with."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from gammagym.errors import DataError, GammagymError
from gammagym.evaluation.facts.long_run import log_returns, measure_long
from gammagym.evaluation.facts.measures import measure
from gammagym.evaluation.facts.targets import (
    LONG_TARGETS,
    MARKETS,
    Range,
    Targets,
    compare,
    load_targets,
    ranges,
    read_targets,
    write_targets,
)
from gammagym.evaluation.facts.worlds import long_returns, record_world


def test_a_range_is_widened_by_a_quarter_of_each_end() -> None:
    assert Range(4.0, 8.0, 5.0).ends == (3.0, 10.0)
    assert Range(-4.0, 8.0, 5.0).ends == (-5.0, 10.0)
    assert Range(2.0, 4.0).ends == (2.0, 4.0)  # a fixed target is not


@pytest.mark.parametrize(
    ("value", "verdict", "miss"),
    [(3.0, "inside", 0.0), (10.0, "inside", 0.0), (2.0, "below", -1.0), (12.0, "above", 2.0)],
)
def test_a_fact_misses_by_its_distance_from_the_widened_range(
    value: float, verdict: str, miss: float
) -> None:
    (finding,) = compare({"a": value}, {"a": Range(4.0, 8.0, 5.0)})
    assert (finding.verdict, finding.miss) == (verdict, miss)


def test_a_fact_without_a_target_or_a_value_is_not_judged() -> None:
    targets = {"a": Range(0.0, 1.0, 0.5)}
    found = compare({"a": math.nan, "b": 1.0}, targets)
    assert [each.verdict for each in found] == ["not judged", "not judged"]


def test_the_range_of_a_fact_is_over_the_windows_and_the_whole() -> None:
    record = record_world("calm", seconds=200.0)
    found = ranges(record, windows=4)
    values = [measure(part)["orders_per_second"] for part in record.windows(4)]
    whole = measure(record)["orders_per_second"]
    assert found["orders_per_second"] == Range(min(values), max(values), whole)


def test_facts_that_windows_are_too_short_for_have_no_range() -> None:
    found = ranges(record_world("calm", seconds=200.0), windows=4)
    assert "kurtosis_60s" not in found
    assert "tail_index_1s" not in found


def test_a_sample_is_inside_of_its_own_ranges() -> None:
    record = record_world("calm", seconds=200.0)
    found = compare(measure(record), ranges(record, windows=4))
    assert {each.verdict for each in found} == {"inside", "not judged"}


def test_too_few_windows_or_too_short_ones_are_refused() -> None:
    record = record_world("calm", seconds=60.0)
    with pytest.raises(GammagymError, match="windows must be at least 4, was 3"):
        ranges(record, windows=3)
    with pytest.raises(DataError, match="at least 10 s"):
        ranges(record, windows=8)


# --- Files -----------------------------------------------------------------------------------


@pytest.mark.parametrize("market", MARKETS)
def test_the_ranges_of_every_market_come_with_the_package(market: str) -> None:
    targets = load_targets(market)
    assert targets.windows == 8
    assert len(targets.facts) > 50
    assert set(targets.facts) <= set(measure(record_world("calm", seconds=60.0)))


def test_an_unknown_market_is_refused_with_those_there_are() -> None:
    with pytest.raises(GammagymError, match=r"no real market 'usd'.*usdm"):
        load_targets("usd")


def test_targets_that_are_written_are_read_again(tmp_path: Path) -> None:
    facts = {"spread": Range(1.0, 2.5, 1.25), "order_size_q99.9": Range(-1.0, 2.0, 0.5)}
    targets = Targets("mine.gz", 123.0, 8, facts)
    write_targets(targets, tmp_path / "mine.toml")
    assert read_targets(tmp_path / "mine.toml") == targets
    assert [path.name for path in tmp_path.iterdir()] == ["mine.toml"]


def test_every_bad_fact_of_a_file_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    rows = 'a = [1, 2]\nb = [3, 2, 1]\nc = [1, 2, 3]\nd = [1, nan, 2]\ne = ["x", 1, 2]\n'
    path.write_text(f'name = "x"\nduration = 1\nwindows = 8\n[facts]\n{rows}')
    with pytest.raises(DataError, match=r"facts a, b, d, e: each must be \[low, value, high\]"):
        read_targets(path)


@pytest.mark.parametrize("text", ["", "name = ", 'name = "x"\nduration = "long"\n[facts]\n'])
def test_a_file_that_is_none_of_targets_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(DataError, match=r"bad\.toml: not a file of targets"):
        read_targets(path)
    with pytest.raises(DataError, match="not a file of targets"):
        read_targets(tmp_path / "missing.toml")


# --- Long runs -------------------------------------------------------------------------------


def test_returns_of_long_runs_are_over_whole_minutes() -> None:
    run = long_returns("calm", hours=0.1)
    assert run.shape == (360, 2)
    moves = log_returns(run, 60)
    assert moves[0] == pytest.approx(math.log(run[119, 0] / run[59, 0]))
    assert len(moves) == 5


def test_a_brownian_price_has_none_of_the_long_facts() -> None:
    facts = measure_long([long_returns("calm", seed=seed, hours=6.0) for seed in range(2)])
    assert set(facts) == set(LONG_TARGETS)
    assert facts["long_kurtosis_60s"] == pytest.approx(0.0, abs=0.7)
    assert facts["long_abs_return_acf_60s"] == pytest.approx(0.0, abs=0.12)


def test_hours_that_are_calm_and_wild_in_turn_have_the_long_facts() -> None:
    """Moves of a second are normal, five times as large in every second hour, with more volume.

    The kurtosis of such a mixture is 3 (1 + 5^4) / 2 / ((1 + 5^2) / 2)^2 - 3.
    """
    wild = np.repeat(np.tile((1.0, 5.0), 50), 3_600)
    moves = np.random.default_rng(1).normal(0.0, 1e-5, len(wild)) * wild
    run = np.column_stack((60_000 * np.exp(np.cumsum(moves)), wild))
    facts = measure_long([run])
    assert facts["long_kurtosis_60s"] == pytest.approx(3 * 313 / 169 - 3, abs=0.5)
    assert facts["long_return_acf_60s"] == pytest.approx(0.0, abs=0.04)
    assert facts["long_abs_return_acf_60s"] > 0.2
    assert facts["long_volume_volatility_correlation"] > 0.4
