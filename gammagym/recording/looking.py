"""What a recording keeps of a world at one decision, as rows of fixed dtypes.

Nothing here changes a world. Everything is in physical units: prices in the settlement currency of
the instrument, quantities as traders say them (units of the underlying; inverse: contracts), money
in the quote currency, times in seconds. Columns named ``hidden_`` hold what no agent may know.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gammagym.api.tables import side_levels
from gammagym.world.codes import BUY, COIN, NO_ORDER, PARTS, SELL, SPOT
from gammagym.world.sizes import QUANTA, RATE_UNIT

# The state of the competitor and of the markets it hedges in, one number each.
STATE_COLUMNS = (
    "equity",
    "profit",
    "net_delta",
    "book_delta",
    "hedge",
    "gamma",
    "vega",
    "theta",
    "mid",
    "mark_price",
    "index",
    "margin_balance",
    "maintenance_margin",
    "margin_ratio",
    "funding_rate",
    "maker_fee",
    "taker_fee",
    "matching_halted",
    "data_halted",
    "cancels_halted",
    "transfers_halted",
    "book_matching_halted",
    "book_data_halted",
    "turnover",
    "fees",
    "funding",
    "taker_fills",
    "maker_fills",
    "liquidations",
    "deleveragings",
    "rejects",
    "hidden_price",
    "hidden_volatility",
    "hidden_reference_profit",
)
_LARGEST_RATIO = 10.0
# What is kept of every instrument at every decision.
_INSTRUMENT_COLUMNS = (
    "position",
    "mark_price",
    "bid",
    "ask",
    "implied_volatility",
    "delta",
    "gamma",
    "vega",
    "theta",
    "settled",
)
ORDER = np.dtype(
    [
        ("decision", "i8"),
        ("time", "f8"),
        ("instrument", "i8"),
        ("order_id", "i8"),
        ("side", "i8"),
        ("price", "f8"),
        ("quantity", "f8"),
        ("queue_ahead", "f8"),
    ]
)
FILL = np.dtype(
    [
        ("number", "i8"),
        ("time", "f8"),
        ("order_id", "i8"),
        ("instrument", "i8"),
        ("account", "i8"),
        ("quantity", "f8"),
        ("price", "f8"),
        ("fee", "f8"),
        ("maker", "?"),
        ("cause", "i8"),
    ]
)


def step_dtype(fields: tuple[str, ...], action_size: int) -> np.dtype[Any]:
    """Return the dtype of one decision: time, what was seen, done and paid, and how things are."""
    return np.dtype(
        [("decision", "i8"), ("time", "f8"), ("reward", "f8"), ("return", "f8")]
        + [(f"action_{place}", "f4") for place in range(action_size)]
        + [(f"observed_{name}", "f4") for name in fields]
        + [(name, "f8") for name in STATE_COLUMNS]
        + [(f"part_{name}", "f8") for name in PARTS]
    )


@cache
def instrument_dtype() -> np.dtype[Any]:
    """Return the dtype of one instrument at one decision."""
    return np.dtype(
        [("decision", "i8"), ("time", "f8"), ("instrument", "i8")]
        + [(name, "f8") for name in _INSTRUMENT_COLUMNS]
    )


@cache
def book_dtype(levels: int) -> np.dtype[Any]:
    """Return the dtype of one book at one decision, best level first."""
    return np.dtype(
        [("decision", "i8"), ("time", "f8"), ("instrument", "i8")]
        + [
            (f"{side}_{what}_{level}", "f8" if what == "price" else "f4")
            for side in ("bid", "ask")
            for what in ("price", "quantity")
            for level in range(1, levels + 1)
        ]
    )


def accounts_of(agent: Any) -> tuple[int, ...]:
    """Return the accounts of a competitor: that of the hedge, and that of the book if it has one.

    Args:
        agent: row of `agents`.
    """
    return tuple(dict.fromkeys((int(agent["hedge_account"]), int(agent["book_account"]))))


def held(world: Any, account: int, instrument: int) -> int:
    """Return what an account holds of an instrument (lots); spot is its balance of the coin."""
    contract = world["instruments"][instrument]
    if contract["kind"] == SPOT:
        return int(world["cash"][account, COIN]) // int(contract["lot_coin_quanta"])
    return int(world["positions"]["quantity_lots"][account, instrument])


def look_at_books(world: Any, levels: int, decision: int) -> NDArray[Any]:
    """Return the best levels of every book, one row a book; NaN where there is no level."""
    count = int(world["instrument_count"])
    contracts = world["instruments"][["tick_size", "lot_quantity"]][:count].tolist()
    time = _seconds(world)
    rows: list[tuple[Any, ...]] = []
    for instrument, (tick, lot) in enumerate(contracts):
        cells: list[float] = []
        for side in (BUY, SELL):
            found = side_levels(world, instrument, side, levels)
            missing = [np.nan] * (levels - len(found))
            cells += [price * tick for price, _ in found] + missing
            cells += [size * lot for _, size in found] + missing
        rows.append((decision, time, instrument, *cells))
    return np.array(rows, book_dtype(levels))


def look_at_state(world: Any, row: int, books: NDArray[Any]) -> tuple[float, ...]:
    """Return the numbers of `STATE_COLUMNS` for one competitor.

    Args:
        world: one world.
        row: row of agents.
        books: what `look_at_books` has returned.
    """
    agent = world["agents"][row]
    instrument = int(agent["hedge_instrument"])
    contract, account = world["instruments"][instrument], world["accounts"][agent["hedge_account"]]
    own = world["accounts"][list(accounts_of(agent))]
    venue = world["venues"][account["venue"]]
    book_venue = world["venues"][world["accounts"]["venue"][agent["book_account"]]]
    hedges = [int(each) for each in agent["hedges"][: agent["hedge_count"]]]
    lots = world["instruments"]["lot_size"]
    hedge = sum(
        held(world, each, other) * float(lots[other])
        for other in hedges
        for each in accounts_of(agent)
    )
    group, touch = int(contract["fee_class"]), books[instrument]
    balance, needed = int(account["equity_quanta"]), int(account["maintenance_quanta"])
    price, stress = world["price"], world["stress"]
    return (
        int(agent["equity_quanta"]) / QUANTA,
        (int(agent["equity_quanta"]) - int(agent["initial_equity_quanta"])) / QUANTA,
        float(agent["book_delta"]) + hedge,
        float(agent["book_delta"]),
        hedge,
        float(agent["book_gamma"]),
        float(agent["book_vega"]),
        float(agent["book_theta"]),
        0.5 * float(touch["bid_price_1"] + touch["ask_price_1"]),  # NaN: a side is empty
        float(contract["mark_price"]),
        float(price["index"]),
        balance / QUANTA,
        needed / QUANTA,
        needed / balance if needed < _LARGEST_RATIO * balance else _LARGEST_RATIO * (needed > 0),
        int(contract["funding"]["rate_e9"]) / RATE_UNIT,
        int(account["maker_fee_e9"][group]) / RATE_UNIT,
        int(account["taker_fee_e9"][group]) / RATE_UNIT,
        float(venue["halted"]),
        float(venue["data_halted"]),
        float(venue["cancels_halted"]),
        float(venue["transfers_halted"]),
        float(book_venue["halted"]),
        float(book_venue["data_halted"]),
        float(agent["turnover_units"]),
        int(own["fees_quanta"].sum()) / QUANTA,
        int(own["funding_quanta"].sum()) / QUANTA,
        float(own["taker_fills"].sum()),
        float(own["maker_fills"].sum()),
        float(own["liquidations"].sum()),
        float(own["deleveragings"].sum()),
        float(agent["rejects"].sum()),
        float(price["value"]),
        float(price["volatility"]) * float(stress["variance_multiple"]) ** 0.5,
        float(agent["reference_profit"]),
    )


def look_at_instruments(world: Any, row: int, books: NDArray[Any]) -> NDArray[Any]:
    """Return one row for every instrument: what the competitor holds, marks, quotes, Greeks.

    Args:
        world: one world.
        row: row of agents.
        books: what `look_at_books` has returned.
    """
    count = len(books)
    found = np.zeros(count, instrument_dtype())
    contracts = world["instruments"][:count]
    for name in ("decision", "time", "instrument"):
        found[name] = books[name]
    found["bid"], found["ask"] = books["bid_price_1"], books["ask_price_1"]
    accounts = accounts_of(world["agents"][row])
    for instrument in range(count):
        lots = sum(held(world, account, instrument) for account in accounts)
        found["position"][instrument] = lots * float(contracts["lot_quantity"][instrument])
    for name in ("mark_price", "implied_volatility", "delta", "gamma", "vega", "theta", "settled"):
        found[name] = contracts[name]
    return found


def look_at_orders(world: Any, row: int, decision: int) -> NDArray[Any]:
    """Return the competitor's orders that rest, in order of their ids."""
    orders, accounts = world["orders"], accounts_of(world["agents"][row])
    mine = (orders["owner"] == accounts[0]) | (orders["owner"] == accounts[-1])
    mine &= (orders["live"] == 1) & (orders["side"] <= SELL)
    rows = np.flatnonzero(mine)
    found = np.zeros(len(rows), ORDER)
    for place, order_row in enumerate(rows[np.argsort(orders["order_id"][rows])]):
        order = orders[order_row]
        contract = world["instruments"][int(order["instrument"])]
        lot = float(contract["lot_quantity"])
        found[place] = (
            decision,
            _seconds(world),
            int(order["instrument"]),
            int(order["order_id"]),
            int(order["side"]),
            int(order["price_ticks"]) * float(contract["tick_size"]),
            int(order["quantity_lots"]) * lot,
            _ahead(orders, order) * lot,
        )
    return found


