"""What tests share: worlds made in one line, real data if there is any, a tidy kernel cache."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from gammagym import _kernel
from gammagym.envs.batch import Batch
from gammagym.envs.kernels.stepping import ENDED
from gammagym.exchange.marks import write_price
from gammagym.market.price import start_price
from gammagym.scenario.compile import Compiled, compile_world
from gammagym.scenario.load import load_scenario
from gammagym.scenario.tasks import Leg, Task, get_task
from gammagym.world import LARGE, STANDARD, viewed
from gammagym.world.codes import FIRST_AGENT_ACCOUNT, FLOW_NONE, FUTURE, NO_ACCOUNT

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("GAMMAGYM_DATA", ROOT.parent / "shared" / "data"))
BITCOIN_MINUTES = "btc_perp_1min_2022-01.csv.gz"

# The same examples in every run; no deadline, since the first example may compile a kernel.
settings.register_profile(
    "gammagym",
    deadline=None,
    derandomize=True,
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("gammagym")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Delete old caches of compiled kernels, once all processes that run tests are done."""
    if not hasattr(session.config, "workerinput"):
        _kernel.prune_caches()


@pytest.fixture(scope="session")
def real_data() -> Callable[[str], Path]:
    """Return the path of a file of real data, or skip the test where there is none."""

    def find(name: str) -> Path:
        if not (DATA / name).is_file():
            pytest.skip(f"no {name} in {DATA} (set GAMMAGYM_DATA)")
        return DATA / name

    return find


@dataclass
class Worlds:
    """Open worlds and what it takes to run them."""

    compiled: Compiled
    worlds: Any
    batch: Batch

    @property
    def tape(self) -> Any:
        return self.compiled.tape

    @property
    def observations(self) -> Any:
        return self.batch.observations[:, 0]

    @property
    def rewards(self) -> Any:
        return self.batch.rewards[:, 0]

    @property
    def status(self) -> Any:
        return self.batch.status

    def step(self, actions: Any) -> Any:
        """Take one decision in every world that still runs; returns the observations.

        Numbers for further hedges may be left out: nothing is wished there.
        """
        given = np.asarray(actions, dtype=np.float32)
        actions = np.zeros((len(given), *self.batch.face.action_shape), np.float32)
        actions[:, : given.shape[1]] = given
        self.batch.step(actions[:, None])
        return self.observations

    @property
    def over(self) -> bool:
        return bool((self.status == ENDED).all())


def open_worlds(
    scenario: Any = "textbook",
    task: str | Task = "GammaScalp",
    n: int = 1,
    seed: int = 7,
    *,
    overrides: dict[str, Any] | None = None,
    capacity: Any = None,
    **options: Any,
) -> Worlds:
    """Open n worlds with the seeds seed, seed + 1, ...; options change the task."""
    compiled = compile_world(
        load_scenario(scenario, overrides or {}), get_task(task, **options), capacity=capacity
    )
    batch = Batch(compiled, n)
    batch.open(np.arange(n), np.arange(seed, seed + n, dtype=np.uint64))
    return Worlds(compiled, viewed(batch.worlds), batch)


@pytest.fixture(scope="session")
def make_worlds() -> Callable[..., Worlds]:
    """Return `open_worlds`: worlds of a scenario and a task, opened with their seeds."""
    return open_worlds


@pytest.fixture(scope="session")
def make_exchange() -> Callable[..., Any]:
    """Return a maker of bare exchanges: one world with empty books, in which nobody trades yet.

    Rows of instruments: 0 perpetual, 1 call, 2 put, 3 spot, 4 future. Accounts: the world's own,
    then six traders from FIRST_AGENT_ACCOUNT on; the first two are competitor 0's book and hedge.
    """

    def make(accounts: int = 6, price: float = 60_000.0, **overrides: Any) -> Any:
        legs = (Leg("call", 1.0), Leg("put", 1.0), Leg("spot", 1.0))
        changes = {"flow.kind": "ideal", "flow.preset": None} | {
            "flow.half_spread": 0.0001,
            "flow.size": 100.0,
            "price.start": str(price),
        }
        scenario = load_scenario("calm", changes | overrides)
        compiled = compile_world(
            scenario, Task("test", legs), capacity=LARGE if scenario.crowd else STANDARD
        )
        worlds = viewed(compiled.template.copy())
        world = worlds[0]
        world["instruments"][4] = world["instruments"][0]
        world["instruments"]["kind"][4] = FUTURE
        world["instruments"]["expiry_ns"][4] = 10**15
        world["instruments"]["flow"] = FLOW_NONE
        world["instruments"]["maker_size_lots"] = 0
        world["time_ns"] = 0
        start_price(world, compiled.tape)
        for row in range(5):
            write_price(viewed(world["instruments"])[row], price)
        world["instruments"]["strike"] = price
        world["instrument_count"] = 5
        world["account_count"] = FIRST_AGENT_ACCOUNT + accounts
        world["accounts"]["agent"][FIRST_AGENT_ACCOUNT + 2 :] = NO_ACCOUNT
        world["positions"]["quantity_lots"] = 0
        world["cash"] = 0
        world["deposits"] = 0
        world["price"]["next_tick_ns"] = world["price"]["tick_ns"]
        world["next_funding_ns"] = 2**62
        return world

    return make


@pytest.fixture(autouse=True)
def _fixed_numpy_seed() -> Iterator[None]:
    """Leave NumPy's global generator as it was: nothing may depend on it."""
    state = np.random.get_state()  # noqa: NPY002
    yield
    after = np.random.get_state()  # noqa: NPY002
    assert state[2] == after[2], "the test drew from NumPy's global generator"
    assert (state[1] == after[1]).all(), "the test drew from NumPy's global generator"
