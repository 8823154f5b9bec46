"""What a trader wants to know of a position: entry, profit, where it is liquidated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gammagym.world import viewed
from gammagym.world.codes import (
    CALL,
    COIN,
    FEES_DERIVATIVE,
    FUTURE,
    MARGIN_ISOLATED,
    MARGIN_PORTFOLIO,
    NO_ACCOUNT,
    PERPETUAL,
    PUT,
    QUOTE,
    SPOT,
)
from gammagym.world.sizes import QUANTA, RATE_UNIT

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = [
    "instrument",
    "quantity",
    "entry_price",
    "mark_price",
    "unrealised",
    "maintenance_margin",
    "isolated_margin",
    "liquidation_price",
    "bankruptcy_price",
    "deleveraging_rank",
]
_NAN = float("nan")


def positions_of(world: Any, agent: int) -> tuple[str | None, ...]:
    """Return which positions a competitor's orders can be for: None is the one of one-way mode."""
    account = world["agents"]["hedge_account"][agent]
    in_hedge_mode = world["accounts"]["partner"][account] != NO_ACCOUNT
    return (None, "long", "short") if in_hedge_mode else (None,)


def position_name(world: Any, account: int, row: int) -> str | None:
    """Return which leg of an instrument an account holds in hedge mode, or None."""
    state = world["accounts"][account]
    if state["partner"] == NO_ACCOUNT or world["instruments"]["kind"][row] not in (
        PERPETUAL,
        FUTURE,
    ):
        return None
    return "short" if state["short_legs"] else "long"


def positions_table(world: Any, accounts: tuple[int, ...], names: tuple[str, ...]) -> pd.DataFrame:
    """Return the positions of some accounts, one line each.

    Prices are in price units; what is unrealised and isolated margin in the currency of the
    contract, maintenance margin in quote currency. What a position does not have is NaN: options
    have no entry price, since they are paid for at once, and no liquidation price, since theirs is
    not one price; nor has anything under a portfolio margin. The liquidation price holds all other
    positions and the value of coins at where they are now. Of the deleveraging ranks 1 goes first.
    """
    import pandas as pd

    rows = [
        _line(world, account, row, name)
        for account in accounts
        for row, name in enumerate(names)
        if world["positions"]["quantity_lots"][account, row] != 0
        and world["instruments"]["kind"][row] != SPOT
    ]
    return pd.DataFrame(rows, columns=_COLUMNS)


def _line(world: Any, account: int, row: int, name: str) -> dict[str, Any]:
    from gammagym.exchange.margin import marked_gain, position_maintenance

    contract, position = world["instruments"][row], world["positions"][account, row]
    isolated = world["accounts"][account]["margin_mode"] == MARGIN_ISOLATED
    option = contract["kind"] in (CALL, PUT)
    liquidation, bankruptcy = _prices(world, account, row)
    return {
        "instrument": name,
        "quantity": int(position["quantity_lots"]) * float(contract["lot_quantity"]),
        "entry_price": _NAN if option else entry_price(contract, position),
        "mark_price": float(contract["mark_price"]),
        "unrealised": _NAN if option else marked_gain(world, account, row) / QUANTA,
        "maintenance_margin": position_maintenance(world, account, row) / QUANTA,
        "isolated_margin": int(position["margin_quanta"]) / QUANTA if isolated else _NAN,
        "liquidation_price": liquidation,
        "bankruptcy_price": bankruptcy,
        "deleveraging_rank": _rank(world, account, row),
    }


def entry_price(contract: Any, position: Any) -> float:
    """Return the average price at which a position was entered (price units)."""
    lots, value = int(position["quantity_lots"]), int(position["entry_quanta"])
    if contract["inverse"]:
        return -lots * float(contract["face"]) * QUANTA / value
    return value / (lots * int(contract["tick_quanta"])) * float(contract["tick_size"])


