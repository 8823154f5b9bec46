"""Planning by looking ahead: what actions are worth on average over futures that are drawn anew.

A fork has all that is hidden in a world, the state of its price process among it, so a planner is
*privileged*: a yardstick for agents, which see observations only, and no entry of a leaderboard.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gammagym.envs.single import HedgeEnv

Values = NDArray[np.float64]


def values_of(
    env: HedgeEnv, actions: NDArray[np.float32], futures: int, decisions: int, reseed: int = 0
) -> Values:
    """Return what each action is worth: the mean sum of rewards if nothing is done after it.

    All actions meet the same futures, so that their values differ by what they do. Forks of the
    environment are reseeded: none of the futures is the one that will come. What an action earns by
    the luck of where the price goes in them is taken off (a control variate), as a hedger does not
    bet on it.

    Args:
        env: where an episode is under way; it stays as it is, but for `forked`.
        actions: what to choose from, shape (k, numbers of an action).
        futures: how many futures each meets.
        decisions: how far to look ahead.
        reseed: number of the first future; another one for each decision draws others.

    Returns:
        values, shape (k,).

    >>> env = HedgeEnv("ShortGamma", "textbook", horizon_seconds=3600.0)
    >>> _ = env.reset(seed=7)
    >>> sell, wait, buy = values_of(env, np.array([[-1, 1], [0, 0], [1, 1]], np.float32), 8, 5)
    >>> bool(wait > max(sell, buy))  # the book is neutral yet
    True
    """
    numbers = list(range(reseed, reseed + futures))
    copies = env.fork_many(numbers * len(actions))
    chosen = np.repeat(np.asarray(actions, np.float32), futures, axis=0)
    first_price = float(env.worlds["price"]["value"][0])
    total = np.zeros(len(chosen))
    going_on = np.ones(len(chosen), np.bool_)
    for _ in range(decisions):
        _, rewards, ended, failed, _ = copies.step(chosen)
        total += np.where(going_on, rewards, 0.0)
        going_on &= ~(ended | failed)
        if not going_on.any():
            break
        chosen = np.zeros_like(chosen)
    moves = (copies.worlds["price"]["value"] - first_price).reshape(len(actions), futures)
    return _without_luck(total.reshape(len(actions), futures), moves)


def _without_luck(rewards: Values, moves: Values) -> Values:
    """Return mean rewards by action, shape (k,), less what they owe to the mean move of the price.

    Args:
        rewards: shape (k, futures).
        moves: of the price, shape (k, futures).
    """
    centred = moves - moves.mean(axis=1, keepdims=True)
    variance = (centred**2).mean(axis=1)
    slope = (centred * rewards).mean(axis=1) / np.where(variance > 0.0, variance, 1.0)
    return rewards.mean(axis=1) - slope * moves.mean(axis=1)
