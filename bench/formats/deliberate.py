"""Deliberate differences from other decoders: what ours shows or refuses in another way, and why.

`docs/formats.md` has the same reasons.
"""

from typing import Final

CICP: Final = "cICP in a PNG is applied; others ignore it."
GAMMA: Final = (
    "gAMA and cHRM in a PNG are applied, as browsers do; others ignore cHRM, and most gAMA."
)
LOW_BITS: Final = (
    "The greatest value of a BMP's mask is full intensity; others fill the low bits with zeros."
)
MASKED_ALPHA: Final = (
    "Alpha by a BMP's masks counts at any depth; others ignore it or scale it in another way."
)
WHITE_IS_ZERO: Final = "WhiteIsZero in a TIFF is inverted at any depth; others at some."
DEPTH_24: Final = "TIFFs of 24 bits per sample have the byte order of the file; others show noise."
SIGNED: Final = (
    "Signed samples in a TIFF are told by their smoothness; others cut or wrap negative ones."
)
ALPHA_PLANE: Final = "Alpha in a plane of its own counts beside grey in a TIFF; others misread it."
ICC_LAB: Final = "Lab as ICC stores it has its zero at the half; others take it as CIE's."
HEIF: Final = "Alpha and profiles of HEIC and AVIF count; ImageMagick 6 and FFmpeg ignore them."
NCLX: Final = "nclx in an AVIF is applied where there is no ICC profile; others ignore it."
YCGCO: Final = "YCgCo of 10 bits in an AVIF is read as the standard says; libheif 1.15 misreads it."

# Pattern of the file's name, pattern of what ours says (a size, or status and text), and the reason.
DELIBERATE: Final[tuple[tuple[str, str, str], ...]] = (
    ("png-*-cicp-*", "*×*", CICP),
    ("png-*-gama-*", "*×*", GAMMA),
    ("bmp-masks-444-*", "*×*", LOW_BITS),
    ("bmp-masks-1555-*", "*×*", MASKED_ALPHA),
    ("bmp-masks-4444-*", "*×*", MASKED_ALPHA),
    ("bmp-masks-1010102-*", "*×*", MASKED_ALPHA),
    ("tiff-*-white-is-zero.tif", "*×*", WHITE_IS_ZERO),
    ("tiff-*-24*.tif", "*×*", DEPTH_24),
    ("tiff-*-signed-*", "*×*", SIGNED),
    ("tiff-grey-8-alpha-planar.tif", "*×*", ALPHA_PLANE),
    ("tiff-lab-*-icc.tif", "*×*", ICC_LAB),
    ("heic-*-alpha.heic", "*×*", HEIF),
    ("heic-*-icc-*", "*×*", HEIF),
    ("avif-*-ycgco.avif", "*×*", YCGCO),
    ("avif-*-nclx-*", "*×*", NCLX),
)
