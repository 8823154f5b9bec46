"""Saved markets: equal to the bit, going on in the same way, and refused when they are broken."""

from __future__ import annotations

import dataclasses
import io
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gammagym
from gammagym.api.saving import SavedMarket, write_market
from gammagym.errors import OrderError
from gammagym.world import fingerprint
from gammagym.world.codes import NO_ORDER

CALL = "BTC-7D-100-C"
PERP = "BTC-PERP"


def busy_market() -> gammagym.Market:
    """Return a market with an order of every sort at the venue, and two on their way."""
    scenario = gammagym.load_scenario("calm", {"rules": {"orders.maximum_orders": 50}})
    market = gammagym.Market(scenario, agents=["alice", "bøb"], seed=7)
    market.submit("alice", PERP, "buy", 0.5)
    iceberg = market.submit("alice", PERP, "buy", 1.0, price=50_000.0, display=0.1)
    market.submit("alice", PERP, "buy", 0.1, price=50_000.0, tif="gtt", expire_in=20.0)
    market.submit("bøb", PERP, "buy", 0.1, price=49_000.0, tif="gtt", expire_in=10.0)
    market.submit("alice", PERP, "sell", 0.1, type="trailing_stop", trail=20.0, reduce_only=True)
    market.submit("alice", PERP, "buy", 0.1, type="stop", trigger_price=60_020.0)
    market.submit("bøb", CALL, "buy", 0.1, 2_000.0, type="stop_limit", trigger_price=2_100.0)
    market.advance(seconds=1.0)
    market.submit("alice", PERP, "sell", 0.1, price=70_000.0, reduce_only=True)
    market.advance(seconds=0.1)
    market.cancel(iceberg.id)
    market.submit("bøb", CALL, "buy", 0.1, price=1_900.0)
    return market


@pytest.fixture
def market() -> gammagym.Market:
    return busy_market()


def content_of(market: gammagym.Market) -> SavedMarket:
    """Return copies of what a market consists of, to be spoiled."""
    return SavedMarket(
        market._worlds.copy(), market._tape, market.agents, market._names, dict(market._sent)
    )


def test_a_loaded_market_is_equal_and_goes_on_equally(
    market: gammagym.Market, tmp_path: Path
) -> None:
    market.save(tmp_path / "m.npz")
    loaded = gammagym.Market.load(tmp_path / "m.npz")
    assert fingerprint(loaded.world) == fingerprint(market.world)
    assert (loaded.agents, loaded._names, loaded._sent) == (
        market.agents,
        market._names,
        market._sent,
    )
    first = min(market._sent)
    for each in (market, loaded):
        each.advance(seconds=1.0)
        each.amend(first + 2, price=50_001.0, quantity=0.05)
        each.cancel(first + 5)
        each.submit("bøb", PERP, "sell", 0.2, type="take_profit", trigger_price=60_100.0)
        each.advance(seconds=60.0)
    assert fingerprint(loaded.world) == fingerprint(market.world)
    assert loaded.orders("alice").equals(market.orders("alice"))


def test_loading_twice_gives_two_markets(market: gammagym.Market, tmp_path: Path) -> None:
    market.save(tmp_path / "m.npz")
    one, other = (gammagym.Market.load(tmp_path / "m.npz") for _ in range(2))
    one.advance(seconds=5.0)
    assert fingerprint(other.world) == fingerprint(market.world)


def test_where_the_tables_are_is_not_taken_from_the_file(
    market: gammagym.Market, tmp_path: Path
) -> None:
    content = content_of(market)
    for name in ("orders", "levels", "terms", "members"):
        content.worlds["books"][f"{name}_at"] = 2**40
        content.worlds["books"][f"{name}_count"] = 2**40
    write_market(tmp_path / "m.npz", content)
    loaded = gammagym.Market.load(tmp_path / "m.npz")
    assert fingerprint(loaded.world) == fingerprint(market.world)


# --- Files that are no market ----------------------------------------------------------------


