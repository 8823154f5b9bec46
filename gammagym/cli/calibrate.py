"""The command ``calibrate``: measure a market and write the scenario that resembles it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gammagym.cli.common import NOTHING, note, print_json, print_table
from gammagym.errors import DataError

if TYPE_CHECKING:
    from gammagym.calibration.measure import Figure
    from gammagym.calibration.parameters import Parameters

_WHOLE = 10_000  # from here on, digits behind the point are noise


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: gammagym calibrate BTCUSDT.gz bars.csv --out mine.toml")(calibrate)


def calibrate(
    files: Annotated[
        list[str], typer.Argument(help="Files of one market: a stream of events, and prices.")
    ],
    name: Annotated[
        str | None, typer.Option(help="Name of the scenario; left out: that of its file.")
    ] = None,
    venue: Annotated[
        str | None, typer.Option(help="Venue of the scenario; left out: the default.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="File of the scenario (.toml).")] = None,
    tune: Annotated[
        bool,
        typer.Option(help="Simulate, and tune what cannot be read off: depth, impact, informed."),
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure a real market and write a scenario that resembles it.

    Files are recorded streams, CSVs of Tardis, pairs of LOBSTER, public trades and klines of
    Binance, or CSVs of prices; they are told apart by their content.
    """
    from gammagym.calibration.measure import figures, measure
    from gammagym.calibration.parameters import choose_parameters
    from gammagym.calibration.scenario_file import check_target, scenario_text, write_scenario
    from gammagym.data.market_files import read_market_files
    from gammagym.scenario.load import load_venue

    target = out or Path(f"{name or 'calibrated'}.toml")
    check_target(target)
    if name is not None and not name.strip():
        raise DataError("--name must not be empty")
    if venue is not None:
        load_venue(venue)
        if Path(venue).is_file():  # the scenario may lie elsewhere
            venue = str(Path(venue).resolve())
    note(f"reading {', '.join(files)} ...")
    measurement = measure(read_market_files(files), lambda group: note(f"{group} ..."))
    parameters = choose_parameters(measurement)
    if tune:
        from gammagym.calibration.tuning import tune_flow

        parameters = tune_flow(
            measurement,
            parameters,
            venue,
            told=lambda number, misfit: note(f"tuning, round {number + 1}: misfit {misfit:.3f}"),
        )
    text = scenario_text(name or target.stem, venue, measurement, parameters)
    write_scenario(target, text)
    found = figures(measurement)
    if as_json:
        print_json(_as_json(found, parameters, measurement.files.formats, target))
        return
    _print(found)
    path = target if target.is_absolute() else f"./{target}"
    note(f"written: {target}; play it: gammagym evaluate no_hedge --scenario {path}")


def _print(found: list[Figure]) -> None:
    for group in dict.fromkeys(figure.group for figure in found):
        rows = [
            (each.label, _shown(each.estimate.value), _error(each.estimate.error), each.unit)
            for each in found
            if each.group == group
        ]
        print_table(["", "measured", "standard error", "unit"], rows, title=group)


def _shown(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= _WHOLE else f"{value:.5g}"


def _error(error: float) -> str:
    return f"{error:.2g}" if math.isfinite(error) else NOTHING


def _as_json(
    found: list[Figure], parameters: Parameters, formats: dict[str, str], target: Path
) -> dict[str, Any]:
    return {
        "files": formats,
        "figures": {
            each.key: {
                "value": each.estimate.value,
                "error": each.estimate.error if math.isfinite(each.estimate.error) else None,
                "unit": each.unit,
                "label": each.label.strip(),
                "group": each.group,
            }
            for each in found
        },
        "scenario": {
            table: {key: vars(each) for key, each in getattr(parameters, table).items()}
            for table in ("price", "flow")
        },
        "out": str(target),
    }
