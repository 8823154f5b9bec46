"""What needs an extra that is not installed says which, whether or not it is installed here."""

from __future__ import annotations

import subprocess
import sys

import pytest

NEEDS = {
    "pettingzoo": ("import gammagym.envs; gammagym.envs.arena_parallel_env", "arena"),
    "ray": ("import gammagym.rllib", "ray"),
    "stable_baselines3": ("import gammagym.sb3", "train"),
    "torch": ("import gammagym.training.ppo", "train"),
}


@pytest.mark.parametrize("missing", NEEDS)
def test_without_the_extra_the_error_says_what_to_install(missing: str) -> None:
    statement, extra = NEEDS[missing]
    code = (
        "import sys\n"
        f"sys.modules[{missing!r}] = None\n"
        "from gammagym.errors import GammagymError\n"
        "try:\n"
        f"    {statement}\n"
        "except GammagymError as error:\n"
        "    print(error)\n"
    )
    run = [sys.executable, "-c", code]
    told = subprocess.run(run, check=True, capture_output=True, text=True, timeout=300).stdout
    assert f"pip install 'gammagym[{extra}]'" in told
    assert len(told.splitlines()) == 1