def _prices(world: Any, account: int, row: int) -> tuple[float, float]:
    """Return the mark prices at which a position is liquidated, and bankrupt."""
    from gammagym.exchange.formulas import liquidation as formulas

    contract, state = world["instruments"][row], world["accounts"][account]
    if contract["kind"] in (CALL, PUT) or state["margin_mode"] == MARGIN_PORTFOLIO:
        return _NAN, _NAN
    rate, amount = _tier(world, account, row)
    margin, others = _collateral(world, account, row)
    lots, mark = int(world["positions"][account, row]["quantity_lots"]), contract["mark_price"]
    partner = int(state["partner"])
    other = int(world["positions"][partner, row]["quantity_lots"]) if partner != NO_ACCOUNT else 0
    if other != 0 and state["margin_mode"] != MARGIN_ISOLATED:
        # Both legs move with the mark: the difference gains and loses, and both need margin.
        net = lots + other
        if net == 0:
            return _NAN, _NAN
        partners_rate, partners_amount = _tier(world, partner, row)
        others -= _maintenance(world, partner, row)
        rate = (abs(lots) * rate + abs(other) * partners_rate) / abs(net)
        lots, amount = net, amount + partners_amount
    collateral = formulas.cross_collateral(margin, 0.0, others)
    worth = _own_worth(world, account, row)
    if contract["inverse"]:
        face = lots * float(contract["face"])
        return (
            formulas.inverse_liquidation_price(face, mark, collateral, rate, amount),
            formulas.inverse_bankruptcy_price(face, mark, worth, 0.0),
        )
    quantity = lots * float(contract["lot_size"])
    return (
        formulas.liquidation_price(quantity, mark, collateral, rate, amount),
        formulas.bankruptcy_price(quantity, mark, worth, 0.0),
    )


def _own_worth(world: Any, account: int, row: int) -> float:
    """Return what is lost before others have to pay, in the currency of the contract.

    Bonuses are not the account's own; haircuts are taken off margin, not off what there is.
    """
    from gammagym.exchange.ledger import payer
    from gammagym.exchange.liquidation import counted_worth
    from gammagym.exchange.margin import isolated_equity

    contract = world["instruments"][row]
    if world["accounts"][account]["margin_mode"] == MARGIN_ISOLATED:
        return isolated_equity(world, account, row) / QUANTA
    price = float(world["price"]["value"]) if contract["currency"] == COIN else 1.0
    owner = payer(world, account)
    worth = counted_worth(world, owner, QUOTE) + counted_worth(world, owner, COIN)
    return worth / QUANTA / price


def _tier(world: Any, account: int, row: int) -> tuple[float, float]:
    """Return maintenance rate and amount of a position, with the closing fee where it counts."""
    from gammagym.exchange.formulas.liquidation import rate_with_fee
    from gammagym.exchange.ledger import marked_notional, payer
    from gammagym.exchange.margin import size_rate, tier_of

    contract = viewed(world["instruments"])[row]
    state = world["accounts"][int(payer(world, account))]
    lots = int(world["positions"][account, row]["quantity_lots"])
    tier = world["tiers"][tier_of(world, contract, marked_notional(contract, lots))]
    rate = (int(tier["maintenance_e9"]) + size_rate(contract, lots)) / RATE_UNIT
    if world["venues"][state["venue"]]["counts_closing_fee"]:
        rate = rate_with_fee(rate, int(state["taker_fee_e9"][FEES_DERIVATIVE]) / RATE_UNIT)
    return rate, int(tier["amount_quanta"]) / QUANTA


def _collateral(world: Any, account: int, row: int) -> tuple[float, float]:
    """Return what stands behind a position now, and what the others need of it.

    Both are in the currency of the contract.
    """
    from gammagym.exchange.ledger import payer
    from gammagym.exchange.margin import isolated_equity, maintenance_margin, margin_balance

    contract, state = world["instruments"][row], world["accounts"][account]
    if state["margin_mode"] == MARGIN_ISOLATED:
        return isolated_equity(world, account, row) / QUANTA, 0.0
    owner = payer(world, account)
    price = float(world["price"]["value"]) if contract["currency"] == COIN else 1.0
    others = maintenance_margin(world, owner) / QUANTA / price - _maintenance(world, account, row)
    return margin_balance(world, owner) / QUANTA / price, others


def _maintenance(world: Any, account: int, row: int) -> float:
    """Return the maintenance margin of a position in the currency of its contract."""
    from gammagym.exchange.margin import position_maintenance

    coins = world["instruments"]["currency"][row] == COIN
    price = float(world["price"]["value"]) if coins else 1.0
    return position_maintenance(world, account, row) / QUANTA / price


def _rank(world: Any, account: int, row: int) -> float:
    """Return the account's place among those on its side of an instrument; 1 goes first."""
    from gammagym.exchange.deleveraging import deleveraging_rank

    held = world["positions"]["quantity_lots"][:, row]
    same_side = [
        other
        for other in range(int(world["account_count"]))
        if int(held[other]) * int(held[account]) > 0
    ]
    own = deleveraging_rank(world, account, row)
    return 1.0 + sum(deleveraging_rank(world, other, row) > own for other in same_side)
