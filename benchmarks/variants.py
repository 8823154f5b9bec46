"""What ranges cost: many worlds with parameters of their own beside as many without, in one run.

    python benchmarks/variants.py [--worlds 10000] [--turns 5]

A turn is a whole short episode of all worlds and the reset that follows, so that drawing and
patching count in full. Both environments are alive at once and take turns, the order changing; told
is the median of the ratios of their processor times, which other programs disturb less than the
time that passes. Two environments of 10,000 worlds take 3 GB.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np

from gammagym.envs.vector import HedgeVectorEnv

RANGES = {
    "price.volatility": {"low": 0.4, "high": 0.8},
    "options.implied_volatility": {"distribution": "normal", "mean": 0.6, "sd": 0.1},
    "shocks.0.move": {"low": "-12%", "high": "-3%"},
    "shocks.2.multiple": {"distribution": "log_uniform", "low": 10.0, "high": 90.0},
    "flow.rate": {"low": 1.0, "high": 3.0},
}
# Without ranges every world is at the centre of these.
CENTRES = {"flow.preset": "sparse", "flow.rate": 2.0}
DECISIONS = 8  # minutes: the shocks of the scenario need seven


def make(worlds: int, ranges: dict[str, object]) -> tuple[HedgeVectorEnv, float, float]:
    """Return an environment, and how long it took to make and to reset it for the first time."""
    start = time.process_time()
    envs = HedgeVectorEnv(
        worlds,
        scenario="flash_crash",
        overrides=CENTRES | ranges,
        horizon_seconds=60.0 * DECISIONS,
    )
    made = time.process_time()
    envs.reset(seed=0)
    return envs, made - start, time.process_time() - made


def turn(envs: HedgeVectorEnv, actions: np.ndarray) -> tuple[float, int]:
    """Run an episode and the reset that follows; return seconds and events."""
    events, start = 0, time.process_time()
    for step in range(DECISIONS + 1):
        _, _, ended, _, _ = envs.step(actions)
        if step == DECISIONS - 1:
            assert ended.all()
            events = int(envs.worlds["events"].sum())
    return time.process_time() - start, events


def main() -> None:
    """Print a line for each turn, and the medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worlds", type=int, default=10_000)
    parser.add_argument("--turns", type=int, default=5)
    given = parser.parse_args()
    turn(make(1, {})[0], np.zeros((1, 2), np.float32))  # compile
    pair = {"without": make(given.worlds, {}), "with": make(given.worlds, RANGES)}
    for name, (_, made, reset) in pair.items():
        print(f"{name:8} ranges: made in {made:6.2f} s, first reset {reset:6.2f} s")
    drawn = pair["with"][0].variants()
    distinct = len(set(zip(*(column.tolist() for column in drawn.values()), strict=True)))
    print(f"{distinct:,} different sets of parameters in {given.worlds:,} worlds")
    actions = np.random.default_rng(0).uniform(-1, 1, (given.worlds, 2)).astype(np.float32)
    ratios: list[float] = []
    for number in range(given.turns):
        order = ("without", "with") if number % 2 == 0 else ("with", "without")
        found = {name: turn(pair[name][0], actions) for name in order}
        ratios.append(found["with"][0] / found["without"][0])
        events = found["with"][1] / found["without"][1]
        print(
            f"turn {number}: {found['without'][0]:6.2f} s without, {found['with'][0]:6.2f} s with; "
            f"time x{ratios[-1]:.3f}, events x{events:.3f}"
        )
    print(f"median time x{statistics.median(ratios):.3f}")


if __name__ == "__main__":
    main()
