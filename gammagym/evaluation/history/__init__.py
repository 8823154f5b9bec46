"""Historical scenarios: what was recorded of an event, and what the simulation makes of it."""

from gammagym.evaluation.history.compare import (
    SEEDS,
    Finding,
    compare_scenario,
    recorded_scenarios,
)
from gammagym.evaluation.history.measures import measure
from gammagym.evaluation.history.run import Run, Series, run_scenario

__all__ = [
    "SEEDS",
    "Finding",
    "Run",
    "Series",
    "compare_scenario",
    "measure",
    "recorded_scenarios",
    "run_scenario",
]
