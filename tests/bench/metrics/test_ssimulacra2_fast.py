import pytest

from bench.encoders import decode, encode_standard
from bench.metrics import full_reference as quality
from bench.metrics import ssimulacra2_fast as fast_ssimulacra2
from tests.codec.pictures import scene


@pytest.mark.parametrize("size", [(184, 200), (97, 131), (8, 300)])
def test_the_fast_ssimulacra2_agrees_with_the_published_one(size: tuple[int, int]) -> None:
    image = scene(*size)
    scales = fast_ssimulacra2.prepare_original(image)
    for at in (15, 60, 95):
        decoded = decode(encode_standard(image, at))
        published = quality.ssimulacra2(image, decoded)
        assert fast_ssimulacra2.score(scales, decoded) == pytest.approx(published, abs=0.05)
