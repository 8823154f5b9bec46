"""Variants of a scenario with ranges: which values each seed draws, and the templates of its world.

A template is a record of bytes, and a value of a scenario reaches few of them. For each range the
scenario is compiled with every value of its lattice, and only the fields that differ from the
central template are kept. The template of a variant is the central one with one such patch a range,
so ten thousand worlds get parameters of their own by copying a few bytes each.

That is right where ranges reach different fields and do not act together. It is never assumed:
ranges that reach a common field are drawn together, from joint points that are compiled in full,
and so are ranges for which a template put together differs from one compiled in full, tried where
each two are at their ends and at points drawn.
"""

from __future__ import annotations

import copy
import hashlib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gammagym.errors import GammagymError, ScenarioError
from gammagym.market.streams import uniform
from gammagym.market.variants import draw_rows
from gammagym.scenario.compile import Compiled, compile_world
from gammagym.scenario.load import load_scenario
from gammagym.scenario.ranges import LATTICE, Scalar, is_whole, put
from gammagym.world import capacity_of
from gammagym.world.codes import PRICE_REPLAY

# Points of ranges that are drawn together.
JOINT = 256
# Variants that are compiled in full to see that those put together are right.
_TRIED = 4
_MOST_CACHED = 8

Bytes = NDArray[np.uint8]
Point = tuple[Scalar, ...]


@dataclass(frozen=True)
class Group:
    """Ranges that are drawn together: a list of points, and what each changes in the template.

    Attributes:
        keys: dotted keys of the ranges.
        points: a value for each key, one tuple a point.
        places: bytes of a template that depend on the point, shape (bytes,).
        patches: what stands there, shape (points, bytes).
    """

    keys: tuple[str, ...]
    points: tuple[Point, ...]
    places: NDArray[np.int64]
    patches: Bytes

    @property
    def draw(self) -> int:
        """Number of the group's draw in the stream: it hangs on its keys alone."""
        return _number("\n".join(self.keys))


