"""The agents that ship: the trade each wishes for on observations made by hand."""

from pathlib import Path

import numpy as np
import pytest

from gammagym.agent import FIELD_NAMES, AgentSpec
from gammagym.errors import AgentError
from gammagym.hedging import whalley_wilmott_half_width
from gammagym.loading import load_agent

FOLDER = Path(__file__).resolve().parents[2] / "agents"
PRICE, GROSS, LARGEST, DECISION, HORIZON = 60_000.0, 10.0, 2.0, 60.0, 86_400.0
SMALLEST = 0.1  # dead zone x largest order
SPEC = AgentSpec(
    task="GammaScalp",
    action_scheme="hedge",
    action_shape=(2,),
    observation_fields=FIELD_NAMES,
    gross_quantity=GROSS,
    largest_order=LARGEST,
    dead_zone=0.05,
    maker_fee=0.0002,
    taker_fee=0.0005,
    reference_price=PRICE,
    stake=2839.0,
    risk_aversion=0.001,
    decision_seconds=DECISION,
    horizon_seconds=HORIZON,
)
SHIPPED = ["no_hedge", "fixed_interval", "price_move", "delta_band", "whalley_wilmott"]
GAMMA = 1.6e-3  # of ten straddles of a week at 60 % volatility, units per dollar


def make(name, spec=SPEC, **params):
    """Make a shipped agent from this tree's own file."""
    text = ",".join(f"{key}={value}" for key, value in params.items())
    reference = str(FOLDER / f"{name}.py") + (f":{text}" if text else "")
    agent = load_agent(reference, spec)
    agent.reset({})
    return agent


def observe(net_delta=0.0, hedge=0.0, minute=0.0, price=PRICE, gamma=GAMMA, spread=0.1, fee=5.0):
    """Return an observation, shape (fields,); each argument may be an array, one per world."""
    given = {
        "net_delta": np.asarray(net_delta) / GROSS,
        "hedge": np.asarray(hedge) / GROSS,
        "time_left": 1 - np.asarray(minute) * 60 / HORIZON,
        "price": np.asarray(price) / PRICE,
        "gamma": np.asarray(gamma) * 0.01 * np.asarray(price) / GROSS,
        "spread": np.asarray(spread) / np.asarray(price) * 1e4,
        "taker_fee": np.asarray(fee),
    }
    shape = np.broadcast_shapes(*(each.shape for each in given.values()))
    observation = np.zeros((*shape, len(FIELD_NAMES)), dtype=np.float32)
    for name, value in given.items():
        observation[..., FIELD_NAMES.index(name)] = value
    return observation


def wish(agent, **seen):
    """Return the signed units that an agent wishes to trade now; it must wish to cross."""
    action = agent.act(observe(**seen))
    assert action.dtype == np.float32
    assert (action[..., 1] == 1.0).all()
    units = action[..., 0].astype(float) * LARGEST
    return units.tolist()


near = pytest.approx


# Every agent


@pytest.mark.parametrize("name", SHIPPED)
def test_one_call_for_a_batch_equals_one_call_for_each_world(name):
    generator = np.random.default_rng(3)
    worlds, steps = 5, 40
    batch = make(name)
    singles = [make(name) for _ in range(worlds)]
    price = PRICE * np.exp(np.cumsum(generator.normal(0, 1e-3, (steps, worlds)), axis=0))
    delta = generator.normal(0, 1.0, (steps, worlds))
    hedge = generator.normal(0, 1.0, (steps, worlds))
    for step in range(steps):
        observation = observe(delta[step], hedge[step], minute=step, price=price[step])
        together = batch.act(observation)
        assert together.shape == (worlds, 2)
        alone = [single.act(observation[each]) for each, single in enumerate(singles)]
        assert {action.shape for action in alone} == {(2,)}
        assert np.array_equal(together, np.stack(alone))


@pytest.mark.parametrize("name", SHIPPED)
def test_a_reset_agent_acts_like_a_new_one(name):
    used, new = make(name), make(name)
    wish(used, net_delta=[3.0, -3.0])
    wish(used, net_delta=[1.0, -1.0], minute=1.0)
    used.reset({})
    # Also with another number of worlds than before.
    assert wish(used, net_delta=[0.5, 0.0, 4.0], minute=7.0) == wish(
        new, net_delta=[0.5, 0.0, 4.0], minute=7.0
    )


@pytest.mark.parametrize("name", SHIPPED)
def test_a_reset_of_some_worlds_before_the_first_observation_is_harmless(name):
    agent = make(name)
    agent.reset({}, np.array([True, False]))
    assert wish(agent, net_delta=[0.0, 0.0]) == [0.0, 0.0]


