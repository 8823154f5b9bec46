"""Tournaments: results do not depend on the number of jobs; bad agents hurt only themselves."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gammagym.envs.vector import HedgeVectorEnv
from gammagym.errors import AgentError, GammagymError, ScenarioError
from gammagym.evaluation import rollout as rollout_module
from gammagym.evaluation.plan import Plan, batches, check, default_options
from gammagym.evaluation.report import render
from gammagym.evaluation.results import Failure, Results
from gammagym.evaluation.rollout import DONE, FAILED, VOID, rollout
from gammagym.evaluation.statistics import score
from gammagym.evaluation.tournament import run_tournament
from gammagym.evaluation.workers import Limits
from gammagym.world.codes import PARTS

OPTIONS = {"horizon_seconds": 600.0}
PLAN = Plan(
    agents=("no_hedge", "fixed_interval:minutes=2"),
    scenarios=("calm", "textbook"),
    seeds=5,
    options=OPTIONS,
    batch=3,
)
ACTS = {
    "raises": "raise ValueError('no idea')",
    "nan": "return np.full((len(observation), 2), np.nan)",
    "shape": "return np.zeros(3)",
    "nothing": "return None",
    "leaves": "raise SystemExit(3)",
    "hoards": "return np.zeros((2**20, 2**10))",
    "dies": "os._exit(7)",
    "sleeps": "time.sleep(1000)",
}


def agent_file(folder: Path, name: str, act: str, make: str = "return Bad()") -> str:
    path = folder / f"{name}.py"
    path.write_text(
        "import os, sys, time\nimport numpy as np\n"
        "class Bad:\n"
        "    def reset(self, info, worlds=None): pass\n"
        "    def act(self, observation):\n"
        "        print('noise on standard output'); sys.stdout.flush()\n"
        f"        {act}\n"
        f"def make_agent(spec):\n    {make}\n"
    )
    return str(path)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return run_tournament(PLAN, tmp_path_factory.mktemp("one") / "r.sqlite", jobs=1)


def test_two_jobs_give_the_same_results(results: Results, tmp_path: Path) -> None:
    other = run_tournament(PLAN, tmp_path / "r.sqlite", jobs=2)
    assert other.columns.keys() == results.columns.keys()
    for name, column in results.columns.items():
        assert np.array_equal(column, other.columns[name]), name


def test_batches_do_not_change_results(results: Results) -> None:
    episodes = rollout("fixed_interval:minutes=2", "calm", seeds=range(5), **OPTIONS)
    column = results.columns["relative_cost"][1, 0]
    assert np.array_equal(episodes.columns["relative_cost"], column)


def test_agents_face_the_same_outside_world(results: Results) -> None:
    prices = results.columns["final_price"]
    assert np.array_equal(prices[0], prices[1])
    assert len(np.unique(prices[0, 0])) == 5


def test_running_again_runs_only_what_is_missing(tmp_path: Path) -> None:
    ran: list[int] = []

    def note(done: int, total: int, last: object) -> None:
        ran.append(done if last is None else -1)
        assert 0 <= done <= total

    path = tmp_path / "r.sqlite"
    plan = replace(PLAN, scenarios=("textbook",), seeds=2)
    first = run_tournament(plan, path, jobs=1, progress=note)
    assert ran == [0, -1, -1]
    ran.clear()
    again = run_tournament(plan, path, jobs=1, progress=note)
    assert ran == [4]
    assert np.array_equal(first.columns["cost"], again.columns["cost"])
    ran.clear()
    wider = run_tournament(replace(plan, seeds=3), path, jobs=1, progress=note)
    assert ran == [4, -1, -1]
    assert np.array_equal(wider.columns["cost"][..., :2], first.columns["cost"])
    ran.clear()
    other = {"horizon_seconds": 660.0}
    run_tournament(replace(plan, options=other), path, jobs=1, progress=note)
    assert ran[0] == 0


def test_missing_batches_are_the_plan_less_what_is_finished() -> None:
    todo = batches(PLAN, {("no_hedge", "calm"): {0, 1, 2, 3}})
    assert [(each.agent, each.scenario, each.seeds) for each in todo[:3]] == [
        ("no_hedge", "calm", (4,)),
        ("no_hedge", "textbook", (0, 1, 2)),
        ("no_hedge", "textbook", (3, 4)),
    ]
    assert len(todo) == 7


def test_parts_add_up_and_the_board_is_in_order(results: Results) -> None:
    table = results.attribution_table()
    assert table[list(PARTS)].sum(axis=1).to_numpy() == pytest.approx(table["profit"].to_numpy())
    mean = -(results.columns["cost"][0, 0]).mean()
    assert table["profit"][0] == pytest.approx(mean)
    for scenario in (None, *results.scenarios):
        board = results.leaderboard(scenario)
        scores = [line.score for line in board]
        assert scores == sorted(scores)
        assert all(line.low <= line.score <= line.high for line in board)
        assert [line.place for line in board] == [1, 2]
    assert list(results.table()["agent"]) == [line.agent for line in results.leaderboard()]


def test_wrong_parts_are_noticed(results: Results) -> None:
    wrong = dict(results.columns) | {"fees": results.columns["fees"] + 1.0}
    with pytest.raises(GammagymError, match="do not add up"):
        replace(results, columns=wrong).attribution()


def test_bad_agents_lose_only_their_own_episodes(tmp_path: Path) -> None:
    bad = [agent_file(tmp_path, name, act) for name, act in ACTS.items()]
    bad.append(agent_file(tmp_path, "unmade", "pass", make="raise KeyError('spec')"))
    bad.append(agent_file(tmp_path, "unread", "pass", make="return None\nthis = = Python"))
    plan = Plan(("no_hedge", *bad), ("textbook",), seeds=2, options=OPTIONS)
    limits = Limits(batch_seconds=4.0, memory_bytes=4 * 2**30)
    found = run_tournament(plan, tmp_path / "r.sqlite", jobs=2, limits=limits)
    reasons = {failure.agent: failure.reason for failure in found.failures}
    assert found.lost[0].tolist() == [0]
    assert (found.lost[1:] == 2).all()
    assert "ValueError: no idea (raises.py, line 7, in act)" in reasons["raises"]
    assert "finite" in reasons["nan"]
    assert "shape (2, 2), had (3,)" in reasons["shape"]
    assert "real numbers" in reasons["nothing"]
    assert "SystemExit: 3" in reasons["leaves"]
    if sys.platform == "linux":
        assert "MemoryError" in reasons["hoards"]
    assert reasons["dies"] == "its process ended (exit code 7)"
    assert reasons["sleeps"] == "exceeded the time limit of 4 s"
    assert "KeyError: 'spec'" in reasons["unmade"]
    assert "SyntaxError" in reasons["unread"]
    best, *others = found.leaderboard()
    assert (best.agent, best.place, best.failures) == ("no_hedge", 1, 0)
    assert all(math.isnan(line.score) and line.group == "" for line in others)
    assert {line.place for line in others} == {2}


def test_one_job_keeps_unknown_code_out_of_this_process(tmp_path: Path) -> None:
    dies = agent_file(tmp_path, "dies", ACTS["dies"])
    plan = Plan((dies,), ("textbook",), seeds=1, options=OPTIONS)
    found = run_tournament(plan, tmp_path / "r.sqlite", jobs=1)
    assert found.failures[0].reason == "its process ended (exit code 7)"
    assert found.episodes == 0


# --- Worlds that fail ------------------------------------------------------------------------

NO_PRICE = "the world has failed: a price is not a number from 1e-9 to 1e15"


@pytest.fixture
def spoiler(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return what lets chosen seeds of one agent and scenario lose their price at the start."""

    def spoil(agent: str, scenario: str, *seeds: int) -> None:
        load = rollout_module.load_agent

        class Spoiled(HedgeVectorEnv):
            def reset(self, **options: Any) -> Any:
                answer = super().reset(**options)
                hit = np.isin(self.worlds["seed"], seeds) & (self.scenarios()[0] == scenario)
                self.worlds["price"]["value"][hit & (playing[-1] == agent)] = np.nan
                return answer

        def noted(reference: str, spec: Any) -> Any:
            playing.append(reference)
            return load(reference, spec)

        playing: list[str] = []
        monkeypatch.setattr(rollout_module, "load_agent", noted)
        monkeypatch.setattr(rollout_module, "HedgeVectorEnv", Spoiled)

    return spoil


