"""What a format's reader returns: samples as the file has them, and its metadata."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from codec import Source

ColourModel = Literal["grey", "rgb", "cmyk", "lab"]


@dataclass(frozen=True, slots=True)
class Cicp:
    """A colour space by code points (ITU-T H.273), of a PNG's cICP chunk or the nclx box of a HEIC or AVIF."""

    primaries: int
    transfer: int


@dataclass(frozen=True, slots=True)
class Samples:
    """A photo's samples in their own colour space and at their own depth, not rotated."""

    values: NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]
    """(height, width, channels): the model's channels, then alpha if any. Full intensity is 255 in
    uint8, 65,535 in uint16 and 1 in float32: readers scale other depths up and turn WhiteIsZero round.
    Floats may lie outside of 0 to 1. CMYK: 0 is no ink. Lab: as ICC.1 encodes it, L from 0 to full
    intensity, a and b with 0 at the half (128 and 32,896)."""
    model: ColourModel
    alpha: Literal["none", "straight", "premultiplied"] = "none"
    profile: bytes | None = None
    """The embedded ICC profile, or one made of what the file says in other ways. None: sRGB."""
    cicp: Cicp | None = None
    """Comes before the profile where a file has both (PNG, third edition, 4.3)."""


@dataclass(frozen=True, slots=True)
class Coefficients:
    """A JPEG's own coefficients, in place of its samples."""

    source: Source
    """Upright, unlike samples."""
    profile: bytes | None
    """As in `Samples`."""


@dataclass(frozen=True, slots=True)
class RawMetadata:
    """Metadata as a file has it, byte for byte, without the names and lengths of its container."""

    exif: bytes | None = None
    """A TIFF file without pixels (EXIF 2.32, 4.5), beginning with its byte order."""
    xmp: bytes | None = None
    extended_xmp: bytes | None = None
    """XMP part 3, 1.1.3.1: all of its segments joined, if they are complete."""
    image_resources: bytes | None = None
    """Photoshop's image resources, with IPTC among them, without "Photoshop 3.0"."""
    density: tuple[int, int, int] | None = None
    """Pixels along x and y per unit; unit as in JFIF: 0 none, 1 inch, 2 centimetre."""


@dataclass(frozen=True, slots=True)
class StoredPhoto:
    """A photo as its file stores it."""

    pixels: Samples | Image.Image | Coefficients
    """A picture of mode "RGB" or "L" needs nothing but its profile in ``info["icc_profile"]``, if any."""
    orientation: int = 1
    """EXIF 2.32, tag 0x0112: 1 to 8."""
    metadata: RawMetadata = field(default_factory=RawMetadata)
