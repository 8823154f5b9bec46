"""Measure the background order flow: the tables of docs/rules/flow.md and docs/facts.md.

    python benchmarks/flow.py [market adverse overrun ranking impact control]

Prints Markdown. Everything at once takes about ten minutes on one core, most of it `ranking`.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from tables import MINUS, print_parts, print_table

from gammagym.evaluation.facts import Range, compare, load_targets, measure, record_world
from gammagym.evaluation.rollout import rollout
from gammagym.evaluation.statistics import bootstrap, mean_difference

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "statistical"))
from adverse_measures import RESTING_BAND, WAITS, large_orders, markouts, overrun
from flow_measures import measure as measure_flow

PRESETS = ("full", "thin", "sparse")
# One preset is worth the work of many worlds of another.
WORLDS = {"full": 64, "thin": 256, "sparse": 256}
MARKET_WORLDS = {"full": 192, "thin": 1024, "sparse": 1024}
# Of the venues with a price band, market orders of zero intelligence would be refused.
CONTROLS: Mapping[str, Mapping[str, Any]] = {
    "`full`": {"flow.preset": "full"},
    "`large_tick`": {"flow.kind": "queue_reactive", "flow.preset": "large_tick"},
    "`levels`": {"flow.kind": "zero_intelligence", "flow.preset": "levels"},
    "`santa_fe`": {"flow.kind": "zero_intelligence", "flow.preset": "santa_fe"},
}
FACTS = (
    *("spread_ticks_mean", "spread_one_tick_share", "touch_size_median_bid"),
    *("depth_1bp", "depth_5bp", "depth_10bp", "depth_20bp", "depth_50bp"),
    *("trades_per_second", "orders_per_second", "level_updates_per_second", "volume_per_second"),
    *("order_size_median", "order_size_mean", "order_size_q90", "order_size_q99"),
    *("interarrival_cv", "branching_ratio", "cancel_ratio_size", "cancel_ratio_count"),
    *("sign_acf_1", "sign_acf_2", "sign_acf_5", "sign_acf_10", "sign_acf_50"),
    *("trade_sign_acf_1", "trade_sign_acf_10"),
    *("impact_10ms", "impact_100ms", "impact_1s", "impact_5s", "impact_30s"),
    *("impact_1s_below_0.1", "impact_1s_0.1_to_1", "impact_1s_1_to_5", "impact_1s_above_5"),
    *("volatility_100ms", "volatility_1s", "volatility_10s"),
    *("kurtosis_1s", "return_acf_1s", "abs_return_acf_1s", "volume_volatility_correlation"),
)
RULES = (
    *("no_hedge", "fixed_interval", "price_move", "delta_band", "whalley_wilmott"),
    RESTING_BAND,
)


def _number(value: float) -> str:
    """Return three digits that count, with thousands apart and a true minus."""
    if not math.isfinite(value):
        return ""
    if abs(value) < 1e-9:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value)) + 1e-12))
    rounded = f"{value:,.{min(digits, 4)}f}"
    return (rounded.rstrip("0").rstrip(".") if "." in rounded else rounded).replace("-", MINUS)


def _with_error(mean: float, error: float) -> str:
    return f"{mean:.2f} ± {error:.2f}".replace("-", MINUS)


def facts_of(changes: Mapping[str, Any], seeds: int, scenario: str) -> dict[str, float]:
    """Return the mean of every fact over records of 345 s; of those in which it is known."""
    found = [measure(record_world(scenario, changes, seed=seed)) for seed in range(seeds)]
    means: dict[str, float] = {}
    for fact in found[0]:
        values = [each[fact] for each in found if math.isfinite(each[fact])]
        means[fact] = float(np.mean(values)) if values else math.nan
    return means


def _facts_table(columns: Mapping[str, Mapping[str, float]], targets: Mapping[str, Range]) -> None:
    """Print facts side by side; bold is outside of the sample's range."""
    rows: list[list[str]] = []
    for fact in FACTS:
        cells = [f"`{fact}`"]
        for column in columns.values():
            (finding,) = compare({fact: column[fact]}, targets)
            outside = finding.verdict in ("above", "below")
            told = _number(column[fact])
            cells.append(f"**{told}**" if outside else told)
        real = targets.get(fact)
        cells.append("" if real is None or real.value is None else _number(real.value))
        rows.append(cells)
    verdicts = [[each.verdict for each in compare(column, targets)] for column in columns.values()]
    inside = [
        f"{each.count('inside')} of {len(each) - each.count('not judged')}" for each in verdicts
    ]
    print_table(["fact", *columns, "sample"], [["inside, of all judged", *inside, ""], *rows])


