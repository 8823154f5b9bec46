"""Random actions in every scenario, task and action scheme, and what must hold in all of them.

    python benchmarks/endurance.py [--steps 1000000] [--scenario calm] [--task GammaScalp]
        [--scheme discrete] [--interval 60] [--worlds 4]

A run is one scenario and one task; action schemes, with the options of the book traded and not,
intervals and rewards take turns from run to run, unless one is named. With `--task GammaScalp
--interval 1 --worlds 64 --steps 45000000` there are a million steps in every scenario.

After every step: observations are finite and inside their space, rewards and infos are finite, the
parts of the profit sum to the change of equity within 1e-6 of the stake, money is conserved to the
unit and positions sum to zero. At the end of each episode of constant volatility the residual is
less than 0.5 % of the absolute gamma profit. Ends with 1 if anything was found.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, get_args

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from gammagym.envs.vector import HedgeVectorEnv
from gammagym.errors import GammagymError, ScenarioError
from gammagym.fields import ALL_FIELDS
from gammagym.scenario.load import list_scenarios
from gammagym.scenario.tasks import TASKS, ActionScheme
from gammagym.world.codes import COIN, PART_GAMMA, PART_RESIDUAL, PARTS, PRICE_GBM, QUOTE
from gammagym.world.sizes import QUANTA

# Few worlds, so that short runs get far into their episodes, to where timelines happen.
WORLDS = 4
HORIZON_SECONDS = 14_400.0
# Of a run: the interval of its decisions (s), the rewards they are paid by, how they are taken.
INTERVALS = (1.0, 60.0, 5.0, 20.0)
REWARDS = ("relative", "equity", "risk", "sharpe", "utility", "terminal")
PARTS_TOLERANCE = 1e-6
RESIDUAL_SHARE = 0.005
SCHEMES: tuple[str, ...] = get_args(ActionScheme)
# Scenarios name venues of linear contracts, which are not what this task is about.
VENUES = {"InverseGammaScalp": {"venue": "deribit", "book_venue": "deribit"}}
EVERY_FIELD = tuple(one.name for one in ALL_FIELDS)


@dataclass
class Found:
    """What a run has found: steps taken, the largest deviations, and what was wrong."""

    steps: int = 0
    seconds: float = 0.0
    parts: float = 0.0  # largest difference of parts and profit, in stakes
    residual: float = 0.0  # largest share of absolute gamma profit, constant volatility only
    failures: int = 0  # worlds that ended truncated
    wrong: list[str] = field(default_factory=list[str])

    def note(self, what: str) -> None:
        """Note something wrong, the first few of a run."""
        if len(self.wrong) < 5:
            self.wrong.append(f"step {self.steps}: {what}")


def is_plain(envs: HedgeVectorEnv) -> bool:
    """Return whether volatility is constant: geometric Brownian motion and nothing else."""
    world = envs.compiled.template[0]
    quiet = world["shock_count"] == 0 and world["bucket_count"] == 0 and world["hedger_count"] == 0
    return bool(
        quiet
        and world["price"]["model"] == PRICE_GBM
        and world["price"]["activity_sigma"] == 0
        and not world["surface"]["shaped"]
    )


def check_money(worlds: NDArray[Any], found: Found) -> None:
    """Check that no money was made or lost, and that positions sum to zero."""
    for currency in (QUOTE, COIN):
        there = money(worlds, currency)
        for row in np.flatnonzero(there != worlds["deposits"][:, currency]):
            found.note(f"world {row}: {there[row]} quanta of {worlds['deposits'][row, currency]}")
    held = worlds["positions"]["quantity_lots"].sum(axis=1)
    if held.any():
        found.note(f"positions do not cancel in worlds {np.unique(held.nonzero()[0])[:4]}")


def money(worlds: NDArray[Any], currency: int) -> NDArray[np.int64]:
    """Return all money of a currency: cash less what positions were entered at (quanta)."""
    settles = worlds["instruments"]["currency"] == currency
    entries = worlds["positions"]["entry_quanta"].sum(axis=1)
    return worlds["cash"][:, :, currency].sum(axis=1) - np.where(settles, entries, 0).sum(axis=1)


def check_step(envs: HedgeVectorEnv, results: tuple[Any, ...], found: Found) -> None:
    """Check what a step returned."""
    observations, rewards, _, truncated, infos = results
    space = envs.single_observation_space
    if not np.isfinite(observations).all():
        names = np.array(envs.observation_fields)[~np.isfinite(observations).all(axis=0)]
        found.note(f"not finite: {', '.join(names[:4])}")
    elif not ((observations >= space.low) & (observations <= space.high)).all():  # type: ignore[attr-defined]
        found.note("an observation outside its space")
    if not np.isfinite(rewards).all():
        found.note("a reward that is not finite")
    parts = sum(infos["attribution"][part] for part in PARTS)
    agents = envs.worlds["agents"][:, 0]
    scale = np.maximum(agents["stake"], 1.0)
    off = np.abs(parts - infos["profit"]) / scale
    if not np.isfinite(off).all():
        found.note("an info that is not finite")
    found.parts = max(found.parts, float(off.max()))
    if off.max() > PARTS_TOLERANCE:
        found.note(f"parts are {off.max():.2e} stakes off the profit")
    found.failures += int(truncated.sum())


def rounding(worlds: NDArray[Any]) -> NDArray[np.float64]:
    """Return what whole quanta may add to a residual, shape (worlds,) (currency).

    A mark is off by half a quantum a lot at the end of an episode, and where it began; what is
    paid for a fill, and its fee, by a quantum each.
    """
    accounts, handed = worlds["accounts"], worlds["agents"]["handed_lots"][:, 0]
    mine = accounts["agent"] == 0
    lots = (np.abs(worlds["positions"]["quantity_lots"]) * mine[..., None]).sum(axis=1)
    fills = ((accounts["taker_fills"] + accounts["maker_fills"]) * mine).sum(axis=1)
    in_coin = worlds["instruments"]["currency"] == COIN
    worth = np.where(in_coin, worlds["price"]["value"][:, None], 1.0)  # of a quantum
    marks = 0.5 * (lots + np.abs(handed)) * worth
    return (marks.sum(axis=1) + 2.0 * fills * worth.max(axis=1)) / QUANTA


def check_residual(worlds: NDArray[Any], gamma: NDArray[Any], found: Found) -> None:
    """Check the residual of episodes against their absolute gamma profit."""
    residual = np.abs(worlds["agents"]["parts"][:, 0, PART_RESIDUAL]) - rounding(worlds)
    shares = residual / np.maximum(gamma, 1e-9)
    has_gamma = gamma > 0
    if has_gamma.any():
        found.residual = max(found.residual, float(shares[has_gamma].max()))
        if found.residual > RESIDUAL_SHARE:
            found.note(f"a residual of {found.residual:.2%} of the absolute gamma profit")


def open_envs(scenario: str, task: str, count: int, given: dict[str, Any]) -> HedgeVectorEnv:
    """Return worlds of a few hours, or of the task's horizon where the timeline needs more."""
    options: dict[str, Any] = {"observation_fields": EVERY_FIELD} | given
    options["autoreset_mode"] = AutoresetMode.DISABLED
    try:
        horizon: dict[str, Any] = {"horizon_seconds": HORIZON_SECONDS}
        return HedgeVectorEnv(count, task, scenario, **(horizon | options))
    except ScenarioError:
        return HedgeVectorEnv(count, task, scenario, **options)


