"""Stylised facts of markets: recorded, measured, and compared with a real sample.

>>> from gammagym.evaluation.facts import measure, record_world
>>> facts = measure(record_world("calm", seconds=60.0))
>>> 0.9 < facts["spread_one_tick_share"] <= 1.0
True
"""

from gammagym.evaluation.facts.measures import measure
from gammagym.evaluation.facts.record import MarketRecord
from gammagym.evaluation.facts.stream import record_stream
from gammagym.evaluation.facts.worlds import long_returns, record_world

__all__ = ["MarketRecord", "long_returns", "measure", "record_stream", "record_world"]
