"""What facts should be: ranges of a real sample, and fixed targets for what takes hours to see.

The ranges of three markets come with the package, so that nothing needs the data they were measured
on; `gammagym validate facts --data FILE --out FOLDER` measures them anew.
"""

from __future__ import annotations

import math
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gammagym.errors import DataError, GammagymError, nearest
from gammagym.evaluation.facts.measures import measure
from gammagym.evaluation.facts.record import MarketRecord
from gammagym.evaluation.page import write_whole

MARKETS = ("usdm", "spot", "coinm")
WINDOWS = 8
WIDENED = 0.25  # share of an end by which a range is widened there
_FEWEST_WINDOWS = 4
_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Range:
    """Where a fact should be.

    Attributes:
        low: smallest value of the sample's windows and the whole sample.
        high: largest of them.
        value: value of the whole sample; None for a fixed target.
    """

    low: float
    high: float
    value: float | None = None

    @property
    def ends(self) -> tuple[float, float]:
        """Ends of the range that counts; that of a sample is widened by a quarter on each side."""
        if self.value is None:
            return self.low, self.high
        return self.low - WIDENED * abs(self.low), self.high + WIDENED * abs(self.high)


@dataclass(frozen=True)
class Targets:
    """The facts of one real sample.

    Attributes:
        name: What was recorded.
        duration: Length of the sample (s).
        windows: Parts that the ranges are over.
        facts: By name; a fact that could not be measured in at least four windows is left out.
    """

    name: str
    duration: float
    windows: int
    facts: Mapping[str, Range]


# After hours, not minutes; the sources are in docs/facts.md.
LONG_TARGETS: Mapping[str, Range] = {
    "long_kurtosis_60s": Range(3.0, math.inf),
    "long_kurtosis_falls": Range(0.0, math.inf),
    "long_return_acf_60s": Range(-0.05, 0.05),
    "long_abs_return_acf_60s": Range(0.05, 1.0),
    "long_abs_return_acf_600s": Range(0.02, 1.0),
    "long_tail_index_60s": Range(2.0, 4.0),
    "long_volume_volatility_correlation": Range(0.1, 1.0),
}


@dataclass(frozen=True)
class Finding:
    """One fact of a simulated market beside its target.

    Attributes:
        fact: its name.
        simulated: its value; NaN where it could not be measured.
        target: where it should be, or None if nothing is known.
        miss: distance from the nearer end of the range that counts, 0 inside, < 0 below.
    """

    fact: str
    simulated: float
    target: Range | None
    miss: float

    @property
    def verdict(self) -> str:
        """What is said about it: "inside", "below", "above", or "not judged"."""
        if self.target is None or math.isnan(self.simulated):
            return "not judged"
        return "inside" if self.miss == 0.0 else "below" if self.miss < 0.0 else "above"


def compare(simulated: Mapping[str, float], targets: Mapping[str, Range]) -> list[Finding]:
    """Set facts beside their targets, in the order of the facts.

    >>> [(each.verdict, each.miss) for each in compare({"a": 7.0}, {"a": Range(1.0, 4.0, 2.0)})]
    [('above', 2.0)]
    """
    return [
        Finding(name, value, targets.get(name), _miss(value, targets.get(name)))
        for name, value in simulated.items()
    ]


def _miss(value: float, target: Range | None) -> float:
    if target is None or math.isnan(value):
        return math.nan
    low, high = target.ends
    return value - low if value < low else value - high if value > high else 0.0


def ranges(record: MarketRecord, windows: int = WINDOWS) -> dict[str, Range]:
    """Return the range of each fact over equal parts of a record, and the whole of it.

    Args:
        record: the sample.
        windows: number of parts, at least 4.

    Raises:
        GammagymError: fewer windows, or windows of less than 10 s.
    """
    if windows < _FEWEST_WINDOWS:
        raise GammagymError(f"windows must be at least {_FEWEST_WINDOWS}, was {windows}")
    whole = measure(record)
    parts = [measure(part) for part in record.windows(windows)]
    found: dict[str, Range] = {}
    for name, value in whole.items():
        seen = [part[name] for part in parts if math.isfinite(part[name])]
        if len(seen) >= _FEWEST_WINDOWS and math.isfinite(value):
            found[name] = Range(min(*seen, value), max(*seen, value), value)
    return found


def targets_of(record: MarketRecord) -> Targets:
    """Measure the targets that a real sample sets."""
    return Targets(record.name, record.duration, WINDOWS, ranges(record))


def load_targets(market: str) -> Targets:
    """Return the ranges that come with the package.

    Args:
        market: "usdm", "spot" or "coinm".

    Raises:
        GammagymError: there is no such market.

    >>> load_targets("usdm").facts["spread_one_tick_share"].high > 0.99
    True
    """
    if market not in MARKETS:
        raise GammagymError(f"no real market {market!r}: {nearest(market, list(MARKETS))}")
    return read_targets(_HERE / f"{market}.toml")


def read_targets(path: Path) -> Targets:
    """Read a file of targets.

    Raises:
        DataError: it is missing or malformed; every bad fact is told at once.
    """
    try:
        table = tomllib.loads(path.read_text("utf-8"))
        facts: dict[str, Any] = table["facts"]
        name, duration, windows = str(table["name"]), float(table["duration"]), table["windows"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path}: not a file of targets: {error!r}; one has name, duration, windows, [facts]"
        ) from error
    bad = [fact for fact, row in facts.items() if not _is_range(row)]
    if bad:
        raise DataError(
            f"{path}: facts {', '.join(bad)}: each must be [low, value, high], three finite "
            "numbers that do not fall"
        )
    read = {fact: Range(row[0], row[2], row[1]) for fact, row in facts.items()}
    return Targets(name, duration, int(windows), read)


def _is_range(row: Any) -> bool:
    if not (isinstance(row, list) and len(row) == 3):
        return False
    numbers = [value for value in row if isinstance(value, float | int)]
    return len(numbers) == 3 and bool(np.isfinite(numbers).all()) and sorted(numbers) == numbers


def write_targets(targets: Targets, path: str | os.PathLike[str]) -> None:
    """Write a file of targets, whole or not at all."""
    lines = [
        f"# Stylised facts of {targets.name}: [lowest, whole sample, highest] over the whole",
        f"# sample and its {targets.windows} equal parts. docs/facts.md says what each is. Made by",
        f"# gammagym validate facts --data {targets.name} --out FOLDER",
        "",
        f'name = "{targets.name}"',
        f"duration = {targets.duration:.3f} # s",
        f"windows = {targets.windows}",
        "",
        "[facts]",
        *(
            f'"{fact}" = [{each.low:.5g}, {each.value:.5g}, {each.high:.5g}]'
            for fact, each in targets.facts.items()
        ),
        "",
    ]
    write_whole("\n".join(lines), path)
