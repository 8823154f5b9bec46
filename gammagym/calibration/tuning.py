"""Tune what cannot be read off: parameters whose effect shows only in the market they make.

Each parameter has one fact that it governs: a larger touch_size makes a larger touch, a larger
add_size a deeper book. So each is multiplied by how far the simulated fact is from the measured
one, again and again, with seeds that stay: a fixed point is a market with the measured facts. The
record of a simulated market is measured by the same functions as that of a real one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from gammagym.calibration.measure import Measurement
from gammagym.calibration.parameters import Parameter, Parameters, rounded
from gammagym.errors import DataError
from gammagym.evaluation.facts import MarketRecord, measure, record_stream, record_world
from gammagym.scenario.load import load_flow

Facts = Mapping[str, float]
Simulate = Callable[[Mapping[str, float]], Facts]

_CHANGE = 2.0  # largest factor of one round
_PRESET = "full"


@dataclass(frozen=True)
class Knob:
    """A parameter of the flow and the fact that it governs.

    Attributes:
        parameter: Key of `[flow]`.
        fact: Name of the fact.
        power: The parameter is multiplied by (measured / simulated) to this power; below 1, since a
            parameter also moves other facts.
        low: Least value.
        high: Largest value.
    """

    parameter: str
    fact: str
    power: float
    low: float
    high: float


KNOBS = (
    Knob("rate", "level_updates_per_second", 0.9, 1.0, 5_000.0),
    Knob("touch_size", "touch_size_time_median_bid", 0.7, 1e-4, 1e4),
    Knob("add_size", "depth_10bp", 0.7, 1e-4, 1e4),
    Knob("distance_maximum", "depth_50bp", 0.4, 500.0, 1e5),
    Knob("informed_probability", "impact_1s", 0.5, 0.02, 1.0),
    Knob("surprise_ticks", "impact_10ms", 0.7, 0.1, 500.0),
    Knob("split_probability", "sign_acf_2", 0.5, 0.001, 0.5),
    Knob("branching", "branching_ratio", 0.5, 0.01, 0.9),
)


@dataclass(frozen=True)
class Round:
    """One round: the parameters it tried, the facts they made, and how far these were off.

    Attributes:
        parameters: Of the flow.
        facts: Of the simulated market.
        misfit: Root mean square of the logarithm of measured over simulated facts.
    """

    parameters: dict[str, float]
    facts: dict[str, float]
    misfit: float


def tune(
    start: Mapping[str, float],
    targets: Facts,
    simulate: Simulate,
    knobs: tuple[Knob, ...] = KNOBS,
    rounds: int = 8,
    told: Callable[[int, float], None] | None = None,
) -> Round:
    """Return the best round of a tuning.

    Args:
        start: First value of each knob's parameter.
        targets: Measured facts; knobs whose fact is not among them, or is not above 0, stay put.
        simulate: Makes the facts of a market from parameters of its flow.
        knobs: What is tuned.
        rounds: How many markets are made.
        told: Is called after each round with its number and misfit.
    """
    used = [knob for knob in knobs if targets.get(knob.fact, math.nan) > 0.0]
    parameters = dict(start)
    best: Round | None = None
    for number in range(rounds):
        facts = dict(simulate(parameters))
        ratios = {knob: _ratio(targets[knob.fact], facts[knob.fact]) for knob in used}
        logs = [math.log(ratio) for ratio in ratios.values()]
        misfit = math.sqrt(sum(each * each for each in logs) / max(len(logs), 1))
        if told is not None:
            told(number, misfit)
        if best is None or misfit < best.misfit:
            best = Round(dict(parameters), facts, misfit)
        for knob, ratio in ratios.items():
            value = parameters[knob.parameter] * ratio**knob.power
            parameters[knob.parameter] = min(max(value, knob.low), knob.high)
    assert best is not None, "there is at least one round"
    return best


def _ratio(measured: float, simulated: float) -> float:
    """Return measured over simulated, within a factor; a fact that did not show counts as small.

    >>> _ratio(3.0, 2.0), _ratio(1.0, 0.0), _ratio(1.0, 100.0)
    (1.5, 2.0, 0.5)
    """
    if not simulated > 0.0:
        return _CHANGE
    return min(max(measured / simulated, 1.0 / _CHANGE), _CHANGE)


def tune_flow(
    measurement: Measurement,
    parameters: Parameters,
    venue: str | None,
    rounds: int = 10,
    told: Callable[[int, float], None] | None = None,
) -> Parameters:
    """Return parameters whose simulated market has the facts of the stream that was measured.

    Without a stream of trades, best quotes and depth of a linear contract they stay as they are.

    Args:
        measurement: what was measured.
        parameters: what was read off; the tuning begins there.
        venue: of the scenario, None: the default.
        rounds: how many markets are made.
        told: is called after each round with its number and misfit.
    """
    record = _recorded(measurement)
    if record is None:
        return parameters
    targets = measure(record)
    tables = {"price": parameters.price, "flow": parameters.flow}
    parameters = replace(parameters, flow=_told_apart(parameters.flow))
    table = {name: {key: each.value for key, each in keys.items()} for name, keys in tables.items()}
    scenario: dict[str, Any] = {"purpose": "a market to tune", **table}
    if venue is not None:
        scenario["venue"] = venue
    preset = load_flow(_PRESET)
    start = {
        knob.parameter: float(table["flow"].get(knob.parameter, preset[knob.parameter]))
        for knob in KNOBS
    }
    found = tune(start, targets, lambda flow: simulated_facts(flow, scenario), KNOBS, rounds, told)
    keys = dict(parameters.flow)
    for knob in KNOBS:
        fact = f"{knob.fact} {_told(found.facts[knob.fact])}, measured {_told(targets[knob.fact])}"
        keys[knob.parameter] = Parameter(
            rounded(found.parameters[knob.parameter]), f"tuned: {fact}"
        )
    return replace(parameters, flow=keys)


def _told_apart(flow: Mapping[str, Parameter]) -> dict[str, Parameter]:
    """Return the sizes of noise and of informed orders, which are measured together.

    Large orders move the price most, so informed ones are taken to be larger. With a third of the
    orders informed, as with the tuned values of bitcoin, this mixture has the median, the mean and
    the quantiles of the sample's orders within a third.
    """
    size, sigma = float(flow["market_size"].value), float(flow["market_size_sigma"].value)
    sizes = {
        "market_size": 0.21 * size,
        "market_size_sigma": 0.99 * sigma,
        "informed_size": 7.3 * size,
        "informed_size_sigma": 0.75 * sigma,
    }
    reason = "noise and informed orders have the measured sizes together"
    return dict(flow) | {key: Parameter(rounded(value), reason) for key, value in sizes.items()}


def _recorded(measurement: Measurement) -> MarketRecord | None:
    """Return the record of a stream from which everything can be measured, or None."""
    stream = measurement.files.stream
    if stream is None or not measurement.orders or not measurement.book:
        return None
    try:
        return record_stream(stream)
    except DataError:  # quotes, depth or trades are missing, or too short
        return None


def simulated_facts(
    flow: Mapping[str, float],
    scenario: Mapping[str, Any],
    seeds: int = 4,
    seconds: float = 120.0,
) -> dict[str, float]:
    """Return the mean facts of markets with a flow.

    Args:
        flow: parameters by key of `[flow]`, which come before those of the scenario.
        scenario: tables of a scenario.
        seeds: how many markets.
        seconds: length of each (s).
    """
    table = dict(scenario) | {"flow": dict(scenario["flow"]) | dict(flow)}
    found = [measure(record_world(table, seed=seed, seconds=seconds)) for seed in range(seeds)]
    return {name: _mean([facts[name] for facts in found]) for name in found[0]}


def _mean(values: list[float]) -> float:
    known = [value for value in values if math.isfinite(value)]
    return math.fsum(known) / len(known) if known else math.nan


def _told(value: float) -> str:
    return f"{value:.3g}"
