"""Uploads with metadata, the JPEGs that the worker makes of them, and the tags that exiftool reads."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image
from PIL.PngImagePlugin import PngInfo

from contract.messages import Options
from tests.photos import file_of, photo
from worker.image.decode import decode
from worker.image.encode import encode, prepare_inputs

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


def make_exif(orientation: int = 6) -> Image.Exif:
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


def compress(data: bytes, **options: Any) -> bytes:
    """Return the JPEG that the worker makes of an upload."""
    chosen = Options(**options)
    decoded = decode(data, 10_000_000, chosen, lambda width_px, height_px: (height_px, width_px))
    pixels = np.asarray(decoded.image) if decoded.source is None else None
    inputs = prepare_inputs(pixels, chosen, decoded.source)
    return encode(
        pixels,
        SALIENCY,
        chosen,
        inputs,
        segments=decoded.segments,
        gain_map=decoded.gain_map,
        upload=data,
    ).jpeg


def read_tags(jpeg: bytes, folder: Path) -> dict[str, Any]:
    """Return the tags that exiftool reads from a JPEG; skip the test without exiftool."""
    tool = shutil.which("exiftool")
    if tool is None:
        pytest.skip("needs exiftool")
    path = folder / "photo.jpg"
    path.write_bytes(jpeg)
    finished = subprocess.run(
        [tool, "-json", "-G", "-n", "-a", str(path)],
        capture_output=True,
        check=True,
    )
    (tags,) = json.loads(finished.stdout)
    return {name: value for name, value in tags.items() if not name.startswith("File:")}


def make_upload(name: str, orientation: int = 6) -> bytes:
    if name == "PNG":
        return make_png()
    if name == "TIFF":
        return make_tiff(orientation)
    return file_of(photo(), name, exif=make_exif(orientation), xmp=XMP)


def make_tiff(orientation: int) -> bytes:
    """Return a TIFF; its own directory holds the EXIF tags and the XMP."""
    exif = Image.Exif()
    exif.load(make_exif(orientation).tobytes())
    exif[ExifTags.Base.XMLPacket] = XMP
    return file_of(photo(), "TIFF", exif=exif)


def make_png() -> bytes:
    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", XMP.decode())
    return file_of(photo(), exif=make_exif(), pnginfo=info)
