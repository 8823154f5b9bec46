"""The command line: every command, and every mistake in one line with nothing written."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gammagym.cli import app
from gammagym.envs.vector import HedgeVectorEnv

HORIZON = ["--horizon", "600"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, [str(each) for each in arguments])


def price_file(folder: Path, hours: int = 3) -> Path:
    start = datetime(2024, 8, 5, tzinfo=UTC)
    lines = ["timestamp,price"]
    for minute in range(60 * hours):
        price = 60_000 + 150 * ((minute * 7_919) % 13 - 6)
        lines.append(f"{(start + timedelta(minutes=minute)).isoformat()},{price}")
    path = folder / "prices.csv"
    path.write_text("\n".join(lines))
    return path


@pytest.mark.parametrize(
    "command",
    [[], *([each] for each in ("tournament", "evaluate", "report", "scenarios", "agents", "play"))],
)
def test_help_has_an_example(command: list[str]) -> None:
    result = run(*command, "--help")
    assert result.exit_code == 0
    assert "Example: gammagym" in result.output


def test_version() -> None:
    assert re.fullmatch(r"gammagym \d+\.\d+\.\d+\n", run("--version").output)


def test_tournament_writes_results_and_a_report(folder: Path) -> None:
    arguments = ["tournament", "--agents", "no_hedge,delta_band:band=0.02,edge=true"]
    arguments += ["--scenarios", "textbook", "--seeds", "2", "--jobs", "1", *HORIZON]
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    assert "delta_band (band=0.02, edge=True)" in result.output
    assert sorted(each.name for each in (folder / "results").iterdir()) == [
        "report.html",
        "results.sqlite",
    ]
    again = run(*arguments, "--json")
    found = json.loads(again.stdout)
    assert [line["place"] for line in found["overall"]] == [1, 2]
    assert found["plan"]["seeds"] == 2
    report = run("report", "results", "--export", "all.csv", "--out", "page.html")
    assert report.exit_code == 0, report.output
    assert (folder / "page.html").is_file()
    assert len((folder / "all.csv").read_text().splitlines()) == 5


def test_a_price_file_is_replayed(folder: Path) -> None:
    path = price_file(folder)
    result = run("tournament", "--agents", "no_hedge", "--price-file", str(path), "--seeds", "2",
                 "--jobs", "1", "--json", *HORIZON)  # fmt: skip
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert list(found["scenarios"]) == ["replay", "replay_mirrored"]
    line = found["overall"][0]
    assert line["carried_share"] == pytest.approx(line["carried_delta"] / line["profit"])
    single = run("evaluate", "no_hedge", "--price-file", str(path), "--seeds", "2", "--json",
                 *HORIZON)  # fmt: skip
    assert json.loads(single.stdout)["scenario"] == "replay"
    other = run("evaluate", "no_hedge", "--scenario", "calm", "--price-file", str(path), "--seeds",
                "2", "--json", *HORIZON)  # fmt: skip
    assert json.loads(other.stdout)["scenario"] == "calm"


def test_settings_reach_task_and_scenario() -> None:
    command = ["evaluate", "no_hedge", "--scenario", "textbook", "--seeds", "2", "--json", *HORIZON]
    plain = run(*command)
    result = run(*command, "--set", "price.start=50", "--set", "dead_zone=0.1")
    half, whole = (json.loads(each.stdout)["stake"] for each in (result, plain))
    assert half == pytest.approx(whole / 2, rel=0.05)


def test_evaluate_prints_and_exports(folder: Path) -> None:
    result = run("evaluate", "no_hedge", "--scenario", "textbook", "--seeds", "3", "--out",
                 "episodes.csv", *HORIZON)  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "CVaR" in result.output or "cvar" in result.output
    assert "gamma" in result.output
    assert len((folder / "episodes.csv").read_text().splitlines()) == 4


def test_evaluate_leaves_out_worlds_that_fail_and_says_how_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reset = HedgeVectorEnv.reset

    def spoiled(envs: HedgeVectorEnv, **options: Any) -> Any:
        answer = reset(envs, **options)
        envs.worlds["price"]["value"][envs.worlds["seed"] == 1] = float("nan")
        return answer

    monkeypatch.setattr(HedgeVectorEnv, "reset", spoiled)
    command = ["evaluate", "no_hedge", "--scenario", "textbook", *HORIZON]
    result = run(*command, "--seeds", "3")
    assert "void: 1 episode left out: the world has failed: a price" in result.output
    figures = json.loads(run(*command, "--seeds", "3", "--json").output)
    assert (figures["episodes"], figures["void"]) == (2, 1)
    result = run(*command, "--seeds", "1", "--seed", "1")
    assert result.exit_code == 2
    assert "the world has failed: a price" in result.output


def test_costs_of_spot_are_in_basis_points() -> None:
    result = run("evaluate", "no_hedge", "--task", "SpotHedge", "--scenario", "textbook", "--seeds",
                 "2", "--horizon", "7200")  # fmt: skip
    assert "bp of notional" in result.output


@pytest.mark.parametrize(
    ("command", "name", "word"),
    [("agents", "delta_band", "half-width"), ("venues", "generic", "taker")],
)
def test_catalogues_list_and_show(command: str, name: str, word: str) -> None:
    assert name in run(command).output
    assert name in {each["name"] for each in json.loads(run(command, "--json").output)}
    assert word in run(command, name).output
    assert json.loads(run(command, name, "--json").output)["name"] == name


def test_showing_an_agent_does_not_run_it(folder: Path) -> None:
    (folder / "mine.py").write_text('"""My idea."""\nraise SystemExit(5)\n')
    result = run("agents", "./mine.py")
    assert result.exit_code == 0
    assert "My idea." in result.output


def test_bench_prints_figures() -> None:
    result = run(
        "bench",
        "all",
        "--messages",
        "2000",
        "--seconds",
        "1",
        "--worlds",
        "2",
        "--time",
        "0.01",
        "--json",
    )
    figures = json.loads(result.stdout)
    assert figures["book"]["ratio"] > 0
    assert figures["env"]["single"]["step"] > 0
    assert {row["worlds"] for row in figures["env"]["vector"]} == {2}
    for row in figures["env"]["vector"]:
        assert row["steps"] > 0
        assert row["events"] == pytest.approx(row["steps"] * row["events_a_step"])
        assert 0 < row["kernel"] <= 1


TOURNAMENT = ["tournament", "--seeds", "2", *HORIZON]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            [*TOURNAMENT, "--scenarios", "calm", "--agents", "whaley_wilmott"],
            "did you mean 'whalley_wilmott'",
        ),
        ([*TOURNAMENT, "--scenarios", "calm", "--agents", "./missing.py"], "there is no file"),
        (
            [*TOURNAMENT, "--scenarios", "calm", "--agents", "delta_band:band=-1"],
            "band must be >= 0",
        ),
        (
            [*TOURNAMENT, "--scenarios", "calm", "--agents", "delta_band:brand=1"],
            "unknown parameter 'brand'",
        ),
        ([*TOURNAMENT, "--scenarios", "clam"], "did you mean 'calm'"),
        ([*TOURNAMENT, "--scenarios", "./bad.toml"], "volatility"),
        ([*TOURNAMENT, "--scenarios", "./not.toml"], "not valid TOML"),
        ([*TOURNAMENT, "--task", "Gamma"], "did you mean"),
        ([*TOURNAMENT, "--price-file", "missing.csv"], "no such file of prices"),
        ([*TOURNAMENT, "--price-file", "broken.csv"], "line 3"),
        ([*TOURNAMENT, "--price-file", "short.csv"], "covers"),
        ([*TOURNAMENT, "--set", "dead_zone=7"], "dead_zone must be a number from 0 to 1"),
        ([*TOURNAMENT, "--set", "dead_zone"], "expected key=value"),
        ([*TOURNAMENT, "--set", "price.wobble=7"], "wobble"),
        ([*TOURNAMENT, "--horizon", "-5"], "horizon_seconds"),
        ([*TOURNAMENT, "--seeds", "0"], "at least 1, was 0"),
        ([*TOURNAMENT, "--seeds", "many"], "--seeds"),
        ([*TOURNAMENT, "--seed", "-1"], "from 0"),
        ([*TOURNAMENT, "--jobs", "0"], "--jobs must be at least 1"),
        ([*TOURNAMENT, "--out", "bad.toml"], "is a file"),
        ([*TOURNAMENT, "--out", "taken"], "not a file of results"),
        ([*TOURNAMENT, "--wrong"], "--wrong"),
        (["tournement"], "tournament"),
        (["evaluate", "nobody"], "no agent 'nobody'"),
        (["evaluate", "no_hedge,delta_band"], "one agent"),
        (["evaluate", "./raises.py", "--seeds", "1", *HORIZON], "no idea"),
        (["evaluate", "no_hedge", "--out", "x.doc"], ".csv or .parquet"),
        (["report", "nowhere"], "no such file"),
        (["report", "bad.toml"], "not a file of results"),
        (["scenarios", "clam"], "did you mean 'calm'"),
        (["scenarios", "./bad.toml"], "volatility"),
        (["agents", "nobody"], "no agent"),
        (["venues", "nowhere"], "no venue"),
        (["bench", "books"], "did you mean 'book'"),
        (["bench", "book", "--messages", "0"], "--messages must be at least 1"),
    ],
)
def test_a_mistake_is_one_line_and_writes_nothing(
    folder: Path, arguments: list[str], message: str
) -> None:
    (folder / "bad.toml").write_text('purpose = "x"\n[price]\nmodel = "gbm"\nstart = "1"\n')
    (folder / "not.toml").write_text("= = =")
    (folder / "broken.csv").write_text("timestamp,price\n2024-01-01,1\n2024-01-02,minus\n")
    (folder / "short.csv").write_text("timestamp,price\n0,100\n60,101\n120,102\n")
    (folder / "raises.py").write_text("def make_agent(spec):\n    raise ValueError('no idea')\n")
    (folder / "taken").mkdir()
    (folder / "taken" / "results.sqlite").write_text("no database at all " * 100)
    before = _files(folder)
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    line = result.stderr
    assert line.startswith("error: ")
    assert line.endswith("\n")
    assert line.count("\n") == 1
    assert message in line
    assert result.stdout == ""
    assert _files(folder) == before


def _files(folder: Path) -> dict[Path, int]:
    """Return when each file was written; Python keeps byte code beside an agent that it imports."""
    paths = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return {path: path.stat().st_mtime_ns for path in paths}


def test_a_tournament_where_nobody_finishes_fails(folder: Path) -> None:
    (folder / "raises.py").write_text("def make_agent(spec):\n    raise ValueError('no idea')\n")
    result = run(*TOURNAMENT, "--agents", "./raises.py", "--scenarios", "textbook")
    assert result.exit_code == 1
    assert "ValueError: no idea" in result.stderr
    assert (folder / "results" / "report.html").is_file()


@pytest.mark.skipif(sys.platform == "win32", reason="signals differ")
def test_ctrl_c_exits_130_and_keeps_what_is_finished(folder: Path) -> None:
    # Everybody in the foreground gets the signal, workers too. If a shell has started the tests in
    # the background, Ctrl-C is ignored, and what they start would ignore it, too.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    (folder / "sleeps.py").write_text("import time\ndef make_agent(spec):\n    time.sleep(1000)\n")
    command = [sys.executable, "-m", "gammagym", *TOURNAMENT, "--scenarios", "textbook"]
    command += ["--agents", "no_hedge,./sleeps.py", "--jobs", "2"]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        file = folder / "results" / "results.sqlite"
        deadline = time.monotonic() + 240
        while time.monotonic() < deadline and not _finished(file):
            time.sleep(0.2)
        signal.signal(signal.SIGINT, before)
        os.killpg(process.pid, signal.SIGINT)
        try:
            _, told = process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    assert process.returncode == 130
    assert told.strip().splitlines()[-1] == "error: interrupted"
    assert "Traceback" not in told
    assert _finished(file) == 2


def _finished(file: Path) -> int:
    from gammagym.errors import DataError
    from gammagym.evaluation.store import ResultStore

    if not file.exists():
        return 0
    try:
        with ResultStore(file, create=False) as store:
            return store.count()
    except DataError:
        return 0
