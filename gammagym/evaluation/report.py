"""Write a tournament's report: one HTML page that needs neither network nor anything beside it."""

from __future__ import annotations

import html
import math
import os
from collections.abc import Callable
from pathlib import Path

from gammagym.evaluation import report_figures as figures
from gammagym.evaluation import report_tables as tables
from gammagym.evaluation.page import render_page, write_whole
from gammagym.evaluation.results import Results, Standing

_FEW_SEEDS = 10
_HELP = (
    ("Cost", "What hedging cost in an episode, in {unit}. The stake is the gamma profit that the "
     "book is expected to make over the episode; less cost is better, and a negative cost is a "
     "profit."),
    ("Relative cost", "Cost beyond that of a frictionless hedger who trades to zero delta each "
     "minute on the same path. It takes out most of the luck of the path."),
    ("Score", "Mean plus 1.5 standard deviations of the relative cost: being cheap and being "
     "steady both count. Over several scenarios it is the median of their scores."),
    ("CVaR 95", "Mean of the worst 5 % of the raw costs. It looks at losses alone, where a "
     "standard deviation also blames gains."),
    ("Carried delta", "Profit from a net delta that was kept through moves of the price. Its share "
     "of the profit is above 100 % where all the rest lost, and negative where it went against "
     "the rest."),
    ("Intervals", "95 % intervals of a bootstrap that draws seeds with replacement, jointly for "
     "all agents and scenarios, and recomputes every score."),
    ("Groups", "Agents that share a letter cannot be told apart from the best of that group: the "
     "interval of their paired difference includes zero. More seeds separate more of them."),
    ("Same markets", "Each agent hedges alone in its own copy of the same market. On the same seed "
     "all face the same outside world, so differences are taken pair by pair."),
    ("Failures", "An agent that raises, returns something that is not an action, hangs or dies "
     "loses its episodes, and has no score where it lost any. Where a world itself fails, the "
     "seed is void: it is left out for everyone."),
)  # fmt: skip


def write_report(results: Results, path: str | os.PathLike[str]) -> None:
    """Write the report of a tournament, whole or not at all.

    Args:
        results: what the tournament found.
        path: the HTML file.

    Raises:
        GammagymError: plotly, whose drawing code goes into the page, is not installed.
    """
    write_whole(render(results), path)


def render(results: Results) -> str:
    """Return the page as text."""
    board = results.leaderboard()
    order = [line.agent for line in board]
    drawn: dict[str, figures.Figure] = {}
    sections = [
        _header(results, board),
        _leaderboard(results, board),
        _venues(results, order),
        _scores(results, order, drawn),
        _attribution(results, order, drawn),
        _distributions(results, order, drawn),
        _pairs(results, order),
        _details(results),
        _failures(results),
        _help(results),
        _footer(results),
    ]
    return render_page(f"{results.plan['task']} tournament", sections, drawn)


def _header(results: Results, board: list[Standing]) -> str:
    plan, run = results.plan, results.run
    first, count = results.seeds.start, len(results.seeds)
    facts = {
        "agents": str(len(results.agents)),
        "scenarios": str(len(results.scenarios)),
        "seeds": f"{count} ({first} to {first + count - 1})",
        "episodes": f"{results.episodes:,}",
        "episode": _duration(plan["horizon_seconds"]),
        "one decision": _duration(plan["decision_interval"]),
        "date": run.started[:10],
        "gammagym": run.version,
    }
    tiles = "".join(f"<div><dt>{k}</dt><dd>{html.escape(v)}</dd></div>" for k, v in facts.items())
    command = f'<code class="command">{html.escape(run.command)}</code>' if run.command else ""
    return (
        f'<p class="eyebrow">Tournament</p><h1>{html.escape(plan["task"])}: who hedges best?</h1>'
        f'<p class="lead">{_headline(results, board)}</p><dl class="facts">{tiles}</dl>'
        f"{command}{_settings(results)}"
    )


