"""Where is the level of this price, and which level is next to it? A radix tree per side.

The tree reads the 64 bits of a price in digits of two bits, the highest first, but only those in
which the prices of the book really differ: a node stands for a digit, has a child for each value
of it that occurs, at least two, and knows the bits that all its prices share. So any price is
allowed, nothing has to be re-centred when the market runs away, and a search takes at most 32
steps, about half of log2(levels) in practice.

n levels need at most n - 1 nodes. A child code c >= 0 is the node of row c, c < 0 the level of row
-1 - c, and `EMPTY` is nothing.
"""

from __future__ import annotations

import numpy as np

from gammagym._kernel import kernel
from gammagym.engine.tables import leading_zeros, levels_of, nodes_of
from gammagym.world.codes import NO_LEVEL, NO_NODE
from gammagym.world.sizes import BRANCHES

EMPTY = np.int64(-(2**31))
# Flipping the sign bit makes the order of bit patterns the order of prices: negative before 0.
_SIGN = np.int64(-(2**63))
_DIGIT = BRANCHES - 1
FREE = -1  # shift of a node that is not in use
_TOP = 62  # where the highest digit is


@kernel
def add_nodes(book, first, count):
    """Put rows at the front of the free list, lowest row first. Writes: free_node, nodes."""
    nodes = nodes_of(book)
    for row in range(first + count - 1, first - 1, -1):
        nodes[row].shift = FREE
        nodes[row].parent = book.free_node
        book.free_node = row


@kernel
def find_leaf(book, side, price_ticks):
    """Return the row of the level at a price, or NO_LEVEL.

    Reads: book.root, nodes, levels.price_ticks. Cost: O(depth), at most 32.
    """
    _, code = find_place(book, side, price_ticks)
    return leaf_at(book, code, price_ticks)


@kernel
def find_place(book, side, price_ticks):
    """Return where a price is or would be: the node to hang it under, and what hangs there now.

    Reads: book.root, nodes. Cost: O(depth), at most 32.
    """
    bits, nodes = price_ticks ^ _SIGN, nodes_of(book)
    code, parent = np.int64(book.root[side]), np.int64(NO_NODE)
    while code >= 0 and _shares(nodes[code], bits):
        parent = code
        code = np.int64(nodes[code].child[_digit(bits, nodes[code].shift)])
    return parent, code


@kernel
def find_place_beyond(book, level_row, price_ticks):
    """Return what `find_place` does for a price that is beyond all others, on the side of a level.

    The level has the last of the other prices on that side. From there it mostly is not far.
    Reads: nodes, levels.parent. Cost: O(depth), mostly O(1).
    """
    bits, nodes = price_ticks ^ _SIGN, nodes_of(book)
    code, parent = -1 - level_row, np.int64(levels_of(book)[level_row].parent)
    while parent != NO_NODE and not _shares(nodes[parent], bits):
        code, parent = parent, np.int64(nodes[parent].parent)
    if parent != NO_NODE:
        code = np.int64(nodes[parent].child[_digit(bits, nodes[parent].shift)])
    return parent, code


@kernel(inline=True)
def leaf_at(book, code, price_ticks):
    """Return the row that a child stands for if that is the level of a price, or NO_LEVEL."""
    if code >= 0 or code == EMPTY or levels_of(book)[-1 - code].price_ticks != price_ticks:
        return np.int64(NO_LEVEL)
    return -1 - code


@kernel
def add_leaf(book, side, row, parent, code):
    """Index the level of a row; return the node it hangs under, or NO_NODE if it is alone.

    No other level has its price, for which `find_place` has found the place: `code` under `parent`.
    Reads: levels.price_ticks. Writes: book.{root, free_node}, nodes, levels.parent. Cost: O(1).
    """
    bits = levels_of(book)[row].price_ticks ^ _SIGN
    if code != EMPTY:
        parent = _split(book, side, parent, code, bits)
    _hang(book, side, parent, bits, -1 - row)
    return parent


@kernel
def drop_leaf(book, side, row):
    """Take the level of a row out of the index.

    Reads: levels. Writes: book.{root, free_node}, nodes, levels.parent. Cost: O(1).
    """
    level = levels_of(book)[row]
    parent = np.int64(level.parent)
    if parent == NO_NODE:
        book.root[side] = EMPTY
        return
    node = nodes_of(book)[parent]
    bits = level.price_ticks ^ _SIGN
    node.child[_digit(bits, node.shift)] = EMPTY
    left, last = 0, EMPTY
    for digit in range(BRANCHES):
        if node.child[digit] != EMPTY:
            left, last = left + 1, np.int64(node.child[digit])
    if left == 1:
        _hang(book, side, np.int64(node.parent), bits, last)
        node.shift = FREE
        node.parent = book.free_node
        book.free_node = parent


