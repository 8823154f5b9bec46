"""The surface along simulated paths: what it does with the price, its noise, its presets.

The presets are fits to the smiles of price processes, which are known by their characteristic
function (`test_processes`).
"""

from __future__ import annotations

import math
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numba.core import config
from numpy.typing import NDArray
from scipy import optimize, stats

from gammagym.loop import advance
from gammagym.market.surface import at_the_money_volatility, move_surface, steepness
from gammagym.reference.options import black_76
from gammagym.scenario.options import Options, ssvi, term_volatility
from gammagym.scenario.prices import Price
from gammagym.scenario.tasks import Leg
from gammagym.world.codes import CALL
from gammagym.world.sizes import YEAR_NS

sys.path.insert(0, str(Path(__file__).resolve().parent))

from test_processes import call_price, cumulants, misses

pytestmark = pytest.mark.skipif(
    getattr(config, "DISABLE_JIT", 0) != 0, reason="takes too long without compilation"
)

SECOND, DAY = 10**9, 86_400 * 10**9
LEGS = (Leg("call", 1.0, 1.0, 7.0), Leg("put", 1.0, 0.95, 30.0))
LEAN = {"options.skew": -0.25, "options.curvature": 1.2, "options.skew_decay": 0.4}


def path(make_worlds: Any, ratio: float, noise: float, ticks: int = 4_000) -> Any:
    """Yield a world of two options after each of many seconds."""
    changes = LEAN | {
        "options.skew_stickiness": ratio,
        "options.volatility_of_volatility": noise,
        "price.volatility": 0.8,
        "warmup": "0s",
        "price.tick": "1s",
    }
    options = {"horizon_seconds": 7_200.0, "decision_interval": 60.0}
    run = make_worlds("textbook", overrides=changes, book=LEGS, **options)
    world = run.worlds[0]
    for tick in range(ticks):
        advance(world, run.tape, tick * SECOND)
        yield world


@pytest.mark.parametrize("noise", [0.0, 0.5])
@pytest.mark.parametrize("ratio", [0.0, 0.5, 1.0, 1.5])
@pytest.mark.parametrize("row", [1, 2])
def test_the_skew_stickiness_ratio_is_found_again_by_regression(
    make_worlds: Any, ratio: float, noise: float, row: int
) -> None:
    """Volatility at the money moves by R times the skew times the move of ln F (Bergomi 2009)."""
    logs, levels, skews = [], [], []
    for world in path(make_worlds, ratio, noise):
        contract, surface = world["instruments"][row], world["surface"]
        years = (int(contract["expiry_ns"]) - int(world["time_ns"])) / YEAR_NS
        level = at_the_money_volatility(world, contract, years)
        logs.append(math.log(world["price"]["value"]))
        levels.append(level)
        skews.append(level * surface["correlation"] * steepness(surface, level**2 * years) / 2)
    along, moved = np.diff(logs) * np.array(skews)[:-1], np.diff(levels)
    slope = (along * moved).sum() / (along**2).sum()
    error = (moved - slope * along).std() / math.sqrt((along**2).sum())
    assert abs(slope - ratio) < 3.5 * error + 1e-3
    assert error < (0.02 if noise == 0.0 else 0.15)


def test_noise_has_the_deviation_and_the_half_life_it_was_given(make_worlds: Any) -> None:
    changes = {
        "options.volatility_of_volatility": 0.8,
        "options.volatility_half_life": "2d",
        "price.volatility": 0.0,
        "options.implied_volatility": 0.6,
    }
    run = make_worlds("textbook", overrides=changes, horizon_seconds=600.0, decision_interval=60.0)
    world, step = run.worlds[0], DAY // 4
    levels = np.empty(60_000)
    for number in range(len(levels)):
        world["price"]["tick"] = number
        move_surface(world, step)
        levels[number] = world["surface"]["level"]
    reversion = math.log(2) * 365 / 2
    expected = 0.8 / math.sqrt(2 * reversion)
    batches = levels[80:].reshape(40, -1)
    assert misses((batches**2).mean(axis=1), expected**2) < 3.5
    assert misses(batches.mean(axis=1), 0.0) < 3.5
    for steps, left in ((4, 0.5**0.5), (8, 0.5), (16, 0.25)):
        shared = (batches[:, :-steps] * batches[:, steps:]).mean(axis=1)
        assert misses(shared, left * expected**2) < 3.5
    # One short step has the volatility that was given, too.
    steps = np.diff(levels) + levels[:-1] * -math.expm1(-reversion / 1_460)
    exact = 0.8 * math.sqrt(-math.expm1(-2 * reversion / 1_460) / (2 * reversion))
    assert steps.std() == pytest.approx(exact, rel=0.01)


# --- Where the presets come from -------------------------------------------------------------

