import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from codec.jpeg.write.bit_writer import append_bits, complete_byte


@given(st.lists(st.tuples(st.integers(1, 32), st.integers(0, 2**32 - 1)), max_size=60))
def test_bytes_are_those_of_the_concatenated_bits(words: list[tuple[int, int]]) -> None:
    out = np.full(2 * 4 * 60 + 16, 0xAB, np.uint8)
    pending, waiting, written = 0, 0, 0
    text = ""
    for length, value in words:
        word = value & ((1 << length) - 1)
        text += f"{word:0{length}b}"
        pending, waiting, written = append_bits(word, length, pending, waiting, written, out)
    written = complete_byte(pending, waiting, written, out)
    text += "1" * (-len(text) % 8)
    plain = bytes(int(text[i : i + 8], 2) for i in range(0, len(text), 8))
    assert out[:written].tobytes() == plain.replace(b"\xff", b"\xff\x00")