def _headline(results: Results, board: list[Standing]) -> str:
    """Say in a sentence or two what was found."""
    unit, best = results.unit, board[0]
    if not math.isfinite(best.mean):
        return "No agent finished all of its episodes."
    if not math.isfinite(best.score):
        return (
            f"<b>{html.escape(best.agent)}</b> was the cheapest, but a single seed says nothing "
            "about spread: there are no scores. Take more seeds."
        )
    few = " With so few seeds the intervals are rough." if len(results.seeds) < _FEW_SEEDS else ""
    text = (
        f"<b>{html.escape(best.agent)}</b> has the lowest score: "
        f"{tables.shown(best.score, unit.factor)} {unit.name} "
        f"(95 % interval {tables.shown(best.low, unit.factor)} to "
        f"{tables.shown(best.high, unit.factor)})."
    )
    level = [line.agent for line in board[1:] if line.group.startswith("A")]
    if level:
        names = ", ".join(f"<b>{html.escape(name)}</b>" for name in level)
        return f"{text} On these seeds it cannot be told apart from {names}.{few}"
    rest = " Every other agent is measurably worse." if len(board) > 1 else ""
    return f"{text}{rest}{few}"


def _settings(results: Results) -> str:
    """Tell what differs from the defaults."""
    plan = results.plan
    told = ("horizon_seconds", "decision_interval")
    settings = {key: value for key, value in plan["options"].items() if key not in told}
    settings |= plan["overrides"]
    if plan["price_file"]:
        settings |= {"price file": Path(plan["price_file"]).name}
    text = ", ".join(f"{key} = {value}" for key, value in settings.items())
    return f'<p class="soft">Settings: {html.escape(text)}</p>' if text else ""


def _leaderboard(results: Results, board: list[Standing]) -> str:
    unit = results.unit.name
    many = len(results.scenarios) > 1
    about = "Medians over the scenarios, counts their means. " if many else ""
    return (
        f'<h2>Leaderboard</h2><p class="why">{about}Costs in {unit}; less is better. The score is '
        "mean + 1.5 std of the cost relative to a frictionless hedger; agents that share a letter "
        f"cannot be told apart.</p>{tables.leaderboard(results, board)}"
    )


def _venues(results: Results, order: list[str]) -> str:
    costs = results.by_venue()
    if not costs:
        return ""
    terms = dict.fromkeys(line.terms for line in costs if line.terms)
    told = f" The lines below them are on other terms: {html.escape('; '.join(terms))}."
    return (
        f'<h2>Cost by venue</h2><p class="why">Mean cost in {results.unit.name} relative to a '
        "frictionless hedger, over all scenarios played at a venue. The cheapest agent is bold."
        f"{told if terms else ''} Discounts are all those of the venue; a fee credit is used up "
        "first by fees. The figures below are those of base fees.</p>"
        f"{tables.cost_by_venue(results, costs, order)}"
    )


def _scores(results: Results, order: list[str], drawn: dict[str, figures.Figure]) -> str:
    cards = _cards(
        results,
        drawn,
        "score",
        lambda scenario: figures.score_figure(results, order, scenario),
    )
    return (
        '<h2>Scores by scenario</h2><p class="why">Dots are scores, bars their 95 % intervals. The '
        "order of agents is that of the leaderboard; letters are the groups within a scenario.</p>"
        f'{tables.score_by_scenario(results, order)}<p></p><div class="cards">{cards}</div>'
    )


def _attribution(results: Results, order: list[str], drawn: dict[str, figures.Figure]) -> str:
    cards = _cards(
        results,
        drawn,
        "parts",
        lambda scenario: figures.attribution_figure(results, order, scenario),
    )
    drawn_here = results.drawn_scenarios()
    used = {name for each in drawn_here for name in figures.grouped_parts(results, each)}
    key = "".join(
        f'<li><i style="background:{colour}"></i>{name}: <span class="soft">{meaning}</span></li>'
        for name, (_, colour, meaning) in figures.PARTS_SHOWN.items()
        if name in used
    )
    return (
        '<h2>Where the money went</h2><p class="why">Mean profit of an episode in '
        f"{results.unit.name}, split into parts: to the right what earned, to the left what cost. "
        "The diamond is the profit, the sum of the parts.</p>"
        f'<ul class="key">{key}</ul><div class="cards">{cards}</div>'
        '<h3>Carried delta</h3><p class="why">What agents earned because their net delta happened '
        f"to be on the right side of moves, in {results.unit.name}, and its share of the profit. "
        "That is luck or a bet on the direction, not hedging: it comes out the other way where the "
        "price goes the other way. A replay of a file is therefore played mirrored as well.</p>"
        f"{tables.carried_delta(results, order)}"
    )


