"""``python -m gammagym`` is the command line."""

from __future__ import annotations

from gammagym.cli import main

if __name__ == "__main__":
    main()
