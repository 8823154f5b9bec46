"""Turn what stable-baselines3 learned into a policy of plain arrays."""

from __future__ import annotations

import importlib.metadata
import platform
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3 import PPO

from gammagym.policy import Policy
from gammagym.training.config import TrainingConfig

_TOLD_VERSIONS = ("gammagym", "numpy", "numba", "torch", "stable-baselines3")


def to_policy(model: PPO, config: TrainingConfig, seconds: float) -> Policy:
    """Return the learned policy, its actions without noise.

    Args:
        model: the learner after training.
        config: what it was trained with; told in the policy, and the source of its scalings.
        seconds: time that training took (s), told in the policy.
    """
    modules: Any = model.policy
    layers = [each for each in modules.mlp_extractor.policy_net if _is_linear(each)]
    layers.append(modules.action_net)
    weights = [_array(layer.weight) for layer in layers]
    biases = [_array(layer.bias) for layer in layers]
    scale = np.array(config.network.action_scale, np.float32)
    weights[-1] = weights[-1] * scale[:, None]
    biases[-1] = biases[-1] * scale
    return Policy(
        weights=tuple(weights),
        biases=tuple(biases),
        activation=config.network.activation,
        inputs=tuple(config.network.inputs),
        scale=np.array(list(config.network.inputs.values()), np.float32),
        limit=config.network.input_limit,
        action_scheme="hedge",
        task=config.task,
        about={
            "config": config.model_dump(mode="json"),
            "seed": config.seed,
            "steps": int(model.num_timesteps),
            "seconds": round(seconds, 1),
            "versions": _versions(),
        },
    )


def _is_linear(module: Any) -> bool:
    return isinstance(module, torch.nn.Linear)


def _array(parameter: torch.Tensor) -> NDArray[np.float32]:
    return parameter.detach().numpy().astype(np.float32)


def _versions() -> dict[str, str]:
    """Return the versions that the weights depend on."""
    found = {"python": platform.python_version()}
    for name in _TOLD_VERSIONS:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "source"
    return found
