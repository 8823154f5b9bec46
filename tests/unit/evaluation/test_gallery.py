"""The gallery: runs, their figures, the median one among them, and the drawing of it."""

from __future__ import annotations

import dataclasses
import math
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from gammagym.errors import GammagymError, ScenarioError
from gammagym.evaluation.gallery.agents import SOURCES, compare_agents
from gammagym.evaluation.gallery.described import (
    GROUPS,
    by_group,
    scenario_digest,
    story,
)
from gammagym.evaluation.gallery.findings import explore
from gammagym.evaluation.gallery.measures import measure, median_run, nearest_to_medians
from gammagym.evaluation.gallery.panels import POINTS, panels, troubles
from gammagym.evaluation.gallery.runs import Run, run_scenario
from gammagym.evaluation.gallery.scales import linear_scale, logarithmic_scale, round_numbers
from gammagym.evaluation.gallery.svg import draw_svg
from gammagym.evaluation.rollout import rollout
from gammagym.glance import TROUBLE_CLOSED
from gammagym.world.codes import PARTS

CRASH = {
    "name": "small crash",
    "purpose": "for tests",
    "price": {"model": "gbm", "start": "60000", "volatility": 0.0},
    "options": {"implied_volatility": 0.6},
    "flow": {"kind": "ideal", "half_spread": 0.0001, "size": 100.0},
    "shocks": [{"kind": "price", "at": "120s", "ramp": "60s", "move": "-10%"}],
}


def made_up(**changes: object) -> Run:
    """Return a run of ten minutes in which nothing happens but what is given."""
    count = 601
    flat = np.full(count, 100.0)
    nothing = np.zeros(count)
    values: dict[str, object] = {
        "seed": 1,
        "times": np.arange(count, dtype=float),
        "price": flat,
        "index": flat,
        "mid": flat,
        "spread": np.ones(count),
        "bids": np.full(count, 5.0),
        "asks": np.full(count, 5.0),
        "funding": np.full(count, 1e-4),
        "volatility": np.full(count, 0.6),
        "longs": nothing,
        "shorts": nothing,
        "closed_longs": nothing,
        "closed_shorts": nothing,
        "trouble": np.zeros(count, np.int64),
        "others": {},
        "spot": "",
        "name": "BTC-PERP",
    }
    return Run(**(values | changes))  # type: ignore[arg-type]


# --- Runs ------------------------------------------------------------------------------------


def test_a_run_is_the_market_that_an_agent_which_does_nothing_finds() -> None:
    run = run_scenario("flash_crash", [5], horizon_seconds=600.0)[0]
    episodes = rollout("no_hedge", "flash_crash", seeds=[5], horizon_seconds=600.0)
    assert run.price[-1] == episodes.columns["final_price"][0]
    assert len(run.times) == 601


def test_runs_with_the_same_seed_are_equal_to_the_bit() -> None:
    first, second = (run_scenario("calm", [3], horizon_seconds=300.0)[0] for _ in range(2))
    for field in dataclasses.fields(Run):
        values = getattr(first, field.name)
        if isinstance(values, np.ndarray):
            assert np.array_equal(values, getattr(second, field.name), equal_nan=True), field.name


def test_what_is_seen_of_an_ideal_market_is_what_the_scenario_says() -> None:
    run = run_scenario(CRASH, [0], horizon_seconds=600.0)[0]
    assert run.price[119] == 60_000.0
    assert run.price[-1] == pytest.approx(54_000.0)
    assert run.mid[-1] == pytest.approx(54_000.0, rel=1e-5)
    # Half a spread of a basis point, rounded to ticks of 0.1.
    assert run.spread[-1] == pytest.approx(2.0, rel=0.01)
    assert run.bids[0] == run.asks[0] == 100.0
    figures = measure(run)
    assert figures["fall"] == pytest.approx(-10.0, abs=0.01)
    assert figures["rise"] == pytest.approx(0.0, abs=0.01)
    assert figures["return"] == pytest.approx(-10.0, abs=0.01)
    assert math.isnan(figures["liquidated"])


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(GammagymError, match="seeds must be from 0"):
        run_scenario("calm", [-1])


# --- Figures ---------------------------------------------------------------------------------


def test_a_spread_that_flickers_is_measured_by_its_worst_minute() -> None:
    spread = np.ones(601)
    spread[1:61] = 3.0  # a minute
    spread[300] = 31.0  # a second
    found = measure(made_up(spread=spread))
    assert found["widest"] == 3.0
    assert found["spread"] == 1.0


