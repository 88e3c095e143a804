"""What is kept of an upload's metadata is read back by other programs; nothing else is kept."""

import io
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms

import codec
from contract.errors import MaxBytesError
from contract.messages import Options
from tests.photos import file_of, photo, psnr
from worker.image.decode import decode
from worker.image.encode import encode, prepare_inputs
from worker.image.xmp import write_xmp

SALIENCY = np.ones((4, 4), np.float32)
XMP = b"""<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:tiff="http://ns.adobe.com/tiff/1.0/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:xmpRights="http://ns.adobe.com/xap/1.0/rights/"
 tiff:Orientation="6" xmp:CreatorTool="a secret tool" xmpRights:Marked="True">
<dc:rights><rdf:Alt><rdf:li xml:lang="x-default">(c) \xc3\x84nne</rdf:li></rdf:Alt></dc:rights>
<dc:creator><rdf:Seq><rdf:li>\xc3\x84nne</rdf:li></rdf:Seq></dc:creator>
<dc:description><rdf:Alt><rdf:li xml:lang="x-default">a secret place</rdf:li></rdf:Alt></dc:description>
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""
FORMATS = ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"]


def exif_of(orientation: int = 6) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.Artist] = "Someone"
    exif[ExifTags.Base.Copyright] = "(c) Someone"
    exif[ExifTags.Base.ImageDescription] = "a secret garden"
    exif[ExifTags.IFD.Exif] = {
        ExifTags.Base.ExposureTime: 0.01,
        ExifTags.Base.ExifImageWidth: 160,
        ExifTags.Base.ExifImageHeight: 120,
    }
    exif[ExifTags.IFD.GPSInfo] = {
        ExifTags.GPS.GPSLatitudeRef: "N",
        ExifTags.GPS.GPSLatitude: (48.0, 12.0, 0.0),
    }
    return exif


def compressed(data: bytes, **options: Any) -> bytes:
    """Return the JPEG as the worker makes it."""
    chosen = Options(**options)
    shown = decode(data, 10_000_000, chosen)
    pixels = np.asarray(shown.image)
    inputs = prepare_inputs(pixels, chosen, upload=data, orientation=shown.orientation)
    encoded: codec.Encoded = encode(
        pixels, SALIENCY, chosen, inputs, segments=shown.segments, upload=data
    )
    return encoded.jpeg


def read_tags(jpeg: bytes, folder: Path) -> dict[str, Any]:
    """Return what exiftool says of a file; skip where there is none."""
    tool = shutil.which("exiftool")
    if tool is None:
        pytest.skip("needs exiftool")
    path = folder / "photo.jpg"
    path.write_bytes(jpeg)
    shown = subprocess.run(
        [tool, "-json", "-G", "-n", "-a", str(path)],
        capture_output=True,
        check=True,
    )
    (tags,) = json.loads(shown.stdout)
    return {name: value for name, value in tags.items() if not name.startswith("File:")}


def upload(name: str, orientation: int = 6) -> bytes:
    if name == "PNG":
        return png()
    if name == "TIFF":
        return tiff(orientation)
    return file_of(photo(), name, exif=exif_of(orientation), xmp=XMP)


def tiff(orientation: int) -> bytes:
    """Return a TIFF, whose own directory is that of its EXIF."""
    exif = Image.Exif()
    exif.load(exif_of(orientation).tobytes())
    exif[700] = XMP
    return file_of(photo(), "TIFF", exif=exif)


def png() -> bytes:
    from PIL.PngImagePlugin import PngInfo  # noqa: PLC0415

    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", XMP.decode())
    return file_of(photo(), exif=exif_of(), pnginfo=info)


@pytest.mark.parametrize("name", FORMATS)
def test_by_default_nothing_is_kept(name: str) -> None:
    jpeg = compressed(upload(name))
    for word in (b"secret", b"Someone", b"Exif", b"adobe:ns", b"GPS"):
        assert word not in jpeg
    with Image.open(io.BytesIO(jpeg)) as opened:
        assert opened.size == (120, 160)
        assert not opened.getexif()


@pytest.mark.parametrize("name", FORMATS)
def test_copyright_keeps_who_and_whose_and_nothing_else(name: str, tmp_path: Path) -> None:
    jpeg = compressed(upload(name), metadata="copyright")
    assert b"secret" not in jpeg
    assert b"GPS" not in jpeg
    with Image.open(io.BytesIO(jpeg)) as opened:
        assert opened.size == (120, 160)
        exif = opened.getexif()
        assert dict(exif) == {
            ExifTags.Base.Artist: "Someone",
            ExifTags.Base.Copyright: "(c) Someone",
        }
        assert not exif.get_ifd(ExifTags.IFD.GPSInfo)
    tags = read_tags(jpeg, tmp_path)
    assert tags["EXIF:Copyright"] == "(c) Someone"
    assert tags["XMP:Creator"] == "Änne"
    assert tags["XMP:Rights"] == "(c) Änne"
    assert tags["XMP:Marked"] is True
    assert not any("GPS" in tag or "Description" in tag or "Orientation" in tag for tag in tags)
    assert "ExifTool:Warning" not in tags


@pytest.mark.parametrize("name", FORMATS)
def test_all_keeps_everything_but_the_orientation(name: str, tmp_path: Path) -> None:
    jpeg = compressed(upload(name), metadata="all", width=60)
    with Image.open(io.BytesIO(jpeg)) as opened:
        assert opened.size == (60, 80)
        exif = opened.getexif()
        assert exif[ExifTags.Base.Orientation] == 1
        assert exif[ExifTags.Base.ImageDescription] == "a secret garden"
        assert exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] == (48.0, 12.0, 0.0)
    tags = read_tags(jpeg, tmp_path)
    assert tags["EXIF:Orientation"] == 1
    assert tags["EXIF:ExposureTime"] == 0.01
    assert (tags["EXIF:ExifImageWidth"], tags["EXIF:ExifImageHeight"]) == (60, 80)
    assert tags["EXIF:GPSLatitude"] == 48.2
    assert tags.get("XMP:Orientation", 1) == 1  # Pillow's TIFF reader has taken it out already
    assert tags["XMP:CreatorTool"] == "a secret tool"
    assert tags["XMP:Rights"] == "(c) Änne"
    assert "ExifTool:Warning" not in tags


def display_p3() -> bytes:
    """Return a wide profile: sRGB's, its red and green primaries moved in place."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = int.from_bytes(profile[128:132], "big")
    for number in range(count):
        at = 132 + 12 * number
        if bytes(profile[at : at + 4]) in {b"rXYZ", b"gXYZ"}:
            offset = int.from_bytes(profile[at + 4 : at + 8], "big") + 8
            x, y, z = (
                (0.5151, 0.2412, -0.0011)
                if profile[at : at + 4] == b"rXYZ"
                else (0.2920, 0.6922, 0.0419)
            )
            for place, value in enumerate((x, y, z)):
                fixed = round(value * 65_536).to_bytes(4, "big", signed=True)
                profile[offset + 4 * place : offset + 4 * place + 4] = fixed
        if profile[at : at + 4] == b"desc":
            offset = int.from_bytes(profile[at + 4 : at + 8], "big")
            length = int.from_bytes(profile[at + 8 : at + 12], "big")
            text = bytes(profile[offset : offset + length])
            profile[offset : offset + length] = text.replace(b"s\0R\0G\0B", b"w\0i\0d\0e").replace(
                b"sRGB", b"wide"
            )
    return bytes(profile)


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_wide_photo_looks_the_same_with_either_colour_rule(name: str) -> None:
    profile = display_p3()
    soft = Image.fromarray(photo()).resize((40, 30)).resize((160, 120), Image.Resampling.BICUBIC)
    options = {"lossless": True} if name == "WEBP" else {"quality": 98} if name == "JPEG" else {}
    data = file_of(soft, name, icc_profile=profile, **options)

    def shown(jpeg: bytes) -> np.ndarray[Any, np.dtype[np.uint8]]:
        with Image.open(io.BytesIO(jpeg)) as opened:
            own = opened.info.get("icc_profile")
            if own is None:
                return np.asarray(opened.convert("RGB"))
            converted = ImageCms.profileToProfile(
                opened, ImageCms.ImageCmsProfile(io.BytesIO(own)), ImageCms.createProfile("sRGB")
            )
            assert converted is not None
            return np.asarray(converted)

    before = shown(data)
    for metadata in ("none", "copyright", "all"):
        jpeg = compressed(data, metadata=metadata, quality=95, subsampling="444", strength=0)
        with Image.open(io.BytesIO(jpeg)) as opened:
            assert opened.info.get("icc_profile") == (profile if metadata == "all" else None)
        assert psnr(shown(jpeg), before) > 33, metadata
    raw = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    assert psnr(raw, before) < 30  # who ignores the profile sees other colours


