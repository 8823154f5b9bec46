"""An array of worlds with what they are told and what they show: the body of every environment.

Gymnasium's environments, the adapter of stable-baselines3 and the arena differ in how they speak;
what a world does is decided here, once, so that all of them are equal to the bit.
"""

from __future__ import annotations

import copy
import functools
import itertools
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from gammagym.envs.core import BOUNDS, Face, face_of
from gammagym.envs.kernels.stepping import (
    ENDED,
    INFO_COLUMNS,
    OPEN,
    STAY,
    STEP,
    turn_worlds,
)
from gammagym.market.redraw import redraw_worlds
from gammagym.scenario.compile import Compiled
from gammagym.scenario.variants import variants_of

Rows = NDArray[np.int64]
# What each world of a batch has of its own; all else is shared by copies.
_OF_WORLDS = (
    *("worlds", "observations", "rewards", "infos", "status"),
    *("_no_actions", "_commands", "_seeds"),
)


def checked_threads(threads: int) -> int:
    """Return a number of threads this machine can run, or say how many it can."""
    most = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not 1 <= threads <= most:
        raise gym.error.Error(f"threads must be from 1 to {most}, was {threads}")
    return threads


@functools.cache
def _workers(threads: int) -> ThreadPoolExecutor:
    """Return threads that live as long as the process; kernels let go of Python's lock."""
    return ThreadPoolExecutor(threads, thread_name_prefix="gammagym")


class Batch:
    """Worlds of one scenario and task, each with the same number of competitors.

    Args:
        compiled: what worlds are copied from.
        count: number of worlds.
        threads: threads that step them.

    Attributes:
        face: spaces, and which fields are observed.
        worlds: shape (count,).
        observations: float32, shape (count, agents, fields), as all that follow overwritten by the
            next call.
        rewards: shape (count, agents).
        infos: columns of `stepping.INFO_*`, shape (count, agents, columns).
        status: RUNNING, ENDED or FAILED, shape (count,).
    """

    def __init__(self, compiled: Compiled, count: int, threads: int = 1) -> None:
        agents = int(compiled.template["agent_count"][0])
        self.compiled = compiled
        self.face: Face = face_of(compiled)
        self.threads = checked_threads(threads)
        self.variants = variants_of(compiled)
        self.worlds: NDArray[Any] = np.repeat(compiled.template, count)
        self.observations = np.zeros((count, agents, len(self.face.rows)), np.float32)
        self.rewards = np.zeros((count, agents))
        self.infos = np.zeros((count, agents, INFO_COLUMNS))
        self.status = np.full(count, ENDED, np.int64)
        self._no_actions = np.zeros((count, agents, *self.face.action_shape), np.float32)
        self._commands = np.full(count, STAY, np.int64)
        self._seeds = np.zeros(count, np.uint64)

    def open(self, rows: Rows, seeds: NDArray[np.uint64]) -> None:
        """Start new episodes in the chosen worlds, each with its seed."""
        if len(rows) == 0:
            return
        self.variants.write(self.worlds, rows, seeds)
        self._seeds[rows] = seeds
        self._commands[:] = STAY
        self._commands[rows] = OPEN
        self._turn(self._no_actions)

    def step(self, actions: NDArray[np.float32]) -> None:
        """Let every competitor of every world that runs take one decision.

        Args:
            actions: float32, contiguous and finite, shape (count, agents, numbers of an action).
        """
        self._commands[:] = STEP
        self._turn(actions)

    def take(self, rows: Rows) -> Batch:
        """Return copies of chosen worlds as they are now, as a batch of its own.

        Args:
            rows: which worlds, in their new order, shape (k,); one may be taken several times.
        """
        twin = copy.copy(self)
        for name in _OF_WORLDS:
            setattr(twin, name, getattr(self, name)[rows])
        return twin

    def __deepcopy__(self, memo: dict[int, Any]) -> Batch:
        return self.take(np.arange(len(self.worlds)))

    def redraw(self, rows: Rows, numbers: NDArray[np.uint64]) -> None:
        """Let all that is random in chosen worlds happen otherwise from now on.

        Args:
            rows: which worlds, shape (k,).
            numbers: what each is reseeded with, shape (k,).
        """
        redraw_worlds(self.worlds, self.compiled.tape, rows, numbers)

    def _turn(self, actions: NDArray[np.float32]) -> None:
        """Let worlds do what they are told; on several threads, each takes its share of them."""
        if self.threads == 1:
            self._turn_share(actions, slice(None))
            return
        bounds = np.linspace(0, len(self.worlds), self.threads + 1).astype(int).tolist()
        shares = [slice(*pair) for pair in itertools.pairwise(bounds)]
        list(_workers(self.threads).map(functools.partial(self._turn_share, actions), shares))

    def _turn_share(self, actions: NDArray[np.float32], share: slice) -> None:
        turn_worlds(
            self.worlds[share],
            self.compiled.tape,
            self._commands[share],
            self._seeds[share],
            actions[share],
            BOUNDS,
            self.face.rows,
            self.observations[share],
            self.rewards[share],
            self.infos[share],
            self.status[share],
        )
