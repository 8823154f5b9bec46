"""The command ``play``: a person trades a scenario in the terminal, against agents.

Everyone hedges alone in a copy of the same market. Commands are typed; where standard input is no
terminal they are read from it, one a line, so that a game can be written down and played again.
"""

from __future__ import annotations

import sys
import time
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gammagym.cli.common import NOTHING, note, percent, print_json, print_table, split_list
from gammagym.cli.compete import Horizon, Interval, PriceFile, Settings, Task
from gammagym.errors import GammagymError

if TYPE_CHECKING:
    from gammagym.cli.game import Game


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        epilog="Example: gammagym play --scenario flash_crash --against whalley_wilmott,no_hedge"
    )(play)


def play(
    scenario: Annotated[
        str, typer.Option(help='Scenario by name or path, or several: "calm + flash_crash".')
    ] = "calm",
    task: Task = "GammaScalp",
    seed: Annotated[int, typer.Option(help="Seed of the market.", min=0)] = 0,
    against: Annotated[
        list[str] | None,
        typer.Option(help="Agents by name or path, with commas between, or none."),
    ] = None,
    speed: Annotated[
        float, typer.Option(help="Seconds of the market a second; 0: it waits for you.", min=0.0)
    ] = 0.0,
    price_file: PriceFile = None,
    settings: Settings = None,
    horizon: Horizon = None,
    decision_interval: Interval = None,
    record: Annotated[
        Path | None, typer.Option(help="Record your episode into this folder.", metavar="FOLDER")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON when it is over.")] = False,
) -> None:
    """Trade a scenario yourself, against agents in copies of the same market.

    You are handed the book of the task and hedge it: type "buy 0.5", "sell 0.5 at join", "flatten",
    "cancel", and Enter to let time go on; "help" tells all. Less cost is better.
    """
    from gammagym.cli.common import split_settings
    from gammagym.cli.game import Game
    from gammagym.scenario.tasks import Task as TaskOptions

    options, overrides = split_settings(settings, [each.name for each in fields(TaskOptions)])
    given = {"horizon_seconds": horizon, "decision_interval": decision_interval}
    options |= {key: value for key, value in given.items() if value is not None}
    rivals = split_list(["whalley_wilmott"] if against is None else against)
    if not as_json and sys.stdin.isatty():
        note("compiling (the first time takes a minute)")
    game = Game(
        task,
        scenario,
        seed,
        () if rivals == ("none",) else rivals,
        None if record is None else record.expanduser(),
        price_file=price_file,
        overrides=overrides,
        **options,
    )
    try:
        if sys.stdin.isatty() and sys.stderr.isatty():
            _play_on_screen(game, speed)
        else:
            _play_from_lines(game, quiet=as_json)
    finally:
        game.close()
    if as_json:
        print_json(game.summary())
    else:
        _show_summary(game)


def _play_from_lines(game: Game, *, quiet: bool) -> None:
    """Carry out the lines of standard input; the first mistake ends it."""
    for number, line in enumerate(sys.stdin, 1):
        try:
            message = game.command(line)
        except GammagymError as error:
            raise GammagymError(f"line {number}: {error}") from None
        if not quiet:
            typer.echo(message)
        if game.over or game.left:
            return


def _play_on_screen(game: Game, speed: float) -> None:
    """Show the market and carry out what is typed, until the episode is over or left."""
    from gammagym.cli.screen import Keyboard, live_screen

    pause = game.decision_seconds / speed if speed > 0.0 else None
    message = "Enter lets time go on; help tells what you can type"
    with Keyboard() as keyboard, live_screen() as show:
        due = time.monotonic() + (pause or 0.0)
        while not (game.over or game.left):
            show(game, keyboard.typed, message)
            try:
                wait = None if pause is None else max(due - time.monotonic(), 0.0)
                line = keyboard.line(wait)
                if line is not None:
                    message = game.command(line)
                elif pause is not None and time.monotonic() >= due:
                    message = game.advance(1)
                    due = time.monotonic() + pause
            except KeyboardInterrupt:
                return
            except GammagymError as error:
                message = f"error: {error}"


def _show_summary(game: Game) -> None:
    """Print what became of everyone."""
    rows = [
        (
            name,
            f"{figures['profit']:,.2f}",
            percent(figures["cost"], 100.0),
            percent(figures["relative_cost"], 100.0),
            f"{0.0 - figures['fees']:,.2f}",
            f"{figures['taker_fills']} / {figures['maker_fills']}",
            f"{figures['liquidations']}",
        )
        if figures
        else (name, *([NOTHING] * 6))
        for name, figures in game.players()
    ]
    print_table(
        ["player", "profit", "cost %", "relative cost %", "fees", "taker / maker", "liquidated"],
        rows,
        title=game.title(),
        caption="cost in % of the stake; relative: to a frictionless hedger; less is better",
    )
    for reason in game.failures():
        note(reason)
    for path in game.written:
        note(f"recorded: {path}")
