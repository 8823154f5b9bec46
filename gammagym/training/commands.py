"""What the commands `gammagym train` and `gammagym export` do, without a command line.

A run's folder holds an agent: `policy.npz`, an `agent.py` that plays it, and `training.json` with
what happened. It is played by its path: ``--agent ./folder``. An `agent.py` that is there is kept.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from gammagym.errors import GammagymError
from gammagym.policy import Policy
from gammagym.training.config import load_config

if TYPE_CHECKING:
    from gammagym.training.ppo import ProgressCallback, Trained

POLICY_FILE, AGENT_FILE, HISTORY_FILE = "policy.npz", "agent.py", "training.json"
_AGENT = '''"""A learned agent: plays the arrays beside this file, with NumPy alone."""

from pathlib import Path

from gammagym.agent import Agent, AgentSpec
from gammagym.policy import PolicyAgent


def make_agent(spec: AgentSpec) -> Agent:
    """Make the agent for a task."""
    return PolicyAgent(spec, Path(__file__).with_name("policy.npz"))
'''


class TrainReport(NamedTuple):
    """What a training run left behind; `_asdict()` is ready for JSON."""

    out: str  # folder
    policy: str  # file
    seed: int
    steps: int  # decisions
    seconds: float
    steps_per_second: float
    env_share: float  # share of the time spent in the environment
    cost: float | None  # mean relative cost of the last update's episodes, with noise (% of stake)
    cost_deviation: float | None  # its standard deviation (% of stake)


class ExportReport(NamedTuple):
    """What an export wrote; `_asdict()` is ready for JSON."""

    out: str  # folder
    agent: str  # what to give to --agent
    task: str
    inputs: list[str]
    layers: list[int]  # units, from the first hidden layer to the action
    about: dict[str, Any]  # how the policy was made


def train_command(
    config: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    seed: int | None = None,
    steps: int | None = None,
    envs: int | None = None,
    progress: ProgressCallback | None = None,
) -> TrainReport:
    """Train a policy and write it as an agent.

    Args:
        config: path of a training configuration (TOML).
        out: folder to write to; made if it is missing. Its files appear when training is done.
        seed: instead of the configuration's.
        steps: instead of the configuration's.
        envs: instead of the configuration's.
        progress: called after every update.

    Raises:
        TrainingError: the configuration is missing or wrong.
        ScenarioError: task or scenario are unknown or impossible.
        GammagymError: the folder cannot be written, or stable-baselines3 is not installed.
    """
    from gammagym.training.ppo import train  # only here: an export needs no torch

    chosen = load_config(config, seed=seed, steps=steps, envs=envs)
    folder = _folder(out)
    trained = train(chosen, progress)
    _write_agent(trained.policy, folder)
    _write_text(folder / HISTORY_FILE, json.dumps(_history(trained), indent=1) + "\n")
    last = trained.history[-1] if trained.history else None
    return TrainReport(
        out=str(folder),
        policy=str(folder / POLICY_FILE),
        seed=chosen.seed,
        steps=trained.steps,
        seconds=round(trained.seconds, 3),
        steps_per_second=round(trained.steps_per_second, 1),
        env_share=round(trained.env_share, 4),
        cost=_number(last.cost) if last else None,
        cost_deviation=_number(last.cost_deviation) if last else None,
    )


def export_command(source: str | os.PathLike[str], out: str | os.PathLike[str]) -> ExportReport:
    """Check a policy and write it as an agent that can be played by its path.

    Args:
        source: a `policy.npz`, or the folder of a training run.
        out: folder to write to; made if it is missing.

    Raises:
        AgentError: the policy is missing or broken.
        GammagymError: the folder cannot be written.
    """
    path = Path(source).expanduser()
    policy = Policy.load(path / POLICY_FILE if path.is_dir() else path)
    folder = _folder(out)
    _write_agent(policy, folder)
    return ExportReport(
        out=str(folder),
        agent=str(folder),
        task=policy.task,
        inputs=list(policy.inputs),
        layers=[len(bias) for bias in policy.biases],
        about=dict(policy.about),
    )


def _folder(out: str | os.PathLike[str]) -> Path:
    """Return the folder to write to, after finding out that it can be written."""
    folder = Path(out).expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder.resolve()
    except OSError as error:
        raise GammagymError(f"cannot write to {os.fspath(out)!r}: {error.strerror}") from error


def _write_agent(policy: Policy, folder: Path) -> None:
    policy.save(folder / POLICY_FILE)
    if not (folder / AGENT_FILE).exists():  # somebody may have written more than this one
        _write_text(folder / AGENT_FILE, _AGENT)


def _write_text(path: Path, text: str) -> None:
    """Write a file, complete or not at all."""
    folder = Path(tempfile.mkdtemp(dir=path.parent, prefix="."))
    try:
        (folder / path.name).write_text(text, encoding="utf-8")
        os.replace(folder / path.name, path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _history(trained: Trained) -> dict[str, Any]:
    updates = [
        {key: _number(value) for key, value in told._asdict().items()} for told in trained.history
    ]
    return {"about": dict(trained.policy.about), "updates": updates}


def _number(value: float) -> float | None:
    """Return a number that JSON knows, rounded; None where there is none."""
    return round(value, 4) if value == value else None