def market() -> None:
    """What the flow makes of a market."""
    columns = {
        f"`{preset}`": facts_of({"flow.preset": preset}, 4 if preset == "full" else 16, "calm")
        for preset in PRESETS
    }
    _facts_table(columns, load_targets("usdm").facts)
    found = [measure_flow(preset, MARKET_WORLDS[preset], 2) for preset in PRESETS]
    rows: list[tuple[str, list[float]]] = [
        ("events a second", [each.events for each in found]),
        *(
            (f"annual volatility of the mid at {s} s", [each.volatility[s] for each in found])
            for s in (1, 10, 60)
        ),
        *(
            (
                f"the same, over that of the price, {s} s",
                [each.excess_volatility[s] for each in found],
            )
            for s in (1, 10, 60)
        ),
        ("traded, BTC a second", [each.volume for each in found]),
        ("mean spread, ticks", [each.spread for each in found]),
        ("touch, median BTC", [each.touch_median for each in found]),
        ("touch, mean BTC", [each.touch_mean for each in found]),
        *(
            (
                f"one lot at the back of the touch, filled in {s} s",
                [each.filled[s] for each in found],
            )
            for s in (10, 60)
        ),
        ("mid less price, mean, bp", [each.bias for each in found]),
        ("mid less price, standard deviation, bp", [each.tracking for each in found]),
    ]
    print_table(
        ["", *PRESETS],
        [[name, *(f"{v:.2f}".replace("-", MINUS) for v in row)] for name, row in rows],
    )


def adverse() -> None:
    """Markouts of agents' resting orders."""
    rows: list[list[str]] = []
    for scenario, presets, lots in (("calm", PRESETS, 1), ("btc", PRESETS, 2)):
        for preset in presets:
            for behind in (0, 10, 50):
                found = markouts(scenario, preset, WORLDS[preset], 24, behind=behind, lots=lots)
                moves = [_with_error(found.mean[wait], found.error[wait]) for wait in WAITS]
                name = f"`{scenario}`, `{preset}`"
                rows.append([name, str(behind), f"{found.filled:.0%}", *moves])
    print_table(["", "ticks behind", "filled in 10 s", *(f"{wait:g} s" for wait in WAITS)], rows)


def overruns() -> None:
    """How far the price is beyond an order far from the touch when it is filled."""
    rows: list[list[str]] = []
    bare = {"flow.probability_market": 0.0, "flow.stale_ticks": 0.0}
    for name, changes in (("price alone", bare), ("as shipped", {})):
        for preset in ("thin", "sparse"):
            found = overrun(preset, 1024, 150, **changes)
            rows.append([f"`{preset}`, {name}", _mean(found.flow), ""])
    # Of the price of thin flow, whose steps are the smaller ones.
    found = overrun("thin", 1024, 150)
    rows += [
        [
            f"looks every {every:g} s at the same prices",
            _mean(beyond),
            f"{found.expected(every):.1f}",
        ]
        for every, beyond in found.steps.items()
    ]
    print_table(["", "overshoot, ticks", "closed form"], rows)


def _mean(values: Any) -> str:
    error = values.std(ddof=1) / math.sqrt(len(values))
    return f"{values.mean():.1f} ± {error:.1f}".replace("-", MINUS)


