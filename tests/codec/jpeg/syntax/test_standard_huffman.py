"""The code lengths are those of the tables that Pillow's libjpeg writes by default."""

import numpy as np

from codec.jpeg.syntax.standard_huffman import AC_LENGTHS, DC_LENGTHS
from tests.codec.jpegs import pillow_jpeg
from tests.codec.pictures import scene


def test_the_lengths_are_those_of_libjpeg() -> None:
    file = pillow_jpeg(scene(16, 16))
    found = {}
    at = 2
    while file[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(file[at + 2 : at + 4], "big")
        if file[at + 1] == 0xC4:
            found.update(read_lengths(file[at + 4 : end]))
        at = end
    for kind in (0, 1):
        assert np.array_equal(DC_LENGTHS[kind], found[kind])
        assert np.array_equal(AC_LENGTHS[kind], found[0x10 | kind])


def read_lengths(payload: bytes) -> dict[int, np.ndarray]:
    """Return the code lengths (256,) of each table in a DHT segment, by class << 4 | index."""
    found = {}
    while payload:
        counts = payload[1:17]
        symbols = iter(payload[17 : 17 + sum(counts)])
        lengths = np.zeros(256, np.int64)
        for length, count in enumerate(counts, 1):
            for _ in range(count):
                lengths[next(symbols)] = length
        found[payload[0]] = lengths
        payload = payload[17 + sum(counts) :]
    return found
