"""THE schema: one world is one NumPy record, and every field of it is declared here with its unit.

Integers carry money (quanta, 1e-8 of a currency), prices (ticks), sizes (lots), rates (1e-9) and
time (ns); floats are for models, Greeks and observations, never for what an account owns. Tables
are laid out without padding, so that equal worlds have equal bytes.

The record is in `layout`; its tables are in `book`, `exchange`, `market` and `competitors`, and how
many rows they have in `capacity`. How a table is declared is in `columns`. Names for the numbers
that tables hold are in `codes`, units and fixed lengths in `sizes`.
"""

from gammagym.world.capacity import LARGE, SMALL, STANDARD, Capacity
from gammagym.world.columns import fields, table_dtype
from gammagym.world.layout import (
    BOOK,
    LARGE_WORLD,
    LEVEL,
    MEMBER,
    NODE,
    ORDER,
    SCHEMA_VERSION,
    SMALL_WORLD,
    STANDARD_WORLD,
    TERMS,
    WORK,
    capacity_of,
    copied,
    empty_worlds,
    fingerprint,
    schema_hash,
    viewed,
)

__all__ = [
    "BOOK",
    "Capacity",
    "LARGE",
    "LARGE_WORLD",
    "LEVEL",
    "MEMBER",
    "NODE",
    "ORDER",
    "SCHEMA_VERSION",
    "SMALL",
    "SMALL_WORLD",
    "STANDARD",
    "STANDARD_WORLD",
    "TERMS",
    "WORK",
    "capacity_of",
    "copied",
    "empty_worlds",
    "fields",
    "fingerprint",
    "schema_hash",
    "table_dtype",
    "viewed",
]
