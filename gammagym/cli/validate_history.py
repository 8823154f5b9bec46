"""The subject ``history`` of ``validate``: recorded facts of real events and the scenarios'."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import typer

from gammagym.cli.common import note, print_json, print_table
from gammagym.errors import GammagymError

_MOST_SEEDS = 1_000


@dataclass(frozen=True)
class HistoryOptions:
    """What the command was asked for.

    Attributes:
        names: scenarios by name or path; empty: all that have recorded facts.
        seed: first seed.
        seeds: how many.
        out: folder for the results, or None.
    """

    names: Sequence[str]
    seed: int
    seeds: int
    out: Path | None

    def check(self) -> None:
        """Refuse what is out of range, before anything is run."""
        if not 1 <= self.seeds <= _MOST_SEEDS:
            raise GammagymError(f"--seeds must be 1 to {_MOST_SEEDS:,}, was {self.seeds}")
        if self.seed < 0:
            raise GammagymError(f"--seed must be at least 0, was {self.seed}")
        if self.out is not None and self.out.exists() and not self.out.is_dir():
            raise GammagymError(f"--out {self.out} is a file: give a folder")


def validate_history(options: HistoryOptions, as_json: bool) -> None:
    """Run the scenarios, compare and print; exit code 1 if an outcome is off and not listed.

    Raises:
        GammagymError: an option is out of range, or a scenario cannot be compared.
    """
    options.check()
    from gammagym.evaluation.history.compare import NO, compare_scenario, recorded_scenarios
    from gammagym.evaluation.history.results import COLUMNS, as_data, cells, write_results

    seeds = range(options.seed, options.seed + options.seeds)
    found = [
        finding
        for name in options.names or recorded_scenarios()
        for finding in compare_scenario(name, seeds, note)
    ]
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
        write_results(found, options.out / "history.json")
        note(f"{options.out / 'history.json'}")
    if as_json:
        print_json(as_data(found))
    else:
        for name in dict.fromkeys(each.scenario for each in found):
            rows = [cells(each) for each in found if each.scenario == name]
            print_table(
                COLUMNS,
                rows,
                title=name,
                caption=f"simulated: median and quartiles of {options.seeds} seeds; what is "
                "imposed does not count",
            )
    if any(each.verdict == NO for each in found):
        raise typer.Exit(1)