def _distributions(results: Results, order: list[str], drawn: dict[str, figures.Figure]) -> str:
    cards = _cards(
        results,
        drawn,
        "spread",
        lambda scenario: figures.distribution_figure(results, order, scenario),
    )
    return (
        '<h2>Every episode</h2><p class="why">Relative cost of each episode (a dot), with '
        "quartiles, median (line) and mean (dashed). Steady agents are narrow; cheap ones "
        f'lie to the left.</p><div class="cards">{cards}</div>'
    )


def _cards(
    results: Results,
    drawn: dict[str, figures.Figure],
    kind: str,
    draw: Callable[[str], figures.Figure],
) -> str:
    """Return one card for each scenario, and put its figure among those to be drawn."""
    titles = results.plan["scenario_titles"]
    purposes = {titles[key]: text for key, text in results.plan["purposes"].items()}
    cards: list[str] = []
    for place, scenario in enumerate(results.drawn_scenarios()):
        key = f"{kind}-{place}"
        drawn[key] = draw(scenario)
        about = f'<p class="soft">{html.escape(purposes.get(scenario, ""))}</p>'
        height = drawn[key]["layout"]["height"]
        cards.append(
            f'<div class="card"><h3>{html.escape(scenario)}</h3>{about}'
            f'<div class="plot" style="height:{height}px" data-figure="{key}"></div></div>'
        )
    return "".join(cards)


def _pairs(results: Results, order: list[str]) -> str:
    if len(order) < 2:
        return ""
    return (
        '<h2>Pair by pair</h2><p class="why">Score of the row less score of the column, over all '
        "scenarios, with its 95 % interval. Coloured and bold: the interval leaves out zero; blue: "
        f"the row is better.</p>{tables.difference_matrix(results, order)}"
        '<h2>Correlation achieved</h2><p class="why">Correlation of raw costs on the same seeds, '
        "the mean over scenarios. The higher it is, the more luck cancels in a paired difference."
        f"</p>{tables.correlation_matrix(results, order)}"
    )


def _details(results: Results) -> str:
    if len(results.scenarios) < 2:
        return ""
    boards = "".join(
        f"<details><summary>{html.escape(name)}</summary>"
        f"{tables.leaderboard(results, results.leaderboard(name))}</details>"
        for name in results.scenarios
    )
    return f"<h2>Leaderboards of single scenarios</h2>{boards}"


def _failures(results: Results) -> str:
    if not results.failures:
        return '<h2>Failures</h2><p class="why">None: every agent finished every episode.</p>'
    return (
        '<h2>Failures</h2><p class="why">Episodes that an agent lost, and why. All others went on.'
        f"{_void(results)}</p>{tables.failure_table(results)}"
    )


def _void(results: Results) -> str:
    """Tell how many seeds count for nobody."""
    count = results.void_seeds
    if not count:
        return ""
    seeds = "1 seed is" if count == 1 else f"{count} seeds are"
    return (
        f" {seeds} void: a world failed there, which is no fault of the agent. They are left out "
        "for all agents, in the scenario where it happened and over all scenarios."
    )


def _help(results: Results) -> str:
    lines = "".join(
        f"<p><b>{name}.</b> {text.format(unit=results.unit.name)}</p>" for name, text in _HELP
    )
    return f'<h2>How to read this</h2><div class="help">{lines}</div>'


def _footer(results: Results) -> str:
    return (
        f"<footer>gammagym {html.escape(results.run.version)}, started "
        f"{html.escape(results.run.started)}. Simulated markets: nothing here is advice.</footer>"
    )


def _duration(seconds: float) -> str:
    """Return a length of time for people.

    >>> _duration(14400), _duration(60), _duration(90)
    ('4 h', '1 min', '90 s')
    """
    for name, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size and seconds % size == 0 and not (name == "d" and seconds == size):
            return f"{seconds / size:g} {name}"
    return f"{seconds:g} s"
