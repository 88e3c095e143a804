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
HDR: Final = (
    "PQ and HLG are mapped to SDR ([colours](#colours)); others show them as stored, and Chromium"
    " maps them in another way."
)
DERIVED: Final = (
    "Rotation, crop, grids and overlays of HEIC and AVIF count; FFmpeg ignores them, and other"
    " versions of libheif and ImageMagick some."
)
FRACTIONAL_CROP: Final = (
    "A crop (clap) that does not begin at a whole pixel is ignored, as libavif does; libheif rounds"
    " it."
)
DEEP_ALPHA: Final = (
    "Alpha in an AVIF is applied at full depth and by its range, as libavif does; Chromium, FFmpeg"
    " and libheif differ for some depths and subsamplings."
)
SEQUENCE_ALPHA: Final = (
    "Alpha of an AVIF sequence counts, as libavif does; FFmpeg ignores it, and others read no"
    " sequence."
)
SEQUENCE: Final = (
    "A damaged AVIF sequence shows what libavif decodes first; Chromium and FFmpeg show another"
    " picture."
)
OLD_JPEG: Final = (
    "Old-style JPEG in a TIFF is shown in its colours; ImageMagick 6 shows YCbCr as RGB, and FFmpeg"
    " nothing."
)
LOSSLESS: Final = (
    "Lossless JPEG is read as T.81 says, in a TIFF too; FFmpeg misreads it, and others refuse it."
)
FLOATS: Final = (
    "The range of floating-point samples in a TIFF is found from them; ImageMagick always takes 1,"
    " and others take 16-bit ones for integers."
)
LAB: Final = (
    "Lab in a TIFF has the white D50; ImageMagick takes D65, and libvips misreads its alpha."
)
DEFLATE: Final = "PixTIFF's number for Deflate is known; libvips shows black, and others refuse it."
EXTRA: Final = (
    "An extra sample of a TIFF without a meaning is alpha if there is one and it isn't 0 everywhere;"
    " others count it always or never."
)
LUMINANCE: Final = "SGILog in a TIFF is converted by libtiff; libvips and ImageMagick show its numbers as they are."
NO_ALPHA: Final = (
    "Alpha that is 0 in all pixels of a 32-bit BMP means opaque, by masks too; others show white."
)
DEEP: Final = (
    "Integers of more than 16 bits in a TIFF may hold shallower ones; others show black or white."
)
INKS: Final = "CMYK without a profile is converted by ink and light; libvips has a default profile."
DIVIDED: Final = (
    "Pixels of a PNG that other chunks divide are read; Chromium shows their first part, and others"
    " refuse them."
)
DAMAGED: Final = (
    "Damaged run lengths in a BMP, and damaged fax or missing strips in a TIFF, are shown as far as"
    " they go; programs differ in what follows."
)

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
    ("*/libavif/*_hdr_*.avif", "*×*", HDR),
    ("*/libavif/*gainmap*.avif", "*×*", HDR),
    ("*/libavif/*p3pq.avif", "*×*", HDR),
    ("*/heif_conformance/*/C006.heic", "*×*", HEIF),
    ("*/heif_conformance/*/C052.heic", "*×*", HEIF),
    ("*/heif_conformance/*/C008.heic", "*×*", DERIVED),
    ("*/heif_conformance/*/C014.heic", "*×*", DERIVED),
    ("*/corpus/colors-with-alpha*.heic", "*×*", HEIF),
    ("*/iphone_*.HEIC", "*×*", HEIF),
    ("*/libavif/*/alpha_noispe.avif", "*×*", DEEP_ALPHA),
    ("*/libavif/*/cl?p_irot_im?r*.avif", "*×*", DEEP_ALPHA),
    ("*/plum-blossom-*.alpha-limited.avif", "*×*", DEEP_ALPHA),
    ("*/star-*-with-alpha.avifs", "*×*", SEQUENCE_ALPHA),
    ("*/kimono*.crop.avif", "*×*", FRACTIONAL_CROP),
    ("*/ojpeg*.tif*", "*×*", OLD_JPEG),
    ("*/old-style-jpeg-*.tif", "*×*", OLD_JPEG),
    ("*/WangJPEG.tif", "*×*", OLD_JPEG),
    ("*/foto_0001.tif", "*×*", OLD_JPEG),
    ("*/662260-color.tif", "*×*", OLD_JPEG),
    ("*/smallliz.tif", "*×*", OLD_JPEG),
    ("*/zackthecat.tif", "*×*", OLD_JPEG),
    ("*/libtiff.net/TestCase/0002.tif", "*×*", OLD_JPEG),
    ("*/jpeg-lossless/*.jpg", "*×*", LOSSLESS),
    ("*/jpeg-lossless-*.tif", "*×*", LOSSLESS),
    ("*/flower-*-24.tif", "*×*", DEPTH_24),
    ("*/tiger-*-24.tif*", "*×*", DEPTH_24),
    ("*/seq-*-24b-*.tiff", "*×*", DEPTH_24),
    ("*/seq-*-miniswhite-*.tiff", "*×*", WHITE_IS_ZERO),
    ("*/miniswhite-*.tiff", "*×*", WHITE_IS_ZERO),
    ("*/seq-*-i8*.tiff", "*×*", SIGNED),
    ("*/seq-*-i16*.tiff", "*×*", SIGNED),
    ("*/seq-*-i32*.tiff", "*×*", SIGNED),
    ("*/int16*.tif", "*×*", SIGNED),
    ("*/minisblack-1c-i*.tiff", "*×*", SIGNED),
    ("*/signed-integral-8bit.tif", "*×*", SIGNED),
    ("*/*-series.ome.tif", "*×*", SIGNED),
    ("*/floatingpoint-64bit.tif", "*×*", FLOATS),
    ("*/caspian.tif", "*×*", FLOATS),
    ("*/test_float64_predictor2_*.tif", "*×*", FLOATS),
    ("*/tiger-minisblack-float-tile-16.tif*", "*×*", FLOATS),
    ("*/white-fp16-*.tiff", "*×*", FLOATS),
    ("*/lab-a-*.tiff", "*×*", LAB),
    ("*/lab8-lzw.tif", "*×*", LAB),
    ("*/40-8bit-gray-zip.tif", "*×*", DEFLATE),
    ("*/minisblack-2c-8b-alpha.tiff", "*×*", ALPHA_PLANE),
    ("*/16-bit-4-Band.tiff", "*×*", EXTRA),
    ("*/geo-5b.tif", "*×*", EXTRA),
    ("*/off_l16.tif", "*×*", LUMINANCE),
    ("*/heif/*.heif", "*×*", HEIF),
    ("*/with-alpha-512x512.heic", "*×*", HEIF),
    ("*/metadata-extractor-images/heic/*", "*×*", HEIF),
    ("*/exiv2/test/data/*.heic", "*×*", HEIF),
    ("*/png/ImageTestSuite/463d3570*.png", "*×*", GAMMA),
    ("*/png/ImageTestSuite/4f14b7aa*.png", "*×*", GAMMA),
    ("*/png/ImageTestSuite/579294d4*.png", "*×*", GAMMA),
    ("*/tif/ImageTestSuite/356a6194*.tif", "*×*", OLD_JPEG),
    ("*/tif/ImageTestSuite/362323f8*.tif", "*×*", OLD_JPEG),
    ("*/tif/ImageTestSuite/89b58886*.tif", "*×*", OLD_JPEG),
    ("*/tif/ImageTestSuite/f4bcc246*.tif", "*×*", OLD_JPEG),
    ("*/tif/ImageTestSuite/m1-76d5d8fd*.tif", "*×*", OLD_JPEG),
    ("*/tif/ImageTestSuite/m?-*.tif", "*×*", DAMAGED),
    ("*/bmpsuite/b/badrle*.bmp", "*×*", DAMAGED),
    ("*/rgb32bf-abgr.bmp", "*×*", NO_ALPHA),
    ("*/16_bit_binary_pgm.tiff", "*×*", DEEP),
    ("*/tiff_tiled_cmyk_jpeg.tif", "*×*", INKS),
    ("*/separate_planar_extra_samples.tiff", "*×*", DAMAGED),
    ("*/tiff_overflow_rows_per_strip.tif", "*×*", DAMAGED),
    ("*/x_consecutive_idat.png", "*×*", DIVIDED),
    ("*/libavif/*/poc_b_*.avif", "*×*", SEQUENCE),
)
