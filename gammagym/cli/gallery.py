"""What ``gammagym scenarios NAME`` does beyond the scenario's own words: run it, draw it, compare.

The page goes to a folder; the table of agents is printed and is on the page as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gammagym.cli.common import NOTHING, note, percent, print_table, progress_bar
from gammagym.errors import GammagymError

if TYPE_CHECKING:
    from gammagym.evaluation.gallery.agents import Field
    from gammagym.scenario.schema import Scenario


@dataclass(frozen=True)
class GalleryOptions:
    """What was asked for.

    Attributes:
        reference: of the scenario.
        overrides: its values by dotted key that are changed.
        agents: references of agents, ("all",), or nothing.
        seeds: number of runs.
        seed: seed of the first.
        task: whose book and horizon it is.
        horizon: length of a run (s); None: as in tournaments.
        price_file: CSV of prices to replay, or None.
        plot: whether a page is written.
        out: folder of the page.
    """

    reference: str
    overrides: dict[str, Any]
    agents: tuple[str, ...]
    seeds: int
    seed: int
    task: str
    horizon: float | None
    price_file: str | None
    plot: bool
    out: Path

    def check(self) -> None:
        """Refuse what cannot be run, before anything runs.

        Raises:
            GammagymError: an option is out of range.
        """
        if self.seeds < 1:
            raise GammagymError(f"--seeds must be at least 1, was {self.seeds}")
        if self.seed < 0:
            raise GammagymError(f"--seed must be at least 0, was {self.seed}")
        for folder in (self.out, *self.out.absolute().parents):
            if self.plot and folder.exists() and not folder.is_dir():
                raise GammagymError(f"--out {self.out}: {folder} is a file, not a folder")

    @property
    def seed_range(self) -> range:
        """The seeds of the runs."""
        return range(self.seed, self.seed + self.seeds)

    @property
    def task_options(self) -> dict[str, Any]:
        """What differs from the task's defaults."""
        from gammagym.evaluation.plan import default_options

        own = {} if self.horizon is None else {"horizon_seconds": self.horizon}
        return default_options(self.task) | own


def show_gallery(options: GalleryOptions, scenario: Scenario) -> None:
    """Run a scenario, write the page of a median run, and print what agents did.

    Raises:
        GammagymError: an option is out of range, or something about the market is impossible.
    """
    from gammagym.evaluation.gallery.described import needs_a_file

    if options.price_file is None and needs_a_file(options.reference):
        if options.agents:
            raise GammagymError(
                f"{options.reference} plays a file of yours: give it with --price-file FILE"
            )
        if options.plot:
            note("no plot: this scenario plays a file of yours; give it with --price-file FILE")
        return
    field = compare(options) if options.agents else None
    if field is not None:
        _print_field(field)
    if options.plot:
        _write(options, scenario, field)


def compare(options: GalleryOptions) -> Field:
    """Let agents hedge in the scenario."""
    from gammagym.evaluation.gallery.agents import ALL_AGENTS, compare_agents
    from gammagym.evaluation.plan import default_agents

    count = len(default_agents() if options.agents == ALL_AGENTS else options.agents)
    return _play(options, "agents in", count, partial(compare_agents, options.agents))


def _write(options: GalleryOptions, scenario: Scenario, field: Field | None) -> None:
    """Run the scenario and write its page."""
    from gammagym.evaluation.gallery.described import story
    from gammagym.evaluation.gallery.findings import explore
    from gammagym.evaluation.gallery.page import write_page

    found = _play(options, "runs of", options.seeds, explore)
    options.out.mkdir(parents=True, exist_ok=True)
    page = options.out / f"{file_name(options.reference)}.html"
    write_page(scenario, story(options.reference), replace(found, field=field), page)
    note(f"page: {page}")


def file_name(reference: str) -> str:
    """Return a name for a scenario's file.

    >>> file_name("calm + exchange_outage@binance:leverage=5"), file_name("./mine/own.toml")
    ('calm_exchange_outage_binance_leverage_5', 'own')
    """
    plain = Path(reference).stem if reference.endswith(".toml") else reference
    return re.sub(r"\W+", "_", plain).strip("_")


def _play(options: GalleryOptions, what: str, total: int, play: Callable[..., Any]) -> Any:
    """Play the scenario as it was asked for, and show how far it has got."""
    what = f"{what} {options.reference}"
    with progress_bar(f"{what} (compiling first)") as bar:

        def show(done: int) -> None:
            if bar is not None:
                bar.update(bar.task_ids[0], completed=done, total=total, description=what)

        return play(
            options.reference,
            options.seed_range,
            options.task,
            options.price_file,
            overrides=options.overrides,
            progress=show,
            **options.task_options,
        )


def _print_field(field: Field) -> None:
    """Print what agents did."""
    from gammagym.evaluation.gallery.agents import SOURCES

    factor = field.unit.factor
    rows: list[list[str]] = []
    for each in field.conducts:
        numbers = (each.score, each.profit, *(each.sources.get(key) for key in SOURCES))
        shares = [f"{percent(share, 100.0, 0)} %" for share in (each.carried, each.liquidated)]
        rows.append([each.agent, *(percent(value, factor) for value in numbers), *shares])
        if each.failure:
            note(f"failed: {each.agent}: {each.failure}")
    for agent, reason in field.absent.items():
        note(f"note: {agent} does not take part: {reason}")
    print_table(
        ["agent", "score", "profit", *SOURCES, "carried / profit", "liquidated"],
        rows,
        title=f"What agents did, in {field.unit.name}",
        caption="score: mean + 1.5 std of the cost relative to a frictionless hedger, less is "
        f"better ({NOTHING}: it takes two seeds); the sources sum to the profit; liquidated: share "
        "of episodes",
    )
