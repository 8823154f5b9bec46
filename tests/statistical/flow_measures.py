"""Measure a background order flow: many worlds side by side, looked at every half second."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from many_worlds import advance_all, opened
from numpy.typing import NDArray

from gammagym.exchange.orders import cancel_orders
from gammagym.exchange.own_orders import limit_order
from gammagym.scenario.compile import Compiled, compile_world
from gammagym.scenario.load import load_scenario
from gammagym.scenario.tasks import get_task
from gammagym.world.codes import BUY, GTC, NO_LEVEL, NO_ORDER, SELL
from gammagym.world.sizes import NANOSECONDS

STEP = 0.5  # seconds between two looks
# An order joins the touch every so often; not a whole second, so that it comes at any phase of one.
ROUND = 62.5
_YEAR = 365 * 86_400
Array = NDArray[Any]


@dataclass(frozen=True)
class Measures:
    """What a flow makes of a market; prices in ticks or basis points, sizes in BTC."""

    volatility: dict[int, float]  # annual, of the mid, by horizon (s)
    excess_volatility: dict[int, float]  # that of the mid over that of the fundamental price
    volume: float  # BTC a second
    spread: float  # mean (ticks)
    tight: float  # share of the time at one tick
    touch_median: float
    touch_mean: float
    filled: dict[int, float]  # share of one-lot orders at the back of the touch, by wait (s)
    markout: dict[int, float]  # mid less fill price after so long (s), bp, > 0: for the maker
    bias: float  # mean of mid less fundamental price (bp)
    tracking: float  # standard deviation of the same
    events: float  # a second
    changes: float  # orders that come to rest or leave, a second
    empty: int  # looks at which a side of the book was empty
    rejected: int
    orders: tuple[int, int]  # fewest and most orders in a book


def build(
    count: int,
    preset: str,
    scenario: str = "calm",
    collateral: float | None = None,
    decision_interval: float | None = None,
    **changes: Any,
) -> tuple[Compiled, Array]:
    """Open worlds of a scenario with another flow, seeds 0 to count - 1, warmed up."""
    loaded = load_scenario(scenario, {"flow.preset": preset, **changes})
    task = get_task("GammaScalp", collateral=collateral, decision_interval=decision_interval)
    compiled = compile_world(loaded, task)
    return compiled, opened(compiled, count)


def advance_to(compiled: Compiled, worlds: Array, seconds: float) -> None:
    """Advance all worlds to a time (s)."""
    advance_all(worlds, compiled.tape, round(seconds * NANOSECONDS))


@dataclass(frozen=True)
class Touch:
    """Best prices (ticks) and sizes (BTC) of every world, shape (worlds, 2)."""

    prices: Array
    sizes: Array
    full: Array  # whether both sides have orders

    @property
    def mids(self) -> Array:
        return self.prices.mean(axis=1)

    @property
    def spreads(self) -> Array:
        return self.prices[:, SELL] - self.prices[:, BUY]


def touch(worlds: Array) -> Touch:
    """Look at the best quotes of the perpetual."""
    best = worlds["books"]["best"][:, 0, :2]
    each = np.arange(len(worlds))[:, None]
    lots = worlds["levels"]["quantity_lots"][each, best]
    return Touch(
        worlds["levels"]["price_ticks"][each, best],
        lots * worlds["instruments"]["lot_size"][:, :1],
        (best != NO_LEVEL).all(axis=1),
    )


def fundamental(worlds: Array) -> Array:
    """Return the fundamental prices of this moment (ticks), where nobody presses the price."""
    price, stress = worlds["price"], worlds["stress"]
    since = np.clip((worlds["time_ns"] - price["changed_ns"]) / price["tick_ns"], 0.0, 1.0)
    place = since * price["path_steps"]
    step = np.minimum(place.astype(np.int64), price["path_steps"] - 1)
    each = np.arange(len(worlds))
    start, end = price["path"][each, step], price["path"][each, step + 1]
    shift = stress["price_shift"] + (stress["next_shift"] - stress["price_shift"]) * since
    values = (start + (end - start) * (place - step)) * np.exp(shift)
    return values / worlds["instruments"]["tick_size"][:, 0]


def ladder(world: Any) -> list[tuple[int, int, int]]:
    """Return side, price and quantity of every level of the perpetual's book, in order."""
    result: list[tuple[int, int, int]] = []
    for side in (BUY, SELL):
        row = world["books"][0]["best"][side]
        while row != NO_LEVEL:
            level = world["levels"][row]
            result.append((side, int(level["price_ticks"]), int(level["quantity_lots"])))
            row = level["worse"]
    return result


