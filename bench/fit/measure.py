"""Measures of one photo as differences to the standard JPEG with the same bytes."""

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
    """One photo to be encoded with some constants, at each full_reference."""

    photo: Photo
    qualities: tuple[int, ...]
    constants: Constants
    uniform: bool = True
    """Encode without saliency too."""


@dataclass
class Prepared:
    """A photo's values that all trials share."""

    scene: Scene
    standard: dict[int, Measures] = field(default_factory=dict)
    slopes: dict[int, Measures] = field(default_factory=dict)
    """Slope of each column of the standard JPEG per ln(bytes)."""


_prepared: dict[str, Prepared] = {}


def measure_trial(trial: Trial) -> dict[Key, Row]:
    """Return the columns of a photo by quality, with saliency and without it."""
    prepared = prepare_photo(trial.photo)
    rows = {}
    for own in (UNIFORM, WEIGHTED) if trial.uniform else (WEIGHTED,):
        tuning = build_tuning(trial.constants)
        if own == UNIFORM:
            tuning = replace(tuning, saliency_ratio=1.0)
        for at in trial.qualities:
            settings = EncodeSettings(quality=at, progressive=True)
            made = encoder.encode_tuned(
                prepared.scene.image, prepared.scene.saliency, settings, tuning
            )
            row = compare(prepared, at, made.jpeg)
            rows[at, own] = {**row, "passes": made.passes}
    return rows


def measure_rivals(trial: Trial) -> dict[Key, Row]:
    """Return the columns of the rivals that are installed, at the standard JPEG's bytes."""
    prepared = prepare_photo(trial.photo)
    rows = {}
    for name in RIVALS:
        if find_missing([name]):
            continue
        for at in trial.qualities:
            prepare_standard(prepared, at)
            target = int(prepared.standard[at]["bytes"])
            pair = enclose_bytes(
                prepare_rival(name, prepared.scene.image, prepared.scene.saliency, at), target
            )
            found = measure_at(pair, target, lambda jpeg: measure_file(prepared, jpeg))
            rows[at, name] = {key: found[key] - own for key, own in prepared.standard[at].items()}
    return rows


def prepare_photo(photo: Photo) -> Prepared:
    """Return the values that depend on the original only; computed once for each photo."""
    if photo.name not in _prepared:
        image = read_photo(photo)
        saliency = read_map(photo.map_path) if photo.map_path else load_prediction()(image)
        _prepared[photo.name] = Prepared(prepare_scene(image, saliency, photo))
    return _prepared[photo.name]


def prepare_standard(prepared: Prepared, at: int) -> None:
    """Measure the standard JPEG at a quality, and how its columns change with its bytes."""
    if at in prepared.standard:
        return
    files = [encode_standard(prepared.scene.image, near) for near in (at, max(at - 5, 1))]
    own, coarser = (measure_file(prepared, jpeg) for jpeg in files)
    span = math.log(own["bytes"] / coarser["bytes"])
    prepared.standard[at] = own
    prepared.slopes[at] = {key: (own[key] - coarser[key]) / span for key in own}


def compare(prepared: Prepared, at: int, jpeg: bytes) -> Row:
    """Return a file's differences, corrected for its difference in bytes."""
    prepare_standard(prepared, at)
    standard, slopes = prepared.standard[at], prepared.slopes[at]
    found = measure_file(prepared, jpeg)
    excess = math.log(found["bytes"] / standard["bytes"])
    return {key: found[key] - own - slopes[key] * excess for key, own in standard.items()}


def measure_file(prepared: Prepared, jpeg: bytes) -> Measures:
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
