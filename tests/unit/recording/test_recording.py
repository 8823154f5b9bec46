"""Recorded episodes: what is in the files is what happened, and recording changes nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from gymnasium.wrappers import TimeLimit

import gammagym.recording.files as files
from gammagym.api.tables import book_table, fills_table, orders_table
from gammagym.envs.batch import Batch
from gammagym.errors import DataError
from gammagym.recording import (
    RecordEpisode,
    RecordEpisodeVector,
    Recorder,
    Recording,
    load_recording,
)
from gammagym.scenario.compile import compile_world
from gammagym.scenario.load import load_scenario
from gammagym.scenario.tasks import get_task
from gammagym.world import fingerprint
from gammagym.world.codes import PARTS

SHORT = {"horizon_seconds": 1200.0}
STEPS = 20
ID = "gammagym/GammaScalp-v0"


def actions(count: int = STEPS, seed: int = 0) -> Any:
    return np.random.default_rng(seed).uniform(-1.0, 1.0, (count, 2)).astype(np.float32)


def record(folder: Path, scenario: Any = "calm", count: int = STEPS, **options: Any) -> Recording:
    """Play an episode of random actions, and read its recording."""
    limits = {key: options.pop(key) for key in ("most_megabytes", "levels") if key in options}
    env = RecordEpisode(gym.make(ID, scenario=scenario, **(SHORT | options)), folder, **limits)
    env.reset(seed=7)
    for action in actions(count):
        if env.step(action)[2]:
            break
    env.close()
    return load_recording(env.written[-1])


def test_recorded_values_are_what_the_environment_returned(tmp_path: Path) -> None:
    env = RecordEpisode(TimeLimit(gym.make(ID, scenario="calm", **SHORT), 10**6), tmp_path)
    observation, info = env.reset(seed=7)
    seen, told, paid = [observation], [info], [np.nan]
    for action in actions():
        observation, reward, _, _, info = env.step(action)
        seen.append(observation)
        told.append(info)
        paid.append(reward)
    steps = load_recording(env.written[0]).steps
    observed = steps.filter(like="observed_").to_numpy(np.float32)
    assert (observed == np.array(seen)).all()
    assert [name.removeprefix("observed_") for name in steps.filter(like="observed_")] == list(
        env.unwrapped.observation_fields
    )
    np.testing.assert_array_equal(steps["reward"], paid)
    np.testing.assert_array_equal(steps[["action_0", "action_1"]][1:], actions())
    assert steps["action_0"][:1].isna().all()
    assert steps["time"].tolist() == [each["time_seconds"] for each in told]
    assert steps["profit"].tolist() == [each["profit"] for each in told]
    assert steps["rejects"].tolist() == [each["rejects"] for each in told]
    for part in PARTS:
        assert steps[f"part_{part}"].tolist() == [each["attribution"][part] for each in told]
    assert steps["return"].iloc[-1] == sum(paid[1:])


@pytest.mark.parametrize("scenario", ["calm", "flash_crash"])
def test_recording_changes_nothing(tmp_path: Path, scenario: str) -> None:
    plain, watched = (gym.make(ID, scenario=scenario, **SHORT) for _ in range(2))
    watched = RecordEpisode(watched, tmp_path)
    for env in (plain, watched):
        env.reset(seed=3)
    for action in actions():
        one, other = plain.step(action), watched.step(action)
        assert one[0].tobytes() == other[0].tobytes()
        assert one[1:] == other[1:]
    worlds = [env.unwrapped.worlds[0] for env in (plain, watched)]
    assert fingerprint(worlds[0]) == fingerprint(worlds[1])


def test_fills_sum_to_the_position_at_every_decision(tmp_path: Path) -> None:
    recording = record(tmp_path, "flash_crash", 600, horizon_seconds=36_000.0)
    fills, instruments = recording.fills, recording.instruments
    traded = fills[fills["instrument"] == "BTC-PERP"]
    assert len(traded) > 100
    held = instruments[instruments["instrument"] == "BTC-PERP"]
    summed = [traded["quantity"][traded["time"] <= time].sum() for time in held["time"]]
    np.testing.assert_allclose(held["position"], summed, atol=1e-9)
    assert held["position"].abs().max() > 0.5
    assert recording.about["lost"] == 0
    last = recording.steps.iloc[-1]
    assert len(traded) == last["taker_fills"] + last["maker_fills"]
    # What a liquidation costs goes to the insurance fund, and is no trading fee.
    ordered = fills["fee"][fills["cause"] == "order"].sum()
    np.testing.assert_allclose(ordered, last["fees"], rtol=1e-9)
    assert recording.about["results"]["liquidations"] > 0


def test_parts_sum_to_the_profit_in_every_row(tmp_path: Path) -> None:
    recording = record(tmp_path)
    parts = recording.steps.filter(like="part_").sum(axis=1)
    stake = recording.about["spec"]["stake"]
    np.testing.assert_allclose(parts, recording.steps["profit"], atol=1e-6 * stake)
    gained = recording.steps["equity"] - recording.steps["equity"][0]
    np.testing.assert_allclose(gained, recording.steps["profit"], atol=1e-6)


def test_book_orders_and_fills_are_those_of_the_market(tmp_path: Path) -> None:
    env = RecordEpisode(gym.make(ID, **SHORT), tmp_path, levels=5)
    env.reset(seed=3)
    spec = env.unwrapped.agent_spec()
    env.step(spec.order(1.0, 1.0))
    for _ in range(3):
        env.step(spec.order(-2.0, -0.3))
    world = env.unwrapped.worlds[0]
    names = env.unwrapped.compiled.instruments
    accounts = tuple(world["agents"][["hedge_account", "book_account"]][0].tolist())
    env.close()
    recording = load_recording(env.written[0])
    last = recording.steps["decision"].iloc[-1]
    own = recording.orders[recording.orders["decision"] == last].reset_index()
    expected = orders_table(world, accounts, names)
    assert len(own) == 1
    for column in ("order_id", "instrument", "side", "price", "quantity", "queue_ahead"):
        assert own[column].tolist() == expected[column].tolist()
    book = recording.book[recording.book["decision"] == last].iloc[0]
    table = book_table(world, 0, 5)
    for side in ("bid", "ask"):
        rows = table[table["side"] == side]
        rows = rows if side == "bid" else rows[::-1]
        found = [book[f"{side}_price_{level}"] for level in range(1, 6)]
        assert found == rows["price"].tolist()
        sizes = [book[f"{side}_quantity_{level}"] for level in range(1, 6)]
        np.testing.assert_allclose(sizes, rows["quantity"], rtol=1e-6)
    fills = fills_table(world, accounts, names)
    assert len(fills) > 0
    for column in ("time", "order_id", "instrument", "quantity", "price", "fee", "maker", "cause"):
        assert recording.fills[column].tolist() == pytest.approx(fills[column].tolist())


def test_an_episode_says_what_it_is(tmp_path: Path) -> None:
    env = RecordEpisode(
        gym.make(ID, scenario="flash_crash", **SHORT), tmp_path, agent="delta_band:band=0.02"
    )
    env.reset(seed=11)
    while not env.step(np.zeros(2, np.float32))[2]:
        pass
    about = load_recording(env.written[0]).about
    assert (about["agent"], about["scenario"], about["seed"], about["status"]) == (
        "delta_band:band=0.02",
        "flash_crash",
        11,
        "ended",
    )
    assert about["task"]["horizon_seconds"] == 1200.0
    assert about["results"] == env.unwrapped.results()
    assert about["spec"]["stake"] == env.unwrapped.agent_spec().stake
    shocks = env.unwrapped.worlds["shocks"][0]
    assert [each["start"] for each in about["hidden_timeline"]] == [
        start / 1e9 for start in shocks["start_ns"][: len(about["hidden_timeline"])]
    ]
    for name in files.TABLES:
        path = env.written[0] / f"{name}.parquet"
        assert json.loads(pq.read_schema(path).metadata[b"gammagym"]) == about
        assert isinstance(pd.read_parquet(path), pd.DataFrame)


def test_hidden_columns_hold_the_truth(tmp_path: Path) -> None:
    env = RecordEpisode(gym.make(ID, scenario="volatility_spike", **SHORT), tmp_path)
    env.reset(seed=7)
    prices = []
    for action in actions():
        env.step(action)
        prices.append(env.unwrapped.worlds["price"]["value"][0])
    steps = load_recording(env.written[0]).steps
    assert steps["hidden_price"][1:].tolist() == prices
    assert steps["hidden_volatility"].max() > 1.2 * steps["hidden_volatility"].min()


@pytest.mark.parametrize(
    ("scenario", "event"), [("data_outage", "data_halted"), ("exchange_outage", "matching_halted")]
)
def test_an_outage_is_an_event_and_a_column(tmp_path: Path, scenario: str, event: str) -> None:
    recording = record(tmp_path, scenario, 1440, horizon_seconds=86_400.0, levels=1)
    events = recording.events[recording.events["event"] == event]
    assert events["value"].tolist() == [1.0, 0.0]
    steps = recording.steps
    during = steps["time"].between(*events["time"], inclusive="left")
    assert (steps[event] == during).all()
    assert during.any()
    halted = steps["observed_halted"]
    assert (halted[during] == 1.0).all()


def test_liquidations_and_refusals_are_events(tmp_path: Path) -> None:
    recording = record(tmp_path, "flash_crash", 1440, horizon_seconds=86_400.0, collateral=0.03)
    results, events = recording.about["results"], recording.events
    assert results["liquidations"] > 0
    changes = events.groupby("event")["change"].sum()
    assert changes["liquidation"] == results["liquidations"]
    assert changes["rejected"] == results["rejects"]
    assert (recording.fills["cause"] == "liquidation").any()


def test_a_long_episode_is_thinned_evenly_and_stays_within_its_limit(tmp_path: Path) -> None:
    recording = record(
        tmp_path, "calm", 2000, decision_interval=1.0, horizon_seconds=2000.0, most_megabytes=1.0
    )
    about, steps = recording.about, recording.steps
    assert about["stride"] >= 4
    assert about["decisions"] == 2000
    assert (np.diff(steps["decision"])[:-1] == about["stride"]).all()
    assert steps["decision"].iloc[-1] == 2000
    assert sum(file.stat().st_size for file in recording.path.iterdir()) <= 1e6
    assert steps.memory_usage(deep=True).sum() <= 1e6
    # What was not kept is not forgotten: sums go on.
    whole = record(tmp_path, "calm", 2000, decision_interval=1.0, horizon_seconds=2000.0)
    assert whole.about["stride"] == 1
    kept = whole.steps[whole.steps["decision"].isin(steps["decision"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, steps)
    pd.testing.assert_frame_equal(whole.fills, recording.fills)


def test_fills_that_the_world_has_forgotten_are_counted(tmp_path: Path) -> None:
    env = RecordEpisode(gym.make(ID, **SHORT), tmp_path)
    env.reset(seed=7)
    worlds = env.unwrapped.worlds
    env.step(np.array([1.0, 1.0], np.float32))
    worlds["fills"]["account"][0] = worlds["agents"]["hedge_account"][0, 0]
    worlds["fill_count"][0] += 100
    env.step(np.zeros(2, np.float32))
    env.close()
    recording = load_recording(env.written[0])
    assert recording.about["lost"] == 100 - worlds["fills"].shape[1]


def test_too_many_fills_are_counted_as_lost() -> None:
    from gammagym.recording.episode import Episode
    from gammagym.recording.looking import FILL

    episode = Episode(1, [], 8 * 10 * FILL.itemsize)
    episode.add_fills(np.zeros(7, FILL), 0)
    episode.add_fills(np.zeros(7, FILL), 2)
    assert episode.lost == 4 + 2


def test_a_write_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: Any) -> None:
    env = RecordEpisode(gym.make(ID, **SHORT), tmp_path)
    env.reset(seed=7)
    env.step(actions(1)[0])
    write, written = pq.write_table, []

    def interrupted(table: Any, path: Path, **options: Any) -> None:
        if len(written) == 3:
            raise KeyboardInterrupt
        written.append(path)
        write(table, path, **options)

    monkeypatch.setattr(pq, "write_table", interrupted)
    with pytest.raises(KeyboardInterrupt):
        env.close()
    assert len(written) == 3
    assert list(tmp_path.iterdir()) == []
    assert env.written == []


def test_an_episode_cut_short_is_written_as_interrupted(tmp_path: Path) -> None:
    env = RecordEpisode(gym.make(ID, **SHORT), tmp_path)
    env.reset(seed=7)
    env.step(actions(1)[0])
    env.reset(seed=8)
    env.reset(seed=9)  # nothing was done with seed 8: there is nothing to keep
    env.step(actions(1)[0])
    env.step(actions(1)[0])
    env.close()
    env.close()
    found = [load_recording(path) for path in env.written]
    assert [path.name for path in env.written] == ["episode_000000", "episode_000001"]
    assert [each.about["seed"] for each in found] == [7, 9]
    assert [each.about["status"] for each in found] == ["interrupted"] * 2
    assert [len(each.steps) for each in found] == [2, 3]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["episode_000000", "episode_000001"]


def test_episodes_are_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "episode_000041").mkdir()
    (tmp_path / "episode_notes").mkdir()
    assert record(tmp_path).path.name == "episode_000042"


@pytest.mark.parametrize("mode", ["NextStep", "SameStep", "Disabled"])
def test_a_world_of_many_is_recorded_as_a_single_one(tmp_path: Path, mode: str) -> None:
    envs = RecordEpisodeVector(
        gym.make_vec(
            ID,
            num_envs=3,
            vectorization_mode="vector_entry_point",
            autoreset_mode=mode,
            scenario="calm",
            **SHORT,
        ),
        tmp_path / "many",
        worlds=[1, 2],
    )
    envs.reset(seed=6)
    for action in actions():
        envs.step(np.tile(action, (3, 1)))
    first = [load_recording(path) for path in envs.written]
    assert [each.about["world"] for each in first] == [1, 2]
    alone = record(tmp_path / "alone")
    assert first[0].about["seed"] == alone.about["seed"] == 7
    for table in files.TABLES:
        pd.testing.assert_frame_equal(getattr(first[0], table), getattr(alone, table))
    assert first[0].about["results"] == alone.about["results"]
    if mode != "Disabled":
        for action in actions(5):
            envs.step(np.tile(action, (3, 1)))
    envs.close()
    again = [load_recording(path).about["decisions"] for path in envs.written[2:]]
    assert again == {"NextStep": [4, 4], "SameStep": [5, 5], "Disabled": []}[mode]


def test_a_second_competitor_can_be_recorded(tmp_path: Path) -> None:
    task = get_task("GammaScalp", **SHORT)
    batch = Batch(compile_world(load_scenario("calm"), task, agents=2), 1)
    recorder = Recorder(batch, tmp_path, competitor=1)
    batch.open(np.zeros(1, np.int64), np.array([7], np.uint64))
    buys = np.zeros((1, 2, 2), np.float32)
    buys[0, 1] = (0.5, 1.0)
    batch.step(buys)
    recorder.close()
    recording = load_recording(recorder.written[0])
    assert recording.about["competitor"] == 1
    assert recording.steps["hedge"].tolist() == [0.0, pytest.approx(1.0)]
    assert recording.steps["action_0"].tolist()[1:] == [0.5]
    assert recording.fills["quantity"].sum() == pytest.approx(1.0)


def test_what_cannot_be_recorded_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="CartPoleEnv is not an environment of gammagym"):
        RecordEpisode(gym.make("CartPole-v1"), tmp_path)
    taken = tmp_path / "file"
    taken.write_text("")
    env = gym.make(ID, **SHORT)
    with pytest.raises(DataError, match="is a file, not a folder"):
        RecordEpisode(env, taken / "below")
    for options, told in (
        ({"levels": 0}, "levels must be from 1 to 50, was 0"),
        ({"most_megabytes": 0.5}, "most_megabytes must be from 1 to 4096, was 0.5"),
    ):
        with pytest.raises(DataError, match=told):
            RecordEpisode(env, tmp_path, **options)
    RecordEpisode(env, tmp_path)
    with pytest.raises(DataError, match="is being recorded already"):
        RecordEpisode(env, tmp_path)


def test_what_is_no_recording_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a recorded episode"):
        load_recording(tmp_path)
    recording = record(tmp_path)
    (recording.path / "fills.parquet").write_bytes(b"half")
    with pytest.raises(DataError, match=r"fills\.parquet: missing or broken"):
        load_recording(recording.path)
    (recording.path / files.ABOUT_FILE).write_text('{"format": 99}')
    with pytest.raises(DataError, match="format 99, this version reads 1"):
        load_recording(recording.path)