def zipped(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return file.getvalue()


def array(values: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, values, allow_pickle=True)
    return file.getvalue()


HUGE = b"\x93NUMPY\x01\x00v\x00{'descr': '|u1', 'fortran_order': False, 'shape': (%d,), }"
FILES = {
    "empty": b"",
    "text": b"not a market",
    "pickle": pickle.dumps({"world": 1}),
    "one array": array(np.zeros(3)),
    "zip of nothing": zipped(),
    "zip without arrays": zipped(schema=b"1"),
    "pickled objects": zipped(schema=array(np.array([{}], dtype=object))),
    "more than there is": zipped(schema=(HUGE % 2**60).ljust(127) + b"\n"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_no_market_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "m.npz").write_bytes(FILES[name])
    with pytest.raises(OrderError, match=r"m\.npz: not a saved market, or a broken one"):
        gammagym.Market.load(tmp_path / "m.npz")


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OrderError, match="there is no such file"):
        gammagym.Market.load(tmp_path / "m.npz")
    with pytest.raises(OrderError, match="not a saved market"):
        gammagym.Market.load(tmp_path)


def test_a_file_of_another_version_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "m.npz", schema=np.array(["1", "abc"]))
    with pytest.raises(OrderError, match="saved by another version"):
        gammagym.Market.load(tmp_path / "m.npz")


