"""The engine against the report streams on which most public matching engines agree."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from gammagym.api.order_book import MESSAGE, REPORT, OrderBook
from gammagym.engine.protocol import (
    ACKNOWLEDGED,
    CANCEL_REJECTED,
    CANCELED,
    MODIFIED,
    MODIFY_REJECTED,
    REJECTED,
    TRADE,
)

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("GAMMAGYM_DATA", ROOT.parent / "shared" / "data")) / "consensus"

# The fields that each kind of report uses.
COMPARED = {
    ACKNOWLEDGED: ("sequence", "side", "order_id", "price", "quantity"),
    MODIFIED: ("sequence", "side", "order_id", "price", "quantity"),
    TRADE: ("sequence", "price", "quantity", "maker_id", "taker_id"),
    CANCELED: ("sequence", "side", "order_id", "price"),
    CANCEL_REJECTED: ("sequence", "order_id"),
    MODIFY_REJECTED: ("sequence", "order_id"),
    REJECTED: ("sequence", "order_id"),
}


def table(columns: dict[str, NDArray[np.int64]], prefix: str, dtype: np.dtype) -> NDArray:
    """Return the columns `prefix_*` as one table; a column that is not there is zero."""
    result = np.zeros(len(columns[f"{prefix}_kind"]), dtype)
    for name in dtype.names or ():
        if f"{prefix}_{name}" in columns:
            result[name] = columns[f"{prefix}_{name}"]
    return result


def in_order(reports: NDArray) -> NDArray:
    return reports[np.lexsort((reports["kind"], reports["sequence"]))]


@pytest.mark.parametrize("name", ["normal", "flash-crash"])
def test_reports_equal_the_consensus(name: str) -> None:
    path = FOLDER / f"{name}.npz"
    if not path.exists():
        pytest.skip(f"{path} is missing (set GAMMAGYM_DATA to the folder of market data)")
    with np.load(path) as file:
        columns = dict(file)
    given = in_order(OrderBook().process(table(columns, "message", MESSAGE)))
    wanted = in_order(table(columns, "report", REPORT))
    assert np.array_equal(given["kind"], wanted["kind"])
    for kind, names in COMPARED.items():
        chosen = given["kind"] == kind
        for field in names:
            assert np.array_equal(given[field][chosen], wanted[field][chosen]), (kind, field)
