import heapq
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from codec.jpeg.syntax.huffman import build_table, count_bits


def counts_of(pairs: dict[int, int]) -> NDArray[np.int64]:
    counts = np.zeros(256, np.int64)
    for symbol, count in pairs.items():
        counts[symbol] = count
    return counts


def plain_huffman_bits(counts: list[int]) -> int:
    """Bits of an unlimited Huffman code with one more symbol that never occurs."""
    heap = [*counts, 0]
    heapq.heapify(heap)
    bits = 0
    while len(heap) > 1:
        merged = heapq.heappop(heap) + heapq.heappop(heap)
        bits += merged
        heapq.heappush(heap, merged)
    return bits


def package_merge_bits(counts: list[int], limit: int) -> int:
    """Bits of the best code of at most `limit` bits (Larmore and Hirschberg, 1990)."""
    leaves = sorted([(c, (i,)) for i, c in enumerate([*counts, 0])])
    packages = leaves
    for _ in range(limit - 1):
        paired = [
            (a[0] + b[0], a[1] + b[1]) for a, b in zip(packages[::2], packages[1::2], strict=False)
        ]
        packages = sorted(leaves + paired)
    chosen = packages[: 2 * len(leaves) - 2]
    return sum(count for count, _ in chosen)


def check_valid(counts: NDArray[np.int64]) -> None:
    table = build_table(counts)
    used = np.flatnonzero(counts)
    assert sorted(table.symbols.tolist()) == used.tolist()
    assert table.bits[1:].sum() == used.size
    assert np.array_equal(table.lengths > 0, counts > 0)
    assert table.lengths.max() <= 16
    words = [format(table.codes[s], f"0{table.lengths[s]}b") for s in used]
    for word, length in zip(words, table.lengths[used], strict=True):
        assert len(word) == length
        assert "0" in word
    for a, b in itertools.permutations(words[:40], 2):
        assert not b.startswith(a)
    assert sum(2.0 ** -int(n) for n in table.lengths[used]) < 1.0


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.integers(0, 255), st.integers(1, 10**6), min_size=1, max_size=60))
def test_every_table_is_valid_and_as_short_as_the_best(pairs: dict[int, int]) -> None:
    counts = counts_of(pairs)
    check_valid(counts)
    table = build_table(counts)
    bits = int(counts @ table.lengths)
    # K.2 gives the reserved symbol a count of one where the best code would give it none.
    assert plain_huffman_bits(list(pairs.values())) <= bits
    assert bits <= package_merge_bits(list(pairs.values()), 16) * 1.02 + 16


@pytest.mark.parametrize("size", [2, 3, 5, 17, 162, 256])
def test_even_counts_give_the_best_code(size: int) -> None:
    counts = counts_of(dict.fromkeys(range(size), 1000))
    check_valid(counts)
    assert int(counts @ build_table(counts).lengths) <= plain_huffman_bits([1000] * size) + 16


def test_lengths_stay_within_sixteen_bits_where_counts_grow_like_fibonacci() -> None:
    fibonacci = [1, 1]
    while len(fibonacci) < 40:
        fibonacci.append(fibonacci[-1] + fibonacci[-2])
    counts = counts_of(dict(enumerate(fibonacci)))
    check_valid(counts)
    bits = int(counts @ build_table(counts).lengths)
    assert bits <= package_merge_bits(fibonacci, 16) * 1.001


def test_a_single_symbol_takes_one_bit() -> None:
    table = build_table(counts_of({7: 3}))
    assert table.lengths[7] == 1
    assert table.codes[7] == 0


def test_counted_bits_include_the_appended_ones() -> None:
    counts = counts_of({0x03: 5, 0x00: 2})
    table = build_table(counts)
    assert (
        count_bits(counts, table.lengths) == 5 * (1 + 3) + 2 * 2
        or count_bits(counts, table.lengths) == 5 * (2 + 3) + 2 * 2
    )


def test_the_counted_bits_are_the_written_ones() -> None:
    counts = np.zeros(256, np.int64)
    counts[[0, 1, 0x11, 0xF0]] = (5, 9, 2, 1)
    table = build_table(counts)
    written = sum(
        int(n) * (int(table.lengths[s]) + (s & 15)) for s, n in enumerate(counts.tolist())
    )
    assert count_bits(counts, table.lengths) == written
