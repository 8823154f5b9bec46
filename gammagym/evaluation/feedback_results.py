"""What `validate feedback` finds, as data that can be written to a file and read again."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gammagym.errors import DataError
from gammagym.evaluation.page import write_whole


@dataclass(frozen=True)
class Estimate:
    """A measured value, its interval of 95 %, and what theory says, if it does."""

    value: float
    low: float
    high: float
    theory: float | None = None

    @property
    def error(self) -> float:
        """Half the width of the interval."""
        return (self.high - self.low) / 2


@dataclass(frozen=True)
class Curve:
    """Markets of one kind of dealers, by their gain k.

    Attributes:
        gains: k of each market.
        answer: what a return adds to the next one, apart from the news.
        autocorrelation: of returns over the hedging interval, lag one.
        short_ratio: volatility over one hedging interval, times that without dealers.
        long_ratio: the same over many of them.
        storms: share of days with a large move within an hour.
        crashes: share of days with a very large one.
    """

    gains: tuple[float, ...]
    answer: tuple[Estimate, ...]
    autocorrelation: tuple[Estimate, ...]
    short_ratio: tuple[Estimate, ...]
    long_ratio: tuple[Estimate, ...]
    storms: tuple[Estimate, ...]
    crashes: tuple[Estimate, ...]


@dataclass(frozen=True)
class Cell:
    """One place of a map.

    Attributes:
        gain: k.
        gamma: of all dealers (units per 1 %), < 0 where they are short.
        depth: of the book, as a multiple of the ordinary one.
        crashes: share of days with a crash.
        retraced: share of the crashes that went half of the way back; None: there was no crash.
        runaway: share of days on which the price ran away and dealers gave up.
    """

    gain: float
    gamma: float
    depth: float
    crashes: Estimate
    retraced: float | None
    runaway: float


@dataclass(frozen=True)
class Feedback:
    """Everything that `validate feedback` measures.

    Attributes:
        days: days of each market of the curves.
        seed: seed of the first day.
        together: dealers who hedge at equal times.
        staggered: dealers who take turns.
        by_depth: markets of one impact, over k and depth.
        by_gamma: markets whose impact is inverse to depth, over gamma and depth.
    """

    days: int
    seed: int
    together: Curve
    staggered: Curve
    by_depth: tuple[Cell, ...]
    by_gamma: tuple[Cell, ...]


def write_feedback(found: Feedback, path: str | os.PathLike[str]) -> None:
    """Write what was found as JSON, whole or not at all; figures have six digits."""
    write_whole(json.dumps(_rounded(asdict(found)), indent=1) + "\n", path)


def read_feedback(path: str | os.PathLike[str]) -> Feedback:
    """Read what `write_feedback` wrote.

    Raises:
        DataError: the file cannot be read, or is none of these.
    """
    try:
        table = json.loads(Path(path).read_text(encoding="utf-8"))
        return Feedback(
            table["days"],
            table["seed"],
            _curve(table["together"]),
            _curve(table["staggered"]),
            tuple(_cell(each) for each in table["by_depth"]),
            tuple(_cell(each) for each in table["by_gamma"]),
        )
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path}: not what `gammagym validate feedback --out FOLDER` writes ({error!r}): write "
            "it anew"
        ) from error


def _curve(table: dict[str, Any]) -> Curve:
    rest = {
        name: tuple(Estimate(**each) for each in values)
        for name, values in table.items()
        if name != "gains"
    }
    return Curve(gains=tuple(table["gains"]), **rest)


def _cell(table: dict[str, Any]) -> Cell:
    rest = {name: value for name, value in table.items() if name != "crashes"}
    return Cell(crashes=Estimate(**table["crashes"]), **rest)


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {name: _rounded(item) for name, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list | tuple) else value
