"""Commands that show what there is: ``scenarios`` and ``agents``."""

from __future__ import annotations

import ast
from dataclasses import asdict
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Any

import typer

from gammagym.cli.common import print_json, print_table, split_list, split_settings
from gammagym.errors import GammagymError

Machines = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog="Example: gammagym scenarios flash_crash --agents all")(scenarios)
    app.command(epilog="Example: gammagym agents delta_band")(agents)


def scenarios(
    name: Annotated[
        str | None,
        typer.Argument(help='One scenario, by name or path, or several: "calm + flash_crash".'),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="Change it (price.volatility=0.8); repeatable.", metavar="KEY=VALUE"
        ),
    ] = None,
    agents: Annotated[
        list[str] | None,
        typer.Option(help="Also let agents hedge in it: names or paths with commas, or all."),
    ] = None,
    seeds: Annotated[int, typer.Option(help="Runs, and episodes of each agent.")] = 8,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the first run.")] = 0,
    task: Annotated[str, typer.Option(help="Task whose book and horizon it is.")] = "GammaScalp",
    horizon: Annotated[
        float | None, typer.Option(help="Length of a run (s).", metavar="SECONDS")
    ] = None,
    price_file: Annotated[
        str | None, typer.Option("--price-file", help="CSV of prices to replay.", metavar="FILE")
    ] = None,
    plot: Annotated[
        bool, typer.Option("--plot/--no-plot", help="Write a page with the plots of a median run.")
    ] = True,
    out: Annotated[Path, typer.Option(help="Folder for that page.")] = Path("results/scenarios"),
    schema: Annotated[
        bool,
        typer.Option("--schema", help="Print the JSON Schema of a scenario file, for editors."),
    ] = False,
    as_json: Machines = False,
) -> None:
    """List the scenarios, or show one: its story, its values, and a page with a median run.

    The page shows price, spread, depth, premium, funding, volatility and liquidations of the most
    ordinary of some runs in which nobody hedges. With --json there are values only, and no page.
    """
    from gammagym.cli.gallery import GalleryOptions, compare, show_gallery
    from gammagym.evaluation.gallery.described import load_described, story

    if schema:
        from gammagym.scenario.json_schema import scenario_schema

        print_json(scenario_schema())
        return
    if name is None:
        if settings:
            raise GammagymError("--set changes one scenario: name it, such as scenarios calm")
        _list_scenarios(as_json)
        return
    _, changes = split_settings(settings, ())
    chosen = split_list(agents)
    options = GalleryOptions(
        name, changes, chosen, seeds, seed, task, horizon, price_file, plot and not as_json, out
    )
    options.check()
    scenario = load_described(name, price_file, changes)
    if as_json:
        shown = scenario.model_dump(mode="json")
        if chosen:
            shown["agents"] = [_plain(each) for each in compare(options).conducts]
        print_json(shown)
        return
    typer.echo(story(name))
    typer.echo(_files(name))
    print_table(["key", "value", "meaning"], _values(scenario), left=3)
    show_gallery(options, scenario)


def agents(
    name: Annotated[str | None, typer.Argument(help="One agent, by name or path.")] = None,
    as_json: Machines = False,
) -> None:
    """List the agents, or show one with its parameters. No agent is run for it."""
    from gammagym import content
    from gammagym.loading import ENTRY_POINT_GROUP, available_agents, parse_reference

    if name is None:
        shipped = content.available("agents")
        ideas = {each: _idea(content.resolve("agents", each)) for each in shipped}
        for entry in entry_points(group=ENTRY_POINT_GROUP):
            ideas.setdefault(entry.name, f"(of another package: {entry.value})")
        _list("agent", ideas, as_json)
        return
    plain, _ = parse_reference(name)
    others = [each for each in available_agents() if each not in content.available("agents")]
    if plain in others:
        value = next(iter(entry_points(group=ENTRY_POINT_GROUP, name=plain))).value
        _list("agent", {plain: f"(of another package: {value})"}, as_json)
        return
    path = content.resolve("agents", plain)
    parameters = _parameters(path)
    if as_json:
        print_json(
            {"name": plain, "file": str(path), "story": _docstring(path), "parameters": parameters}
        )
        return
    typer.echo(f"{_docstring(path)}\n\nfile: {path}")
    rows = [(each["name"], each["default"], each["meaning"]) for each in parameters]
    if rows:
        print_table(["parameter", "default", "meaning"], rows, left=3)


