"""Learned policies as plain arrays: saved in one `.npz`, played with NumPy alone.

A policy is a small network that maps named fields of the observation to an action:

    x = clip(field · scale, -limit, limit)      h = activation(W x + b), layer by layer
    action = clip(W h + b, -1, 1)

The file holds arrays and text, never objects: loading one executes nothing.
"""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gammagym.agent import FIELD_NAMES, AgentSpec, Array
from gammagym.errors import AgentError, nearest

FORMAT = "gammagym-policy"
VERSION = 1
_LARGEST_BYTES = 64_000_000


def _relu(values: Array) -> Array:
    return np.maximum(values, np.float32(0))


def _tanh(values: Array) -> Array:
    return np.tanh(values)


ACTIVATIONS: dict[str, Callable[[Array], Array]] = {"tanh": _tanh, "relu": _relu}


@dataclass(frozen=True)
class Policy:
    """A network from observation to action.

    Attributes:
        weights: one matrix a layer, float32, shape (outputs, inputs).
        biases: one vector a layer, float32, shape (outputs,).
        activation: after each layer but the last: ``tanh`` or ``relu``.
        inputs: names of the observation's fields that the network reads, in its order.
        scale: what each of them is multiplied by, float32, shape (inputs,).
        limit: largest absolute value that a scaled input is clipped to.
        action_scheme: scheme of the actions, such as ``hedge``.
        task: task that it was trained on.
        observation_fields: names of the entries of the observations that `act` is given.
        about: how it was made: seed, steps, versions and so on; only told, never used.
    """

    weights: tuple[Array, ...]
    biases: tuple[Array, ...]
    activation: str
    inputs: tuple[str, ...]
    scale: Array
    limit: float
    action_scheme: str
    task: str
    observation_fields: tuple[str, ...] = FIELD_NAMES
    about: Mapping[str, Any] = field(default_factory=dict[str, Any])
    _columns: NDArray[np.int64] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse what does not fit together."""
        _check(self)
        columns = [self.observation_fields.index(name) for name in self.inputs]
        object.__setattr__(self, "_columns", np.array(columns, np.int64))

    @classmethod
    def load(
        cls, path: str | os.PathLike[str], observation_fields: Sequence[str] = FIELD_NAMES
    ) -> Policy:
        """Load a policy.

        Args:
            path: an `.npz` that `save` wrote.
            observation_fields: names of the entries of the observations that it will be given.

        Raises:
            AgentError: there is no such file, it is not a policy, it contains objects, something
                is missing or does not fit together, or it reads a field that there is not.
        """
        title = f"policy {os.fspath(path)}"
        try:
            return _from_arrays(_read(Path(path)), tuple(observation_fields))
        except AgentError as error:
            raise AgentError(f"{title}: {error}") from error

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the policy to a file, complete or not at all."""
        header = {
            "activation": self.activation,
            "limit": self.limit,
            "action_scheme": self.action_scheme,
            "task": self.task,
            "about": dict(self.about),
        }
        arrays: dict[str, NDArray[Any]] = {
            "format": np.array(FORMAT),
            "version": np.array(VERSION),
            "header": np.array(json.dumps(header)),
            "inputs": np.array(self.inputs),
            "scale": self.scale,
        }
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            arrays |= {f"weight_{layer}": weight, f"bias_{layer}": bias}
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=".npz")
        try:
            with os.fdopen(handle, "wb") as file:
                np.savez(file, allow_pickle=False, **arrays)
            os.chmod(temporary, 0o644)
            os.replace(temporary, target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    def act(self, observation: Array) -> Array:
        """Return the action, float32 of shape (..., actions).

        Args:
            observation: shape (..., fields). Results do not depend on how many rows there are.
        """
        seen = np.asarray(observation, np.float32)[..., self._columns]
        values = np.clip(seen * self.scale, -self.limit, self.limit).astype(np.float32)
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            if layer:
                values = ACTIVATIONS[self.activation](values)
            # One product a row: a product of all rows at once rounds in an order of its own.
            values = np.matmul(weight, values[..., None])[..., 0] + bias
        return np.clip(values, -1.0, 1.0).astype(np.float32)


class PolicyAgent:
    """An agent that plays a policy; remembers nothing."""

    def __init__(self, spec: AgentSpec, path: str | os.PathLike[str]) -> None:
        """Load the policy for a task.

        Raises:
            AgentError: the policy cannot be loaded or acts by another action scheme.
        """
        self.spec = spec
        self.policy = Policy.load(path, spec.observation_fields)
        if self.policy.action_scheme != spec.action_scheme:
            raise AgentError(
                f"the policy acts by the action scheme {self.policy.action_scheme!r}, "
                f"the task's is {spec.action_scheme!r}"
            )

    def reset(self, info: dict[str, Any], worlds: NDArray[np.bool_] | None = None) -> None:
        """Forget nothing: nothing is remembered."""

    def act(self, observation: Array) -> Array:
        """Return the policy's action; in hedges that it does not know it wishes for nothing."""
        action = self.policy.act(observation)
        if self.spec.action_scheme != "hedge":
            return action
        return self.spec.in_first_hedges(action)


def _read(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of a file."""
    if not path.is_file():
        raise AgentError(f"there is no file {path.resolve()}")
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        if size > _LARGEST_BYTES:
            raise AgentError(f"holds {size:,} bytes, at most {_LARGEST_BYTES:,} are allowed")
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, EOFError, zipfile.BadZipFile, ValueError) as error:
        if "allow_pickle" in str(error):
            raise AgentError("contains Python objects, which are never loaded") from error
        raise AgentError(f"is not an .npz of arrays ({error})") from error


def _from_arrays(arrays: dict[str, NDArray[Any]], observation_fields: tuple[str, ...]) -> Policy:
    """Turn the arrays of a file into a policy."""
    if "format" not in arrays or str(arrays["format"]) != FORMAT:
        raise AgentError(f"is not a policy: its format must be {FORMAT!r}")
    if str(arrays.get("version")) != str(VERSION):
        raise AgentError(f"has version {arrays.get('version')} of the format, not {VERSION}")
    missing = {"header", "inputs", "scale", "weight_0", "bias_0"} - set(arrays)
    if missing:
        raise AgentError(f"has no {', no '.join(sorted(missing))}")
    try:
        header = json.loads(str(arrays["header"]))
        layers = sum(name.startswith("weight_") for name in arrays)
        return Policy(
            weights=tuple(arrays[f"weight_{layer}"] for layer in range(layers)),
            biases=tuple(arrays[f"bias_{layer}"] for layer in range(layers)),
            activation=str(header["activation"]),
            inputs=tuple(str(name) for name in np.atleast_1d(arrays["inputs"])),
            scale=arrays["scale"],
            limit=float(header["limit"]),
            action_scheme=str(header["action_scheme"]),
            task=str(header["task"]),
            observation_fields=observation_fields,
            about=dict(header["about"]),
        )
    except KeyError as error:
        raise AgentError(f"has no {error.args[0]}") from error
    except (TypeError, ValueError) as error:
        raise AgentError(f"has a malformed header ({error})") from error


def _check(policy: Policy) -> None:
    """Refuse a policy whose parts do not fit together, naming the part."""
    if policy.activation not in ACTIVATIONS:
        known = nearest(policy.activation, list(ACTIVATIONS))
        raise AgentError(f"unknown activation {policy.activation!r}: {known}")
    for name in policy.inputs:
        if name not in policy.observation_fields:
            known = nearest(name, list(policy.observation_fields))
            raise AgentError(f"reads {name!r}, which the observation does not have: {known}")
    _check_array("scale", policy.scale, (len(policy.inputs),))
    if not policy.limit > 0:
        raise AgentError(f"limit must be > 0, was {policy.limit}")
    if not policy.weights or len(policy.weights) != len(policy.biases):
        raise AgentError(f"has {len(policy.weights)} weights and {len(policy.biases)} biases")
    width = len(policy.inputs)
    for layer, (weight, bias) in enumerate(zip(policy.weights, policy.biases, strict=True)):
        outputs = len(weight) if weight.ndim else 0
        _check_array(f"weight_{layer}", weight, (outputs, width))
        _check_array(f"bias_{layer}", bias, (outputs,))
        width = outputs


def _check_array(name: str, array: NDArray[Any], shape: tuple[int, ...]) -> None:
    if array.dtype != np.float32:
        raise AgentError(f"{name} must be float32, is {array.dtype}")
    if array.shape != shape or 0 in shape:
        raise AgentError(f"{name} must have shape {shape}, has {array.shape}")
    if not np.isfinite(array).all():
        raise AgentError(f"{name} has numbers that are not finite")