def test_a_world_that_fails_is_void_and_the_others_of_its_chunk_go_on(spoiler: Any) -> None:
    agent = "fixed_interval:minutes=2"
    sound = rollout(agent, "calm", seeds=[4, 5, 6], **OPTIONS)
    spoiler(agent, "calm", 5)
    episodes = rollout(agent, "calm", seeds=[4, 5, 6], **OPTIONS)
    assert episodes.status == (DONE, VOID, DONE)
    assert episodes.reason == ("", NO_PRICE, "")
    assert (episodes.failures, episodes.voids) == (0, 1)
    for name, column in sound.columns.items():
        assert np.isnan(episodes.columns[name][1])
        assert episodes.finished()[name].tolist() == column[[0, 2]].tolist()


def test_a_void_seed_is_left_out_for_all_agents(
    results: Results, spoiler: Any, tmp_path: Path
) -> None:
    hedger = PLAN.agents[1]
    spoiler(hedger, "calm", 3)
    found = run_tournament(PLAN, tmp_path / "r.sqlite", jobs=1)
    assert np.argwhere(found.void).tolist() == [[0, 3]]
    assert found.failures == (Failure(found.agents[1], "calm", 1, NO_PRICE, VOID),)
    assert found.lost.sum() == 0
    left = [0, 1, 2, 4]
    costs = results.columns["relative_cost"]
    scores = {line.agent: line.score for line in found.leaderboard("calm")}
    for row, agent in enumerate(found.agents):
        assert scores[agent] == score(costs[row, 0, left])
    assert found.leaderboard("textbook") == results.leaderboard("textbook")
    over_all = {line.agent: line.score for line in found.leaderboard()}
    assert over_all[found.agents[1]] == np.median(score(costs[1][:, left]))
    assert all(line.group for line in found.leaderboard())
    shares = found.columns["gamma"][0, 0, left] / found.columns["stake"][0, 0, left]
    assert found.attribution("calm")["gamma"][0] == shares.mean()
    assert np.isfinite(found.correlation()).all()
    page = render(found)
    assert "1 seed is void" in page
    assert NO_PRICE in page
    assert found.summary()["void_seeds"] == 1
    again = run_tournament(PLAN, tmp_path / "r.sqlite", jobs=1)
    assert again.void.tolist() == found.void.tolist()


