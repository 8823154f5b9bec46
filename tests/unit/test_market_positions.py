"""Market.positions: entry, profit, and the price at which a position is really liquidated."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import gammagym

PERP = "BTC-PERP"


def market(venue: str, move: str = "0%", **account: Any) -> Any:
    return gammagym.Market(
        {
            "purpose": "a slow slide",
            "venue": venue,
            "account": account,
            "price": {"model": "gbm", "start": "60000", "volatility": 0.0},
            "options": {"implied_volatility": 0.6},
            "flow": {"kind": "ideal", "half_spread": 0.0001, "size": 1000},
            "shocks": [{"kind": "price", "at": "60s", "ramp": "1h", "move": move}],
        },
        agents=["alice", "bob"],
        cash=60_000,
        horizon_seconds=2 * 3600,
    )


@pytest.mark.parametrize("venue", ["generic", "binance", "bybit", "bingx", "binance_coinm", "cme"])
@pytest.mark.parametrize(("side", "move"), [("buy", "-45%"), ("sell", "45%")])
@pytest.mark.parametrize("mode", ["cross", "isolated"])
def test_a_position_is_liquidated_at_its_liquidation_price(
    venue: str, side: str, move: str, mode: str
) -> None:
    if venue == "cme" and mode == "isolated":
        pytest.skip("there is no isolated margin at cme")
    here = market(venue, move, margin=mode, leverage=2.5 if venue == "cme" else 5.0)
    name = here.instruments().index[0]
    quantity = {"binance_coinm": 2_000.0, "cme": 2.0}.get(venue, 4.0)
    here.submit("bob", name, side, quantity, type="market")
    here.advance(2)
    line = here.positions("bob").iloc[0]
    expected = float(line["liquidation_price"])
    mark = 60_000.0
    for _ in range(400):
        last, mark = mark, float(here.world["instruments"]["mark_price"][0])
        if here.world["accounts"]["liquidations"].any():
            break
        # The mark's own basis and the tier change a little on the way.
        expected = float(here.positions("bob").iloc[0]["liquidation_price"])
        here.advance(10)
    assert here.world["accounts"]["liquidations"].sum() == 1
    low, high = sorted((last, mark))
    assert low - 5.0 <= expected <= high + 5.0


def test_entry_profit_and_rank() -> None:
    here = market("generic")
    here.submit("alice", PERP, "buy", 1.0, type="market")
    here.submit("bob", PERP, "buy", 4.0, type="market")
    here.submit("alice", "BTC-7D-100-C", "buy", 1.0, type="market")
    here.advance(5)
    alice, bob = here.positions("alice"), here.positions("bob").iloc[0]
    assert alice["instrument"].tolist() == [PERP, "BTC-7D-100-C"]
    perpetual, option = alice.iloc[0], alice.iloc[1]
    assert perpetual["entry_price"] == pytest.approx(60_006.0)
    assert perpetual["unrealised"] == pytest.approx(-6.0, abs=1e-6)
    assert math.isnan(option["liquidation_price"])
    assert {perpetual["deleveraging_rank"], bob["deleveraging_rank"]} == {1.0}
    assert here.positions("bob")["isolated_margin"].isna().all()


def test_the_entry_of_an_inverse_position_is_the_harmonic_mean() -> None:
    here = market("binance_coinm")
    for price in (59_000.0, 61_000.0):
        here.world["price"]["ahead"] = price
        here.advance(3)
        here.submit("alice", PERP, "buy", 100.0, type="market")
        here.advance(3)
    fills = here.fills("alice")
    quantities = np.array(fills["quantity"], dtype=float) * 100.0
    expected = gammagym.inverse_average_entry(quantities, np.array(fills["price"], dtype=float))
    entry = here.positions("alice").iloc[0]["entry_price"]
    assert entry == pytest.approx(expected, rel=1e-5)
