"""Put the facts of a simulated market beside those of a real one: the comparison, and its page."""

from __future__ import annotations

import html
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import gammagym
from gammagym.evaluation.facts.figures import draw
from gammagym.evaluation.facts.record import MarketRecord
from gammagym.evaluation.facts.targets import Finding, Targets
from gammagym.evaluation.page import figure_cards, render_page, write_whole

_NOTHING = "\N{EN DASH}"


@dataclass(frozen=True)
class Comparison:
    """What `validate facts` found.

    Attributes:
        simulated: the record of the world.
        targets: ranges of the real market.
        findings: every fact with its target.
        real: the record of the real market, if it was at hand.
        distances: L1 and Wasserstein-1 by distribution, if it was.
    """

    simulated: MarketRecord
    targets: Targets
    findings: Sequence[Finding]
    real: MarketRecord | None
    distances: Mapping[str, tuple[float, float]]

    @property
    def judged(self) -> list[Finding]:
        """Facts that have a target and could be measured."""
        return [each for each in self.findings if each.verdict != "not judged"]

    @property
    def inside(self) -> int:
        """How many of these are inside the range."""
        return sum(each.verdict == "inside" for each in self.judged)


def cells(finding: Finding) -> tuple[str, str, str, str, str]:
    """Return what tables say of a finding: fact, simulated, real range, verdict, miss.

    >>> from gammagym.evaluation.facts.targets import Range
    >>> cells(Finding("spread", 2.0, Range(1.0, 1.2, 1.1), 0.5))[1:]
    ('2', '1 ... 1.2', 'above', '+0.5')
    """
    target = finding.target
    shown = _NOTHING if target is None else f"{number(target.low)} ... {number(target.high)}"
    if target is not None and target.value is None:
        shown = _fixed(target.low, target.high)
    missed = finding.miss != 0.0 and not math.isnan(finding.miss)
    miss = f"{'+' if finding.miss > 0 else ''}{number(finding.miss)}" if missed else ""
    return finding.fact, number(finding.simulated), shown, finding.verdict, miss


def _fixed(low: float, high: float) -> str:
    return f"at least {low:g}" if math.isinf(high) else f"{low:g} ... {high:g}"


def number(value: float) -> str:
    """Return a number with three digits; a dash for NaN.

    >>> number(1234.5), number(0.01234)
    ('1,234', '0.0123')
    """
    if math.isnan(value):
        return _NOTHING
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def write_page(comparison: Comparison, path: str | os.PathLike[str]) -> None:
    """Write the page, whole or not at all.

    Raises:
        GammagymError: plotly is not installed.
    """
    write_whole(render(comparison), path)


def render(comparison: Comparison) -> str:
    """Return the page as text."""
    markets = {"simulated": comparison.simulated}
    if comparison.real is not None:
        markets["real"] = comparison.real
    drawn = draw(markets)
    sections = [
        _header(comparison),
        f'<h2>Figures</h2><div class="cards">{figure_cards(drawn)}</div>',
        _findings(comparison),
        _distances(comparison),
        f"<footer>gammagym {gammagym.__version__}. Simulated markets: nothing here is advice."
        "</footer>",
    ]
    figures = {key: figure for key, (_, _, figure) in drawn.items()}
    return render_page(f"Facts of {comparison.simulated.name}", sections, figures)


def _header(comparison: Comparison) -> str:
    targets = comparison.targets
    facts = {
        "judged": str(len(comparison.judged)),
        "inside": str(comparison.inside),
        "simulated": f"{comparison.simulated.duration:g} s",
        "real": f"{targets.duration:.0f} s",
        "windows": str(targets.windows),
    }
    tiles = "".join(f"<div><dt>{k}</dt><dd>{v}</dd></div>" for k, v in facts.items())
    return (
        f'<p class="eyebrow">Stylised facts</p><h1>{html.escape(comparison.simulated.name)}</h1>'
        f'<p class="lead"><b>{comparison.inside} of {len(comparison.judged)}</b> facts are inside '
        f"the range of <b>{html.escape(targets.name)}</b>, widened by a quarter on each side.</p>"
        f'<dl class="facts">{tiles}</dl>'
    )


def _findings(comparison: Comparison) -> str:
    rows = "".join(_row(finding) for finding in comparison.findings)
    return (
        f'<h2>Facts</h2><p class="why">The real range is over the whole sample and its '
        f"{comparison.targets.windows} equal parts. The miss is the distance from its widened end."
        '</p><div class="scroll"><table><thead><tr><th class="left">fact</th><th>simulated</th>'
        "<th>real range</th><th>verdict</th><th>miss</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></div>"
    )


def _row(finding: Finding) -> str:
    fact, simulated, target, verdict, miss = (html.escape(cell) for cell in cells(finding))
    kind = ' class="bad"' if verdict in ("below", "above") else ""
    return (
        f'<tr><th class="left">{fact}</th><td>{simulated}</td><td>{target}</td>'
        f"<td{kind}>{verdict}</td><td{kind}>{miss}</td></tr>"
    )


def _distances(comparison: Comparison) -> str:
    if not comparison.distances:
        return ""
    rows = "".join(
        f'<tr><th class="left">{html.escape(name)}</th><td>{number(l1)}</td><td>{number(w1)}</td>'
        "</tr>"
        for name, (l1, w1) in comparison.distances.items()
    )
    return (
        '<h2>Distances of distributions</h2><p class="why">After LOB-Bench. L1: 0 if equal, 1 if '
        "disjoint. Wasserstein-1 in interquartile ranges of the real sample.</p>"
        '<div class="scroll"><table><thead><tr><th class="left">distribution</th><th>L1</th>'
        f"<th>Wasserstein-1</th></tr></thead><tbody>{rows}</tbody></table></div>"
    )
