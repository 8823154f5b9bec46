"""The file of results: batches survive anything, are not run twice, and can be exported."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gammagym.errors import DataError
from gammagym.evaluation.rollout import DONE, FAILED, Episodes, failed_episodes
from gammagym.evaluation.store import ResultStore

WRITER = """
import sys
import numpy as np
from gammagym.evaluation.rollout import Episodes
from gammagym.evaluation.store import ResultStore

store = ResultStore(sys.argv[1])
run = store.start_run("0", "", {})
for batch in range(1_000_000):
    seeds = np.arange(50 * batch, 50 * batch + 50)
    episodes = Episodes("a", "calm", "T", seeds, ("done",) * 50, ("",) * 50, {"cost": seeds * 0.5})
    store.add(run, "f", episodes)
    print(batch, flush=True)
"""


def made(seeds: list[int], agent: str = "a", scenario: str = "calm") -> Episodes:
    count = len(seeds)
    columns = {"cost": np.array(seeds) / 7, "profit": -np.array(seeds) / 3}
    numbers = np.array(seeds, np.int64)
    return Episodes(agent, scenario, "T", numbers, (DONE,) * count, ("",) * count, columns)


def test_episodes_come_back_to_the_bit(tmp_path: Path) -> None:
    with ResultStore(tmp_path / "r.sqlite") as store:
        store.add(store.start_run("1", "command", {"x": 1}), "f", made([3, 1, 2]))
    with ResultStore(tmp_path / "r.sqlite", create=False) as store:
        found = store.episodes("a", "calm", "T", "f")
        assert found.seeds.tolist() == [1, 2, 3]
        assert found.columns["cost"].tolist() == [1 / 7, 2 / 7, 3 / 7]
        assert store.finished_seeds("a", "calm", "T", "f") == {1, 2, 3}
        assert store.finished_seeds("a", "calm", "T", "other") == set()
        assert store.runs()[0].plan == {"x": 1}
        assert store.runs()[0].finished is None


def test_failed_episodes_keep_their_reason_and_have_no_numbers(tmp_path: Path) -> None:
    with ResultStore(tmp_path / "r.sqlite") as store:
        run = store.start_run("1", "", {})
        store.add(run, "f", made([0]))
        store.add(run, "f", failed_episodes("a", "calm", "T", [1], "it  raised\na thing"))
        found = store.episodes("a", "calm", "T", "f")
        assert found.status == (DONE, FAILED)
        assert found.reason == ("", "it raised a thing")
        assert np.isnan(found.columns["cost"]).tolist() == [False, True]
        assert (store.count(), store.count(FAILED)) == (1, 1)


def test_a_new_column_is_empty_for_older_episodes(tmp_path: Path) -> None:
    with ResultStore(tmp_path / "r.sqlite") as store:
        run = store.start_run("1", "", {})
        store.add(run, "f", made([0]))
        wider = made([1])
        wider.columns['with "quotes"'] = np.array([5.0])
        store.add(run, "f", wider)
        column = store.episodes("a", "calm", "T", "f").columns['with "quotes"']
        assert np.isnan(column[0])
        assert column[1] == 5.0


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_killed_writer_leaves_all_finished_batches(tmp_path: Path) -> None:
    path = tmp_path / "r.sqlite"
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        told = [int(writer.stdout.readline()) for _ in range(20)]
        writer.send_signal(signal.SIGKILL)
    with ResultStore(path, create=False) as store:
        seeds = store.finished_seeds("a", "calm", "T", "f")
        assert set(range(50 * (told[-1] + 1))) <= seeds
        assert len(seeds) % 50 == 0
        store.add(1, "f", made([10**9]))
        assert store.count() == len(seeds) + 1


def test_a_broken_batch_is_not_written_in_part(tmp_path: Path) -> None:
    with ResultStore(tmp_path / "r.sqlite") as store:
        run = store.start_run("1", "", {})
        broken = made([1, 2, 3])
        broken.columns["cost"] = np.array([1.0, 2.0])
        with pytest.raises(IndexError):
            store.add(run, "f", broken)
        assert store.count() == 0
        store.add(run, "f", made([1]))
        assert store.count() == 1


@pytest.mark.parametrize("name", ["out.csv", "out.parquet"])
def test_an_export_holds_everything(tmp_path: Path, name: str) -> None:
    with ResultStore(tmp_path / "r.sqlite") as store:
        run = store.start_run("1", "", {})
        store.add(run, "f", made([0, 1, 2]))
        store.add(run, "f", failed_episodes("b,c", "calm", "T", [0], 'says "no"'))
        store.export(tmp_path / name)
        expected = store.table()
    read = pd.read_csv if name.endswith("csv") else pd.read_parquet
    found = read(tmp_path / name)
    found["reason"] = found["reason"].fillna("")
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)
    assert {each.name for each in tmp_path.iterdir()} == {"r.sqlite", name}


def test_an_export_elsewhere_is_refused(tmp_path: Path) -> None:
    with ResultStore(tmp_path / "r.sqlite") as store:
        with pytest.raises(DataError, match=r"\.csv or \.parquet"):
            store.export(tmp_path / "out.xlsx")
        with pytest.raises(DataError, match="no folder"):
            store.export(tmp_path / "missing" / "out.csv")


def test_other_files_are_refused_and_left_alone(tmp_path: Path) -> None:
    text = tmp_path / "text.sqlite"
    text.write_text("this is no database, but it is long enough to look like one " * 20)
    other = tmp_path / "other.sqlite"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE things (x)")
    connection.commit()
    connection.close()
    before = other.read_bytes()
    for path in (text, other, tmp_path / "missing.sqlite"):
        with pytest.raises(DataError, match=path.name):
            ResultStore(path, create=False)
    assert other.read_bytes() == before


def test_another_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "r.sqlite"
    ResultStore(path).close()
    connection = sqlite3.connect(path)
    connection.execute("UPDATE schema SET version = 99")
    connection.commit()
    connection.close()
    with pytest.raises(DataError, match="format 99"):
        ResultStore(path)