def _ahead(orders: Any, order: Any) -> int:
    """Return what is displayed before an order in its queue (lots)."""
    total, before = 0, int(order["previous"])
    while before != NO_ORDER:
        total += int(orders["quantity_lots"][before])
        before = int(orders["previous"][before])
    return total


def look_at_fills(world: Any, row: int, since: int) -> tuple[NDArray[Any], int]:
    """Return the competitor's trades since a count of trades, and how many the log has lost.

    Args:
        world: one world.
        row: row of agents.
        since: `fill_count` when it was looked at before.
    """
    count, log = int(world["fill_count"]), world["fills"]
    first = max(since, count - len(log))
    accounts = accounts_of(world["agents"][row])
    found: list[tuple[Any, ...]] = []
    for number in range(first, count):
        line = log[number % len(log)]
        if int(line["account"]) not in accounts:
            continue
        contract = world["instruments"][int(line["instrument"])]
        found.append(
            (
                number,
                int(line["time_ns"]) / 1e9,
                int(line["order_id"]),
                int(line["instrument"]),
                accounts.index(int(line["account"])),
                int(line["quantity_lots"]) * float(contract["lot_quantity"]),
                int(line["price_ticks"]) * float(contract["tick_size"]),
                int(line["fee_quanta"]) / QUANTA,
                bool(line["maker"]),
                int(line["cause"]),
            )
        )
    return np.array(found, FILL), first - since


def _seconds(world: Any) -> float:
    return int(world["time_ns"]) / 1e9