EXPIRIES = (7, 14, 30, 60, 90, 180)
DISTANCES = (-1.3, -1.0, -0.67, -0.33, 0.0, 0.33, 0.67, 1.0, 1.3)
PROCESSES = {"btc": "svcj", "eth": "heston"}


def implied(law: Any, log_moneyness: float, years: float) -> float:
    strike = 100 * math.exp(log_moneyness)
    price = call_price(law, strike)
    return optimize.brentq(
        lambda vol: black_76(CALL, 100, strike, vol, years).value - price, 0.02, 6
    )


@cache
def smiles(preset: str) -> NDArray[np.float64]:
    """Return rows (years, k, implied volatility) of the process behind a preset."""
    rows = []
    for days in EXPIRIES:
        law, years = cumulants(PROCESSES[preset], float(days), preset=preset), days / 365
        at_the_money = implied(law, 0.0, years)
        for distance in DISTANCES:
            k = distance * at_the_money * math.sqrt(years)
            rows.append((years, k, implied(law, k, years)))
    return np.array(rows)


def surface_volatility(own: dict[str, Any], years: float, k: float) -> float:
    rho, eta, gamma = ssvi(own)
    theta = term_volatility(own, years) ** 2 * years
    bent = eta * theta**-gamma * k
    root = math.sqrt((bent + rho) ** 2 + 1 - rho**2)
    return math.sqrt(theta / 2 * (1 + rho * bent + root) / years)


@pytest.mark.parametrize(("preset", "rms", "most"), [("btc", 0.35, 0.9), ("eth", 0.5, 1.2)])
def test_presets_lie_on_the_smiles_of_their_processes(preset: str, rms: float, most: float) -> None:
    """In volatility points: less than the spread that options of a month are quoted with."""
    own = Options(preset=preset).parameters(math.nan)  # pyright: ignore[reportArgumentType]
    off = [surface_volatility(own, years, k) - vol for years, k, vol in smiles(preset).tolist()]
    assert 100 * math.sqrt(np.mean(np.square(off))) < rms
    assert 100 * np.abs(off).max() < most


@pytest.mark.parametrize("preset", PROCESSES)
def test_stickiness_and_noise_of_presets_are_those_of_a_month_in_their_processes(
    preset: str,
) -> None:
    """Volatility at the money moves with the variance, of which a part goes with the price.

    Its slope in the variance times rho xi over the skew is the ratio; the rest is its own noise.
    """
    model, years, step = PROCESSES[preset], 30 / 365, 1e-3
    price = Price(model=model, start="100", preset=preset)  # pyright: ignore[reportArgumentType]
    own = price.parameters()
    rho, xi, variance = (
        own[name] for name in ("correlation", "variance_volatility", "initial_variance")
    )

    def level(shift: float, k: float = 0.0) -> float:
        changed = {"preset": preset, "initial_variance": variance + shift}
        return implied(cumulants(model, 30.0, **changed), k, years)

    slope = (level(step) - level(-step)) / (2 * step)
    skew = (level(0, 0.01) - level(0, -0.01)) / 0.02
    given = Options(preset=preset).parameters(math.nan)  # pyright: ignore[reportArgumentType]
    assert given["skew_stickiness"] == pytest.approx(rho * xi * slope / skew, abs=0.02)
    noise = slope * xi * math.sqrt(variance * (1 - rho**2)) / level(0)
    assert given["volatility_of_volatility"] == pytest.approx(noise, abs=0.02)
    reversion = math.log(2) * 365 / own["reversion"]
    assert given["volatility_half_life"] / DAY == pytest.approx(reversion, abs=0.5)


def test_spreads_of_the_preset_are_what_deribit_quotes_in_bitcoin_and_as_a_share_of_the_price() -> (
    None
):
    """The preset knows volatility points only; these were measured beside them."""
    own = Options(preset="btc").parameters(math.nan)
    bands: dict[float, list[tuple[float, float]]] = {}
    for days in (2, 3, 5, 7, 10, 14, 21, 28, 35, 60, 90, 120, 180, 270):
        spread = next(one for one in own["spreads"] if one.days is None or days <= one.days)
        for delta in np.linspace(0.3, 0.7, 9):
            years, k = days / 365, 0.0
            for _ in range(40):
                deviation = surface_volatility(own, years, k) * math.sqrt(years)
                k = float(-stats.norm.ppf(delta)) * deviation + 0.5 * deviation**2
            greeks = black_76(CALL, 1.0, math.exp(k), deviation / math.sqrt(years), years)
            coins = spread.points / 100 * greeks.vega
            bands.setdefault(spread.days or math.inf, []).append((coins, coins / greeks.value))
    of_price = [float(np.median([share for _, share in band])) for band in bands.values()]
    assert of_price == pytest.approx([0.075, 0.030, 0.017, 0.022], rel=0.25)
    coins = [cost for band in bands.values() for cost, _ in band]
    assert float(np.median(coins)) == pytest.approx(0.0010, rel=0.3)
