"""What a training run is made from: one TOML file, checked, without defaults hidden elsewhere."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator

from gammagym.agent import FIELD_NAMES
from gammagym.errors import GammagymError, nearest
from gammagym.quantities import Model
from gammagym.scenario.problems import describe, report


class TrainingError(GammagymError, ValueError):
    """A training configuration is malformed or asks for something impossible."""


class Reward(Model):
    """What the learner is paid."""

    scale: float = Field(1.0, gt=0, description="what the environment's reward is multiplied by")
    without_luck: bool = Field(
        False, description="leave out the profit of carried delta, which is luck on average"
    )


class Network(Model):
    """What the policy and the value function look like."""

    layers: tuple[int, ...] = Field(
        (64, 64), strict=False, description="units of the hidden layers"
    )
    activation: Literal["tanh", "relu"] = Field("tanh", description="after each hidden layer")
    inputs: dict[str, float] = Field(description="observation field and what it is multiplied by")
    input_limit: float = Field(5.0, gt=0, description="largest absolute scaled input")
    action_scale: tuple[float, ...] = Field(
        (1.0, 1.0),
        strict=False,
        description="each number of the action for an output of 1",
    )
    log_std: float = Field(-1.0, description="log standard deviation of the first actions' noise")

    @field_validator("layers")
    @classmethod
    def _layers(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if not all(0 < units <= 4096 for units in value):
            raise ValueError("must be whole numbers from 1 to 4096")
        return value

    @field_validator("inputs")
    @classmethod
    def _inputs(cls, value: dict[str, float]) -> dict[str, float]:
        for name in value:
            if name not in FIELD_NAMES:
                raise ValueError(f"no field {name!r}; {nearest(name, list(FIELD_NAMES))}")
        if not value:
            raise ValueError("at least one field is needed")
        return value

    @field_validator("action_scale")
    @classmethod
    def _action_scale(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if len(value) != 2 or not all(0 < scale <= 1 for scale in value):
            raise ValueError("must be two numbers above 0 and at most 1")
        return value


class PPOSettings(Model):
    """How PPO learns; names and meanings as in stable-baselines3."""

    n_steps: int = Field(gt=1, description="decisions of each world between updates")
    batch_size: int = Field(gt=1, description="decisions in one gradient step")
    n_epochs: int = Field(gt=0, description="passes over the decisions of an update")
    learning_rate: float = Field(gt=0, description="step size at the start; falls to 0 linearly")
    gamma: float = Field(1.0, gt=0, le=1, description="discount; the task's own is 1")
    gae_lambda: float = Field(0.95, ge=0, le=1, description="memory of the advantage")
    clip_range: float = Field(0.2, gt=0, description="clipping of the policy's ratio")
    ent_coef: float = Field(0.0, ge=0, description="weight of the entropy")
    vf_coef: float = Field(0.5, ge=0, description="weight of the value function's loss")
    max_grad_norm: float = Field(0.5, gt=0, description="clipping of the gradient")
    target_kl: float | None = Field(None, gt=0, description="ends an update early; none: never")


class TrainingConfig(Model):
    """One training run.

    Raises:
        pydantic.ValidationError: a value is missing, unknown or not allowed.
    """

    task: str = Field("GammaScalp", description="name of the task")
    scenario: str = Field("calm", description="name or path of the scenario")
    overrides: dict[str, Any] = Field(
        default_factory=dict, description="values of the scenario by dotted key"
    )
    options: dict[str, bool | int | float | str] = Field(
        default_factory=dict, description="attributes of the task to change"
    )
    steps: int = Field(gt=0, description="decisions in all, rounded up to whole updates")
    envs: int = Field(gt=0, le=100_000, description="worlds side by side")
    threads: int = Field(1, gt=0, le=1024, description="threads that step worlds")
    seed: int = Field(0, ge=0, lt=2**32, description="seed of worlds and network")
    reward: Reward = Field(default_factory=lambda: Reward.model_validate({}))
    network: Network
    ppo: PPOSettings


def load_config(
    source: str | os.PathLike[str] | Mapping[str, Any], **changes: int | None
) -> TrainingConfig:
    """Load a training configuration.

    Args:
        source: path of a TOML file, or a dict of the same keys.
        **changes: top-level numbers to replace, such as ``steps=100``; None leaves one as it is.

    Raises:
        TrainingError: the file is missing or not TOML, or a key is missing, unknown or wrong.
    """
    if isinstance(source, Mapping):
        label, table = "training config", dict(source)
    else:
        label, table = f"training config {os.fspath(source)}", _read(source)
    table |= {key: value for key, value in changes.items() if value is not None}
    try:
        config = TrainingConfig.model_validate(table)
    except ValidationError as error:
        lines = describe(error, TrainingConfig, table).values()
        raise TrainingError(report(label, lines)) from error
    update = config.ppo.n_steps * config.envs
    if config.ppo.batch_size > update:
        raise TrainingError(
            f"{label}: ppo.batch_size = {config.ppo.batch_size}: must be at most {update} "
            "(ppo.n_steps x envs)"
        )
    return config


def _read(source: str | os.PathLike[str]) -> dict[str, Any]:
    path = Path(source).expanduser()
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise TrainingError(
            f"training config {source}: there is no file {path.resolve()}"
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise TrainingError(f"training config {source}: is not readable TOML: {error}") from error
