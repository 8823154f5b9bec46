"""The build that checks the whole book after every message finds nothing, over every rule."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_no_message_breaks_the_book() -> None:
    command = [sys.executable, "benchmarks/fuzz.py", "--messages", "120000", "--seed", "40"]
    environment = os.environ | {"GAMMAGYM_DEBUG": "1"}
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "120,000 messages equal" in run.stdout
