"""The subject ``facts`` of ``validate``: stylised facts of simulated markets and real ones."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from gammagym.cli.common import note, print_json, print_table, split_settings
from gammagym.errors import GammagymError

if TYPE_CHECKING:
    from gammagym.evaluation.facts.record import MarketRecord
    from gammagym.evaluation.facts.report import Comparison

_SHORTEST_SECONDS = 60.0
_LONG_SEEDS = 4
_LONG_HOURS = 1.0
# Hours of the full flow would take as many minutes; the thin one makes nearly the same market.
_DEAR, _CHEAP = "full", "thin"


@dataclass(frozen=True)
class FactOptions:
    """What the command was asked for.

    Attributes:
        scenario: name or path.
        settings: changes of it, as texts key=value.
        flow: preset of order flow, or None for that of the scenario.
        seed: of the record, and the first one of the long runs.
        seconds: length of the record (s).
        long_hours: length of each long run (h); 0: none.
        market: real market whose shipped ranges are used.
        data: recorded stream to measure instead, or None.
        out: folder for the page, or None.
    """

    scenario: str
    settings: list[str] | None
    flow: str | None
    seed: int
    seconds: float
    long_hours: float
    market: str
    data: Path | None
    out: Path | None

    def overrides(self) -> dict[str, Any]:
        """Return changes of the scenario by dotted key."""
        _, changes = split_settings(self.settings, ())
        if self.flow is not None:
            if "flow.preset" in changes:
                raise GammagymError("--flow and --set flow.preset say the same: give one of them")
            changes["flow.preset"] = self.flow
        return changes

    def check(self) -> None:
        """Refuse what is out of range, before anything is run."""
        if self.seconds < _SHORTEST_SECONDS:
            raise GammagymError(
                f"--seconds must be at least {_SHORTEST_SECONDS:g}, was {self.seconds:g}"
            )
        if self.long_hours != 0 and not self.long_hours >= _LONG_HOURS:
            raise GammagymError(
                f"--long-hours must be 0 or at least {_LONG_HOURS:g}, was {self.long_hours:g}"
            )
        if self.out is not None and self.out.exists() and not self.out.is_dir():
            raise GammagymError(f"--out {self.out} is a file: give a folder")


def validate_facts(options: FactOptions, as_json: bool) -> None:
    """Measure, compare and print; exit code 1 if a fact is outside of its range.

    Raises:
        GammagymError: an option is bad, the scenario impossible, or the data cannot be read.
    """
    from gammagym.evaluation.facts.report import Comparison, cells
    from gammagym.evaluation.facts.targets import LONG_TARGETS, compare, load_targets, targets_of

    options.check()
    real = _read(options.data) if options.data is not None else None
    targets = targets_of(real) if real is not None else load_targets(options.market)
    simulated, facts = _simulate(options)
    findings = compare(facts, {**targets.facts, **LONG_TARGETS})
    comparison = Comparison(simulated, targets, findings, real, _distances(simulated, real))
    if options.out is not None:
        _write(comparison, options.out)
    if as_json:
        print_json(_as_json(comparison))
    else:
        print_table(
            ["fact", "simulated", "real", "verdict", "miss"],
            [cells(finding) for finding in findings],
            title=f"{simulated.name}: {comparison.inside} of {len(comparison.judged)} facts inside "
            f"the range of {targets.name}",
            caption="real: least and greatest of the whole sample and its equal parts; miss: "
            "distance from that range, widened by a quarter on each side",
        )
        _print_distances(comparison.distances)
    if comparison.inside < len(comparison.judged):
        raise typer.Exit(1)


def _read(path: Path) -> MarketRecord:
    from gammagym.evaluation.facts.stream import record_stream

    note(f"{path} ...")
    return record_stream(path)


def _simulate(options: FactOptions) -> tuple[MarketRecord, dict[str, float]]:
    """Return the record of the world, and its facts with those of the long runs."""
    from gammagym.evaluation.facts.measures import measure
    from gammagym.evaluation.facts.worlds import record_world

    changes = options.overrides()
    note(f"{options.scenario}: {options.seconds:g} s ...")
    simulated = record_world(options.scenario, changes, seed=options.seed, seconds=options.seconds)
    facts = measure(simulated)
    if options.long_hours:
        facts |= _measure_long(options, changes)
    return simulated, facts


def _measure_long(options: FactOptions, changes: Mapping[str, Any]) -> dict[str, float]:
    from gammagym.evaluation.facts.long_run import measure_long
    from gammagym.evaluation.facts.worlds import long_returns

    changes = dict(changes)
    if changes.get("flow.preset") == _DEAR:
        changes["flow.preset"] = _CHEAP
    note(
        f"{options.scenario}: {_LONG_SEEDS} runs of {options.long_hours:g} h, flow "
        f"{changes.get('flow.preset', 'of the scenario')} ..."
    )
    seeds = range(options.seed, options.seed + _LONG_SEEDS)
    hours = options.long_hours
    return measure_long(
        [long_returns(options.scenario, changes, seed=seed, hours=hours) for seed in seeds]
    )


def _distances(
    simulated: MarketRecord, real: MarketRecord | None
) -> dict[str, tuple[float, float]]:
    from gammagym.evaluation.facts.distributions import distances

    return {} if real is None else distances(simulated, real)


def _write(comparison: Comparison, folder: Path) -> None:
    """Write the page, the figures for machines, and the targets if they were measured anew."""
    from gammagym.evaluation.facts.report import write_page
    from gammagym.evaluation.facts.targets import write_targets
    from gammagym.evaluation.page import write_whole

    folder.mkdir(parents=True, exist_ok=True)
    write_page(comparison, folder / "facts.html")
    write_whole(json.dumps(_as_json(comparison), indent=2, allow_nan=False), folder / "facts.json")
    if comparison.real is not None:
        write_targets(comparison.targets, folder / "targets.toml")
    note(f"page: {folder / 'facts.html'}")


def _as_json(comparison: Comparison) -> dict[str, Any]:
    return {
        "simulated": comparison.simulated.name,
        "real": comparison.targets.name,
        "judged": len(comparison.judged),
        "inside": comparison.inside,
        "facts": {
            each.fact: {
                "simulated": _finite(each.simulated),
                "real": None if each.target is None else each.target.value,
                "low": None if each.target is None else _finite(each.target.low),
                "high": None if each.target is None else _finite(each.target.high),
                "verdict": each.verdict,
                "miss": _finite(each.miss),
            }
            for each in comparison.findings
        },
        "distances": {
            name: {"l1": _finite(l1), "wasserstein": _finite(w1)}
            for name, (l1, w1) in comparison.distances.items()
        },
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _print_distances(distances: Mapping[str, tuple[float, float]]) -> None:
    from gammagym.evaluation.facts.report import number

    if distances:
        print_table(
            ["distribution", "L1", "Wasserstein-1"],
            [(name, number(l1), number(w1)) for name, (l1, w1) in distances.items()],
            title="Distances of distributions",
            caption="L1: 0 if equal, 1 if disjoint; Wasserstein-1 in interquartile ranges",
        )