def test_premium_is_over_spot_where_spot_is_traded() -> None:
    mid, spot = np.full(601, 101.0), np.full(601, 100.0)
    own = made_up(mid=mid, index=np.full(601, 101.0))
    beside = dataclasses.replace(own, others={"BTC-SPOT": spot}, spot="BTC-SPOT")
    assert measure(own)["premium"] == 0.0
    assert measure(beside)["premium"] == pytest.approx(100.0)
    titles = [panel.title for panel in panels(beside)]
    assert "premium over spot (BTC-SPOT), bp" in titles


def test_forced_closing_is_a_share_of_what_was_open() -> None:
    ramp = np.linspace(0.0, 30.0, 601)
    run = made_up(longs=100.0 - ramp, shorts=np.full(601, 50.0), closed_longs=ramp)
    assert measure(run)["liquidated"] == pytest.approx(20.0)


def test_the_median_run_is_ordinary_in_every_figure() -> None:
    # Five runs; the third is in the middle of both figures, though never the best of either.
    figures = np.array([[1.0, 90.0], [2.0, 10.0], [3.0, 50.0], [4.0, 49.0], [5.0, 51.0]])
    assert nearest_to_medians(figures) == 2
    # Neither another unit nor a figure that some run has not got changes the choice.
    assert nearest_to_medians(figures * [1.0, 1e6]) == 2
    assert nearest_to_medians(np.column_stack((figures, [np.nan, 0, 0, 0, 0]))) == 2


def test_of_equal_runs_the_first_is_drawn() -> None:
    runs = [made_up(seed=seed) for seed in (4, 5, 6)]
    assert median_run(runs).seed == 4


def test_one_run_is_its_own_median() -> None:
    assert explore("textbook", range(7, 8), horizon_seconds=120.0).median.seed == 7


# --- Pictures --------------------------------------------------------------------------------


def test_no_peak_of_the_price_is_lost_in_the_drawing() -> None:
    mid = np.full(14_401, 100.0)
    mid[7_777] = 80.0
    run = made_up(
        **{
            name: np.full(14_401, value)
            for name, value in (("price", 100.0), ("index", 100.0), ("spread", 1.0), ("bids", 1.0),
                                ("asks", 1.0), ("funding", 0.0), ("volatility", 0.0),
                                ("longs", 0.0), ("shorts", 0.0))
        },
        mid=mid, times=np.arange(14_401.0), trouble=np.zeros(14_401, np.int64),
    )  # fmt: skip
    line = panels(run)[0].lines[1]
    assert line.values.min() == 80.0
    assert line.times[line.values.argmin()] == 7_777.0
    assert len(line.values) <= POINTS + 1


def test_what_does_not_move_has_no_picture() -> None:
    still = [panel.title.split(",")[0] for panel in panels(made_up())]
    assert still == ["price", "spread", "depth within 0.5 % of the mid", "premium over the index"]
    funding = np.linspace(0.0, 1e-4, 601)
    moving = panels(made_up(funding=funding, longs=np.full(601, 9.0)))
    assert [panel.title.split(",")[0] for panel in moving[4:]] == [
        "funding rate",
        "open interest of the leveraged crowd",
        "closed by force so far",
    ]


def test_an_index_that_goes_astray_is_drawn_beside_the_price() -> None:
    index = np.full(601, 100.0)
    index[50:60] = 90.0
    names = [line.name for line in panels(made_up(index=index))[0].lines]
    assert names == ["fundamental price", "mid of BTC-PERP", "index"]
    assert len(panels(made_up())[0].lines) == 2


def test_a_closed_venue_and_an_empty_book_are_told_apart() -> None:
    trouble = np.zeros(601, np.int64)
    trouble[100:200] = TROUBLE_CLOSED
    mid = np.full(601, 100.0)
    mid[150:300] = np.nan
    found = troubles(made_up(trouble=trouble, mid=mid))
    assert [(each.name, each.start, each.end) for each in found] == [
        ("nothing trades", 100.0, 200.0),
        ("a side of the book is empty", 200.0, 300.0),
    ]