@kernel
def count_leaves(book, side):
    """Return how many levels the index of a side holds, or -1 if it is no tree, whatever is in it.

    Every node hangs where the node above it says, looks at a lower digit, and shares its higher
    ones; so there is no way round in circles, and no way to a level of another side.
    """
    found, code = 0, np.int64(book.root[side])
    if code != EMPTY and (not _is_row(book, code) or _parent_of(book, code) != NO_NODE):
        return -1
    while code != EMPTY:
        if code < 0:
            if levels_of(book)[-1 - code].side != side:
                return -1
            found += 1
            code = _behind(book, code)
        else:
            if not 0 <= nodes_of(book)[code].shift <= _TOP or not _are_children_sound(book, code):
                return -1
            code = _child_from(book, code, 0)
    return found


@kernel
def _are_children_sound(book, row):
    """Return whether a node has two children or more, and each of them fits to it."""
    node = nodes_of(book)[row]
    count = 0
    for digit in range(BRANCHES):
        code = np.int64(node.child[digit])
        if code == EMPTY:
            continue
        count += 1
        if not _is_row(book, code) or _parent_of(book, code) != row:
            return False
        if code >= 0 and nodes_of(book)[code].shift >= node.shift:
            return False
        bits = _bits_of(book, code)
        if not _shares(node, bits) or _digit(bits, node.shift) != digit:
            return False
    return count >= 2


@kernel
def _behind(book, code):
    """Return what comes after a child and all under it: the next one of a node above, or EMPTY."""
    parent = _parent_of(book, code)
    while parent != NO_NODE:
        digit = _digit(_bits_of(book, code), nodes_of(book)[parent].shift)
        behind = _child_from(book, parent, digit + 1)
        if behind != EMPTY:
            return behind
        code, parent = parent, np.int64(nodes_of(book)[parent].parent)
    return EMPTY


@kernel
def _child_from(book, row, digit):
    """Return the first child of a node from a digit on, or EMPTY. Reads: nodes."""
    while digit < BRANCHES:
        code = np.int64(nodes_of(book)[row].child[digit])
        if code != EMPTY:
            return code
        digit += 1
    return EMPTY


@kernel(inline=True)
def _is_row(book, code):
    """Return whether a code names a row that there is."""
    return -1 - len(levels_of(book)) <= code < len(nodes_of(book))


@kernel(inline=True)
def _parent_of(book, code):
    """Return the node above a node or level, or NO_NODE. Reads: nodes, levels."""
    if code >= 0:
        return np.int64(nodes_of(book)[code].parent)
    return np.int64(levels_of(book)[-1 - code].parent)


@kernel(inline=True)
def _bits_of(book, code):
    """Return the bits of the price of a level, or of some price under a node."""
    if code >= 0:
        return nodes_of(book)[code].bits
    return levels_of(book)[-1 - code].price_ticks ^ _SIGN


@kernel(inline=True)
def _digit(bits, shift):
    """Return the digit of some bits that a node of this shift looks at."""
    return (bits >> shift) & _DIGIT


@kernel(inline=True)
def _shares(node, bits):
    """Return whether a price has the bits that all prices under a node share."""
    return node.shift == _TOP or 0 <= (bits ^ node.bits) >> node.shift <= _DIGIT


@kernel(inline=True)
def _hang(book, side, parent, bits, code):
    """Hang a child under a node on the way to some bits. Writes: book.root, nodes, levels."""
    if code >= 0:
        nodes_of(book)[code].parent = parent
    else:
        levels_of(book)[-1 - code].parent = parent
    if parent == NO_NODE:
        book.root[side] = code
    else:
        node = nodes_of(book)[parent]
        node.child[_digit(bits, node.shift)] = code


@kernel
def _split(book, side, parent, code, bits):
    """Put a node above a child, for the first digit in which it differs from some bits.

    Returns the row of the node. Writes: book.{root, free_node}, nodes, levels.parent.
    """
    nodes = nodes_of(book)
    row = np.int64(book.free_node)
    book.free_node = nodes[row].parent
    others = _bits_of(book, code)
    bit = _highest_bit(bits ^ others)
    node = nodes[row]
    node.bits = bits
    node.shift = bit & ~1
    for digit in range(BRANCHES):
        node.child[digit] = EMPTY
    _hang(book, side, parent, bits, row)
    _hang(book, side, row, others, code)
    return row


@kernel
def next_to(book, row, price_ticks):
    """Return a level next to a price, under a node that has children for its digit and for others.

    It is the outermost one of the nearest other child: the highest of a lower, or the lowest of a
    higher one. Reads: nodes.
    """
    nodes = nodes_of(book)
    digit = _digit(price_ticks ^ _SIGN, nodes[row].shift)
    near, step = digit - 1, -1
    while near >= 0 and nodes[row].child[near] == EMPTY:
        near -= 1
    if near < 0:
        near, step = digit + 1, 1
        while nodes[row].child[near] == EMPTY:
            near += 1
    code = np.int64(nodes[row].child[near])
    while code >= 0:
        near = 0 if step > 0 else _DIGIT
        while nodes[code].child[near] == EMPTY:
            near += step
        code = np.int64(nodes[code].child[near])
    return -1 - code


@kernel(inline=True)
def _highest_bit(number):
    """Return the position of the highest bit that is set in a number other than 0."""
    return 63 - leading_zeros(number)
