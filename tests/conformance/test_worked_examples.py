"""The exchanges' own worked examples, one test each, and the runner that checks files of them."""

from __future__ import annotations

import copy
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
import worked_examples  # noqa: E402
from worked_examples import CONTRADICTIONS, CONTRADICTS, FAIL, OK, check, main  # noqa: E402

DATA = Path(os.environ.get("GAMMAGYM_DATA", ROOT.parent / "shared" / "data"))
FILE = DATA.parent / "venues" / "worked_examples.json"
EXAMPLES: list[dict[str, Any]] = json.loads(FILE.read_text("utf-8")) if FILE.is_file() else []
MISSING = f"no {FILE} (set GAMMAGYM_DATA to the folder of market data beside it)"
needs_file = pytest.mark.skipif(not EXAMPLES, reason=MISSING)

FEE: dict[str, Any] = {
    "id": "fee",
    "venue": "any",
    "kind": "fee_linear",
    "inputs": {"qty": 2, "price": 1000, "rate": 0.0005},
    "expected": {"fee": 1.0},
    "tolerance": {"abs": 1e-12},
}


@pytest.mark.parametrize(
    "example",
    EXAMPLES or [pytest.param(None, marks=pytest.mark.skip(reason=MISSING), id="missing")],
    ids=lambda example: example["id"],
)
def test_an_exchanges_worked_example(example):
    outcome = check(example)
    wanted = CONTRADICTS if example["id"] in CONTRADICTIONS else OK
    assert outcome.status == wanted, outcome.text


@needs_file
def test_every_listed_contradiction_is_an_example():
    assert set(CONTRADICTIONS) <= {example["id"] for example in EXAMPLES}


@needs_file
def test_every_expected_number_is_really_compared():
    for example in EXAMPLES:
        for name, value in example["expected"].items():
            changed = copy.deepcopy(example)
            if isinstance(value, bool):
                changed["expected"][name] = not value
            else:
                changed["expected"][name] = value * 1.2 + 0.05
            was_right = check(example).status == OK
            assert not was_right or check(changed).status == FAIL, (example["id"], name)


@needs_file
def test_the_mapping_does_not_look_at_ids():
    for number, example in enumerate(EXAMPLES):
        if example["id"] not in CONTRADICTIONS:
            assert check(example | {"id": f"renamed_{number}"}).status == OK, example["id"]


def with_changes(**changes: Any) -> dict[str, Any]:
    return copy.deepcopy(FEE) | changes


def test_a_right_example_is_ok():
    assert check(FEE) == (OK, "")


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"expected": {"fee": 1.1}}, "fee: got 1.0, expected 1.1"),
        ({"expected": {"toll": 1.0}}, "toll: no value, expected 1.0"),
        ({"expected": {}}, "nothing is expected"),
        ({"kind": "alchemy"}, "no function for kind 'alchemy'"),
        ({"kind": "tick_table"}, "inputs not understood: KeyError: 'tick_size_steps'"),
    ],
)
def test_a_wrong_example_fails_and_says_why(changes, text):
    assert check(with_changes(**changes)) == (FAIL, text)


def test_money_is_compared_to_the_quantum_and_rates_as_told():
    assert check(with_changes(expected={"fee": 1.0 + 9e-9})).status == OK
    assert check(with_changes(expected={"fee": 1.0 + 2e-8})).status == FAIL
    interest = {"kind": "funding_interest", "inputs": {"interest_8h": 1e-4}}
    wrong = interest | {"expected": {"interest_1h": 1.25e-5 + 1e-9}}
    assert check(with_changes(**wrong)).status == FAIL


def test_a_listed_contradiction_must_contradict():
    listed = CONTRADICTIONS["bybit_adl_trigger_ex2"]
    example = {
        "id": "bybit_adl_trigger_ex2",
        "venue": "any",
        "kind": "adl_trigger",
        "inputs": listed.inputs,
        "tolerance": {"abs": 1e-6},
    }
    assert check(example | {"expected": {"triggered": True}}).status == CONTRADICTS
    assert check(example | {"expected": {"triggered": False}}).status == FAIL
    # Other numbers under the same id are an example like any other.
    inputs = listed.inputs | {"symbol_pnl_change": -700_000}
    other = example | {"inputs": inputs, "expected": {"triggered": True}}
    assert check(other).status == OK


def test_the_command_prints_a_line_per_example_and_fails_with_one(tmp_path, capsys):
    path = tmp_path / "examples.json"
    path.write_text(json.dumps([FEE]), encoding="utf-8")
    assert main([str(path)]) == 0
    assert capsys.readouterr().out.splitlines() == ["ok fee", "1 ok, 0 FAIL, 0 CONTRADICTS"]
    path.write_text(json.dumps([FEE, with_changes(kind="alchemy")]), encoding="utf-8")
    assert main([str(path)]) == 1
    assert "FAIL fee no function for kind 'alchemy'" in capsys.readouterr().out
    assert main([]) == 2


@needs_file
def test_every_kind_has_its_own_function():
    assert {example["kind"] for example in EXAMPLES} == set(worked_examples.FUNCTIONS)
