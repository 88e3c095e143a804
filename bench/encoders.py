"""The compared encoders: Foveate's at three strengths, the standard JPEG, and rivals.

The rival `PAPER`: Prakash et al., "Semantic Perceptual Image Compression Using Deep Convolution
Networks", DCC 2017, section 4.
"""

import importlib
import io
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import codec
from bench.metrics import Picture
from bench.metrics.regions import scale_map
from codec.avif.libaom import write_avif
from codec.avif.quantizer import COARSEST, FINEST
from codec.avif.rate_guide import RateGuide
from codec.avif.tuning import choose_guide_tuning
from codec.settings import Target, Tune

Map = NDArray[np.float32]
Writer = Callable[[int], bytes]  # quality in 1..100 -> file

STANDARD: Final = "standard"
FOVEATE: Final = "foveate"
PAPER: Final = "paper"
STRENGTHS: Final = {"foveate_uniform": 0.0, FOVEATE: None, "foveate_full": 1.0}
"""Strengths of Foveate's encoder by name; None is the value of --strength."""
FIDELITY: Final = "foveate_quality"
"""Foveate's encoder with `target="quality"`, at the value of --strength."""
AVIF, AVIF_UNIFORM, AVIF_DEFAULT = "avif", "avif_uniform", "avif_default"
"""Foveate's AVIF at the default strength and at 0, and the one that Pillow writes by itself."""
AVIF_STRENGTHS: Final = {AVIF: 0.6, AVIF_UNIFORM: 0.0}
RIVALS: Final = ("libjpeg_progressive", "mozjpeg", "mozjpeg_flat", "jpegli", PAPER)
FORMATS: Final = (AVIF, AVIF_UNIFORM, AVIF_DEFAULT)
"""Encoders of other formats, which are compared if they are named."""
# Modules that each rival needs beyond Pillow.
MODULES: Final = {
    "mozjpeg": ("pyvips",),
    "mozjpeg_flat": ("pyvips",),
    "jpegli": ("pyjpegli", "mozjpeg_lossless_optimization"),
}
PACKAGES: Final = ("pyvips", "pyvips-binary", "pyjpegli", "mozjpeg-lossless-optimization")
MOZJPEG_TABLES: Final = {"mozjpeg": 3, "mozjpeg_flat": 1}  # libvips' quant_table
# The paper uses five qualities from 30 to 70 for a target of 50.
PAPER_LEVELS: Final = 5
PAPER_SPAN: Final = 20


def find_missing(rivals: Sequence[str]) -> dict[str, str]:
    """Return the rivals that can't run here, each with the reason."""
    missing = {}
    for name in rivals:
        for module in MODULES.get(name, ()):
            try:
                importlib.import_module(module)
            except (ImportError, OSError) as error:
                missing[name] = f"{module.replace('_', '-')} can't be loaded ({error})"
    return missing


def parse_quality(text: str) -> int:
    """Return a quality from the command line.

    Raises:
        ValueError: the text is not a whole number in 1..100.
    """
    quality = int(text)
    if not 1 <= quality <= 100:
        raise ValueError(text)
    return quality


def decode(data: bytes) -> Picture:
    """Return the RGB pixels of an image file, decoded by Pillow (JPEG: by its libjpeg-turbo)."""
    with Image.open(io.BytesIO(data)) as opened:
        return np.asarray(opened.convert("RGB"))


def encode_standard(
    image: Picture, quality: int, subsampling: str = "4:2:0", **options: Any
) -> bytes:
    """Return the standard JPEG: libjpeg's baseline with the tables of T.81 Annex K.

    Its size is the target of all encoders, and their measures are compared with its own.
    """
    file = io.BytesIO()
    Image.fromarray(image).save(
        file, format="JPEG", quality=quality, subsampling=subsampling, **options
    )
    return file.getvalue()


def encode_ours(
    image: Picture,
    saliency: Map,
    quality: int,
    strength: float,
    target: Target = "size",
    *,
    tune: Tune = "perceptual",
) -> tuple[bytes, int]:
    """Return Foveate's progressive file and its passes; `size` aims at the standard JPEG's bytes."""
    settings = codec.EncodeSettings(
        quality=quality, strength=strength, progressive=True, target=target, tune=tune
    )
    encoded = codec.encode(image, saliency, settings)
    return encoded.jpeg, encoded.passes


