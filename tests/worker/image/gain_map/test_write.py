"""Other readers find the kept gain map, with the same numbers, as large beside its photo as before."""

import io
import os
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from contract.errors import MaxBytesError
from contract.messages import Options
from tests.photos import file_of, photo
from tests.worker.image.colour_profiles import linear_profile
from tests.worker.image.tagged_uploads import compress, make_exif, read_tags
from tests.worker.image.ultra_hdr import (
    HDRGM,
    ISO,
    ISO_NAME,
    NUMBERS,
    UltraHdr,
    app,
    make_map,
    mean_error,
    read_with_libultrahdr,
)
from worker.image.decode import decode
from worker.image.gain_map.container import EMPTIED, describe
from worker.image.gain_map.write import add_to_packet, split_at_xmp

DATA = Path(os.environ.get("FOVEATE_DATA") or Path(__file__).parents[5] / "shared" / "data")
SAMPLE = DATA / "reports" / "ultrahdr-motion-photo.jpg"
CLAIMS = (b"MPF\0", b"21496", b"hdrgm", b"Container", b"hdr-gain-map")


def size_of(jpeg: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(jpeg)) as opened:
        return opened.size


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("progressive", [True, False])
def test_a_gain_map_is_the_same_in_the_photo_s_own_size(mode: str, progressive: bool) -> None:
    upload = UltraHdr(gain_map=make_map(mode=mode))
    before, numbers = read_with_libultrahdr(upload.write())
    after, kept = read_with_libultrahdr(
        compress(upload.write(), hdr="keep", progressive=progressive)
    )
    assert kept == numbers
    assert kept["gainmap-max-content-boost"] == pytest.approx([2**2.3] * 3)
    assert mean_error(after, before) < 0.01


def test_a_gain_map_with_grain_stays_within_1_percent() -> None:
    grain = np.asarray(Image.fromarray(photo(160, 120)).convert("L"))
    upload = UltraHdr(gain_map=grain, map_options={"quality": 100}).write()
    after, _ = read_with_libultrahdr(compress(upload, hdr="keep"))
    assert mean_error(after, grain) < 0.01


def test_the_colours_of_a_gain_map_are_not_subsampled() -> None:
    stripes = np.zeros((60, 80, 3), np.uint8)
    stripes[:, ::2] = (200, 60, 60)
    stripes[:, 1::2] = (60, 60, 200)
    upload = UltraHdr(gain_map=stripes, map_options={"quality": 100}).write()
    after, _ = read_with_libultrahdr(compress(upload, hdr="keep", progressive=False))
    assert mean_error(after, stripes) < 0.02


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_gain_map_is_scaled_with_its_photo(mode: str) -> None:
    upload = UltraHdr(gain_map=make_map(mode=mode)).write()
    before, numbers = read_with_libultrahdr(upload)
    jpeg = compress(upload, hdr="keep", width=80)
    after, kept = read_with_libultrahdr(jpeg)
    assert (size_of(jpeg), after.shape[:2]) == ((80, 60), (30, 40))
    assert kept == numbers
    half = Image.fromarray(before).resize((40, 30), Image.Resampling.BOX)
    assert mean_error(after, np.asarray(half)) < 0.01


