"""What environments show: the ladder as text, and pictures of it."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.wrappers import RenderCollection

from gammagym.api.tables import book_table
from gammagym.envs.font import HEIGHT, WIDTH, dots
from gammagym.envs.frames import _GAIN, _OWN, FRAME_SHAPE, FramePainter
from gammagym.envs.ladder import ladder_of
from gammagym.world.codes import BUY, NO_TERMS

ID = "gammagym/GammaScalp-v0"
SHORT = {"horizon_seconds": 3600.0}
NOTHING = np.zeros(2, np.float32)


def resting(mode: str | None) -> Any:
    """An environment whose agent has bought one unit and bids for another at the touch."""
    env = gym.make(ID, scenario="calm", render_mode=mode, **SHORT)
    env.reset(seed=1)
    spec = env.unwrapped.agent_spec()
    env.step(spec.order(1.0, 1.0))
    env.step(spec.order(1.0, -1.0))
    return env


def test_the_ladder_is_the_book_with_own_orders_in_it() -> None:
    world = resting(None).unwrapped.worlds[0]
    ladder, table = ladder_of(world, 5), book_table(world, 0, 5)
    for side, rungs in (("ask", ladder.asks[::-1]), ("bid", ladder.bids[:5])):
        rows = table[table["side"] == side]
        assert [rung.price for rung in rungs] == rows["price"].tolist()
        assert [rung.quantity for rung in rungs] == rows["quantity"].tolist()
    own = [rung for rung in ladder.bids if rung.own]
    assert [rung.own for rung in own] == [1.0]
    assert own[0].quantity >= own[0].own
    assert ladder.position == pytest.approx(1.0)
    agent = world["agents"][0]
    assert ladder.net_delta == pytest.approx(agent["book_delta"] + 1.0)


def test_the_text_marks_every_own_order_with_its_size() -> None:
    env = resting("ansi")
    world = env.unwrapped.worlds[0]
    # A second order: one of the crowd's, at another price, is given to the agent.
    orders = world["orders"]
    mine = (orders["live"] == 1) & (orders["owner"] == world["agents"]["hedge_account"][0])
    best = world["levels"][world["books"]["best"][0, BUY]]
    row = int(best["first"])
    assert not mine[row]
    assert orders["terms"][row] == NO_TERMS
    orders["owner"][row] = world["agents"]["hedge_account"][0]
    marked = [line for line in env.render().splitlines() if "<- yours" in line]
    assert len(marked) == 2
    price = best["price_ticks"] * world["instruments"]["tick_size"][0]
    size = orders["quantity_lots"][row] * world["instruments"]["lot_quantity"][0]
    assert f"{price:.2f}" in marked[0]
    assert marked[0].endswith(f"<- yours: {size:.3f}")
    assert marked[1].endswith("<- yours: 1.000")
    assert "position +1.000" in env.render().splitlines()[-1]


def test_a_picture_shows_own_orders_in_their_own_color() -> None:
    frame = resting("rgb_array").render()
    assert frame.shape == (*FRAME_SHAPE, 3)
    assert frame.dtype == np.uint8
    assert (frame == _OWN).all(axis=-1).any()
    env = gym.make(ID, scenario="calm", render_mode="rgb_array", **SHORT)
    env.reset(seed=1)
    assert not (env.render() == _OWN).all(axis=-1).any()


def test_lines_go_through_the_moments_painted_and_start_anew_with_the_episode() -> None:
    env = gym.make(ID, scenario="calm", **SHORT)
    painter = FramePainter()
    lit = []
    for seed in (1, 1):
        env.reset(seed=seed)
        for _ in range(10):
            env.step(NOTHING)
            frame = painter.paint(env.unwrapped.worlds[0])
            lit.append(_columns_of_the_mid(frame))
    assert all(np.diff(lit[:10]) > 0)
    assert lit[10] < lit[9]
    assert lit[10:] == lit[:10]
    again = painter.paint(env.unwrapped.worlds[0])
    assert (again == frame).all()


def _columns_of_the_mid(frame: Any) -> int:
    """Return how many columns of the upper chart, below its title, the line of the mid reaches."""
    blue = (frame[70:220, 324:712] == (125, 190, 255)).all(axis=-1)
    return int(blue.any(axis=0).sum())


def test_a_bought_unit_is_marked_on_the_path() -> None:
    env = gym.make(ID, scenario="calm", render_mode="rgb_array", **SHORT)
    env.reset(seed=1)
    env.render()
    env.step(NOTHING)
    assert not (env.render()[40:232] == _GAIN).all(axis=-1).any()
    env.step(env.unwrapped.agent_spec().order(1.0))
    assert (env.render()[40:232] == _GAIN).all(axis=-1).sum() == 25


def test_every_letter_is_told_from_every_other() -> None:
    letters = "%+,-./0123456789:=ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    drawn = {dots(letter, 1).tobytes() for letter in letters}
    assert len(drawn) == len(letters)
    assert all(not dots(letter, 1)[:, -1].any() for letter in letters)
    assert dots("AB", 3).shape == (3 * HEIGHT, 6 * WIDTH)


def test_a_vector_environment_shows_every_world() -> None:
    for mode, kind in (("ansi", str), ("rgb_array", np.ndarray)):
        envs = gym.make_vec(
            ID, 3, vectorization_mode="vector_entry_point", render_mode=mode, **SHORT
        )
        envs.reset(seed=1)
        alone = gym.make(ID, render_mode=mode, **SHORT)
        alone.reset(seed=2)
        shown = envs.render()
        assert isinstance(shown, tuple)
        assert [type(each) for each in shown] == [kind] * 3
        assert np.array_equal(shown[1], alone.render())


def test_frames_can_be_collected() -> None:
    env = RenderCollection(gym.make(ID, render_mode="rgb_array", **SHORT))
    env.reset(seed=1)
    for _ in range(4):
        env.step(NOTHING)
    frames = env.render()
    assert len(frames) == 5
    assert not np.array_equal(frames[0], frames[-1])
    listed = gym.make(ID, render_mode="rgb_array_list", **SHORT)
    listed.reset(seed=1)
    listed.step(NOTHING)
    assert len(listed.render()) == 2


def test_an_unknown_render_mode_is_refused() -> None:
    from gammagym.envs.single import HedgeEnv

    with pytest.raises(gym.error.UnsupportedMode, match="'ansi' or 'rgb_array' or None, was 'png'"):
        HedgeEnv(render_mode="png")
