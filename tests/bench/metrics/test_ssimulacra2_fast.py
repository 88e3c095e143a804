import pytest

from bench.encoders import decode, encode_standard
from bench.metrics import full_reference, ssimulacra2_fast
from tests.codec.pictures import scene


@pytest.mark.parametrize("size", [(184, 200), (97, 131), (8, 300)])
def test_scores_agree_with_the_published_implementation(size: tuple[int, int]) -> None:
    image = scene(*size)
    scales = ssimulacra2_fast.prepare_original(image)
    for quality in (15, 60, 95):
        decoded = decode(encode_standard(image, quality))
        published = full_reference.ssimulacra2(image, decoded)
        assert ssimulacra2_fast.score(scales, decoded) == pytest.approx(published, abs=0.05)
