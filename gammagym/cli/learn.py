"""Commands that make learned agents: ``train`` and ``export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gammagym.cli.common import note, print_json, print_table, progress_bar

Machines = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog="Example: gammagym train --steps 200000 --out results/mine")(train)
    app.command(epilog="Example: gammagym export results/ppo --out ./my_agent")(export)


def train(
    config: Annotated[
        Path | None, typer.Option(help="Training configuration (TOML); left out: the shipped one.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the agent.")] = Path("results/ppo"),
    seed: Annotated[int | None, typer.Option(help="Seed, instead of the configuration's.")] = None,
    steps: Annotated[int | None, typer.Option(help="Decisions to learn from, likewise.")] = None,
    envs: Annotated[int | None, typer.Option(help="Worlds side by side, likewise.")] = None,
    as_json: Machines = False,
) -> None:
    """Train an agent with PPO and write it as plain arrays that play without torch."""
    from gammagym import content
    from gammagym.training.commands import train_command
    from gammagym.training.ppo import Progress

    chosen = config or content.resolve("agents", "ppo").parent / "train.toml"
    with progress_bar("learning", quiet=as_json) as bar:

        def show(told: Progress) -> None:
            if bar is not None:
                text = f"learning (cost {told.cost:.0f} % of stake)"
                bar.update(
                    bar.task_ids[0], completed=told.steps, total=told.total, description=text
                )

        report = train_command(
            chosen, out, seed=seed, steps=steps, envs=envs, progress=show
        )._asdict()
    if as_json:
        print_json(report)
        return
    print_table(
        ["training", ""], [(key.replace("_", " "), str(each)) for key, each in report.items()]
    )
    note(f"play it: gammagym evaluate {out if '/' in str(out) else f'./{out}'} --scenario calm")


def export(
    source: Annotated[Path, typer.Argument(help="A policy.npz, or the folder of a training run.")],
    out: Annotated[Path, typer.Option(help="Folder for the agent.")] = Path("my_agent"),
    as_json: Machines = False,
) -> None:
    """Check a policy and write it as an agent of its own, played by its path."""
    from gammagym.training.commands import export_command

    report = export_command(source, out)._asdict()
    if as_json:
        print_json(report)
        return
    print_table(["export", ""], [(key, str(each)) for key, each in report.items()])
