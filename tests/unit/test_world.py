"""The schema: what can be said wrongly about a world's fields, and is not."""

from __future__ import annotations

import inspect
from dataclasses import asdict
from typing import Annotated, get_type_hints

import numpy as np
import pytest

from gammagym.exchange.opening import QUIET_ROWS
from gammagym.world import (
    LARGE,
    LARGE_WORLD,
    ORDER,
    SMALL,
    SMALL_WORLD,
    STANDARD,
    STANDARD_WORLD,
    book,
    capacity_of,
    codes,
    competitors,
    copied,
    empty_worlds,
    exchange,
    fields,
    fingerprint,
    layout,
    market,
    schema_hash,
    table_dtype,
)
from gammagym.world.codes import PARTS, REJECT_REASONS
from gammagym.world.sizes import CACHE_LINE

TABLES = [
    table
    for module in (book, competitors, exchange, layout, market)
    for _, table in inspect.getmembers(module, inspect.isclass)
    if table.__module__ == module.__name__
    and any("Annotated" in str(hint) for hint in inspect.get_annotations(table).values())
]


def leaves(dtype, offset=0, path=""):
    """Yield path, offset and dtype of every plain number of a record, tables entered once."""
    for name in dtype.names:
        cell, start = dtype.fields[name][:2]
        base = cell.base
        if base.names is None:
            yield f"{path}.{name}", offset + start, base
        else:
            yield from leaves(base, offset + start, f"{path}.{name}")
            if cell.shape:  # the second row of a table
                yield from leaves(base, offset + start + base.itemsize, f"{path}.{name}[1]")


def test_the_schema_has_the_tables_that_a_world_is_made_of():
    names = {table.__name__ for table in TABLES}
    assert {"World", "Order", "Level", "Terms", "Book", "Agent", "Account", "Position"} <= names


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.__name__)
def test_every_field_says_what_it_means(table):
    assert table.__doc__
    for name, (_, _, meaning) in fields(table).items():
        assert len(meaning) > 2, name
        assert meaning == meaning.strip()
        assert not meaning.endswith("."), name
    hints = get_type_hints(table, include_extras=True)
    assert all(isinstance(hint, type(Annotated[int, ""])) for hint in hints.values())


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.__name__)
def test_integers_with_a_unit_in_their_name_say_the_same_in_their_meaning(table):
    units = {"_ns": "ns", "_quanta": "quanta", "_ticks": "ticks", "_lots": "lots", "_e9": "1e-9"}
    for name, (code, _, meaning) in fields(table).items():
        for ending, unit in units.items():
            if code == "i8" and name.endswith(ending) and "(" in meaning:
                assert unit in meaning, f"{table.__name__}.{name}: {meaning}"


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.__name__)
def test_no_field_has_the_name_of_something_that_records_have_already(table):
    """Without compilation a field is read as an attribute of np.record."""
    taken = set(dir(np.recarray)) | set(dir(np.record)) | set(dir(np.void))
    assert not taken & set(fields(table))


@pytest.mark.parametrize("dtype", [SMALL_WORLD, STANDARD_WORLD], ids=["small", "standard"])
def test_every_number_is_aligned_to_its_own_size(dtype):
    for path, offset, cell in leaves(dtype):
        assert offset % cell.itemsize == 0, path
    assert dtype.itemsize % 8 == 0


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.__name__)
def test_no_table_has_padding(table):
    dtype = table_dtype(table, STANDARD)
    assert dtype.itemsize == sum(dtype.fields[name][0].itemsize for name in dtype.names)


@pytest.mark.parametrize(("capacity", "dtype"), [(SMALL, SMALL_WORLD), (STANDARD, STANDARD_WORLD)])
def test_tables_have_as_many_rows_as_their_capacity_says(capacity, dtype):
    worlds = empty_worlds(2, capacity)
    assert worlds.dtype == dtype
    assert capacity_of(worlds) == capacity
    for name in ("venues", "instruments", "accounts", "agents", "flows", "shocks", "messages"):
        assert worlds[name].shape == (2, getattr(capacity, name))
    assert worlds["cash"].shape == (2, capacity.accounts, capacity.currencies)
    assert worlds["positions"].shape == (2, capacity.accounts, capacity.instruments)
    assert worlds["flows"]["rows"].shape == (2, capacity.flows, capacity.background)
    for name in ("books", "orders", "levels", "terms", "fills"):
        rows = capacity.instruments if name == "books" else getattr(capacity, name)
        assert worlds[name].shape == (2, rows)
    assert worlds["members"].shape == (2, capacity.instruments, capacity.members)
    assert not any(worlds.tobytes())


@pytest.mark.parametrize("capacity", [SMALL, STANDARD])
def test_every_agent_has_room_for_two_accounts_and_its_short_legs(capacity):
    assert capacity.accounts >= codes.FIRST_AGENT_ACCOUNT + 3 * capacity.agents
    assert capacity.orders > capacity.background
    assert capacity.members > capacity.accounts
    assert capacity.members & (capacity.members - 1) == 0
    assert codes.STREAM_FLOW + capacity.flows <= codes.STREAM_LATENCY
    streams = len(empty_worlds(1, capacity)["keys"][0])
    assert codes.STREAM_LATENCY + codes.WAYS * capacity.agents <= codes.STREAM_SURFACE
    assert codes.STREAM_SURFACE < codes.STREAM_CUSTOMERS < streams


