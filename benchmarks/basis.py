"""Measure what holds books together and keeps them apart: the tables of docs/rules/basis.md.

    python benchmarks/basis.py [noise premium capital order]

Prints Markdown. Everything at once takes about a quarter of an hour on one core, most of it for
`premium`.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tables import MINUS, print_parts, print_table

from gammagym.exchange.own_orders import limit_order
from gammagym.exchange.trading import mid_price
from gammagym.scenario.compile import Compiled
from gammagym.world.codes import BUY, CROWD, IOC

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "unit" / "market"))
from basis_markets import ARBITRAGEUR, THIN, books, go, opened, template

Array = NDArray[Any]

NO_CAPITAL: Mapping[str, Mapping[str, Any]] = {
    "basis": {"arbitrageurs.0.limit": 0.0, "arbitrageurs.1.limit": 0.0},
    "two_venues": {"arbitrageurs.0.limit": 0.0},
}
NO_SENTIMENT: Mapping[str, Any] = {"flow.sentiment": None, "markets.0.flow.sentiment": None}
FUNDING_SECONDS = 28_800
WAITS = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


def _told(estimate: tuple[float, float], digits: int = 2) -> str:
    """Return an estimate with its error and a true minus."""
    value, error = (f"{each:.{digits}f}" for each in estimate)
    return f"{value} ± {error}".replace("-", MINUS)


def _mean(values: Array) -> tuple[float, float]:
    return float(values.mean()), float(values.std(ddof=1)) / math.sqrt(len(values))


def estimate(statistic: Callable[[Array], float], paths: Array) -> tuple[float, float]:
    """Return a statistic of paths, a row for each seed, and its error by the jackknife."""
    rows = range(len(paths))
    without = np.array([statistic(np.delete(paths, row, axis=0)) for row in rows])
    error = math.sqrt((len(paths) - 1) * without.var())
    return statistic(paths), error


def deviation(paths: Array) -> float:
    """Return the standard deviation of paths, each about its own mean."""
    return float((paths - paths.mean(axis=1, keepdims=True)).std())


def half_life(paths: Array) -> float:
    """Return after how many looks the autocorrelation of all paths passes one half."""
    away = paths - paths.mean(axis=1, keepdims=True)
    before = 1.0
    for lag in range(1, away.shape[1] // 2):
        kept = float((away[:, lag:] * away[:, :-lag]).mean() / away.var())
        if kept < 0.5:
            return lag - 1 + (before - 0.5) / (before - kept)
        before = kept
    return math.nan


def correlation(mids: Array, looks: int) -> float:
    """Return how the returns of two books over some looks go together; mids as `watch` has them."""
    one, other = np.moveaxis(mids[:, looks:] - mids[:, :-looks], 2, 0)
    return float((one * other).mean() / math.sqrt((one**2).mean() * (other**2).mean()))


def watch(compiled: Compiled, seeds: int, seconds: float, step: float) -> tuple[Array, Array]:
    """Look at the first two books of some worlds.

    Args:
        compiled: the scenario.
        seeds: how many worlds, seeds from 0.
        seconds: how long.
        step: time between two looks (s).

    Returns:
        Logarithms of the mids (bp), shape (seeds, looks, 2), and the funding rate of the first book
        as it stands, shape (seeds, looks).
    """
    looks = round(seconds / step)
    mids, rates = np.empty((seeds, looks, 2)), np.empty((seeds, looks))
    for seed in range(seeds):
        worlds = opened(compiled, seed)
        for look in range(looks):
            go(compiled, worlds, step)
            mids[seed, look] = [math.log(mid_price(worlds[0], row)) for row in (0, 1)]
            rates[seed, look] = worlds["instruments"]["funding"]["rate_e9"][0, 0] * 1e-9
    return 1e4 * mids, rates


def noise(seeds: int = 24) -> None:
    """Noise between the books of `two_venues` without sentiment."""
    step = 0.1
    changes: dict[str, Mapping[str, Any]] = {
        "no capital": NO_CAPITAL["two_venues"],
        "margin of 1 bp": {"arbitrageurs.0.margin": "0.01%"},
        "as shipped, 0.5 bp": {},
        "no margin": {"arbitrageurs.0.margin": "0%"},
    }
    columns: list[list[str]] = []
    for change in changes.values():
        mids, _ = watch(template("two_venues", {**NO_SENTIMENT, **change}), seeds, 300.0, step)
        apart = mids[:, :, 0] - mids[:, :, 1]
        life, error = estimate(half_life, apart)
        together = [
            _told(estimate(lambda each, looks=looks: correlation(each, looks), mids))
            for looks in (1, 5, 10, 50)
        ]
        columns.append([_told(estimate(deviation, apart)), _told((step * life, step * error))])
        columns[-1] += together
    names = ["standard deviation of the difference, bp", "its half-life, s"]
    names += [f"correlation of returns over {s:g} s" for s in (0.1, 0.5, 1, 5)]
    print_table(["", *changes], [list(row) for row in zip(names, *columns, strict=True)])


def premium(seeds: int = 8, days: int = 4) -> None:
    """What sentiment keeps between two books, looked at each 10 s."""
    columns: list[list[str]] = []
    heads: list[str] = []
    for scenario, poor in NO_CAPITAL.items():
        for name, changes in (("no capital", poor), ("as shipped", {})):
            mids, rates = watch(template(scenario, dict(changes)), seeds, 86_400.0 * days, 10.0)
            apart = mids[:, :, 0] - mids[:, :, 1]
            minutes = apart.reshape(seeds, -1, 6).mean(axis=2)
            # The rate that stands when an interval ends is the one that is paid.
            each = FUNDING_SECONDS // 10
            paid = rates[:, each - 1 :: each].mean(axis=1)
            heads.append(f"`{scenario}`, {name}")
            columns.append(
                [
                    _told(estimate(deviation, apart)),
                    _told(estimate(half_life, minutes), 0),
                    _told(_mean(100 * paid), 4),
                ]
            )
    names = ["standard deviation, bp", "half-life, min", "funding of eight hours, mean, %"]
    print_table(["", *heads], [list(row) for row in zip(names, *columns, strict=True)])


def capital(seeds: int = 96) -> None:
    """What is left after ten minutes of a premium of 8 bp that nobody feeds, bp."""
    sentiment = {"deviation": 0.0, "impact": 0.004, "decay": "2h"}
    limits = (0.0, 300.0, 5_000.0)
    cells: list[str] = []
    for limit in limits:
        owner = ARBITRAGEUR | {"limit": limit, "size": 5.0}
        compiled = template(books(flow=THIN | {"sentiment": sentiment}, arbitrageurs=[owner]))
        left = np.empty(seeds)
        for seed in range(seeds):
            worlds = opened(compiled, seed)
            worlds["flows"]["sentiment"]["premium"][0, 0] = 8e-4
            go(compiled, worlds, 600.0)
            left[seed] = 1e4 * worlds["flows"]["sentiment"]["premium"][0, 0]
        cells.append(_told(_mean(left)))
    print_table(["capital, units", *(f"{limit:,.0f}" for limit in limits)], [["left", *cells]])


def order(seeds: int = 48) -> None:
    """What an order at one of `two_venues` does to the mids of both, dollars, by time after it."""
    rows: list[list[str]] = []
    for name, changes in (("no capital", NO_CAPITAL["two_venues"]), ("as shipped", {})):
        compiled = template("two_venues", dict(changes))
        moves = np.array([_moves(compiled, seed) for seed in range(seeds)])
        for row, book in enumerate(("its own book", "the other book")):
            cells = [_told(_mean(column)) for column in moves[:, :, row].T]
            rows.append([f"{book}, {name}", *cells])
    print_table(["after, s", *(f"{wait:g}" for wait in WAITS)], rows)


def _moves(compiled: Compiled, seed: int) -> list[list[float]]:
    """Return what an order has moved the mids by, compared with the same world without it."""
    worlds = opened(compiled, seed)
    go(compiled, worlds, 30.0)
    without = worlds.copy()
    limit_order(worlds[0], CROWD + 1, 0, BUY, 610_000, 20_000, IOC)
    moves: list[list[float]] = []
    for seconds in np.diff(WAITS, prepend=0.0):
        for each in (worlds, without):
            go(compiled, each, float(seconds))
        moves.append([float(mid_price(worlds[0], b) - mid_price(without[0], b)) for b in (0, 1)])
    return moves


PARTS: Mapping[str, Callable[[], None]] = {
    "noise": noise,
    "premium": premium,
    "capital": capital,
    "order": order,
}


if __name__ == "__main__":
    print_parts(__doc__, PARTS)