def random_actions(random: np.random.Generator, space: gym.Space[Any], count: int) -> Any:
    """Return an action for each world; numbers also beyond what an action space holds."""
    if isinstance(space, gym.spaces.Discrete):
        return random.integers(0, space.n, count)
    if isinstance(space, gym.spaces.MultiDiscrete):
        return random.integers(0, space.nvec, (count, len(space.nvec)))
    assert space.shape is not None
    return random.uniform(-1.2, 1.2, (count, *space.shape)).astype(np.float32)


def endure(scenario: str, task: str, steps: int, seed: int, **options: Any) -> Found:
    """Play random actions and return what was found.

    Args:
        scenario: name of a scenario.
        task: name of a task.
        steps: decisions in all worlds together, at least.
        seed: of worlds and actions.
        **options: of the environment.
    """
    found, count = Found(), int(options.pop("worlds", WORLDS))
    envs = open_envs(scenario, task, count, options)
    random = np.random.default_rng(seed)
    plain, start = is_plain(envs), time.perf_counter()
    gamma = np.zeros(count)
    for episode in itertools.count():
        if found.steps >= steps:
            break
        envs.reset(seed=seed + count * episode)
        gamma[:], before = 0.0, np.zeros(count)
        over = np.zeros(count, np.bool_)
        while not over.any() and found.steps < steps:
            results = envs.step(random_actions(random, envs.single_action_space, count))
            found.steps += count
            check_step(envs, results, found)
            check_money(envs.worlds, found)
            now = envs.worlds["agents"]["parts"][:, 0, PART_GAMMA]
            gamma += np.abs(now - before)
            before = now.copy()
            over = results[2] | results[3]
        if plain:
            check_residual(envs.worlds, gamma, found)
    found.seconds = time.perf_counter() - start
    return found


