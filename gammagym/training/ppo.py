"""Learn a policy by proximal policy optimisation (PPO) with stable-baselines3.

The learner sees some fields of the observation, scaled; its actions are scaled too, so that noise
of one is a sensible trade. Both scalings are part of the policy that comes out.
"""

from __future__ import annotations

import contextlib
import math
import random
import time
import warnings
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from gammagym.agent import FIELD_NAMES
from gammagym.policy import Policy
from gammagym.sb3 import HedgeVecEnv, make_vec_env  # says what to install if it is missing
from gammagym.scenario.tasks import get_task
from gammagym.training.config import TrainingConfig
from gammagym.world.codes import PARTS

# isort: split
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.utils import LinearSchedule
from stable_baselines3.common.vec_env.base_vec_env import VecEnvStepReturn, VecEnvWrapper

_DELTA, _GAMMA = PARTS.index("delta"), PARTS.index("gamma")
_ACTIVATIONS = {"tanh": torch.nn.Tanh, "relu": torch.nn.ReLU}


class Progress(NamedTuple):
    """How far a run is, told after every update."""

    steps: int  # decisions so far
    total: int  # decisions in all
    seconds: float  # since the start
    episodes: int  # that ended since the last update
    reward: float  # mean return of those episodes (stakes, as the environment pays it); or NaN
    cost: float  # mean relative cost of those episodes (% of the stake); or NaN
    cost_deviation: float  # its standard deviation (% of the stake); or NaN


ProgressCallback = Callable[[Progress], None]


@dataclass(frozen=True)
class Trained:
    """What came out of a training run.

    Attributes:
        policy: the policy, its actions without noise.
        history: progress after every update.
        steps: decisions taken.
        seconds: time it took (s).
        env_seconds: share of it that was spent in the environment (s).
    """

    policy: Policy
    history: tuple[Progress, ...]
    steps: int
    seconds: float
    env_seconds: float

    @property
    def steps_per_second(self) -> float:
        """Decisions a second, learning included."""
        return self.steps / self.seconds

    @property
    def env_share(self) -> float:
        """Share of the time that was spent in the environment."""
        return self.env_seconds / self.seconds


def train(config: TrainingConfig, progress: ProgressCallback | None = None) -> Trained:
    """Train a policy.

    Args:
        config: the run; the same one gives the same weights on the same machine.
        progress: called after every update.

    Raises:
        ScenarioError: task or scenario are unknown or impossible.
    """
    from gammagym.training.export import to_policy

    envs = LearnerEnv(
        make_vec_env(
            get_task(config.task, **config.options),
            config.envs,
            scenario=config.scenario,
            overrides=config.overrides,
            threads=config.threads,
        ),
        config,
    )
    teller = _Teller(config, progress)
    with globals_kept():
        torch.set_num_threads(1)  # small products; and sums must not depend on the number of cores
        with warnings.catch_warnings():
            # One shorter batch an update does no harm.
            warnings.filterwarnings("ignore", "You have specified a mini-batch size")
            model = make_model(config, envs)
        start = time.perf_counter()
        model.learn(config.steps, callback=teller)
        seconds = time.perf_counter() - start
    policy = to_policy(model, config, seconds)
    return Trained(policy, tuple(teller.history), model.num_timesteps, seconds, envs.seconds)


@contextlib.contextmanager
def globals_kept() -> Generator[None]:
    """Leave the global generators and torch's threads as they were: stable-baselines3 sets them."""
    numbers, state, threads = random.getstate(), np.random.get_state(), torch.get_num_threads()  # noqa: NPY002
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        random.setstate(numbers)
        np.random.set_state(state)  # noqa: NPY002
        torch.set_num_threads(threads)


def make_model(config: TrainingConfig, envs: VecEnvWrapper) -> PPO:
    """Return a new learner."""
    network, ppo = config.network, config.ppo
    return PPO(
        "MlpPolicy",
        envs,
        learning_rate=LinearSchedule(ppo.learning_rate, 0.0, 1.0),
        n_steps=ppo.n_steps,
        batch_size=ppo.batch_size,
        n_epochs=ppo.n_epochs,
        gamma=ppo.gamma,
        gae_lambda=ppo.gae_lambda,
        clip_range=ppo.clip_range,
        ent_coef=ppo.ent_coef,
        vf_coef=ppo.vf_coef,
        max_grad_norm=ppo.max_grad_norm,
        target_kl=ppo.target_kl,
        policy_kwargs={
            "net_arch": list(network.layers),
            "activation_fn": _ACTIVATIONS[network.activation],
            "log_std_init": network.log_std,
            "features_extractor_class": ScaledInputs,
            "features_extractor_kwargs": {
                "inputs": network.inputs,
                "limit": network.input_limit,
            },
        },
        seed=config.seed,
        device="cpu",
    )