def _plain(conduct: Any) -> dict[str, Any]:
    """Return what an agent did as plain values; NaN becomes None."""
    return {
        key: None if isinstance(value, float) and value != value else value
        for key, value in asdict(conduct).items()
    }


def _list_scenarios(as_json: bool) -> None:
    """List the scenarios by group."""
    from gammagym.evaluation.gallery.described import GROUPS, by_group

    groups = by_group()
    if as_json:
        rows = [
            {"name": name, "group": group or None, "purpose": purpose}
            for group, scenarios in groups.items()
            for name, purpose in scenarios.items()
        ]
        print_json(rows)
        return
    for group, scenarios in groups.items():
        print_table(["scenario", "purpose"], list(scenarios.items()), title=GROUPS[group], left=2)


def _list(noun: str, lines: dict[str, str], as_json: bool) -> None:
    if as_json:
        print_json([{"name": name, "purpose": purpose} for name, purpose in lines.items()])
    else:
        print_table([noun, "purpose"], list(lines.items()), left=2)


def _files(name: str) -> str:
    """Return the files that a scenario is made of, a line each."""
    from gammagym.scenario.inheritance import scenario_files

    return "\n".join(["", *(f"file: {path}" for path in reversed(scenario_files(name)))])


def _values(model: Any, prefix: str = "") -> list[tuple[str, str, str]]:
    """Return key, value and meaning of everything that a pydantic model says."""
    from pydantic import BaseModel

    dumped = model.model_dump(mode="json")
    rows: list[tuple[str, str, str]] = []
    for key, info in type(model).model_fields.items():
        value = getattr(model, key)
        if isinstance(value, BaseModel):
            rows += _values(value, f"{prefix}{key}.")
        elif isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
            for place, item in enumerate(value):
                rows += _values(item, f"{prefix}{key}.{place}.")
        elif key == "ranges" and isinstance(value, dict):
            about = info.description or ""
            rows += [(f"ranges.{name}", str(item), about) for name, item in value.items()]
        elif value is not None and value != ():
            shown = dumped[key]
            text = "; ".join(map(str, shown)) if isinstance(shown, list) else str(shown)
            rows.append((prefix + key, text, info.description or ""))
    return rows


def _docstring(path: Path) -> str:
    """Return the docstring of a Python file without running it."""
    try:
        return (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").strip()
    except (SyntaxError, UnicodeDecodeError) as error:
        return f"(broken: {error})"


def _idea(path: Path) -> str:
    """Return the first sentence of an agent's docstring, in one line."""
    return " ".join(_docstring(path).split("\n\n")[0].split())


def _parameters(path: Path) -> list[dict[str, str]]:
    """Return the fields of an agent's ``Params`` with the comments beside them, by reading it."""
    try:
        text = path.read_text("utf-8")
        tree = ast.parse(text)
    except (SyntaxError, UnicodeDecodeError):
        return []
    lines = text.splitlines()
    found: list[dict[str, str]] = []
    for node in tree.body:
        if not (isinstance(node, ast.ClassDef) and node.name == "Params"):
            continue
        for each in node.body:
            if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
                default = ast.unparse(each.value) if each.value else ""
                end = (each.end_lineno or each.lineno) - 1
                _, _, comment = lines[end][each.end_col_offset or 0 :].partition("#")
                found.append(
                    {"name": each.target.id, "default": default, "meaning": comment.strip()}
                )
    return found