@pytest.mark.parametrize(
    ("orientation", "turn"),
    [
        (2, lambda pixels: pixels[:, ::-1]),
        (3, lambda pixels: pixels[::-1, ::-1]),
        (4, lambda pixels: pixels[::-1]),
        (5, lambda pixels: pixels.swapaxes(0, 1)),
        (6, lambda pixels: np.rot90(pixels, -1)),
        (7, lambda pixels: pixels[::-1, ::-1].swapaxes(0, 1)),
        (8, np.rot90),
    ],
)
def test_a_gain_map_is_turned_with_its_photo(orientation: int, turn: Any) -> None:
    upload = UltraHdr(orientation=orientation).write()
    before, numbers = read_with_libultrahdr(upload)
    for width in (None, 60):
        jpeg = compress(upload, hdr="keep", width=width)
        after, kept = read_with_libultrahdr(jpeg)
        expected = Image.fromarray(turn(before))
        if width is not None:
            size_px = size_of(jpeg)
            assert (after.shape[1], after.shape[0]) == (size_px[0] // 2, size_px[1] // 2)
            expected = expected.resize((after.shape[1], after.shape[0]), Image.Resampling.BOX)
        assert mean_error(after, np.asarray(expected)) < 0.01
        assert kept == numbers


def test_what_a_display_with_headroom_shows_stays() -> None:
    y, x = np.mgrid[0:120, 0:160].astype(np.float32)
    light = np.stack([x / 40, y / 60, 0.5 + 0.4 * np.sin(x / 20), np.ones_like(x)], axis=-1)
    upload = imagecodecs.ultrahdr_encode(light.astype(np.float16))
    before = imagecodecs.ultrahdr_decode(upload).astype(np.float32)
    after = imagecodecs.ultrahdr_decode(compress(upload, hdr="keep", quality=95))
    stops = np.abs(np.log2((after[..., :3] + 0.1) / (before[..., :3] + 0.1)))
    assert stops.mean() < 0.05


@pytest.mark.parametrize("form", ["iso", "numbers"])
def test_both_forms_of_the_numbers_are_written_whichever_was_there(form: str) -> None:
    kept = compress(UltraHdr(**{form: None}).write(), hdr="keep")
    behind = kept[kept.rindex(b"\xff\xd8") :]
    for name, text in NUMBERS.items():
        assert f'hdrgm:{name}="{text}"'.encode() in behind
    assert ISO_NAME + ISO in behind
    _, numbers = read_with_libultrahdr(UltraHdr().write())
    kept_numbers = read_with_libultrahdr(kept)[1]
    assert kept_numbers.keys() == numbers.keys()
    for name, value in numbers.items():
        assert kept_numbers[name] == pytest.approx(value), name


def test_each_channel_may_have_its_own_numbers() -> None:
    attributes = {name: text for name, text in NUMBERS.items() if name != "GainMapMax"}
    items = "".join(f"<rdf:li>{text}</rdf:li>" for text in ("1.5", "2", "2.25"))
    elements = f"<hdrgm:GainMapMax><rdf:Seq>{items}</rdf:Seq></hdrgm:GainMapMax>"
    upload = UltraHdr(
        numbers=attributes, elements=elements, iso=None, gain_map=make_map(mode="RGB")
    )
    kept = compress(upload.write(), hdr="keep")
    _, numbers = read_with_libultrahdr(kept)
    assert numbers["gainmap-max-content-boost"] == pytest.approx([2**1.5, 4, 2**2.25])
    assert b"<rdf:li>1.5</rdf:li><rdf:li>2.0</rdf:li><rdf:li>2.25</rdf:li>" in kept


def test_exiftool_finds_both_pictures_and_nothing_wrong(tmp_path: Path) -> None:
    kept = compress(UltraHdr().write(), hdr="keep")
    tags = read_tags(kept, tmp_path)
    length, start = tags["MPF:MPImageLength"], tags["MPF:MPImageStart"]
    assert kept[start : start + 2] == b"\xff\xd8"
    assert start + length == len(kept)
    assert tags["XMP:DirectoryItemLength"] == length
    assert "ExifTool:Warning" not in tags


@pytest.mark.parametrize("options", [{}, {"width": 80}, {"metadata": "copyright"}])
def test_without_the_option_nothing_claims_a_gain_map(options: dict[str, Any]) -> None:
    jpeg = compress(UltraHdr().write(), **options)
    assert not any(claim in jpeg for claim in CLAIMS)
    assert jpeg.count(b"\xff\xd9") == 1


@pytest.mark.parametrize("name", ["JPEG", "PNG", "AVIF"])
def test_a_photo_without_a_gain_map_is_as_without_the_option(name: str) -> None:
    upload = file_of(photo(), name)
    assert compress(upload, hdr="keep") == compress(upload)


def test_a_result_that_is_sent_again_comes_back_as_it_is() -> None:
    kept = compress(UltraHdr(orientation=6).write(), hdr="keep")
    assert compress(kept, hdr="keep") == kept
    assert compress(kept) == compress(UltraHdr(orientation=6).write())
    smaller = compress(kept, hdr="keep", width=60)
    assert compress(smaller, hdr="keep", width=60) == smaller


def test_the_photo_stays_in_the_colours_that_the_gain_map_applies_to() -> None:
    upload = UltraHdr(profile=linear_profile()).write()
    with Image.open(io.BytesIO(compress(upload, hdr="keep", quality=95))) as opened:
        assert opened.info["icc_profile"] == linear_profile()
        assert np.abs(np.asarray(opened).astype(int) - photo()).mean() < 8
    with Image.open(io.BytesIO(compress(upload))) as opened:
        assert "icc_profile" not in opened.info


def test_the_profile_of_the_brighter_picture_stays_beside_its_gain_map() -> None:
    upload = UltraHdr(map_options={"quality": 95, "icc_profile": linear_profile()}).write()
    kept = compress(upload, hdr="keep")
    photo_part, map_part = kept[: kept.rindex(b"\xff\xd8")], kept[kept.rindex(b"\xff\xd8") :]
    assert b"ICC_PROFILE" not in photo_part
    with Image.open(io.BytesIO(map_part)) as opened:
        assert opened.info["icc_profile"] == linear_profile()


def test_a_gain_map_in_other_colours_is_described_by_iso_only() -> None:
    iso = bytes((0, 0, 0, 0, 0)) + UltraHdr().iso[5:]  # type: ignore[index]
    upload = UltraHdr(
        numbers=None, iso=iso, map_options={"icc_profile": linear_profile()}, has_directory=False
    )
    kept = compress(upload.write(), hdr="keep")
    assert HDRGM.encode() not in kept
    assert read_with_libultrahdr(kept)[1]["gainmap-use-base-cg"] == 0


def test_max_bytes_counts_the_whole_file() -> None:
    upload = UltraHdr().write()
    free = len(compress(upload, hdr="keep"))
    limited = compress(upload, hdr="keep", max_bytes=free - 800)
    assert 0.9 * (free - 800) < len(limited) <= free - 800
    assert mean_error(read_with_libultrahdr(limited)[0], make_map()) < 0.02
    with pytest.raises(MaxBytesError, match=r"smallest JPEG .* bytes, with its gain map") as caught:
        compress(upload, hdr="keep", max_bytes=1000)
    smallest = int(caught.value.detail.split(" has ")[1].split()[0])
    assert len(compress(upload, hdr="keep", max_bytes=smallest)) <= smallest
    assert len(compress(upload, max_bytes=1000)) <= 1000


def test_kept_xmp_and_the_gain_map_s_share_one_packet(tmp_path: Path) -> None:
    data = UltraHdr(has_directory=False).write()
    exif = make_exif(1).tobytes()
    rights = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r:RDF'
        b' xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><r:Description r:about=""'
        b' xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:format>image/jpeg</dc:format>'
        b"</r:Description></r:RDF></x:xmpmeta>"
    )
    packet = app(1, b"http://ns.adobe.com/xap/1.0/\0" + rights)
    kept = compress(data[:2] + app(1, exif) + packet + data[2:], hdr="keep", metadata="all")
    tags = read_tags(kept, tmp_path)
    assert tags["XMP:Format"] == "image/jpeg"
    assert tags["XMP:DirectoryItemLength"] == tags["MPF:MPImageLength"]
    assert tags["EXIF:Artist"] == "Someone"
    photo_part = kept[: kept.rindex(b"\xff\xd8")]
    assert photo_part.count(b"http://ns.adobe.com/xap/1.0/\0") == 1
    assert read_with_libultrahdr(kept)[0].shape == (60, 80)


