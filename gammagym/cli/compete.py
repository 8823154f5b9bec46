"""Commands that compare agents: ``tournament``, ``evaluate``, ``report``."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gammagym.cli.common import (
    note,
    print_json,
    progress_bar,
    split_list,
    split_settings,
)
from gammagym.cli.show import counted, figures_of, show_figures, show_leaderboard, show_venues
from gammagym.errors import GammagymError

if TYPE_CHECKING:
    from gammagym.evaluation.plan import Contest, Plan
    from gammagym.evaluation.results import Results
    from gammagym.evaluation.rollout import Episodes

Task = Annotated[str, typer.Option(help="Task: the book that is hedged.")]
PriceFile = Annotated[
    str | None,
    typer.Option(
        "--price-file", help="CSV of prices (timestamp, price) to replay.", metavar="FILE"
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="Change the scenario (price.volatility=0.8) or the task (dead_zone=0.1); repeatable.",
        metavar="KEY=VALUE",
    ),
]
Horizon = Annotated[float | None, typer.Option(help="Length of an episode (s).", metavar="SECONDS")]
Interval = Annotated[
    float | None, typer.Option(help="Time between two decisions (s).", metavar="SECONDS")
]
FirstSeed = Annotated[int, typer.Option("--seed", help="Seed of the first episode.")]
Machines = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(
        epilog="Example: gammagym tournament --agents whalley_wilmott,delta_band:band=0.02,"
        "./mine.py --scenarios calm,flash_crash --seeds 64 --out results/mine"
    )(tournament)
    app.command(epilog="Example: gammagym evaluate whalley_wilmott --scenario calm --seeds 16")(
        evaluate
    )
    app.command(epilog="Example: gammagym report results/mine --out mine.html")(report)


def tournament(
    agents: Annotated[
        list[str] | None,
        typer.Option(help="Agents by name or path, with commas between; all if not given."),
    ] = None,
    scenarios: Annotated[
        list[str] | None,
        typer.Option(
            help='Scenarios by name or path, with commas between, also combined ("calm + '
            'flash_crash"); if not given, everyday and stress scenarios of one market.'
        ),
    ] = None,
    venues: Annotated[
        list[str] | None,
        typer.Option(
            help="Venues by name or path, with commas between, or all: play every scenario (calm, "
            "if none is given) at each of them."
        ),
    ] = None,
    discounts: Annotated[
        bool,
        typer.Option(
            "--discounts/--no-discounts",
            help="With venues: play each a second time, with all its discounts and a bonus.",
        ),
    ] = True,
    bonus: Annotated[
        float,
        typer.Option(help="That bonus: fees are taken from it first (quote currency).", min=0.0),
    ] = 100.0,
    task: Task = "GammaScalp",
    seeds: Annotated[
        int | None, typer.Option(help="Episodes of each agent in each scenario; 32 if not given.")
    ] = None,
    seed: FirstSeed = 0,
    price_file: PriceFile = None,
    settings: Settings = None,
    horizon: Horizon = None,
    decision_interval: Interval = None,
    jobs: Annotated[
        int | None, typer.Option(help="Processes at a time; one a processor if not given.")
    ] = None,
    time_limit: Annotated[
        float, typer.Option(help="Most time for a batch of episodes (s); more loses it.")
    ] = 300.0,
    memory_limit: Annotated[
        float, typer.Option(help="Most memory of an agent's process (GB); 0: no limit.")
    ] = 8.0,
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("results"),
    as_json: Machines = False,
    demo: Annotated[
        bool, typer.Option("--demo", help="A small tournament of six scenarios, done in a minute.")
    ] = False,
) -> None:
    """Run agents against each other on the same markets, and write a report.

    Every agent hedges alone in its own copy of the same market, for each scenario and seed. The
    score is mean + 1.5 standard deviations of its cost relative to a frictionless hedger on the
    same path; less is better. A price file is played as it is and mirrored, as the scenarios replay
    and replay_mirrored, unless scenarios are given. Running the same command again runs only what
    is missing. With venues, every scenario at every venue is a market of its own, and the cost of
    each agent at each venue is printed as well.
    """
    from gammagym.evaluation import plan as plans
    from gammagym.evaluation.tournament import default_jobs, run_contest
    from gammagym.evaluation.workers import Limits

    if seeds is None:
        seeds = plans.DEMO_SEEDS if demo else plans.DEFAULT_SEEDS
    jobs = default_jobs() if jobs is None else jobs
    _at_least("--jobs", jobs, 1)
    _at_least("--time-limit", time_limit, 1)
    _at_least("--memory-limit", memory_limit, 0)
    if venues:
        scenarios = _at_venues(scenarios, venues, bonus if discounts else None, price_file)
    elif demo and not scenarios and price_file is None:
        scenarios = list(plans.DEMO_SCENARIOS)
    plan = _plan(
        agents, scenarios, task, seeds, seed, price_file, settings, horizon, decision_interval
    )
    database = _results_file(out)
    contest = _checked(plan, chosen=bool(agents))
    limits = Limits(time_limit, round(memory_limit * 2**30) or None)
    with progress_bar("compiling (the first time takes a minute)", quiet=as_json) as bar:

        def show(done: int, total: int, last: Episodes | None) -> None:
            if bar is not None:
                doing = f"{last.agent} in {last.scenario}" if last else "episodes"
                bar.update(bar.task_ids[0], completed=done, total=total, description=doing)

        results = run_contest(contest, database, jobs, limits, _command_line(), show)
    _tell(results, database, as_json=as_json)
    if results.episodes == 0:
        raise typer.Exit(1)


def evaluate(
    agent: Annotated[str, typer.Argument(help="Agent by name or path.")],
    scenario: Annotated[
        str | None,
        typer.Option(help='Scenario by name or path, or several combined: "calm + flash_crash".'),
    ] = None,
    task: Task = "GammaScalp",
    seeds: Annotated[int, typer.Option(help="Number of episodes.")] = 16,
    seed: FirstSeed = 0,
    price_file: PriceFile = None,
    settings: Settings = None,
    horizon: Horizon = None,
    decision_interval: Interval = None,
    out: Annotated[
        Path | None, typer.Option(help="Write the episodes to this file, .csv or .parquet.")
    ] = None,
    as_json: Machines = False,
) -> None:
    """Run one agent in one scenario and print what became of it."""
    from gammagym.evaluation.plan import check
    from gammagym.evaluation.results import BASIS_POINTS, PERCENT_OF_STAKE
    from gammagym.evaluation.rollout import rollout
    from gammagym.evaluation.store import check_export_path, export_table

    if out is not None:
        check_export_path(out)
    chosen = [scenario or ("replay" if price_file else "calm")]
    plan = _plan(
        [agent], chosen, task, seeds, seed, price_file, settings, horizon, decision_interval
    )
    if len(plan.agents) != 1 or len(plan.scenarios) != 1:
        raise GammagymError("evaluate takes one agent and one scenario; see gammagym tournament")
    contest = check(plan)
    episodes = rollout(
        plan.agents[0],
        plan.scenarios[0],
        task,
        plan.seed_range,
        plan.price_file,
        overrides=plan.overrides,
        **plan.options,
    )
    if episodes.failures or episodes.voids == len(episodes.seeds):
        raise GammagymError(next(reason for reason in episodes.reason if reason))
    if out is not None:
        import pandas as pd

        export_table(pd.DataFrame({"seed": episodes.seeds} | episodes.columns), out)
    spot = all(leg.kind == "spot" for leg in contest.task.book)
    figures = figures_of(episodes)
    if as_json:
        print_json({"agent": agent, "scenario": plan.scenarios[0], "task": task} | figures)
    else:
        show_figures(episodes, figures, BASIS_POINTS if spot else PERCENT_OF_STAKE)
        if episodes.voids:
            why = next(reason for reason in episodes.reason if reason)
            note(f"void: {counted(episodes.voids, 'episode')} left out: {why}")
        if out is not None:
            note(f"episodes: {out}")


def report(
    results: Annotated[Path, typer.Argument(help="Results of a tournament: folder or file.")],
    out: Annotated[
        Path | None, typer.Option(help="The page to write; report.html beside the results.")
    ] = None,
    export: Annotated[
        Path | None, typer.Option(help="Also write all episodes to this .csv or .parquet file.")
    ] = None,
    as_json: Machines = False,
) -> None:
    """Write the report of an earlier tournament anew."""
    from gammagym.evaluation.report import write_report
    from gammagym.evaluation.results import load_results
    from gammagym.evaluation.store import FILE_NAME, ResultStore, check_export_path

    file = results / FILE_NAME if results.is_dir() else results
    target = out or file.with_name("report.html")
    if export is not None:
        check_export_path(export)
    with ResultStore(file, create=False) as store:
        found = load_results(store)
        if not target.parent.is_dir():
            raise GammagymError(f"{target}: there is no folder {target.parent}")
        write_report(found, target)
        if export is not None:
            store.export(export)
    if as_json:
        print_json(found.summary() | {"report": str(target)})
    else:
        show_leaderboard(found)
        show_venues(found)
        note(f"report: {target}")


# Plans


def _plan(
    agents: list[str] | None,
    scenarios: Sequence[str] | None,
    task: str,
    seeds: int,
    seed: int,
    price_file: str | None,
    settings: list[str] | None,
    horizon: float | None,
    decision_interval: float | None,
) -> Plan:
    from gammagym.evaluation import plan as plans
    from gammagym.scenario.tasks import Task as TaskOptions

    options, overrides = split_settings(settings, [each.name for each in fields(TaskOptions)])
    given = {"horizon_seconds": horizon, "decision_interval": decision_interval}
    options |= {key: value for key, value in given.items() if value is not None}
    return plans.Plan(
        agents=split_list(agents) or plans.default_agents(),
        scenarios=split_list(scenarios) or plans.default_scenarios(price_file),
        task=task,
        first_seed=seed,
        seeds=seeds,
        options=plans.default_options(task) | options,
        overrides=overrides,
        price_file=None if price_file is None else str(Path(price_file).expanduser().absolute()),
    )


def _at_venues(
    scenarios: list[str] | None, venues: list[str], bonus: float | None, price_file: str | None
) -> list[str]:
    """Return references of the scenarios at venues: with plain fees, and with a bonus if any."""
    from gammagym.evaluation import plan as plans

    chosen = split_list(scenarios)
    if not chosen:
        chosen = plans.default_scenarios(price_file) if price_file else plans.VENUE_SCENARIOS
    terms = [""] if bonus is None else ["", f"discounts=all,fee_credit={bonus:.8g}"]
    return list(plans.at_venues(chosen, split_list(venues), terms))


def _checked(plan: Plan, *, chosen: bool) -> Contest:
    """Check a plan; of agents that nobody chose, those that cannot do the task stay at home."""
    from gammagym.evaluation.plan import check, playable

    if not chosen:
        able, unable = playable(plan)
        for name, reason in unable.items():
            note(f"note: {name} does not take part: {reason}")
        plan = replace(plan, agents=able)
    return check(plan)


def _at_least(option: str, value: float, least: float) -> None:
    if not value >= least:
        raise GammagymError(f"{option} must be at least {least:g}, was {value:g}")


def _results_file(out: Path) -> Path:
    """Return the file of results in a folder, after checking that it can be one."""
    from gammagym.evaluation.store import FILE_NAME, ResultStore

    for folder in (out, *out.absolute().parents):
        if folder.exists():
            if not folder.is_dir():
                raise GammagymError(f"--out {out}: {folder} is a file, not a folder")
            break
    file = out / FILE_NAME
    if file.exists():
        ResultStore(file, create=False).close()
    return file


def _command_line() -> str:
    return shlex.join(["gammagym", *sys.argv[1:]])


def _tell(results: Results, database: Path, *, as_json: bool) -> None:
    from gammagym.evaluation.report import write_report

    page = database.with_name("report.html")
    write_report(results, page)
    if as_json:
        print_json(results.summary() | {"report": str(page), "results": str(database)})
        return
    show_leaderboard(results)
    show_venues(results)
    for failure in results.failures[:10]:
        note(
            f"{failure.status}: {failure.agent} in {failure.scenario}, "
            f"{counted(failure.episodes, 'episode')}: {failure.reason}"
        )
    if len(results.failures) > 10:
        note(f"failed or void: {len(results.failures) - 10} more, see the report")
    if results.void_seeds:
        seeds = counted(results.void_seeds, "seed")
        note(f"void: {seeds} left out for all agents, since a world has failed")
    note(f"report:  {page}")
    note(f"results: {database}")
