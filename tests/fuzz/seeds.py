"""Generated seed files: one small file for each supported format and variant."""

import io
from collections.abc import Iterator
from typing import Any

from PIL import Image, ImageCms

from tests.photos import file_of, photo


def make_seeds() -> Iterator[tuple[str, bytes]]:
    """Yield the name and the contents of each file."""
    image = Image.fromarray(photo(24, 18))
    exif = Image.Exif()
    exif[0x0112], exif[0x8298], exif[0x010F] = 6, "Ada Example", "Camera"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/></x:xmpmeta>'
    jpegs: dict[str, dict[str, Any]] = {
        "plain": {},
        "progressive": {"progressive": True},
        "444": {"subsampling": 0, "quality": 95},
        "422": {"subsampling": 1},
        "restarts": {"restart_marker_blocks": 2},
        "exif": {"exif": exif, "icc_profile": profile, "xmp": xmp, "comment": b"a comment"},
    }
    for name, options in jpegs.items():
        yield f"{name}.jpg", file_of(image, "JPEG", **options)
    for mode in ("L", "CMYK"):
        yield f"{mode}.jpg", file_of(image.convert(mode), "JPEG")
    buffer = io.BytesIO()
    image.save(buffer, "MPO", save_all=True, append_images=[image])
    yield "two.mpo", buffer.getvalue()
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"):
        yield (
            f"{mode.replace(';', '')}.png",
            file_of(image.convert("L" if ";" in mode else mode).convert(mode), "PNG"),
        )
    yield "exif.png", file_of(image, "PNG", exif=exif, icc_profile=profile)
    yield "lossy.webp", file_of(image, "WEBP", exif=exif, xmp=xmp)
    yield "lossless.webp", file_of(image.convert("RGBA"), "WEBP", lossless=True)
    for name, suffix in (("GIF", "gif"), ("WEBP", "webp"), ("PNG", "png")):
        yield (
            f"animated.{suffix}",
            file_of(
                image.convert("P") if name == "GIF" else image,
                name,
                save_all=True,
                append_images=[image.rotate(90)],
            ),
        )
    for mode in ("1", "P", "RGB"):
        yield f"{mode}.bmp", file_of(image.convert(mode), "BMP")
    for compression in ("raw", "tiff_lzw", "packbits", "tiff_adobe_deflate", "jpeg"):
        yield f"{compression}.tif", file_of(image, "TIFF", compression=compression)
    for mode in ("1", "P", "CMYK", "F", "I;16", "LAB"):
        converted = (
            ImageCms.profileToProfile(
                image,
                ImageCms.createProfile("sRGB"),
                ImageCms.createProfile("LAB"),
                outputMode="LAB",
            )
            if mode == "LAB"
            else image.convert("L").convert(mode)
        )
        yield f"{mode.replace(';', '')}.tif", file_of(converted, "TIFF")
    yield "plain.heic", file_of(image, "HEIC")
    yield "plain.avif", file_of(image, "AVIF", speed=10, exif=exif)