def test_a_file_that_is_cut_off_is_refused(market: gammagym.Market, tmp_path: Path) -> None:
    market.save(tmp_path / "m.npz")
    whole = (tmp_path / "m.npz").read_bytes()
    for size in (100, len(whole) // 2, len(whole) - 10):
        (tmp_path / "m.npz").write_bytes(whole[:size])
        with pytest.raises(OrderError, match="not a saved market"):
            gammagym.Market.load(tmp_path / "m.npz")


# --- Markets that contradict themselves ------------------------------------------------------


def first_waiting(world: Any) -> int:
    return int(np.flatnonzero((world["orders"]["live"] == 1) & (world["orders"]["side"] > 1))[0])


def share_free_rows(head: str) -> Callable[[Any], None]:
    """Return a function that lets two books have the same free rows."""

    def write(world: Any) -> None:
        world["books"][head][1] = world["books"][head][2]

    return write


def close_free_circle(world: Any) -> None:
    """Let the free orders of a book end in a circle."""
    world["orders"]["next"][world["books"]["free_order"][0]] = world["books"]["free_order"][0]


def orphan(world: Any) -> None:
    """Let an order be alive that is in no book."""
    row = world["books"]["free_order"][3]
    world["books"]["free_order"][3] = world["orders"]["next"][row]
    world["orders"]["live"][row] = 1


def move_to_another_book(world: Any) -> None:
    row = world["levels"]["first"][world["books"]["best"][0, 0]]
    world["orders"]["instrument"][row] = 1


def spoil(path: str, value: float) -> Callable[[Any], None]:
    """Return a function that writes a value into the first row of a field."""

    def write(world: Any) -> None:
        *tables, field = path.split(".")
        for table in tables:
            world = world[table]
            if world.ndim:
                world = world[0]
        world[field] = value

    return write


def of_a_live(field: str, value: int) -> Callable[[Any], None]:
    def write(world: Any) -> None:
        world["orders"][field][np.flatnonzero(world["orders"]["live"])[-1]] = value

    return write


def of_a_waiting(table: str, field: str, value: int) -> Callable[[Any], None]:
    def write(world: Any) -> None:
        row = first_waiting(world)
        world[table][field][row if table == "orders" else world["orders"]["terms"][row]] = value

    return write


def of_a_level(field: str, value: int) -> Callable[[Any], None]:
    def write(world: Any) -> None:
        world["levels"][field][world["books"]["best"][0, 0]] = value

    return write


SPOILED = {
    "instrument_count": spoil("instrument_count", 99),
    "account_count": spoil("account_count", 2),
    "agent_count": spoil("agent_count", 9),
    "flow_count": spoil("flow_count", -1),
    "arbitrageur_count": spoil("arbitrageur_count", 2),
    "message_count": spoil("message_count", 10_000),
    "next_order_id": spoil("next_order_id", 0),
    "stretch_count": spoil("stretch_count", 57),
    "to_fetch": spoil("to_fetch", 1),
    "stretches.start": spoil("stretches.start", -1),
    "stretches.end": spoil("stretches.end", 2**31 - 1),
    "price.path_steps": spoil("price.path_steps", 151),
    "watched_rows": spoil("watched_rows", 640),
    "next_look_ns": spoil("next_look_ns", 0),
    "venues.fee_account": spoil("venues.fee_account", 1_000),
    "instruments.currency": spoil("instruments.currency", 17),
    "instruments.venue": spoil("instruments.venue", -5),
    "venues.step_count": spoil("venues.step_count", 5),
    "venues.ladder_count": spoil("venues.ladder_count", -1),
    "venues.scenario_count": spoil("venues.scenario_count", 41),
    "closure_count": spoil("closure_count", 65),
    "change_count": spoil("change_count", 9),
    "changes_made": spoil("changes_made", 1),
    "transfers.target": spoil("transfers.target", 15),
    "transfers.currency": spoil("transfers.currency", 2),
    "instruments.fee_class": spoil("instruments.fee_class", 3),
    "instruments.first_tier": spoil("instruments.first_tier", -1),
    "instruments.tier_count": spoil("instruments.tier_count", 49),
    "instruments.lot_quantity": spoil("instruments.lot_quantity", 0.0),
    "instruments.lot_size": spoil("instruments.lot_size", 0.0),
    "instruments.tick_size": spoil("instruments.tick_size", float("nan")),
    "instruments.maker_orders": spoil("instruments.maker_orders", 640),
    "accounts.agent": spoil("accounts.agent", 3),
    "accounts.partner": spoil("accounts.partner", 7),
    "accounts.short_legs": spoil("accounts.short_legs", 1),
    "accounts.step": spoil("accounts.step", 4),
    "accounts.venue": spoil("accounts.venue", 2),
    "agents.hedge_account": spoil("agents.hedge_account", 2**31 - 1),
    "working.row": spoil("agents.working.row", -2),
    "messages.account": spoil("messages.account", 4),
    "messages.instrument": spoil("messages.instrument", 8),
    "flows.slots": spoil("flows.slots", 10**6),
    "flows.touch_slots": spoil("flows.touch_slots", 0),
    "flows.rows": spoil("flows.rows", 10**6),
    "flows.rate": spoil("flows.rate", 0.0),
    "flows.sentiment.lean": spoil("flows.sentiment.lean", 1.0),
    "flows.sentiment.premium": spoil("flows.sentiment.premium", float("nan")),
    "instruments.carry.log_basis": spoil("instruments.carry.log_basis", 800.0),
    "flows.next_ns": spoil("flows.next_ns", -1),
    "funding.interval_ns": spoil("instruments.funding.interval_ns", -1),
    "price.tick_ns": spoil("price.tick_ns", 0),
    "time_ns": spoil("time_ns", -(2**63)),
    "option_makers.band_count": spoil("option_makers.band_count", 5),
    "customers.rate": spoil("customers.rate", 1e9),
    "books.best": spoil("books.best", 10**6),
    "books.cache": spoil("books.cache", 10**6),
    "books.free_order": spoil("books.free_order", -7),
    "books.free_level": spoil("books.free_level", 512),
    "books.free_terms": spoil("books.free_terms", 64),
    "books.first_expiry": spoil("books.first_expiry", 64),
    "books.last_expiry": spoil("books.last_expiry", NO_ORDER),
    "books.top_order": spoil("books.top_order", 10**6),
    "books.order_count": spoil("books.order_count", 3),
    "books.members": spoil("books.members", 16),
    "books.trailing": spoil("books.trailing", 0),
    "members.owner": spoil("members.owner", 7),
    "orders.next": of_a_live("next", 10**6),
    "orders.previous": of_a_live("previous", 10**6),
    "orders.level": of_a_live("level", -1),
    "orders.owner": of_a_live("owner", 13),
    "orders.terms": of_a_live("terms", 64),
    "orders.tif": of_a_live("tif", 9),
    "orders.reduce_only": of_a_live("reduce_only", 2),
    "orders.counted": of_a_live("counted", 7),
    "orders.side": of_a_waiting("orders", "side", 200),
    "orders.kind": of_a_waiting("orders", "kind", 0),
    "terms.side": of_a_waiting("terms", "side", 5),
    "terms.order": of_a_waiting("terms", "order", 10**6),
    "levels.first": of_a_level("first", 640),
    "levels.worse": of_a_level("worse", 512),
    "levels.quantity_lots": of_a_level("quantity_lots", 0),
    "the same free orders": share_free_rows("free_order"),
    "the same free levels": share_free_rows("free_level"),
    "the same free terms": share_free_rows("free_terms"),
    "a circle": close_free_circle,
    "an order in no book": orphan,
    "an order of another book": move_to_another_book,
}


@pytest.mark.parametrize("name", SPOILED)
def test_a_broken_world_is_refused(name: str, market: gammagym.Market, tmp_path: Path) -> None:
    content = content_of(market)
    SPOILED[name](content.worlds[0])
    write_market(tmp_path / "m.npz", content)
    with pytest.raises(OrderError, match=r"m\.npz: a broken market: "):
        gammagym.Market.load(tmp_path / "m.npz")


SPOILED_OPTIONS = {
    "surface.long_volatility": 0.0,
    "surface.forward": float("nan"),
    "surface.reversion": 0.0,
    "surface.correlation": 1.5,
    "surface.level": float("inf"),
    "option_makers.inventory_units": 0.0,
    "option_makers.realised_variance": -1.0,
    "option_makers.lean": 2.0,
    "customers.next_ns": -1,
    "customers.event": -1,
    "customers.size_units": float("nan"),
}


@pytest.mark.parametrize("path", SPOILED_OPTIONS)
def test_a_broken_market_of_options_is_refused(path: str, tmp_path: Path) -> None:
    market = gammagym.Market("smile", agents=["alice"], seed=7)
    content = content_of(market)
    spoil(path, SPOILED_OPTIONS[path])(content.worlds[0])
    write_market(tmp_path / "m.npz", content)
    with pytest.raises(OrderError, match=rf"m\.npz: a broken market: {path}"):
        gammagym.Market.load(tmp_path / "m.npz")


def test_a_saved_and_a_forked_market_of_options_go_on_equally(tmp_path: Path) -> None:
    market = gammagym.Market("smile", agents=["alice"], seed=7)
    market.advance(seconds=100.0)
    market.submit("alice", CALL, "buy", 1.0)
    market.advance(seconds=1.0)
    market.save(tmp_path / "m.npz")
    twins = [gammagym.Market.load(tmp_path / "m.npz"), market.fork()]
    for each in (market, *twins):
        each.advance(seconds=300.0)
    assert [fingerprint(twin.world) for twin in twins] == [fingerprint(market.world)] * 2
    assert market.world["customers"]["event"] > 0
    assert market.world["surface"]["level"] != 0.0


@pytest.mark.parametrize(
    ("part", "value", "message"),
    [
        ("tape", np.zeros(0), "the tape is no list"),
        ("tape", np.array([1, 2]), "the tape is no list"),
        ("tape", np.array([1.0, np.nan]), "not finite"),
        ("agents", ("alice",), "as many different names as agent_count"),
        ("agents", ("alice", "alice"), "different names"),
        ("agents", ("alice", 2), "different names"),
        ("instruments", ("BTC-PERP",), "instrument_count"),
    ],
)
def test_broken_parts_are_refused(
    market: gammagym.Market, part: str, value: Any, message: str, tmp_path: Path
) -> None:
    content = dataclasses.replace(content_of(market), **{part: value})
    write_market(tmp_path / "m.npz", content)
    with pytest.raises(OrderError, match=message):
        gammagym.Market.load(tmp_path / "m.npz")


@pytest.mark.parametrize(
    "change",
    [
        {"id": 10**9},
        {"id": "1"},
        {"agent": "dave"},
        {"agent": ["alice"]},
        {"instrument": "ETH"},
        {"side": "long"},
        {"type": "peg"},
        {"quantity": float("nan")},
        {"price": "high"},
        {"reduce_only": "yes"},
    ],
)
def test_impossible_sent_orders_are_refused(
    market: gammagym.Market, change: dict[str, Any], tmp_path: Path
) -> None:
    content = content_of(market)
    first = min(content.sent)
    content.sent[first] = dataclasses.replace(content.sent[first], **change)
    write_market(tmp_path / "m.npz", content)
    with pytest.raises(OrderError, match="it sent an impossible order"):
        gammagym.Market.load(tmp_path / "m.npz")


def test_random_damage_to_the_books_is_refused_or_harmless(
    market: gammagym.Market, tmp_path: Path
) -> None:
    """The index of prices is left out: it has tests of its own."""
    random = np.random.default_rng(11)
    links = {
        "books": ["best", "cache", "free_order", "free_level", "free_terms", "first_expiry"],
        "orders": ["next", "previous", "level", "terms", "live", "side", "owner", "instrument"],
        "levels": ["first", "last", "better", "worse", "side", "price_ticks"],
        "terms": ["order", "next", "previous", "side"],
    }
    refused = 0
    for _ in range(300):
        content = content_of(market)
        table = str(random.choice(list(links)))
        field = content.worlds[table][str(random.choice(links[table]))].reshape(-1)
        field[random.integers(len(field))] = random.integers(-3, 700) % 256
        write_market(tmp_path / "m.npz", content)
        try:
            loaded = gammagym.Market.load(tmp_path / "m.npz")
        except OrderError:
            refused += 1
        else:
            loaded.advance(seconds=1.0)
    assert refused > 50
