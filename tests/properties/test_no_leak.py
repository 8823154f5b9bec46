"""Nobody sees the future or what is hidden: worlds that differ in nothing else look the same.

Every test compares all fields of the observation, rewards and infos of pairs of worlds, and each
kind of comparison is shown to find a leak that is planted in it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gammagym.envs.core import BOUNDS
from gammagym.envs.kernels.observe import observe
from gammagym.envs.kernels.observe_more import GROUP_STARTS, observe_more
from gammagym.envs.kernels.stepping import STEP
from gammagym.fields import ALL_FIELDS
from gammagym.market.price import redraw_path
from gammagym.market.streams import open_streams
from gammagym.scenario.tasks import TASKS, RewardName

REWARDS = get_args(RewardName)
SHORT: dict[str, Any] = {
    "horizon_seconds": 1_200.0,
    "decision_interval": 20.0,
    "observation_fields": tuple(field.name for field in ALL_FIELDS),
}
# The second at which futures part, between two decisions; decisions before it, and in all.
PARTING, BEFORE, STEPS = 590.0, 29, 40
Look = Callable[[Any], list[float]]


def opened(
    make_worlds: Any, task: str, scenario: Any = "calm", seed: int = 6, **options: Any
) -> Any:
    return make_worlds(scenario, task, 1, seed, **SHORT | options)


def action(run: Any, random: np.random.Generator) -> Any:
    return random.uniform(-1, 1, (1, *run.batch.face.action_shape))


def shown(run: Any) -> list[Any]:
    """Return all that an agent is given after a step."""
    return [run.observations[0].tolist(), run.rewards.tolist(), run.batch.infos[0].tolist()]


def look(run: Any) -> list[float]:
    """Return what would be observed now; what looking changes, it changes in a copy."""
    worlds, rows = run.worlds.copy(), run.batch.face.rows
    seen = np.zeros((1, 1, len(rows)), np.float32)
    observe(worlds[0], 0, BOUNDS, rows, seen[0, 0])
    groups = np.ones(len(GROUP_STARTS), np.int64)
    observe_more(worlds, np.array([STEP]), groups, BOUNDS, rows, seen)
    return seen[0, 0].tolist()


def peek_ahead(run: Any) -> list[float]:
    """Look, and see the next price in place of the last one: a leak."""
    price = run.worlds["price"][0]
    return [*look(run), float(price["ahead"] / price["index"])]


def peek_at_timeline(run: Any) -> list[Any]:
    """See also how many events the timeline still has: a leak."""
    starts = run.worlds["shocks"]["start_ns"][0, : int(run.worlds["shock_count"][0])]
    return [*shown(run), int((starts > run.worlds["time_ns"][0]).sum())]


# --- Another future from now on --------------------------------------------------------------


def redraw(run: Any, number: int) -> None:
    """Give the world another future, from its next random draw on."""
    run.worlds["fork"] = number
    open_streams(run.worlds[0])
    redraw_path(run.worlds[0], run.tape)


def parts_with_its_future(make_worlds: Any, see: Look, task: str, **options: Any) -> None:
    """Check that worlds whose futures part now look the same now, and differ later."""
    number, steps = options.pop("number", 5), options.pop("steps", 4)
    pair = [opened(make_worlds, task, **options) for _ in range(2)]
    random = np.random.default_rng(1)
    for _ in range(steps):
        wish = action(pair[0], random)
        assert len({repr(shown(one)) for one in pair if one.step(wish) is not None}) == 1
    redraw(pair[1], number)
    assert see(pair[0]) == see(pair[1])
    for _ in range(3):
        wish = action(pair[0], random)
        for one in pair:
            one.step(wish)
    assert pair[0].observations.tolist() != pair[1].observations.tolist()


@pytest.mark.parametrize("reward", REWARDS)
@pytest.mark.parametrize("task", TASKS)
def test_a_future_drawn_anew_is_not_seen_before_it_comes(make_worlds, task, reward):
    parts_with_its_future(make_worlds, look, task, reward=reward)


@settings(max_examples=25)
@given(
    seed=st.integers(0, 2**31),
    number=st.integers(1, 2**31),
    steps=st.integers(0, 12),
    scenario=st.sampled_from(["calm", "flash_crash", "smile", "trending", "high_volatility"]),
)
def test_no_moment_of_any_market_shows_its_future(make_worlds, seed, number, steps, scenario):
    parts_with_its_future(
        make_worlds, look, "GammaScalp", scenario=scenario, seed=seed, number=number, steps=steps
    )


def test_a_price_seen_one_tick_ahead_would_be_found(make_worlds):
    with pytest.raises(AssertionError):
        parts_with_its_future(make_worlds, peek_ahead, "GammaScalp")


# --- Another future from the start -----------------------------------------------------------

SHOCKS: dict[str, dict[str, Any]] = {
    "price": {"move": "-10%", "ramp": "5s"},
    "spread": {"multiple": 10.0},
    "depth": {"multiple": 0.1},
    "outage": {"what": "matching", "hold": "2min"},
    "latency": {"multiple": 100.0},
    "fees": {"taker": "0.1%"},
    "implied_volatility": {"multiple": 2.0},
    "volatility": {"multiple": 4.0},
}


def compare_to_the_parting(one: Any, other: Any, see: Callable[[Any], list[Any]] = shown) -> None:
    """Check that two worlds show the same until they part, and something else afterwards."""
    random = np.random.default_rng(2)
    differ = False
    for step in range(STEPS):
        wish = action(one, random)
        one.step(wish)
        other.step(wish)
        if step < BEFORE:
            assert see(one) == see(other), f"decision {step}"
        differ = differ or see(one) != see(other)
    assert differ


def with_shock(make_worlds: Any, task: str, kind: str, **options: Any) -> list[Any]:
    """Return a calm world, and one with an event that begins later; a timeline has short ticks."""
    shock = {"kind": kind, "at": f"{PARTING}s"} | SHOCKS[kind]
    return [
        opened(make_worlds, task, overrides={"shocks": shocks, "price.tick": "1s"}, **options)
        for shocks in ([], [shock])
    ]


@pytest.mark.parametrize("reward", REWARDS)
@pytest.mark.parametrize("task", TASKS)
def test_an_event_that_begins_later_is_not_seen_before(make_worlds, task, reward):
    compare_to_the_parting(*with_shock(make_worlds, task, "price", reward=reward))


@pytest.mark.parametrize("kind", SHOCKS)
def test_no_kind_of_event_is_seen_before_it_begins(make_worlds, kind):
    compare_to_the_parting(*with_shock(make_worlds, "GammaScalp", kind))


def test_a_look_at_the_timeline_would_be_found(make_worlds):
    pair = with_shock(make_worlds, "GammaScalp", "price")
    with pytest.raises(AssertionError, match="decision 0"):
        compare_to_the_parting(*pair, peek_at_timeline)


@pytest.mark.parametrize("task", TASKS)
def test_recorded_prices_that_come_later_are_not_seen_before(make_worlds, task, tmp_path):
    path = tmp_path / "prices.csv"
    steps = np.random.default_rng(1).normal(0.0, 5e-4, 61)
    lines = [f"{60 * row},{value:.2f}" for row, value in enumerate(6e4 * np.exp(steps.cumsum()))]
    path.write_text("\n".join(["timestamp,price", *lines]))
    keys = {"price.file": str(path), "price.offset_mode": "start"}
    pair = [opened(make_worlds, task, "replay", overrides=keys) for _ in range(2)]
    price = pair[0].worlds["price"][0]
    tape = pair[1].tape.copy()
    first = int(price["tape_start_ns"] + PARTING * 1e9) // int(price["tape_step_ns"]) + 1
    tape[first:] *= 1.05
    pair[1].batch._passes = [(tape, None)]
    # On the way to the first price that differs, prices differ: it begins a step before it.
    reached = (first - 1) * int(price["tape_step_ns"]) - int(price["tape_start_ns"])
    random = np.random.default_rng(2)
    differ = False
    for _ in range(STEPS):
        wish = action(pair[0], random)
        for one in pair:
            one.step(wish)
        same = shown(pair[0]) == shown(pair[1])
        if pair[0].worlds["time_ns"][0] <= reached:
            assert same
        differ = differ or not same
    assert differ


# --- What is hidden --------------------------------------------------------------------------

# Of the price, what an exchange publishes or an account is valued at; the rest is hidden.
PUBLIC_PRICE = ("index", "previous_index", "coin_quanta", "tick_ns", "next_tick_ns")
HIDDEN = ("seed", "fork", "keys", "flows", "shocks", "surface", "customers", "leverage", "buckets")
HIDDEN += ("hedgers", "arbitrageurs", "option_makers", "messages", "fills", "watched_ids")


def scramble(table: Any, random: np.random.Generator) -> None:
    """Fill a table, and all that is in it, with other numbers."""
    if table.dtype.names is not None:
        for name in table.dtype.names:
            scramble(table[name], random)
    elif table.dtype.kind == "f":
        table[...] = random.uniform(0.5, 2.0, table.shape)
    else:
        table[...] = random.integers(0, 3, table.shape)


def hide_other_things(run: Any) -> None:
    """Change all that is hidden of a world, and nothing that is public."""
    random, worlds = np.random.default_rng(3), run.worlds.view(np.ndarray)
    for name in HIDDEN:
        scramble(worlds[name], random)
    for name in worlds["price"].dtype.names:
        if name not in PUBLIC_PRICE:
            scramble(worlds["price"][name], random)
    agent = worlds["agents"][0, 0]
    for account in range(int(worlds["account_count"][0])):
        if account not in (agent["book_account"], agent["hedge_account"]):
            for name in ("cash", "positions", "accounts"):
                scramble(worlds[name][0, account : account + 1], random)
    for name in ("reference_units", "reference_price", "reference_profit"):
        worlds["agents"][name] = 5.0


def check_hidden(make_worlds: Any, see: Look, task: str, scenario: str) -> None:
    run = opened(make_worlds, task, scenario=scenario)
    random = np.random.default_rng(4)
    for _ in range(10):
        run.step(action(run, random))
    before = see(run)
    hide_other_things(run)
    assert see(run) == before


@pytest.mark.parametrize("scenario", ["calm", "flash_crash", "smile", "trending"])
@pytest.mark.parametrize("task", TASKS)
def test_what_is_hidden_is_not_seen(make_worlds, task, scenario):
    check_hidden(make_worlds, look, task, scenario)


def test_a_look_at_what_is_hidden_would_be_found(make_worlds):
    with pytest.raises(AssertionError):
        check_hidden(make_worlds, peek_ahead, "GammaScalp", "calm")
