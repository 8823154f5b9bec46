"""Memory that a process holds while it steps worlds, minute by minute: it must not grow.

    python benchmarks/memory.py [--minutes 60] [--worlds 64]

A batch of gamma scalpers and an arena of as many worlds take turns with random actions; episodes
are short, so that many of them begin and end. Told is the resident set, as Linux counts it; ends
with 1 if the last minute holds more than the second one by over 2 %. The first minute fills caches.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from gammagym.envs.arena_vector import ArenaVectorEnv
from gammagym.envs.vector import HedgeVectorEnv

STATUS = Path("/proc/self/statm")
SHORT: dict[str, Any] = {"scenario": "calm", "horizon_seconds": 1_800.0}
SHARE = 0.02


def resident_bytes() -> int:
    """Return how much memory the process holds."""
    return int(STATUS.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def minute(envs: list[Any], random: np.random.Generator) -> int:
    """Step environments for a minute; returns the steps of all their worlds."""
    steps, until = 0, time.monotonic() + 60.0
    while time.monotonic() < until:
        for each in envs:
            actions = random.uniform(-1.0, 1.0, each.action_space.shape)
            each.step(actions.astype(np.float32))
            steps += each.num_envs
    return steps


def main() -> None:
    """Step, and print a line a minute."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=int, default=60, help="3 or more")
    parser.add_argument("--worlds", type=int, default=64, help="of each environment")
    arguments = parser.parse_args()
    if arguments.minutes < 3:
        parser.error(f"--minutes must be 3 or more, was {arguments.minutes}")
    if not STATUS.exists():
        parser.error(f"there is no {STATUS}, which memory is read from: it needs Linux")
    envs = [
        HedgeVectorEnv(arguments.worlds, "GammaScalp", **SHORT),
        ArenaVectorEnv(arguments.worlds, "GammaScalp", **SHORT),
    ]
    for each in envs:
        each.reset(seed=0)
    random = np.random.default_rng(0)
    held: list[int] = []
    print(f"{'minute':>6} {'steps':>12} {'MiB':>8}")
    for number in range(1, arguments.minutes + 1):
        steps = minute(envs, random)
        held.append(resident_bytes())
        print(f"{number:6} {steps:12,} {held[-1] / 2**20:8.1f}", flush=True)
    growth = held[-1] / held[1] - 1.0
    print(f"from the second minute to the last: {growth:+.2%}")
    sys.exit(1 if growth > SHARE else 0)


if __name__ == "__main__":
    main()
