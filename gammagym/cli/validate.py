"""The command ``validate``: known results, real books, facts of real markets, and history."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gammagym.cli.common import note, print_checks, print_json
from gammagym.cli.validate_data import validate_data
from gammagym.cli.validate_facts import FactOptions, validate_facts
from gammagym.cli.validate_feedback import FeedbackOptions, validate_feedback
from gammagym.cli.validate_history import HistoryOptions, validate_history
from gammagym.errors import GammagymError, nearest

_SUBJECTS = ("theory", "data", "facts", "feedback", "history")
_FEWEST_EPISODES = 100


def register(app: typer.Typer) -> None:
    """Add the command."""
    examples = "gammagym validate theory --episodes 20000; gammagym validate data FILE...; "
    examples += "gammagym validate facts --flow full --out page; gammagym validate feedback; "
    examples += "gammagym validate history cascade_2025_10_10 --seeds 9"
    app.command(epilog=f"Examples: {examples}")(validate)


def validate(
    subject: Annotated[
        str, typer.Argument(help="What to validate: theory, data, facts, feedback or history.")
    ] = "theory",
    files: Annotated[
        list[str] | None,
        typer.Argument(
            help="data: recorded exchange streams; history: scenarios, all that have records if "
            "left out."
        ),
    ] = None,
    episodes: Annotated[int, typer.Option(help="theory: episodes for each figure.")] = 20_000,
    seed: Annotated[int, typer.Option(help="All but data: seed of the first.")] = 0,
    seeds: Annotated[int, typer.Option(help="history: runs of each scenario.")] = 9,
    scenario: Annotated[str, typer.Option(help="facts: scenario by name or path.")] = "calm",
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="facts: change the scenario (price.volatility=0.8); repeatable.",
            metavar="KEY=VALUE",
        ),
    ] = None,
    flow: Annotated[
        str | None, typer.Option(help="facts: preset of order flow.", metavar="PRESET")
    ] = None,
    seconds: Annotated[float, typer.Option(help="facts: length of the record (s).")] = 345.0,
    long_hours: Annotated[
        float, typer.Option(help="facts: length of each of four long runs (h); 0: none.")
    ] = 12.0,
    market: Annotated[
        str, typer.Option(help="facts: real market whose ranges count: usdm, spot or coinm.")
    ] = "usdm",
    data: Annotated[
        Path | None,
        typer.Option(help="facts: recorded stream to measure instead.", metavar="FILE"),
    ] = None,
    days: Annotated[int, typer.Option(help="feedback: days of each market.")] = 60,
    out: Annotated[
        Path | None,
        typer.Option(
            help="facts, feedback: folder for data and a page; history: for data.", metavar="FOLDER"
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare with known results; exit code 1 if one differs.

    theory: the simulator with published and closed-form results. data: the order book rebuilt from
    recorded exchange streams with the best quotes in the same streams. facts: the stylised facts of
    a simulated market with those of a real one. feedback: volatility, autocorrelation and crashes
    in markets whose dealers hedge options, with an autoregression. history: what scenarios make of
    real events with what was recorded of them.
    """
    if subject not in _SUBJECTS:
        raise GammagymError(f"nothing called {subject!r}: {nearest(subject, list(_SUBJECTS))}")
    if subject == "data":
        validate_data(files or [], as_json)
        return
    if subject == "history":
        validate_history(HistoryOptions(files or [], seed, seeds, out), as_json)
        return
    if files:
        raise GammagymError(f"validate {subject} takes no files, was given {files[0]!r}")
    if subject == "facts":
        options = FactOptions(
            scenario, settings, flow, seed, seconds, long_hours, market, data, out
        )
        validate_facts(options, as_json)
        return
    if subject == "feedback":
        validate_feedback(FeedbackOptions(days, seed, out), as_json)
        return
    _validate_theory(episodes, seed, as_json)


def _validate_theory(episodes: int, seed: int, as_json: bool) -> None:
    from gammagym.evaluation.theory import validate_theory

    if episodes < _FEWEST_EPISODES:
        raise GammagymError(f"--episodes must be at least {_FEWEST_EPISODES}, was {episodes}")
    if seed < 0:
        raise GammagymError(f"--seed must be at least 0, was {seed}")
    checks = validate_theory(episodes, seed, lambda name: note(f"{name} ..."))
    if as_json:
        print_json([vars(check) | {"passed": check.passed} for check in checks])
    else:
        title = f"{episodes:,} episodes for each figure of hedging"
        print_checks(checks, "known result", title)
    if not all(check.passed for check in checks):
        raise typer.Exit(1)
