"""Evaluation: run agents on the same markets, compare them honestly, keep and show the results."""
