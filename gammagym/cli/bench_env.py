"""The part of ``bench`` that measures environments: table and cases."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from gammagym.cli.common import note, print_table

WORLDS = (1, 16, 256, 1024, 8192)
# Flow, time of a decision (s), and the numbers of worlds of each row beyond those that are given.
_FURTHER = (("sparse", 60.0, 1024), ("full", 1.0, 256))


def bench_env(
    worlds: Sequence[int], seconds: float, scenario: str, changes: Mapping[str, Any], seed: int
) -> dict[str, Any]:
    """Measure environments with everything on, beside CartPole's in the same run.

    Args:
        worlds: numbers of worlds, at decisions of a second in thin flow.
        seconds: time of each measurement (s).
        scenario: name or path.
        changes: values of it by dotted key.
        seed: of worlds and actions.

    Returns:
        ``vector``: rows of `gammagym.evaluation.speed.Speed`; ``single``: what Python costs.
    """
    from gammagym.evaluation.speed import single_overhead, vector_speed

    cases = [("thin", 1.0, count) for count in worlds]
    cases += [case for case in _FURTHER if case[2] <= max(worlds)]
    threads = [1, 2] if (os.cpu_count() or 1) > 1 else [1]
    rows: list[dict[str, Any]] = []
    for flow, interval, count in cases:
        note(f"environments: {count:,} worlds, {flow} flow, decisions of {interval:g} s ...")
        found = vector_speed(
            count,
            threads if count > 1 else [1],
            seconds,
            flow=flow,
            scenario=scenario,
            overrides=changes,
            decision_interval=interval,
            seed=seed,
        )
        rows += [each.row() for each in found]
    return {"vector": rows, "single": asdict(single_overhead(seconds))}


def print_environments(figures: Mapping[str, Any]) -> None:
    """Print what `bench_env` has measured."""
    header = ["worlds", "threads", "flow", "decision", "steps/s", "events/s", "changes/s", "kernel"]
    rows = [
        (
            f"{row['worlds']:,}",
            str(row["threads"]),
            row["flow"],
            f"{row['decision_interval']:g} s",
            f"{row['steps']:,.0f}",
            f"{row['events'] / 1e6:.2f} M",
            f"{row['changes'] / 1e6:.2f} M",
            f"{row['kernel']:.0%}",
            f"{row['steps'] / row['cartpole']:.3f}",
            f"{row['megabytes']:,.0f} MB",
        )
        for row in figures["vector"]
    ]
    print_table([*header, "of CartPole's", "memory"], rows)
    note("changes: orders that come to rest in a book, and orders that leave one")
    single = {key: f"{1e6 * value:.1f}" for key, value in figures["single"].items()}
    beyond = f"{1e6 * (figures['single']['step'] - figures['single']['kernel']):.1f}"
    print_table(
        ["one step of gym.make (\N{MICRO SIGN}s)", "in the kernel", "beyond it", "CartPole"],
        [(single["step"], single["kernel"], beyond, single["cartpole"])],
    )