def test_xmp_that_has_no_room_stays_as_it_was() -> None:
    full = b"<r:RDF xmlns:r='urn:x'>" + b" " * 65_300 + b"</r:RDF>"
    assert add_to_packet(full, "<a/>") == full
    for odd in (b"<RDF/>", b"<a", "<RDF></RDF>".encode("utf-16")):
        assert add_to_packet(odd, "<a/>") == odd


def test_without_a_packet_its_place_is_behind_exif() -> None:
    exif, other = app(1, b"Exif\0\0x"), app(2, b"ICC")
    assert split_at_xmp(exif + other) == (exif, b"", other)
    assert split_at_xmp(other) == (b"", b"", other)


def test_the_gain_map_is_in_the_photo_s_own_file_only_if_it_was_whole() -> None:
    upload = UltraHdr().write()
    assert decode(upload, 10**6, Options(hdr="keep")).gain_map
    assert not decode(upload[:-2], 10**6, Options(hdr="keep")).gain_map


def test_a_description_takes_the_place_of_one_that_was_emptied() -> None:
    description = describe(1000)
    once = add_to_packet(b"<r:RDF xmlns:r='urn:x'><a/></r:RDF>", description)
    emptied = once.replace(description.encode(), EMPTIED)
    assert add_to_packet(emptied, description) == once
    assert once.endswith(b"</rdf:Description></r:RDF>")


@pytest.mark.data
@pytest.mark.skipif(not SAMPLE.is_file(), reason="no reports under FOVEATE_DATA")
def test_a_phone_s_photo_keeps_its_gain_map() -> None:
    upload = SAMPLE.read_bytes()
    before, numbers = read_with_libultrahdr(upload)
    for width in (768, 384):
        after, kept = read_with_libultrahdr(compress(upload, hdr="keep", width=width))
        expected = Image.fromarray(before).resize((width // 4, width // 6), Image.Resampling.BOX)
        assert mean_error(after, np.asarray(expected)) < 0.01
        assert kept == numbers
