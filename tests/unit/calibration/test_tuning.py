"""The tuning of what cannot be read off: it finds known parameters again, and goes no further."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from gammagym.calibration import tuning
from gammagym.calibration.measure import measure
from gammagym.calibration.parameters import Parameters, choose_parameters
from gammagym.calibration.tuning import KNOBS, Knob, Round, simulated_facts, tune, tune_flow
from gammagym.data.market_files import read_market_files
from gammagym.scenario.load import load_flow

SIZE = Knob("size", "touch", 0.7, 0.01, 100.0)
RATE = Knob("rate", "events", 0.7, 0.01, 100.0)
STARTS = {"size": 1.0, "rate": 1.0}


def market(flow: Mapping[str, float]) -> dict[str, float]:
    """Make facts of two parameters, each of which moves both."""
    size, rate = flow["size"], flow["rate"]
    return {"touch": 2.0 * size * rate**0.2, "events": 3.0 * rate * size**-0.1}


def test_parameters_that_act_on_each_others_facts_are_found_again() -> None:
    true = {"size": 5.0, "rate": 0.2}
    found = tune(STARTS, market(true), market, (SIZE, RATE), rounds=30)
    assert found.parameters == pytest.approx(true, rel=1e-4)
    assert found.facts == pytest.approx(market(true), rel=1e-4)
    assert found.misfit < 1e-4


def test_the_misfit_is_the_root_mean_square_of_logarithms() -> None:
    targets = {"touch": 2.0 * 1.5, "events": 3.0 / 1.25}
    told: list[tuple[int, float]] = []
    tune(STARTS, targets, market, (SIZE, RATE), 1, lambda *one: told.append(one))
    expected = math.sqrt((math.log(1.5) ** 2 + math.log(1.25) ** 2) / 2)
    assert told == [(0, pytest.approx(expected))]


def test_the_best_round_is_returned_and_not_the_last() -> None:
    wild = Knob("size", "touch", 3.0, 0.01, 100.0)  # overshoots more each time
    told: list[float] = []
    found = tune(
        {"size": 1.0, "rate": 1.0},
        {"touch": 2.2},
        market,
        (wild,),
        4,
        lambda _, misfit: told.append(misfit),
    )
    assert told[-1] > min(told) == found.misfit
    assert found.parameters["size"] == 1.0


@pytest.mark.parametrize("target", [0.0, -1.0, math.nan])
def test_a_fact_that_was_not_measured_moves_nothing(target: float) -> None:
    found = tune(STARTS, {"touch": target}, market, (SIZE, RATE), rounds=3)
    assert found.parameters == STARTS


def test_a_parameter_stays_within_its_bounds() -> None:
    narrow = Knob("size", "touch", 1.0, 0.9, 1.1)
    found = tune(STARTS, {"touch": 2.3}, market, (narrow,), rounds=5)
    assert found.parameters["size"] == 1.1


def test_every_knob_turns_a_parameter_of_the_preset_and_has_a_fact_that_markets_have() -> None:
    price = {"model": "gbm", "start": "60000", "volatility": 0.6}
    scenario = {"purpose": "a market", "price": price, "flow": {"preset": "full"}}
    facts = simulated_facts({}, scenario, seeds=1, seconds=60.0)
    preset = load_flow("full")
    for knob in KNOBS:
        assert knob.fact in facts
        assert knob.low <= preset[knob.parameter] <= knob.high


def test_without_a_book_nothing_is_tuned(tmp_path: Path) -> None:
    file = tmp_path / "BTCUSDT-trades.csv"
    with file.open("w", newline="") as out:
        csv.writer(out).writerows(
            (row, f"100.{row % 9}", "0.1", "1", 1_700_000_000_000 + 211 * row, "true")
            for row in range(600)
        )
    measurement = measure(read_market_files([str(file)]))
    parameters = choose_parameters(measurement)
    assert tune_flow(measurement, parameters, None) == parameters


@pytest.mark.slow
def test_a_real_market_is_tuned_to_its_own_facts(
    real_data: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = str(real_data("binance_usdm_btcusdt_20240808.gz"))
    measurement = measure(read_market_files([stream]))
    asked: list[Mapping[str, float]] = []

    def tuned(start: Mapping[str, float], targets: Mapping[str, float], *_: object) -> Round:
        asked.extend((dict(start), dict(targets)))
        return Round({**start, "add_size": 0.2}, {knob.fact: 1.0 for knob in KNOBS}, 0.0)

    monkeypatch.setattr(tuning, "tune", tuned)
    found: Parameters = tune_flow(measurement, choose_parameters(measurement), None)
    start, targets = asked
    assert start["rate"] == pytest.approx(1_286, rel=0.01)
    assert start["informed_probability"] == load_flow("full")["informed_probability"]
    assert targets["level_updates_per_second"] == pytest.approx(1_286, rel=0.02)
    assert found.flow["add_size"].value == 0.2
    assert found.flow["add_size"].reason.startswith("tuned: depth_10bp 1, measured ")
    # Noise and informed orders together have the median that was measured.
    assert found.flow["market_size"].value < 0.03 < found.flow["informed_size"].value
