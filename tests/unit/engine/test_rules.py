"""What a venue's rules for a book may say."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from gammagym.engine.rules import SELF_TRADE, BookRules
from gammagym.errors import OrderError
from gammagym.world import BOOK
from gammagym.world.codes import DECREMENT, EXPIRE_TAKER

BAD: list[tuple[str, Any, str]] = [
    ("tick", 0, "from 1 to"),
    ("tick", 1.5, "whole number"),
    ("tick", True, "whole number"),
    ("lot", -3, "from 1 to"),
    ("minimum_quantity", -1, "from 0 to"),
    ("maximum_quantity", 0, "from 1 to"),
    ("maximum_quantity", 2**63, f"to {2**63 - 1}"),
    ("iceberg_parts", 0, "from 1 to"),
    ("minimum_notional", -1, "from 0 to"),
    ("lowest_price", -(2**63) - 1, f"from {-(2**63)} to"),
    ("highest_price", 2**63, f"to {2**63 - 1}"),
    ("protection", -1, "from 0 to"),
    ("maximum_orders", 2**31, f"from 0 to {2**31 - 1}"),
    ("maximum_waiting", -1, "from 0 to"),
    ("rate_burst", 0, "from 1 to"),
    ("rate_interval", -1, "from 0 to"),
    ("matching", "lottery", "('price_time', 'pro_rata')"),
    ("top_share", 1.5, "between 0 and 1"),
    ("top_share", -0.1, "between 0 and 1"),
    ("top_share", float("nan"), "between 0 and 1"),
    ("top_maximum", -1, "from 0 to"),
    ("pro_rata_minimum", -1, "from 0 to"),
    ("post_only", "move", "('reject', 'slide')"),
    ("self_trade", "cancel", "'expire_both', 'decrement'"),
    ("self_trade_decides", "both", "('taker', 'maker')"),
]


def written(rules: BookRules) -> Any:
    """Return the rules as a book has them."""
    book = np.zeros(1, BOOK)[0]
    rules.write(book["rules"])
    return book["rules"]


@pytest.mark.parametrize(("key", "value", "allowed"), BAD)
def test_a_bad_value_is_refused_with_its_key_itself_and_what_is_allowed(
    key: str, value: Any, allowed: str
) -> None:
    with pytest.raises(OrderError) as caught:
        BookRules(**{key: value})
    message = str(caught.value)
    assert f"rules: {key} must" in message
    assert message.endswith(f"was {value!r}")
    assert allowed in message


def test_every_rule_that_is_a_number_or_a_choice_can_be_refused() -> None:
    switches = {"amend_keeps_priority", "cancel_on_disconnect"}
    names = {field.name for field in dataclasses.fields(BookRules)}
    assert {key for key, _, _ in BAD} == names - switches


@pytest.mark.parametrize("switch", ["amend_keeps_priority", "cancel_on_disconnect"])
@pytest.mark.parametrize("value", [False, True])
def test_switches_are_written_as_numbers(switch: str, value: bool) -> None:
    assert written(BookRules(**{switch: value}))[switch] == int(value)


def test_without_rules_nothing_is_forbidden() -> None:
    rules = written(BookRules())
    assert (rules["tick"], rules["lot"], rules["minimum_lots"]) == (1, 1, 0)
    assert (rules["lowest_ticks"], rules["highest_ticks"]) == (-(2**63), 2**63 - 1)
    assert rules["maximum_lots"] == rules["top_maximum_lots"] == 2**63 - 1
    assert rules["protection_ticks"] < 0
    assert (rules["pro_rata"], rules["post_only_slides"], rules["maker_decides"]) == (0, 0, 0)


def test_what_is_said_is_written_where_kernels_look_for_it() -> None:
    rules = written(
        BookRules(
            tick=2,
            lot=3,
            minimum_quantity=4,
            maximum_quantity=5,
            iceberg_parts=6,
            minimum_notional=7,
            lowest_price=8,
            highest_price=9,
            protection=10,
            maximum_orders=11,
            maximum_waiting=12,
            rate_burst=13,
            rate_interval=14,
            matching="pro_rata",
            top_share=0.4,
            top_maximum=15,
            pro_rata_minimum=16,
            post_only="slide",
            self_trade="decrement",
            self_trade_decides="maker",
        )
    )
    assert {name: int(rules[name]) for name in rules.dtype.names} == {
        "tick": 2,
        "lot": 3,
        "minimum_lots": 4,
        "maximum_lots": 5,
        "iceberg_parts": 6,
        "minimum_notional": 7,
        "lowest_ticks": 8,
        "highest_ticks": 9,
        "protection_ticks": 10,
        "maximum_orders": 11,
        "maximum_waiting": 12,
        "rate_burst": 13,
        "rate_interval_ns": 14,
        "pro_rata": 1,
        "top_share_e9": 400_000_000,
        "top_maximum_lots": 15,
        "pro_rata_minimum_lots": 16,
        "post_only_slides": 1,
        "amend_keeps_priority": 0,
        "self_trade": DECREMENT,
        "maker_decides": 1,
        "cancel_on_disconnect": 0,
    }


def test_zero_as_a_limit_is_a_limit_and_not_the_absence_of_one() -> None:
    rules = written(BookRules(lowest_price=0, highest_price=0, protection=0, top_maximum=0))
    for name in ("lowest_ticks", "highest_ticks", "protection_ticks", "top_maximum_lots"):
        assert rules[name] == 0


def test_self_trade_modes_have_the_numbers_of_messages() -> None:
    assert written(BookRules(self_trade="expire_taker"))["self_trade"] == EXPIRE_TAKER
    assert len(set(SELF_TRADE.values())) == len(SELF_TRADE)
