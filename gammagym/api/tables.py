"""Tables of a world as pandas, for people; pandas is imported when a table is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gammagym.api.order_entry import TIFS, TRIGGERS, TYPES
from gammagym.api.positions import entry_price, position_name
from gammagym.world import viewed
from gammagym.world.codes import (
    BUY,
    CALL,
    COIN,
    FILL_DELEVERAGING,
    FILL_LIQUIDATION,
    FILL_ORDERED,
    FUTURE,
    GTT,
    NO_LEVEL,
    NO_TERMS,
    PERPETUAL,
    POST_ONLY,
    PUT,
    QUOTE,
    SELL,
    SPOT,
)
from gammagym.world.sizes import QUANTA, RATE_UNIT

if TYPE_CHECKING:
    import pandas as pd

_TYPE_NAMES = {code: name for name, code in TYPES.items()}
_TIF_NAMES = {code: name for name, code in TIFS.items()} | {POST_ONLY: "post_only"}
_TRIGGER_NAMES = {code: name for name, code in TRIGGERS.items()}
_ORDER_COLUMNS = [
    "order_id",
    "instrument",
    "side",
    "position",
    "type",
    "tif",
    "price",
    "trigger_price",
    "trigger_by",
    "quantity",
    "displayed",
    "queue_ahead",
    "expires",
]
_FILL_COLUMNS = [
    "time",
    "order_id",
    "instrument",
    "position",
    "quantity",
    "price",
    "fee",
    "maker",
    "cause",
]
_LIQUIDATION_COLUMNS = [
    "instrument",
    "quantity",
    "leverage",
    "entry_price",
    "liquidation_price",
    "bankruptcy_price",
    "called",
]
_CAUSES = {
    FILL_ORDERED: "order",
    FILL_LIQUIDATION: "liquidation",
    FILL_DELEVERAGING: "deleveraging",
}
_KINDS = {SPOT: "spot", PERPETUAL: "perpetual", FUTURE: "future", CALL: "call", PUT: "put"}


def side_levels(world: Any, instrument: int, side: int, levels: int) -> list[tuple[int, int]]:
    """Return price (ticks) and quantity (lots) of the best levels of one side, best first."""
    found: list[tuple[int, int]] = []
    row = int(world["books"]["best"][instrument, side])
    while row != NO_LEVEL and len(found) < levels:
        level = world["levels"][row]
        found.append((int(level["price_ticks"]), int(level["quantity_lots"])))
        row = int(level["worse"])
    return found


def book_table(world: Any, instrument: int, levels: int) -> pd.DataFrame:
    """Return the best levels of a book: side, price, quantity; asks from the worst to the best."""
    import pandas as pd

    contract = world["instruments"][instrument]
    tick, lot = float(contract["tick_size"]), float(contract["lot_quantity"])
    asks = side_levels(world, instrument, SELL, levels)[::-1]
    bids = side_levels(world, instrument, BUY, levels)
    rows = [("ask", price * tick, quantity * lot) for price, quantity in asks]
    rows += [("bid", price * tick, quantity * lot) for price, quantity in bids]
    return pd.DataFrame(rows, columns=["side", "price", "quantity"])


def account_table(world: Any, account: int, names: tuple[str, ...]) -> pd.Series:
    """Return what an account owns and paid (quote currency), and its positions as traders say them.

    Quantities are in units of the underlying, of inverse contracts in contracts. In hedge mode long
    and short are also told apart.
    """
    import pandas as pd

    from gammagym.exchange.ledger import equity, holding
    from gammagym.exchange.margin import maintenance_margin, margin_balance

    state = world["accounts"][account]
    values: dict[str, float] = {
        "cash": float(world["cash"][account, QUOTE]) / QUANTA,
        "coins": float(world["cash"][account, COIN]) / QUANTA,
        "equity": float(equity(world, account)) / QUANTA,
        "margin_balance": float(margin_balance(world, account)) / QUANTA,
        "maintenance_margin": float(maintenance_margin(world, account)) / QUANTA,
        "fees": float(state["fees_quanta"]) / QUANTA,
        "funding": float(state["funding_quanta"]) / QUANTA,
    }
    for row, name in enumerate(names):
        lot = float(world["instruments"]["lot_quantity"][row])
        values[name] = float(holding(world, account, row)) * lot
        if position_name(world, account, row) is not None:
            short = float(holding(world, int(state["partner"]), row)) * lot
            values[f"{name} long"], values[f"{name} short"] = values[name], short
            values[name] += short
    return pd.Series(values, dtype=float)


def fills_table(world: Any, accounts: tuple[int, ...], names: tuple[str, ...]) -> pd.DataFrame:
    """Return the trades of some accounts that the log still holds, oldest first."""
    import pandas as pd

    count, log = int(world["fill_count"]), world["fills"]
    rows: list[dict[str, Any]] = []
    for number in range(max(0, count - len(log)), count):
        line = log[number % len(log)]
        if int(line["account"]) not in accounts:
            continue
        contract = world["instruments"][int(line["instrument"])]
        rows.append(
            {
                "time": int(line["time_ns"]) * 1e-9,
                "order_id": int(line["order_id"]),
                "instrument": names[int(line["instrument"])],
                "position": position_name(world, int(line["account"]), int(line["instrument"])),
                "quantity": int(line["quantity_lots"]) * float(contract["lot_quantity"]),
                "price": int(line["price_ticks"]) * float(contract["tick_size"]),
                "fee": int(line["fee_quanta"]) / QUANTA,
                "maker": bool(line["maker"]),
                "cause": _CAUSES[int(line["cause"])],
            }
        )
    return pd.DataFrame(rows, columns=_FILL_COLUMNS)


def orders_table(world: Any, accounts: tuple[int, ...], names: tuple[str, ...]) -> pd.DataFrame:
    """Return the orders of some accounts that rest or wait for a trigger, in order of their ids.

    What does not apply to an order is NaN, or None where it would be a word.
    """
    import pandas as pd

    mine = (world["orders"]["live"] == 1) & np.isin(world["orders"]["owner"], accounts)
    rows = [_order_line(world, int(row), names) for row in mine.nonzero()[0]]
    table = pd.DataFrame(rows, columns=_ORDER_COLUMNS)
    return table.sort_values("order_id", ignore_index=True)


def _order_line(world: Any, row: int, names: tuple[str, ...]) -> dict[str, Any]:
    """Return one line of `orders_table`."""
    order = world["orders"][row]
    instrument = int(order["instrument"])
    lot = float(world["instruments"][instrument]["lot_quantity"])
    terms = None if order["terms"] == NO_TERMS else world["terms"][order["terms"]]
    displayed = int(order["quantity_lots"])
    hidden = 0 if terms is None else int(terms["hidden_lots"])
    line: dict[str, Any] = {
        "order_id": int(order["order_id"]),
        "instrument": names[instrument],
        "position": position_name(world, int(order["owner"]), instrument),
        "tif": _TIF_NAMES[int(order["tif"])],
        "quantity": (displayed + hidden) * lot,
        "expires": float("nan"),
    }
    if terms is not None and order["tif"] == GTT:
        line["expires"] = int(terms["expiry_ns"]) * 1e-9
    if terms is not None and order["side"] > SELL:
        return line | _waiting_line(world, order, terms)
    return line | _resting_line(world, order, row)


def _waiting_line(world: Any, order: Any, terms: Any) -> dict[str, Any]:
    """Return what is special about an order that waits for its trigger."""
    tick = float(world["instruments"][int(order["instrument"])]["tick_size"])
    kind = _TYPE_NAMES[int(order["kind"])]
    return {
        "side": "buy" if terms["side"] == BUY else "sell",
        "type": kind,
        "price": int(terms["limit_ticks"]) * tick if kind.endswith("_limit") else float("nan"),
        "trigger_price": int(order["price_ticks"]) * tick,
        # Two sides for each price, behind BUY and SELL.
        "trigger_by": _TRIGGER_NAMES[(int(order["side"]) - 2) // 2],
        "displayed": 0.0,
        "queue_ahead": float("nan"),
    }


def _resting_line(world: Any, order: Any, row: int) -> dict[str, Any]:
    """Return what is special about an order that rests in the book."""
    from gammagym.engine.book import queue_ahead

    instrument = int(order["instrument"])
    book, contract = viewed(world["books"])[instrument], world["instruments"][instrument]
    lot = float(contract["lot_quantity"])
    return {
        "side": "buy" if order["side"] == BUY else "sell",
        "type": "limit",
        "price": int(order["price_ticks"]) * float(contract["tick_size"]),
        "trigger_price": float("nan"),
        "trigger_by": None,
        "displayed": int(order["quantity_lots"]) * lot,
        "queue_ahead": int(queue_ahead(book, row)) * lot,
    }


def instrument_table(world: Any, names: tuple[str, ...]) -> pd.DataFrame:
    """Return terms, marks and Greeks of every listed instrument, by name."""
    import pandas as pd

    columns = [
        "tick_size",
        "lot_quantity",
        "strike",
        "mark_price",
        "delta",
        "gamma",
        "vega",
        "theta",
    ]
    rows = world["instruments"][: len(names)]
    table = pd.DataFrame(
        {column: rows[column].astype(float) for column in columns}, index=list(names)
    )
    table.insert(0, "kind", [_KINDS[int(kind)] for kind in rows["kind"]])
    return table


def liquidation_table(world: Any, names: tuple[str, ...]) -> pd.DataFrame:
    """Return the positions of the leveraged crowd, from the highest liquidation price down."""
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for bucket in world["buckets"][: world["bucket_count"]]:
        contract = world["instruments"][bucket["instrument"]]
        if bucket["quantity_lots"] == 0:
            continue
        rows.append(
            {
                "instrument": names[int(bucket["instrument"])],
                "quantity": int(bucket["quantity_lots"]) * float(contract["lot_quantity"]),
                "leverage": RATE_UNIT / int(bucket["initial_e9"]),
                "entry_price": entry_price(contract, bucket),
                "liquidation_price": float(bucket["liquidation_price"]),
                "bankruptcy_price": float(bucket["bankruptcy_price"]),
                "called": bool(bucket["called"]),
            }
        )
    table = pd.DataFrame(rows, columns=_LIQUIDATION_COLUMNS)
    return table.sort_values("liquidation_price", ascending=False, ignore_index=True)
