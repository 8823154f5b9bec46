"""Results in one SQLite file: every finished batch is there at once and for good.

A batch is written in one transaction, so a process that is killed at any moment leaves a readable
file with all finished batches. Episodes are kept by agent, scenario, task, seed and *fingerprint*
(a digest of everything else they depend on), so running a plan again runs only what is missing, and
results of other options lie beside each other.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from gammagym.errors import DataError
from gammagym.evaluation.rollout import DONE, Episodes

SCHEMA_VERSION = 1
FILE_NAME = "results.sqlite"
_APPLICATION_ID = 0x67616D6D  # "gamm": tells our files from other SQLite files
_KEYS = ("agent", "scenario", "task", "fingerprint", "seed", "status", "reason", "run")
_TABLES = """
CREATE TABLE schema (version INTEGER NOT NULL);
CREATE TABLE runs (
    run INTEGER PRIMARY KEY,
    version TEXT NOT NULL,
    command TEXT NOT NULL,
    plan TEXT NOT NULL,
    started TEXT NOT NULL,
    finished TEXT
);
CREATE TABLE episodes (
    agent TEXT NOT NULL,
    scenario TEXT NOT NULL,
    task TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    seed INTEGER NOT NULL,
    status TEXT NOT NULL,
    reason TEXT NOT NULL,
    run INTEGER NOT NULL REFERENCES runs,
    PRIMARY KEY (agent, scenario, task, fingerprint, seed)
);
"""


@dataclass(frozen=True)
class Run:
    """One start of a tournament.

    Attributes:
        number: counted from 1.
        version: version of gammagym.
        command: how it was started.
        plan: what was to be run, as plain values.
        started: date and time, UTC.
        finished: date and time, UTC; None if it did not come to its end.
    """

    number: int
    version: str
    command: str
    plan: dict[str, Any]
    started: str
    finished: str | None


class ResultStore:
    """A file of results.

    Args:
        path: the file.
        create: make it if there is none; else a missing file is an error.

    Raises:
        DataError: it is missing, or is not a file of results of this version.

    >>> with ResultStore(":memory:") as store:
    ...     store.runs()
    []
    """

    def __init__(self, path: str | os.PathLike[str], *, create: bool = True) -> None:
        self.path = Path(path)
        if not create and not self.path.is_file():
            raise DataError(f"{self.path}: there is no such file of results")
        try:
            self._connection = sqlite3.connect(self.path, timeout=30.0, isolation_level=None)
            try:
                self._open()
            except (sqlite3.Error, DataError):
                self.close()
                raise
        except sqlite3.Error as error:
            raise DataError(f"{self.path}: not a file of results: {error}") from error

    def _open(self) -> None:
        names = [row[0] for row in self._query("SELECT name FROM sqlite_master")]
        if not names:
            self._connection.execute("BEGIN IMMEDIATE")
            for statement in _TABLES.split(";"):
                self._connection.execute(statement)
            self._connection.execute("INSERT INTO schema VALUES (?)", (SCHEMA_VERSION,))
            self._connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            self._connection.execute("COMMIT")
        if self._query("PRAGMA application_id")[0][0] != _APPLICATION_ID:
            raise DataError(f"{self.path}: an SQLite file, but not one of gammagym's results")
        version = self._query("SELECT version FROM schema")[0][0]
        if version != SCHEMA_VERSION:
            raise DataError(
                f"{self.path}: written in format {version}, this version reads {SCHEMA_VERSION}: "
                "choose another folder with --out"
            )

    def __enter__(self) -> ResultStore:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def start_run(self, version: str, command: str, plan: Mapping[str, Any]) -> int:
        """Note that a run begins; returns its number."""
        cursor = self._connection.execute(
            "INSERT INTO runs (version, command, plan, started) VALUES (?, ?, ?, ?)",
            (version, command, json.dumps(plan), _now()),
        )
        return int(cursor.lastrowid or 0)

    def finish_run(self, run: int) -> None:
        """Note that a run came to its end."""
        self._connection.execute("UPDATE runs SET finished = ? WHERE run = ?", (_now(), run))

    def runs(self) -> list[Run]:
        """Return all runs, the oldest first."""
        rows = self._query(
            "SELECT run, version, command, plan, started, finished FROM runs ORDER BY run"
        )
        return [Run(row[0], row[1], row[2], json.loads(row[3]), row[4], row[5]) for row in rows]

    def add(self, run: int, fingerprint: str, episodes: Episodes) -> None:
        """Write a batch of episodes, all or none.

        Args:
            run: number of the run.
            fingerprint: digest of what the episodes depend on.
            episodes: what became of them.
        """
        names = list(episodes.columns)
        marks = ", ".join("?" * (len(_KEYS) + len(names)))
        columns = ", ".join(_quoted(name) for name in (*_KEYS, *names))
        rows = [
            (
                episodes.agent,
                episodes.scenario,
                episodes.task,
                fingerprint,
                int(episodes.seeds[index]),
                episodes.status[index],
                episodes.reason[index],
                run,
                *(float(episodes.columns[name][index]) for name in names),
            )
            for index in range(len(episodes.seeds))
        ]
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            self._add_columns(names)
            self._connection.executemany(
                f"INSERT OR REPLACE INTO episodes ({columns}) VALUES ({marks})", rows
            )
            self._connection.execute("COMMIT")
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise

    def _add_columns(self, names: Iterable[str]) -> None:
        known = {row[1] for row in self._query("PRAGMA table_info(episodes)")}
        for name in names:
            if name not in known:
                self._connection.execute(f"ALTER TABLE episodes ADD COLUMN {_quoted(name)} REAL")

    def finished_seeds(self, agent: str, scenario: str, task: str, fingerprint: str) -> set[int]:
        """Return the seeds whose episodes are in the file, failed ones included."""
        rows = self._query(
            "SELECT seed FROM episodes "
            "WHERE agent = ? AND scenario = ? AND task = ? AND fingerprint = ?",
            (agent, scenario, task, fingerprint),
        )
        return {row[0] for row in rows}

    def episodes(self, agent: str, scenario: str, task: str, fingerprint: str) -> Episodes:
        """Return one agent's episodes in one scenario, by seed."""
        names = [row[1] for row in self._query("PRAGMA table_info(episodes)")]
        rows = self._query(
            "SELECT * FROM episodes WHERE agent = ? AND scenario = ? AND task = ? "
            "AND fingerprint = ? ORDER BY seed",
            (agent, scenario, task, fingerprint),
        )
        table = {name: [row[place] for row in rows] for place, name in enumerate(names)}
        columns = {
            name: np.array([np.nan if each is None else each for each in table[name]], np.float64)
            for name in names
            if name not in _KEYS
        }
        return Episodes(
            agent,
            scenario,
            task,
            np.array(table["seed"], np.int64),
            tuple(table["status"]),
            tuple(table["reason"]),
            columns,
        )

    def count(self, status: str = DONE) -> int:
        """Return how many episodes of a status the file holds."""
        return self._query("SELECT COUNT(*) FROM episodes WHERE status = ?", (status,))[0][0]

    def table(self) -> Any:
        """Return all episodes as a `pandas.DataFrame`, sorted by agent, scenario and seed."""
        import pandas as pd

        cursor = self._connection.execute(
            "SELECT * FROM episodes ORDER BY agent, scenario, task, fingerprint, seed"
        )
        names = [column[0] for column in cursor.description]
        return pd.DataFrame(cursor.fetchall(), columns=pd.Index(names))

    def export(self, path: str | os.PathLike[str]) -> None:
        """Write all episodes to a CSV or parquet file.

        Args:
            path: ends in ``.csv`` or ``.parquet``.

        Raises:
            DataError: another ending, or the folder is missing.
        """
        export_table(self.table(), path)

    def _query(self, statement: str, values: tuple[Any, ...] = ()) -> list[Any]:
        return self._connection.execute(statement, values).fetchall()


def export_table(table: Any, path: str | os.PathLike[str]) -> None:
    """Write a `pandas.DataFrame` to a CSV or parquet file, whole or not at all.

    Args:
        table: the data frame.
        path: ends in ``.csv`` or ``.parquet``.

    Raises:
        DataError: another ending, or the folder is missing.
    """
    target = Path(path)
    check_export_path(target)
    part = target.with_name(f".{target.name}.part")
    if target.suffix == ".csv":
        table.to_csv(part, index=False)
    else:
        table.to_parquet(part, index=False)
    part.replace(target)


def check_export_path(path: str | os.PathLike[str]) -> None:
    """Refuse a path that `export_table` cannot write to."""
    target = Path(path)
    if target.suffix not in (".csv", ".parquet"):
        raise DataError(f"{target}: the name must end in .csv or .parquet")
    if not target.parent.is_dir():
        raise DataError(f"{target}: there is no folder {target.parent}")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
