"""The prices of candidate bands against scans that were really made."""

import itertools

import numpy as np
import pytest

from codec.jpeg.syntax.component import LUMA, Component
from codec.jpeg.syntax.huffman import build_table
from codec.jpeg.write.ac_scan import list_first
from codec.jpeg.write.band_costs import SEGMENT_STARTS, divide_spectrum, price_bands
from codec.jpeg.write.nonzeros import Nonzeros, list_nonzeros
from codec.jpeg.write.tokens import count_tokens

ENDS = [start - 1 for start in SEGMENT_STARTS[1:]] + [63]


def random_nonzeros(seed: int) -> Nonzeros:
    rng = np.random.default_rng(seed)
    shape = (9, 11, 64)
    values = np.rint(rng.laplace(0, 6, shape) / (1 + np.arange(64) / 8)).astype(np.int16)
    values[rng.random((9, 11)) < 0.3] = 0
    coefs = np.zeros(shape, np.float32)
    return list_nonzeros(Component(LUMA, 1, 1, 8, 10, coefs, *[coefs[..., 0]] * 3), values)


@pytest.mark.parametrize("low_bit", [0, 1, 2, 9])
def test_the_price_of_a_band_is_the_bits_of_its_scan(low_bit: int) -> None:
    nonzeros = random_nonzeros(low_bit)
    prices = price_bands(nonzeros, low_bit)
    for first, start in enumerate(SEGMENT_STARTS):
        for last, end in enumerate(ENDS):
            if last < first:
                continue
            tokens = list_first(nonzeros, (start, end), low_bit)
            (counts,), appended = count_tokens(tokens, 1)
            table = build_table(counts)
            coded = int(counts @ table.lengths) + appended
            headers = 8 * (10 + 21 + table.symbols.size)
            # The price counts the reserved code too, which is never written.
            assert 0 < prices[first, last] - coded - headers <= 16


def test_the_bands_are_the_cheapest_division() -> None:
    prices = price_bands(random_nonzeros(5), 0)
    for most in range(1, 5):
        found = []
        for cuts in range(32):
            inner = [i + 1 for i in range(5) if cuts >> i & 1]
            edges = [0, *inner, 6]
            if len(edges) <= most + 1:
                bits = sum(prices[a, b - 1] for a, b in itertools.pairwise(edges))
                found.append(int(bits))
        bits, bands = divide_spectrum(prices, most)
        assert bits == min(found)
        assert bands[0][0] == 1
        assert bands[-1][1] == 63
        assert all(a[1] + 1 == b[0] for a, b in itertools.pairwise(bands))
