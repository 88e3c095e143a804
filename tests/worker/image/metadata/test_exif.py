"""EXIF keeps its tags byte for byte; what would describe the upload and not the result is left out."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image, TiffTags

from codec import write_segment
from contract.messages import Metadata
from tests.photos import file_of, photo
from tests.worker.image.metadata.tiff_structures import Tag, Tags, build, find_faults, parse, text
from tests.worker.image.tagged_uploads import compress, make_exif
from worker.image.metadata.exif import EXIF_NAME, write_exif
from worker.image.metadata.geometry import Geometry
from worker.image.metadata.segments import insert

LONGEST_BYTES = 65_533
SAME = Geometry((8, 6), 1, (8, 6))
ORDERS = ["<", ">"]
EXIF, GPS, INTEROPERABILITY = 0x8769, 0x8825, 0xA005
ORIENTATION, ARTIST, COPYRIGHT, MAKER_NOTE, DESCRIPTION = 0x0112, 0x013B, 0x8298, 0x927C, 0x010E
RIGHTS = "© 2024 José Müller"
# Tags of a TIFF's first directory that do not describe how it stores pixels.
DESCRIPTIVE = {
    *("DocumentName", "ImageDescription", "Make", "Model", "Orientation", "XResolution"),
    *("YResolution", "PageName", "XPosition", "YPosition", "ResolutionUnit", "Software"),
    *("DateTime", "Artist", "HostComputer", "XClipPathUnits", "YClipPathUnits", "Indexed"),
    *("OPIProxy", "YCbCrPositioning"),
}
CAMERA: Tags = {
    DESCRIPTION: text("Żółć 東京"),
    0x010F: text("Maker"),
    0x011A: Tag(5, [300, 1]),
    0x011B: Tag(5, [300, 1]),
    0x0128: Tag(3, [2]),
    ARTIST: text("José Müller"),
    0x0213: Tag(3, [1]),
    COPYRIGHT: text(RIGHTS),
    EXIF: {
        0x829A: Tag(5, [1, 100]),
        0x9000: Tag(7, b"0232"),
        0x9101: Tag(7, b"\1\2\3\0"),
        0x9201: Tag(10, [-7, 2]),
        0x9204: Tag(10, [-1, 3]),
        0x9286: Tag(7, b"UNICODE\0" + "東京".encode("utf-16-be")),
        0xA000: Tag(7, b"0100"),
        0xA001: Tag(3, [1]),
        0xA002: Tag(4, [160]),
        0xA003: Tag(3, [120]),
        INTEROPERABILITY: {0x0001: text("R98"), 0x0002: Tag(7, b"0100")},
    },
    GPS: {
        0x0000: Tag(1, [2, 3, 0, 0]),
        0x0001: text("N"),
        0x0002: Tag(5, [48, 1, 12, 1, 0, 1]),
    },
}


def rewrite(
    exif: bytes,
    keep: Metadata = "all",
    geometry: Geometry = SAME,
    longest_bytes: int = LONGEST_BYTES,
) -> Any:
    """Return the tags that are kept, as `parse` reads them, or None."""
    payload = write_exif(exif, keep, geometry, longest_bytes)
    if payload is None:
        return None
    assert payload.startswith(EXIF_NAME)
    return parse(payload[len(EXIF_NAME) :])


@pytest.mark.parametrize("order", ORDERS)
def test_every_type_keeps_its_bytes(order: str) -> None:
    values = {
        1: Tag(1, [7]),
        2: text(RIGHTS.encode("latin-1")),
        3: Tag(3, [1, 65_535, 3]),
        4: Tag(4, [4_000_000_000]),
        5: Tag(5, [4_000_000_000, 7]),
        6: Tag(6, [-8, -7]),
        7: Tag(7, b"ASCII\0\0\0caf\xe9"),
        8: Tag(8, [-300]),
        9: Tag(9, [-70_000]),
        10: Tag(10, [-1, 3, 1, -3]),
        11: Tag(11, [0.5]),
        12: Tag(12, [-0.1, 2.5]),
    }
    tags: Tags = {0x9C00 + kind: tag for kind, tag in values.items()}
    tree: Tags = {**tags, EXIF: {**tags, INTEROPERABILITY: tags}, GPS: tags}
    kept = rewrite(build(tree, order))
    assert kept == parse(build(tree, order))
    assert kept[EXIF][0x9C0A] == Tag(10, values[10].pack(order))


def test_utf8_of_exif_3_is_kept() -> None:
    data = build({DESCRIPTION: Tag(2, b"caf\xc3\xa9 au lait\0")}).replace(
        b"\1\x0e\0\2", b"\1\x0e\0\x81"
    )
    payload = write_exif(data, "all", SAME, LONGEST_BYTES)
    assert payload is not None
    assert b"\1\x0e\0\x81\0\0\0\x0e" in payload
    assert b"caf\xc3\xa9 au lait\0" in payload


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("keep", ["copyright", "all"])
def test_characters_stay_as_they_were(order: str, keep: Metadata) -> None:
    data = file_of(photo(), "JPEG", exif=EXIF_NAME + build(CAMERA, order))
    jpeg = compress(data, metadata=keep)
    assert RIGHTS.encode() + b"\0" in jpeg
    assert ("東京".encode() in jpeg) is (keep == "all")


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("keep", ["copyright", "all"])
@pytest.mark.parametrize("width", [None, 60])
def test_exiftool_finds_nothing_wrong(
    order: str, keep: Metadata, width: int | None, tmp_path: Path
) -> None:
    data = file_of(photo(), "JPEG", exif=EXIF_NAME + build(CAMERA, order, b"\xff\xd8\xff\xd9"))
    assert not find_faults(compress(data, metadata=keep, width=width), tmp_path)


def test_copyright_keeps_author_rights_and_what_each_directory_needs() -> None:
    author = Tag(1, "José".encode("utf-16-le"))  # XPAuthor
    tree = {**CAMERA, 0x9C9D: author, 0x9C9B: author}
    assert set(rewrite(build(tree), "copyright")) == {
        *(0x011A, 0x011B, 0x0128, 0x0213),
        *(ARTIST, COPYRIGHT, 0x9C9D),
    }
    assert set(rewrite(build({ARTIST: text("A"), 0x010F: text("B")}), "copyright")) == {ARTIST}


@pytest.mark.parametrize("empty", [b"", b"    ", b"\0" * 63])
def test_without_author_and_rights_copyright_keeps_nothing(empty: bytes) -> None:
    assert (
        rewrite(build({**CAMERA, ARTIST: text(empty), COPYRIGHT: text(empty)}), "copyright") is None
    )


@pytest.mark.parametrize("keep", ["copyright", "all"])
def test_without_kept_tags_there_is_no_exif(keep: Metadata) -> None:
    assert rewrite(build({ORIENTATION: Tag(3, [6])}), keep) is None


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kind", [1, 3, 4, 6, 8, 9])
def test_orientation_and_sides_describe_the_finished_photo_in_their_own_type(
    order: str, kind: int
) -> None:
    tree: Tags = {
        ARTIST: text("A"),
        ORIENTATION: Tag(kind, [6]),
        EXIF: {
            0xA002: Tag(kind, [16]),
            0xA003: Tag(kind, [12]),
            INTEROPERABILITY: {0x1001: Tag(kind, [16]), 0x1002: Tag(kind, [12])},
        },
    }
    kept = rewrite(build(tree, order), geometry=Geometry((16, 12), 6, (12, 16)))
    assert kept[ORIENTATION] == Tag(kind, Tag(kind, [1]).pack(order))
    assert kept[EXIF][0xA002] == Tag(kind, Tag(kind, [12]).pack(order))
    assert kept[EXIF][0xA003] == Tag(kind, Tag(kind, [16]).pack(order))
    assert kept[EXIF][INTEROPERABILITY][0x1001] == kept[EXIF][0xA002]
    assert kept[EXIF][INTEROPERABILITY][0x1002] == kept[EXIF][0xA003]


@pytest.mark.parametrize("odd", [Tag(5, [6, 1]), Tag(3, [6, 6]), Tag(3, []), Tag(1, [6])])
def test_a_side_of_an_odd_type_becomes_a_short(odd: Tag) -> None:
    tree: Tags = {ARTIST: text("A"), EXIF: {0xA002: odd}}
    kept = rewrite(build(tree), geometry=Geometry((16, 12), 1, (600, 400)))
    assert kept[EXIF][0xA002] == Tag(3, (600).to_bytes(2, "big"))


def test_resolutions_change_places_with_the_sides() -> None:
    tree: Tags = {ARTIST: text("A"), 0x011A: Tag(5, [300, 1]), 0x011B: Tag(5, [150, 1])}
    before = parse(build(tree))
    for orientation in (1, 3, 5, 6, 7, 8):
        kept = rewrite(build(tree), geometry=Geometry((16, 12), orientation, (12, 16)))
        turned = orientation >= 5
        assert kept[0x011A] == before[0x011B if turned else 0x011A]
        assert kept[0x011B] == before[0x011A if turned else 0x011B]


@pytest.mark.parametrize(
    ("geometry", "is_kept"),
    [
        (Geometry((16, 12), 1, (16, 12)), True),
        (Geometry((16, 12), 1, (8, 6)), False),
        (Geometry((16, 16), 3, (16, 16)), False),
    ],
)
def test_places_in_pixels_are_kept_only_if_no_pixel_moves(
    geometry: Geometry, is_kept: bool
) -> None:
    places: Tags = {
        0x9214: Tag(3, [4, 4, 2, 2]),
        0xA214: Tag(3, [4, 4]),
        0xA20E: Tag(5, [5, 1]),
        0xA20F: Tag(5, [5, 1]),
        0xA210: Tag(3, [2]),
    }
    kept = rewrite(
        build({ARTIST: text("A"), EXIF: {0x9000: Tag(7, b"0232"), **places}}), "all", geometry
    )
    assert set(kept[EXIF]) == {0x9000} | (set(places) if is_kept else set())


def test_of_the_tags_of_tiff_only_those_that_describe_the_photo_are_copied() -> None:
    names = {tag.value: tag.name for tag in ExifTags.Base}
    names |= {number: tag.name for number, tag in TiffTags.TAGS_V2.items()}
    tiff = {number for number in names if 254 <= number <= 532}
    # XMP, IPTC, Photoshop, ICC, ImageSourceData; those of raw data, of GeoTIFF, of directories.
    tiff |= {700, 33723, 34377, 34675, 37724, 50706, 50829, 33550, 34735, INTEROPERABILITY, 400}
    kept = rewrite(build({number: Tag(3, [1]) for number in sorted(tiff)}))
    assert {names[number] for number in kept} == DESCRIPTIVE


@pytest.mark.parametrize("big", [False, True])
def test_exif_of_a_whole_tiff_is_its_directory(big: bool, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif.load(EXIF_NAME + build(CAMERA, "<"))
    stored = {"dpi": (300, 300), "big_tiff": True} if big else {"dpi": (300, 300)}
    tiff = file_of(photo(200, 150), "TIFF", exif=exif, **stored)
    payload = write_exif(tiff, "all", Geometry((200, 150), 1, (200, 150)), LONGEST_BYTES)
    assert payload is not None
    assert len(payload) < 1000
    assert set(parse(payload[len(EXIF_NAME) :])) == {*CAMERA, 0x0213}
    jpeg = insert(file_of(photo(200, 150), "JPEG"), write_segment(0xE1, payload))
    if not big:  # exiftool finds other faults in it
        assert find_faults(jpeg, tmp_path) <= find_faults(tiff, tmp_path)


@pytest.mark.parametrize("name", ["PNG", "WEBP", "AVIF", "TIFF"])
@pytest.mark.parametrize("keep", ["copyright", "all"])
def test_exif_of_other_formats_is_valid_in_a_jpeg(
    name: str, keep: Metadata, tmp_path: Path
) -> None:
    tags: Tags = {
        ARTIST: text("A"),
        EXIF: {0x829A: Tag(5, [1, 100]), MAKER_NOTE: Tag(7, b"m" * 40)},
        GPS: {0x0001: text("N"), 0x0002: Tag(5, [48, 1, 12, 1, 0, 1])},
    }
    exif: bytes | Image.Exif = EXIF_NAME + build(tags)
    if name == "TIFF":
        exif = Image.Exif()
        exif.load(EXIF_NAME + build({**tags, EXIF: {0x829A: Tag(5, [1, 100])}}))
    data = file_of(photo(), name, exif=exif)
    assert not find_faults(compress(data, metadata=keep, width=60), tmp_path)


@pytest.mark.parametrize("keep", ["copyright", "all"])
def test_what_photoshop_writes_stays_valid(keep: Metadata, tmp_path: Path) -> None:
    described = {number: CAMERA[number] for number in (0x011A, 0x011B, 0x0128, ARTIST)}
    tags = {0x0100: Tag(3, [160]), 0x0106: Tag(3, [2]), **described}
    data = file_of(photo(), "JPEG", exif=EXIF_NAME + build(tags))
    assert find_faults(compress(data, metadata=keep), tmp_path) <= find_faults(data, tmp_path)


def test_a_mark_for_a_video_is_left_out() -> None:
    kept = rewrite(build({ARTIST: text("A"), EXIF: {0x8897: Tag(1, [1]), 0x9000: Tag(7, b"0232")}}))
    assert set(kept[EXIF]) == {0x9000}


def test_entries_that_point_to_unknown_directories_are_not_copied() -> None:
    tree: Tags = {
        ARTIST: text("A"),
        0x9000: Tag(13, b"\0\0\0\x08"),
        EXIF: {0x9000: Tag(7, b"0232"), GPS: Tag(4, [8])},
    }
    assert set(rewrite(build(tree))) == {ARTIST, EXIF}
    assert set(rewrite(build(tree))[EXIF]) == {0x9000}


def test_the_thumbnail_is_left_out() -> None:
    thumbnail = b"\xff\xd8 tiny \xff\xd9"
    for tags in (CAMERA, {**CAMERA, EXIF: {MAKER_NOTE: Tag(7, b"m" * 50)}}):
        data = build(tags, thumbnail=thumbnail)
        payload = write_exif(data, "all", SAME, LONGEST_BYTES)
        assert payload is not None
        assert thumbnail not in payload
        assert len(payload) - len(EXIF_NAME) == len(build(tags))


@pytest.mark.parametrize("order", ORDERS)
def test_maker_notes_stay_where_they_are(order: str) -> None:
    note = Tag(7, b"offsets count from the beginning of EXIF")
    details: Tags = {0x0103: Tag(3, [1, 2, 3]), 0x9000: Tag(7, b"0232"), MAKER_NOTE: note}
    data = build({0x0100: Tag(3, [9]), **CAMERA, EXIF: details}, order, b"\xff\xd8 tiny")
    payload = write_exif(data, "all", SAME, LONGEST_BYTES)
    assert payload is not None
    written = payload[len(EXIF_NAME) :]
    assert isinstance(note.values, bytes)
    assert written.index(note.values) == data.index(note.values)
    assert set(parse(written)[EXIF]) == {0x9000, MAKER_NOTE}  # type: ignore[call-overload]
    assert write_exif(written, "all", SAME, LONGEST_BYTES) == payload


def test_maker_notes_that_can_t_stay_are_left_out() -> None:
    details: Tags = {0x9000: Tag(7, b"0232"), MAKER_NOTE: Tag(7, b"m" * 50_000)}
    data = build({**CAMERA, EXIF: details})
    assert set(rewrite(data)[EXIF]) == {0x9000, MAKER_NOTE}
    assert set(rewrite(data, longest_bytes=50_000)[EXIF]) == {0x9000}
    # They lie too far back: before them stands what is dropped.
    far = build({0x02BC: Tag(1, b"x" * 60_000), **CAMERA, EXIF: details})
    assert set(rewrite(far)[EXIF]) == {0x9000}
    # They overlap the directory, which is written anew.
    data = build({0x0100: Tag(3, [9]), **CAMERA, EXIF: details})
    entry = data.index(b"\x92\x7c\0\7\0\0\xc3\x50") + 8
    overlapping = data[:entry] + b"\0\0\0\x0a" + data[entry + 4 :]
    assert set(rewrite(overlapping)[EXIF]) == {0x9000}


def test_a_value_that_is_too_long_is_left_out_alone() -> None:
    kept = rewrite(build({DESCRIPTION: text("x" * 70_000), ARTIST: text("A")}))
    assert set(kept) == {ARTIST}


def test_exif_that_is_too_long_is_left_out() -> None:
    tags: Tags = {DESCRIPTION: text("x" * 40_000), ARTIST: text("x" * 40_000)}
    assert rewrite(build(tags)) is None


@pytest.mark.filterwarnings("ignore::UserWarning")  # as in the worker
@pytest.mark.parametrize("seed", range(30))
def test_a_photo_with_damaged_exif_is_still_compressed(seed: int) -> None:
    rng = np.random.default_rng(seed)
    exif = bytearray(make_exif(orientation=1).tobytes())
    for at in rng.integers(6, len(exif), 12):
        exif[at] = rng.integers(0, 256)
    data = file_of(photo(40, 30), "JPEG", exif=bytes(exif))
    for keep in ("copyright", "all"):
        with Image.open(io.BytesIO(compress(data, metadata=keep))) as opened:
            opened.load()
            assert sorted(opened.size) == [30, 40]
            assert opened.getexif().get(ExifTags.Base.Orientation, 1) == 1
