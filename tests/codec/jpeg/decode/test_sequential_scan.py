import numpy as np
import pytest

from codec.jpeg.decode.coefficients import Source, read_source
from codec.jpeg.decode.marker_segments import UnreadableSourceError
from codec.jpeg.transcode.lossless import rewrite
from tests.codec.edited_jpegs import COLOUR, find_segment, separate_scans
from tests.codec.jpegs import pillow_jpeg, restored_luma, shown_luma
from tests.codec.pictures import scene


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
@pytest.mark.parametrize("size", [(1, 1), (7, 9), (17, 33), (40, 57)])
def test_scans_of_one_component_hold_its_real_blocks(
    size: tuple[int, int], subsampling: str
) -> None:
    interleaved = pillow_jpeg(scene(*size), quality=80, subsampling=subsampling)
    separate = separate_scans(interleaved)
    source = read_source(separate)
    assert np.abs(restored_luma(source) - shown_luma(separate)).max() <= 1
    pairs = zip(source.qcoefs, read_source(interleaved).qcoefs, strict=True)
    for i, (first, second) in enumerate(pairs):
        across, down = (1, 1) if i == 0 else (source.horizontal, source.vertical)
        rows, columns = -(-size[0] // (8 * down)), -(-size[1] // (8 * across))
        assert np.array_equal(first[:rows, :columns], second[:rows, :columns])


@pytest.mark.parametrize(
    ("value", "fits"), [(1023, True), (1024, False), (-1024, True), (-1025, False)]
)
def test_dc_has_the_range_of_8_bit_samples(value: int, *, fits: bool) -> None:
    qcoefs = np.zeros((1, 1, 64), np.int16)
    qcoefs[..., 0] = value
    source = Source(
        *(8, 8, 1, 1, [qcoefs], [np.ones(64, np.uint16)]), is_progressive=False, stripped=b""
    )
    data = rewrite(source, progressive=False)
    if fits:
        assert read_source(data).qcoefs[0][0, 0, 0] == value
    else:
        # Two such blocks could differ by more than the 11 bits of the largest category.
        with pytest.raises(UnreadableSourceError, match="a scan is damaged"):
            read_source(data)


@pytest.mark.parametrize(("value", "fits"), [(1023, True), (-1023, True), (1024, False)])
def test_ac_has_the_range_of_8_bit_samples(value: int, *, fits: bool) -> None:
    qcoefs = np.zeros((1, 1, 64), np.int16)
    qcoefs[..., [5, 63]] = value
    source = Source(
        *(8, 8, 1, 1, [qcoefs], [np.ones(64, np.uint16)]), is_progressive=False, stripped=b""
    )
    data = rewrite(source, progressive=False)
    if fits:
        assert np.array_equal(read_source(data).qcoefs[0], qcoefs)
    else:
        with pytest.raises(UnreadableSourceError, match="a scan is damaged"):
            read_source(data)


START = find_segment(COLOUR, 0xDA).end


@pytest.mark.parametrize(
    "data",
    [
        COLOUR[:START] + COLOUR[START + 40 :],
        COLOUR[:-40] + COLOUR[-2:],
        COLOUR[:-2] + b"\0\0" + COLOUR[-2:],
    ],
    ids=["bytes missing inside", "cut off", "bytes left over"],
)
def test_scans_of_another_length_are_refused(data: bytes) -> None:
    with pytest.raises(UnreadableSourceError, match="a scan is damaged"):
        read_source(data)
