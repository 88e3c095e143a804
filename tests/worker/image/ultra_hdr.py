"""Ultra HDR files, written here from the specifications, and what libultrahdr reads of files."""

import io
import struct
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.photos import file_of, photo

XMP_NAME = b"http://ns.adobe.com/xap/1.0/\0"
ISO_NAME = b"urn:iso:std:iso:ts:21496:-1\0"
HDRGM = "http://ns.adobe.com/hdr-gain-map/1.0/"
CONTAINER = "http://ns.google.com/photos/1.0/container/"
NUMBERS = {
    "Version": "1.0",
    "GainMapMin": "-0.25",
    "GainMapMax": "2.3",
    "Gamma": "1.2",
    "OffsetSDR": "0.015625",
    "OffsetHDR": "0.0",
    "HDRCapacityMin": "0.1",
    "HDRCapacityMax": "2.3",
    "BaseRenditionIsHDR": "False",
}
# The same numbers: flags, headrooms, then those of the channel, each a numerator and a denominator.
ISO = struct.pack(
    ">HHB IIII iIiIIIiIiI",
    *(0, 0, 0x40),
    *(1, 10, 23, 10),
    *(-1, 4, 23, 10, 6, 5, 1, 64, 0, 1),
)


def app(number: int, payload: bytes) -> bytes:
    return bytes((0xFF, 0xE0 + number)) + struct.pack(">H", len(payload) + 2) + payload


def make_map(width_px: int = 80, height_px: int = 60, mode: str = "L") -> NDArray[np.uint8]:
    """Return a gain map that differs at every edge and corner."""
    small = Image.fromarray(photo(width_px // 3, height_px // 3, seed=5)).convert("L")
    smooth = np.asarray(small.resize((width_px, height_px), Image.Resampling.BICUBIC))
    if mode == "L":
        return smooth
    return np.stack([smooth, smooth // 2, 255 - smooth], axis=-1)


def write_xmp(attributes: dict[str, str], elements: str = "") -> bytes:
    written = "".join(f' hdrgm:{name}="{text}"' for name, text in attributes.items())
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" xmlns:hdrgm="{HDRGM}" xmlns:Container="{CONTAINER}"'
        f' xmlns:Item="{CONTAINER}item/"{written}>{elements}</rdf:Description>'
        "</rdf:RDF></x:xmpmeta>"
    ).encode()


def list_items(*items: str) -> str:
    """Return a container's directory of items, each given by its attributes."""
    listed = "".join(
        f'<rdf:li rdf:parseType="Resource"><Container:Item {item}/></rdf:li>' for item in items
    )
    return f"<Container:Directory><rdf:Seq>{listed}</rdf:Seq></Container:Directory>"


@dataclass
class UltraHdr:
    """The parts of a file; `write` puts them together."""

    photo: NDArray[np.uint8] = field(default_factory=lambda: photo(160, 120))
    gain_map: NDArray[np.uint8] = field(default_factory=make_map)
    numbers: dict[str, str] | None = field(default_factory=NUMBERS.copy)
    elements: str = ""
    iso: bytes | None = ISO
    has_index: bool = True
    has_directory: bool = True
    orientation: int = 1
    profile: bytes | None = None
    between: bytes = b""
    behind: bytes = b""
    photo_options: dict[str, Any] = field(default_factory=lambda: {"quality": 95})
    map_options: dict[str, Any] = field(default_factory=lambda: {"quality": 95})

    def write_map(self) -> bytes:
        segments = b""
        if self.numbers is not None:
            segments += app(1, XMP_NAME + write_xmp(self.numbers, self.elements))
        if self.iso is not None:
            segments += app(2, ISO_NAME + self.iso)
        jpeg = file_of(self.gain_map, "JPEG", subsampling=0, **self.map_options)
        return jpeg[:2] + segments + jpeg[2:]

    def write(self, entries: list[tuple[int, int]] | None = None) -> bytes:
        """Return the file; ``entries`` are length and offset of pictures in a false index."""
        exif = Image.Exif()
        exif[0x0112] = self.orientation
        options = dict(self.photo_options)
        if self.profile:
            options["icc_profile"] = self.profile
        jpeg = file_of(self.photo, "JPEG", exif=exif, **options)
        gain_map = self.write_map()
        segments = b""
        if self.has_directory:
            items = [
                'Item:Semantic="Primary" Item:Mime="image/jpeg"',
                f'Item:Semantic="GainMap" Item:Mime="image/jpeg" Item:Length="{len(gain_map)}"',
            ]
            if self.between:
                items.insert(
                    1, f'Item:Semantic="Other" Item:Mime="x/y" Item:Length="{len(self.between)}"'
                )
            packet = write_xmp({"Version": "1.0"}, list_items(*items))
            segments += app(1, XMP_NAME + packet)
        segments += app(2, ISO_NAME + bytes(4))
        if self.has_index:
            count = len(entries or [0]) + 1
            index_bytes = 4 + 54 + 16 * count
            photo_bytes = len(jpeg) + len(segments) + index_bytes + 4
            origin = 2 + len(segments) + 8
            offset = photo_bytes + len(self.between) - origin
            segments += app(2, write_index(photo_bytes, entries or [(len(gain_map), offset)]))
        return jpeg[:2] + segments + jpeg[2:] + self.between + gain_map + self.behind


def write_index(photo_bytes: int, entries: list[tuple[int, int]], order: str = "<") -> bytes:
    """Return the content of an index of pictures with length and offset of those behind the photo."""
    count = len(entries) + 1
    index = struct.pack(order + "2sHIH", b"II" if order == "<" else b"MM", 42, 8, 3)
    index += struct.pack(order + "HHI4s", 0xB000, 7, 4, b"0100")
    index += struct.pack(order + "HHII", 0xB001, 4, 1, count)
    index += struct.pack(order + "HHIII", 0xB002, 7, 16 * count, 50, 0)
    index += struct.pack(order + "IIIHH", 0x030000, photo_bytes, 0, 0, 0)
    for length, offset in entries:
        index += struct.pack(order + "IIIHH", 0, length, offset, 0, 0)
    return b"MPF\0" + index + bytes(4)


def read_with_libultrahdr(data: bytes) -> tuple[NDArray[np.uint8], dict[str, Any]]:
    """Return the gain map that libvips finds in a file, by libultrahdr, and its numbers."""
    pyvips = pytest.importorskip("pyvips")
    image = pyvips.Image.uhdrload_buffer(data)
    fields = {name: image.get(name) for name in image.get_fields() if name.startswith("gainmap-")}
    with Image.open(io.BytesIO(fields.pop("gainmap-data"))) as opened:
        return np.asarray(opened), fields


def mean_error(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """Return the mean absolute difference as a share of full intensity."""
    assert first.shape == second.shape
    return float(np.abs(first.astype(np.float64) - second).mean() / 255)
