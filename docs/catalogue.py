"""Make the pages of the catalogue: one for each scenario, with a plot and what agents did there.

    python docs/catalogue.py                 # all pages: a few minutes
    python docs/catalogue.py calm choppy     # these, and the table of all
    python docs/catalogue.py --price-file minutes.csv replay replay_mirrored

Run it again when a scenario changes: a test compares the digest in each page with the scenario. The
pages of scenarios that play a file of yours have a plot only if they are made with one.
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Sequence
from pathlib import Path

from _ext.markup import table

from gammagym import content
from gammagym.evaluation.gallery.agents import ALL_AGENTS, Field, compare_agents
from gammagym.evaluation.gallery.described import (
    GROUPS,
    by_group,
    load_described,
    needs_a_file,
    scenario_digest,
    story,
)
from gammagym.evaluation.gallery.findings import DEFAULT_SEEDS, Findings, explore
from gammagym.evaluation.gallery.page import agent_cells, agent_heads, figure_cells
from gammagym.evaluation.gallery.panels import troubles
from gammagym.evaluation.gallery.svg import draw_svg
from gammagym.evaluation.plan import SHORT_HORIZON_SECONDS
from gammagym.evaluation.report_tables import shown

PAGES = Path(__file__).resolve().parent / "catalogue"
SEEDS = range(DEFAULT_SEEDS)
HORIZON = {"horizon_seconds": SHORT_HORIZON_SECONDS}
_DIGEST = re.compile(r"<!-- made from: ([0-9a-f]+) -->")
# Markdown would take these for markup.
_MARKUP = re.compile(r"([*_<>|\[\]])")
_CODE = re.compile(r"(`[^`]*`)")


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the pages of the scenarios that are named, or of all."""
    parser = argparse.ArgumentParser(description="Make the pages of the catalogue.")
    parser.add_argument("names", nargs="*", help="scenarios; all if none is named")
    parser.add_argument("--price-file", help="CSV of prices, for scenarios that play one")
    given = parser.parse_args(arguments)
    PAGES.mkdir(exist_ok=True)
    for name in given.names or content.available("scenarios"):
        began = time.monotonic()
        write_page(name, given.price_file)
        print(f"{name}: {time.monotonic() - began:.1f} s", flush=True)
    if not given.names:
        _remove_others(set(content.available("scenarios")))
    (PAGES / "index.md").write_text(index_page(), encoding="utf-8")


def write_page(name: str, price_file: str | None) -> None:
    """Run a scenario and write its page and its plot."""
    file = price_file if needs_a_file(name) else None
    if needs_a_file(name) and file is None:
        if _made_from(name) != scenario_digest(name):
            _write(name, scenario_page(name, None, None, None))
        return
    found = explore(name, SEEDS, price_file=file, **HORIZON)
    field = compare_agents(ALL_AGENTS, name, SEEDS, price_file=file, **HORIZON)
    (PAGES / f"{name}.svg").write_text(draw_svg(found.median), encoding="utf-8")
    _write(name, scenario_page(name, found, field, file))


def scenario_page(
    name: str, found: Findings | None, field: Field | None, price_file: str | None
) -> str:
    """Return the page of a scenario; without findings it has neither plot nor figures."""
    scenario = load_described(name)
    parts = [
        f"# {name}",
        f"<!-- made from: {scenario_digest(name)} -->\n"
        f"<!-- by: python docs/catalogue.py {name} -->",
        f"*{plain(scenario.purpose)}*",
        plain(story(name)),
    ]
    if price_file is not None:
        parts.append(f"Plot and tables are of the file `{Path(price_file).name}`.")
    if found is None or field is None:
        parts.append("There is no plot: the scenario plays a file of yours.")
    else:
        parts += [_plot(name, found), _figures(found), _agents(field)]
    parts.append(_file(name))
    return "\n\n".join(parts) + "\n"


