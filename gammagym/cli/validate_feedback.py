"""The subject ``feedback`` of ``validate``: what hedging does to the market that it hedges in."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gammagym.cli.common import note, print_checks, print_json, print_table
from gammagym.errors import GammagymError

if TYPE_CHECKING:
    from gammagym.evaluation.feedback_results import Feedback

_FEWEST_DAYS = 4


@dataclass(frozen=True)
class FeedbackOptions:
    """What the command was asked for.

    Attributes:
        days: days of each market.
        seed: seed of the first day.
        out: folder for data and page, or None.
    """

    days: int
    seed: int
    out: Path | None

    def check(self) -> None:
        """Refuse what is out of range, before anything is run."""
        if self.days < _FEWEST_DAYS:
            raise GammagymError(f"--days must be at least {_FEWEST_DAYS}, was {self.days}")
        if self.seed < 0:
            raise GammagymError(f"--seed must be at least 0, was {self.seed}")
        if self.out is not None and self.out.exists() and not self.out.is_dir():
            raise GammagymError(f"--out {self.out} is a file: give a folder")


def validate_feedback(options: FeedbackOptions, as_json: bool) -> None:
    """Run the experiments, compare with theory and print; exit code 1 if a figure differs.

    Raises:
        GammagymError: an option is out of range.
    """
    options.check()
    from gammagym.evaluation.feedback import compare, measure_feedback

    found = measure_feedback(options.days, options.seed, lambda name: note(f"{name} ..."))
    if options.out is not None:
        _write(found, options.out)
    checks = compare(found)
    if as_json:
        rows = [vars(check) | {"passed": check.passed} for check in checks]
        print_json({"checks": rows, "measured": asdict(found)})
    else:
        print_checks(checks, "theory", f"{found.days} days of each market")
        _print_map(found)
    if not all(check.passed for check in checks):
        raise typer.Exit(1)


def _print_map(found: Feedback) -> None:
    """Print the map of crashes over k and depth: a line for each depth."""
    gains = sorted({cell.gain for cell in found.by_depth})
    lines: list[tuple[str, ...]] = []
    for depth in sorted({cell.depth for cell in found.by_depth}):
        line = {cell.gain: cell for cell in found.by_depth if cell.depth == depth}
        shown = [f"{line[k].crashes.value:.1f} / {line[k].runaway:.1f}" for k in gains]
        lines.append((f"{depth:g}", *shown))
    columns = ["depth", *(f"k = {gain:g}" for gain in gains)]
    print_table(columns, lines, title="share of days with a crash / on which the price ran away")


def _write(found: Feedback, folder: Path) -> None:
    """Write the data and a page with the figures."""
    from gammagym.evaluation.feedback_page import write_page
    from gammagym.evaluation.feedback_results import write_feedback

    folder.mkdir(parents=True, exist_ok=True)
    write_feedback(found, folder / "feedback.json")
    write_page(found, folder / "feedback.html")
    note(f"{folder / 'feedback.html'}, {folder / 'feedback.json'}")
