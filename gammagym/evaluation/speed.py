"""How fast environments are, measured beside CartPole's own vector environment in the same run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import gymnasium as gym
import numpy as np

from gammagym.envs.single import HedgeEnv
from gammagym.envs.vector import HedgeVectorEnv

_SLICES = 5
# No episode ends, and no option expires, while it is measured.
_HORIZON = 6 * 86_400.0
_NANOSECONDS = 1e9


@dataclass(frozen=True)
class Speed:
    """One measurement of a vector environment.

    Attributes:
        worlds: number of worlds.
        threads: threads that stepped them.
        flow: preset of the order flow.
        decision_interval: simulated time of a step (s).
        steps: agent steps a second.
        events: events of the worlds a second.
        events_a_step: the same for each step.
        changes: orders that came to rest in a book or left it, a second.
        changes_a_step: the same for each step.
        kernel: share of the time that is spent in compiled code.
        cartpole: steps a second of CartPole's vector environment with as many worlds.
        megabytes: memory of the worlds.
    """

    worlds: int
    threads: int
    flow: str
    decision_interval: float
    steps: float
    events: float
    events_a_step: float
    changes: float
    changes_a_step: float
    kernel: float
    cartpole: float
    megabytes: float

    def row(self) -> dict[str, Any]:
        """Return it as a dict."""
        return asdict(self)


def rate(call: Callable[[], Any], count: int, seconds: float) -> float:
    """Return the median of `count` per call and second over slices of a time (s)."""
    call()
    rates: list[float] = []
    for _ in range(_SLICES):
        calls, start = 0, time.perf_counter()
        while time.perf_counter() - start < seconds / _SLICES:
            call()
            calls += 1
        rates.append(calls * count / (time.perf_counter() - start))
    return statistics.median(rates)


def book_changes(worlds: Any) -> int:
    """Return how many orders have come to rest in the books of worlds, or left them, so far."""
    books = worlds["books"]
    return int(2 * books["next_arrival"].sum() - books["order_count"].sum())


def cartpole(worlds: int, seconds: float) -> float:
    """Return steps a second of CartPole's vector environment."""
    envs = gym.make_vec("CartPole-v1", num_envs=worlds, vectorization_mode="vector_entry_point")
    envs.reset(seed=0)
    actions = np.zeros(worlds, np.int64)
    return rate(lambda: envs.step(actions), worlds, seconds)


def vector_speed(
    worlds: int,
    threads: Sequence[int],
    seconds: float,
    *,
    flow: str = "thin",
    scenario: Any = "calm",
    overrides: Mapping[str, Any] | None = None,
    decision_interval: float = 1.0,
    seed: int = 0,
) -> list[Speed]:
    """Measure a vector environment with everything on, by random actions.

    Args:
        worlds: number of worlds.
        threads: numbers of threads, one measurement each.
        seconds: time of each measurement (s).
        flow: preset of the order flow.
        scenario: scenario of all worlds.
        overrides: values of it by dotted key.
        decision_interval: simulated time of a step (s).
        seed: of worlds and actions.
    """
    envs = HedgeVectorEnv(
        worlds,
        scenario=scenario,
        overrides={"flow.preset": flow, **(overrides or {})},
        decision_interval=decision_interval,
        horizon_seconds=max(_HORIZON, 1_000 * decision_interval),
    )
    envs.reset(seed=seed)
    random = np.random.default_rng(seed)
    actions = random.uniform(-1.0, 1.0, (worlds, 2)).astype(np.float32)
    beside = cartpole(worlds, seconds)
    found: list[Speed] = []
    for count in threads:
        envs.threads = count
        before, changed = int(envs.worlds["events"].sum()), book_changes(envs.worlds)
        times = int(envs.worlds["time_ns"].sum())
        steps = rate(lambda: envs.step(actions), worlds, seconds)
        events = int(envs.worlds["events"].sum()) - before
        changes = book_changes(envs.worlds) - changed
        taken = (int(envs.worlds["time_ns"].sum()) - times) / (decision_interval * _NANOSECONDS)
        bare = rate(lambda: envs.batch.step(actions[:, None]), worlds, seconds)
        found.append(
            Speed(
                worlds,
                count,
                flow,
                decision_interval,
                steps,
                steps * events / taken,
                events / taken,
                steps * changes / taken,
                changes / taken,
                min(steps / bare, 1.0),
                beside,
                envs.worlds.nbytes / 1e6,
            )
        )
    return found


@dataclass(frozen=True)
class Overhead:
    """What Python costs in one step of a single environment made by `gym.make`.

    Attributes:
        step: time of a step (s).
        kernel: time of it in compiled code (s).
        cartpole: time of a step of CartPole (s).
    """

    step: float
    kernel: float
    cartpole: float


def single_overhead(seconds: float, decision_interval: float = 1.0) -> Overhead:
    """Measure a single environment beside CartPole, both made by `gym.make`."""
    env = gym.make(
        "gammagym/GammaScalp-v0", decision_interval=decision_interval, horizon_seconds=_HORIZON
    )
    env.reset(seed=0)
    bare = env.unwrapped
    assert isinstance(bare, HedgeEnv)
    action = np.array([0.3, 0.0], np.float32)
    step = rate(lambda: env.step(action), 1, seconds)
    kernel = rate(lambda: bare.batch.step(action[None, None]), 1, seconds)
    pole = gym.make("CartPole-v1", max_episode_steps=10**9)
    pole.reset(seed=0)

    def beside() -> None:
        if pole.step(0)[2]:
            pole.reset()

    return Overhead(1.0 / step, 1.0 / kernel, 1.0 / rate(beside, 1, seconds))
