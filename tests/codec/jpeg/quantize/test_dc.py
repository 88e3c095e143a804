import numpy as np

from codec.jpeg.quantize.dc import quantize_dc


def test_differences_follow_the_scan_and_padding_costs_the_shortest_code() -> None:
    coefs = np.zeros((4, 4, 64), np.float32)
    coefs[..., 0] = np.arange(16).reshape(4, 4) * 10
    qcoefs = np.zeros((4, 4, 64), np.int16)
    counts = np.zeros(256, np.int64)
    quantize_dc(coefs, 10, 3, 3, 2, 2, qcoefs, counts)
    # MCUs of 2×2 blocks; row 3 and column 3 are padding.
    assert qcoefs[..., 0].tolist() == [[0, 1, 2, 2], [4, 5, 6, 6], [8, 9, 10, 10], [9, 9, 10, 10]]
    scan = [0, 1, 4, 5, 2, 2, 6, 6, 8, 9, 9, 9, 10, 10, 10, 10]
    sizes = [abs(int(d)).bit_length() for d in np.diff([0, *scan])]
    assert counts[:12].tolist() == np.bincount(sizes, minlength=12).tolist()


def test_values_are_rounded_to_the_nearest() -> None:
    coefs = np.zeros((1, 2, 64), np.float32)
    coefs[0, :, 0] = (-14.9, 15.1)
    qcoefs = np.zeros((1, 2, 64), np.int16)
    quantize_dc(coefs, 10, 1, 2, 1, 1, qcoefs, np.zeros(256, np.int64))
    assert qcoefs[0, :, 0].tolist() == [-1, 2]
