import numpy as np

from bench.formats.matrix import pictures


def test_no_turn_or_mirror_of_the_picture_looks_like_it() -> None:
    picture = np.asarray(pictures.make_picture(), dtype=np.int16)
    for other in (picture[::-1], picture[:, ::-1], picture[::-1, ::-1]):
        assert np.abs(picture - other).mean() > 20


def test_samples_have_more_than_8_bits_and_all_of_alpha() -> None:
    assert len(np.unique(pictures.to_depth(pictures.make_samples(), 16))) > 1000
    assert pictures.make_alpha().min() == 0
    assert pictures.make_alpha().max() == 1
    assert pictures.with_alpha(pictures.make_grey_samples()).shape[2] == 2
