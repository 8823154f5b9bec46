"""Environments in files: an episode under way, as plain arrays and words that say what it is of.

What worlds are copied from is compiled anew from the scenario and the task in the file, and must
come out as it was. The worlds are checked as those of a saved market are: nothing that stands in a
file is executed, and no row number of it is trusted.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from gammagym.api.saving import read_worlds, write_worlds
from gammagym.api.soundness import fault_of
from gammagym.envs.forking import check_begun
from gammagym.envs.kernels.stepping import FAILED, RUNNING
from gammagym.errors import DataError, GammagymError
from gammagym.scenario.compile import Compiled
from gammagym.scenario.load import load_scenario
from gammagym.scenario.tasks import Hedge, Leg, Task

if TYPE_CHECKING:
    from gammagym.envs.batch import Batch
    from gammagym.envs.single import HedgeEnv
    from gammagym.envs.vector import HedgeVectorEnv

    Environment = TypeVar("Environment", HedgeEnv, HedgeVectorEnv)

_NOUN = "environment"
# Of a batch, one row a world.
_ARRAYS = ("observations", "rewards", "infos", "status")
# What decides how many numbers of an action are read, and how.
_FACE = ("hedge_count", "scheme", "slots")
# What a world may have failed by, or what hangs on it: numbers by which nothing is found.
_PRICES = {
    "price": ("value", "index", "previous_index", "coin_quanta"),
    "surface": ("forward",),
    "option_makers": ("seen_price",),
    "hedgers": ("reference_price",),
}


def write_environment(path: str | os.PathLike[str], env: HedgeEnv | HedgeVectorEnv) -> None:
    """Write an environment to a file, see `HedgeEnv.save`."""
    check_begun(env, "save")
    if env.batch.reward is not None:
        raise DataError(
            "the reward is a function of your own, which no file of arrays can hold: pickle the "
            "environment, or take a reward by name"
        )
    generator = env.np_random.bit_generator.state
    words: dict[str, Any] = {
        "environment": type(env).__name__,
        "scenarios": [kind.scenario.model_dump(mode="json") for kind in env.batch.kinds],
        "task": asdict(env.compiled.task),
        "digest": _digest(env.batch.kinds),
        "generator": generator,
        "render_mode": env.render_mode,
        "autoreset_mode": env.metadata["autoreset_mode"].value
        if "autoreset_mode" in env.metadata
        else None,
        "forked": env.forked,
    }
    arrays = {name: getattr(env.batch, name) for name in _ARRAYS}
    write_worlds(path, env.worlds, words, **arrays)


def read_environment(path: str | os.PathLike[str], kind: type[Environment]) -> Environment:
    """Read an environment of one kind from a file, see `HedgeEnv.load`."""
    name = os.fspath(path)
    worlds, content, words = read_worlds(path, _ARRAYS, _NOUN, DataError)
    try:
        env = _made_anew(words, kind, len(worlds))
    except GammagymError as error:
        raise type(error)(f"{name}: {error}") from None
    except Exception as error:  # whatever comes of words that are not ours
        raise DataError(f"{name}: not a saved {_NOUN}, or a broken one ({error!r})") from None
    if words.get("digest") != _digest(env.batch.kinds):
        raise DataError(
            f"{name}: its scenario, venue or prices have changed since it was saved: make the "
            f"{_NOUN} anew"
        )
    fault = next(_faults(env, worlds, content), None)
    if fault is not None:
        raise DataError(f"{name}: a broken {_NOUN}: {fault}")
    env.worlds[:] = worlds
    for each in _ARRAYS:
        getattr(env.batch, each)[:] = content[each]
    for row in np.flatnonzero(env.batch.status == FAILED).tolist():
        # Nothing lets it go on: unsound, it need not keep the others from coming back.
        if _fault_of_failed(env.batch, worlds, row) is not None:
            env.worlds[row] = env.batch.kind(row).template[0]
    return env


def _made_anew(words: Any, kind: type[Environment], count: int) -> Environment:
    """Return an environment as the words of a file say, before its first episode."""
    if words["environment"] != kind.__name__:
        raise DataError(
            f"holds a {words['environment']}, not a {kind.__name__}: load it as what it is"
        )
    scenarios = [load_scenario(scenario) for scenario in words["scenarios"]]
    options: dict[str, Any] = {"render_mode": words["render_mode"], "scenario": scenarios}
    if words["autoreset_mode"]:
        options |= {"num_envs": count, "autoreset_mode": words["autoreset_mode"]}
    elif count != 1:
        raise ValueError(f"{count} worlds")
    else:
        (options["scenario"],) = scenarios
    env = kind(task=_task(words["task"]), **options)
    generator = np.random.default_rng()
    generator.bit_generator.state = words["generator"]
    env.np_random = generator
    env.forked = bool(words["forked"])
    return env


def _task(words: dict[str, Any]) -> Task:
    """Return a task from what JSON made of it: tables of numbers, and lists for tuples."""
    given: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in words.items()
    }
    given["book"] = tuple(Leg(**leg) for leg in words["book"])
    given["hedges"] = tuple(Hedge(**hedge) for hedge in words["hedges"])
    return Task(**given)


def _digest(kinds: Sequence[Compiled]) -> str:
    """Return a number that stands for what worlds are copied from."""
    state = hashlib.sha256()
    for compiled in kinds:
        state.update(compiled.template.tobytes())
        state.update(compiled.tape.tobytes())
    return state.hexdigest()


def _faults(
    env: HedgeEnv | HedgeVectorEnv, worlds: NDArray[Any], content: dict[str, NDArray[Any]]
) -> Iterator[str]:
    """Yield what is wrong with what a file holds."""
    batch = env.batch
    for name in _ARRAYS:
        here: NDArray[Any] = getattr(batch, name)
        given = content[name]
        if given.shape != here.shape or given.dtype != here.dtype:
            yield (
                f"{name} must be {here.dtype} of shape {here.shape}, was {given.dtype} of shape "
                f"{given.shape}"
            )
            return
    status = content["status"]
    if not np.isin(status, range(RUNNING, FAILED + 1)).all():
        yield f"status must be from {RUNNING} to {FAILED}, was {status.tolist()!r:.80}"
    if worlds.dtype != batch.worlds.dtype:
        yield "its worlds have not the capacity of its scenario"
        return
    for row in np.flatnonzero(status != FAILED).tolist():
        fault = _fault_of_world(worlds[row : row + 1], batch.kind(row))
        if fault is not None:
            yield f"world {row}: {fault}"


def _fault_of_world(worlds: NDArray[Any], kind: Compiled) -> str | None:
    """Return what is wrong with the world in an array of one, or None."""
    template, agents = kind.template[0], worlds["agents"][0]
    fault = fault_of(worlds, kind.tape)
    if fault is None and worlds["agent_count"][0] != template["agent_count"]:
        fault = f"agent_count must be {template['agent_count']}"
    for name in _FACE:
        if fault is None and (agents[name] != template["agents"][name]).any():
            fault = f"agents.{name} must be {template['agents'][name].tolist()}"
    return fault


def _fault_of_failed(batch: Batch, worlds: NDArray[Any], row: int) -> str | None:
    """Return what is wrong with a world that has failed, other than prices, which it failed by."""
    world, kind = worlds[row : row + 1].copy(), batch.kind(row)
    for table, names in _PRICES.items():
        for name in names:
            world[table][name] = 1
    return _fault_of_world(world, kind)