def test_the_drawing_is_xml_with_a_line_for_every_line_and_a_gap_for_what_is_unknown() -> None:
    mid = np.full(601, 100.0)
    mid[300:400] = np.nan
    run = made_up(mid=mid, name="BTC<PERP")
    drawn = draw_svg(run)
    root = ET.fromstring(drawn)
    paths = [each for each in root.iter() if each.get("stroke-linejoin")]
    assert len(paths) == sum(len(panel.lines) for panel in panels(run))
    assert "nan" not in drawn
    # The mid of the first panel is broken once: two strokes.
    assert paths[1].get("d", "").count("M") == 2
    assert any("BTC<PERP" in (each.text or "") for each in root.iter())


def test_a_drawing_of_a_long_day_is_small() -> None:
    found = explore("liquidation_cascade", range(1), horizon_seconds=1_200.0)
    assert len(draw_svg(found.median)) < 80_000


def test_scales_hold_everything_and_their_marks_are_on_them() -> None:
    rng = np.random.default_rng(1)
    for _ in range(50):
        values = rng.normal(size=20) * 10.0 ** rng.integers(-4, 6)
        for scale in (linear_scale(values), linear_scale(values, from_zero=True),
                      logarithmic_scale(np.abs(values) + 1e-9)):  # fmt: skip
            inside = np.abs(values) + 1e-9 if scale.logarithmic else values
            places = scale.place(inside)
            assert places.min() >= 0.0
            assert places.max() <= 1.0
            assert all(scale.low <= mark <= scale.high for mark in scale.marks)
            assert len(scale.marks) >= 2


def test_a_flat_line_is_drawn_in_the_middle() -> None:
    assert linear_scale(np.full(5, 7.0)).place(np.array([7.0]))[0] == pytest.approx(0.5)


def test_marks_are_round() -> None:
    assert round_numbers(59_000.0, 60_100.0, 5) == (
        59_000.0,
        59_250.0,
        59_500.0,
        59_750.0,
        60_000.0,
    )


# --- Agents ----------------------------------------------------------------------------------


def test_sources_are_all_the_parts_of_a_profit() -> None:
    assert sorted(part for parts in SOURCES.values() for part in parts) == sorted(PARTS)


def test_what_agents_did_is_what_their_episodes_say() -> None:
    field = compare_agents(["no_hedge", "delta_band"], "textbook", range(3), horizon_seconds=600.0)
    assert field.unit.name == "% of stake"
    for each in field.conducts:
        found = rollout(each.agent, "textbook", seeds=range(3), horizon_seconds=600.0).columns
        assert each.profit == pytest.approx(np.mean(found["profit"] / found["stake"]))
        assert sum(each.sources.values()) == pytest.approx(each.profit, abs=1e-9)
        assert each.carried == pytest.approx(each.sources["carried delta"] / each.profit)
        assert each.liquidated == 0.0


def test_an_agent_that_fails_has_no_figures_and_says_why(tmp_path) -> None:
    (tmp_path / "raises.py").write_text("def make_agent(spec):\n    raise ValueError('no idea')\n")
    field = compare_agents(
        [str(tmp_path / "raises.py")], "textbook", range(2), horizon_seconds=300.0
    )
    assert "no idea" in field.conducts[0].failure
    assert math.isnan(field.conducts[0].profit)


# --- What scenarios say ----------------------------------------------------------------------


def test_every_scenario_that_ships_is_in_a_group() -> None:
    groups = by_group()
    assert "" not in groups
    assert set(groups) <= set(GROUPS)
    assert "calm" in groups["everyday"]


def test_a_digest_follows_what_a_file_says_and_what_its_story_tells(tmp_path) -> None:
    text = (
        "# A story.\npurpose = 'p'\n[price]\nmodel = 'gbm'\nstart = '60000'\nvolatility = 0.6\n"
        "[options]\nimplied_volatility = 0.6\n"
    )
    file = tmp_path / "mine.toml"

    def digest(changed: str) -> str:
        file.write_text(changed)
        return scenario_digest(str(file))

    plain = digest(text)
    assert digest(text.replace("[options]", "\n[options]  # a remark")) == plain
    assert digest(text.replace("A story", "Another story")) != plain
    assert digest(text.replace("volatility = 0.6", "volatility = 0.7", 1)) != plain


def test_a_combination_is_made_of_its_files() -> None:
    both = story("calm + flash_crash")
    assert both.startswith("An ordinary day")
    assert "A crash and rebound" in both
    with pytest.raises(ScenarioError, match="did you mean 'calm'"):
        story("clam + flash_crash")
