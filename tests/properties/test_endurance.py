"""What must hold whatever an agent does: a small run of benchmarks/endurance.py."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gammagym.scenario.tasks import TASKS

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks import endurance

RUNS = [
    ("calm", 60.0, "relative", "hedge"),
    ("calm", 1.0, "sharpe", "quotes"),
    ("liquidation_cascade", 60.0, "utility", "band"),
    ("exchange_outage", 60.0, "terminal", "discrete"),
    ("flash_crash", 20.0, "risk", "orders"),
    ("smile", 5.0, "equity", "discrete"),
]


@pytest.mark.parametrize(("scenario", "interval", "reward", "scheme"), RUNS)
@pytest.mark.parametrize("task", TASKS)
def test_nothing_breaks_under_random_actions(scenario, interval, reward, scheme, task):
    options: dict[str, Any] = {"decision_interval": interval, "reward": reward}
    options |= {"action_scheme": scheme} | endurance.VENUES.get(task, {})
    # What trades the options of its book has further numbers in each action.
    options["trade_options"] = bool(scheme == "discrete" and endurance.has_options(task))
    found = endurance.endure(scenario, task, 300, seed=1, **options)
    assert found.steps >= 300
    assert found.wrong == []
    assert found.failures == 0


def spoil(monkeypatch: Any, name: str, change: Any) -> list[str]:
    """Let a run be spoilt after each step and before the check of it; return what it finds."""
    check = getattr(endurance, name)
    monkeypatch.setattr(endurance, name, lambda *given: check(*change(*given)))
    return endurance.endure("calm", "GammaScalp", 40, seed=1).wrong


def test_a_lost_coin_is_found(monkeypatch):
    def lose(worlds: Any, found: Any) -> Any:
        worlds["cash"][0, 0, 1] -= 1
        return worlds, found

    assert "quanta of" in spoil(monkeypatch, "check_money", lose)[0]


def test_an_observation_that_is_no_number_is_found(monkeypatch):
    def blur(envs: Any, results: Any, found: Any) -> Any:
        results[0][0, 3] = np.nan
        return envs, results, found

    assert spoil(monkeypatch, "check_step", blur)[0].endswith("not finite: gamma")


def test_parts_that_do_not_sum_are_found(monkeypatch):
    def skim(envs: Any, results: Any, found: Any) -> Any:
        results[4]["profit"][1] += 1.0
        return envs, results, found

    assert "off the profit" in spoil(monkeypatch, "check_step", skim)[0]


def test_a_large_residual_is_found(monkeypatch):
    def shift(worlds: Any, gamma: Any, found: Any) -> Any:
        return worlds, gamma * 1e-4, found

    assert "of the absolute gamma profit" in spoil(monkeypatch, "check_residual", shift)[0]
