"""Measures of one photo as differences to the standard JPEG of the same bytes."""

import math
from dataclasses import dataclass, field, replace
from typing import Final

from bench.datasets.photos import Photo, read_map, read_photo
from bench.encoders import decode, encode_standard, find_missing, prepare_rival
from bench.fit.constants import Constants, build_tuning
from bench.metrics import full_reference, ssimulacra2_fast
from bench.metrics.regions import keep_elsewhere
from bench.rd.equal_bytes import enclose_bytes, measure_at
from bench.rd.measure import Measures, Scene, load_prediction, prepare_scene
from codec.jpeg import encode as encoder
from codec.settings import EncodeSettings

RIVALS: Final = ("mozjpeg", "jpegli")
Row = dict[str, float]
Key = tuple[int, str]  # quality, and UNIFORM, WEIGHTED or the name of a rival
UNIFORM: Final = "uniform"
WEIGHTED: Final = "weighted"


@dataclass(frozen=True)
class Trial:
    """A photo to encode with some constants, at each quality."""

    photo: Photo
    qualities: tuple[int, ...]
    constants: Constants
    uniform: bool = True
    """Encode also without saliency."""


@dataclass
class PreparedPhoto:
    """Values of a photo that all trials share."""

    scene: Scene
    standard: dict[int, Measures] = field(default_factory=dict)
    slopes: dict[int, Measures] = field(default_factory=dict)
    """Change of each column of the standard JPEG per ln(bytes)."""


_prepared: dict[str, PreparedPhoto] = {}


def measure_trial(trial: Trial) -> dict[Key, Row]:
    """Return the columns of a photo by quality, with saliency and without it."""
    prepared = prepare_photo(trial.photo)
    rows = {}
    for own in (UNIFORM, WEIGHTED) if trial.uniform else (WEIGHTED,):
        tuning = build_tuning(trial.constants)
        if own == UNIFORM:
            tuning = replace(tuning, saliency_ratio=1.0)
        for quality in trial.qualities:
            settings = EncodeSettings(quality=quality, progressive=True)
            made = encoder.encode_tuned(
                prepared.scene.image, prepared.scene.saliency, settings, tuning
            )
            row = compare(prepared, quality, made.jpeg)
            rows[quality, own] = {**row, "passes": made.passes}
    return rows


def measure_rivals(trial: Trial) -> dict[Key, Row]:
    """Return the columns of the installed rivals, at the standard JPEG's bytes."""
    prepared = prepare_photo(trial.photo)
    rows = {}
    for name in RIVALS:
        if find_missing([name]):
            continue
        for quality in trial.qualities:
            prepare_standard(prepared, quality)
            target = int(prepared.standard[quality]["bytes"])
            pair = enclose_bytes(
                prepare_rival(name, prepared.scene.image, prepared.scene.saliency, quality), target
            )
            found = measure_at(pair, target, lambda jpeg: measure_file(prepared, jpeg))
            rows[quality, name] = {
                key: found[key] - own for key, own in prepared.standard[quality].items()
            }
    return rows


def prepare_photo(photo: Photo) -> PreparedPhoto:
    """Return the values that depend only on the photo; they are computed once per process."""
    if photo.name not in _prepared:
        image = read_photo(photo)
        saliency = read_map(photo.map_path) if photo.map_path else load_prediction()(image)
        _prepared[photo.name] = PreparedPhoto(prepare_scene(image, saliency, photo))
    return _prepared[photo.name]


def prepare_standard(prepared: PreparedPhoto, quality: int) -> None:
    """Measure the standard JPEG at a quality, and how its columns change with its bytes."""
    if quality in prepared.standard:
        return
    files = [encode_standard(prepared.scene.image, near) for near in (quality, max(quality - 5, 1))]
    own, coarser = (measure_file(prepared, jpeg) for jpeg in files)
    span = math.log(own["bytes"] / coarser["bytes"])
    prepared.standard[quality] = own
    prepared.slopes[quality] = {key: (own[key] - coarser[key]) / span for key in own}


def compare(prepared: PreparedPhoto, quality: int, jpeg: bytes) -> Row:
    """Return a file's differences to the standard JPEG, corrected for its difference in bytes."""
    prepare_standard(prepared, quality)
    standard, slopes = prepared.standard[quality], prepared.slopes[quality]
    found = measure_file(prepared, jpeg)
    excess = math.log(found["bytes"] / standard["bytes"])
    return {key: found[key] - own - slopes[key] * excess for key, own in standard.items()}


def measure_file(prepared: PreparedPhoto, jpeg: bytes) -> Measures:
    """Return all columns; SSIM, MS-SSIM and VIF in percent."""
    scene = prepared.scene
    decoded = decode(jpeg)
    luma, own = scene.luma, full_reference.to_luma(decoded)
    inside = keep_elsewhere(scene.image, decoded, scene.looked_at)
    hvs, hvs_m = full_reference.psnr_hvs(luma, own)
    row = {
        "bytes": float(len(jpeg)),
        "psnr": full_reference.psnr(scene.image, decoded),
        "psnr_s": full_reference.psnr(luma[scene.region], own[scene.region]),
        "ssim": 100 * full_reference.ssim(luma, own),
        "ms_ssim": 100 * full_reference.ms_ssim(luma, own),
        "vifp": 100 * full_reference.vifp(luma, own),
        "psnr_hvs": hvs,
        "psnr_hvs_m": hvs_m,
        "ssimulacra2": ssimulacra2_fast.score(scene.scales, decoded),
        "ssimulacra2_gaze": ssimulacra2_fast.score(scene.scales, inside),
    }
    if scene.density is not None:
        row["psnr_gaze"] = full_reference.psnr(luma, own, scene.density)
    return row