@pytest.mark.parametrize("name", [each for each in SHIPPED if each != "no_hedge"])
def test_a_large_delta_is_traded_against_with_at_most_the_largest_order(name):
    assert wish(make(name), net_delta=[5.0, -5.0]) == [-LARGEST, LARGEST]


@pytest.mark.parametrize(
    ("name", "parameter", "value", "message"),
    [
        ("fixed_interval", "minutes", 0, "minutes must be > 0, was 0.0"),
        ("fixed_interval", "minutes", -5, "minutes must be > 0, was -5.0"),
        ("price_move", "move", 0, "move must be > 0 and < 1"),
        ("price_move", "move", 1, "move must be > 0 and < 1"),
        ("delta_band", "band", -0.01, "band must be >= 0, was -0.01"),
        ("delta_band", "edge", 2, "parameter 'edge' must be true or false"),
        ("whalley_wilmott", "risk_aversion", 0, "risk_aversion must be > 0, was 0.0"),
        ("no_hedge", "band", 1, "unknown parameter 'band'; it takes none"),
    ],
)
def test_parameters_out_of_range_are_refused(name, parameter, value, message):
    with pytest.raises(AgentError, match=message):
        make(name, **{parameter: value})


# No hedge


def test_no_hedge_never_trades():
    assert wish(make("no_hedge"), net_delta=[9.0, -9.0, 0.0]) == [0.0, 0.0, 0.0]


# Fixed interval


def test_fixed_interval_hedges_at_the_start_and_then_every_interval():
    agent = make("fixed_interval", minutes=15)
    hedged = [minute for minute in range(61) if wish(agent, net_delta=0.05, minute=minute) != 0]
    assert hedged == [0, 15, 30, 45, 60]


def test_fixed_interval_waits_a_quarter_of_an_hour_by_default():
    agent = make("fixed_interval")
    assert wish(agent, net_delta=0.5) == near(-0.5)
    assert wish(agent, net_delta=0.7, hedge=-0.5, minute=14) == 0.0
    assert wish(agent, net_delta=0.7, hedge=-0.5, minute=15) == near(-0.7)


def test_fixed_interval_shorter_than_a_decision_hedges_at_every_decision():
    agent = make("fixed_interval", minutes=0.25)
    hedged = [wish(agent, net_delta=0.05, minute=minute) for minute in range(5)]
    assert hedged == near([-0.05] * 5)


def test_fixed_interval_skips_what_it_slept_through():
    agent = make("fixed_interval")
    wish(agent)
    assert wish(agent, net_delta=0.5, minute=50) == near(-0.5)
    assert wish(agent, net_delta=0.5, hedge=-0.5, minute=51) == 0.0
    assert wish(agent, net_delta=0.5, hedge=-0.5, minute=60) == near(-0.5)


def test_fixed_interval_asks_again_until_a_large_hedge_is_done():
    agent = make("fixed_interval")
    assert wish(agent, net_delta=5.0) == -2.0
    assert wish(agent, net_delta=3.0, hedge=-2.0, minute=1) == -2.0
    assert wish(agent, net_delta=1.2, hedge=-4.0, minute=2) == near(-1.2)
    assert wish(agent, net_delta=0.3, hedge=-5.2, minute=3) == 0.0


def test_fixed_interval_asks_again_when_nothing_was_filled():
    agent = make("fixed_interval")
    assert wish(agent, net_delta=0.5) == near(-0.5)
    assert wish(agent, net_delta=0.6, minute=1) == near(-0.6)
    assert wish(agent, net_delta=0.2, hedge=-0.6, minute=2) == 0.0


def test_fixed_interval_forgets_only_the_worlds_that_start_anew():
    agent = make("fixed_interval")
    wish(agent, net_delta=[0.5, 0.5, 0.5])
    agent.reset({}, np.array([False, True, False]))
    seen = {"net_delta": [0.5, 0.5, 0.5], "hedge": [-0.5, 0.0, -0.5], "minute": [1.0, 0.0, 1.0]}
    assert wish(agent, **seen) == near([0.0, -0.5, 0.0])


# Price move


@pytest.mark.parametrize(
    ("change", "units"), [(0.0009, 0.0), (0.0011, -0.5), (-0.0009, 0.0), (-0.0011, -0.5)]
)
def test_price_move_hedges_when_the_price_has_moved_by_its_trigger(change, units):
    agent = make("price_move")
    assert wish(agent) == 0.0
    assert wish(agent, net_delta=0.5, price=PRICE * (1 + change)) == near(units)