def index_page() -> str:
    """Return the table of all scenarios, by group."""
    parts = [
        "# The catalogue",
        "Every scenario that ships has a page: its story and sources, a plot of a median run "
        "in which nobody hedges, and what each agent did there. [Scenarios](../scenarios.md) says "
        "how to write one, change one, and combine two.",
        "Episodes last four hours and the book is ten straddles of seven days, as in tournaments. "
        f"Runs have the seeds {SEEDS.start} to {SEEDS.stop - 1}. That is few: an agent's score is "
        "rough here, and [tournaments](../tournament.md) are for comparing agents.",
        "`gammagym scenarios NAME --agents all` writes such a page for any scenario, your own too. "
        "`python docs/catalogue.py` makes these.",
    ]
    groups = by_group()
    for group, scenarios in groups.items():
        rows = [(f"[{name}]({name}.md)", plain(purpose)) for name, purpose in scenarios.items()]
        parts += [f"## {GROUPS[group]}", table(("scenario", "what it is for"), rows)]
    names = "\n".join(name for scenarios in groups.values() for name in scenarios)
    parts += [_HOW_TO_READ, f"```{{toctree}}\n:hidden:\n\n{names}\n```"]
    return "\n\n".join(parts) + "\n"


_HOW_TO_READ = """## How to read a page

**The median run** is the one whose figures are nearest to the medians over all seeds. The distance
of each figure from its median is divided by the mean such distance, so that all units count alike.

**The plot.** Prices are drawn by the lowest and highest of each stretch, so that no peak is lost;
spread, depth and premium are means of a stretch. Where grey, something at the venue does not work;
the page says what.

**The figures** are of what competitors hedge with. Spread and depth flicker from one order to the
next, so the widest and the thinnest are means of a minute.

**Agents.** Score and profit as in [tournaments](../tournament.md), in % of the stake. The columns
after the profit are where it came from; they sum to it. *Carried delta* is what a net delta earned
because it was on the right side of a move: luck, or a bet. *Carried / profit* is its share."""


def plain(text: str) -> str:
    """Return plain text as Markdown that reads the same; lists and `code` stay what they are."""
    parts = _CODE.split(text)
    return "".join(part if part.startswith("`") else _MARKUP.sub(r"\\\1", part) for part in parts)


def _plot(name: str, found: Findings) -> str:
    names = dict.fromkeys(each.name for each in troubles(found.median))
    grey = f" Grey: {', '.join(names)}." if names else ""
    return (
        "## A median run\n\n"
        f"![price, spread, depth and more over time in {name}]({name}.svg)\n\n"
        f"Seed {found.median.seed} of {len(found.seeds)}; nobody hedges.{grey}"
    )


def _figures(found: Findings) -> str:
    rows = [(each.title, *figure_cells(each)) for each in found.figures]
    return table(("", "median", "lowest", "highest", "drawn"), rows)


def _agents(field: Field) -> str:
    lines = agent_cells(field)
    parts = [
        "## What agents did here",
        f"Means of {len(SEEDS)} episodes in {field.unit.name}; the best score comes first.",
        table(agent_heads(), [[f"`{line[0]}`", *line[1:]] for line in lines]),
        " ".join((_most_carried(field), *(_failed(field)))).strip(),
    ]
    return "\n\n".join(part for part in parts if part)


def _most_carried(field: Field) -> str:
    """Say in a sentence who lived of the direction of the price, if anybody did."""
    done = [each for each in field.conducts if not each.failure]
    if not done:
        return ""
    most = max(done, key=lambda each: abs(each.sources["carried delta"]))
    earned = most.sources["carried delta"] * field.unit.factor
    fees = sum(each.sources["fees"] for each in done) / len(done) * field.unit.factor
    return (
        f"The largest carried delta is that of `{most.agent}`: {shown(earned)} of "
        f"{shown(most.profit * field.unit.factor)}. Fees took {shown(-fees)} on average."
    )


def _failed(field: Field) -> list[str]:
    return [f"`{each.agent}` failed: {each.failure}." for each in field.conducts if each.failure]


def _file(name: str) -> str:
    return (
        "## The file\n\n"
        f"```{{literalinclude}} ../../scenarios/{name}.toml\n:language: toml\n"
        ":start-at: purpose =\n```"
    )


def _write(name: str, page: str) -> None:
    (PAGES / f"{name}.md").write_text(page, encoding="utf-8")


def _made_from(name: str) -> str:
    """Return the digest of the scenario that a page was made from; nothing if there is no page."""
    page = PAGES / f"{name}.md"
    match = _DIGEST.search(page.read_text(encoding="utf-8")) if page.is_file() else None
    return match[1] if match else ""


def _remove_others(names: set[str]) -> None:
    """Delete pages and plots of scenarios that there are no longer."""
    for file in PAGES.iterdir():
        if file.suffix in (".md", ".svg") and file.stem not in names | {"index"}:
            file.unlink()


if __name__ == "__main__":
    main()