class Variants:
    """What seeds make of a compiled scenario: its template, or variants of it."""

    def __init__(self, compiled: Compiled, groups: Sequence[Group]) -> None:
        """Keep the central template and the groups of ranges, see `variants_of`."""
        self.groups = tuple(groups)
        self._template = compiled.template
        self._ranges = compiled.scenario.ranges
        self._draws = np.array([group.draw for group in groups], np.uint64)
        self._counts = np.array([len(group.points) for group in groups], np.int64)

    def rows(self, seeds: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Return which point of each group seeds draw, shape (seeds, groups)."""
        rows = np.zeros((len(seeds), len(self.groups)), np.int64)
        if self.groups:
            draw_rows(np.ascontiguousarray(seeds, np.uint64), self._draws, self._counts, rows)
        return rows

    def values(self, seeds: NDArray[np.uint64]) -> dict[str, NDArray[Any]]:
        """Return what seeds draw, as columns of shape (seeds,) by dotted key.

        Percentages are shares, durations seconds; choices that are no numbers stay what they are.
        """
        rows = self.rows(seeds)
        columns: dict[str, NDArray[Any]] = {}
        for group, drawn in zip(self.groups, rows.T, strict=True):
            for place, key in enumerate(group.keys):
                number = self._ranges[key].number
                told = [number(point[place]) for point in group.points]
                kind = np.float64 if all(isinstance(each, float) for each in told) else object
                columns[key] = np.array(told, kind)[drawn]
        return {key: columns[key] for key in self._ranges}

    def write(
        self, worlds: NDArray[Any], chosen: NDArray[np.int64], seeds: NDArray[np.uint64]
    ) -> None:
        """Copy the templates of the variants that seeds draw into chosen worlds of an array.

        Args:
            worlds: array of worlds.
            chosen: rows of it, shape (k,).
            seeds: seed of each of them, shape (k,).
        """
        worlds[chosen] = self._template[0]
        if self.groups:
            target = _bytes(worlds)
            for group, drawn in zip(self.groups, self.rows(seeds).T, strict=True):
                target[chosen[:, None], group.places] = group.patches[drawn]


def variants_of(compiled: Compiled) -> Variants:
    """Return the variants of a compiled scenario; without ranges there is only the scenario itself.

    Some hundred compilations where there are ranges, kept for as long as the process lives.

    Raises:
        ScenarioError: values of ranges contradict each other, or change what cannot be varied.

    >>> from gammagym.scenario.tasks import get_task
    >>> calm = load_scenario("calm", {"price.drift": {"low": -1.0, "high": 1.0}})
    >>> variants_of(compile_world(calm, get_task("GammaScalp"))).values(np.arange(2, dtype="u8"))
    {'price.drift': array([0.015625, 0.859375])}
    """
    if not compiled.scenario.ranges:
        return Variants(compiled, ())
    state = hashlib.sha256(compiled.template.tobytes())
    state.update(compiled.scenario.model_dump_json().encode() + repr(compiled.task).encode())
    state.update(compiled.venue.model_dump_json().encode())
    return _built(_Question(state.hexdigest(), compiled))


@dataclass(frozen=True)
class _Question:
    """A compiled scenario, known again by its digest."""

    digest: str
    compiled: Compiled = field(compare=False)


@lru_cache(_MOST_CACHED)
def _built(question: _Question) -> Variants:
    return Variants(question.compiled, _Search(question.compiled).groups())


class _Search:
    """Compiles points of ranges, and finds which ranges must be drawn together."""

    def __init__(self, compiled: Compiled) -> None:
        self.compiled = compiled
        self.ranges = compiled.scenario.ranges
        self.table = compiled.scenario.model_copy(update={"ranges": {}}).model_dump()
        self.centre = _bytes(compiled.template)[0]
        self.begins = np.zeros(len(self.centre), np.int64)  # 1 where a field begins
        self.begins[_starts(compiled.template.dtype)] = 1
        self.made: dict[tuple[str, ...], Group] = {}

    def groups(self) -> tuple[Group, ...]:
        """Return groups of which every template put together is as if compiled in full."""
        keys: list[tuple[str, ...]] = [(key,) for key in self.ranges]
        while True:
            for each in keys:
                if each not in self.made:
                    self.made[each] = self._group(each)
            groups = [self.made[each] for each in keys]
            joined = self._overlapping(groups) or self._acting_together(groups)
            if not joined:
                return tuple(groups)
            keys = [each for each in keys if not joined.issuperset(each)]
            keys.append(tuple(key for key in self.ranges if key in joined))

    def _group(self, keys: tuple[str, ...]) -> Group:
        """Compile every point of some ranges, and keep what differs from the central template."""
        points = self._points(keys)
        templates = np.stack([self.template(keys, point) for point in points])
        places = self._fields((templates != self.centre).any(axis=0))
        return Group(keys, points, places, templates[:, places])

    def _points(self, keys: tuple[str, ...]) -> tuple[Point, ...]:
        """Return the lattice of one range; of several, a Latin hypercube (McKay et al., 1979)."""
        if len(keys) == 1 and self.ranges[keys[0]].choices is not None:
            return tuple((choice,) for choice in self.ranges[keys[0]].choices or ())
        count = LATTICE if len(keys) == 1 else JOINT
        columns = [
            [self.ranges[key].at((rank + 0.5) / count, is_whole(key)) for rank in ranks]
            for key, ranks in zip(keys, _ranks(keys, count), strict=True)
        ]
        return tuple(zip(*columns, strict=True))

    def _fields(self, differs: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return all bytes of the fields of which some bytes differ."""
        number = np.cumsum(self.begins) - 1
        return np.flatnonzero(np.isin(number, number[differs]))

    def template(self, keys: Sequence[str], point: Point) -> Bytes:
        """Return the template of a scenario with some values changed, compiled in full."""
        changes = tuple(zip(keys, point, strict=True))
        table = copy.deepcopy(self.table)
        for key, value in changes:
            put(table, key, value)
        told = "; ".join(f"{key} = {value!r}" for key, value in changes)
        where = f"scenario {self.compiled.scenario.name!r}: its ranges allow {told}"
        made = self.compiled
        try:
            made = compile_world(
                load_scenario(table),
                made.task,
                made.competitors,
                capacity_of(made.template),
            )
        except GammagymError as error:
            raise ScenarioError(f"{where}: {error}") from error
        self._check(made, where)
        # What agents are told is what the scenario says in the middle.
        for name in ("reference_scale", "told_aversion"):
            made.template["agents"][name] = self.compiled.template["agents"][name]
        return _bytes(made.template)[0]

    def _check(self, made: Compiled, where: str) -> None:
        """Refuse a variant that differs in what is no part of a world's record."""
        if made.instruments != self.compiled.instruments:
            raise ScenarioError(
                f"{where}: that changes which instruments there are, from "
                f"{', '.join(self.compiled.instruments)} to {', '.join(made.instruments)}; "
                "a range may not: play several scenarios instead"
            )
        replayed = int(made.template["price"]["model"][0]) == PRICE_REPLAY
        if replayed and not np.array_equal(made.tape, self.compiled.tape):
            raise ScenarioError(
                f"{where}: that changes the prices that are replayed; a range may not: play "
                "several scenarios instead"
            )

    def _overlapping(self, groups: Sequence[Group]) -> set[str]:
        """Return the keys of two groups that reach a common field, or none."""
        for one, other in itertools.combinations(groups, 2):
            if np.intersect1d(one.places, other.places).size:
                return {*one.keys, *other.keys}
        return set()

    def _acting_together(self, groups: Sequence[Group]) -> set[str]:
        """Return keys that must be drawn together although they reach different fields, or none."""
        if len(groups) == 1 or all(self._is_right(groups, rows) for rows in self._trials(groups)):
            return set()
        for pair in itertools.combinations(groups, 2):
            corners = itertools.product(*((0, len(group.points) - 1) for group in pair))
            if not all(self._is_right(pair, corner) for corner in corners):
                return {key for group in pair for key in group.keys}
        return set(self.ranges)

    def _trials(self, groups: Sequence[Group]) -> Iterator[Sequence[int]]:
        """Yield points to try: each two groups at all combinations of their ends, and some drawn.

        Two numbers differ in some binary digit, so ends by each digit of a group's number, and the
        other way round, combine all ends of all pairs.
        """
        last = [len(group.points) - 1 for group in groups]
        yield [0] * len(groups)
        yield last
        for digit in range((len(groups) - 1).bit_length()):
            high = [bool(number >> digit & 1) for number in range(len(groups))]
            yield [most if up else 0 for most, up in zip(last, high, strict=True)]
            yield [0 if up else most for most, up in zip(last, high, strict=True)]
        yield from Variants(self.compiled, groups).rows(np.arange(_TRIED, dtype=np.uint64)).tolist()

    def _is_right(self, groups: Sequence[Group], rows: Sequence[int]) -> bool:
        """Return whether a template put together is equal to one compiled in full."""
        assembled = self.centre.copy()
        keys: tuple[str, ...] = ()
        point: Point = ()
        for group, row in zip(groups, rows, strict=True):
            assembled[group.places] = group.patches[row]
            keys, point = keys + group.keys, point + group.points[row]
        return np.array_equal(assembled, self.template(keys, point))


def _ranks(keys: Sequence[str], count: int) -> Iterator[Sequence[int]]:
    """Yield an order of `count` ranks for each key: one key in order, several each at random."""
    for key in keys:
        if len(keys) == 1:
            yield range(count)
            continue
        number = np.uint64(_number(key))
        draws = [uniform(number, np.uint64(place)) for place in range(count)]
        yield np.argsort(draws).tolist()


def _number(text: str) -> int:
    """Return 64 bits that stand for a text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")


def _bytes(worlds: NDArray[Any]) -> Bytes:
    """Return an array of worlds as bytes, shape (worlds, bytes), without copying it."""
    return worlds.view(np.ndarray).view(np.uint8).reshape(len(worlds), -1)


def _starts(dtype: np.dtype[Any]) -> NDArray[np.int64]:
    """Return where each number of a record begins (bytes), in order."""
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        cells = np.arange(int(np.prod(shape)), dtype=np.int64) * base.itemsize
        return (cells[:, None] + _starts(base)).ravel()
    if dtype.fields is None:
        return np.zeros(1, np.int64)
    parts = [_starts(inner) + offset for inner, offset, *_ in dtype.fields.values()]
    return np.concatenate(parts)
