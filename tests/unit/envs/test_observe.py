"""Observations, field by field, against what their documentation says, in plain Python."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from gammagym.agent import FIELD_NAMES, OBSERVATION_FIELDS
from gammagym.reference.options import black_76
from gammagym.world.codes import BUY, CALL, PUT, SELL, SPOT
from gammagym.world.sizes import YEAR_NS

WEEK_NS = 7 * 86_400 * 10**9


def side_of(world: Any, side: int) -> list[tuple[int, int]]:
    """Return price and quantity of the orders of the hedge's book, best first."""
    orders = world["orders"]
    resting = orders[(orders["live"] == 1) & (orders["instrument"] == 0) & (orders["side"] == side)]
    levels: dict[int, int] = {}
    for price, lots in zip(resting["price_ticks"], resting["quantity_lots"], strict=True):
        levels[int(price)] = levels.get(int(price), 0) + int(lots)
    return sorted(levels.items(), reverse=side == BUY)


class Observer:
    """What one agent has seen: recomputed from the world at each decision."""

    def __init__(self, world: Any, compiled: Any) -> None:
        self.compiled, self.task, self.venue = compiled, compiled.task, compiled.venue
        imposed = compiled.scenario.funding
        self.funding = Decimal("0.0001") if imposed is None else imposed
        self.mid = self.mid_of(world)
        self.last = self.five = self.fifteen = 0.0
        self.variance = self.implied(world) ** 2
        self.first_equity = self.equity(world)

    def mid_of(self, world: Any) -> float:
        bids, asks = side_of(world, BUY), side_of(world, SELL)
        contract = world["instruments"][0]
        if not bids or not asks:
            return float(contract["mark_price"])
        return 0.5 * (bids[0][0] + asks[0][0]) * float(contract["tick_size"])

    def implied(self, world: Any) -> float:
        options = [one for one in world["instruments"] if one["kind"] in (CALL, PUT)]
        return float(options[0]["implied_volatility"]) if options else 0.0

    def equity(self, world: Any) -> float:
        """Return cash, coins and marked positions of both accounts (currency)."""
        total = 0.0
        agent = world["agents"][0]
        for account in (agent["book_account"], agent["hedge_account"]):
            total += int(world["cash"][account, 0]) - int(
                world["accounts"][account]["covered_quanta"]
            )
            for row in range(int(world["instrument_count"])):
                contract, held = world["instruments"][row], world["positions"][account, row]
                mark = int(contract["mark_quanta"])
                if contract["kind"] == SPOT:
                    coins = int(world["cash"][account, 1]) / int(contract["lot_coin_quanta"])
                    total += coins * mark
                else:
                    total += int(held["quantity_lots"]) * mark - int(held["entry_quanta"])
        return total / 1e8

    def see(self, world: Any) -> None:
        """Remember the mid of one more decision."""
        mid = self.mid_of(world)
        self.last = math.log(mid / self.mid)
        self.five = self.five * (1 - 1 / 5) + self.last
        self.fifteen = self.fifteen * (1 - 1 / 15) + self.last
        seconds = self.task.decision_interval
        keep = math.exp(-seconds / 1800.0)
        annual = self.last**2 / (seconds * 1e9 / YEAR_NS)
        self.variance = keep * self.variance + (1 - keep) * annual
        self.mid = mid

    def book(self, world: Any) -> dict[str, float]:
        """Return delta, gamma, vega and theta of the legs (units, currency)."""
        total = dict.fromkeys(("delta", "gamma", "vega", "theta"), 0.0)
        for row, leg in enumerate(self.task.book, start=1):
            contract = world["instruments"][row]
            if leg.kind == "spot":
                total["delta"] += leg.quantity
                continue
            years = (int(contract["expiry_ns"]) - int(world["time_ns"])) / YEAR_NS
            option = black_76(
                CALL if leg.kind == "call" else PUT,
                float(world["instruments"]["mark_price"][0]),
                float(contract["strike"]),
                float(contract["implied_volatility"]),
                years,
            )
            for name in total:
                total[name] += leg.quantity * getattr(option, name)
        return total

    def expected(self, world: Any) -> dict[str, float]:
        agent, contract = world["agents"][0], world["instruments"][0]
        gross, book = self.task.gross_quantity, self.book(world)
        hedge_lots = int(world["positions"][agent["hedge_account"], 0]["quantity_lots"])
        lot, tick = float(contract["lot_size"]), float(contract["tick_size"])
        hedge, mark = hedge_lots * lot, float(contract["mark_price"])
        stake, largest = float(agent["stake"]), round(self.task.largest_order * gross / lot)
        bids, asks = side_of(world, BUY), side_of(world, SELL)
        bid, ask = (side[0][1] if side else 0 for side in (bids, asks))
        spread = (asks[0][0] - bids[0][0]) * tick if bids and asks else 0.0
        volatility = max(self.implied(world), math.sqrt(self.variance), 0.01)
        deviation = volatility * math.sqrt(self.task.decision_interval * 1e9 / YEAR_NS)
        expiries = [
            int(one["expiry_ns"]) - int(world["time_ns"])
            for one in world["instruments"]
            if one["kind"] in (CALL, PUT) and not one["settled"]
        ]
        account = world["accounts"][agent["hedge_account"]]
        maintenance, equity = int(account["maintenance_quanta"]), int(account["equity_quanta"])
        interval = int(contract["funding"]["interval_ns"])
        until_funding = int(contract["funding"]["next_ns"]) - int(world["time_ns"])
        left = (int(world["end_ns"]) - int(world["time_ns"])) / int(world["end_ns"])
        return self.working(world, bids, asks, largest, tick) | {
            "net_delta": (book["delta"] + hedge) / gross,
            "book_delta": book["delta"] / gross,
            "hedge": hedge / gross,
            "gamma": book["gamma"] * 0.01 * mark / gross,
            "vega": book["vega"] * 0.01 / stake,
            "theta": book["theta"] / 365 / stake,
            "time_to_expiry": min(expiries, default=0) / WEEK_NS,
            "time_left": left,
            "implied_volatility": self.implied(world),
            "realised_volatility": math.sqrt(self.variance),
            "return_1": self.last / deviation,
            "return_5": self.five / deviation,
            "return_15": self.fifteen / deviation,
            "price": self.mid / self.compiled.reference_price,
            "spread": spread / self.mid * 1e4,
            "bid_depth": bid / largest,
            "ask_depth": ask / largest,
            "imbalance": (bid - ask) / (bid + ask) if bid + ask else 0.0,
            "margin_ratio": maintenance / equity if equity > 0 else 10.0,
            "funding_rate": float(self.funding) * 1e4,
            "time_to_funding": until_funding / interval if interval else 0.0,
            "basis": (self.mid / mark - 1) * 1e4,
            "maker_fee": float(self.venue.maker_fee) * 1e4,
            "taker_fee": float(self.venue.taker_fee) * 1e4,
            "halted": 0.0,
            "profit": (self.equity(world) - self.first_equity) / stake,
        }

    def working(
        self, world: Any, bids: Any, asks: Any, largest: int, tick: float
    ) -> dict[str, float]:
        """Return size, distance and queue position of the agent's own order."""
        orders, owner = world["orders"], world["agents"][0]["hedge_account"]
        mine = orders[(orders["live"] == 1) & (orders["owner"] == owner)]
        if len(mine) == 0:
            return {"working": 0.0, "working_distance": 0.0, "queue_ahead": 0.0}
        assert len(mine) == 1, "there is one working order"
        own = mine[0]
        buys = own["side"] == BUY
        price = int(own["price_ticks"])
        behind = bids[0][0] - price if buys else price - asks[0][0]
        queue = orders[(orders["live"] == 1) & (orders["instrument"] == 0)]
        same = (queue["side"] == own["side"]) & (queue["price_ticks"] == price)
        ahead = queue[same & (queue["arrival"] < own["arrival"])]["quantity_lots"].sum()
        return {
            "working": (1 if buys else -1) * int(own["quantity_lots"]) / largest,
            "working_distance": behind * tick / self.mid * 1e4,
            "queue_ahead": int(ahead) / largest,
        }


