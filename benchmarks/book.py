"""Messages a second of `OrderBook.process`, against the reference book in plain Python.

    python benchmarks/book.py [--messages 1000000]

Every time includes the writing of all reports; each number is the median of several runs.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import streams
from gammagym.api.order_book import MESSAGE, OrderBook
from gammagym.reference.book import ReferenceBook

REGIMES: dict[str, Callable[[int], streams.Messages]] = {
    "mixed": streams.mixed,
    "60 % crash": streams.crash,
    "40,000 orders on 80 levels": streams.standing,
    "sweeps of 50 levels": streams.sweeps,
    "100,000 orders on 1,000,000 ticks": streams.scattered,
}
REPETITIONS = 7
REFERENCE_SECONDS = 20.0
REFERENCE_PREFIX = 200_000


def rate(make_book: Callable[[], Any], messages: streams.Messages, repetitions: int) -> float:
    """Return the median of messages a second, each run with a new book."""
    rates = []
    for _ in range(repetitions):
        book = make_book()
        start = time.perf_counter()
        book.process(messages)
        rates.append(len(messages) / (time.perf_counter() - start))
    return statistics.median(rates)


def reference_rate(messages: streams.Messages) -> tuple[float, int]:
    """Return messages a second of the reference, and how many it was given."""
    prefix = messages[: min(len(messages), 20_000)]
    if len(messages) / rate(ReferenceBook, prefix, 1) > REFERENCE_SECONDS:
        messages = messages[:REFERENCE_PREFIX]
    return rate(ReferenceBook, messages, 1), len(messages)


def main() -> None:
    """Run every regime and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--no-reference", action="store_true", help="time the fast engine only")
    arguments = parser.parse_args()
    OrderBook().process(np.zeros(0, MESSAGE))  # compiles, or loads from the cache
    print(f"{'regime':36} {'engine M/s':>10} {'reference M/s':>14} {'ratio':>6}")
    for name, stream in REGIMES.items():
        messages = stream(arguments.messages)
        fast = rate(OrderBook, messages, REPETITIONS)
        if arguments.no_reference:
            print(f"{name:36} {fast / 1e6:10.2f}", flush=True)
            continue
        slow, given = reference_rate(messages)
        note = "" if given == len(messages) else f"  (reference: first {given:,} messages)"
        print(
            f"{name:36} {fast / 1e6:10.2f} {slow / 1e6:14.3f} {fast / slow:6.0f}{note}", flush=True
        )


if __name__ == "__main__":
    main()
