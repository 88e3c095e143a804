"""A JPEG without EOI is complete if it lacks no coefficient, whatever its coding."""

from collections.abc import Callable

import imagecodecs
import pytest
from PIL import Image

from contract.image_headers.steps import TooManyStepsError
from tests.codec.edited_jpegs import separate_scans
from tests.photos import file_of, photo
from tests.worker.image.formats.jpeg.files import EOI, JPEG, PHOTO, encode, make, segment
from worker.image.formats.jpeg.completion import MOST_SCANS, complete

SCANS = b"\xff\xda"
HUFFMAN: dict[str, Callable[[], bytes]] = {
    "baseline": make,
    "grey": lambda: make("L"),
    "CMYK": lambda: make("CMYK"),
    "4:1:1": lambda: make(subsampling="4:1:1"),
    "progressive": lambda: make(progressive=True),
    "progressive CMYK": lambda: make("CMYK", progressive=True),
    "restart intervals": lambda: make(restart_marker_blocks=3),
    "progressive restart intervals": lambda: make(progressive=True, restart_marker_blocks=3),
    "a scan for each component": lambda: separate_scans(JPEG),
}
OTHERS: dict[str, Callable[[], bytes]] = {
    "arithmetic": lambda: encode("-arithmetic"),
    "progressive arithmetic": lambda: encode("-arithmetic", "-progressive"),
    "arithmetic restart intervals": lambda: encode("-arithmetic", "-restart", "3B"),
    "lossless": lambda: imagecodecs.ljpeg_encode(PHOTO[..., 1], bitspersample=8),
}
"""Of these, some last bytes may be missing."""
SPARE_BYTES = 16


def list_cuts(data: bytes, spare_bytes: int) -> list[int]:
    """Return lengths of a truncated file: near its end, at its scans, between intervals, and others."""
    end = len(data) - len(EOI) - spare_bytes
    markers = [at for at in range(end) if data[at] == 0xFF and data[at + 1] not in {0, 0xFF}]
    first_scan = data.index(SCANS) + 2
    chosen = [at for at in markers if at > first_scan]
    return sorted({*chosen[-12:], *range(end - 9, end), *range(first_scan + 20, end, end // 20)})


@pytest.mark.parametrize("name", [*HUFFMAN, *OTHERS])
def test_a_jpeg_that_lacks_eoi_only_gets_it(name: str) -> None:
    data = (HUFFMAN | OTHERS)[name]()
    assert data.endswith(EOI)
    for end in (b"", b"\xff", b"\xff\xff"):
        assert complete(data[:-2] + end) == data


@pytest.mark.parametrize("name", [*HUFFMAN, *OTHERS])
def test_a_truncated_jpeg_gets_none(name: str) -> None:
    data = (HUFFMAN | OTHERS)[name]()
    for length in list_cuts(data, SPARE_BYTES if name in OTHERS else 0):
        assert complete(data[:length]) is None, length


@pytest.mark.parametrize("options", [(), ("-arithmetic",)])
def test_a_progressive_jpeg_that_lacks_scans_is_truncated(options: tuple[str, ...]) -> None:
    data = encode("-progressive", *options)
    scans = [at for at in range(len(data)) if data.startswith(SCANS, at)]
    for at in scans[1:]:
        assert complete(data[:at]) is None
        assert complete(data[: at + 9]) is None


def test_a_component_without_a_scan_is_missing() -> None:
    data = separate_scans(JPEG)
    assert complete(data[: data.rindex(b"\xff\xc4")]) is None
    assert complete(data[: data.rindex(SCANS)]) is None


def test_a_byte_of_ones_that_is_cut_in_two_is_whole() -> None:
    grey = Image.fromarray(photo(30, 20, seed=10)).convert("L")
    data = file_of(grey, "JPEG", quality=98, progressive=True)
    assert data.endswith(b"\xff\0" + EOI)
    assert complete(data[:-3]) == data
    assert complete(data[:-4]) is None


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize(
    ("kept", "cut_off"),
    [
        (b"", JPEG),
        (b"", JPEG + bytes(70_000)),
        (b"", b"\xff\xfe"),
        (b"", b"\xff\xfe\0"),
        (b"", b"\xff\x10 garbage"),
        (segment(0xFE, b"text"), JPEG),
        (b"", segment(0xE5, b"a segment that is cut off")[:-1]),
        (segment(0xFE, b""), b""),
    ],
)
def test_another_picture_or_damage_behind_the_scans_is_cut_off(
    kept: bytes, cut_off: bytes, *, progressive: bool
) -> None:
    data = make(progressive=progressive)
    assert complete(data[:-2] + kept + cut_off) == data[:-2] + kept + EOI


def test_a_jpeg_with_eoi_is_left_alone() -> None:
    assert complete(JPEG) is None
    assert complete(JPEG + b"more") is None
    assert complete(JPEG[:-9] + EOI) is None


def test_the_number_of_segments_between_scans_is_limited() -> None:
    data = make(progressive=True)
    at = data.rindex(SCANS)
    comments = data[:at] + segment(0xFE, b"") * 11_000 + data[at:-2]
    with pytest.raises(TooManyStepsError):
        complete(comments)


def test_the_number_of_scans_is_limited() -> None:
    data = make(progressive=True)
    at = data.rindex(SCANS)
    with pytest.raises(TooManyStepsError):
        complete(data[:-2] + data[at:-2] * MOST_SCANS)
