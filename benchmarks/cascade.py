"""Measure liquidation cascades: the tables of docs/rules/crowd.

    python benchmarks/cascade.py [--seeds 20]

Every run is the shipped scenario `liquidation_cascade` with its news ten minutes after the start,
over an hour and a half, with something changed. Told is how far the mark goes at most, as a share
of the first price: the median over the seeds and, in brackets, an interval that holds the true
median with a probability of 95 % (order statistics).
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import gammagym
from gammagym.exchange.deleveraging import fund_balance
from gammagym.scenario.load import load_scenario
from gammagym.world.sizes import QUANTA

SCENARIO = "liquidation_cascade"
NEWS = {"jitter": "0s", "shocks.0.at": "10min"}
NO_CROWD = {"crowd": None}
NO_REOPENING = {"crowd.reopening": None}
SMALL_FUND = {"rules": {"liquidation.insurance_fund": 10_000_000}}
SQUEEZE = {"crowd.longs": 10_000.0, "crowd.shorts": 30_000.0, "shocks.0.move": "3%"}
_SECONDS, _STEP = 5_400.0, 5.0


@dataclass(frozen=True)
class Run:
    """What became of one market.

    Attributes:
        moves: mark over the first price, less 1, every five seconds; shape (n,).
        left: what the side that is liquidated more holds, over what it held at first; shape (n,).
        fund: what the insurance fund has earned, at the marks (quote currency).
    """

    moves: NDArray[np.float64]
    left: NDArray[np.float64]
    fund: float

    @property
    def furthest(self) -> float:
        """Largest move, up or down."""
        return float(self.moves[np.abs(self.moves).argmax()])

    @property
    def regained(self) -> float:
        """Share of the largest move that is regained at the end."""
        return 1.0 - float(self.moves[-1]) / self.furthest


def run(seed: int, changes: Mapping[str, Any] = {}) -> Run:
    """Run the scenario once, with some of its values changed."""
    market = gammagym.Market(
        load_scenario(SCENARIO, {**NEWS, **changes}), seed=seed, horizon_seconds=_SECONDS
    )
    world = market.world
    start = float(world["price"]["value"])
    fund = int(world["venues"]["insurance_account"][0])
    before = int(fund_balance(world, fund))
    moves: list[float] = []
    left: list[float] = []
    for _ in range(round(_SECONDS / _STEP)):
        market.advance(seconds=_STEP)
        moves.append(float(world["instruments"]["mark_price"][0]) / start - 1.0)
        left.append(_left(world["buckets"]))
    earned = (int(fund_balance(world, fund)) - before) / QUANTA
    return Run(np.array(moves), np.array(left), earned)


def _left(buckets: Any) -> float:
    """Return what is left of the side of the crowd that has lost more; 1 without a crowd."""
    shares = [1.0]
    for sign in (1, -1):
        side = buckets[buckets["opened_lots"] * sign > 0]
        if len(side) > 0:
            shares.append(int(side["quantity_lots"].sum()) / int(side["opened_lots"].sum()))
    return min(shares)


def median_interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Return the median and the order statistics that hold the true one with at least 95 %."""
    ordered = np.sort(np.asarray(values))
    count = len(ordered)
    below, chance = 0, 0.5**count
    # Of `count` values, `below` or fewer lie under the median with at most 2.5 %.
    probability = chance
    while probability <= 0.025:
        below += 1
        chance *= (count - below + 1) / below
        probability += chance
    low, high = ordered[max(below - 1, 0)], ordered[min(count - below, count - 1)]
    return float(np.median(ordered)), float(low), float(high)


def _told(values: Sequence[float], scale: float = 100.0, unit: str = " %") -> str:
    middle, low, high = (scale * value for value in median_interval(values))
    return f"{middle:.1f}{unit} ({low:.1f} ... {high:.1f})"


def _line(name: str, seeds: int, changes: Mapping[str, Any]) -> list[Run]:
    runs = [run(seed, changes) for seed in range(seeds)]
    furthest = _told([each.furthest for each in runs])
    least = _told([float(each.left.min()) for each in runs])
    regained = _told([each.regained for each in runs])
    fund = _told([each.fund for each in runs], 1e-6, "")
    print(f"| {name} | {furthest} | {least} | {regained} | {fund} |", flush=True)
    return runs


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--dose-seeds", type=int, default=5, help="of the second table")
    given = parser.parse_args()
    seeds = given.seeds
    print("| market | furthest | left of the crowd, least | regained | fund, million |")
    print("|---|---|---|---|---|")
    with_crowd = _line("as shipped", seeds, {})
    without = _line("without a crowd", seeds, NO_CROWD)
    ratios = [a.furthest / b.furthest for a, b in zip(with_crowd, without, strict=True)]
    _line("nobody comes back", seeds, NO_REOPENING)
    _line("fund of 10 million: deleveraging", seeds, SMALL_FUND)
    _line("no lasting impact", seeds, {"flow.lasting_impact": 0.0})
    _line("makers stay", seeds, {"flow.widening": 0.0, "flow.pulling": 0.0})
    _line("squeeze: shorts 30,000, news of +3 %", seeds, SQUEEZE)
    _line("no news", seeds, {"shocks": ()})
    print(f"\nratio with and without, same seed: {_told(ratios, 1.0, '')}\n")
    multiples = (0.25, 0.5, 1.0, 2.0)
    print("| longs | " + " | ".join(f"leverage x {each:g}" for each in multiples) + " |")
    print("|---" * (1 + len(multiples)) + "|")
    for longs in (0.0, 5e3, 10e3, 15e3, 20e3, 25e3, 30e3):
        cells = [_dose(given.dose_seeds, longs, multiple) for multiple in multiples]
        print(f"| {longs:,.0f} | " + " | ".join(f"{each:.1%}" for each in cells) + " |", flush=True)


def _dose(seeds: int, longs: float, multiple: float) -> float:
    """Return the median of the largest move with other longs, whose leverage is multiplied."""
    shipped = load_scenario(SCENARIO).crowd
    assert shipped is not None, "the scenario is about its crowd"
    changes: dict[str, Any] = {"crowd.longs": longs, "crowd.reopening": None}
    for place, item in enumerate(shipped.leverages):
        changes[f"crowd.leverages.{place}.leverage"] = max(item.leverage * multiple, 1.0)
    return float(np.median([run(seed, changes).furthest for seed in range(seeds)]))


if __name__ == "__main__":
    main()