def test_a_market_has_as_much_room_in_a_small_world_as_in_a_standard_one():
    """So a trajectory does not depend on which of the two it was given."""
    quiet = QUIET_ROWS * (STANDARD.instruments - 1)
    few = QUIET_ROWS * (SMALL.instruments - 1)
    assert SMALL.orders - few == STANDARD.orders - quiet
    assert SMALL.levels - few == STANDARD.levels - quiet
    assert SMALL.terms * STANDARD.instruments == STANDARD.terms * SMALL.instruments
    shared = set(asdict(SMALL)) - {"instruments", "agents", "flows", "background"}
    for name in shared - {"orders", "levels", "terms"}:
        assert getattr(SMALL, name) == getattr(STANDARD, name), name


@pytest.mark.parametrize("dtype", [SMALL_WORLD, STANDARD_WORLD, LARGE_WORLD])
def test_worlds_are_whole_cache_lines_and_so_is_every_order(dtype):
    assert dtype.itemsize % CACHE_LINE == 0
    assert dtype.fields["orders"][1] % CACHE_LINE == 0
    assert ORDER.itemsize == CACHE_LINE


@pytest.mark.parametrize("count", [1, 2, 7])
def test_worlds_begin_on_a_cache_line_and_so_do_their_copies(count):
    worlds = empty_worlds(count, SMALL)
    worlds["seed"] = np.arange(count)
    copies, chosen = copied(worlds), copied(worlds, [count - 1, 0])
    for each in (worlds, copies, chosen, empty_worlds(count, LARGE)):
        assert each.__array_interface__["data"][0] % CACHE_LINE == 0
    assert copies.dtype is worlds.dtype
    assert copies.tobytes() == worlds.tobytes()
    assert chosen["seed"].tolist() == [count - 1, 0]
    copies["seed"] = 99
    assert worlds["seed"].tolist() == list(range(count))


def test_numbers_for_different_things_are_different():
    families = [
        [codes.SPOT, codes.PERPETUAL, codes.FUTURE, codes.CALL, codes.PUT],
        [codes.FLOW_NONE, codes.FLOW_IDEAL, codes.FLOW_CROWD],
        range(codes.PRICE_GBM, codes.PRICE_REGIME + 1),
        [codes.SHOCK_PRICE, codes.SHOCK_SPREAD, codes.SHOCK_DEPTH],
        [codes.SHOCK_INDEX, codes.SHOCK_TRANSFERS],
        [codes.LATENCY_CONSTANT, codes.LATENCY_LOGNORMAL, codes.LATENCY_TABLE],
        [codes.NEW, codes.CANCEL, codes.MODIFY, codes.ACKNOWLEDGEMENT],
        [codes.MARK_INDEX, codes.MARK_MEDIAN, codes.MARK_AVERAGE_BASIS],
        [codes.FUNDING_IMPOSED, codes.FUNDING_PREMIUM, codes.FUNDING_CONTINUOUS],
        range(codes.STEP_REDUCE_TO_RESTORE, codes.STEP_TAKE_OVER + 1),
        range(codes.BACKSTOP_INSURANCE, codes.BACKSTOP_SOCIALISED_LOSS + 1),
        range(codes.RANK_MARGIN_RATIO, codes.RANK_SIGNED_LEVERAGE + 1),
        [codes.MARGIN_CROSS, codes.MARGIN_ISOLATED, codes.MARGIN_PORTFOLIO],
        range(codes.CHANGE_MAKER_FEE, codes.CHANGE_FUNDING_CAP + 1),
        range(codes.REGIME_RANGE, codes.REGIME_DOWN + 1),
    ]
    numbers = [number for family in families for number in family]
    assert len(set(numbers)) == len(numbers)


def test_reasons_and_parts_have_names_in_the_order_of_their_numbers():
    assert REJECT_REASONS[codes.REJECT_MARGIN] == "insufficient margin"
    assert REJECT_REASONS[codes.REJECT_PRICE] == "bad price"
    assert PARTS[codes.PART_GAMMA] == "gamma"
    assert PARTS[codes.PART_RESIDUAL] == "residual"
    assert len(set(PARTS)) == len(PARTS)


def test_a_changed_schema_has_another_hash():
    assert schema_hash(SMALL_WORLD) != schema_hash(STANDARD_WORLD)
    assert schema_hash(STANDARD_WORLD) == schema_hash(table_dtype(layout.World, STANDARD))


def test_a_fingerprint_sees_every_byte():
    worlds = empty_worlds(2)
    assert fingerprint(worlds[0]) == fingerprint(worlds[1])
    worlds["levels"]["side"][1, -1] = 1
    assert fingerprint(worlds[0]) != fingerprint(worlds[1])
