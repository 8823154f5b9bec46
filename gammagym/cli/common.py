"""What commands share: errors in one line, options with several values, tables, progress bars."""

from __future__ import annotations

import contextlib
import datetime
import json
import re
import sys
import tomllib
from collections.abc import Generator, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, cast

import typer
from typer.core import TyperGroup

from gammagym import content
from gammagym.errors import GammagymError

if TYPE_CHECKING:
    from rich.progress import Progress

    from gammagym.evaluation.theory import Check

BAD_INPUT = 2
NOTHING = "\N{EN DASH}"
_PARAMETER = re.compile(r"[A-Za-z_]\w*=")


class _Usage(Protocol):
    """The part of a command-line mistake that is shown."""

    exit_code: int

    def format_message(self) -> str: ...


class Commands(TyperGroup):
    """A group of commands that prints every mistake in one line and returns a sound exit code."""

    def main(self, *args: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        """Run; exit code 2 for bad input, 130 when interrupted."""
        try:
            code = super().main(*args, standalone_mode=False, **extra)
        except GammagymError as error:
            _leave(str(error), BAD_INPUT)
        except typer.Abort:
            _leave("interrupted", 130)
        except KeyboardInterrupt:
            _leave("interrupted", 130)
        except Exception as error:
            if not hasattr(error, "format_message"):
                raise
            mistake = cast(_Usage, error)
            if type(error).__name__ == "NoArgsIsHelpError":
                typer.echo(mistake.format_message())
                sys.exit(0)
            hint = f"see {_program(error)} --help"
            _leave(f"{mistake.format_message().rstrip('.')}; {hint}", BAD_INPUT)
        if not standalone_mode:
            return code
        if code == 130:
            _leave("interrupted", 130)
        sys.exit(code if isinstance(code, int) else 0)


def _program(error: Any) -> str:
    context = getattr(error, "ctx", None)
    return context.command_path if context is not None else "gammagym"


def _leave(message: str, code: int) -> NoReturn:
    typer.echo(f"error: {' '.join(message.split())}", err=True)
    sys.exit(code)


def split_list(values: Iterable[str] | None) -> tuple[str, ...]:
    """Split values at commas, but for those between the parameters of an agent.

    >>> split_list(["delta_band:band=0.02,edge=true,no_hedge", "calm"])
    ('delta_band:band=0.02,edge=true', 'no_hedge', 'calm')
    """
    found: list[str] = []
    for value in values or ():
        fresh = True
        for part in (each.strip() for each in value.split(",")):
            if not fresh and _PARAMETER.match(part) and ":" in found[-1]:
                found[-1] += f",{part}"
            elif part:
                found.append(part)
                fresh = False
    return tuple(found)


def split_settings(
    values: Iterable[str] | None, task_keys: Iterable[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Split ``--set key=value`` into attributes of the task and values of the scenario.

    A value is what TOML allows after the equals sign, but text needs no quotes.

    Raises:
        GammagymError: not of the form key=value, given twice, or a list or table that is not TOML.

    >>> split_settings(["dead_zone=0.1", "warmup=30s", "shocks=[]"], ["dead_zone"])
    ({'dead_zone': 0.1}, {'warmup': '30s', 'shocks': []})
    """
    options: dict[str, Any] = {}
    overrides: dict[str, Any] = {}
    for value in values or ():
        key, equals, text = (part.strip() for part in value.partition("="))
        if not (key and equals and text):
            raise GammagymError(f"--set {value!r}: expected key=value, such as dead_zone=0.1")
        if key in options or key in overrides:
            raise GammagymError(f"--set: {key!r} is given twice")
        if key in set(task_keys):
            options[key] = _value(value, text, float)
        else:
            overrides[key] = _value(value, text, str if _is_exact(key) else float)
    return options, overrides


def _value(given: str, text: str, number: type[float] | type[str]) -> Any:
    """Return what a setting's text says; `number` makes what has a decimal point."""
    try:
        table = tomllib.loads(f"value = {text}", parse_float=number)
    except tomllib.TOMLDecodeError as error:
        if text[0] in "[{":
            raise GammagymError(
                f"--set {given!r}: not valid TOML: {error}; text in a list or a table needs "
                'quotes, such as {low = "20s", high = "2min"}'
            ) from error
        return text if number is str else _loose(text)
    return _plain(table["value"]) if len(table) == 1 else text


def _loose(text: str) -> bool | float | str:
    """Return a value that Python would take and TOML does not: True, .5, or plain text."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for convert in (int, float):
        with contextlib.suppress(ValueError):
            return convert(text)
    return text


def _plain(value: Any) -> Any:
    """Return a value of TOML with dates as text, as JSON could hold it."""
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, list):
        return [_plain(item) for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in cast("dict[str, Any]", value).items()}
    return value


def _is_exact(key: str) -> bool:
    """Return whether a scenario's key is an exact decimal, whose text must not become a float."""
    from gammagym.scenario.keys import is_exact
    from gammagym.scenario.schema import Scenario
    from gammagym.venues.schema import Venue

    table, _, rule = key.partition(".")
    return is_exact(Venue, rule) if table == "rules" else is_exact(Scenario, key)


def print_json(value: Any) -> None:
    """Print a value for machines."""
    typer.echo(json.dumps(value, indent=2, allow_nan=False, default=str))


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    title: str | None = None,
    left: int = 1,
    caption: str | None = None,
) -> None:
    """Print a table.

    Args:
        columns: headings.
        rows: texts.
        title: what stands above it.
        left: how many of the first columns are aligned to the left; the rest to the right.
        caption: what stands below it.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD)
    for place, name in enumerate(columns):
        table.add_column(name, justify="left" if place < left else "right", overflow="fold")
    for row in rows:
        table.add_row(*(Text(text) for text in row))
    console = Console()
    if not console.is_terminal:  # a file or a pipe has no width: do not fold
        console = Console(width=200)
    if title:  # in lines of their own: rich would fold them at the width of the table
        console.print(Text(title, style="bold"))
    console.print(table)
    if caption:
        console.print(Text(caption, style="dim italic"))


def print_checks(checks: Iterable[Check], known: str, title: str) -> None:
    """Print figures beside the values they should have.

    Args:
        checks: the figures.
        known: what the values are: the title of the first column.
        title: of the table.
    """
    rows = [
        (
            check.name,
            f"{check.measured:.4f}",
            f"{check.expected:.4f}",
            f"{check.tolerance:.4f}",
            "yes" if check.passed else "NO",
        )
        for check in checks
    ]
    print_table([known, "measured", "expected", "tolerance", "agrees"], rows, title=title)


def story(path: Path) -> str:
    """Return the comment that a TOML file begins with, and where the file is."""
    return f"{content.opening_comment(path)}\n\nfile: {path}".strip()


@contextlib.contextmanager
def progress_bar(description: str, *, quiet: bool = False) -> Generator[Progress | None]:
    """Show progress on standard error if it is a terminal.

    Args:
        description: what is going on.
        quiet: show nothing.

    Yields:
        A bar with one task, number 0, or None.
    """
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    bar = Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with bar:
        bar.add_task(description, total=None)
        yield bar


def note(message: str) -> None:
    """Tell something in passing, on standard error."""
    typer.echo(message, err=True)


def percent(value: float | None, factor: float, digits: int = 1) -> str:
    """Return a share of the stake as people see it; a dash if there is none.

    >>> percent(0.4567, 100.0), percent(float("nan"), 100.0) == NOTHING
    ('45.7', True)
    """
    if value is None or value != value:
        return NOTHING
    return f"{value * factor + 0.0:.{digits}f}"
