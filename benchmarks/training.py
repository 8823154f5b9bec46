"""Decisions a second of PPO, and the environment's share of the time.

    python benchmarks/training.py [--steps 60000] [--envs 16 64 256]

The first run compiles, or loads from the cache, and is not counted.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gammagym.training.config import load_config
from gammagym.training.ppo import train

CONFIG = Path(__file__).resolve().parents[1] / "agents" / "ppo" / "train.toml"


def main() -> None:
    """Train with several numbers of worlds and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=60_000, help="decisions in each run")
    parser.add_argument("--envs", type=int, nargs="+", default=[16, 64, 256])
    parser.add_argument("--config", default=CONFIG)
    arguments = parser.parse_args()
    train(load_config(arguments.config, steps=1, envs=16))
    header = (
        f"{'worlds':>6} {'steps':>8} {'steps/s':>9} {'env steps/s':>12} {'learner steps/s':>16}"
    )
    print(f"{header} {'env share':>10}")
    for envs in arguments.envs:
        trained = train(load_config(arguments.config, steps=arguments.steps, envs=envs))
        learner = trained.steps / (trained.seconds - trained.env_seconds)
        print(
            f"{envs:6} {trained.steps:8,} {trained.steps_per_second:9,.0f} "
            f"{trained.steps / trained.env_seconds:12,.0f} {learner:16,.0f} "
            f"{trained.env_share:9.0%}",
            flush=True,
        )


if __name__ == "__main__":
    main()
