"""The command ``bench``: figures and ratios measured in one run, on this machine."""

from __future__ import annotations

import statistics
import time
from typing import Annotated, Any

import typer

from gammagym.cli.common import note, print_json, print_table
from gammagym.errors import GammagymError, nearest

_BENCHMARKS = ("book", "env")
_REPETITIONS = 5
_REFERENCE_MESSAGES = 100_000


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: gammagym bench book --messages 200000")(bench)


def bench(
    what: Annotated[str, typer.Argument(help="book, env, or all.")] = "all",
    messages: Annotated[int, typer.Option(help="book: number of messages.")] = 1_000_000,
    worlds: Annotated[int, typer.Option(help="env: number of worlds.")] = 64,
    steps: Annotated[int, typer.Option(help="env: decisions of each world.")] = 200,
    scenario: Annotated[str, typer.Option(help="env: scenario by name or path.")] = "calm",
    decision_interval: Annotated[
        float, typer.Option(help="env: time between two decisions (s).")
    ] = 1.0,
    seed: Annotated[int, typer.Option(help="Seed of messages and worlds.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure the order book against the plain-Python reference, and steps of environments."""
    chosen = _BENCHMARKS if what == "all" else (what,)
    if chosen[0] not in _BENCHMARKS:
        raise GammagymError(f"no benchmark {what!r}: {nearest(what, [*_BENCHMARKS, 'all'])}")
    for name, value in (("messages", messages), ("worlds", worlds), ("steps", steps)):
        if value < 1:
            raise GammagymError(f"--{name} must be at least 1, was {value}")
    figures: dict[str, Any] = {}
    if "book" in chosen:
        note(f"order book: {messages:,} messages ...")
        figures["book"] = bench_book(messages, seed)
    if "env" in chosen:
        note(f"environments: {worlds} worlds, {steps} decisions each ...")
        figures["env"] = bench_env(worlds, steps, scenario, decision_interval, seed)
    if as_json:
        print_json(figures)
        return
    for name, found in figures.items():
        rows = [(key.replace("_", " "), f"{each:,.2f}") for key, each in found.items()]
        print_table([name, ""], rows)


def bench_book(count: int, seed: int) -> dict[str, float]:
    """Measure messages a second of the engine and of the reference, in the same run.

    Args:
        count: messages for the engine; the reference is given the first 100,000 of them.
        seed: of the messages.
    """
    import numpy as np

    from gammagym.api.order_book import MESSAGE, OrderBook
    from gammagym.reference.book import ReferenceBook

    stream = ordinary_messages(count, seed)
    OrderBook().process(np.zeros(0, MESSAGE))  # compiles, or loads from the cache

    def rate(make_book: Any, given: Any, repetitions: int) -> float:
        rates: list[float] = []
        for _ in range(repetitions):
            book = make_book()
            start = time.perf_counter()
            book.process(given)
            rates.append(len(given) / (time.perf_counter() - start))
        return statistics.median(rates)

    fast = rate(OrderBook, stream, _REPETITIONS)
    slow = rate(ReferenceBook, stream[:_REFERENCE_MESSAGES], 1)
    return {
        "engine_million_messages_a_second": fast / 1e6,
        "reference_million_messages_a_second": slow / 1e6,
        "ratio": fast / slow,
    }


def ordinary_messages(count: int, seed: int) -> Any:
    """Return a stream like that of an ordinary market, as an array of `MESSAGE`.

    55 % new orders near a price that wanders, 35 % cancels of orders entered shortly before, 10 %
    orders that trade at once.
    """
    import numpy as np

    from gammagym.api.order_book import MESSAGE

    random = np.random.default_rng(seed)
    stream = np.zeros(count, MESSAGE)
    place = np.arange(count)
    kind = random.choice(3, count, p=[0.55, 0.35, 0.10])
    side = random.integers(0, 2, count)
    behind = np.where(kind == 2, -500, random.geometric(0.1, count))
    middle = 50_000 + (25 * np.sin(place / 8_000)).astype(np.int64)
    stream["side"] = side
    stream["price"] = middle + np.where(side == 0, -behind, behind)
    stream["quantity"] = random.integers(1, np.where(kind == 2, 60, 20))
    stream["tif"] = np.where(kind == 2, 1, 0)
    stream["order_id"] = place + 1
    stream["sequence"] = place
    cancels = np.flatnonzero(kind == 1)
    stream["kind"][cancels] = 1
    earlier = cancels - random.integers(1, 5_000, len(cancels))
    stream["order_id"][cancels] = np.maximum(earlier, 0) + 1
    return stream


def bench_env(
    worlds: int, steps: int, scenario: str, decision_interval: float, seed: int
) -> dict[str, float]:
    """Measure agent steps a second of a vector environment on one thread."""
    import numpy as np

    from gammagym.envs.vector import HedgeVectorEnv

    horizon = decision_interval * (steps + 2)
    env = HedgeVectorEnv(
        worlds,
        scenario=scenario,
        horizon_seconds=horizon,
        decision_interval=decision_interval,
        autoreset_mode="Disabled",
    )
    env.reset(seed=seed)
    random = np.random.default_rng(seed)
    actions = random.uniform(-0.2, 0.2, (8, worlds, 2)).astype(np.float32)
    env.step(actions[0])  # compiles, or loads from the cache
    start = time.perf_counter()
    for step in range(steps):
        env.step(actions[step % len(actions)])
    seconds = time.perf_counter() - start
    return {
        "agent_steps_a_second": worlds * steps / seconds,
        "market_hours_a_second": worlds * steps * decision_interval / 3600 / seconds,
    }
