"""Which properties of XMP have to change so that they describe the finished photo (XMP part 2)."""

import re
from functools import partial
from typing import Final

from worker.image.metadata.geometry import Geometry
from worker.image.metadata.xmp_editor import Rule, drop

ADOBE, GOOGLE, APPLE = (
    "http://ns.adobe.com/",
    "http://ns.google.com/photos/",
    "http://ns.apple.com/",
)
TIFF, EXIF, PHOTOSHOP = ADOBE + "tiff/1.0/", ADOBE + "exif/1.0/", ADOBE + "photoshop/1.0/"
DC: Final = "http://purl.org/dc/elements/1.1/"
NOTE: Final = "http://ns.adobe.com/xmp/note/"
PANORAMA: Final = GOOGLE + "1.0/panorama/"

# Gain maps, depth maps, further pictures and sound: beside the photo or in its XMP, and not kept.
PARTS: Final = (
    *(ADOBE + "hdr-gain-map/1.0/", ADOBE + "hdr-metadata/1.0/"),
    *(GOOGLE + "1.0/" + name for name in ("container/", "depthmap/", "focus/", "image/", "audio/")),
    GOOGLE + "dd/1.0/",  # Dynamic Depth: a dozen namespaces
    *(APPLE + name for name in ("HDRGainMap/", "pixeldatainfo/", "depthData/", "depthBlurEffect/")),
    *(APPLE + name for name in ("portraitEffectsMatte/", "semanticSegmentationMatte/")),
)
# A video behind the photo: of Google, and of the makers who use its names with their own namespaces.
VIDEO: Final = re.compile(r"MotionPhoto|MicroVideo|OLivePhoto|VideoLength")
# Thumbnails; a manifest of C2PA, whose checksum does not hold any more; how samples were stored.
DROPPED: Final = frozenset(
    {
        (ADOBE + "xap/1.0/", "Thumbnails"),
        ("http://purl.org/dc/terms/", "provenance"),
        *((TIFF, name) for name in ("BitsPerSample", "Compression", "PhotometricInterpretation")),
        *((TIFF, name) for name in ("SamplesPerPixel", "PlanarConfiguration", "YCbCrSubSampling")),
        (EXIF, "CompressedBitsPerPixel"),
    }
)
# Places in the photo, and its pixels per unit of the sensor.
IN_PIXELS: Final = frozenset(
    {
        *((EXIF, name) for name in ("SubjectArea", "SubjectLocation", "FocalPlaneXResolution")),
        *((EXIF, name) for name in ("FocalPlaneYResolution", "FocalPlaneResolutionUnit")),
        ("http://iptc.org/std/Iptc4xmpExt/2008-02-29/", "ImageRegion"),
    }
)
# Places in shares of the sides: MWG, Microsoft, ACDSee.
IN_SHARES: Final = frozenset({"Regions", "RegionInfo"})
DIMENSIONS: Final = "AppliedToDimensions"
# Width and height.
SIDES: Final = {
    (TIFF, "ImageWidth"): 0,
    (TIFF, "ImageLength"): 1,
    (EXIF, "PixelXDimension"): 0,
    (EXIF, "PixelYDimension"): 1,
}
# Photoshop: greyscale and RGB.
COLOUR_MODES: Final = frozenset({"1", "3"})


def is_part(namespace: str) -> bool:
    """Return whether all properties of a namespace are about parts that are not kept."""
    return namespace.startswith(PARTS)


class Rules:
    """Finds the rule for a property."""

    def __init__(
        self, geometry: Geometry, *, has_profile: bool, extension: str | None = None
    ) -> None:
        """``extension`` is the digest that names the extended XMP, None if there is none."""
        self._geometry = geometry
        self._has_profile = has_profile
        self._extension = extension

    def find(self, namespace: str, name: str, around: list[str]) -> Rule | None:
        """Return the rule for a property, by the names of the elements around it; None to keep it."""
        full_name = (namespace, name)
        if self._is_false(full_name):
            return drop
        side = SIDES.get(full_name)
        if side is None and DIMENSIONS in around:
            side = {"w": 0, "h": 1}.get(name)
        if side is not None:
            return partial(_become, str(self._geometry.finished_px[side]))
        if namespace == PANORAMA:
            return self._find_for_panorama(name)
        return self._find_for_file(full_name)

    def _is_false(self, full_name: tuple[str, str]) -> bool:
        """Return whether a property does not hold for the finished photo, whatever its value is."""
        namespace, name = full_name
        return (
            is_part(namespace)
            or full_name in DROPPED
            or VIDEO.match(name) is not None
            or (full_name in IN_PIXELS and not self._geometry.is_unchanged)
            or ((name in IN_SHARES or namespace == PANORAMA) and self._geometry.moves_places)
        )

    def _find_for_file(self, name: tuple[str, str]) -> Rule | None:
        if name == (TIFF, "Orientation"):
            return partial(_become, "1")
        if name == (DC, "format"):
            return partial(_become, "image/jpeg")
        if name == (PHOTOSHOP, "ColorMode"):
            return _keep_colour_mode
        if name == (PHOTOSHOP, "ICCProfile") and not self._has_profile:
            return drop
        if name == (NOTE, "HasExtendedXMP"):
            return drop if self._extension is None else partial(_become, self._extension)
        return None

    def _find_for_panorama(self, name: str) -> Rule | None:
        """Return the rule for Google's panorama, which has places and sizes in pixels."""
        is_across = name.endswith(("WidthPixels", "LeftPixels", "RectWidth", "RectLeft"))
        is_down = name.endswith(("HeightPixels", "TopPixels", "RectHeight", "RectTop"))
        if not (is_across or is_down):
            return None
        sides = zip(self._geometry.finished_px, self._geometry.stored_px, strict=True)
        return partial(_scale, *list(sides)[is_down])


def _become(value: str, _text: str) -> str:
    return value


def _scale(finished_px: int, stored_px: int, text: str) -> str | None:
    if not re.fullmatch(r"[0-9]{1,9}", text):
        return None
    return text if finished_px == stored_px else str(round(int(text) * finished_px / stored_px))


def _keep_colour_mode(text: str) -> str | None:
    return text if text in COLOUR_MODES else None
