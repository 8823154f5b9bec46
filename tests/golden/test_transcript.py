"""A short episode, written out to be read and compared: orders, trades, funding, expiry.

The transcript in `straddle.txt` is what happens in it today. A change of it is a change of results:
look at the difference, say so in the changelog under **Results**, and write it anew with

    python tests/golden/test_transcript.py --update

The market is the ideal one, so that nothing in it depends on the calibration of order flow; numbers
are rounded, so that the last digit of a logarithm on another machine does not matter.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from gammagym.envs.single import HedgeEnv
from gammagym.exchange.ledger import equity
from gammagym.scenario.tasks import Leg
from gammagym.world.codes import BUY, FILL_LIQUIDATION, PARTS, REJECT_REASONS
from gammagym.world.sizes import QUANTA

TRANSCRIPT = Path(__file__).with_name("straddle.txt")
MINUTE = 60.0

# Two straddles of ten hours, held over expiry and one funding payment; a crash in the fifth hour.
OPTIONS: dict[str, Any] = {
    "scenario": "calm",
    "overrides": {
        "flow": {"kind": "ideal", "half_spread": 0.0001, "size": 50.0},
        "shocks": [
            {"kind": "price", "at": "5h", "ramp": "30min", "recovery": "never", "move": "-6%"},
            {"kind": "spread", "at": "5h", "hold": "1h", "recovery": "1h", "multiple": 5.0},
        ],
    },
    "book": (Leg("call", 2.0, expiry_days=10 / 24), Leg("put", 2.0, expiry_days=10 / 24)),
    "horizon_seconds": 11 * 60 * MINUTE,
    "decision_interval": 30 * MINUTE,
    "largest_order": 1.0,
    "collateral": 0.03,
}
# What the agent wishes at each decision: size and urgency. In between it does nothing.
WISHES = {
    1: (0.15, 1.0, "buy 0.3 at once"),
    2: (-0.2, 0.0, "join the ask with 0.4"),
    3: (-0.2, 0.0, "the same again"),
    4: (-0.2, -1.0, "rest far behind"),
    5: (0.0, 0.0, "cancel"),
    6: (-0.02, 1.0, "too little: the dead zone"),
    7: (1.0, 1.0, "buy 2 at once, before the crash"),
    13: (-1.0, 1.0, "sell 2 at once"),
    14: (-0.05, 1.0, "sell 0.1 at once"),
    17: (0.05, 0.4, "bid for 0.1 inside the spread"),
    21: (-0.1, 0.0, "join the ask with 0.2, until the end"),
}


def transcript() -> str:
    """Run the episode and write down what happens."""
    env = HedgeEnv("GammaScalp", **OPTIONS)
    env.reset(seed=2024)
    lines = [*header(env), *state(env)]
    total, seen, ended, number = 0.0, 0, False, 0
    settled, refused = [0] * 8, env.worlds[0]["agents"]["rejects"][0].copy()
    while not ended:
        number += 1
        size, urgency, words = WISHES.get(number, (0.0, 0.0, "nothing"))
        lines += ["", f"decision {number}: {words} ({size:+g}, {urgency:+g})"]
        _, reward, ended, _, _ = env.step(np.array([size, urgency], np.float32))
        total += reward
        world = env.worlds[0]
        lines += fills(env, seen)
        seen = int(world["fill_count"])
        for row, count in enumerate(world["agents"]["rejects"][0] - refused):
            if count:
                lines.append(f"  refused  {REJECT_REASONS[row]}")
        refused = world["agents"]["rejects"][0].copy()
        for row, name in enumerate(env.compiled.instruments):
            if world["instruments"]["settled"][row] and not settled[row]:
                settled[row] = 1
                lines.append(f"  expired  {name} at {world['instruments']['mark_price'][row]:.2f}")
        lines += state(env)
    return "\n".join([*lines, "", *footer(env, total), ""])


def header(env: HedgeEnv) -> list[str]:
    world = env.worlds[0]
    lines = ["A hedger of two straddles, seed 2024", ""]
    for row, name in enumerate(env.compiled.instruments):
        contract = world["instruments"][row]
        strike = f"  strike {contract['strike']:.2f}" if contract["strike"] else ""
        lines.append(f"{name:<18}  mark {contract['mark_price']:9.2f}{strike}")
    agent = world["agents"][0]
    money = int(world["cash"][agent["hedge_account"], 0]) / QUANTA
    return [*lines, f"collateral {money:.2f}, stake {agent['stake']:.2f}"]


def fills(env: HedgeEnv, seen: int) -> list[str]:
    """Return the trades since the last decision."""
    world = env.worlds[0]
    lines = []
    for number in range(seen, int(world["fill_count"])):
        fill = world["fills"][number % len(world["fills"])]
        lots = int(fill["quantity_lots"])
        contract = world["instruments"][int(fill["instrument"])]
        lines.append(
            f"  {'bought' if lots > 0 else 'sold':<8} {abs(lots) * contract['lot_size']:.3f}"
            f" {env.compiled.instruments[int(fill['instrument'])]}"
            f" at {fill['price_ticks'] * contract['tick_size']:.1f}"
            f" after {int(fill['time_ns']) / 1e9:.2f} s, fee {int(fill['fee_quanta']) / QUANTA:.4f}"
            + (", by the liquidation engine" if fill["cause"] == FILL_LIQUIDATION else "")
            + (", its order rested" if fill["maker"] else "")
        )
    return lines


def state(env: HedgeEnv) -> list[str]:
    """Return book, orders, positions and money, two lines."""
    world = env.worlds[0]
    agent = world["agents"][0]
    hedge = int(agent["hedge_account"])
    orders = world["orders"]
    own = orders[(orders["live"] == 1) & (orders["owner"] == hedge)]
    quotes = orders[(orders["live"] == 1) & (orders["instrument"] == 0)]
    bids = quotes[quotes["side"] == BUY]["price_ticks"]
    asks = quotes[quotes["side"] != BUY]["price_ticks"]
    tick = world["instruments"]["tick_size"][0]
    working = "none"
    if len(own):
        side = "bid" if own[0]["side"] == BUY else "ask"
        price, lots = own[0]["price_ticks"] * tick, int(own[0]["quantity_lots"])
        working = f"{side} {lots / 1000:.3f} at {price:.1f}"
    funding = int(world["accounts"]["funding_quanta"][hedge]) / QUANTA
    profit = (int(agent["equity_quanta"]) - int(agent["initial_equity_quanta"])) / QUANTA
    position = int(world["positions"]["quantity_lots"][hedge, 0]) / 1000
    return [
        f"  t {int(world['time_ns']) / 6e10:4.0f} min  price {world['price']['value']:9.2f}"
        f"  book {bids.max() * tick:.1f} / {asks.min() * tick:.1f}  order {working}",
        f"  hedge {position:+.3f}  book delta {agent['book_delta']:+.4f}  profit {profit:+.2f}"
        f"  funding {funding:+.4f}  hedge account"
        f" {equity(world, hedge) / QUANTA:.2f}",
    ]


def footer(env: HedgeEnv, total: float) -> list[str]:
    world = env.worlds[0]
    agent = world["agents"][0]
    parts = zip(PARTS, agent["parts"].tolist(), strict=True)
    results = env.results()
    return [
        "where the money went",
        *(f"  {name:<13}{round(amount, 2) + 0.0:+12.2f}" for name, amount in parts),
        f"  {'profit':<13}{results['profit']:+12.2f}",
        f"relative to the frictionless hedger {results['relative_cost']:+.4f} stakes",
        f"sum of rewards {total:+.4f}, trades {int(world['fill_count'])},"
        f" liquidations {results['liquidations']}, refused {results['rejects']}",
    ]


def test_the_episode_goes_as_written_down():
    assert transcript() == TRANSCRIPT.read_text(encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:] != ["--update"]:
        sys.exit(__doc__)
    TRANSCRIPT.write_text(transcript(), encoding="utf-8")
