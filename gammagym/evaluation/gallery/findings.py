"""A scenario shown: its runs, their figures, and the median one among them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gammagym.evaluation.gallery.agents import Field
from gammagym.evaluation.gallery.measures import MEASURES, measure, median_run
from gammagym.evaluation.gallery.runs import Run, run_scenario

DEFAULT_SEEDS = 8


@dataclass(frozen=True)
class Figure:
    """One figure over all runs.

    Attributes:
        title: what it is, with its unit.
        digits: decimals that are shown.
        median: over all runs.
        low: the lowest.
        high: the highest.
        drawn: of the median run.
    """

    title: str
    digits: int
    median: float
    low: float
    high: float
    drawn: float


@dataclass(frozen=True, eq=False)
class Findings:
    """What a scenario did.

    Attributes:
        seeds: of the runs.
        horizon: length of an episode (s).
        median: the most ordinary run.
        figures: over all runs.
        field: what agents did there, if any were asked.
    """

    seeds: range
    horizon: float
    median: Run
    figures: tuple[Figure, ...]
    field: Field | None = None


def explore(
    scenario: str,
    seeds: range,
    task: str = "GammaScalp",
    price_file: str | os.PathLike[str] | None = None,
    *,
    overrides: Mapping[str, Any] | None = None,
    progress: Callable[[int], None] | None = None,
    **options: Any,
) -> Findings:
    """Run a scenario for some seeds and sum up what happened; arguments as of `run_scenario`.

    >>> found = explore("textbook", range(3), horizon_seconds=600.0)
    >>> found.median.seed in found.seeds, found.figures[0].title
    (True, 'move from beginning to end (%)')
    """
    runs = run_scenario(
        scenario, seeds, task, price_file, overrides=overrides, progress=progress, **options
    )
    median = median_run(runs)
    figures = _figures([measure(run) for run in runs], measure(median))
    return Findings(seeds, float(runs[0].times[-1]), median, figures)


def _figures(found: list[dict[str, float]], drawn: Mapping[str, float]) -> tuple[Figure, ...]:
    """Return the figures that some run has."""
    figures: list[Figure] = []
    for key, about in MEASURES.items():
        values = np.array([each[key] for each in found])
        known = values[np.isfinite(values)]
        if len(known) == 0:
            continue
        title = f"{about.title} ({about.unit})"
        spread = (float(np.median(known)), float(known.min()), float(known.max()))
        figures.append(Figure(title, about.digits, *spread, drawn[key]))
    return tuple(figures)
