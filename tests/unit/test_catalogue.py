"""The catalogue of the documentation: a page for each scenario, made from this very scenario."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest

from gammagym import content
from gammagym.evaluation.gallery.described import needs_a_file, scenario_digest

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = DOCS / "catalogue"
NAMES = content.available("scenarios")


@pytest.fixture
def catalogue(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Return the script that makes the pages; it writes into a folder of the test's."""
    monkeypatch.syspath_prepend(str(DOCS))
    import catalogue

    monkeypatch.setattr(catalogue, "PAGES", tmp_path)
    monkeypatch.setattr(catalogue, "SEEDS", range(2))
    monkeypatch.setattr(catalogue, "HORIZON", {"horizon_seconds": 300.0})
    yield catalogue
    sys.modules.pop("catalogue")


@pytest.mark.parametrize("name", NAMES)
def test_the_page_of_a_scenario_was_made_from_it(name: str) -> None:
    again = f"run: python docs/catalogue.py {name}"
    page = PAGES / f"{name}.md"
    assert page.is_file(), f"{page} is missing; {again}"
    text = page.read_text(encoding="utf-8")
    made_from = re.search(r"<!-- made from: ([0-9a-f]+) -->", text)
    assert made_from, again
    assert made_from[1] == scenario_digest(name), f"{page} is of another {name}; {again}"
    for drawing in re.findall(r"\]\((\w+\.svg)\)", text):
        assert 0 < (PAGES / drawing).stat().st_size < 80_000, again
    assert needs_a_file(name) or f"]({name}.svg)" in text, again


def test_the_catalogue_has_no_page_of_a_scenario_that_is_gone() -> None:
    pages = {file.stem for file in PAGES.iterdir() if file.suffix in (".md", ".svg")}
    assert pages - {"index"} <= set(NAMES), "run: python docs/catalogue.py"


def test_the_table_of_all_names_every_scenario() -> None:
    text = (PAGES / "index.md").read_text(encoding="utf-8")
    linked = re.findall(r"\| \[(\w+)\]\(\1\.md\) \|", text)
    assert sorted(linked) == NAMES, "run: python docs/catalogue.py"


def test_a_page_tells_draws_and_compares(catalogue, tmp_path, capsys) -> None:
    catalogue.main(["textbook"])
    assert "textbook" in capsys.readouterr().out
    page = (tmp_path / "textbook.md").read_text()
    assert f"<!-- made from: {scenario_digest('textbook')} -->" in page
    assert "| `whalley_wilmott` |" in page
    assert "| largest fall (%) |" in page
    assert (tmp_path / "textbook.svg").read_text().startswith("<svg")
    assert "[calm](calm.md)" in (tmp_path / "index.md").read_text()


def test_without_its_price_file_a_replay_keeps_the_page_it_has(catalogue, tmp_path) -> None:
    catalogue.write_page("replay", None)
    page = tmp_path / "replay.md"
    assert "There is no plot" in page.read_text()
    kept = f"<!-- made from: {scenario_digest('replay')} -->\nwith a plot"
    page.write_text(kept)
    catalogue.write_page("replay", None)
    assert page.read_text() == kept


def test_a_story_reads_the_same_as_markdown(catalogue) -> None:
    assert catalogue.plain("a_b [crowd] `x_y` 2 < 3") == r"a\_b \[crowd\] `x_y` 2 \< 3"
