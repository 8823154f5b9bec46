"""Compare the engine with the reference book over millions of random messages.

    python benchmarks/fuzz.py [--messages 10000000] [--seed 0]

Every report and the touch after every message are compared, and every 1,000 messages the whole
book, order by order. Half of the messages come from streams that use everything an instruction can
say, each under random rules of a venue. The first difference ends the run with what shows it again.
With GAMMAGYM_DEBUG=1 the engine also checks itself after every message.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import streams
from gammagym.api.order_book import OrderBook
from gammagym.engine.protocol import TOUCH
from gammagym.engine.rules import BookRules
from gammagym.reference.book import Message, ReferenceBook
from gammagym.world.codes import BUY, SELL

BATCH = 1_000
NEAR = np.arange(-20, 21)
WIDE = np.arange(-2_000, 2_001)
EXTREME = np.array([-(2**63), -(2**63) + 1, -(2**40), -1, 0, 1, 2**40, 2**63 - 2, 2**63 - 1])
LONG, SHORT = 100_000, 20_000
KINDS = {
    "mixed": lambda seed: streams.mixed(LONG, seed),
    "wild": lambda seed: streams.wild(LONG, NEAR, seed),
    "crash": lambda seed: streams.crash(LONG, seed),
    "wild, extreme prices": lambda seed: streams.wild(LONG, EXTREME, seed),
    "sweeps": lambda seed: streams.sweeps(LONG, seed),
}
INSTRUCTIONS = {
    "everything": lambda seed: streams.instructions(SHORT, NEAR, seed),
    "everything, many levels": lambda seed: streams.instructions(SHORT, WIDE, seed, ids=3_000),
    "everything, extreme prices": lambda seed: streams.instructions(SHORT, EXTREME, seed),
}


class WatchedBook(ReferenceBook):
    """The reference, which also notes the touch after every message."""

    def __init__(self, rules: BookRules) -> None:
        super().__init__(rules)
        self.touches: list[tuple[int, ...]] = []

    def run(self, message: Message) -> None:
        """Carry out one message, and note the touch."""
        super().run(message)
        touch = [message.sequence]
        for side in (BUY, SELL):
            price = self.best(side)
            touch += [0, 0] if price is None else [price, self.quantity_at(side, price)]
        self.touches.append(tuple(touch))


def compare(messages: streams.Messages, rules: BookRules) -> str | None:
    """Return what differs first between the two books on a stream, or None."""
    fast, plain = OrderBook(rules, feed=True), WatchedBook(rules)
    for first in range(0, len(messages), BATCH):
        batch, where = messages[first : first + BATCH], f"of messages from {first} on"
        plain.touches = []
        if not np.array_equal(fast.process(batch), plain.process(batch)):
            return f"reports {where} differ"
        if not np.array_equal(fast.touches, np.array(plain.touches, TOUCH)):
            return f"touches {where} differ"
        if fast.check():
            return f"the book is broken, code {fast.check()}, at the end {where}"
        for side in (BUY, SELL):
            expected = [
                (order.order_id, order.owner, order.price, order.shown)
                for order in plain.sides[side].values()
            ]
            if fast.orders(side).tolist() != expected:
                return f"orders of side {side} at the end {where} differ"
    return None


def plan(seed: int) -> Iterator[tuple[str, streams.Messages, BookRules]]:
    """Yield streams forever, as many messages with all details as without."""
    while True:
        for name, make in KINDS.items():
            yield f"{name}, seed {seed}", make(seed), BookRules()
            for number in range(LONG // SHORT):
                detailed = list(INSTRUCTIONS)[number % len(INSTRUCTIONS)]
                yield f"{detailed}, seed {seed}", INSTRUCTIONS[detailed](seed), streams.rules(seed)
                seed += 1


def main() -> None:
    """Compare streams of changing kinds until there have been enough messages."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=10_000_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    done, start, told = 0, time.perf_counter(), 0
    for name, stream, rules in plan(arguments.seed):
        stream = stream[: arguments.messages - done]
        difference = compare(stream, rules)
        if difference is not None:
            sys.exit(f"{name}: {difference}; {rules}")
        done += len(stream)
        if done >= arguments.messages or done - told >= LONG:
            rate = done / (time.perf_counter() - start)
            print(f"{done:,} messages equal, {rate:,.0f} a second", flush=True)
            told = done
        if done >= arguments.messages:
            return


if __name__ == "__main__":
    main()
