"""The command `play`: a written game, its mistakes, and what is left of it."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from gammagym.cli import app
from gammagym.cli.game import Game
from gammagym.envs.single import HedgeEnv
from gammagym.errors import GammagymError
from gammagym.evaluation.rollout import rollout
from gammagym.recording import load_recording

HORIZON = 1200.0


def play(lines: str, *arguments: str) -> Any:
    options = ["play", "--horizon", str(HORIZON), *arguments]
    return CliRunner().invoke(app, options, input=lines)


def game(*against: str, **options: Any) -> Game:
    return Game("GammaScalp", "calm", 7, against, horizon_seconds=HORIZON, **options)


def test_a_written_game_is_played_and_told_as_json() -> None:
    result = play("buy 1\nnext\nquit\n", "--json", "--seed", "7")
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert (told["task"], told["scenario"], told["seed"]) == ("GammaScalp", "calm", 7)
    assert (told["time_seconds"], told["over"]) == (60.0, False)
    assert told["players"]["you"]["taker_fills"] >= 1
    assert told["players"]["you"]["turnover"] == pytest.approx(1.0)
    assert set(told["players"]) == {"you", "whalley_wilmott"}


def test_the_person_is_an_agent_like_any_other() -> None:
    played = game()
    env = HedgeEnv(scenario="calm", horizon_seconds=HORIZON)
    env.reset(seed=7)
    spec = env.agent_spec()
    played.command("sell 1.5")
    played.command("next")
    env.step(spec.order(-1.5, 1.0))
    played.command("finish")
    while not env.step(np.zeros(2, np.float32))[2]:
        pass
    assert played.over
    assert dict(played.players())["you"] == env.results()


def test_agents_do_what_they_do_alone() -> None:
    played = game("no_hedge", "delta_band:band=0.02")
    played.command("finish")
    for reference, (_, figures) in zip(
        ("no_hedge", "delta_band:band=0.02"), list(played.players())[1:], strict=True
    ):
        alone = rollout(reference, "calm", seeds=[7], horizon_seconds=HORIZON).columns
        assert figures == {"seed": 7} | {key: column[0] for key, column in alone.items()}


def test_a_market_order_fills_once_and_a_large_one_in_parts() -> None:
    played = game()
    played.command("buy 1")
    played.command("next 3")
    assert played.seen.position == pytest.approx(1.0)
    assert played.wish is None
    assert "2 at a time" in played.command("sell 4")
    played.command("next")
    assert played.seen.position == pytest.approx(-1.0)
    played.command("next")
    assert played.seen.position == pytest.approx(-3.0)
    played.command("flatten")
    played.command("next 3")
    assert abs(played.seen.net_delta) < 0.3


def test_a_resting_order_keeps_its_place_until_it_is_canceled() -> None:
    played = game()
    played.command("sell 1 at -1")
    played.command("next")
    own = [rung for rung in played.seen.asks if rung.own]
    assert [rung.own for rung in own] == [1.0]
    assert own[0].price > played.seen.asks[0].price
    played.command("cancel")
    played.command("next")
    assert not any(rung.own for rung in played.seen.asks)


def test_an_empty_line_is_next_and_durations_are_rounded_up_to_decisions() -> None:
    played = game()
    played.command("")
    assert played.seen.seconds == 60.0
    played.command("advance 90s  # half a decision too long")
    assert played.seen.seconds == 180.0


def test_without_market_data_the_last_ladder_is_shown() -> None:
    played = Game("GammaScalp", "data_outage", 7)
    while not played.is_dark():
        played.advance(1)
    before = played.seen
    played.command("buy 1")
    played.advance(1)
    assert played.is_dark()
    assert played.seen.bids == before.bids
    assert played.seen.profit == before.profit
    assert played.seen.seconds > before.seconds
    assert played.seen.net_delta - before.net_delta == pytest.approx(
        played.seen.hedge - before.hedge
    )


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("nxt", "unknown command 'nxt': did you mean 'next'?"),
        ("buy", "buy needs a size above 0 behind it"),
        ("buy -1", "buy needs a size above 0"),
        ("buy nan", "buy needs a size above 0"),
        ("buy 0.01", "0.01 is less than the smallest order of 0.1"),
        ("sell 1 at moon", "at 'moon': expected market, improve, join, behind, or a number"),
        ("sell 1 at 1.5", "or a number from -1 to 1"),
        ("flatten 1", "flatten takes only at PLACE behind it, was '1'"),
        ("next 0", "N must be a whole number from 1 to 1000000, was '0'"),
        ("next 1 2", "next: too many words"),
        ("advance", "advance needs a duration"),
        ("advance soon", "advance: "),
        ("quit now", "quit takes nothing behind it, was 'now'"),
    ],
)
def test_a_mistake_says_what_is_wrong_and_changes_nothing(line: str, told: str) -> None:
    played = game()
    with pytest.raises(GammagymError) as caught:
        played.command(line)
    assert told in str(caught.value)
    assert played.wish is None
    assert played.seen.seconds == 0.0


@pytest.mark.parametrize(
    ("lines", "arguments", "told"),
    [
        ("next\nbuy\n", [], "line 2: buy needs a size above 0"),
        ("", ["--scenario", "clam"], "did you mean 'calm'?"),
        ("", ["--against", "whaley_wilmott"], "did you mean 'whalley_wilmott'?"),
        ("", ["--speed", "-1"], "--speed"),
        ("", ["--record", "file/below"], "is a file, not a folder"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    lines: str, arguments: list[str], told: str, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    result = play(lines, *arguments)
    assert result.exit_code == 2
    assert told in result.stderr
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1


def test_an_agent_that_fails_leaves_the_game_to_the_others(tmp_path: Path) -> None:
    agent = tmp_path / "bad.py"
    agent.write_text(
        "class Bad:\n"
        "    def reset(self, info, worlds=None): pass\n"
        "    def act(self, observation): raise RuntimeError('no idea')\n"
        "def make_agent(spec): return Bad()\n"
    )
    result = play("finish\n", "--against", f"{agent},no_hedge", "--json")
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert told["failures"] == ["bad failed: RuntimeError: no idea"]
    assert told["players"]["bad"] == {}
    assert told["players"]["no_hedge"]["profit"] == told["players"]["you"]["profit"]


def test_a_game_is_recorded(tmp_path: Path) -> None:
    folder = tmp_path / "games"
    lines = "buy 1\nnext 2\nquit\n"
    result = play(lines, "--against", "none", "--record", str(folder), "--json")
    (path,) = json.loads(result.stdout)["recorded"]
    recording = load_recording(path)
    assert recording.about["agent"] == "a person"
    assert recording.steps["hedge"].tolist() == pytest.approx([0.0, 1.0, 1.0])


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no terminals of this kind")
def test_on_a_terminal_it_draws_a_screen_and_takes_keys() -> None:
    import pty

    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "gammagym", "play", "--horizon", "1200", "--json"]
    process = subprocess.Popen(
        command, stdin=theirs, stderr=theirs, stdout=subprocess.PIPE, text=True
    )
    os.close(theirs)
    try:
        shown = _read_until(ours, b"> ")
        os.write(ours, b"buy 0.5x\x7f\r")
        shown += _read_until(ours, b"you wish to buy")
        os.write(ours, b"\rquit\r")
        _read_until(ours, None)
        told = json.loads(process.communicate(timeout=240.0)[0])
    finally:
        process.kill()
        process.wait()
    os.close(ours)
    assert process.returncode == 0
    assert b"whalley_wilmott" in shown
    assert told["time_seconds"] == 60.0
    assert told["players"]["you"]["turnover"] == pytest.approx(0.5)


def _read_until(terminal: int, text: bytes | None) -> bytes:
    """Return what a program shows until a text comes, or until it leaves."""
    shown, deadline = b"", time.monotonic() + 240.0
    while text is None or text not in shown:
        assert time.monotonic() < deadline, shown
        if not select.select([terminal], [], [], 1.0)[0]:
            continue
        try:
            shown += os.read(terminal, 65536)
        except OSError:  # the program has left
            break
    return shown
