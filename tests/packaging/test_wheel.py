"""The wheel that users get: its content, and an episode played from it in another directory."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

PLAY = """
import gammagym, gymnasium as gym, pathlib, sys
assert pathlib.Path(gammagym.__file__).is_relative_to(sys.argv[1]), gammagym.__file__
env = gym.make("gammagym/GammaScalp-v0", scenario="calm", horizon_seconds=20.0,
               decision_interval=5.0)
agent = gammagym.load_agent("whalley_wilmott", env.unwrapped.agent_spec())
observation, info = env.reset(seed=1)
agent.reset(info)
over = False
while not over:
    observation, reward, over, truncated, info = env.step(agent.act(observation))
print("played", info["time_seconds"])
"""

COMPILE = """
import gammagym, pathlib, sys
assert pathlib.Path(gammagym.__file__).is_relative_to(sys.argv[1]), gammagym.__file__
from gammagym.exchange.formulas.funding import clamped_funding_rate
rate = clamped_funding_rate(0.0020, 0.0001, -0.0005, 0.0005)
print(round(rate, 12), sum(clamped_funding_rate.stats.cache_hits.values()))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "build",
        "--no-isolation",
        "--wheel",
        "--outdir",
        str(folder),
        str(ROOT),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("*.whl")
    return built


def _content(folder: str) -> set[str]:
    """Return the content files of the checkout as git would ship them."""
    files = (ROOT / folder).rglob("*")
    return {
        path.relative_to(ROOT).as_posix()
        for path in files
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_only_top_level_package_of_the_wheel_is_gammagym(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"gammagym"}


@pytest.mark.parametrize("folder", ["agents", "scenarios"])
def test_the_bundled_content_equals_that_of_the_checkout(wheel: Path, folder: str) -> None:
    prefix = f"gammagym/_bundled/{folder}/"
    names = zipfile.ZipFile(wheel).namelist()
    bundled = {name.removeprefix("gammagym/_bundled/") for name in names if name.startswith(prefix)}
    assert bundled == _content(folder)


def test_data_files_of_the_package_are_in_the_wheel(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for pattern in ("venues/*.toml", "scenario/flows/*.toml", "evaluation/facts/*.toml"):
        for path in (ROOT / "gammagym").glob(pattern):
            assert path.relative_to(ROOT).as_posix() in names


def run_from(wheel: Path, folder: Path, code: str, **environment: str) -> str:
    """Return what code prints that finds the package in an unpacked wheel, away from here."""
    target = folder / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)
    variables = {"PYTHONPATH": str(target), "GAMMAGYM_CACHE_DIR": str(folder / "cache")}
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, str(target)],
        cwd=folder,
        env=os.environ | variables | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_an_episode_is_played_from_the_wheel_in_another_directory(
    wheel: Path, tmp_path: Path
) -> None:
    # Without compilation, which for a whole world takes a minute.
    assert run_from(wheel, tmp_path, PLAY, NUMBA_DISABLE_JIT="1") == "played 20.0"


def test_the_wheels_kernels_are_compiled_and_kept(wheel: Path, tmp_path: Path) -> None:
    assert run_from(wheel, tmp_path, COMPILE).split() == ["0.0015", "0"]
    assert run_from(wheel, tmp_path, COMPILE).split() == ["0.0015", "1"]
