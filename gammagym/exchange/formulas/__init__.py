"""What exchanges publish as formulas, as pure functions of numbers.

Nothing here knows a venue, a world or an account: what differs between venues is an argument, and
every function returns one unrounded float. Kernels and Python call the same functions. Sources and
worked examples: docs/rules/contracts.
"""
