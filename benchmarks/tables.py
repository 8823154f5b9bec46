"""What the scripts that print tables of the documentation share."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence

MINUS = "\N{MINUS SIGN}"


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table, its first column to the left."""
    print("\n| " + " | ".join(head) + " |")
    print("|---" + "|--:" * (len(head) - 1) + "|")
    for row in rows:
        print("| " + " | ".join(row) + " |", flush=True)


def print_parts(description: str | None, parts: Mapping[str, Callable[[], None]]) -> None:
    """Print the parts that the command line names, or all, each under its docstring."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("parts", nargs="*", choices=[[], *parts], default=[])
    for name in parser.parse_args().parts or parts:
        print(f"\n## {name}: {parts[name].__doc__}", flush=True)
        parts[name]()
