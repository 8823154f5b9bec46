"""Write a scenario whose comments say where each number comes from."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from gammagym.calibration.measure import Measurement
from gammagym.calibration.parameters import Parameter, Parameters
from gammagym.errors import DataError
from gammagym.scenario.load import load_scenario

_WIDTH = 34


def scenario_text(
    name: str, venue: str | None, measurement: Measurement, parameters: Parameters
) -> str:
    """Return the text of a scenario file.

    Raises:
        DataError: The files do not tell the price.
    """
    if not parameters.price:
        raise DataError(
            "the files tell no price, without which there is no scenario: give quotes, trades, or "
            "a file of prices besides"
        )
    stream = measurement.files.stream
    symbol = stream.symbol if stream and stream.symbol else "a market"
    lines = [f"# {name}: what {symbol} was like, as `gammagym calibrate` measured it.", "#"]
    lines += [f"# {Path(path).name}: {kind}." for path, kind in measurement.files.formats.items()]
    lines += [
        "#",
        "# Sizes are in the exchange's own unit. What is not here is as in the preset of the flow.",
        "",
        f"name = {json.dumps(name, ensure_ascii=False)}",
        f"purpose = {json.dumps(f'{symbol}, measured', ensure_ascii=False)}",
    ]
    if venue:
        lines.append(f"venue = {json.dumps(venue, ensure_ascii=False)}")
    for table, keys in (("price", parameters.price), ("flow", parameters.flow)):
        if keys:
            lines += ["", f"[{table}]", *(_line(key, each) for key, each in keys.items())]
    return "\n".join([*lines, ""])


def check_target(path: Path) -> None:
    """Raise DataError unless a scenario can be written here; nothing that is there is replaced."""
    if path.suffix != ".toml":
        raise DataError(f"{path}: a scenario is a TOML file; give a name that ends in .toml")
    if path.exists():
        raise DataError(f"{path}: is there already; give another --out, or remove it")
    if not path.parent.is_dir():
        raise DataError(f"{path}: there is no folder {path.parent}")


def write_scenario(path: Path, text: str) -> None:
    """Write a scenario, once it is known to load: all of it or nothing.

    Raises:
        DataError: It cannot be written.
        ScenarioError: It is not valid.
    """
    check_target(path)
    temporary: Path | None = None
    try:
        handle, name = tempfile.mkstemp(".toml", ".", path.parent)
        temporary = Path(name)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        load_scenario(name)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        raise DataError(f"{path}: cannot be written: {error.strerror}") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _line(key: str, parameter: Parameter) -> str:
    value = parameter.value
    written = json.dumps(value) if isinstance(value, str) else _number(value)
    return f"{f'{key} = {written}'.ljust(_WIDTH)} # {parameter.reason}"


def _number(value: float) -> str:
    """Return a float as TOML writes it.

    >>> _number(111900.0), _number(1e-05)
    ('111900.0', '0.00001')
    """
    text = f"{value:.12f}".rstrip("0")
    return f"{text}0" if text.endswith(".") else text