class ScaledInputs(BaseFeaturesExtractor):
    """Picks fields of the observation, scales them and clips them. Shape: (n, fields) to (n, k)."""

    def __init__(
        self, observation_space: gym.spaces.Box, inputs: dict[str, float], limit: float
    ) -> None:
        super().__init__(observation_space, len(inputs))
        columns = [FIELD_NAMES.index(name) for name in inputs]
        self.limit = limit
        self.register_buffer("columns", torch.tensor(columns))
        self.register_buffer("scale", torch.tensor(list(inputs.values()), dtype=torch.float32))

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        """Return the network's inputs."""
        columns, scale = self.get_buffer("columns"), self.get_buffer("scale")
        return torch.clamp(observations[:, columns] * scale, -self.limit, self.limit)


class LearnerEnv(VecEnvWrapper):
    """The environment as the learner has it: actions and rewards scaled, luck left out if wished.

    The reward holds the profit of carrying delta through each move of the price. Where the price
    has no drift it is zero on average whatever the agent does, and most of the noise; without it
    the reward has the same mean, and learning needs a fraction of the steps. Returns in infos are
    the environment's own.

    Args:
        envs: the worlds.
        config: the run.
    """

    def __init__(self, envs: HedgeVecEnv, config: TrainingConfig) -> None:
        scale = np.array(config.network.action_scale, np.float32)
        super().__init__(envs, action_space=gym.spaces.Box(-1 / scale, 1 / scale, dtype=np.float32))
        self.worlds: NDArray[Any] = envs.envs.worlds
        self.reward, self.action_scale = config.reward, scale
        self.seconds = 0.0

    def reset(self) -> NDArray[np.float32]:
        """Start new episodes."""
        start = time.perf_counter()
        observations: Any = self.venv.reset()
        self.seconds += time.perf_counter() - start
        return observations

    def step_async(self, actions: NDArray[Any]) -> None:
        """Scale the actions."""
        self.venv.step_async(actions * self.action_scale)

    def step_wait(self) -> VecEnvStepReturn:
        """Step, and take luck out of the rewards of worlds that run on."""
        start = time.perf_counter()
        before = self._state()
        observations, rewards, ended, infos = self.venv.step_wait()
        if self.reward.without_luck:
            # A world that ended has started anew: its last minute keeps its luck.
            rewards = rewards - np.where(ended, 0.0, self._luck(before))
        self.seconds += time.perf_counter() - start
        return observations, rewards * self.reward.scale, ended, infos

    def _state(self) -> tuple[NDArray[Any], ...]:
        agents = self.worlds["agents"][:, 0]
        rows = np.arange(len(agents))
        marks = self.worlds["instruments"]["fair_price"][rows, agents["hedge_instrument"]]
        return agents["parts"].copy(), agents["book_gamma"].copy(), marks

    def _luck(self, before: tuple[NDArray[Any], ...]) -> NDArray[np.float64]:
        """Return the profit of carried delta less the reference's, in stakes, shape (worlds,)."""
        (parts, gamma, marks), (new_parts, _, new_marks) = before, self._state()
        change = new_parts - parts
        # The reference carries delta too, that which gamma adds between its hedges.
        reference = 0.5 * gamma * (new_marks - marks) ** 2 - change[:, _GAMMA]
        stake = self.worlds["agents"]["stake"][:, 0]
        return (change[:, _DELTA] - reference) / stake


class _Teller(BaseCallback):
    """Tells how far a run is after every update."""

    def __init__(self, config: TrainingConfig, progress: ProgressCallback | None) -> None:
        super().__init__()
        update = config.ppo.n_steps * config.envs
        self.total = math.ceil(config.steps / update) * update
        self.progress = progress
        self.history: list[Progress] = []
        self.start = time.perf_counter()
        self.returns: list[float] = []
        self.costs: list[float] = []

    def _on_step(self) -> bool:
        for row in np.flatnonzero(self.locals["dones"]):
            info = self.locals["infos"][row]
            self.returns.append(info["episode"]["r"])
            self.costs.append(100 * info["results"]["relative_cost"])
        return True

    def _on_rollout_end(self) -> None:
        ended = len(self.costs)
        told = Progress(
            steps=self.num_timesteps,
            total=self.total,
            seconds=time.perf_counter() - self.start,
            episodes=ended,
            reward=float(np.mean(self.returns)) if ended else math.nan,
            cost=float(np.mean(self.costs)) if ended else math.nan,
            cost_deviation=float(np.std(self.costs, ddof=1)) if ended > 1 else math.nan,
        )
        self.history.append(told)
        self.returns, self.costs = [], []
        if self.progress is not None:
            self.progress(told)