def test_a_profile_of_another_kind_of_colours_is_not_kept() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    for data in (
        file_of(photo(), icc_profile=profile),
        file_of(photo(), icc_profile=b"nonsense" * 100),
        file_of(Image.fromarray(photo()).convert("CMYK"), "JPEG", icc_profile=display_p3()),
        file_of(photo()[..., 0], icc_profile=display_p3()),
    ):
        assert b"ICC_PROFILE" not in compressed(data, metadata="all")


def test_a_large_profile_is_split_over_segments() -> None:
    profile = bytearray(display_p3())
    profile += bytes(200_000)
    profile[0:4] = len(profile).to_bytes(4, "big")
    jpeg = compressed(file_of(photo(), icc_profile=bytes(profile)), metadata="all")
    assert jpeg.count(b"ICC_PROFILE\0") == 4
    with Image.open(io.BytesIO(jpeg)) as opened:
        assert opened.info["icc_profile"] == profile


def test_max_bytes_counts_metadata() -> None:
    data = upload("JPEG")
    for max_bytes in (4000, 5000):
        jpeg = compressed(data, metadata="all", max_bytes=max_bytes, quality=95)
        assert max_bytes * 0.9 < len(jpeg) <= max_bytes
        assert b"Someone" in jpeg
    with pytest.raises(MaxBytesError, match="max_bytes is 300; "):
        compressed(data, metadata="all", max_bytes=300)


