"""Run batches in worker processes: one that dies or hangs loses its batch and nothing else.

Each process is started anew with references only, one thread for each library, and a limit on its
memory. Agents that ship with gammagym share workers; anybody else's code gets workers of its own.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from gammagym.errors import GammagymError
from gammagym.evaluation.plan import Batch, Plan, is_shipped
from gammagym.evaluation.rollout import Episodes, failed_episodes

_START_SECONDS = 300.0
_ONE_THREAD = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_SHIPPED = "the agents that ship with gammagym"
_PACKAGE_FOLDER = str(Path(__file__).resolve().parents[2])
_START = (
    f"import sys; sys.path.append({_PACKAGE_FOLDER!r}); "
    "from gammagym.evaluation.worker import main; main()"
)

Finished = Callable[[Batch, Episodes], None]


@dataclass(frozen=True)
class Limits:
    """What a worker may use.

    Attributes:
        batch_seconds: most wall time for one batch (s).
        memory_bytes: most address space of a process, where the system can limit it, or None.
    """

    batch_seconds: float = 300.0
    memory_bytes: int | None = 8 * 2**30


@dataclass(eq=False)
class _Worker:
    """One process, and what it is doing."""

    owner: str
    process: subprocess.Popen[str]
    errors: Any
    deadline: float
    ready: bool = False
    batch: Batch | None = None
    reader: threading.Thread | None = field(default=None, repr=False)


class Workers:
    """A handful of worker processes.

    Args:
        plan: what the batches belong to.
        jobs: most processes at a time.
        limits: what each may use.
    """

    def __init__(self, plan: Plan, jobs: int, limits: Limits) -> None:
        self._plan = plan
        self._jobs = jobs
        self._limits = limits
        self._workers: list[_Worker] = []
        self._messages: queue.SimpleQueue[tuple[_Worker, str]] = queue.SimpleQueue()

    def run(self, batches: Sequence[Batch], finished: Finished) -> None:
        """Run all batches; `finished` is called for each as it ends, in this thread.

        Raises:
            GammagymError: a worker cannot be started.
        """
        waiting = deque(batches)
        try:
            while waiting or any(worker.batch for worker in self._workers):
                self._assign(waiting)
                self._receive(finished)
        finally:
            for worker in list(self._workers):
                self._stop(worker)

    def _assign(self, waiting: deque[Batch]) -> None:
        """Give waiting batches to idle workers, starting processes where there is room."""
        while waiting:
            owner = _owner(waiting[0])
            idle = [worker for worker in self._workers if worker.batch is None]
            mine = next((worker for worker in idle if worker.owner == owner), None)
            if mine is None and len(self._workers) >= self._jobs:
                if not idle:
                    return
                self._stop(idle[0])
            if mine is None:
                mine = self._start(owner)
            self._give(mine, waiting.popleft())

    def _start(self, owner: str) -> _Worker:
        # Read when the process ends before its time, closed when it is stopped.
        errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", _START],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=os.environ | dict.fromkeys(_ONE_THREAD, "1"),
            text=True,
            encoding="utf-8",
        )
        worker = _Worker(owner, process, errors, time.monotonic() + _START_SECONDS)
        worker.reader = threading.Thread(target=self._read, args=(worker,), daemon=True)
        worker.reader.start()
        self._workers.append(worker)
        _write(worker, {"memory_limit_bytes": self._limits.memory_bytes})
        return worker

    def _read(self, worker: _Worker) -> None:
        """Queue a worker's replies; an empty one is its end."""
        assert worker.process.stdout is not None
        for line in worker.process.stdout:
            self._messages.put((worker, line))
        self._messages.put((worker, ""))

    def _give(self, worker: _Worker, batch: Batch) -> None:
        plan = self._plan
        worker.batch = batch
        if worker.ready:
            worker.deadline = time.monotonic() + self._limits.batch_seconds
        job = {
            "agent": batch.agent,
            "scenario": batch.scenario,
            "task": plan.task,
            "seeds": batch.seeds,
            "price_file": plan.price_file,
            "overrides": dict(plan.overrides),
            "options": dict(plan.options),
            "worlds_at_once": plan.batch,
        }
        _write(worker, job)

    def _receive(self, finished: Finished) -> None:
        """Handle the next reply, or the end of somebody's time."""
        busy = [worker for worker in self._workers if worker.batch]
        first = min(worker.deadline for worker in busy)
        try:
            wait = min(max(first - time.monotonic(), 0.0), 1.0)
            worker, line = self._messages.get(timeout=wait)
        except queue.Empty:
            for late in busy:
                if time.monotonic() > late.deadline:
                    self._give_up(late, finished)
            return
        if worker not in self._workers:
            return
        if not line:
            self._bury(worker, finished)
        elif not worker.ready:
            worker.ready = True
            worker.deadline = time.monotonic() + self._limits.batch_seconds
        elif worker.batch:
            batch, worker.batch = worker.batch, None
            finished(batch, self._episodes(batch, json.loads(line)))

    def _episodes(self, batch: Batch, reply: dict[str, Any]) -> Episodes:
        columns = {name: np.array(each, np.float64) for name, each in reply["columns"].items()}
        seeds = np.array(batch.seeds, np.int64)
        status, reason = tuple(reply["status"]), tuple(reply["reason"])
        return Episodes(
            batch.agent, batch.scenario, self._plan.task, seeds, status, reason, columns
        )

    def _give_up(self, worker: _Worker, finished: Finished) -> None:
        """End a worker whose time is over."""
        if not worker.ready:
            self._stop(worker)
            raise GammagymError(f"a worker process did not start within {_START_SECONDS:g} s")
        self._lose(worker, f"exceeded the time limit of {self._limits.batch_seconds:g} s", finished)

    def _bury(self, worker: _Worker, finished: Finished) -> None:
        """Take note of a process that has ended by itself."""
        code = worker.process.wait()
        if not worker.ready:
            worker.errors.seek(0)
            told = worker.errors.read().strip().splitlines()[-1:]
            self._stop(worker)
            raise GammagymError(f"a worker process did not start: {' '.join(told) or code}")
        self._lose(worker, f"its process ended ({_described(code)})", finished)

    def _lose(self, worker: _Worker, reason: str, finished: Finished) -> None:
        batch = worker.batch
        self._stop(worker)
        if batch is not None:
            seeds = batch.seeds
            lost = failed_episodes(batch.agent, batch.scenario, self._plan.task, seeds, reason)
            finished(batch, lost)

    def _stop(self, worker: _Worker) -> None:
        """Kill a process and forget it."""
        if worker in self._workers:
            self._workers.remove(worker)
        worker.process.kill()
        worker.process.wait()
        for stream in (worker.process.stdin, worker.errors):
            try:
                stream.close() if stream else None
            except OSError:
                continue
        if worker.reader is not None:
            worker.reader.join(timeout=5.0)
        if worker.process.stdout is not None:
            worker.process.stdout.close()


def _owner(batch: Batch) -> str:
    return _SHIPPED if is_shipped(batch.agent) else batch.agent


def _write(worker: _Worker, message: dict[str, Any]) -> None:
    """Send a line; that a process is gone is noticed when its replies end."""
    assert worker.process.stdin is not None
    try:
        worker.process.stdin.write(json.dumps(message) + "\n")
        worker.process.stdin.flush()
    except OSError:
        return


def _described(code: int) -> str:
    """Say how a process ended.

    >>> _described(3)
    'exit code 3'
    """
    if code >= 0:
        return f"exit code {code}"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    return f"{name}, perhaps for lack of memory" if name == "SIGKILL" else name