def has_options(task: str) -> bool:
    """Return whether there are options in the book of a task."""
    return any(leg.kind in ("call", "put") for leg in TASKS[task].book)


def runs(arguments: argparse.Namespace) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield scenario, task and options of every run; intervals, rewards and actions take turns."""
    scenarios = [arguments.scenario] if arguments.scenario else list_scenarios()
    tasks = [arguments.task] if arguments.task else list(TASKS)
    for row, scenario in enumerate(scenarios):
        for column, task in enumerate(tasks):
            turn = row + column  # so that every task meets everything, whatever the lengths
            options = {
                "decision_interval": arguments.interval or INTERVALS[turn % len(INTERVALS)],
                "reward": REWARDS[turn % len(REWARDS)],
                "action_scheme": arguments.scheme or SCHEMES[turn % len(SCHEMES)],
                "trade_options": has_options(task) and turn % 7 < 3,
            }
            yield scenario, task, options | VENUES.get(task, {})


def main() -> None:
    """Run everything and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=1_000_000, help="of all runs together")
    parser.add_argument("--scenario", help="one scenario only")
    parser.add_argument("--task", choices=list(TASKS), help="one task only")
    parser.add_argument("--scheme", choices=SCHEMES, help="one action scheme only")
    parser.add_argument("--interval", type=float, help="of decisions in all runs (s)")
    parser.add_argument("--worlds", type=int, default=WORLDS, help="of a run, side by side")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    plan = list(runs(arguments))
    head = f"{'scenario':22} {'task':18} {'actions':18} {'every':>5} {'reward':9}"
    print(f"{head} {'steps':>8} {'seconds':>7} {'parts':>8} {'residual':>8} failed")
    total, wrong = 0, 0
    for scenario, task, options in plan:
        every, reward = options["decision_interval"], options["reward"]
        scheme = options["action_scheme"] + (" + options" if options["trade_options"] else "")
        line = f"{scenario:22} {task:18} {scheme:18} {every:5.0f} {reward:9}"
        try:
            steps = -(-arguments.steps // len(plan))
            found = endure(
                scenario, task, steps, arguments.seed, worlds=arguments.worlds, **options
            )
        except GammagymError as error:
            print(f"{line} refused: {error}", flush=True)
            continue
        total, wrong = total + found.steps, wrong + len(found.wrong)
        residual = f"{found.residual:8.3%}" if found.residual > 0 else f"{'':8}"
        print(
            f"{line} {found.steps:8,} {found.seconds:7.1f} {found.parts:8.1e} {residual} "
            f"{found.failures:6}",
            flush=True,
        )
        for what in found.wrong:
            print(f"    {what}", flush=True)
    print(f"{total:,} steps, {wrong} found wrong")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