def test_an_upload_that_keeps_everything_may_pass() -> None:
    size = {"quality": 95, "target": "size", "metadata": "all"}
    first = compressed(file_of(photo(), "JPEG", quality=40, exif=exif_of(1)), **size)
    assert b"secret" in first
    assert compressed(first, **size) == first
    assert compressed(first, **{**size, "progressive": False}) != first
    bare = compressed(first, **{**size, "metadata": "none"})
    assert b"secret" not in bare
    assert len(bare) < len(first)


BOMB = b'<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a "aaaaaaaaaa"><!ENTITY c "&a;&a;&a;&a;">]><b>&c;</b>'


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"nonsense",
        b"<a>",
        BOMB,
        b"\xff\xfe<a/>",
        b'<?xml version="1.0" encoding="x-unknown"?><a/>',
        b"<a>" * 100_000,
        XMP.replace(b"<x:xmpmeta", b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x:xmpmeta'),
        XMP[:-100],
    ],
)
def test_xmp_that_is_no_sound_xml_is_left_out(packet: bytes) -> None:
    for keep in ("copyright", "all"):
        assert write_xmp(packet, keep, 65_000) is None  # type: ignore[arg-type]
        jpeg = compressed(file_of(photo(), "JPEG", xmp=packet[:60_000]), metadata=keep)
        assert b"ns.adobe.com" not in jpeg


def test_xmp_without_an_orientation_is_kept_byte_for_byte() -> None:
    packet = XMP.replace(b'tiff:Orientation="6"', b"")
    assert write_xmp(packet, "all", 65_000) == packet
    assert write_xmp(packet, "all", 100) is None
    plain = packet.replace(b"dc:rights", b"dc:x").replace(b"dc:creator", b"dc:y")
    assert write_xmp(plain.replace(b"xmpRights:Marked", b"xmp:Marked"), "copyright", 65_000) is None


@pytest.mark.filterwarnings("ignore::UserWarning")  # as the worker does
@pytest.mark.parametrize("seed", range(30))
def test_damaged_exif_never_costs_the_photo(seed: int) -> None:
    rng = np.random.default_rng(seed)
    exif = bytearray(exif_of(1).tobytes())
    for at in rng.integers(6, len(exif), 12):
        exif[at] = rng.integers(0, 256)
    data = file_of(photo(40, 30), "JPEG", exif=bytes(exif))
    for keep in ("copyright", "all"):
        with Image.open(io.BytesIO(compressed(data, metadata=keep))) as opened:
            opened.load()
            assert sorted(opened.size) == [30, 40]
            assert opened.getexif().get(0x0112, 1) == 1


def test_exif_too_long_for_a_segment_is_left_out() -> None:
    exif = exif_of(1)
    exif[ExifTags.Base.ImageDescription] = "x" * 70_000
    jpeg = compressed(file_of(photo(), "PNG", exif=exif), metadata="all")
    assert b"Exif" not in jpeg
    exif = exif_of(1)
    exif[ExifTags.IFD.Exif] = {0x927C: b"m" * 70_000, ExifTags.Base.ExposureTime: 0.01}
    jpeg = compressed(file_of(photo(), "PNG", exif=exif), metadata="all")
    assert b"Someone" in jpeg  # the maker's own notes go first
    assert b"mmmm" not in jpeg
