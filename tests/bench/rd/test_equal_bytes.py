import pytest

from bench.rd.equal_bytes import enclose_bytes, find_bytes, measure_at


def sized(quality: int) -> bytes:
    return b"." * (quality * quality + 10)


def test_neighbouring_qualities_enclose_the_bytes() -> None:
    low, high = enclose_bytes(sized, 50 * 50 + 20)
    assert (low.quality, high.quality) == (50, 51)


@pytest.mark.parametrize(("target", "quality"), [(5, 1), (10**6, 100), (40 * 40 + 10, 40)])
def test_a_file_of_exactly_these_bytes_or_at_an_end_of_the_scale_is_returned_twice(
    target: int, quality: int
) -> None:
    low, high = enclose_bytes(sized, target)
    assert low is high
    assert low.quality == quality


def test_measures_are_linear_in_the_logarithm_of_the_bytes() -> None:
    def doubling(quality: int) -> bytes:
        return b"." * (1000 if quality < 50 else 4000)

    pair = enclose_bytes(doubling, 2000)
    found = measure_at(pair, 2000, lambda jpeg: {"psnr": 30.0 if len(jpeg) == 1000 else 40.0})
    assert found["psnr"] == pytest.approx(35)
    assert found["quality"] == pytest.approx(49.5)
    assert found["bytes"] == 2000


def test_a_rival_that_never_reaches_the_bytes_keeps_its_own() -> None:
    found = measure_at(enclose_bytes(sized, 10**6), 10**6, lambda _: {"psnr": 1.0})
    assert found == {"bytes": 100 * 100 + 10, "quality": 100, "psnr": 1.0}


def test_bytes_at_a_score_are_between_those_of_the_neighbouring_qualities() -> None:
    found = find_bytes(sized, lambda jpeg: float(len(jpeg)), 2500.0)
    assert found is not None
    assert 49 * 49 + 10 < found < 50 * 50 + 10
    assert find_bytes(sized, lambda jpeg: float(len(jpeg)), float(len(sized(30)))) == len(sized(30))


def test_there_are_no_bytes_for_a_score_out_of_reach() -> None:
    for wanted in (0.0, 20_000.0):
        assert find_bytes(sized, lambda jpeg: float(len(jpeg)), wanted) is None
