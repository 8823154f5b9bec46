"""Rewards of the user's own: a function called after every decision of a batch of worlds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from gammagym.envs.core import InvalidOptionError
from gammagym.envs.kernels.standing import STANDING_COLUMNS, write_standings
from gammagym.errors import RewardError, nearest
from gammagym.scenario.tasks import RewardName


class Standing(NamedTuple):
    """How competitors stand at one moment: arrays of shape (worlds,).

    Profits are after `close_out` once the episode is over, money is in the settlement currency.
    """

    time: NDArray[np.float64]  # since the start of the episode (s)
    time_left: NDArray[np.float64]  # until its end (s)
    profit: NDArray[np.float64]  # change of equity since the start
    relative_profit: NDArray[np.float64]  # hedge's profit less that of the frictionless reference
    risk_penalty: NDArray[
        np.float64
    ]  # variance of the net delta's profit so far (currency squared)
    stake: NDArray[np.float64]  # of the episode
    risk_aversion: NDArray[np.float64]  # the task's, divided by the stake (1 / currency)
    net_delta: NDArray[np.float64]  # of book and hedge (units of the underlying)
    price: NDArray[np.float64]  # mark of the hedge
    turnover: NDArray[np.float64]  # traded of the hedge so far (units)
    is_last: NDArray[np.bool_]  # whether the episode is over


RewardFunction = Callable[[Standing, Standing], Any]


def take_function(reward: Any, options: dict[str, Any]) -> RewardFunction | None:
    """Return a reward that is a function; the name of one becomes an option of the task.

    Raises:
        InvalidOptionError: it is neither.
    """
    if reward is None:
        return None
    if callable(reward):
        return reward
    names = list(get_args(RewardName))
    if reward not in names:
        known = nearest(reward, names) if isinstance(reward, str) else f"known: {', '.join(names)}"
        raise InvalidOptionError(f"reward must be a function or a name, was {reward!r}: {known}")
    options["reward"] = reward
    return None


class Payer:
    """Calls a reward function with how the competitors of a batch stood and how they stand.

    Args:
        function: takes two `Standing`, at the last decision and now, of the worlds that took one;
            returns a number for each of them. It is called once for each competitor of a world.
        count: number of worlds.
        agents: competitors in each.
    """

    def __init__(self, function: RewardFunction, count: int, agents: int) -> None:
        self.function = function
        self._before = np.zeros((count, agents, STANDING_COLUMNS))
        self._now = np.zeros((count, agents, STANDING_COLUMNS))

    def take(self, rows: NDArray[np.int64]) -> Payer:
        """Return what is known of chosen worlds, for copies of them."""
        twin = Payer(self.function, len(rows), self._now.shape[1])
        twin._before[:], twin._now[:] = self._before[rows], self._now[rows]
        return twin

    def begin(self, worlds: NDArray[Any], opened: NDArray[np.bool_]) -> None:
        """Note how competitors stand in worlds that have just been opened."""
        write_standings(worlds, opened, self._before)

    def pay(
        self,
        worlds: NDArray[Any],
        turned: NDArray[np.bool_],
        over: NDArray[np.bool_],
        rewards: NDArray[np.float64],
    ) -> None:
        """Write the rewards of the worlds that took a decision.

        Args:
            worlds: shape (n,).
            turned: which of them took one, shape (n,).
            over: whose episode is over, shape (n,).
            rewards: to write to, shape (n, agents).

        Raises:
            RewardError: the function returned something that is not one finite number a world.
        """
        write_standings(worlds, turned, self._now)
        for row in range(rewards.shape[1]):
            before = self._standing(self._before, turned, row, np.zeros_like(over))
            given = self.function(before, self._standing(self._now, turned, row, over))
            rewards[turned, row] = _checked(given, int(turned.sum()), np.flatnonzero(turned))
        self._before[turned] = self._now[turned]

    def _standing(
        self,
        columns: NDArray[np.float64],
        chosen: NDArray[np.bool_],
        row: int,
        over: NDArray[np.bool_],
    ) -> Standing:
        return Standing._make([*columns[chosen, row].T.copy(), over[chosen]])


def _checked(given: Any, count: int, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return what a reward function gave as numbers, or say what is wrong with it."""
    try:
        rewards = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise RewardError(f"a reward function must return numbers: {error}") from None
    if rewards.shape != (count,):
        raise RewardError(
            f"a reward function must return one number for each of the {count} worlds it is given, "
            f"shape ({count},), was {rewards.shape}"
        )
    wrong = np.flatnonzero(~np.isfinite(rewards))
    if len(wrong) > 0:
        raise RewardError(
            f"a reward function must return finite numbers, was {rewards[wrong[0]]} "
            f"for world {rows[wrong[0]]}"
        )
    return rewards
