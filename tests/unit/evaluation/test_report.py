"""The report: one page that loads nothing, names everybody, and runs nobody's code."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gammagym.evaluation.plan import Plan
from gammagym.evaluation.report import render, write_report
from gammagym.evaluation.results import Failure, Results
from gammagym.evaluation.tournament import run_tournament

EVIL = "<img src=x onerror=alert(1)></script><b>"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    plan = Plan(
        ("no_hedge", "fixed_interval:minutes=2", "delta_band"),
        ("calm", "textbook"),
        seeds=3,
        options={"horizon_seconds": 600.0},
    )
    path = tmp_path_factory.mktemp("report") / "r.sqlite"
    return run_tournament(plan, path, jobs=1, command="gammagym tournament --demo")


@pytest.fixture(scope="module")
def page(results: Results) -> str:
    return render(results)


def own_markup(page: str) -> str:
    """Return the page without the drawing code, which only mentions addresses."""
    return re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)


def test_nothing_is_loaded_from_anywhere(page: str) -> None:
    markup = own_markup(page)
    assert not re.search(r"""(src|href)\s*=""", markup)
    assert not re.search(r"@import|url\(|https?:", markup)
    assert "<link" not in page.lower().split("<script>")[0]
    assert "default-src 'none'" in page
    assert page.count("plotly.js v") == 1


def test_every_agent_and_scenario_is_there(results: Results, page: str) -> None:
    markup = own_markup(page)
    for name in (*results.agents, *results.scenarios):
        assert html.escape(name) in markup
    assert "gammagym tournament --demo" in markup
    assert "3 (0 to 2)" in markup
    assert "% of stake" in markup


def test_figures_have_all_agents(results: Results, page: str) -> None:
    text = re.search(r'id="figures">(.*?)</script>', page, flags=re.DOTALL)
    assert text
    drawn = json.loads(text[1])
    assert set(drawn) == {f"{kind}-{n}" for kind in ("score", "parts", "spread") for n in (0, 1)}
    for figure in drawn.values():
        assert sorted(figure["layout"]["yaxis"]["ticktext"]) == sorted(results.agents)
    for key in drawn:
        assert f'data-figure="{key}"' in page


def test_names_cannot_become_markup(results: Results) -> None:
    run = results.run
    titles = {key: EVIL for key in run.plan["scenario_titles"]}
    plan = run.plan | {"scenario_titles": titles, "purposes": {key: EVIL for key in titles}}
    evil = replace(
        results,
        run=replace(run, plan=plan, command=EVIL, version=EVIL),
        agents=(EVIL, *results.agents[1:]),
        scenarios=(EVIL, "textbook"),
        failures=(Failure(EVIL, EVIL, 1, EVIL),),
    )
    page = render(evil)
    assert "<img" not in own_markup(page)
    assert "</script><b>" not in page
    assert html.escape(EVIL) in page


def test_failures_are_told_with_reasons(results: Results) -> None:
    columns = {name: column.copy() for name, column in results.columns.items()}
    for column in columns.values():
        column[0] = np.nan
    failures = (Failure("no_hedge", "calm", 3, "it raised"),)
    page = own_markup(render(replace(results, columns=columns, failures=failures)))
    assert "it raised" in page
    assert "no_hedge" in page


def test_one_seed_and_one_agent_make_a_page(results: Results) -> None:
    columns = {name: column[:1, :1, :1] for name, column in results.columns.items()}
    small = replace(
        results,
        columns=columns,
        agents=results.agents[:1],
        scenarios=results.scenarios[:1],
        seeds=range(1),
        lost=results.lost[:1, :1],
        void=results.void[:1, :1],
    )
    assert "Take more seeds" in own_markup(render(small))


def test_a_page_is_written_whole_or_not_at_all(results: Results, tmp_path: Path) -> None:
    write_report(results, tmp_path / "report.html")
    assert [each.name for each in tmp_path.iterdir()] == ["report.html"]