@pytest.mark.parametrize("task", ["GammaScalp", "ShortGamma", "SpotHedge"])
@pytest.mark.parametrize("scenario", ["calm", "flash_crash", "textbook", "trending"])
def test_every_field_is_what_its_documentation_says(make_worlds, scenario, task):
    options = {"horizon_seconds": 1_200.0, "decision_interval": 20.0}
    run = make_worlds(scenario, task, 1, seed=6, observation_fields=FIELD_NAMES, **options)
    random = np.random.default_rng(2)
    observer = Observer(run.worlds[0], run.compiled)
    worked = 0
    while not run.over:
        compare(run.observations[0], observer.expected(run.worlds[0]))
        worked += run.observations[0][FIELD_NAMES.index("working")] != 0
        run.step([[random.uniform(-1, 1), random.choice([-0.4, -0.1, 0.0, 0.2, 1.0])]])
        if not run.over:
            observer.see(run.worlds[0])
    if scenario != "textbook":
        assert worked > 5


def compare(observation: Any, expected: dict[str, float]) -> None:
    assert set(expected) == set(FIELD_NAMES)
    for field, seen in zip(OBSERVATION_FIELDS, observation.tolist(), strict=True):
        value = min(max(expected[field.name], field.low), field.high)
        assert seen == pytest.approx(value, rel=2e-6, abs=2e-6), field.name


