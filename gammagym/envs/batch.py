"""An array of worlds with what they are told and what they show: the body of every environment.

Gymnasium's environments, the adapter of stable-baselines3 and the arena differ in how they speak;
what a world does is decided here, once, so that all of them are equal to the bit.
"""

from __future__ import annotations

import functools
import itertools
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from gammagym.envs.core import BOUNDS, Face, face_of
from gammagym.envs.kernels.observe_more import GROUP_STARTS, observe_more
from gammagym.envs.kernels.stepping import (
    ENDED,
    FAILED,
    INFO_COLUMNS,
    OPEN,
    RUNNING,
    STAY,
    STEP,
    turn_worlds,
)
from gammagym.envs.paying import Payer, RewardFunction
from gammagym.market.redraw import redraw_worlds
from gammagym.scenario.compile import Compiled, compile_world
from gammagym.scenario.variants import variants_of
from gammagym.world import capacity_of, copied, empty_worlds
from gammagym.world.codes import PRICE_REPLAY
from gammagym.world.sizes import OBSERVED

Rows = NDArray[np.int64]
# What each world of a batch has of its own beside itself; all else is shared by copies.
_OF_WORLDS = (
    *("kind_of", "observations", "rewards", "infos", "status"),
    *("_no_actions", "_commands", "_seeds"),
)

# Shares of the worlds for each thread, and the fewest worlds of a share.
_SHARES, _FEWEST = 6, 32


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


class Watcher(Protocol):
    """Who is told what a batch does, such as a recorder; it must leave everything as it is."""

    def opened(self, rows: Rows) -> None:
        """Be told that new episodes have begun in some worlds."""
        ...

    def stepped(self, actions: NDArray[np.float32]) -> None:
        """Be told that a decision was taken, before any world that has ended begins anew."""
        ...


