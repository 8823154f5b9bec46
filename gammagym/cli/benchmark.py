"""The command ``bench``: figures and ratios measured in one run, on this machine."""

from __future__ import annotations

import statistics
import time
from typing import Annotated, Any

import typer

from gammagym.cli.bench_env import WORLDS, bench_env, print_environments
from gammagym.cli.common import note, print_json, print_table, split_settings
from gammagym.errors import GammagymError, nearest

_BENCHMARKS = ("book", "market", "env")
_REPETITIONS = 5
_REFERENCE_MESSAGES = 100_000


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: gammagym bench book --messages 200000")(bench)


def bench(
    what: Annotated[str, typer.Argument(help="book, market, env, or all.")] = "all",
    messages: Annotated[int, typer.Option(help="book: number of messages.")] = 1_000_000,
    seconds: Annotated[int, typer.Option(help="market: simulated seconds.")] = 120,
    worlds: Annotated[
        list[int] | None,
        typer.Option(help="env: number of worlds; repeatable; 1, 16, 256, 1024, 8192 if left out."),
    ] = None,
    slice_seconds: Annotated[
        float, typer.Option("--time", help="env: time for each measurement (s).")
    ] = 2.0,
    scenario: Annotated[str, typer.Option(help="env: scenario by name or path.")] = "calm",
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="env: change the scenario (flow.intensity=2); repeatable.",
            metavar="KEY=VALUE",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of messages and worlds.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure the order book against the plain-Python reference, markets, and environments.

    market: one with spot, perpetual, future and four options against one with the perpetual alone,
    at the measured intensity of bitcoin.
    """
    chosen = _BENCHMARKS if what == "all" else (what,)
    if chosen[0] not in _BENCHMARKS:
        raise GammagymError(f"no benchmark {what!r}: {nearest(what, [*_BENCHMARKS, 'all'])}")
    numbers = {"messages": [messages], "seconds": [seconds], "worlds": worlds or ()}
    for name, values in numbers.items():
        if any(value < 1 for value in values):
            raise GammagymError(f"--{name} must be at least 1, was {min(values)}")
    if not 0.0 < slice_seconds <= 3600.0:
        raise GammagymError(f"--time must be above 0 s and at most an hour, was {slice_seconds:g}")
    _, changes = split_settings(settings, ())
    figures: dict[str, Any] = {}
    if "book" in chosen:
        note(f"order book: {messages:,} messages ...")
        figures["book"] = bench_book(messages, seed)
    if "market" in chosen:
        note(f"markets: {seconds:,} simulated seconds ...")
        figures["market"] = bench_market(seconds, seed)
    if "env" in chosen:
        figures["env"] = bench_env(worlds or WORLDS, slice_seconds, scenario, changes, seed)
    if as_json:
        print_json(figures)
        return
    for name, found in figures.items():
        if name == "env":
            print_environments(found)
            continue
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


def bench_market(seconds: int, seed: int) -> dict[str, float]:
    """Measure how much faster than real time markets run on one thread, and what an event costs.

    Args:
        seconds: simulated time of each run; the median of five runs of each market counts.
        seed: of the markets.
    """
    from gammagym.scenario.tasks import Leg, Task

    price = {"model": "gbm", "start": "60000", "volatility": 0.6}
    alone = {"purpose": "one book", "venue": "binance", "price": price, "flow": {"preset": "full"}}
    spot = {"kind": "spot", "flow": {"preset": "spot"}}
    future = {"kind": "future", "expiry": "30d", "flow": {"preset": "full", "rate": 861.0}}
    options = {"preset": "btc"}
    several = alone | {"purpose": "seven books", "markets": [spot, future], "options": options}
    legs = tuple(
        Leg(kind, 1.0, moneyness) for kind in ("call", "put") for moneyness in (0.95, 1.05)
    )
    one = _run_market(alone, Task("Bench", legs[:1]), seconds, seed)
    seven = _run_market(several, Task("Bench", legs), seconds, seed)
    return {
        "perpetual_alone_times_real_time": one[0],
        "perpetual_alone_ns_an_event": one[1],
        "spot_perpetual_future_four_options_times_real_time": seven[0],
        "spot_perpetual_future_four_options_ns_an_event": seven[1],
        "ratio_of_the_cost_of_an_event": seven[1] / one[1],
    }


def _run_market(scenario: Any, task: Any, seconds: int, seed: int) -> tuple[float, float]:
    """Return how many times faster than real time a market runs, and the time of an event (ns)."""
    import numpy as np

    from gammagym.loop import advance, open_world
    from gammagym.scenario.compile import compile_world
    from gammagym.scenario.load import load_scenario
    from gammagym.world import copied
    from gammagym.world.sizes import NANOSECONDS

    compiled = compile_world(load_scenario(scenario), task)
    world = copied(compiled.template)[0]
    open_world(world, compiled.tape, np.uint64(seed))
    advance(world, compiled.tape, 0)
    speeds: list[float] = []
    costs: list[float] = []
    for repetition in range(_REPETITIONS):
        before, start = int(world["events"]), time.perf_counter()
        advance(world, compiled.tape, (repetition + 1) * seconds * NANOSECONDS)
        taken = time.perf_counter() - start
        speeds.append(seconds / taken)
        costs.append(1e9 * taken / (int(world["events"]) - before))
    return statistics.median(speeds), statistics.median(costs)
