"""A tournament's worker process: reads batches as lines of JSON, writes what became of them.

The parent starts it anew (nothing is forked), with one thread for each library. What agents print
goes nowhere, so that it cannot spoil the replies; when the parent is gone, the worker ends at once.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import sys
import threading
from typing import Any, TextIO


def main() -> None:
    """Serve batches until the parent closes standard input."""
    with contextlib.suppress(ValueError, AttributeError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    commands, replies = _own_streams()
    settings = json.loads(commands.readline())
    _limit_memory(settings.get("memory_limit_bytes"))
    from gammagym.evaluation import rollout as runner

    jobs: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    _send(replies, {"ready": True})
    _silence()
    threading.Thread(target=_listen, args=(commands, jobs), daemon=True).start()
    while True:
        job = jobs.get()
        options = job.pop("options")
        try:
            episodes = runner.rollout(**job, **options)
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            episodes = runner.failed_episodes(
                job["agent"], job["scenario"], job["task"], job["seeds"], reason
            )
        columns = {name: column.tolist() for name, column in episodes.columns.items()}
        _send(replies, {"status": episodes.status, "reason": episodes.reason, "columns": columns})


def _own_streams() -> tuple[TextIO, TextIO]:
    """Take standard input and output for the parent; agents find them empty."""
    commands = os.fdopen(os.dup(0), "r", encoding="utf-8")
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    return commands, replies


def _silence() -> None:
    """Drop what is written as an error from now on: until here it explains a failed start."""
    sys.stderr.flush()
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 2)


def _limit_memory(limit_bytes: int | None) -> None:
    """Limit the address space, where the system can."""
    if limit_bytes is None or sys.platform == "win32":
        return
    import resource

    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (limit_bytes, limit_bytes))


def _listen(commands: TextIO, jobs: queue.SimpleQueue[dict[str, Any]]) -> None:
    """Pass batches on; end the process, whatever it does, when the parent has gone."""
    for line in commands:
        jobs.put(json.loads(line))
    os._exit(0)


def _send(replies: TextIO, message: dict[str, Any]) -> None:
    replies.write(json.dumps(message) + "\n")
    replies.flush()
