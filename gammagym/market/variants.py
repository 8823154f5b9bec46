"""Which variant of a scenario a seed draws: a row for each of its groups of ranges.

The draws have a stream of their own, and each group its own place in it, so that a range changes no
other random number and no other range.
"""

from __future__ import annotations

from gammagym._kernel import kernel
from gammagym.market.streams import stream_key, uniform
from gammagym.world.codes import STREAM_VARIANTS


@kernel
def draw_rows(seeds, places, counts, rows):
    """Draw a row for every seed and group, each with the same chance.

    Args:
        seeds: seeds of worlds, uint64, shape (k,).
        places: number of each group's draw, uint64, shape (groups,).
        counts: rows that each group has, int64, shape (groups,).
        rows: int64 to write to, shape (k, groups).
    """
    for index in range(len(seeds)):
        key = stream_key(seeds[index], 0, STREAM_VARIANTS)
        for group in range(len(places)):
            rows[index, group] = int(uniform(key, places[group]) * counts[group])
