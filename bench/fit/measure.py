"""What `bench fit` measures of one photo: differences to the standard JPEG of the same bytes."""

import math
from dataclasses import dataclass, field, replace
from typing import Final

from bench.datasets.photos import Photo, read_map, read_photo
from bench.encoders import decode, encode_standard, find_missing, prepare_rival
from bench.fit.constants import Constants, build_tuning
from bench.metrics import full_reference as quality
from bench.metrics import ssimulacra2_fast as fast_ssimulacra2
from bench.metrics.regions import keep_elsewhere
from bench.rd.equal_bytes import enclose_bytes, measure_at
from bench.rd.measure import Measures, Scene, look_at, predict
from codec.jpeg import encode as encoder
from codec.settings import EncodeSettings

RIVALS: Final = ("mozjpeg", "jpegli")
Row = dict[str, float]
Key = tuple[int, str]  # quality, and "0", "1", or a rival's name
UNIFORM: Final = "uniform"
WEIGHTED: Final = "weighted"


@dataclass(frozen=True)
class Trial:
    """One photo to be encoded with some constants, at each quality."""

    photo: Photo
    qualities: tuple[int, ...]
    constants: Constants
    uniform: bool = True
    """Encode without saliency too."""


@dataclass
class Kept:
    """What does not change from trial to trial."""

    scene: Scene
    standard: dict[int, Measures] = field(default_factory=dict)
    slopes: dict[int, Measures] = field(default_factory=dict)
    """Of each column of the standard JPEG per ln(bytes)."""


_kept: dict[str, Kept] = {}


def measure_trial(trial: Trial) -> dict[Key, Row]:
    """Return the columns of a photo, by quality and by whether saliency takes part."""
    kept = keep(trial.photo)
    rows = {}
    for own in (UNIFORM, WEIGHTED) if trial.uniform else (WEIGHTED,):
        tuning = build_tuning(trial.constants)
        if own == UNIFORM:
            tuning = replace(tuning, saliency_ratio=1.0)
        for at in trial.qualities:
            settings = EncodeSettings(quality=at, progressive=True)
            made = encoder.encode_tuned(kept.scene.image, kept.scene.saliency, settings, tuning)
            row = compare(kept, at, made.jpeg)
            rows[at, own] = {**row, "passes": made.passes}
    return rows


def measure_rivals(trial: Trial) -> dict[Key, Row]:
    """Return the columns of the rivals that are installed, at the standard JPEG's bytes."""
    kept = keep(trial.photo)
    rows = {}
    for name in RIVALS:
        if find_missing([name]):
            continue
        for at in trial.qualities:
            prepare_standard(kept, at)
            target = int(kept.standard[at]["bytes"])
            pair = enclose_bytes(
                prepare_rival(name, kept.scene.image, kept.scene.saliency, at), target
            )
            found = measure_at(pair, target, lambda jpeg: measure_file(kept, jpeg))
            rows[at, name] = {key: found[key] - own for key, own in kept.standard[at].items()}
    return rows


def keep(photo: Photo) -> Kept:
    """Return the photo with all that depends on the original alone."""
    if photo.name not in _kept:
        image = read_photo(photo)
        saliency = read_map(photo.map_path) if photo.map_path else predict()(image)
        _kept[photo.name] = Kept(look_at(image, saliency, photo))
    return _kept[photo.name]


def prepare_standard(kept: Kept, at: int) -> None:
    """Measure the standard JPEG at a quality, and how its columns change with its bytes."""
    if at in kept.standard:
        return
    files = [encode_standard(kept.scene.image, near) for near in (at, max(at - 5, 1))]
    own, coarser = (measure_file(kept, jpeg) for jpeg in files)
    span = math.log(own["bytes"] / coarser["bytes"])
    kept.standard[at] = own
    kept.slopes[at] = {key: (own[key] - coarser[key]) / span for key in own}


def compare(kept: Kept, at: int, jpeg: bytes) -> Row:
    """Return a file's differences, less what its few bytes more or less are worth."""
    prepare_standard(kept, at)
    standard, slopes = kept.standard[at], kept.slopes[at]
    found = measure_file(kept, jpeg)
    excess = math.log(found["bytes"] / standard["bytes"])
    return {key: found[key] - own - slopes[key] * excess for key, own in standard.items()}


def measure_file(kept: Kept, jpeg: bytes) -> Measures:
    """Return all columns; SSIM, MS-SSIM and VIF in percent."""
    scene = kept.scene
    decoded = decode(jpeg)
    luma, own = scene.luma, quality.to_luma(decoded)
    inside = keep_elsewhere(scene.image, decoded, scene.looked_at)
    hvs, hvs_m = quality.psnr_hvs(luma, own)
    row = {
        "bytes": float(len(jpeg)),
        "psnr": quality.psnr(scene.image, decoded),
        "psnr_s": quality.psnr(luma[scene.region], own[scene.region]),
        "ssim": 100 * quality.ssim(luma, own),
        "ms_ssim": 100 * quality.ms_ssim(luma, own),
        "vifp": 100 * quality.vifp(luma, own),
        "psnr_hvs": hvs,
        "psnr_hvs_m": hvs_m,
        "ssimulacra2": fast_ssimulacra2.score(scene.scales, decoded),
        "ssimulacra2_gaze": fast_ssimulacra2.score(scene.scales, inside),
    }
    if scene.density is not None:
        row["psnr_gaze"] = quality.psnr(luma, own, scene.density)
    return row
