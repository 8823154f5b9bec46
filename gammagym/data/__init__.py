"""Readers of real market data."""
