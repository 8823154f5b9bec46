"""Train with RLlib: one agent on a batch of worlds, then two agents against each other.

Two small iterations each, on one core: a start for your own settings, not a training.
"""

from __future__ import annotations

from typing import Any

import ray
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.rl_module.default_model_config import DefaultModelConfig

from gammagym.rllib import register

EPISODE = {"scenario": "calm", "horizon_seconds": 1800.0, "overrides": {"flow.preset": "sparse"}}


def configured(name: str, **settings: object) -> PPOConfig:
    """Return a small PPO of the new API stack that runs in this process alone."""
    return (
        PPOConfig()
        .environment(name, env_config=EPISODE | settings)
        .env_runners(num_env_runners=0, num_envs_per_env_runner=1)
        .learners(num_learners=0)
        .training(train_batch_size_per_learner=256, minibatch_size=64, num_epochs=2, gamma=1.0)
        .rl_module(model_config=DefaultModelConfig(fcnet_hiddens=[64, 64]))
        .debugging(seed=7, log_level="ERROR")
    )


def one_agent() -> dict[str, Any]:
    """Train one agent on 16 worlds, stepped as one batch; return the last results."""
    config = configured("gammagym/GammaScalp-v0").env_runners(
        num_envs_per_env_runner=16, gym_env_vectorize_mode="vector_entry_point"
    )
    return trained(config)


def two_agents() -> dict[str, Any]:
    """Train two agents in the same queues, each with its own policy; return the last results."""
    agents = {"alice": {"latency": "1ms"}, "bob": {"latency": "50ms"}}
    config = configured("gammagym/GammaScalpArena-v0", agents=agents).multi_agent(
        policies=set(agents), policy_mapping_fn=lambda agent, *_, **__: agent
    )
    return trained(config)


def trained(config: PPOConfig) -> dict[str, Any]:
    """Train for two iterations; return the results of the last."""
    algorithm = config.build_algo()
    algorithm.train()
    results = algorithm.train()
    algorithm.stop()
    return results


if __name__ == "__main__":
    ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False)
    register()
    print("one agent:", one_agent()["env_runners"]["episode_return_mean"])
    print("two agents:", two_agents()["env_runners"]["agent_episode_returns_mean"])
    ray.shutdown()
