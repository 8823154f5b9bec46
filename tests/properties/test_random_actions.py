"""Whatever an agent asks for, by any action scheme: money stays right, orders stay few."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest

from gammagym.envs.single import HedgeEnv
from gammagym.exchange.ledger import conserved
from gammagym.scenario.tasks import ActionScheme
from gammagym.world.codes import CANCEL, CANCEL_ALL

DECISIONS = 2_000


def live_orders(world: Any, account: int) -> int:
    orders = world["orders"]
    return int(((orders["live"] == 1) & (orders["owner"] == account)).sum())


def cancels_under_way(world: Any, account: int) -> int:
    messages = world["messages"][: world["message_count"]]
    is_cancel = (messages["kind"] == CANCEL) | (messages["kind"] == CANCEL_ALL)
    return int((is_cancel & (messages["account"] == account)).sum())


@pytest.mark.parametrize("trade_options", [False, True])
@pytest.mark.parametrize("scheme", get_args(ActionScheme))
def test_random_actions_leave_parts_money_and_few_orders(scheme, trade_options):
    env = HedgeEnv(
        "GammaScalp",
        "calm",
        overrides={"flow.preset": "thin"},
        action_scheme=scheme,
        trade_options=trade_options,
        horizon_seconds=float(DECISIONS),
        decision_interval=1.0,
    )
    env.reset(seed=1)
    env.action_space.seed(1)
    slots = int(env.worlds["agents"]["slots"][0, 0] - env.worlds["agents"]["option_slots"][0, 0])
    most = 0
    for _ in range(DECISIONS):
        seen, reward, *_, info = env.step(env.action_space.sample())
        world = env.worlds[0]
        hedge, book = (int(world["agents"][f"{name}_account"][0]) for name in ("hedge", "book"))
        assert env.observation_space.contains(seen)
        assert np.isfinite(reward)
        assert abs(sum(info["attribution"].values()) - info["profit"]) < 1e-6 * float(
            world["agents"]["stake"][0]
        )
        live = live_orders(world, hedge)
        assert live <= slots + cancels_under_way(world, hedge)
        assert live_orders(world, book) == 0
        for currency in range(2):
            assert conserved(env.worlds[0], currency) == world["deposits"][currency]
        most = max(most, live)
    # All that a scheme can have in the market at once, it has had.
    assert most == slots
