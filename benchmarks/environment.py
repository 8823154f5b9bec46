"""Agent steps a second of environments, beside CartPole's own in the same run.

    python benchmarks/environment.py [--time 3]

As ``gammagym bench env``.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gammagym.cli import app

if __name__ == "__main__":
    app(["bench", "env", *sys.argv[1:]])
