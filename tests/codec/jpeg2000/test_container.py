"""A .jp2 file has the boxes of Annex I, and other libraries find colour and metadata in them."""

import io
import struct
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image, ImageCms

from codec.jpeg2000.container import EXIF, XMP, write_jp2
from codec.jpeg2000.layered import run_openjpeg
from tests.codec.pictures import scene


def list_boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = 0
    while position < len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        yield kind, data[position + 8 : position + length]
        position += length
    assert position == len(data)


@pytest.mark.parametrize("components", [1, 3])
def test_boxes_are_those_of_openjpeg(components: int) -> None:
    image = scene(30, 40) if components == 3 else scene(30, 40)[..., 0]
    codestream = run_openjpeg(image, [0.0])
    file = io.BytesIO()
    Image.fromarray(image).save(file, format="JPEG2000")
    own = dict(list_boxes(write_jp2(codestream, (40, 30), components)))
    other = dict(list_boxes(file.getvalue()))
    assert list(own) == list(other) == [b"jP  ", b"ftyp", b"jp2h", b"jp2c"]
    for kind in (b"jP  ", b"ftyp", b"jp2h"):
        assert own[kind] == other[kind]


def test_a_profile_is_found() -> None:
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = write_jp2(run_openjpeg(scene(30, 40), [0.0]), (40, 30), 3, icc=icc)
    boxes = dict(list_boxes(data))
    assert dict(list_boxes(boxes[b"jp2h"]))[b"colr"] == b"\x02\0\0" + icc
    with Image.open(io.BytesIO(data)) as opened:
        opened.load()
        assert opened.mode == "RGB"


def test_metadata_is_in_uuid_boxes_before_the_pixels() -> None:
    exif = Image.Exif()
    exif[0x010E] = "a description"
    content = exif.tobytes().removeprefix(b"Exif\0\0")
    packet = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"
    image = scene(30, 40)
    data = write_jp2(
        run_openjpeg(image, [0.0]), (40, 30), 3, uuids=[(EXIF, content), (XMP, packet)]
    )
    boxes = list(list_boxes(data))
    assert [kind for kind, _ in boxes][3:] == [b"uuid", b"uuid", b"jp2c"]
    assert boxes[3][1] == b"JpgTiffExif->JP2" + content
    assert boxes[4][1] == XMP.bytes + packet
    with Image.open(io.BytesIO(data)) as opened:
        assert np.abs(np.asarray(opened, np.float64) - image).max() < 4