def test_price_move_measures_from_the_last_hedge():
    agent = make("price_move", move=0.01)
    wish(agent)
    assert wish(agent, net_delta=0.9, price=PRICE * 1.0095) == 0.0
    assert wish(agent, net_delta=1.0, price=PRICE * 1.0105) == near(-1.0)
    assert wish(agent, net_delta=0.9, hedge=-1.0, price=PRICE * 1.0200) == 0.0
    assert wish(agent, net_delta=-0.9, hedge=-1.0, price=PRICE * 1.0010) == 0.0
    assert wish(agent, net_delta=-1.0, hedge=-1.0, price=PRICE * 1.0003) == near(1.0)


def test_price_move_does_not_count_a_wish_in_the_dead_zone_as_a_hedge():
    agent = make("price_move")
    wish(agent)
    assert wish(agent, net_delta=0.9 * SMALLEST, price=PRICE * 1.0012) == near(-0.09)
    assert wish(agent, net_delta=1.2 * SMALLEST, price=PRICE * 1.0015) == near(-0.12)
    assert wish(agent, hedge=-0.12, price=PRICE * 1.0016) == 0.0


def test_price_move_asks_again_until_a_large_hedge_is_done():
    agent = make("price_move", move=0.01)
    assert wish(agent, net_delta=3.0) == -2.0
    assert wish(agent, net_delta=1.0, hedge=-2.0, minute=1) == near(-1.0)
    assert wish(agent, net_delta=0.3, hedge=-3.0, minute=2) == 0.0


def test_price_move_forgets_only_the_worlds_that_start_anew():
    agent = make("price_move")
    wish(agent, net_delta=[0.5, 0.5])
    agent.reset({}, np.array([True, False]))
    assert wish(agent, net_delta=[0.5, 0.5], hedge=[0.0, -0.5]) == near([-0.5, 0.0])


# Delta band


@pytest.mark.parametrize(
    ("params", "net_delta", "units"),
    [
        ({}, 0.09, 0.0),
        ({}, 0.15, -0.15),
        ({}, -0.15, 0.15),
        ({"band": 0.05}, 0.45, 0.0),
        ({"band": 0.05}, 0.75, -0.75),
        ({"band": 0.05, "edge": True}, 0.45, 0.0),
        ({"band": 0.05, "edge": True}, 0.75, -0.25),
        ({"band": 0.05, "edge": True}, -0.75, 0.25),
        ({"band": 0}, 0.01, -0.01),
    ],
)
def test_delta_band_trades_to_its_centre_or_its_edge(params, net_delta, units):
    assert wish(make("delta_band", **params), net_delta=net_delta) == near(units, abs=1e-6)


# Whalley-Wilmott


def half_width(gamma=GAMMA, fee=0.0005, spread=0.1, aversion=0.001):
    """Return the width that the agent should use."""
    return float(whalley_wilmott_half_width(PRICE, gamma, fee + spread / 2 / PRICE, aversion))


def test_whalley_wilmott_trades_to_the_nearest_edge():
    width = half_width()
    assert 0.4 < width < 0.6
    agent = make("whalley_wilmott")
    wishes = wish(agent, net_delta=[0.9 * width, width + 0.3, -width - 0.3])
    assert wishes == near([0.0, -0.3, 0.3], abs=1e-5)


@pytest.mark.parametrize(
    ("seen", "params", "expected"),
    [
        ({"gamma": -GAMMA}, {}, half_width()),
        ({"gamma": 2 * GAMMA}, {}, half_width(gamma=2 * GAMMA)),
        ({"gamma": 0.0}, {}, 0.0),
        ({"fee": 10.0}, {}, half_width(fee=0.001)),
        ({"spread": 60.0}, {}, half_width(spread=60.0)),
        ({}, {"risk_aversion": 8}, half_width() / 2),
    ],
)
def test_whalley_wilmott_widens_with_gamma_and_cost_and_narrows_with_aversion(
    seen, params, expected
):
    agent = make("whalley_wilmott", **params)
    assert wish(agent, net_delta=expected + 0.2, **seen) == near(-0.2, abs=1e-5)
    assert wish(agent, net_delta=0.98 * expected, **seen) == 0.0


def test_whalley_wilmott_needs_a_task_with_risk_aversion():
    spec = AgentSpec(**{**vars(SPEC), "risk_aversion": 0.0})
    with pytest.raises(AgentError, match=r"risk aversion must be > 0 for a band, was 0\.0"):
        make("whalley_wilmott", spec)