def ranking(seeds: int = 12, hours: float = 2.0) -> None:
    """The same rules on the same seeds and prices, in the thin and in the full flow."""
    costs = {
        preset: np.array(
            [
                rollout(
                    rule,
                    "calm",
                    seeds=range(seeds),
                    overrides={"flow.preset": preset, "price.tick": "1s"},
                    horizon_seconds=3_600.0 * hours,
                ).columns["cost"]
                for rule in RULES
            ]
        )
        for preset in PRESETS
    }
    scores = {preset: bootstrap(costs[preset]).scores for preset in PRESETS}
    ranks = {preset: 1 + scores[preset].argsort().argsort() for preset in PRESETS}
    rows: list[list[str]] = []
    for row in scores["full"].argsort():
        cells = [f"`{Path(RULES[row]).stem}`"]
        cells += [f"{ranks[each][row]} ({scores[each][row]:.3f})" for each in PRESETS]
        for preset in PRESETS[1:]:
            apart = bootstrap([costs[preset][row], costs["full"][row]])
            ends = f"[{apart.difference_low[0, 1]:.3f}, {apart.difference_high[0, 1]:.3f}]"
            cells.append(f"{apart.differences[0, 1]:.3f} {ends}".replace("-", MINUS))
            mean, error = mean_difference(costs[preset][row], costs["full"][row])
            cells.append(f"{mean:.3f} ± {error:.3f}".replace("-", MINUS))
        rows.append(cells)
    head = ["rule", *(f"`{preset}`" for preset in PRESETS)]
    for preset in PRESETS[1:]:
        head += [f"score, `{preset}` less `full`", f"mean, `{preset}` less `full`"]
    print_table(head, rows)
    for preset in PRESETS[1:]:
        print(f"rank correlation of `{preset}`: {rank_correlation(scores[preset], scores['full'])}")


def rank_correlation(scores: Any, others: Any) -> float:
    """Return Spearman's rank correlation of two lists without ties."""
    ranks = [np.asarray(each).argsort().argsort() for each in (scores, others)]
    return float(np.corrcoef(*ranks)[0, 1])


def impact() -> None:
    """What a large purchase does to the mid, in the full flow."""
    for seconds, after, worlds in ((60, 240, 24), (600, 240, 8)):
        found = large_orders((5.0, 20.0, 80.0, 320.0), seconds, after, worlds)
        rows: list[list[str]] = []
        for order in found:
            late = [order.at(seconds + wait, seconds + wait) for wait in (5, 10, 30, 60)]
            tail = order.at(seconds + 120, seconds + 240)
            cells = [order.at(1, seconds), order.at(seconds - 10, seconds), *late, tail]
            rows.append([f"{order.quantity:g}", *(_with_error(*cell) for cell in cells)])
        ends = [order.at(seconds - 10, seconds)[0] for order in found]
        sizes = [order.quantity for order in found]
        slopes = np.diff(np.log(ends)) / np.diff(np.log(sizes))
        fitted = np.polyfit(np.log(sizes), np.log(ends), 1)[0]
        head = ["BTC", "mean meanwhile", "at the end", *(f"{s} s later" for s in (5, 10, 30, 60))]
        print(f"\nover {seconds} s, {worlds} worlds, bp:")
        print_table([*head, "two to four minutes later"], rows)
        print(f"exponents: {slopes.round(2).tolist()}, of all: {fitted:.2f}")


def control() -> None:
    """Facts of flows that are known to lack them, beside those of the calibrated one."""
    columns = {
        name: facts_of({"venue": "generic", **changes}, 3, "btc")
        for name, changes in CONTROLS.items()
    }
    _facts_table(columns, load_targets("usdm").facts)


PARTS: Mapping[str, Callable[[], None]] = {
    "market": market,
    "adverse": adverse,
    "overrun": overruns,
    "ranking": ranking,
    "impact": impact,
    "control": control,
}


if __name__ == "__main__":
    print_parts(__doc__, PARTS)
