"""What commands print about results: the leaderboard, and the figures of one agent."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING, Any

from gammagym.cli.common import NOTHING, percent, print_table

if TYPE_CHECKING:
    from gammagym.evaluation.results import Results, Standing, Unit
    from gammagym.evaluation.rollout import Episodes

_WIDE = 200
# Columns of the leaderboard, with the width of terminal from which on each is shown.
_COLUMNS = {
    "place": 0,
    "group": 0,
    "agent": 0,
    "score": 0,
    "95 % interval": 0,
    "mean": 95,
    "std": 95,
    "CVaR95": 105,
    "fees": 0,
    "profit": 115,
    "carried delta": 115,
    "taker": 130,
    "maker": 130,
    "liquidated": 130,
    "failed": 0,
}


def show_leaderboard(results: Results) -> None:
    """Print the leaderboard over all scenarios."""
    unit = results.unit
    lines = [_cells(line, unit) for line in results.leaderboard()]
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else _WIDE
    shown = [name for name, least in _COLUMNS.items() if width >= least]
    scenarios, seeds = counted(len(results.scenarios), "scenario"), len(results.seeds)
    print_table(
        ["" if name == "place" else name for name in shown],
        [[line[name] for name in shown] for line in lines],
        title=f"{results.plan['task']}: {scenarios}, {counted(seeds, 'seed')} each, "
        f"cost in {unit.name} (less is better)",
        left=3,
        caption="score = mean + 1.5 std of the cost relative to a frictionless hedger; agents that "
        "share a letter cannot be told apart; carried delta: part of the profit that is from the "
        "direction of the price, and its share",
    )


def show_venues(results: Results) -> None:
    """Print the cost of every agent at every venue, if venues were compared."""
    from gammagym.evaluation.results import lines_of

    lines = lines_of(results.by_venue())
    if not lines:
        return
    agents = [line.agent for line in results.leaderboard()]
    rows: list[list[str]] = []
    for (venue, terms), by_agent in lines.items():
        found = [by_agent[agent] for agent in agents]
        cells = [percent(line.cost, results.unit.factor) for line in found]
        refused = percent(sum(each.rejects for each in found) / len(found), 1.0)
        liquidated = str(sum(each.liquidations for each in found))
        failed = str(sum(each.failures for each in found))
        rows.append([venue, terms or "base fees", *cells, refused, liquidated, failed])
    special = any(terms for _, terms in lines)
    told = "; discounts: every one that the venue has; fee credit: fees are taken from it first"
    print_table(
        ["venue", "account", *agents, "refused", "liquidated", "failed"],
        rows,
        title=f"Cost by agent and venue, in {results.unit.name} (less is better)",
        left=2,
        caption="mean cost relative to a frictionless hedger; refused: orders in an episode"
        + (told if special else ""),
    )


def counted(number: int, noun: str) -> str:
    """Return a number with its noun.

    >>> counted(1, "seed"), counted(2, "seed")
    ('1 seed', '2 seeds')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _cells(line: Standing, unit: Unit) -> dict[str, str]:
    """Return the texts of a line by the names of their columns."""
    factor = unit.factor
    interval = f"{percent(line.low, factor)} … {percent(line.high, factor)}"
    texts = (
        str(line.place),
        line.group,
        line.agent,
        percent(line.score, factor),
        interval if line.low == line.low else NOTHING,
        percent(line.mean, factor),
        percent(line.std, factor),
        percent(line.cvar, factor),
        percent(line.fees, factor),
        percent(line.profit, factor),
        f"{percent(line.carried_delta, factor)} ({percent(line.carried_share, 100.0, 0)} %)",
        percent(line.taker_fills, 1.0),
        percent(line.maker_fills, 1.0),
        str(line.liquidations),
        str(line.failures),
    )
    return dict(zip(_COLUMNS, texts, strict=True))


def figures_of(episodes: Episodes) -> dict[str, Any]:
    """Return the statistics of one agent's episodes, as shares of the stake."""
    from gammagym.evaluation import statistics
    from gammagym.world.codes import PARTS

    columns = episodes.finished()
    relative, stake = columns["relative_cost"], columns["stake"]
    found = statistics.bootstrap(relative[None])
    numbers: dict[str, Any] = {
        "episodes": len(relative),
        "void": episodes.voids,
        "score": float(found.scores[0]),
        "score_low": float(found.low[0]),
        "score_high": float(found.high[0]),
        "mean": float(relative.mean()),
        "std": float(statistics.sample_std(relative)),
        "raw_mean": float(columns["cost"].mean()),
        "raw_cvar": float(statistics.cvar(columns["cost"])),
    }
    counts = ("taker_fills", "maker_fills", "turnover", "liquidations", "rejects", "drawdown")
    numbers |= {name: float(columns[name].mean()) for name in counts}
    numbers = {key: None if value != value else value for key, value in numbers.items()}
    parts = {part: float((columns[part] / stake).mean()) for part in PARTS}
    return numbers | {"stake": float(stake.mean()), "attribution": parts}


def show_figures(episodes: Episodes, figures: dict[str, Any], unit: Unit) -> None:
    """Print the statistics of one agent's episodes."""
    from gammagym.loading import agent_title

    factor = unit.factor
    shares = ("score", "mean", "std", "raw_mean", "raw_cvar")
    rows = [(name.replace("_", " "), percent(figures[name], factor)) for name in shares]
    low, high = percent(figures["score_low"], factor), percent(figures["score_high"], factor)
    rows.insert(1, ("score, 95 % interval", f"{low} … {high}"))
    episodes_run = counted(figures["episodes"], "episode")
    title = f"{agent_title(episodes.agent)} in {episodes.scenario}: {episodes_run}"
    print_table([f"cost ({unit.name})", ""], rows, title=title)
    counts = ("taker_fills", "maker_fills", "turnover", "liquidations", "rejects", "drawdown")
    rows = [(name.replace("_", " "), f"{figures[name]:.2f}") for name in counts]
    rows.append(("stake", f"{figures['stake']:.2f}"))
    print_table(["mean of an episode", ""], rows)
    parts = {key: value for key, value in figures["attribution"].items() if abs(value) > 1e-9}
    rows = [(name, percent(value, factor, 2)) for name, value in parts.items()]
    rows.append(("profit", percent(sum(parts.values()), factor, 2)))
    print_table([f"profit ({unit.name})", ""], rows)