def test_an_agent_all_of_whose_worlds_fail_has_no_score_and_the_others_keep_theirs(
    results: Results, spoiler: Any, tmp_path: Path
) -> None:
    spoiler(PLAN.agents[1], "calm", *range(5))
    found = run_tournament(PLAN, tmp_path / "r.sqlite", jobs=1)
    first, second = found.leaderboard("calm")
    expected = next(line for line in results.leaderboard("calm") if line.agent == "no_hedge")
    assert (first.agent, first.score, first.place) == ("no_hedge", expected.score, 1)
    assert math.isnan(second.score)
    assert found.void_seeds == 5
    assert "5 seeds are void" in render(found)


def test_rollout_notices_a_slow_agent_between_decisions(tmp_path: Path) -> None:
    act = "time.sleep(0.03); return np.zeros((len(observation), 2))"
    slow = agent_file(tmp_path, "slow", act)
    episodes = rollout(slow, "textbook", seeds=[0], time_limit=0.05, **OPTIONS)
    assert episodes.status == (FAILED,)
    assert episodes.reason == ("exceeded the time limit of 0.05 s",)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"agents": ()}, AgentError, "at least one agent"),
        ({"agents": ("whaley_wilmott",)}, AgentError, "did you mean 'whalley_wilmott'"),
        ({"agents": ("./missing.py",)}, AgentError, "no file"),
        ({"agents": ("delta_band:band=-1",)}, AgentError, "band must be >= 0"),
        ({"agents": ("no_hedge", "no_hedge")}, GammagymError, "given twice"),
        ({"scenarios": ("clam",)}, ScenarioError, "did you mean 'calm'"),
        ({"scenarios": ("replay",)}, ScenarioError, "price.file"),
        ({"task": "GamaScalp"}, ScenarioError, "did you mean 'GammaScalp'"),
        ({"options": {"horizon_seconds": -1.0}}, ScenarioError, "horizon_seconds"),
        ({"overrides": {"price.volatilty": 1.0}}, ScenarioError, "volatil"),
        ({"price_file": "missing.csv"}, GammagymError, "missing.csv"),
        ({"seeds": 0}, GammagymError, "at least 1, was 0"),
        ({"first_seed": -1}, GammagymError, "from 0"),
        ({"first_seed": 2**63 - 2}, GammagymError, "from 0"),
    ],
)
def test_an_impossible_plan_writes_nothing(
    tmp_path: Path, change: dict[str, object], error: type[Exception], message: str
) -> None:
    plan = replace(PLAN, **change)  # pyright: ignore[reportArgumentType]
    with pytest.raises(error, match=message):
        run_tournament(plan, tmp_path / "out" / "r.sqlite")
    assert list(tmp_path.iterdir()) == []


def test_fingerprints_see_every_change(tmp_path: Path) -> None:
    mine = agent_file(tmp_path, "mine", "pass")
    plan = Plan((mine,), ("calm",), options=OPTIONS)

    def mark(given: Plan) -> str:
        return check(given).fingerprints[mine]["calm"]

    first = mark(plan)
    assert mark(replace(plan, seeds=7, first_seed=3)) == first
    assert mark(replace(plan, options={"horizon_seconds": 660.0})) != first
    assert mark(replace(plan, overrides={"price.volatility": 0.7})) != first
    agent_file(tmp_path, "mine", "return None")
    assert mark(plan) != first


def test_agents_of_one_name_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    twins = tuple(agent_file(tmp_path / each, "mine", "pass") for each in "ab")
    contest = check(Plan((*twins, "no_hedge"), ("calm",), options=OPTIONS))
    assert contest.agent_titles == {twins[0]: twins[0], twins[1]: twins[1], "no_hedge": "no_hedge"}


def test_tasks_of_a_day_run_for_four_hours() -> None:
    assert default_options("ShortGamma") == {"horizon_seconds": 14_400.0}
    assert default_options("SpotHedge") == {}
