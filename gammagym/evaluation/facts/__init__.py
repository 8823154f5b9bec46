"""Stylised facts of markets: recorded, measured, and compared with a real sample.

>>> from gammagym.evaluation.facts import measure, record_world
>>> facts = measure(record_world("calm", seconds=60.0))
>>> 0.9 < facts["spread_one_tick_share"] <= 1.0
True
"""

from gammagym.evaluation.facts.distributions import distances, distributions
from gammagym.evaluation.facts.long_run import measure_long
from gammagym.evaluation.facts.measures import measure
from gammagym.evaluation.facts.record import MarketRecord
from gammagym.evaluation.facts.stream import record_stream
from gammagym.evaluation.facts.targets import (
    LONG_TARGETS,
    Finding,
    Range,
    Targets,
    compare,
    load_targets,
    ranges,
)
from gammagym.evaluation.facts.worlds import long_returns, record_world

__all__ = [
    "LONG_TARGETS",
    "Finding",
    "MarketRecord",
    "Range",
    "Targets",
    "compare",
    "distances",
    "distributions",
    "load_targets",
    "long_returns",
    "measure",
    "measure_long",
    "ranges",
    "record_stream",
    "record_world",
]
