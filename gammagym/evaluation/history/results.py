"""Results of the comparison as text, as plain data for machines, and as a file."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gammagym.evaluation.history.compare import Finding
from gammagym.evaluation.page import write_whole
from gammagym.scenario.record import RecordedFact

COLUMNS = ("measure", "recorded", "simulated", "role", "within 25 %", "source")


def told(fact: RecordedFact, number: float) -> str:
    """Return a figure in the notation of a fact; a dash where there is none.

    >>> fact = RecordedFact(measure="fall", value="-5%", role="outcome", source="a book")
    >>> told(fact, -0.0512)
    '-5.1 %'
    """
    if math.isnan(number):
        return "\N{EN DASH}"
    if fact.notation == "percentage":
        return f"{100 * number:.{1 if abs(number) >= 0.01 else 3}f} %"
    if fact.notation == "factor":
        return f"{number:.3g}"
    for size, unit in ((3_600.0, "h"), (60.0, "min")):
        if number >= 2 * size:
            return f"{number / size:.3g} {unit}"
    return f"{number:.3g} s"


def cells(finding: Finding) -> tuple[str, ...]:
    """Return the cells of one line of the table, as `COLUMNS` names them."""
    fact = finding.fact
    low, high = (told(fact, value) for value in finding.quartiles)
    return (
        fact.label,
        told(fact, fact.number),
        f"{told(fact, finding.median)} ({low} to {high})",
        fact.role,
        finding.verdict,
        fact.source,
    )


def as_data(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Return findings as plain data; what could not be measured is None."""
    return [
        {
            "scenario": each.scenario,
            "measure": each.fact.label,
            "recorded": each.fact.number,
            "median": _finite(each.median),
            "quartiles": [_finite(value) for value in each.quartiles],
            "values": [_finite(value) for value in each.values],
            "role": each.fact.role,
            "verdict": each.verdict,
            "miss": each.fact.miss,
            "source": each.fact.source,
            "cells": list(cells(each)),
        }
        for each in findings
    ]


def write_results(findings: Sequence[Finding], path: Path) -> None:
    """Write findings as JSON, whole or not at all."""
    write_whole(json.dumps(as_data(findings), indent=1, allow_nan=False) + "\n", path)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
