"""What importing gammagym costs: heavy libraries are loaded only when they are first used."""

from __future__ import annotations

import subprocess
import sys

LOOK = "import sys, gammagym; print(*sorted(name for name in sys.modules if '.' not in name))"


def test_importing_gammagym_loads_no_heavy_library() -> None:
    done = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    heavy = {"pandas", "plotly", "pyarrow", "torch", "stable_baselines3", "rich", "typer"}
    assert not loaded & heavy
