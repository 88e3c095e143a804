"""Reads HEIC and other HEIF files of HEVC with libheif, in the confined decoder only.

libheif applies crop, rotation and mirroring (ISO/IEC 23008-12, 6.5), puts grids and overlays together,
and converts to RGB by the matrix of the ``nclx`` box or the bitstream.
"""

from typing import Any, Final, Literal, cast

import numpy as np
from numpy.typing import NDArray
from pi_heif import options
from pi_heif.heif import HeifImage, open_heif

from contract.errors import CorruptImageError, UnsupportedImageError
from worker.image.formats.heif_metadata import complete_cicp, strip_exif
from worker.image.formats.heif_repairs import repair_heic
from worker.image.samples import Cicp, ColourModel, RawMetadata, Samples, StoredPhoto

# Tiles one after the other: the worker has a decoder for each of its threads.
options.DECODE_THREADS = 0
options.THUMBNAILS = False
options.DEPTH_IMAGES = False
options.AUX_IMAGES = False

# Of libheif's errors: a list of references has an item twice; an identity of an identity, with a size that
# isn't the declared one, or in a file of MIAF, which forbids it.
USED_TWICE: Final = "double references"
OTHER_SIZE, DERIVED_TWICE, IDENTITY = "size signaled", "from another 'iden'", b"iden"

Values = NDArray[np.uint8] | NDArray[np.uint16]

# Pillow's modes without their depth.
MODES: Final[dict[str, tuple[ColourModel, Literal["none", "straight", "premultiplied"]]]] = {
    "L": ("grey", "none"),
    "I": ("grey", "none"),
    "LA": ("grey", "straight"),
    "La": ("grey", "premultiplied"),
    "RGB": ("rgb", "none"),
    "RGBA": ("rgb", "straight"),
    "RGBa": ("rgb", "premultiplied"),
}


def read(data: bytes) -> StoredPhoto:
    """Return the primary picture in ``data``, upright.

    Raises:
        UnsupportedImageError: when it is coded in a way that libheif can't decode here.
        CorruptImageError: when it can't be decoded completely.
    """
    try:
        file = open_heif(repair_heic(data), convert_hdr_to_8bit=False)
        image = next((image for image in file if image.info["primary"]), None)
        if image is None:
            raise UnsupportedImageError(
                "The HEIC's primary picture is of a kind that is not supported."
            )
        image.load()
    except (SyntaxError, RuntimeError) as error:
        raise UnsupportedImageError("The HEIC is coded in a way that is not supported.") from error
    except OSError as error:
        raise MemoryError from error
    except (ValueError, EOFError) as error:
        raise_unsupported(error, data)
        raise CorruptImageError("The image's data is truncated or damaged.") from error
    model, alpha = MODES[image.mode.partition(";")[0]]
    info = cast("dict[str, Any]", image.info)
    samples = Samples(
        read_values(image),
        model,
        alpha,
        info.get("icc_profile"),
        None if "icc_profile" in info else read_nclx(info.get("nclx_profile")),
    )
    return StoredPhoto(samples, metadata=RawMetadata(strip_exif(info["exif"]), info.get("xmp")))


def raise_unsupported(error: Exception, data: bytes) -> None:
    """Raise UnsupportedImageError if libheif refuses a file that may be as the standard has it."""
    if USED_TWICE in str(error):
        detail = "A HEIC whose grid or overlay has a picture twice is not supported."
        raise UnsupportedImageError(detail) from error
    if DERIVED_TWICE in str(error) or (OTHER_SIZE in str(error) and IDENTITY in data):
        detail = "A HEIC with an identity of a derived picture is not supported."
        raise UnsupportedImageError(detail) from error


def read_values(image: HeifImage) -> Values:
    """Return the samples; libheif's 16 bits have zeros below those of the file."""
    bits = cast("int", image.info["bit_depth"])
    name, _, deep = image.mode.partition(";")
    channels = {"I": 1}.get(name, len(name))
    width_px, height_px = image.size
    if not deep:
        values = np.frombuffer(image.data, np.uint8)
        return values.reshape(height_px, -1, channels)[:, :width_px]
    samples = np.frombuffer(image.data, np.uint16).reshape(height_px, -1, channels)[:, :width_px]
    # The upper bits again in the lower ones: the largest value becomes 65,535.
    return samples | samples >> np.uint16(bits)


def read_nclx(profile: dict[str, Any] | None) -> Cicp | None:
    """Return the code points of an ``nclx`` box, as libheif has it."""
    if profile is None:
        return None
    return complete_cicp(int(profile["color_primaries"]), int(profile["transfer_characteristics"]))
