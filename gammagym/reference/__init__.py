"""The same rules in plain Python: slow, obvious; the textbook, and the judge of the kernels."""
