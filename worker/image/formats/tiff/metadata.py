"""A TIFF's metadata: its own directory is its EXIF."""

from typing import Final

from worker.image.formats.tiff.directory import Directory
from worker.image.samples import RawMetadata

ORIENTATION, X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 274, 282, 283, 296
XMP, IPTC, IMAGE_RESOURCES, ICC_PROFILE = 700, 33_723, 34_377, 34_675
# Those of print templates have some megabytes.
LONGEST_BYTES: Final = 4 << 20
# TIFF 6.0, section 8: none, inch, centimetre; and JFIF's numbers for them.
UNITS: Final = {1: 0, 2: 1, 3: 2}


def read_orientation(directory: Directory) -> int:
    """Return the orientation, 1 to 8; 1 if it is none of these."""
    orientation = int(next(iter(directory.numbers(ORIENTATION, 1)), 1))
    return orientation if orientation in range(1, 9) else 1


def read_profile(directory: Directory) -> bytes | None:
    """Return the ICC profile."""
    return directory.content(ICC_PROFILE, LONGEST_BYTES)


def read_metadata(directory: Directory) -> RawMetadata:
    """Return metadata; `RawMetadata.exif` is the whole file."""
    return RawMetadata(
        exif=directory.data,
        xmp=directory.content(XMP, LONGEST_BYTES),
        image_resources=read_image_resources(directory),
        density=read_density(directory),
    )


def read_image_resources(directory: Directory) -> bytes | None:
    """Return Photoshop's image resources, or IPTC alone as one of them."""
    if resources := directory.content(IMAGE_RESOURCES, LONGEST_BYTES):
        return resources
    iptc = directory.content(IPTC, LONGEST_BYTES)
    if not iptc or not iptc.startswith(b"\x1c"):
        return None
    # Photoshop file formats, image resource blocks: IPTC has number 0x0404.
    head = b"8BIM\x04\x04\0\0" + len(iptc).to_bytes(4, "big")
    return head + iptc + b"\0" * (len(iptc) % 2)


def read_density(directory: Directory) -> tuple[int, int, int] | None:
    """Return pixels per unit across and down, and JFIF's number of the unit."""
    unit = int(next(iter(directory.numbers(RESOLUTION_UNIT, 1)), 2))
    densities = [
        round(float(next(iter(directory.numbers(number, 1)), 0)))
        for number in (X_RESOLUTION, Y_RESOLUTION)
    ]
    if unit not in UNITS or not all(0 < density < 65_536 for density in densities):
        return None
    return densities[0], densities[1], UNITS[unit]
