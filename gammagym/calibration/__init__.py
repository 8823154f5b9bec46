"""Measure a real market and write down the scenario that resembles it."""
