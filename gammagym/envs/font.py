"""Letters of 5 x 7 dots: enough to label a picture without a library that draws."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 6, 7  # of a letter with the gap behind it (dots)
# Five columns of each letter, from the left, two hexadecimal digits each; the lowest bit is on top.
_LETTERS = {
    "%": "2313086462",
    "+": "08083e0808",
    ",": "0050300000",
    "-": "0808080808",
    ".": "0060600000",
    "/": "2010080402",
    "0": "3e5149453e",
    "1": "00427f4000",
    "2": "4261514946",
    "3": "2141454b31",
    "4": "1814127f10",
    "5": "2745454539",
    "6": "3c4a494930",
    "7": "0171090503",
    "8": "3649494936",
    "9": "064949291e",
    ":": "0036360000",
    "=": "1414141414",
    "A": "7e1111117e",
    "B": "7f49494936",
    "C": "3e41414122",
    "D": "7f4141221c",
    "E": "7f49494941",
    "F": "7f09090901",
    "G": "3e4149497a",
    "H": "7f0808087f",
    "I": "00417f4100",
    "J": "2040413f01",
    "K": "7f08142241",
    "L": "7f40404040",
    "M": "7f020c027f",
    "N": "7f0408107f",
    "O": "3e4141413e",
    "P": "7f09090906",
    "Q": "3e4151215e",
    "R": "7f09192946",
    "S": "4649494931",
    "T": "01017f0101",
    "U": "3f4040403f",
    "V": "1f2040201f",
    "W": "3f4038403f",
    "X": "6314081463",
    "Y": "0708700807",
    "Z": "6151494543",
}


def dots(text: str, scale: int) -> NDArray[np.bool_]:
    """Return which dots of a line of text are set; letters that are not known are blank.

    Args:
        text: capitals or not; at least one letter.
        scale: pixels of a dot, each way.

    Returns:
        Booleans of shape (7 * scale, 6 * scale * letters).

    >>> dots("T", 1).astype(int)[0].tolist()
    [1, 1, 1, 1, 1, 0]
    """
    return np.concatenate([_letter(letter, scale) for letter in text.upper()], axis=1)


@cache
def _letter(letter: str, scale: int) -> NDArray[np.bool_]:
    found = np.zeros((HEIGHT, WIDTH), np.bool_)
    for column, bits in enumerate(bytes.fromhex(_LETTERS.get(letter, ""))):
        for row in range(HEIGHT):
            found[row, column] = bits >> row & 1
    return found.repeat(scale, axis=0).repeat(scale, axis=1)
