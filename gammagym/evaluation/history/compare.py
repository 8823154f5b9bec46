"""Compare what a scenario does, over several seeds, with what was recorded of the real event."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from gammagym import content
from gammagym.errors import GammagymError
from gammagym.evaluation.history.measures import measure
from gammagym.evaluation.history.run import run_scenario
from gammagym.scenario.load import load_scenario
from gammagym.scenario.record import TOLERANCE, RecordedFact
from gammagym.scenario.schema import Scenario

SEEDS = 9
YES, NO, LISTED, STALE, IMPOSED = "yes", "no", "no, listed", "yes, but listed", "imposed"


@dataclass(frozen=True)
class Finding:
    """One recorded fact beside what the simulation makes of it.

    Attributes:
        scenario: name.
        fact: what was recorded.
        values: what each seed has made of it: shares, seconds, or factors.
    """

    scenario: str
    fact: RecordedFact
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """Median over the seeds; NaN if half of them or more showed nothing."""
        return self._quantile(0.5)

    @property
    def quartiles(self) -> tuple[float, float]:
        """Lower and upper quartile over the seeds."""
        return self._quantile(0.25), self._quantile(0.75)

    @property
    def is_within(self) -> bool:
        """Whether the median is within a quarter of the recorded figure."""
        recorded = self.fact.number
        return abs(self.median - recorded) <= TOLERANCE * abs(recorded)

    @property
    def verdict(self) -> str:
        """YES, NO, or LISTED: an outcome whose miss the scenario explains.

        STALE: a miss is explained that is none. IMPOSED: it does not count.
        """
        if self.fact.role == "imposed":
            return IMPOSED
        if self.fact.miss is not None:
            return STALE if self.is_within else LISTED
        return YES if self.is_within else NO

    def _quantile(self, share: float) -> float:
        known = [value for value in self.values if not math.isnan(value)]
        if 2 * len(known) <= len(self.values):
            return math.nan
        return float(np.quantile(known, share))


def recorded_scenarios() -> tuple[str, ...]:
    """Return the names of the known scenarios whose files have recorded facts, in order."""
    return tuple(name for name in content.available("scenarios") if _has_record(name))


def _has_record(name: str) -> bool:
    """Return whether a scenario's own file has recorded facts; a broken one has none."""
    try:
        text = content.resolve("scenarios", name).read_text(encoding="utf-8-sig")
        return "record" in tomllib.loads(text)
    except (OSError, ValueError):
        return False


def compare_scenario(
    scenario: str | Scenario, seeds: Sequence[int], tell: Callable[[str], object] | None = None
) -> list[Finding]:
    """Run a scenario once for each seed, and measure every recorded fact.

    Args:
        scenario: name, path, or a `Scenario`.
        seeds: at least one.
        tell: is given a line before each run.

    Raises:
        ScenarioError: the scenario is unknown, malformed or impossible.
        GammagymError: it has no recorded facts, or a market is missing that one of them needs.
    """
    loaded = load_scenario(scenario)
    if not loaded.record:
        raise GammagymError(
            f"scenario {loaded.name!r}: has no [[record]] to compare with; these have: "
            f"{', '.join(recorded_scenarios())}"
        )
    found: list[list[float]] = []
    for seed in seeds:
        if tell is not None:
            tell(f"{loaded.name}, seed {seed} ...")
        run = run_scenario(loaded, seed)
        found.append([measure(fact, run) for fact in loaded.record])
    return [
        Finding(loaded.name, fact, tuple(values))
        for fact, values in zip(loaded.record, zip(*found, strict=True), strict=True)
    ]
