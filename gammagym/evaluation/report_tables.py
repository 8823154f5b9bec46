"""The tables of a report, as HTML. Every name that somebody else chose is escaped."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from gammagym.evaluation.report_figures import colour_of
from gammagym.evaluation.results import Results, Standing, VenueCost, lines_of
from gammagym.evaluation.statistics import carried_share

NOTHING, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"
Floats = NDArray[np.float64]
# More scenarios than these are lines of a table instead of columns.
_MOST_COLUMNS = 8


def shown(value: float, factor: float = 1.0, digits: int = 1) -> str:
    """Return a number as text, with a true minus; a dash if there is none.

    >>> shown(-0.1234, 100.0) == f"{MINUS}12.3", shown(float("nan")) == NOTHING
    (True, True)
    """
    if not math.isfinite(value):
        return NOTHING
    text = f"{value * factor:,.{digits}f}"
    text = text.removeprefix("-") if not text.strip("-0.,") else text
    return text.replace("-", MINUS)


def leaderboard(results: Results, board: Sequence[Standing]) -> str:
    """Return a leaderboard with intervals drawn to scale."""
    heads = [
        ("", ""), ("agent", "left"), ("group", "left"), ("score", ""), ("95 % interval", ""),
        ("", ""), ("mean", ""), ("std", ""), ("CVaR 95<br>raw cost", ""), ("fees", ""),
        ("taker fills<br>an episode", ""), ("maker fills<br>an episode", ""),
        ("liquid-<br>ations", ""), ("episodes<br>failed", ""),
    ]  # fmt: skip
    ends = [end for line in board for end in (line.low, line.high) if math.isfinite(end)]
    low, high = (min([0.0, *ends]), max([0.0, *ends]))
    rows = [_board_row(results, line, low, high) for line in board]
    return _table(heads, rows)


def _board_row(results: Results, line: Standing, low: float, high: float) -> str:
    factor = results.unit.factor
    interval = f"{shown(line.low, factor)} to {shown(line.high, factor)}"
    failed = f'<span class="bad">{line.failures}</span>' if line.failures else "0"
    cells = [
        f"<td>{line.place}</td>",
        f'<th scope="row" class="left">{agent_name(results, line.agent)}</th>',
        f'<td class="left letters">{letters(line.group)}</td>',
        f'<td class="score">{shown(line.score, factor)}</td>',
        f"<td>{interval if math.isfinite(line.low) else NOTHING}</td>",
        f'<td class="bar">{_interval_bar(results, line, low, high)}</td>',
        *(
            f"<td>{shown(each, factor)}</td>"
            for each in (line.mean, line.std, line.cvar, line.fees)
        ),
        *(f"<td>{shown(each)}</td>" for each in (line.taker_fills, line.maker_fills)),
        f"<td>{line.liquidations}</td>",
        f"<td>{failed}</td>",
    ]
    return f"<tr>{''.join(cells)}</tr>"


def _interval_bar(results: Results, line: Standing, low: float, high: float) -> str:
    """Return the interval of a score as a small drawing."""
    if not math.isfinite(line.low) or high <= low:
        return ""

    def place(value: float) -> str:
        return f"{100 * (value - low) / (high - low):.1f}%"

    colour = colour_of(results, line.agent)
    axis = f'x1="{place(0.0)}" x2="{place(0.0)}" y1="2" y2="20" stroke="currentColor" opacity=".25"'
    span = f'x1="{place(line.low)}" x2="{place(line.high)}" y1="11" y2="11"'
    return (
        f'<svg role="img" aria-label="interval of the score"><line {axis}/>'
        f'<line {span} stroke="{colour}" stroke-width="5" stroke-linecap="round" opacity=".45"/>'
        f'<circle cx="{place(line.score)}" cy="11" r="5.5" fill="{colour}"/></svg>'
    )


def score_by_scenario(results: Results, order: Sequence[str]) -> str:
    """Return the score of every agent in every scenario, with groups; the best is bold."""
    boards = {name: {x.agent: x for x in results.leaderboard(name)} for name in results.scenarios}

    def cell(agent: str, name: str) -> str:
        line = boards[name][agent]
        best = ' class="best"' if line.place == 1 and math.isfinite(line.score) else ""
        tiny = line.group or (f"{line.failures} failed" if line.failures else "")
        number = shown(line.score, results.unit.factor)
        return f'<td{best}>{number}<span class="tiny">{html.escape(tiny)}</span></td>'

    agents = {agent: agent_name(results, agent) for agent in order}
    scenarios = {name: html.escape(name) for name in results.scenarios}
    if len(scenarios) <= _MOST_COLUMNS:
        return _grid("agent", agents, scenarios, cell)
    return _grid("scenario", scenarios, agents, lambda name, agent: cell(agent, name))


def cost_by_venue(results: Results, costs: Sequence[VenueCost], order: Sequence[str]) -> str:
    """Return the cost of every agent at every venue, one line for each terms of an account."""
    heads = [
        ("venue", "left"),
        ("account", "left"),
        *((agent_name(results, agent), "") for agent in order),
        ("refused orders<br>an episode", ""),
        ("liquid-<br>ations", ""),
        ("episodes<br>failed", ""),
    ]
    rows: list[str] = []
    for (venue, terms), found in lines_of(costs).items():
        least = min((x.cost for x in found.values() if math.isfinite(x.cost)), default=math.nan)
        cells = [
            f'<th scope="row" class="left">{"" if terms else html.escape(venue)}</th>',
            f'<td class="left soft">{html.escape(terms or "base fees")}</td>',
        ]
        for agent in order:
            best = ' class="best"' if found[agent].cost == least else ""
            cells.append(f"<td{best}>{shown(found[agent].cost, results.unit.factor)}</td>")
        cells.append(f"<td>{shown(sum(x.rejects for x in found.values()) / len(found))}</td>")
        cells.append(f"<td>{sum(x.liquidations for x in found.values())}</td>")
        cells.append(f"<td>{sum(x.failures for x in found.values())}</td>")
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return _table(heads, rows)


def carried_delta(results: Results, order: Sequence[str]) -> str:
    """Return what carried delta earned, overall and by scenario, and what share of profit it is."""
    names: list[str | None] = [None, *results.drawn_scenarios()]
    found = {name: results.carried(name) for name in names}
    heads = [("agent", "left"), *((html.escape(name or "all scenarios"), "") for name in names)]
    rows: list[str] = []
    for agent in order:
        row, cells = results.agents.index(agent), ""
        for profit, delta in found.values():
            share = shown(float(carried_share(delta, profit)[row]), 100.0, 0)
            whole = shown(float(profit[row]), results.unit.factor)
            part = shown(float(delta[row]), results.unit.factor)
            cells += f'<td>{part}<span class="tiny">{share} % of {whole}</span></td>'
        rows.append(
            f'<tr><th scope="row" class="left">{agent_name(results, agent)}</th>{cells}</tr>'
        )
    return _table(heads, rows)


def _grid(
    corner: str,
    down: Mapping[str, str],
    across: Mapping[str, str],
    cell: Callable[[str, str], str],
) -> str:
    """Return a table of a cell for each pair; headings by key are HTML already."""
    rows = [
        f'<tr><th scope="row" class="left">{head}</th>'
        f"{''.join(cell(row, column) for column in across)}</tr>"
        for row, head in down.items()
    ]
    return _table([(corner, "left"), *((head, "") for head in across.values())], rows)


def difference_matrix(results: Results, order: Sequence[str]) -> str:
    """Return the score of the row's agent less the column's, with intervals."""
    found, factor = results.bootstrap(), results.unit.factor
    largest = np.nanmax(np.abs(found.differences), initial=1e-12)
    apart = found.told_apart()

    def cell(row: int, column: int) -> str:
        value = float(found.differences[row, column])
        if row == column or not math.isfinite(value):
            return "<td>·</td>"
        tint = "--better" if value < 0 else "--worse"
        strength = 0.08 + 0.42 * math.sqrt(abs(value) / largest) if apart[row, column] else 0.0
        weight = "best" if apart[row, column] else "soft"
        low = shown(float(found.difference_low[row, column]), factor)
        high = shown(float(found.difference_high[row, column]), factor)
        return (
            f'<td style="background:rgba(var({tint}),{strength:.2f})">'
            f'<span class="{weight}">{shown(value, factor)}</span>'
            f'<span class="tiny">{low} to {high}</span></td>'
        )

    return _matrix(results, order, cell)


def correlation_matrix(results: Results, order: Sequence[str]) -> str:
    """Return the correlation of raw costs on the same seeds."""
    found = results.correlation()

    def cell(row: int, column: int) -> str:
        value = float(found[row, column])
        strength = abs(value) * 0.55 if math.isfinite(value) and row != column else 0.0
        tint = "--warm" if value >= 0 else "--worse"
        text = "·" if row == column else shown(value, digits=2)
        return f'<td style="background:rgba(var({tint}),{strength:.2f})">{text}</td>'

    return _matrix(results, order, cell)


def failure_table(results: Results) -> str:
    """Return what failed and why."""
    heads = [
        ("agent", "left"),
        ("scenario", "left"),
        ("episodes", ""),
        ("status", "left"),
        ("reason", "left"),
    ]
    rows = [
        f'<tr><th scope="row" class="left">{agent_name(results, each.agent)}</th>'
        f'<td class="left">{html.escape(each.scenario)}</td><td>{each.episodes}</td>'
        f'<td class="left">{each.status}</td>'
        f'<td class="reason">{html.escape(each.reason)}</td></tr>'
        for each in results.failures
    ]
    return _table(heads, rows)


def agent_name(results: Results, agent: str) -> str:
    """Return an agent's name behind a dot of its colour."""
    colour = colour_of(results, agent)
    return f'<span class="name"><i style="background:{colour}"></i>{html.escape(agent)}</span>'


def letters(group: str) -> str:
    """Return the letters of groups as small signs.

    >>> letters("AB1")
    '<b>A</b><b>B1</b>'
    """
    signs: list[str] = []
    for sign in group:
        if sign.isdigit():
            signs[-1] += sign
        else:
            signs.append(sign)
    return "".join(f"<b>{sign}</b>" for sign in signs) or NOTHING


def _matrix(results: Results, order: Sequence[str], cell: Callable[[int, int], str]) -> str:
    rows = [results.agents.index(agent) for agent in order]
    heads = [("", "left"), *((html.escape(agent), "") for agent in order)]
    lines = [
        f'<tr><th scope="row" class="left">{agent_name(results, results.agents[row])}</th>'
        f"{''.join(cell(row, column) for column in rows)}</tr>"
        for row in rows
    ]
    return _table(heads, lines, "matrix")


def _table(heads: Sequence[tuple[str, str]], rows: Sequence[str], kind: str = "") -> str:
    """Return a table that scrolls sideways where it is too wide. Heads are HTML already."""
    head = "".join(f'<th scope="col" class="{align}">{text}</th>' for text, align in heads)
    return (
        f'<div class="scroll"><table class="{kind}"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )
