"""Decisions a second of stable-baselines3's PPO, and the environment's share of the time.

    python benchmarks/training.py [--steps 262144] [--worlds 1024] [--threads 1 2]

A network of two layers of 64, 32 decisions of each world an update, batches of 8,192, 4 epochs, one
thread of torch; in `sparse` flow at decisions of a minute, worlds stepped on one thread and on two:
while they are, torch waits. The same learner with an environment
that costs nothing tells what the machine can do. The first update compiles, or loads from the
cache, and is not counted.
"""

from __future__ import annotations

import argparse
import os
import time
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper

from gammagym.sb3 import make_vec_env

N_STEPS, BATCH, EPOCHS = 32, 8_192, 4
THREADS = 1  # of torch: two are several times slower on a busy machine


class Timed(VecEnvWrapper):
    """Adds up the time spent in an environment."""

    seconds = 0.0

    def reset(self) -> Any:
        """Reset, and count the time."""
        start = time.perf_counter()
        found = self.venv.reset()
        self.seconds += time.perf_counter() - start
        return found

    def step_wait(self) -> Any:
        """Step, and count the time."""
        start = time.perf_counter()
        found = self.venv.step_wait()
        self.seconds += time.perf_counter() - start
        return found


class Nothing(VecEnv):
    """An environment that costs nothing: the same observation for ever."""

    def __init__(self, like: VecEnv) -> None:
        super().__init__(like.num_envs, like.observation_space, like.action_space)
        self.observations = like.reset()
        self.rewards = np.zeros(like.num_envs, np.float32)
        self.ended = np.zeros(like.num_envs, np.bool_)
        self.infos: list[dict[str, Any]] = [{} for _ in range(like.num_envs)]

    def reset(self) -> Any:
        """Return the observation."""
        return self.observations

    def step_async(self, actions: Any) -> None:
        """Forget the actions."""

    def step_wait(self) -> Any:
        """Return the observation, and no reward."""
        return self.observations, self.rewards, self.ended, self.infos

    def close(self) -> None:
        """Close nothing."""

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:  # noqa: ARG002
        """Return an attribute for each world."""
        return [getattr(self, attr_name)] * self.num_envs

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:  # noqa: ARG002
        """Set an attribute."""
        setattr(self, attr_name, value)

    def env_method(self, method_name: str, *args: Any, **kwargs: Any) -> list[Any]:
        """Refuse: there is no method."""
        raise NotImplementedError(method_name)

    def env_is_wrapped(self, wrapper_class: type[gym.Wrapper], indices: Any = None) -> list[bool]:  # noqa: ARG002
        """Return that nothing is wrapped."""
        return [False] * self.num_envs


def learn(envs: VecEnv, steps: int) -> tuple[float, float]:
    """Return decisions a second of PPO, and the share of the time spent in the environment."""
    timed = Timed(envs)
    model = PPO(
        "MlpPolicy",
        timed,
        n_steps=N_STEPS,
        batch_size=BATCH,
        n_epochs=EPOCHS,
        policy_kwargs={"net_arch": [64, 64]},
        device="cpu",
        seed=0,
    )
    update = N_STEPS * envs.num_envs
    model.learn(update)
    timed.seconds, start = 0.0, time.perf_counter()
    model.learn(steps, reset_num_timesteps=False)
    seconds = time.perf_counter() - start
    return (model.num_timesteps - update) / seconds, timed.seconds / seconds


def main() -> None:
    """Train in both and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=262_144, help="decisions in each run")
    parser.add_argument("--worlds", type=int, default=1_024)
    most = min(2, len(os.sched_getaffinity(0)))
    threads = list(range(1, most + 1))
    parser.add_argument("--threads", type=int, nargs="+", default=threads, help="of the worlds")
    arguments = parser.parse_args()
    torch.set_num_threads(THREADS)
    options: dict[str, Any] = {"flow.preset": "sparse"}
    envs = make_vec_env("GammaScalp", arguments.worlds, seed=0, overrides=options)
    print(f"{'environment':>12} {'worlds':>7} {'threads':>7} {'steps/s':>9} {'env share':>10}")

    def tell(name: str, threads: str, found: tuple[float, float]) -> None:
        rate, share = found
        print(
            f"{name:>12} {arguments.worlds:7,} {threads:>7} {rate:9,.0f} {share:10.0%}", flush=True
        )

    for threads in arguments.threads:
        envs.envs.threads = threads
        tell("GammaScalp", str(threads), learn(envs, arguments.steps))
    tell("nothing", "", learn(Nothing(envs), arguments.steps))


if __name__ == "__main__":
    main()
