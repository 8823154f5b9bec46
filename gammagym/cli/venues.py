"""The command ``venues``: what venues there are, and the rules of one as tables."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from gammagym.cli.common import NOTHING, print_json, print_table, story
from gammagym.errors import ScenarioError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: gammagym venues binance")(venues)


def venues(
    name: Annotated[str | None, typer.Argument(help="One venue, by name or path.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the venues, or show the rules of one."""
    from gammagym.scenario.load import load_venue

    if name is None:
        _list(as_json)
        return
    venue = load_venue(name)
    if as_json:
        print_json(venue.model_dump(mode="json"))
    else:
        _show(name, venue)


def _list(as_json: bool) -> None:
    from gammagym.scenario.load import list_venues

    lines = [
        {"name": name, "purpose": text} | _figures(name) for name, text in list_venues().items()
    ]
    if as_json:
        print_json(lines)
        return
    rows = [
        (
            line["name"],
            line["purpose"],
            line.get("contracts", NOTHING),
            line.get("maker_fee", NOTHING),
            line.get("taker_fee", NOTHING),
            line.get("as_of", NOTHING),
        )
        for line in lines
    ]
    print_table(["venue", "purpose", "contracts", "maker", "taker", "as of"], rows, left=3)


def _figures(name: str) -> dict[str, str]:
    """Return the main figures of a venue; none of one whose file is broken."""
    from gammagym.quantities import format_percent
    from gammagym.scenario.load import load_venue
    from gammagym.venues.words import contracts

    try:
        venue = load_venue(name)
    except ScenarioError:
        return {}
    return {
        "contracts": contracts(venue),
        "maker_fee": format_percent(venue.maker_fee),
        "taker_fee": format_percent(venue.taker_fee),
        "as_of": str(venue.as_of),
    }


def _show(name: str, venue: Any) -> None:
    from gammagym import content
    from gammagym.venues.shown import LEGEND
    from gammagym.venues.tables import rules

    typer.echo(story(content.resolve("venues", name)))
    typer.echo(f"as of {venue.as_of}\n")
    for table in rules(venue):
        print_table(
            table.columns,
            table.rows,
            title=table.title,
            left=table.left,
            caption=table.note or None,
        )
    if venue.unverified:
        typer.echo(f"{LEGEND}\n")
    typer.echo("\n".join(["sources:", *(f"  {source}" for source in venue.sources)]))
