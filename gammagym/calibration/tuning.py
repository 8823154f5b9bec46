"""Tune what cannot be read off: parameters whose effect shows only in the market they make.

Each parameter has one fact that it governs: a larger touch_size makes a larger touch, a larger
add_size a deeper book. So each is multiplied by how far the simulated fact is from the measured
one, again and again, with seeds that stay: a fixed point is a market with the measured facts. The
record of a simulated market is measured by the same functions as that of a real one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gammagym.evaluation.facts import measure, record_world
from gammagym.scenario.load import load_flow

Facts = Mapping[str, float]
Simulate = Callable[[Mapping[str, float]], Facts]

_CHANGE = 2.0  # largest factor of one round


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
    Knob("market_size", "order_size_median", 0.7, 1e-6, 1e3),
    Knob("informed_size", "order_size_q90", 0.7, 1e-6, 1e3),
    Knob("informed_size_sigma", "order_size_q99", 0.2, 0.2, 3.0),
    Knob("informed_probability", "impact_1s", 0.5, 0.02, 1.0),
    Knob("surprise_ticks", "impact_100ms", 0.7, 0.1, 500.0),
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


def simulated_facts(
    flow: Mapping[str, float],
    scenario: Mapping[str, object],
    seeds: int = 3,
    seconds: float = 90.0,
) -> dict[str, float]:
    """Return the mean facts of markets with a flow.

    Args:
        flow: Parameters by key of `[flow]`.
        scenario: Other overrides of the scenario `calm`, by dotted key.
        seeds: How many markets.
        seconds: Length of each (s).
    """
    overrides = dict(scenario) | {f"flow.{key}": value for key, value in flow.items()}
    found = [
        measure(record_world("calm", overrides, seed=seed, seconds=seconds))
        for seed in range(seeds)
    ]
    return {
        name: math.fsum(facts[name] for facts in found if math.isfinite(facts[name]))
        / max(sum(math.isfinite(facts[name]) for facts in found), 1)
        for name in found[0]
    }


def preset_start(preset: str, own: Mapping[str, float]) -> dict[str, float]:
    """Return where to begin: the preset's values of all knobs, or a scenario's own."""
    parameters = load_flow(preset)
    return {knob.parameter: own.get(knob.parameter, parameters[knob.parameter]) for knob in KNOBS}
