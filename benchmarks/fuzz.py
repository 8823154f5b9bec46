"""Compare the engine with the reference book over millions of random messages.

    python benchmarks/fuzz.py [--messages 10000000] [--seed 0]

Every report and the touch are compared after each stream, the whole depth too; the first difference
ends the run with the seed that shows it again.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import streams
from gammagym.api.order_book import OrderBook
from gammagym.reference.book import ReferenceBook

STREAM = 100_000
BATCH = 1_000
NEAR = np.arange(-20, 21)
EXTREME = np.array([-(2**63), -(2**63) + 1, -(2**40), -1, 0, 1, 2**40, 2**63 - 2, 2**63 - 1])
KINDS = {
    "mixed": streams.mixed,
    "wild": lambda count, seed: streams.wild(count, NEAR, seed),
    "crash": streams.crash,
    "wild at extreme prices": lambda count, seed: streams.wild(count, EXTREME, seed),
    "sweeps": streams.sweeps,
}


def compare(messages: streams.Messages) -> str | None:
    """Return what differs first between the two books on a stream, or None."""
    fast, plain = OrderBook(), ReferenceBook()
    for first in range(0, len(messages), BATCH):
        batch = messages[first : first + BATCH]
        if not np.array_equal(fast.process(batch), plain.process(batch)):
            return f"reports of messages {first} to {first + BATCH}"
        broken = fast.check()
        if broken:
            return f"invariant {broken} after message {first + BATCH}"
        if (fast.best_bid, fast.best_ask) != (plain.best_bid, plain.best_ask):
            return f"touch after message {first + BATCH}"
    return None


def main() -> None:
    """Run streams of changing kinds until enough messages have been compared."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=10_000_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    done, start = 0, time.perf_counter()
    for number in range(-(-arguments.messages // STREAM)):
        kind = list(KINDS)[number % len(KINDS)]
        seed = arguments.seed + number
        difference = compare(KINDS[kind](STREAM, seed))
        if difference is not None:
            sys.exit(f"{kind}, seed {seed}: {difference} differ")
        done += STREAM
        seconds = time.perf_counter() - start
        print(f"{done:,} messages equal, {done / seconds:,.0f} a second", flush=True)


if __name__ == "__main__":
    main()
