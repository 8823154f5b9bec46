"""Worlds of one scenario side by side, a seed each, with nobody in them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gammagym.loop import advance, open_world
from gammagym.scenario.compile import Compiled

Array = NDArray[Any]


def opened(compiled: Compiled, seeds: int) -> Array:
    """Open worlds with the seeds from 0."""
    worlds = np.repeat(compiled.template, seeds)
    for seed in range(seeds):
        open_world(worlds[seed], compiled.tape, seed)
    return worlds


def advance_all(worlds: Array, tape: Array, until_ns: int) -> None:
    """Advance every world to a time (ns), one after the other."""
    for world in worlds:
        advance(world, tape, until_ns)
