"""A recorded episode on disk: a folder of parquet files, and a JSON file that says what it is.

A folder is written under another name and renamed when it is complete: there is never half of one.
Every parquet file carries the JSON in its metadata too, under the key ``gammagym``.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gammagym.errors import DataError
from gammagym.recording.events import ACCOUNTS, Event
from gammagym.world.codes import FILL_DELEVERAGING, FILL_LIQUIDATION, FILL_ORDERED

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

FORMAT = 1
TABLES = ("steps", "instruments", "book", "orders", "fills", "events")
ABOUT_FILE = "episode.json"
_KEY = b"gammagym"
_SIDES = ("buy", "sell")
_CAUSES = {
    FILL_ORDERED: "order",
    FILL_LIQUIDATION: "liquidation",
    FILL_DELEVERAGING: "deleveraging",
}


@dataclass(frozen=True)
class Recording:
    """An episode that was recorded.

    Attributes:
        path: its folder.
        about: what it is: task, scenario, seed, agent, version, results ...
        steps: one row a decision; row 0 is the start.
        instruments: one row a decision and instrument.
        book: one row a decision and instrument: the best levels.
        orders: the competitor's resting orders, one row a decision and order.
        fills: its trades, oldest first.
        events: what venues announced and what happened to its accounts.
    """

    path: Path
    about: dict[str, Any]
    steps: pd.DataFrame
    instruments: pd.DataFrame
    book: pd.DataFrame
    orders: pd.DataFrame
    fills: pd.DataFrame
    events: pd.DataFrame


def load_recording(path: str | os.PathLike[str]) -> Recording:
    """Read an episode back.

    Args:
        path: its folder, such as ``recordings/episode_000000``.

    Raises:
        DataError: there is none, a file is missing or broken, or it has another format.
    """
    import pandas as pd
    import pyarrow as pa

    folder = Path(path)
    try:
        about = json.loads((folder / ABOUT_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{folder}: not a recorded episode: {error}") from error
    found = about.get("format") if isinstance(about, dict) else None
    if found != FORMAT:
        raise DataError(
            f"{folder / ABOUT_FILE}: format {found!r}, this version reads {FORMAT}: record it anew"
        )
    tables: dict[str, pd.DataFrame] = {}
    for name in TABLES:
        file = folder / f"{name}.parquet"
        try:
            tables[name] = pd.read_parquet(file)
        except (OSError, pa.ArrowException) as error:
            raise DataError(f"{file}: missing or broken: {error}") from error
    return Recording(folder, about, **tables)


def check_folder(folder: Path) -> None:
    """Refuse a folder that cannot be made, before anything is recorded."""
    for each in (folder, *folder.absolute().parents):
        if each.exists():
            if not each.is_dir():
                raise DataError(f"{folder}: {each} is a file, not a folder")
            return


def write_recording(
    folder: Path,
    tables: Mapping[str, NDArray[Any] | list[Event]],
    about: Mapping[str, Any],
    instruments: Sequence[str],
) -> Path:
    """Write an episode into the next free folder; nothing is left if that fails.

    Args:
        folder: where it goes.
        tables: what was recorded (`Episode.tables`).
        about: what it is.
        instruments: names by row.

    Returns:
        The folder of the episode.
    """
    import pyarrow.parquet as pq

    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f".unfinished_{os.getpid()}"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    try:
        text = json.dumps(about, indent=1, default=str)
        for name, rows in tables.items():
            table = _arrow_table(rows, instruments)
            table = table.replace_schema_metadata({**(table.schema.metadata or {}), _KEY: text})
            pq.write_table(table, draft / f"{name}.parquet", compression="zstd")
        (draft / ABOUT_FILE).write_text(text, encoding="utf-8")
        for target in _free_names(folder):
            try:
                draft.rename(target)
            except OSError:
                if not target.exists():
                    raise
                continue  # another process has taken the name
            return target
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    raise AssertionError("there are endless names")


def _free_names(folder: Path) -> Iterator[Path]:
    """Yield names that come after all that are there."""
    taken = [name.removeprefix("episode_") for name in os.listdir(folder)]
    number = max((int(each) for each in taken if each.isdigit()), default=-1)
    while True:
        number += 1
        yield folder / f"episode_{number:06d}"


def _arrow_table(rows: NDArray[Any] | list[Event], instruments: Sequence[str]) -> pa.Table:
    """Return rows as a table, with words where they hold codes."""
    import pyarrow as pa

    if isinstance(rows, list):
        types = (pa.int64(), pa.float64(), pa.string(), pa.string(), pa.float64(), pa.float64())
        columns = list(zip(*rows, strict=True)) or [()] * len(types)
        return pa.table(
            {
                name: pa.array(column, kind)
                for name, column, kind in zip(Event._fields, columns, types, strict=True)
            }
        )
    words: dict[str, Sequence[str]] = {
        "instrument": instruments,
        "side": _SIDES,
        "account": ACCOUNTS,
        "cause": [_CAUSES[code] for code in sorted(_CAUSES)],
    }
    names = rows.dtype.names or ()
    return pa.table({name: _column(rows[name], words.get(name)) for name in names})


def _column(values: NDArray[Any], words: Sequence[str] | None) -> pa.Array:
    import pyarrow as pa

    if words is None:
        return pa.array(np.ascontiguousarray(values))
    codes = pa.array(values.astype(np.int32))
    return pa.DictionaryArray.from_arrays(codes, pa.array(list(words), pa.string()))
