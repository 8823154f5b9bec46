"""What an order says beyond price and quantity, and the line of those that end at a time.

Orders that are good till a time stand in one line, the earliest first; of the same time, the one
that came first.
"""

from __future__ import annotations

import numpy as np

from gammagym._kernel import kernel
from gammagym.engine.tables import terms_of
from gammagym.world.codes import GTT, NO_TERMS


@kernel
def add_terms(book, first, count):
    """Put rows at the front of the free list, lowest row first. Writes: free_terms, terms."""
    terms = terms_of(book)
    for row in range(first + count - 1, first - 1, -1):
        terms[row].next = book.free_terms
        book.free_terms = row


@kernel
def write_terms(book, order, row, work):
    """Give an order terms of its own, from the order in `work`; a free row must be there.

    Writes: free_terms, one row of terms, order.terms; the line, if it is good till a time.
    """
    terms_row = np.int64(book.free_terms)
    terms = terms_of(book)[terms_row]
    book.free_terms = terms.next
    order.terms = terms_row
    terms.order = row
    terms.hidden_lots = work.left_lots - order.quantity_lots
    terms.display_lots = work.display_lots
    terms.expiry_ns = work.expiry_ns
    terms.limit_ticks = work.price_ticks
    terms.trail_ticks = work.trail_ticks
    terms.side = work.side
    if order.tif == GTT:
        _line_up(book, terms_row)


@kernel
def drop_terms(book, order):
    """Free the terms of an order that leaves the book. Writes: free_terms, the line."""
    row = np.int64(order.terms)
    terms = terms_of(book)[row]
    if order.tif == GTT:
        _leave(book, terms)
    terms.next = book.free_terms
    book.free_terms = row
    order.terms = NO_TERMS


@kernel
def _line_up(book, row):
    """Put terms into the line of expiry, behind all that end no later. O(those that end later)."""
    terms = terms_of(book)
    before, behind = np.int64(book.last_expiry), np.int64(NO_TERMS)
    while before != NO_TERMS and terms[before].expiry_ns > terms[row].expiry_ns:
        before, behind = np.int64(terms[before].previous), before
    terms[row].previous, terms[row].next = before, behind
    if before == NO_TERMS:
        book.first_expiry = row
    else:
        terms[before].next = row
    if behind == NO_TERMS:
        book.last_expiry = row
    else:
        terms[behind].previous = row


@kernel
def _leave(book, terms):
    """Take terms out of the line of expiry. Writes: the line."""
    table = terms_of(book)
    before, behind = np.int64(terms.previous), np.int64(terms.next)
    if before == NO_TERMS:
        book.first_expiry = behind
    else:
        table[before].next = behind
    if behind == NO_TERMS:
        book.last_expiry = before
    else:
        table[behind].previous = before


@kernel
def next_expired(book, time_ns):
    """Return the row of the order that ends first, if it ends by this time, or NO_ORDER (-1)."""
    row = np.int64(book.first_expiry)
    if row == NO_TERMS:
        return np.int64(-1)
    terms = terms_of(book)[row]
    return np.int64(terms.order) if terms.expiry_ns <= time_ns else np.int64(-1)
