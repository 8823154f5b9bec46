"""Where is the level of this price, and which level is next to it? A PATRICIA tree per side.

The tree looks at the 64 bits of a price from the highest down, but only at bits in which the
prices of the book really differ: a node says which bit, and whether it is 0 or 1 says which child.
So any price is allowed, nothing has to be re-centred when the market runs away, and a search takes
at most 64 steps, about log2(levels) in practice.

n levels need n - 1 nodes. Every row of `levels` holds a level (a leaf) and room for one node, which
need not be the level's own parent: all levels but one own a node in use, and a node is always an
ancestor of the leaf in the same row. A child code c >= 0 is the node of row c, c < 0 the leaf of
row -1 - c.
"""

from __future__ import annotations

import numpy as np

from gammagym._kernel import kernel
from gammagym.engine.tables import levels_of
from gammagym.world import NO_LEVEL

# Flipping the sign bit makes the order of bit patterns the order of prices: negative before 0.
_SIGN = np.int64(-(2**63))
_ROOT = -1


@kernel(counted=False)
def find_leaf(book, side, price_ticks):
    """Return the row of the level at a price, or NO_LEVEL. Reads and cost: see `closest_leaf`."""
    levels = levels_of(book)
    row = closest_leaf(book, side, price_ticks)
    return row if row != NO_LEVEL and levels[row].price_ticks == price_ticks else NO_LEVEL


@kernel(counted=False)
def closest_leaf(book, side, price_ticks):
    """Return the level whose price shares the most leading bits, or NO_LEVEL if there is none.

    Reads: book.best, book.root, levels.{child, bit}. Cost: O(depth), at most 64.
    """
    levels = levels_of(book)
    if book.best[side] == NO_LEVEL:
        return NO_LEVEL
    bits = price_ticks ^ _SIGN
    code = np.int64(book.root[side])
    while code >= 0:
        code = _child(levels, code, bits)
    return -1 - code


@kernel(counted=False)
def add_leaf(book, side, row, closest):
    """Index the level of a row and return a level next to it in price, or NO_LEVEL if it is alone.

    `closest` is `closest_leaf` of its price, which no other level has.
    Reads: levels.price_ticks. Writes: book.root, levels.{child, bit}. Cost: O(depth), at most 64.
    """
    levels = levels_of(book)
    if closest == NO_LEVEL:
        book.root[side] = -1 - row
        return NO_LEVEL
    bits = levels[row].price_ticks ^ _SIGN
    code = np.int64(book.root[side])
    bit = _highest_bit(bits ^ levels[closest].price_ticks ^ _SIGN)
    parent = _ROOT
    while code >= 0 and levels[code].bit > bit:
        parent = code
        code = _child(levels, code, bits)
    node = levels[row]
    branch = (bits >> bit) & 1
    node.bit = bit
    node.child[branch] = -1 - row
    node.child[1 - branch] = code
    _set_child(book, side, parent, bits, row)
    # All leaves under `code` lie on one side of the new one: its neighbour is their outermost.
    while code >= 0:
        code = np.int64(levels[code].child[branch])
    return -1 - code


@kernel(counted=False)
def drop_leaf(book, side, row):
    """Take the level of a row out of the index.

    Reads: levels.price_ticks. Writes: book.root, levels.{child, bit}. Cost: O(depth), at most 64.
    """
    levels = levels_of(book)
    bits = levels[row].price_ticks ^ _SIGN
    code = np.int64(book.root[side])
    above = grandparent = parent = _ROOT
    owned = code == row
    while code >= 0:
        grandparent = parent
        parent = code
        code = _child(levels, code, bits)
        if code == row:
            above = parent
            owned = True
    if parent == _ROOT:
        return  # it was the only one: book.best says that the index is empty
    sibling = levels[parent].child[1 - ((bits >> levels[parent].bit) & 1)]
    _set_child(book, side, grandparent, bits, sibling)
    if owned and parent != row:
        # The row gets free, but its node is in use: it moves to the room that the parent left.
        levels[parent].bit = levels[row].bit
        levels[parent].child[0] = levels[row].child[0]
        levels[parent].child[1] = levels[row].child[1]
        _set_child(book, side, above, bits, parent)


@kernel(inline=True, counted=False)
def _child(levels, node, bits):
    """Return the child of a node on the way to some bits. Reads: levels.{child, bit}."""
    return np.int64(levels[node].child[(bits >> levels[node].bit) & 1])


@kernel(inline=True, counted=False)
def _set_child(book, side, parent, bits, code):
    """Hang a child under a node on the way to some bits. Writes: book.root, levels.child."""
    levels = levels_of(book)
    if parent == _ROOT:
        book.root[side] = code
    else:
        levels[parent].child[(bits >> levels[parent].bit) & 1] = code


@kernel(inline=True, counted=False)
def _highest_bit(number):
    """Return the position of the highest bit that is set in a number other than 0."""
    if number < 0:
        return 63
    position = 0
    for step in (32, 16, 8, 4, 2, 1):
        if number >> step != 0:
            number >>= step
            position += step
    return position
