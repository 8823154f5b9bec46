"""Tournaments: every agent alone in its own copy of the same markets, on the same seeds."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from gammagym.errors import AgentError, GammagymError
from gammagym.evaluation.plan import Batch, Contest, Plan, batches, check, is_shipped, warm_up
from gammagym.evaluation.results import Results, load_results
from gammagym.evaluation.rollout import Episodes, failed_episodes, rollout
from gammagym.evaluation.store import ResultStore
from gammagym.evaluation.workers import Limits, Workers

MOST_JOBS = 8

Progress = Callable[[int, int, Episodes | None], None]
"""Called with the episodes that are finished, those there are in all, and the last batch."""


def run_tournament(
    plan: Plan,
    path: str | os.PathLike[str],
    *,
    jobs: int | None = None,
    limits: Limits | None = None,
    command: str = "",
    progress: Progress | None = None,
) -> Results:
    """Run what a plan asks for and the file of results does not hold yet.

    Results do not depend on the number of jobs. With one job, and only agents that ship with
    gammagym, everything runs in this process; otherwise in processes of their own.

    Args:
        plan: what to run.
        path: file of results, made if there is none.
        jobs: processes at a time; None: one for each processor, 8 at most.
        limits: time and memory of a batch.
        command: how the tournament was started, for the record.
        progress: called whenever a batch is finished.

    Returns:
        The results of the plan.

    Raises:
        GammagymError: something in the plan is unknown, malformed or impossible; nothing has been
            written then.
    """
    jobs = default_jobs() if jobs is None else jobs
    if jobs < 1:
        raise GammagymError(f"jobs must be at least 1, was {jobs}")
    contest = check(plan)
    return run_contest(contest, path, jobs, limits or Limits(), command, progress)


def run_contest(
    contest: Contest,
    path: str | os.PathLike[str],
    jobs: int,
    limits: Limits,
    command: str = "",
    progress: Progress | None = None,
) -> Results:
    """Run a plan that has been checked; see `run_tournament`."""
    plan = contest.plan
    marks = contest.fingerprints
    warm_up(contest)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with ResultStore(path) as store:
        finished = {
            (agent, scenario): store.finished_seeds(agent, scenario, plan.task, mark)
            for agent, by_scenario in marks.items()
            for scenario, mark in by_scenario.items()
        }
        todo = batches(plan, finished)
        total = len(plan.agents) * len(plan.scenarios) * plan.seeds
        done = total - sum(len(batch.seeds) for batch in todo)
        run = store.start_run(package_version(), command, described(contest))
        if progress:
            progress(done, total, None)

        def keep(batch: Batch, episodes: Episodes) -> None:
            nonlocal done
            store.add(run, marks[batch.agent][batch.scenario], episodes)
            done += len(batch.seeds)
            if progress:
                progress(done, total, episodes)

        if jobs == 1 and all(is_shipped(agent) for agent in plan.agents):
            for batch in todo:
                keep(batch, run_batch(plan, batch, limits))
        else:
            Workers(plan, jobs, limits).run(todo, keep)
        store.finish_run(run)
        return load_results(store)


def run_batch(plan: Plan, batch: Batch, limits: Limits) -> Episodes:
    """Run one batch in this process."""
    try:
        return rollout(
            batch.agent,
            batch.scenario,
            plan.task,
            batch.seeds,
            plan.price_file,
            overrides=plan.overrides,
            time_limit=limits.batch_seconds,
            worlds_at_once=plan.batch,
            **plan.options,
        )
    except AgentError as error:
        return failed_episodes(batch.agent, batch.scenario, plan.task, batch.seeds, str(error))


def described(contest: Contest) -> dict[str, Any]:
    """Return a plan as plain values, with all that a report needs to know."""
    task = contest.task
    plan = asdict(contest.plan)
    return plan | {
        "options": dict(contest.plan.options),
        "overrides": dict(contest.plan.overrides),
        "horizon_seconds": task.horizon_seconds,
        "decision_interval": task.decision_interval,
        "spot": all(leg.kind == "spot" for leg in task.book),
        "agent_titles": contest.agent_titles,
        "scenario_titles": contest.scenario_titles,
        "places": contest.places,
        "purposes": {key: market.scenario.purpose for key, market in contest.markets.items()},
        "fingerprints": contest.fingerprints,
    }


def default_jobs() -> int:
    """Return one job for each processor this process may use, 8 at most."""
    usable = getattr(os, "sched_getaffinity", None)
    count = len(usable(0)) if usable else os.cpu_count() or 1
    return min(count, MOST_JOBS)


def package_version() -> str:
    """Return the version of gammagym."""
    import gammagym

    try:
        return getattr(gammagym, "__version__", "") or version("gammagym")
    except PackageNotFoundError:
        return "unknown"