def test_the_data_an_agent_sees_does_not_name_what_is_hidden():
    hidden = ("fundamental", "regime", "shock", "seed", "true")
    assert not [name for name in FIELD_NAMES if any(word in name for word in hidden)]


def test_a_bankrupt_account_shows_the_largest_margin_ratio(make_worlds):
    run = make_worlds("textbook", horizon_seconds=600.0)
    account = run.worlds["accounts"][0, run.worlds["agents"]["hedge_account"][0, 0]]
    account["equity_quanta"], account["maintenance_quanta"] = -1, 5
    from gammagym.envs.core import BOUNDS
    from gammagym.envs.kernels.observe import observe

    observe(run.worlds[0], 0, BOUNDS, run.batch.face.rows, run.observations[0])
    assert run.observations[0][FIELD_NAMES.index("margin_ratio")] == 10.0


ORDER_FIELDS = slice(FIELD_NAMES.index("working"), FIELD_NAMES.index("queue_ahead") + 1)
NOTHING = [np.nan, np.nan]


def orders_seen(make_worlds: Any, acknowledgement: str) -> list[list[float]]:
    """Return what an agent sees of its order each second: it rests at 0.03 s, is gone at 3.03 s."""
    overrides = {"rules": {"acknowledgement_latency": acknowledgement}}
    options = {"horizon_seconds": 60.0, "decision_interval": 1.0, "overrides": overrides}
    run = make_worlds("calm", **options)
    actions = ([1.0, -0.4], NOTHING, NOTHING, [0.0, 0.0], NOTHING, NOTHING)
    return [run.step([action])[0][ORDER_FIELDS].tolist() for action in actions]


def test_an_order_is_seen_as_the_last_acknowledgement_told_it(make_worlds):
    prompt, slow = (orders_seen(make_worlds, answer) for answer in ("10ms", "2500ms"))
    nothing = [0.0, 0.0, 0.0]
    assert nothing not in prompt[:3]
    assert prompt[3:] == [nothing] * 3
    assert slow == [nothing, nothing, prompt[2], prompt[2], prompt[2], nothing]


def test_an_acknowledgement_no_slower_than_the_data_changes_nothing(make_worlds):
    assert orders_seen(make_worlds, "1ms") == orders_seen(make_worlds, "10ms")
