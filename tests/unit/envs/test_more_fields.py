"""The further fields of observations against what their documentation says, in plain Python."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from gammagym.envs.batch import Batch
from gammagym.envs.core import face_of
from gammagym.envs.kernels.observe_more import GROUP_STARTS
from gammagym.errors import ScenarioError
from gammagym.fields import ALL_FIELDS, FIELD_NAMES, MORE_FIELDS, OBSERVATION_FIELDS, default_fields
from gammagym.reference.options import black_76
from gammagym.scenario.compile import compile_world
from gammagym.scenario.load import load_scenario
from gammagym.scenario.tasks import get_task
from gammagym.world.codes import BUY, CALL, FEES_OPTION, FUTURE, PUT, SELL
from gammagym.world.sizes import MORE_OBSERVED, QUANTA, YEAR_NS

EVERY = tuple(field.name for field in ALL_FIELDS)
NAMES = tuple(field.name for field in MORE_FIELDS)
WEEK_NS = 7 * 86_400 * 10**9
OPTIONS: dict[str, Any] = {
    "horizon_seconds": 1_200.0,
    "decision_interval": 20.0,
    "observation_fields": EVERY,
}
HORIZONS = {"return_1min": 60, "return_10min": 600, "return_1h": 3_600, "return_4h": 14_400}
MEMORIES = {"volatility_5min": 300, "volatility_4h": 14_400}


def levels_of(world: Any, instrument: int, side: int) -> list[tuple[int, int]]:
    """Return price and quantity of the levels of a side, best first."""
    orders = world["orders"]
    mine = (orders["live"] == 1) & (orders["instrument"] == instrument) & (orders["side"] == side)
    levels: dict[int, int] = {}
    for order in orders[mine]:
        price = int(order["price_ticks"])
        levels[price] = levels.get(price, 0) + int(order["quantity_lots"])
    return sorted(levels.items(), reverse=side == BUY)


class Observer:
    """What one agent is shown beyond the usual, recomputed from the world at each decision."""

    def __init__(self, world: Any) -> None:
        self.returns = dict.fromkeys(HORIZONS, 0.0)
        variance = float(world["agents"][0]["seen_variance"])
        self.variances = dict.fromkeys(MEMORIES, variance)
        self.counts = self.count(world)

    def count(self, world: Any) -> dict[str, float]:
        """Return what is shown as a difference between two decisions."""
        agent = world["agents"][0]
        account, book = world["accounts"][agent["hedge_account"]], world["books"][0]
        hedges = agent["hedges"][: agent["hedge_count"]]
        lots = world["positions"]["quantity_lots"][agent["hedge_account"], hedges]
        return {
            "volume": int(book["volume_lots"]),
            "bought": int(book["bought_lots"]),
            "taker_fills": int(account["taker_fills"]),
            "maker_fills": int(account["maker_fills"]),
            "rejects": int(agent["rejects"].sum()),
            "liquidations": int(account["liquidations"]),
            "filled": float((lots * world["instruments"]["lot_size"][hedges]).sum()),
        }

    def see(self, world: Any) -> None:
        """Remember one more decision."""
        move = float(world["agents"][0]["seen_return"])
        for name, seconds in HORIZONS.items():
            self.returns[name] = math.exp(-20 / seconds) * self.returns[name] + move
        annual = move**2 / (20e9 / YEAR_NS)
        for name, seconds in MEMORIES.items():
            kept = math.exp(-20 / seconds)
            self.variances[name] = kept * self.variances[name] + (1 - kept) * annual

    def expected(self, world: Any, usual: dict[str, float]) -> dict[str, float]:
        """Return every further field; `usual` are the usual ones, as shown."""
        now = self.count(world)
        change = {name: now[name] - self.counts[name] for name in now}
        self.counts = now
        return (
            self.orders(world)
            | self.hedges(world)
            | self.depth(world, change)
            | self.market(usual)
            | self.options(world, usual)
            | self.account(world, change)
            | self.venue(world)
        )

    def orders(self, world: Any) -> dict[str, float]:
        agent, result = world["agents"][0], {}
        for number in (2, 3, 4):
            working, seen = agent["working"][number - 1], (0.0, 0.0, 0.0)
            orders = world["orders"]
            owner, at = agent["hedge_account"], int(working["instrument"])
            resting = (orders["live"] == 1) & (orders["instrument"] == at)
            mine = orders[resting & (orders["owner"] == owner)]
            if number <= agent["slots"] and len(mine) > 0:
                own = mine[0]
                sign, price = (1 if own["side"] == BUY else -1), int(own["price_ticks"])
                queue = orders[resting & (orders["side"] == own["side"])]
                ahead = (queue["price_ticks"] == price) & (queue["arrival"] < own["arrival"])
                touch = levels_of(world, at, int(own["side"]))[0][0]
                tick, largest = world["instruments"]["tick_size"][at], int(working["largest_lots"])
                far = (touch - price) * sign * tick / self.mid(world, at) * 1e4
                lots = queue["quantity_lots"][ahead].sum()
                seen = (sign * own["quantity_lots"] / largest, far, lots / largest)
            names = ("working", "working_distance", "queue_ahead")
            result |= {f"{name}_{number}": float(x) for name, x in zip(names, seen, strict=True)}
        return result

    def mid(self, world: Any, instrument: int) -> float:
        bids, asks = (levels_of(world, instrument, side) for side in (BUY, SELL))
        contract = world["instruments"][instrument]
        if not bids or not asks:
            return float(contract["mark_price"])
        return 0.5 * (bids[0][0] + asks[0][0]) * float(contract["tick_size"])

    def spread(self, world: Any, instrument: int) -> float:
        bids, asks = (levels_of(world, instrument, side) for side in (BUY, SELL))
        tick = float(world["instruments"]["tick_size"][instrument])
        return (asks[0][0] - bids[0][0]) * tick if bids and asks else 0.0

    def held(self, world: Any, instrument: int) -> float:
        agent = world["agents"][0]
        accounts = [agent["book_account"], agent["hedge_account"]]
        lots = world["positions"]["quantity_lots"][accounts, instrument].sum()
        return float(lots * world["instruments"]["lot_size"][instrument])

    def hedges(self, world: Any) -> dict[str, float]:
        agent = world["agents"][0]
        result = {name: 0.0 for name in NAMES if name[-1] in "1234" and name.split("_")[0] in (
            "hedge", "carry", "spread", "bid", "ask", "basis", "funding")}  # fmt: skip
        index, first = float(world["price"]["index"]), world["instruments"][0]
        for place in range(int(agent["hedge_count"])):
            at = int(agent["hedges"][place])
            contract, mid, number = world["instruments"][at], self.mid(world, at), place + 1
            result[f"hedge_{number}"] = self.held(world, at) / float(agent["gross_units"])
            if contract["kind"] == FUTURE:
                left = int(contract["expiry_ns"]) - int(world["time_ns"])
                result[f"hedge_expiry_{number}"] = left / WEEK_NS
                result[f"carry_{number}"] = math.log(mid / index) / (left / YEAR_NS)
            if number == 1:
                continue
            largest = agent["largest_order_lots"] * first["lot_size"] / contract["lot_size"]
            for side, name in ((BUY, "bid"), (SELL, "ask")):
                levels = levels_of(world, at, side)
                result[f"{name}_depth_{number}"] = levels[0][1] / largest if levels else 0.0
            result[f"spread_{number}"] = self.spread(world, at) / mid * 1e4
            result[f"basis_{number}"] = (mid / index - 1) * 1e4
            result[f"funding_rate_{number}"] = int(contract["funding"]["rate_e9"]) * 1e-5
        return result

    def depth(self, world: Any, change: dict[str, float]) -> dict[str, float]:
        largest, mid = int(world["agents"]["largest_order_lots"][0]), self.mid(world, 0)
        tick, result = float(world["instruments"]["tick_size"][0]), {}
        bids, asks = (levels_of(world, 0, side) for side in (BUY, SELL))
        for name, levels in (("bid", bids), ("ask", asks)):
            result[f"{name}_depth_5_levels"] = sum(lots for _, lots in levels[:5]) / largest
        for name, levels, sign in (("buy", asks, 1), ("sell", bids, -1)):
            units = [price for price, lots in levels for _ in range(min(lots, largest))][:largest]
            price = sum(units) / largest * tick
            far = sign * (price / mid - 1) * 1e4
            result[f"{name}_slippage"] = far if len(units) == largest else 1000.0
        result["microprice"] = 0.0
        if bids and asks:
            (bid, bid_lots), (ask, ask_lots) = bids[0], asks[0]
            micro = (bid * ask_lots + ask * bid_lots) / (bid_lots + ask_lots) * tick
            result["microprice"] = (micro / mid - 1) * 1e4
        sold = change["volume"] - change["bought"]
        result["volume"] = change["volume"] / largest
        result["trade_imbalance"] = (change["bought"] - sold) / max(change["volume"], 1)
        return result

    def market(self, usual: dict[str, float]) -> dict[str, float]:
        volatility = max(usual["implied_volatility"], usual["realised_volatility"], 0.01)
        result = {name: math.sqrt(value) for name, value in self.variances.items()}
        for name, seconds in HORIZONS.items():
            deviation = volatility * math.sqrt(seconds * 1e9 / YEAR_NS)
            result[name] = self.returns[name] / deviation
        return result

    def options(self, world: Any, usual: dict[str, float]) -> dict[str, float]:
        agent = world["agents"][0]
        gross, stake = float(agent["gross_units"]), float(agent["stake"])
        forward, mid = float(world["price"]["index"]), self.mid(world, 0)
        result = {name: 0.0 for name in NAMES if name.startswith("option_") and name[-1] in "1234"}
        vanna = volga = charm = 0.0
        kinds = world["instruments"]["kind"][: int(world["instrument_count"])]
        for number, at in enumerate(np.flatnonzero(np.isin(kinds, (CALL, PUT))), start=1):
            contract, units = world["instruments"][at], self.held(world, at)
            years = (int(contract["expiry_ns"]) - int(world["time_ns"])) / YEAR_NS
            sigma, strike = float(contract["implied_volatility"]), float(contract["strike"])

            def greeks(
                f: float, s: float, t: float, kind: int = int(contract["kind"]), k: float = strike
            ) -> Any:
                return black_76(kind, f, k, s, t)

            # By differences of deltas and vegas, not by their formulas.
            step, hour = 1e-4, 1.0 / 8_760
            up, down = (greeks(forward, sigma + way * step, years) for way in (1, -1))
            vanna += units * (up.delta - down.delta) / (2 * step)
            volga += units * (up.vega - down.vega) / (2 * step)
            late, early = (greeks(forward, sigma, years - way * hour) for way in (1, -1))
            charm += units * (late.delta - early.delta) / (2 * hour)
            result[f"option_{number}"] = units / gross
            far = math.log(strike / mid)
            result[f"option_moneyness_{number}"] = far / (sigma * math.sqrt(years))
            result[f"option_volatility_{number}"] = sigma
            result[f"option_spread_{number}"] = self.spread(world, at) / mid * 1e4
            result[f"option_expiry_{number}"] = years * YEAR_NS / WEEK_NS
        assert usual["price"] > 0
        greek = {"vanna": vanna * 0.01 / gross, "volga": volga * 1e-4 / stake}
        return result | greek | {"charm": charm / 365 / gross}

    def account(self, world: Any, change: dict[str, float]) -> dict[str, float]:
        agent = world["agents"][0]
        account = world["accounts"][agent["hedge_account"]]
        stake, price = float(agent["stake"]), world["instruments"]["mark_price"]
        hedges = agent["hedges"][: agent["hedge_count"]]
        notional = sum(abs(self.held(world, int(at))) * float(price[at]) for at in hedges)
        equity = int(account["equity_quanta"]) / QUANTA
        needed = int(account["maintenance_quanta"]) / QUANTA
        accounts = world["accounts"][[agent["book_account"], agent["hedge_account"]]]
        largest = int(agent["largest_order_lots"]) * float(world["instruments"]["lot_size"][0])
        names = ("taker_fills", "maker_fills", "rejects", "liquidations")
        return {name: change[name] for name in names} | {
            "liquidation_distance": (equity - needed) / notional if notional else 10.0,
            "leverage": notional / equity,
            "filled": change["filled"] / largest,
            "fees_paid": int(accounts["fees_quanta"].sum()) / QUANTA / stake,
            "funding_received": int(accounts["funding_quanta"].sum()) / QUANTA / stake,
            "drawdown": float(agent["drawdown"]) / stake,
            "unanswered": int(agent["working"]["pending"].sum()),
            "data_age": int(agent["data_delay_ns"]) / 1e9,
        }

    def venue(self, world: Any) -> dict[str, float]:
        agent = world["agents"][0]
        book = world["accounts"][agent["book_account"]]
        fee = int(book["taker_fee_e9"][FEES_OPTION]) * 1e-5 * (1 - int(book["discount_e9"]) * 1e-9)
        mark, index = world["instruments"]["mark_price"][0], world["price"]["index"]
        premium = (float(mark) / float(index) - 1) * 1e4
        return {"book_halted": 0.0, "cancels_halted": 0.0, "option_fee": fee} | {
            "mark_premium": premium
        }


def with_two_hedges(scenario: str, task: str) -> Batch:
    """Return a world whose agent hedges with a perpetual and a future."""
    compiled = compile_world(load_scenario(scenario), get_task(task, **OPTIONS))
    template = compiled.template.copy()
    agent, kinds = template["agents"][0, 0], template["instruments"]["kind"][0]
    future = int(np.flatnonzero(kinds == FUTURE)[0])
    agent["hedge_count"], agent["slots"], agent["hedges"][1] = 2, 2, future
    agent["hedge_mask"] = 1 | 1 << future
    agent["working"][1] = agent["working"][0]
    agent["working"]["instrument"][1] = future
    return Batch(dataclasses.replace(compiled, template=template), 1)


def compare(batch: Batch, observer: Observer) -> None:
    """Check what is shown now."""
    shown = dict(zip(EVERY, batch.observations[0, 0].tolist(), strict=True))
    expected = observer.expected(batch.worlds[0], shown)
    assert set(expected) == set(NAMES)
    for field in MORE_FIELDS:
        value = min(max(expected[field.name], field.low), field.high)
        assert shown[field.name] == pytest.approx(value, rel=2e-5, abs=2e-6), field.name


def play(batch: Batch, seed: int = 6) -> dict[str, int]:
    """Play an episode, comparing at each decision; returns how often each field was not 0."""
    batch.open(np.zeros(1, np.int64), np.array([seed], np.uint64))
    random, observer = np.random.default_rng(2), Observer(batch.worlds[0])
    told = dict.fromkeys(EVERY, 0)
    numbers = batch.face.action_shape[0]
    for _ in range(59):
        compare(batch, observer)
        for name, value in zip(EVERY, batch.observations[0, 0].tolist(), strict=True):
            told[name] += value != 0
        sizes = random.uniform(-1, 1, numbers // 2)
        urgencies = random.choice([-0.4, -0.1, 0.0, 0.2, 1.0], numbers // 2)
        action = np.stack([sizes, urgencies], axis=-1).ravel().astype(np.float32)
        batch.step(action[None, None])
        observer.see(batch.worlds[0])
    return told


@pytest.mark.parametrize("task", ["GammaScalp", "ShortGamma", "SpotHedge"])
@pytest.mark.parametrize("scenario", ["calm", "smile", "high_volatility"])
def test_every_further_field_is_what_its_documentation_says(make_worlds, scenario, task):
    told = play(make_worlds(scenario, task, 1, seed=6, **OPTIONS).batch)
    assert min(told[name] for name in ("filled", "volume", "return_4h", "ask_depth_5_levels")) > 5
    if task != "SpotHedge":
        assert min(told[name] for name in ("vanna", "charm", "option_2", "option_spread_2")) > 50


def test_a_further_hedge_and_its_order_are_seen():
    told = play(with_two_hedges("contango", "GammaScalp"))
    names = ("hedge_2", "carry_2", "hedge_expiry_2", "basis_2", "spread_2", "bid_depth_2")
    assert min(told[name] for name in names) > 50
    assert min(told[name] for name in ("working_2", "working_distance_2")) > 5


def test_the_usual_fields_are_the_same_among_more_and_in_any_order(make_worlds):
    names = ("volume", "price", "charm", "net_delta", "working_2", "profit")
    runs = [
        make_worlds("calm", "GammaScalp", 1, 4, **OPTIONS | {"observation_fields": fields})
        for fields in (None, names, EVERY)
    ]
    for _ in range(10):
        usual, some, every = (run.step([[0.5, -0.2]])[0].tolist() for run in runs)
        assert every[: len(FIELD_NAMES)] == usual
        assert some == [every[EVERY.index(name)] for name in names]


def test_further_fields_change_nothing_but_what_is_seen(make_worlds):
    runs = [
        make_worlds("calm", "GammaScalp", 1, 4, **OPTIONS | {"observation_fields": fields})
        for fields in (None, EVERY)
    ]
    for _ in range(10):
        for run in runs:
            run.step([[0.5, -0.2]])
    for name in ("cash", "positions", "orders", "price", "events"):
        assert runs[0].worlds[name].tobytes() == runs[1].worlds[name].tobytes()


def test_without_data_what_needs_them_stands_still(make_worlds):
    outage = {"kind": "outage", "what": "data", "at": "200s", "hold": "200s"}
    run = make_worlds("calm", "GammaScalp", 1, 3, overrides={"shocks": [outage]}, **OPTIONS)
    for _ in range(9):
        run.step([[0.0, 0.0]])
    last = dict(zip(EVERY, run.observations[0].tolist(), strict=True))
    dark = {field.name for field in MORE_FIELDS if field.needs}
    for step in range(10):
        run.step([[1.0 if step == 3 else 0.0, 1.0]])
        now = dict(zip(EVERY, run.observations[0].tolist(), strict=True))
        assert [name for name in dark if now[name] != last[name]] == []
        assert now["book_halted"] == 1.0
    assert now["hedge_1"] != last["hedge_1"]
    for _ in range(3):
        run.step([[0.0, 0.0]])
    now = dict(zip(EVERY, run.observations[0].tolist(), strict=True))
    assert now["book_halted"] == 0.0
    assert len([name for name in dark if now[name] != last[name]]) > 15


def test_fields_are_declared_as_kernels_write_them():
    assert len(MORE_FIELDS) == MORE_OBSERVED
    assert len(set(EVERY)) == len(ALL_FIELDS) == len(OBSERVATION_FIELDS) + MORE_OBSERVED
    first = ("working_2", "hedge_1", "bid_depth_5_levels", "return_1min", "vanna", "option_1")
    first += ("liquidation_distance", "book_halted")
    assert tuple(NAMES[start] for start in GROUP_STARTS) == first
    hidden = ("fundamental", "regime", "shock", "seed", "true")
    assert not [name for name in EVERY if any(word in name for word in hidden)]


def test_the_usual_fields_grow_with_what_there_is_to_see(make_worlds):
    run = make_worlds("textbook", horizon_seconds=600.0)
    assert run.batch.face.fields == FIELD_NAMES
    batch = with_two_hedges("contango", "GammaScalp")
    compiled = dataclasses.replace(
        batch.kinds[0], task=dataclasses.replace(batch.kinds[0].task, observation_fields=None)
    )
    further = face_of(compiled).fields[len(FIELD_NAMES) :]
    assert further == default_fields(2, 2, 0)[len(FIELD_NAMES) :]
    assert {"working_2", "hedge_1", "hedge_2", "carry_2", "spread_2"} <= set(further)
    trading = dataclasses.replace(run.compiled.task, trade_options=True)
    fields = face_of(dataclasses.replace(run.compiled, task=trading)).fields
    assert "option_volatility_2" in fields
    assert "option_1" in fields
    assert "option_3" not in fields


def test_an_unknown_field_is_refused_with_the_nearest_name(make_worlds):
    with pytest.raises(ScenarioError, match="unknown field 'charms': did you mean 'charm'"):
        make_worlds("calm", observation_fields=("price", "charms"))
