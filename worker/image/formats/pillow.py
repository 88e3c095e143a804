"""Reads an image with Pillow: its picture, or its samples where the picture has alpha or other colours."""

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from contract.errors import CorruptImageError, UnsupportedImageError
from contract.image_headers.read import ImageHeader, check_size
from contract.images import NOT_AN_IMAGE
from contract.messages import Options
from worker.image.limits import ImageFile, drop_long_exif
from worker.image.resize import draft, find_bounds
from worker.image.samples import ColourModel, Samples

# Registers all of Pillow's readers: `formats` may name registered ones only.
Image.init()

Values = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]
Alpha = Literal["none", "straight", "premultiplied"]

ORIENTATION: Final = 0x0112
DEEP_MODES: Final = frozenset({"I", "I;16", "I;16L", "I;16B", "I;16N"})
MODELS: Final[dict[str, ColourModel]] = {"CMYK": "cmyk", "LAB": "lab", "La": "grey", "RGBa": "rgb"}


def open_image(data: bytes, header: ImageHeader, max_pixels: int, options: Options) -> Image.Image:
    """Return an image with its pixels; a JPEG at the least size that is enough for ``options``.

    Raises:
        UnsupportedImageError: when Pillow finds another format than the header's reader.
        TooManyPixelsError: when Pillow finds another size, and that is too large.
        CorruptImageError: when the header is damaged.
    """
    try:
        image = Image.open(ImageFile(data), formats=[header.format])
    except UnidentifiedImageError as error:
        raise UnsupportedImageError(NOT_AN_IMAGE) from error
    except Exception as error:  # Pillow's readers raise many kinds of errors for damaged headers
        raise CorruptImageError("The image's header is damaged.") from error
    # Pillow may have found another size, as in a PNG with two headers.
    check_size(ImageHeader(header.format, *image.size), max_pixels)
    if header.format != "JPEG":
        image.load()  # in a PNG, EXIF may follow the pixels
    drop_long_exif(image)
    if header.format == "JPEG":
        draft(image, find_bounds(options, read_orientation(image)))
        image.load()
    return image


def read_orientation(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 to 8."""
    orientation = image.getexif().get(ORIENTATION, 1)
    return orientation if orientation in range(1, 9) else 1


def read_pixels(image: Image.Image) -> Samples | Image.Image:
    """Return a picture of mode "L" or "RGB" as it is, another one as such or as samples."""
    has_alpha = image.mode in {"LA", "PA", "RGBA"} or "transparency" in image.info
    profile = image.info.get("icc_profile")
    if image.mode in {"1", "L", "P", "RGB"} and not has_alpha:
        if image.mode in {"L", "RGB"}:
            return image
        picture = image.convert("L" if image.mode == "1" else "RGB")
        picture.info["icc_profile"] = profile
        return picture
    values, model, alpha = read_samples(image, has_alpha=has_alpha)
    return Samples(values, model, alpha, profile if isinstance(profile, bytes) else None)


def read_samples(image: Image.Image, *, has_alpha: bool) -> tuple[Values, ColourModel, Alpha]:
    """Return samples, (height, width, channels), and what they mean."""
    if image.mode in DEEP_MODES:
        return read_deep(image)
    if image.mode == "F":
        return scale_floats(np.asarray(image))[..., None], "grey", "none"
    if image.mode in MODELS:
        alpha: Alpha = "premultiplied" if image.mode.endswith("a") else "none"
        return np.asarray(image), MODELS[image.mode], alpha
    if not has_alpha:
        return np.asarray(image.convert("RGB")), "rgb", "none"
    grey = image.mode in {"1", "L", "LA"}
    values = np.asarray(image.convert("LA" if grey else "RGBA"))
    return values, "grey" if grey else "rgb", "straight"


def read_deep(image: Image.Image) -> tuple[Values, ColourModel, Alpha]:
    """Return greyscale of 16 bits; one level may be transparent."""
    levels = np.asarray(image)[..., None]
    values = np.clip(levels, 0, 65_535).astype(np.uint16)
    transparent = image.info.get("transparency")
    if not isinstance(transparent, int):
        return values, "grey", "none"
    alpha = np.where(levels == transparent, 0, 65_535).astype(np.uint16)
    return np.concatenate([values, alpha], axis=2), "grey", "straight"


def scale_floats(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return samples with full intensity 1.

    Floating-point TIFFs use 0 to 1 or 0 to 255, and no tag tells which.
    """
    return values if np.nanmax(values, initial=0.0) <= 1.0 else values / np.float32(255)