def prepare_rival(name: str, image: Picture, saliency: Map, quality: int) -> Writer:
    """Return the writer of a rival; `quality` is that of the standard JPEG it is compared with.

    Raises:
        ValueError: there is no rival of that name.
    """
    if name == "libjpeg_progressive":
        return lambda chosen: encode_standard(image, chosen, optimize=True, progressive=True)
    if name in MOZJPEG_TABLES:
        return prepare_mozjpeg(image, MOZJPEG_TABLES[name])
    if name == "jpegli":
        return prepare_jpegli(image)
    if name in AVIF_STRENGTHS:
        return prepare_avif(image, saliency, AVIF_STRENGTHS[name])
    if name == AVIF_DEFAULT:
        return lambda chosen: encode_default_avif(image, chosen)
    if name == PAPER:
        blended = blend_levels(image, saliency, quality)
        return lambda chosen: encode_standard(blended, chosen)
    raise ValueError(f"no rival is called {name}")


def prepare_avif(image: Picture, saliency: Map, strength: float) -> Writer:
    """Return Foveate's AVIF at the level that a quality stands for, without a search."""
    tuning = choose_guide_tuning("perceptual", strength)
    guide = RateGuide(image, saliency, tuning) if strength else None

    def write(quality: int) -> bytes:
        level = COARSEST - round((quality - 1) * (COARSEST - FINEST) / 99)
        rates = None if guide is None else guide.write(level, 0.0)
        return write_avif(image, level, rates, metric=tuning.metric, subsampled=True)

    return write


def encode_default_avif(image: Picture, quality: int) -> bytes:
    """Return the AVIF that Pillow writes at a quality, on one thread."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, format="AVIF", quality=quality, max_threads=1)
    return file.getvalue()


def prepare_mozjpeg(image: Picture, quant_table: int, *, progressive: bool = True) -> Writer:
    """Return mozjpeg with the options of its cjpeg and `quant_table` of libvips."""
    pyvips = importlib.import_module("pyvips")
    picture = pyvips.Image.new_from_array(image, interpretation="srgb")

    def write(quality: int) -> bytes:
        written: bytes = picture.jpegsave_buffer(
            Q=quality,
            quant_table=quant_table,
            subsample_mode="on",
            interlace=progressive,
            optimize_coding=True,
            trellis_quant=True,
            overshoot_deringing=True,
            optimize_scans=progressive,
            keep="none",
        )
        return written

    return write


def prepare_jpegli(image: Picture) -> Writer:
    """Return jpegli; its sequential 4:2:0 files are made progressive without loss.

    jpegli's tool cjpegli writes progressive files; the Python binding does not.
    """
    pyjpegli = importlib.import_module("pyjpegli")
    lossless = importlib.import_module("mozjpeg_lossless_optimization")
    height, width = image.shape[:2]
    pixels = np.ascontiguousarray(image).tobytes()

    def write(quality: int) -> bytes:
        sequential = pyjpegli.encode(pixels, width, height, quality)
        written: bytes = lossless.optimize(sequential, copy=lossless.COPY_MARKERS.NONE)
        return written

    return write


def blend_levels(image: Picture, saliency: Map, quality: int) -> Picture:
    """Return the paper's picture: each 8×8 block decoded at the quality of its saliency level."""
    low, high = max(quality - PAPER_SPAN, 1), min(quality + PAPER_SPAN, 100)
    levels = np.linspace(low, high, PAPER_LEVELS).round().astype(int).tolist()
    height, width = image.shape[:2]
    rows, columns = -(-height // 8), -(-width // 8)
    blocks = scale_map(saliency, (rows, columns))
    spread = max(float(np.ptp(blocks)), 1e-6)
    level = np.minimum((blocks - blocks.min()) / spread * PAPER_LEVELS, PAPER_LEVELS - 1)
    chosen = np.repeat(np.repeat(level.astype(int), 8, 0), 8, 1)[:height, :width]
    blended = np.empty_like(image)
    for index, level_quality in enumerate(levels):
        with Image.open(io.BytesIO(encode_standard(image, level_quality))) as opened:
            blended[chosen == index] = np.asarray(opened.convert("RGB"))[chosen == index]
    return blended
