"""Agent steps a second of the vector environment, beside CartPole's own in the same run.

    python benchmarks/environment.py [--seconds 3]

Every number is the median of several slices. `events` are those of the worlds, candidates of the
order flow included; the share of the kernel is the time of a bare call over that of a step.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import gymnasium as gym
import numpy as np

from gammagym.envs.vector import HedgeVectorEnv

SLICES = 5
WORLDS = (1, 16, 256, 1024)


def rate(step: Callable[[], None], count: int, seconds: float) -> float:
    """Return the median of `count` per call and second over several slices of time."""
    step()
    rates: list[float] = []
    for _ in range(SLICES):
        calls, start = 0, time.perf_counter()
        while time.perf_counter() - start < seconds / SLICES:
            step()
            calls += 1
        rates.append(calls * count / (time.perf_counter() - start))
    return statistics.median(rates)


def cartpole(count: int, seconds: float) -> float:
    """Return steps a second of CartPole's vector environment."""
    envs = gym.make_vec("CartPole-v1", num_envs=count, vectorization_mode="vector_entry_point")
    envs.reset(seed=0)
    actions = np.zeros(count, np.int64)
    return rate(lambda: envs.step(actions) and None, count, seconds)


def hedging(count: int, seconds: float, **options: object) -> tuple[float, float, float]:
    """Return steps a second, events a second, and the share of time spent in the kernel."""
    # So long that no episode ends, and no option expires, while it is measured.
    envs = HedgeVectorEnv(count, horizon_seconds=6 * 86_400.0, **options)  # type: ignore[arg-type]
    envs.reset(seed=0)
    random = np.random.default_rng(0)
    actions = random.uniform(-1, 1, (count, 2)).astype(np.float32)
    before = int(envs.worlds["events"].sum())
    calls = 0

    def step() -> None:
        nonlocal calls
        calls += 1
        envs.step(actions)

    steps = rate(step, count, seconds)
    events = (int(envs.worlds["events"].sum()) - before) / (calls * count)
    envs.reset(seed=0)
    kernel = rate(lambda: envs.batch.step(actions[:, None]), count, seconds)
    return steps, steps * events, steps / kernel


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3.0, help="time for each row")
    seconds = parser.parse_args().seconds
    print("  worlds  decision    steps/s   events/s  kernel  /CartPole")
    for count in WORLDS:
        scale = cartpole(count, seconds)
        for decision in (1.0, 60.0):
            steps, events, share = hedging(
                count, seconds, scenario="calm", decision_interval=decision
            )
            print(
                f"{count:7} {decision:8g}s {steps:10,.0f} {events / 1e6:8.2f} M "
                f"{min(share, 1.0):7.0%} {steps / scale:10.3f}"
            )


if __name__ == "__main__":
    main()