class Batch:
    """Worlds of one task, each with the same number of competitors.

    Args:
        compiled: what worlds are copied from; of several scenarios, world i is of the one at
            i % len(compiled).
        count: number of worlds.
        threads: threads that step them.
        reward: a reward function of the user's own, or None for the task's reward by name.

    Attributes:
        kinds: what worlds are copied from.
        kind_of: which of them each world is of, shape (count,).
        face: spaces, and which fields are observed.
        worlds: shape (count,).
        observations: float32, shape (count, agents, fields), as all that follow overwritten by the
            next call.
        rewards: shape (count, agents).
        infos: columns of `stepping.INFO_*`, shape (count, agents, columns).
        status: RUNNING, ENDED or FAILED, shape (count,).
        watcher: who is told of every opening and every step, or None.
    """

    def __init__(
        self,
        compiled: Compiled | Sequence[Compiled],
        count: int,
        threads: int = 1,
        reward: RewardFunction | None = None,
    ) -> None:
        self.kinds = (compiled,) if isinstance(compiled, Compiled) else _alike(compiled)
        self.kind_of = np.arange(count) % len(self.kinds)
        first = self.kinds[0]
        agents = int(first.template["agent_count"][0])
        self.face: Face = face_of(first)
        self.threads = checked_threads(threads)
        self._variants = [variants_of(kind) for kind in self.kinds]
        self._passes = _passes(self.kinds, self.kind_of)
        # Joining arrays would make a dtype of their own, which costs 40 us to recognise each time.
        self.worlds: NDArray[Any] = empty_worlds(count, capacity_of(first.template))
        for row, kind in enumerate(self.kinds):
            self.worlds[self.kind_of == row] = kind.template[0]
        self.observations = np.zeros((count, agents, len(self.face.rows)), np.float32)
        self.rewards = np.zeros((count, agents))
        self.infos = np.zeros((count, agents, INFO_COLUMNS))
        self.status = np.full(count, ENDED, np.int64)
        self.watcher: Watcher | None = None
        self._no_actions = np.zeros((count, agents, self.face.action_size), np.float32)
        self._commands = np.full(count, STAY, np.int64)
        self._seeds = np.zeros(count, np.uint64)
        further = self.face.rows[self.face.rows >= OBSERVED] - OBSERVED
        places = np.searchsorted(GROUP_STARTS, further, side="right") - 1
        self._groups = np.isin(np.arange(len(GROUP_STARTS)), places).astype(np.int64)
        self._has_further = bool(self._groups.any())
        self._payer = Payer(reward, count, agents) if reward is not None else None

    def open(self, rows: Rows, seeds: NDArray[np.uint64]) -> None:
        """Start new episodes in the chosen worlds, each with its seed."""
        if len(rows) == 0:
            return
        for kind, variants in enumerate(self._variants):
            here = self.kind_of[rows] == kind
            variants.write(self.worlds, rows[here], seeds[here])
        self._seeds[rows] = seeds
        self._commands[:] = STAY
        self._commands[rows] = OPEN
        self._turn(self._no_actions)
        if self._payer is not None:
            self._payer.begin(self.worlds, self._commands == OPEN)
        if self.watcher is not None:
            self.watcher.opened(rows)

    def step(self, actions: NDArray[np.float32]) -> None:
        """Let every competitor of every world that runs take one decision.

        Args:
            actions: float32, contiguous and finite, shape (count, agents, numbers of an action).
        """
        over = self.status != RUNNING
        self._commands[:] = STEP
        if np.count_nonzero(over):
            self._commands[over] = STAY
            self.rewards[over] = 0.0
        self._turn(actions)
        if self._payer is not None:
            paid = ~over & (self.status != FAILED)
            if paid.any():
                self._payer.pay(self.worlds, paid, self.status != RUNNING, self.rewards)
        if self.watcher is not None:
            self.watcher.stepped(actions)

    @property
    def reward(self) -> RewardFunction | None:
        """The user's own reward function, or None."""
        return None if self._payer is None else self._payer.function

    def kind(self, row: int) -> Compiled:
        """Return what a world is copied from."""
        return self.kinds[self.kind_of[row]]

    def variant(self, row: int, seed: int) -> dict[str, Any]:
        """Return what a seed draws from the ranges of a world's scenario, by dotted key."""
        columns = self._variants[self.kind_of[row]].values(np.array([seed], np.uint64))
        return {key: column.tolist()[0] for key, column in columns.items()}

    def drawn(self) -> dict[str, NDArray[Any]]:
        """Return what each world's seed drew from the ranges of its scenario, by dotted key.

        Worlds whose scenario has no such range have NaN there, or None where it is no number.
        """
        columns: dict[str, NDArray[Any]] = {}
        for kind, variants in enumerate(self._variants):
            here = self.kind_of == kind
            for key, column in variants.values(self.worlds["seed"][here]).items():
                if key not in columns:
                    nothing = np.nan if column.dtype == np.float64 else None
                    columns[key] = np.full(len(self.worlds), nothing, column.dtype)
                columns[key][here] = column
        return columns

    def take(self, rows: Rows) -> Batch:
        """Return copies of chosen worlds as they are now, as a batch of its own.

        Args:
            rows: which worlds, in their new order, shape (k,); one may be taken several times.
        """
        twin = object.__new__(Batch)
        twin.__dict__.update(self.__dict__)
        twin.worlds = copied(self.worlds, rows)
        for name in _OF_WORLDS:
            setattr(twin, name, getattr(self, name)[rows])
        twin._passes = _passes(twin.kinds, twin.kind_of)
        twin._payer = None if self._payer is None else self._payer.take(rows)
        twin.watcher = None
        return twin

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        # What was pickled comes back with a dtype of its own, see above.
        self.worlds = copied(self.worlds)

    def __deepcopy__(self, memo: dict[int, Any]) -> Batch:
        return self.take(np.arange(len(self.worlds)))

    def redraw(self, rows: Rows, numbers: NDArray[np.uint64]) -> None:
        """Let all that is random in chosen worlds happen otherwise from now on.

        Args:
            rows: which worlds, shape (k,).
            numbers: what each is reseeded with, shape (k,).
        """
        for tape, mask in self._passes:
            here = slice(None) if mask is None else mask[rows]
            redraw_worlds(self.worlds, tape, rows[here], numbers[here])

    def _turn(self, actions: NDArray[np.float32]) -> None:
        """Let worlds do what they are told; several threads share them."""
        for tape, mask in self._passes:
            commands = self._commands if mask is None else np.where(mask, self._commands, STAY)
            columns = (
                *(self.worlds, commands, self._seeds, actions),
                *(self.observations, self.rewards, self.infos, self.status),
            )
            if self.threads == 1:
                self._turn_share(tape, *columns)
            else:
                turn = functools.partial(self._turn_slice, tape, columns)
                # In more shares than threads: whoever is done first takes another one.
                shares = max(self.threads, min(_SHARES * self.threads, len(self.worlds) // _FEWEST))
                bounds = np.linspace(0, len(self.worlds), shares + 1).astype(int).tolist()
                pieces = [slice(*pair) for pair in itertools.pairwise(bounds)]
                list(_workers(self.threads).map(turn, pieces))

    def _turn_slice(
        self, tape: NDArray[np.float64], columns: Sequence[NDArray[Any]], share: slice
    ) -> None:
        self._turn_share(tape, *(column[share] for column in columns))

    def _turn_share(
        self,
        tape: NDArray[np.float64],
        worlds: NDArray[Any],
        commands: NDArray[np.int64],
        seeds: NDArray[np.uint64],
        actions: NDArray[np.float32],
        observations: NDArray[np.float32],
        rewards: NDArray[np.float64],
        infos: NDArray[np.float64],
        status: NDArray[np.int64],
    ) -> None:
        rows = self.face.rows
        turn_worlds(
            *(worlds, tape, commands, seeds, actions, BOUNDS, rows),
            *(observations, rewards, infos, status),
        )
        if self._has_further:
            observe_more(worlds, commands, self._groups, BOUNDS, rows, observations)


def _alike(kinds: Sequence[Compiled]) -> tuple[Compiled, ...]:
    """Return compiled scenarios with tables of one size, that of the largest."""
    capacities = [capacity_of(kind.template) for kind in kinds]
    largest = max(capacities, key=lambda capacity: capacity.orders)
    return tuple(
        kind
        if capacity == largest
        else compile_world(kind.scenario, kind.task, kind.competitors, largest)
        for kind, capacity in zip(kinds, capacities, strict=True)
    )


def _passes(
    kinds: Sequence[Compiled], kind_of: NDArray[np.int64]
) -> list[tuple[NDArray[np.float64], NDArray[np.bool_] | None]]:
    """Return the tapes that worlds need, each with a mask of its worlds; None: all of them.

    Only a replay reads its tape, so all others can share one.
    """
    replays = [int(kind.template["price"]["model"][0]) == PRICE_REPLAY for kind in kinds]
    tapes: dict[int, tuple[NDArray[np.float64], list[int]]] = {}
    for row, kind in enumerate(kinds):
        key = id(kind.tape) if replays[row] else 0
        tapes.setdefault(key, (kind.tape, []))[1].append(row)
    if len(tapes) == 1:
        return [(kinds[0].tape, None)]
    return [(tape, np.isin(kind_of, rows)) for tape, rows in tapes.values()]
