"""A file of prices played mirrored: luck with the direction comes out the other way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from gammagym.data.prices import mirrored, read_prices, tape
from gammagym.envs.core import build
from gammagym.errors import ScenarioError
from gammagym.evaluation.plan import default_scenarios
from gammagym.evaluation.rollout import rollout
from gammagym.evaluation.statistics import carried_share
from gammagym.scenario.load import load_scenario

BITCOIN_MINUTES = "btc_perp_1min_2022-01.csv.gz"
# An agent that sells ten times as much as it may at once, and keeps it: of a book of ten coins, all
# of it is hedged after five decisions, and as much again is carried short after ten.
SHORT = '''"""Twice the hedge, and then nothing."""

import numpy as np


class Short:
    def __init__(self, spec):
        self.spec = spec

    def reset(self, info, worlds=None):
        self.decisions = 0

    def act(self, observation):
        self.decisions += 1
        units = -self.spec.largest_order if self.decisions <= 10 else 0.0
        return self.spec.order(np.full(observation.shape[:-1], units))


def make_agent(spec):
    return Short(spec)
'''


def falling_file(folder: Path) -> Path:
    """Return a file of eight hours that falls by 4 %, in steps of unequal length."""
    start = datetime(2024, 8, 5, tzinfo=UTC)
    rows = ["timestamp,price"]
    for minute in range(480):
        price = 60_000 * np.exp(-0.04 * minute / 480 + 0.001 * ((minute * 7_919) % 13 - 6) / 6)
        rows.append(f"{(start + timedelta(minutes=minute)).isoformat()},{price:.2f}")
    path = folder / "falling.csv"
    path.write_text("\n".join(rows))
    return path


def test_every_recorded_price_is_mirrored_exactly(tmp_path) -> None:
    file = falling_file(tmp_path)
    plain = build("GammaScalp", "replay", file, None, {"horizon_seconds": 3_600.0})
    turned = build("GammaScalp", "replay_mirrored", file, None, {"horizon_seconds": 3_600.0})
    series = read_prices(file)
    assert np.array_equal(plain.tape, tape(series, series.step_ns))
    assert np.array_equal(turned.tape, plain.tape[0] ** 2 / plain.tape)
    assert turned.reference_price == plain.reference_price
    # The same volatility: that of the bridge between two prices, and that of the options.
    assert turned.template["price"]["volatility"] == plain.template["price"]["volatility"]


def test_mirroring_negates_log_returns_and_undoes_itself() -> None:
    prices = np.array([100.0, 90.0, 130.0, 70.0])
    assert np.diff(np.log(mirrored(prices))) == pytest.approx(-np.diff(np.log(prices)))
    assert mirrored(mirrored(prices)) == pytest.approx(prices)


def test_only_a_replay_can_be_mirrored() -> None:
    with pytest.raises(ScenarioError, match=r"price\.mirror.*reads no file"):
        load_scenario("calm", {"price.mirror": True})


def test_a_price_file_is_played_both_ways_by_default() -> None:
    assert default_scenarios("minutes.csv") == ("replay", "replay_mirrored")
    assert not {"replay", "replay_mirrored"} & set(default_scenarios())


def carried_short(folder: Path, file: Path, seeds: range, **options: float) -> list[float]:
    """Return what carrying short delta earned (share of the stake), as it was and mirrored."""
    (folder / "short.py").write_text(SHORT)
    agent, means = str(folder / "short.py"), []
    for name in ("replay", "replay_mirrored"):
        found = rollout(agent, name, "SpotHedge", seeds, str(file), **options)
        assert found.failures == 0, found.reason
        assert found.columns["liquidations"].sum() == 0
        means.append(float(np.mean(found.columns["delta"] / found.columns["stake"])))
    return means


def test_carried_short_delta_gains_in_a_fall_and_loses_in_its_mirror(tmp_path) -> None:
    gained, lost = carried_short(
        tmp_path, falling_file(tmp_path), range(4), horizon_seconds=3_600.0, decision_interval=60.0
    )
    assert gained > 0 > lost
    assert abs(gained + lost) / 2 < 0.1 * gained


def test_in_a_real_month_that_fell_the_mean_of_both_is_near_zero(real_data, tmp_path) -> None:
    # January 2022, 30 days of it: bitcoin fell by a sixth.
    gained, lost = carried_short(tmp_path, real_data(BITCOIN_MINUTES), range(1))
    assert gained > 0.1
    assert lost < -0.1
    assert abs(gained + lost) / 2 < 0.25 * gained


def test_the_share_of_carried_delta_has_its_sign_and_no_value_without_profit() -> None:
    shares = carried_share([3.0, -3.0, 3.0, 1.0], [4.0, -4.0, -1.0, 0.0])
    assert shares[:3].tolist() == [0.75, 0.75, -3.0]
    assert np.isnan(shares[3])
