"""The recorder of a world, against the same world stepped by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gammagym.errors import GammagymError, ScenarioError
from gammagym.evaluation.facts import worlds as recording
from gammagym.evaluation.facts.record import BUY, MarketRecord
from gammagym.evaluation.facts.worlds import long_returns, record_world
from gammagym.loop import advance, open_world, step
from gammagym.scenario.compile import compile_world
from gammagym.scenario.load import load_scenario
from gammagym.scenario.tasks import Task
from gammagym.world import viewed
from gammagym.world.codes import NO_LEVEL
from gammagym.world.sizes import NANOSECONDS

SECONDS = 10.0
UNTIL_NS = round(SECONDS * NANOSECONDS)
PRESETS = ("thin", "full")


def open_by_hand(preset: str, seed: int = 3) -> tuple[Any, Any]:
    task = Task("Recording", (), horizon_seconds=SECONDS)
    compiled = compile_world(load_scenario("calm", {"flow.preset": preset}), task)
    worlds = viewed(compiled.template.copy())
    open_world(worlds[0], compiled.tape, np.uint64(seed))
    return worlds, compiled.tape


def recorded(preset: str, seed: int = 3) -> MarketRecord:
    return record_world("calm", {"flow.preset": preset}, seed=seed, seconds=SECONDS)


def ladder(world: Any) -> dict[tuple[int, int], int]:
    """Return the book of the hedge by side and price."""
    found: dict[tuple[int, int], int] = {}
    for side in (0, 1):
        row = int(world["books"][0]["best"][side])
        while row != NO_LEVEL:
            level = world["levels"][row]
            found[side, int(level["price_ticks"])] = int(level["quantity_lots"])
            row = int(level["worse"])
    return found


def tables(record: MarketRecord) -> bytes:
    parts = (record.trades, record.orders, record.touch, record.depth, record.changes)
    return b"".join(part.tobytes() for part in parts)


@pytest.mark.parametrize("preset", PRESETS)
def test_trades_are_those_of_the_book(preset: str) -> None:
    worlds, tape = open_by_hand(preset)
    book = worlds[0]["books"][0]
    trades, volume, bought = (int(book[n]) for n in ("trades", "volume_lots", "bought_lots"))
    advance(worlds[0], tape, UNTIL_NS)
    record = recorded(preset)
    lots = np.round(record.trades["size"] / 0.001).astype(int)
    assert len(lots) == book["trades"] - trades
    assert lots.sum() == book["volume_lots"] - volume
    assert lots[record.trades["side"] == BUY].sum() == book["bought_lots"] - bought


@pytest.mark.parametrize("preset", PRESETS)
def test_orders_touch_and_levels_are_those_seen_by_stepping(preset: str) -> None:
    worlds, tape = open_by_hand(preset)
    world = worlds[0]
    before = ladder(world)
    touches, changed, orders = [_best(before)], 0, []
    while step(world, tape, UNTIL_NS):
        after = ladder(world)
        levels = set(before) | set(after)
        changed += sum(before.get(each, 0) != after.get(each, 0) for each in levels)
        if _best(after) != touches[-1]:
            touches.append(_best(after))
        volume = int(world["books"][0]["volume_lots"])
        orders.append((world["time_ns"] / NANOSECONDS, volume, _best(before)))
        before = after
    record = recorded(preset)
    # An order that trades away what came in the same event leaves its level as it was.
    assert changed <= len(record.changes) <= changed + len(record.trades)
    quotes = [
        tuple(round(float(value) / unit) for value, unit in zip(row, (0.1, 0.001) * 2, strict=True))
        for row in record.touch[["bid", "bid_size", "ask", "ask_size"]].tolist()
    ]
    assert quotes == touches
    moved = np.flatnonzero(np.diff([volume for _, volume, _ in orders], prepend=orders[0][1]))
    assert record.orders["time"].tolist()[-5:] == [orders[row][0] for row in moved][-5:]
    bids = [0.05 * (orders[row][2][0] + orders[row][2][2]) for row in moved]
    assert record.orders["mid"][-len(moved) :] == pytest.approx(bids)


def _best(book: dict[tuple[int, int], int]) -> tuple[int, int, int, int]:
    bid = max(price for side, price in book if side == 0)
    ask = min(price for side, price in book if side == 1)
    return bid, book[0, bid], ask, book[1, ask]


@pytest.mark.parametrize("preset", PRESETS)
def test_what_is_added_less_what_goes_and_trades_is_the_change_of_the_book(preset: str) -> None:
    worlds, tape = open_by_hand(preset)
    before = sum(ladder(worlds[0]).values())
    advance(worlds[0], tape, UNTIL_NS)
    record = recorded(preset)
    change = np.round(record.changes["change"] / 0.001).astype(int).sum()
    traded = np.round(record.trades["size"] / 0.001).astype(int).sum()
    assert change - traded == sum(ladder(worlds[0]).values()) - before


def test_depth_is_what_rests_within_each_distance_of_the_mid() -> None:
    worlds, tape = open_by_hand("thin")
    record = recorded("thin")
    assert record.depth["time"].tolist() == np.arange(0.0, SECONDS + 0.1, 0.25).tolist()
    for row in record.depth[[0, 21, -1]]:
        advance(worlds[0], tape, round(row["time"] * NANOSECONDS))
        book = ladder(worlds[0])
        bid, _, ask, _ = _best(book)
        mid = 0.5 * (bid + ask)
        for side, name in ((0, "bid"), (1, "ask")):
            for band, width in enumerate((1, 5, 10, 20, 50)):
                near = [
                    size
                    for (own, price), size in book.items()
                    if own == side and abs(price - mid) <= 1e-4 * width * mid
                ]
                assert row[name][band] == pytest.approx(0.001 * sum(near))
            prices = sorted((price for own, price in book if own == side), reverse=side == 0)
            top = [0.001 * book[side, price] for price in prices[:10]]
            assert row[f"{name}_levels"][: len(top)] == pytest.approx(top)


def test_recording_changes_nothing_in_the_world(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    run = recording._Recorder.run

    def watched(self: Any, tape: Any, until_ns: int) -> None:
        run(self, tape, until_ns)
        seen.append(self.worlds)

    monkeypatch.setattr(recording._Recorder, "run", watched)
    recorded("thin")
    worlds, tape = open_by_hand("thin")
    advance(worlds[0], tape, UNTIL_NS)
    seen[0]["books"]["updates_at"] = worlds["books"]["updates_at"]
    assert seen[0].tobytes() == worlds.tobytes()


def test_the_same_seed_gives_the_same_record_and_another_one_another() -> None:
    assert tables(recorded("thin")) == tables(recorded("thin"))
    assert tables(recorded("thin")) != tables(recorded("thin", seed=4))


def test_tables_that_run_full_are_emptied_and_filled_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = tables(recorded("full"))
    for name, rows in (("_FILLS", 4_100), ("_QUOTES", 100), ("_CHANGES", 2_100), ("_DEPTHS", 7)):
        monkeypatch.setattr(recording, name, rows)
    assert tables(recorded("full")) == whole


def test_an_event_that_changes_more_orders_than_there_is_room_for_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(recording, "_FEED", 2)
    with pytest.raises(GammagymError, match="changed more than 2 orders: it cannot be recorded"):
        recorded("full")


def test_long_runs_see_the_same_mids_and_volume_as_the_record() -> None:
    record = recorded("thin")
    run = long_returns("calm", {"flow.preset": "thin"}, seed=3, hours=SECONDS / 3_600)
    seconds = np.arange(1.0, SECONDS + 1)
    assert run[:, 0] == pytest.approx(record.mids_at(seconds))
    traded = np.histogram(
        record.trades["time"], np.append(0.0, seconds), weights=record.trades["size"]
    )[0]
    assert 0.001 * run[:, 1] == pytest.approx(traded)


def test_inverse_contracts_are_counted_in_coins() -> None:
    record = record_world("calm@binance_coinm", seconds=SECONDS)
    contracts = record.trades["size"] * record.trades["price"] / 100.0
    assert contracts == pytest.approx(np.round(contracts))
    assert (record.trades["size"] > 0).all()


def test_another_instrument_of_the_world_can_be_recorded() -> None:
    record = record_world("calm", seconds=SECONDS, instrument=1)
    assert len(record.touch) > 0
    assert len(record.trades) == 0


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(GammagymError, match="seconds must be 1 to 2,592,000, was 0"):
        record_world("calm", seconds=0.0)
    with pytest.raises(GammagymError, match=r"seed must be 0 to 2\*\*63 - 1, was -1"):
        record_world("calm", seed=-1)
    with pytest.raises(GammagymError, match=r"instrument must be a row of BTC-PERP.*was 9"):
        record_world("calm", seconds=SECONDS, instrument=9)
    with pytest.raises(ScenarioError, match="no scenario"):
        record_world("stormy")
