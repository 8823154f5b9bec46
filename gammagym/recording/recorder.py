"""Record what happens in chosen worlds of a batch, decision by decision.

The recorder is told by the batch itself, after every decision and before any world begins anew: so
it serves every environment, whatever is wrapped around it and however its worlds restart, and it
cannot change what they do.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gammagym.envs.batch import Batch
from gammagym.envs.core import agent_spec, episode_results
from gammagym.envs.kernels.stepping import ENDED, FAILED, RUNNING
from gammagym.errors import DataError
from gammagym.recording.episode import Episode, Look
from gammagym.recording.events import EventWatch
from gammagym.recording.files import FORMAT, check_folder, write_recording
from gammagym.recording.looking import (
    look_at_books,
    look_at_fills,
    look_at_instruments,
    look_at_orders,
    look_at_state,
    step_dtype,
)
from gammagym.world import codes

_STATUS = {RUNNING: "interrupted", ENDED: "ended", FAILED: "failed"}
_SHOCKS = {
    getattr(codes, name): name.removeprefix("SHOCK_").lower()
    for name in dir(codes)
    if name.startswith("SHOCK_")
}
_LEAST_MEGABYTES, _MOST_MEGABYTES = 1.0, 4096.0
_MOST_LEVELS = 50


class Recorder:
    """Writes the episodes of some worlds of a batch into a folder, one folder for each.

    Args:
        batch: the worlds of an environment (``env.unwrapped.batch``).
        folder: where episodes go, as ``episode_000000`` and so on; never overwritten.
        worlds: rows of the batch that are recorded.
        competitor: which competitor of them.
        agent: who acts, as the recording shall say.
        levels: levels of each side of every book.
        most_megabytes: most that one episode takes, in memory and in files.

    Attributes:
        written: folders of the episodes written so far.

    Raises:
        DataError: a world, competitor, folder or limit that cannot be.
    """

    def __init__(
        self,
        batch: Batch,
        folder: str | os.PathLike[str],
        *,
        worlds: Sequence[int] = (0,),
        competitor: int = 0,
        agent: str = "",
        levels: int = 10,
        most_megabytes: float = 16.0,
    ) -> None:
        competitors = int(batch.kinds[0].template["agent_count"][0])
        _check("worlds", worlds, 0, len(batch.worlds) - 1)
        _check("competitor", [competitor], 0, competitors - 1)
        _check("levels", [levels], 1, _MOST_LEVELS)
        _check("most_megabytes", [most_megabytes], _LEAST_MEGABYTES, _MOST_MEGABYTES)
        if batch.watcher is not None:
            raise DataError("the environment is being recorded already: close that recorder first")
        self.folder = Path(folder)
        check_folder(self.folder)
        self.written: list[Path] = []
        self._batch, self._competitor, self._agent = batch, competitor, agent
        self._levels, self._limit = levels, most_megabytes * 1e6
        self._dtype = step_dtype(batch.face.fields, int(np.prod(batch.face.action_shape)))
        self._episodes: dict[int, Episode | None] = dict.fromkeys(worlds)
        self._watches = {
            world: EventWatch(competitor, self._venues(world), batch.kind(world).instruments)
            for world in worlds
        }
        batch.watcher = self

    def opened(self, rows: NDArray[np.int64]) -> None:
        """Begin an episode in recorded worlds that have been opened; one under way ends here."""
        for row in self._episodes.keys() & set(rows.tolist()):
            self._finish(row, RUNNING, {})
            world = self._batch.worlds[row]
            episode = self._episodes[row] = Episode(
                int(world["seed"]), _timeline(world), self._limit
            )
            episode.seen_fills = int(world["fill_count"])
            self._watches[row].start(world)
            nothing = np.full(self._batch.face.action_shape, np.nan, np.float32)
            episode.add_look(self._look(row, episode, nothing))

    def stepped(self, actions: NDArray[np.float32]) -> None:
        """Look at recorded worlds after a decision; write the episodes that have ended.

        Args:
            actions: shape (worlds, agents, numbers of an action).
        """
        for row, episode in self._episodes.items():
            if episode is None:
                continue
            world = self._batch.worlds[row]
            episode.decisions += 1
            episode.total_reward += float(self._batch.rewards[row, self._competitor])
            fills, lost = look_at_fills(world, self._competitor, episode.seen_fills)
            episode.seen_fills = int(world["fill_count"])
            episode.add_fills(fills, lost)
            episode.add_events(self._watches[row].changes(world, episode.decisions))
            episode.add_look(self._look(row, episode, actions[row, self._competitor]))
            status = int(self._batch.status[row])
            if status != RUNNING:
                self._finish(row, status, self._results(row))

    def close(self) -> None:
        """Write episodes that are under way, and record no more."""
        if self._batch.watcher is self:
            self._batch.watcher = None
        for row in self._episodes:
            self._finish(row, RUNNING, {})

    def _look(self, row: int, episode: Episode, action: NDArray[np.float32]) -> Look:
        """Look at everything that is kept of a world at one decision."""
        batch, competitor, decision = self._batch, self._competitor, episode.decisions
        world = batch.worlds[row]
        books = look_at_books(world, self._levels, decision)
        step = np.array(
            [
                (
                    decision,
                    int(world["time_ns"]) / 1e9,
                    float(batch.rewards[row, competitor]) if decision else np.nan,
                    episode.total_reward,
                    *action.ravel().tolist(),
                    *batch.observations[row, competitor].tolist(),
                    *look_at_state(world, competitor, books),
                    *world["agents"]["parts"][competitor].tolist(),
                )
            ],
            self._dtype,
        )
        return Look(
            decision,
            step,
            look_at_instruments(world, competitor, books),
            books,
            look_at_orders(world, competitor, decision),
        )

    def _finish(self, row: int, status: int, results: Mapping[str, Any]) -> None:
        """Write the episode of a world, if there is one with a decision in it."""
        episode = self._episodes[row]
        self._episodes[row] = None
        if episode is None or episode.decisions == 0:
            return
        about = self._constants(row) | {
            "seed": episode.seed,
            "world": row,
            "status": _STATUS[status],
            "decisions": episode.decisions,
            "stride": episode.stride,
            "lost": episode.lost,
            "return": episode.total_reward,
            "results": dict(results),
            "variant": self._batch.variant(row, episode.seed),
            "written": datetime.now(UTC).isoformat(timespec="seconds"),
            "hidden_timeline": episode.timeline,
        }
        instruments = self._batch.kind(row).instruments
        self.written.append(write_recording(self.folder, episode.tables(), about, instruments))

    def _results(self, row: int) -> dict[str, Any]:
        columns = episode_results(self._batch.worlds[row : row + 1])
        return {key: column[0].item() for key, column in columns.items()}

    def _venues(self, row: int) -> list[str]:
        """Return names of the venues that the competitor of a world has accounts at, by row."""
        compiled = self._batch.kind(row)
        world = compiled.template[0]
        agent = world["agents"][self._competitor]
        names = {int(world["accounts"]["venue"][agent["book_account"]]): "book venue"}
        names[int(world["accounts"]["venue"][agent["hedge_account"]])] = compiled.venue.name
        return [names.get(row, f"venue {row}") for row in range(max(names) + 1)]

    def _constants(self, row: int) -> dict[str, Any]:
        """Return what all episodes of a world have in common."""
        import gammagym

        compiled = self._batch.kind(row)
        return {
            "format": FORMAT,
            "gammagym": gammagym.__version__,
            "agent": self._agent,
            "competitor": self._competitor,
            "task": asdict(compiled.task),
            "scenario": compiled.scenario.name,
            "venue": compiled.venue.name,
            "instruments": list(compiled.instruments),
            "observation_fields": list(self._batch.face.fields),
            "levels": self._levels,
            "spec": asdict(agent_spec(compiled)),
            "scenario_values": compiled.scenario.model_dump(mode="json", exclude_defaults=True),
        }


def _timeline(world: Any) -> list[dict[str, Any]]:
    """Return the scenario's events, at the times that the seed has given them."""
    return [
        {
            "kind": _SHOCKS[int(shock["kind"])],
            "start": int(shock["start_ns"]) / 1e9,
            "ramp": int(shock["ramp_ns"]) / 1e9,
            "hold": int(shock["hold_ns"]) / 1e9,
            "recovery": int(shock["recovery_ns"]) / 1e9 if shock["recovery_ns"] >= 0 else None,
            "magnitude": float(shock["magnitude"]),
        }
        for shock in world["shocks"][: world["shock_count"]]
    ]


def _check(name: str, values: Sequence[float], low: float, high: float) -> None:
    """Refuse what is outside of its range."""
    for value in values:
        if not low <= value <= high:
            raise DataError(f"recording: {name} must be from {low:g} to {high:g}, was {value!r}")