class _Probes:
    """One-lot orders of an agent, one in every world, joined to the touch and never amended."""

    def __init__(self, worlds: Array) -> None:
        self.worlds = worlds
        self.account = int(worlds[0]["agents"][0]["hedge_account"])
        self.rows = np.full(len(worlds), NO_ORDER)
        self.ids = np.zeros(len(worlds), np.int64)
        self.rounds = 0

    def join(self, now: Touch) -> None:
        for index in range(len(self.worlds)):
            world = self.worlds[index]
            cancel_orders(world, self.account)
            side = (index + self.rounds) % 2
            price = int(now.prices[index, side])
            self.ids[index] = world["next_order_id"]
            self.rows[index] = limit_order(world, self.account, 0, side, price, 1, GTC)
        self.rounds += 1

    def filled(self) -> float:
        """Return the share of the last orders that no longer rest."""
        orders = self.worlds["orders"][np.arange(len(self.worlds)), self.rows]
        mine = (orders["order_id"] == self.ids) & (orders["owner"] == self.account)
        return 1.0 - float(np.mean(mine & (orders["live"] == 1)))

    def markouts(self, waits: tuple[int, ...], mids: Array) -> dict[int, float]:
        """Return the mean of the mid so long after a fill, less its price, for the maker (bp)."""
        times = np.arange(len(mids)) * STEP
        sums = {wait: [] for wait in waits}
        for index in range(len(self.worlds)):
            count = self.worlds[index]["fill_count"]
            for fill in self.worlds[index]["fills"][:count]:
                for wait in waits:
                    when = fill["time_ns"] / NANOSECONDS + wait
                    if when > times[-1]:
                        continue
                    move = np.interp(when, times, mids[:, index]) / fill["price_ticks"] - 1.0
                    sums[wait].append(1e4 * move * np.sign(fill["quantity_lots"]))
        return {wait: float(np.mean(moves)) for wait, moves in sums.items()}


def measure(preset: str, worlds: int, rounds: int, **changes: Any) -> Measures:
    """Run worlds for some rounds of joining the touch, and measure."""
    compiled, market = build(worlds, preset, **changes)
    probes = _Probes(market)
    volume, events = _volume(market), market["flows"]["event"][:, 0].sum()
    changes = _changes(market)
    looks: list[Touch] = []
    values: list[Array] = []
    orders: list[Array] = []
    filled: dict[int, list[float]] = {10: [], 60: []}
    per_round = round(ROUND / STEP)
    for look in range(rounds * per_round + 1):
        advance_to(compiled, market, look * STEP)
        looks.append(touch(market))
        values.append(fundamental(market))
        orders.append(market["books"]["order_count"][:, 0, :2].sum(axis=1))
        for wait, shares in filled.items():
            if look % per_round == wait / STEP:
                shares.append(probes.filled())
        if look % per_round == 0 and look < rounds * per_round:
            probes.join(looks[-1])
    seconds = worlds * rounds * ROUND
    mids, prices = np.array([one.mids for one in looks]), np.array(values)
    spreads, sizes = (
        np.array([one.spreads for one in looks]),
        np.array([one.sizes for one in looks]),
    )
    gap = 1e4 * (mids / prices - 1.0)
    volatility = {seconds: _volatility(mids, seconds) for seconds in (1, 10, 60)}
    return Measures(
        volatility=volatility,
        excess_volatility={s: v / _volatility(prices, s) for s, v in volatility.items()},
        volume=(_volume(market) - volume) / seconds,
        spread=float(spreads.mean()),
        tight=float((spreads == 1).mean()),
        touch_median=float(np.median(sizes)),
        touch_mean=float(sizes.mean()),
        filled={wait: float(np.mean(shares)) for wait, shares in filled.items()},
        markout=probes.markouts((1, 5), mids),
        bias=float(gap.mean()),
        tracking=float(gap.std()),
        events=(market["flows"]["event"][:, 0].sum() - events) / seconds,
        changes=(_changes(market) - changes) / seconds,
        empty=int(sum((~one.full).sum() for one in looks)),
        rejected=int(market["rejected_background"].sum()),
        orders=(int(np.min(orders)), int(np.max(orders))),
    )


def _volume(worlds: Array) -> float:
    return float(
        worlds["books"]["volume_lots"][:, 0].sum() * worlds[0]["instruments"][0]["lot_size"]
    )


def _changes(worlds: Array) -> int:
    books = worlds["books"]
    return int((2 * books["next_arrival"] - books["order_count"].sum(axis=-1))[:, 0].sum())


def _volatility(prices: Array, seconds: int) -> float:
    """Return the annual volatility of returns over a horizon; prices by look and world."""
    returns = np.diff(np.log(prices[:: round(seconds / STEP)]), axis=0)
    return float(np.sqrt(np.mean(returns**2) * _YEAR / seconds))
