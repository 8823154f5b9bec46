"""The command `calibrate`: from files to a scenario that loads, all of it or nothing."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from gammagym import Market
from gammagym.calibration.measure import figures, measure
from gammagym.calibration.parameters import choose_parameters
from gammagym.calibration.scenario_file import scenario_text, write_scenario
from gammagym.cli import app
from gammagym.data.market_files import read_market_files
from gammagym.errors import DataError, ScenarioError
from gammagym.scenario.load import load_flow, load_scenario

START_MS = 1_700_000_000_000


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["calibrate", *arguments])


def price_file(name: str = "bars.csv", minutes: int = 400) -> str:
    moves = np.random.default_rng(1).normal(scale=0.0008, size=minutes)
    prices = 100 * np.exp(np.cumsum(moves))
    rows = [f"{START_MS + 60_000 * row},{price:.4f}" for row, price in enumerate(prices)]
    Path(name).write_text("\n".join(["timestamp,close", *rows]))
    return name


def trade_file(name: str = "BTCUSDT-trades.csv", orders: int = 600) -> str:
    random = np.random.default_rng(2)
    times = START_MS + np.cumsum(random.exponential(200.0, orders)).astype(int)
    sizes = 0.1 * np.exp(random.normal(size=orders))
    rows = [
        f"{row},100.{random.integers(1, 9)},{size:.3f},1,{time},{random.choice(['true', 'false'])}"
        for row, (time, size) in enumerate(zip(times, sizes, strict=True))
    ]
    Path(name).write_text("\n".join(rows))
    return name


def test_prices_alone_make_a_scenario_that_loads(folder: Path) -> None:
    result = run(price_file(), "--out", "mine.toml")
    assert result.exit_code == 0, result.output
    scenario = load_scenario("./mine.toml")
    assert (scenario.name, scenario.price.model, scenario.flow.overrides()) == ("mine", "gbm", {})
    true = 0.0008 * math.sqrt(365 * 1440)
    assert scenario.price.volatility == pytest.approx(true, rel=0.15)
    assert str(scenario.price.start) in (folder / "bars.csv").read_text().splitlines()[-1]
    assert "annual volatility" in result.output
    assert "# " in (folder / "mine.toml").read_text().split("volatility = ")[1]


def test_trades_give_the_flow_and_prices_the_price() -> None:
    result = run(trade_file(), price_file(), "--name", "both", "--venue", "binance", "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    scenario = load_scenario("./both.toml")
    assert (scenario.name, scenario.venue, scenario.flow.preset) == ("both", "binance", "full")
    flow = scenario.flow.overrides()
    assert flow["rate"] * flow["probability_market"] == pytest.approx(5.0, rel=0.15)
    assert flow["probability_market"] == pytest.approx(
        load_flow("full")["probability_market"], rel=1e-3
    )
    assert flow["market_size"] == pytest.approx(0.1, rel=0.15)
    assert flow["split_probability"] == 0.0  # independent signs
    assert told["figures"]["order_rate"]["value"] == pytest.approx(5.0, rel=0.15)
    assert told["figures"]["hawkes1.branching"]["error"] is None or (
        told["figures"]["hawkes1.branching"]["error"] > 0
    )
    assert told["scenario"]["flow"]["rate"]["value"] == flow["rate"]
    assert set(told["files"].values()) == {"trades of Binance", "prices"}
    assert told["out"] == "both.toml"


def test_prices_that_jump_make_a_scenario_that_jumps(folder: Path) -> None:
    random = np.random.default_rng(4)
    moves = random.normal(scale=0.0005, size=3_000)
    moves += random.normal(scale=0.004, size=3_000) * (random.random(3_000) < 0.03)
    rows = [
        f"{START_MS + 60_000 * row},{price:.6f}"
        for row, price in enumerate(100 * np.exp(np.cumsum(moves)))
    ]
    (folder / "jumps.csv").write_text("\n".join(["timestamp,price", *rows]))
    result = run("jumps.csv", "--out", "jumps.toml")
    assert result.exit_code == 0, result.output
    price = load_scenario("./jumps.toml").price
    assert price.model == "merton"
    found = price.parameters()
    assert found["volatility"] == pytest.approx(0.0005 * math.sqrt(525_600), rel=0.1)
    assert found["jump_rate"] == pytest.approx(0.03 * 525_600, rel=0.4)
    assert found["jump_sigma"] == pytest.approx(0.004, rel=0.3)


def test_trades_alone_give_a_price_as_well(folder: Path) -> None:
    result = run(trade_file(), "--out", "trades.toml")
    assert result.exit_code == 0, result.output
    scenario = load_scenario("./trades.toml")
    assert scenario.price.model == "gbm"
    assert "BTCUSDT" in (folder / "trades.toml").read_text()


def test_a_file_that_is_there_is_left_alone(folder: Path) -> None:
    (folder / "mine.toml").write_text("precious")
    result = run(price_file(), "--out", "mine.toml")
    assert result.exit_code == 2
    assert "is there already" in result.output
    assert (folder / "mine.toml").read_text() == "precious"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["missing.csv"], "there is no such file"),
        (["short.csv"], "9 returns over 60 s are too few"),
        (["bars.csv", "--venue", "nowhere"], "nowhere"),
        (["bars.csv", "--out", "mine.txt"], "give a name that ends in .toml"),
        (["bars.csv", "--out", "no/such/mine.toml"], "there is no folder no/such"),
        (["bars.csv", "--name", " "], "must not be empty"),
        (["bars.csv", "short.csv"], "all are prices; give one"),
    ],
)
def test_a_mistake_is_told_in_one_line_and_nothing_is_written(
    folder: Path, arguments: list[str], expected: str
) -> None:
    price_file()
    price_file("short.csv", 10)
    before = sorted(folder.rglob("*"))
    result = run(*arguments)
    assert result.exit_code == 2
    assert expected in result.output
    assert sorted(folder.rglob("*")) == before


def test_an_invalid_scenario_is_not_written(folder: Path) -> None:
    with pytest.raises(ScenarioError):
        write_scenario(folder / "mine.toml", 'purpose = "none"\n')
    assert list(folder.iterdir()) == []


def test_files_without_a_price_make_no_scenario() -> None:
    files = read_market_files([price_file()])
    measurement = measure(files)
    parameters = choose_parameters(measurement)
    empty = type(parameters)({}, parameters.flow)
    with pytest.raises(DataError, match="tell no price"):
        scenario_text("x", None, measurement, empty)


def test_every_figure_has_a_name_of_its_own() -> None:
    found = figures(measure(read_market_files([trade_file(), price_file()])))
    keys = [each.key for each in found]
    assert len(set(keys)) == len(keys) > 20


@pytest.mark.slow
def test_a_real_market_is_measured_written_and_played(
    real_data: Callable[[str], Path],
) -> None:
    stream = str(real_data("binance_usdm_btcusdt_20240808.gz"))
    prices = str(real_data("btc_perp_1min_2022-01.csv.gz"))
    result = run(stream, prices, "--no-tune", "--out", "perp.toml")
    assert result.exit_code == 0, result.output
    scenario = load_scenario("./perp.toml")
    # A month of minutes: the variance forgets in hours.
    assert scenario.price.model == "heston"
    assert scenario.price.long_run_volatility() == pytest.approx(0.716, abs=0.01)
    flow = scenario.flow.overrides()
    expected = {
        "rate": 1_286,
        "probability_market": 0.0123,
        "market_size": 0.03,
        "market_size_sigma": 2.32,
        "informed_size": 0.03,
        "informed_size_sigma": 2.32,
        "branching": 0.44,
        "excitation_decay": 0.0152,
        "split_exponent": 0.99,
        "split_probability": 0.054,
        "touch_size": load_flow("full")["touch_size"] * 3.11 / 2.63,
    }
    assert flow == pytest.approx(expected, rel=0.02)
    market = Market("./perp.toml", agents=["alice"], seed=1)
    market.advance(seconds=5.0)
    assert len(market.book("BTC-PERP")) > 2
