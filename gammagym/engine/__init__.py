"""Matching: order books, the rules of price-time priority, and messages in and reports out."""
