import pytest

from bench.encoders import decode, encode_standard
from bench.metrics.butteraugli import HINT, butteraugli, load_library
from tests.codec.pictures import scene

needs_butteraugli = pytest.mark.skipif(load_library() is None, reason=HINT)


@needs_butteraugli
def test_distances_of_the_original_and_of_standard_jpegs() -> None:
    original = scene(128, 160)
    assert butteraugli(original, original) == 0
    fine, coarse = (decode(encode_standard(original, own)) for own in (90, 20))
    assert butteraugli(original, fine) == pytest.approx(1.697, abs=0.02)
    assert butteraugli(original, coarse) == pytest.approx(3.657, abs=0.02)


def test_without_the_library_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bench.metrics.butteraugli.LIBRARY", "no-such-library.so")
    load_library.cache_clear()
    try:
        assert load_library() is None
        with pytest.raises(RuntimeError, match="libjxl0"):
            butteraugli(scene(16, 16), scene(16, 16))
    finally:
        load_library.cache_clear()
