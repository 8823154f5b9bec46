"""The command line: ``gammagym tournament``, ``evaluate``, ``report``, ``scenarios`` and others.

Each command imports what it needs when it runs, so that help is there at once.
"""

from __future__ import annotations

from typing import Annotated

import typer

from gammagym.cli import benchmark, calibrate, catalogue, compete, learn, play, validate, venues
from gammagym.cli.common import Commands

app = typer.Typer(
    cls=Commands,
    name="gammagym",
    help="A market you can trade in: run competitions between hedging agents.",
    epilog="Example: gammagym tournament --demo",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for group in (compete, play, learn, catalogue, venues, validate, calibrate, benchmark):
    group.register(app)


def _show_version(wanted: bool) -> None:
    if wanted:
        import gammagym

        typer.echo(f"gammagym {gammagym.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Print the version and leave."
        ),
    ] = False,
) -> None:
    """A market you can trade in: run competitions between hedging agents."""


def main() -> None:
    """Run the command line."""
    app()
