"""Measures of one photo as differences to the standard JPEG of the same bytes, and bytes saved.

Only the columns that a fit's goals need are measured.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.datasets.photos import Photo, read_map, read_photo
from bench.encoders import decode, encode_standard, find_missing, prepare_rival
from bench.fit.constants import Constants, build_tuning
from bench.fit.goals import RIVALS, SAVING, UNIFORM, WEIGHTED, Goals
from bench.metrics import Picture, full_reference, ssimulacra2_fast
from bench.metrics.butteraugli import butteraugli, load_library
from bench.metrics.regions import keep_elsewhere
from bench.rd.measure import Scene, load_prediction, prepare_scene
from codec.jpeg import encode as encoder
from codec.settings import EncodeSettings

RIVAL_ENCODERS: Final = ("mozjpeg", "jpegli")
_LADDER: Final = (10, 20, 30, 40, 50, 60, 70, 75, 80, 85, 90, 95, 98, 100)
"""Qualities of the standard JPEG, between which its measures are interpolated."""
_RIVAL_STEPS: Final = (0, 5, 10)
"""A rival is measured at such qualities above the standard JPEG's, which has more bytes at the same one."""
Row = dict[str, float]
Key = tuple[int, str]  # quality and encoder
# On these smaller is better.
_ERRORS: Final = frozenset({"butteraugli_gaze"})


@dataclass(frozen=True)
class Reference:
    """What a photo's own files are compared with, measured once."""

    log_bytes: NDArray[np.float64]
    """ln(bytes) of the standard JPEG, at each quality of a ladder."""
    scores: dict[str, NDArray[np.float64]]
    """The standard JPEG's measures by name, at the same qualities."""
    rivals: dict[int, Row] = field(default_factory=dict)
    """Columns of the best rival at each quality."""


@dataclass(frozen=True)
class Trial:
    """A photo to encode with some constants at some qualities, or to prepare with the first ones."""

    photo: Photo
    qualities: tuple[int, ...]
    goals: Goals
    constants: Constants
    reference: Reference | None = None


def measure_trial(trial: Trial) -> dict[Key, Row]:
    """Return the columns that the goals need, by quality and encoder, also the best rival's."""
    assert trial.reference is not None
    scene = prepare_photo(trial.photo)
    rows: dict[Key, Row] = {}
    for quality in trial.qualities:
        if quality in trial.reference.rivals:
            rows[quality, RIVALS] = trial.reference.rivals[quality]
        for own in (UNIFORM, WEIGHTED):
            columns = trial.goals.columns(own, quality)
            if not columns:
                continue
            tuning = build_tuning(trial.constants)
            if own == UNIFORM:
                tuning = replace(tuning, saliency_ratio=1.0)
            settings = EncodeSettings(quality=quality, progressive=True)
            made = encoder.encode_tuned(scene.image, scene.saliency, settings, tuning)
            found = measure_file(scene, made.jpeg, _list_measures(columns))
            rows[quality, own] = compare(trial.reference, found, len(made.jpeg), columns)
    return rows


def prepare_reference(trial: Trial) -> Reference:
    """Measure the standard JPEG and, where goals compare with them, the installed rivals."""
    scene = prepare_photo(trial.photo)
    goals, qualities = trial.goals, trial.qualities
    encoders = (UNIFORM, WEIGHTED, RIVALS)
    columns = {c for own in encoders for quality in qualities for c in goals.columns(own, quality)}
    measures = _list_measures(columns)
    reference = _measure_standard(scene, qualities, measures, _has_saving(columns))
    for quality in qualities:
        wanted = goals.columns(RIVALS, quality)
        if not wanted:
            continue
        log_bytes = math.log(len(encode_standard(scene.image, quality)))
        rows = []
        for name in RIVAL_ENCODERS:
            if find_missing([name]):
                continue
            write = prepare_rival(name, scene.image, scene.saliency, quality)
            files = [write(min(quality + more, 100)) for more in _RIVAL_STEPS]
            own = _collect(scene, files, _list_measures(wanted))
            found = {
                key: _interpolate(log_bytes, own.log_bytes, scores)
                for key, scores in own.scores.items()
            }
            rows.append(compare(reference, found, math.exp(log_bytes), wanted))
        if rows:
            reference.rivals[quality] = {key: max(row[key] for row in rows) for key in rows[0]}
    return reference


def _measure_standard(
    scene: Scene, qualities: Sequence[int], measures: Iterable[str], saves: bool
) -> Reference:
    """Measure the ladder around the qualities, up to its end if bytes at equal scores are needed."""
    low, high = min(qualities) - 10, 100 if saves else max(qualities) + 5
    ladder = sorted({*qualities, *(quality for quality in _LADDER if low <= quality <= high)})
    if len(ladder) == 1:
        ladder.insert(0, max(ladder[0] - 5, 1))
    files = [encode_standard(scene.image, quality) for quality in ladder]
    return _collect(scene, files, measures)


def _collect(scene: Scene, files: Sequence[bytes], measures: Iterable[str]) -> Reference:
    """Return the bytes and the measures of files of rising quality."""
    rows = [measure_file(scene, jpeg, measures) for jpeg in files]
    return Reference(
        np.log([len(jpeg) for jpeg in files]),
        {name: np.array([row[name] for row in rows]) for name in rows[0]},
    )


@cache
def prepare_photo(photo: Photo) -> Scene:
    """Return the photo with its map and regions; it is prepared once per process."""
    image = read_photo(photo)
    saliency = read_map(photo.map_path) if photo.map_path else load_prediction()(image)
    return prepare_scene(image, saliency, photo)


def compare(
    reference: Reference, found: Mapping[str, float], size_bytes: float, columns: Iterable[str]
) -> Row:
    """Return a file's columns: differences at equal bytes, and percent of bytes saved."""
    log_bytes = math.log(size_bytes)
    row = {}
    for column in columns:
        name = column.removeprefix(SAVING)
        if name not in found:
            continue
        scores = reference.scores[name]
        if name == column:
            row[column] = found[name] - _interpolate(log_bytes, reference.log_bytes, scores)
            continue
        sign = -1.0 if name in _ERRORS else 1.0
        # Single steps may fall; a score that is reached once counts as reached. Beyond the ladder's
        # end, where chroma of half the resolution limits the standard JPEG, its last file counts.
        rising = np.maximum.accumulate(sign * scores) + 1e-6 * np.arange(scores.size)
        equal = float(np.interp(sign * found[name], rising, reference.log_bytes))
        row[column] = 100.0 * (equal - log_bytes)
    return row


def _interpolate(x: float, xs: NDArray[np.float64], ys: NDArray[np.float64]) -> float:
    """Return y at x on the line through neighbouring points, beyond the ends that of the last two."""
    right = min(max(int(np.searchsorted(xs, x)), 1), xs.size - 1)
    share = (x - xs[right - 1]) / (xs[right] - xs[right - 1])
    return float(ys[right - 1] + share * (ys[right] - ys[right - 1]))


def _list_measures(columns: Iterable[str]) -> frozenset[str]:
    return frozenset(column.removeprefix(SAVING) for column in columns)


def _has_saving(columns: Iterable[str]) -> bool:
    return any(column.startswith(SAVING) for column in columns)


def measure_file(scene: Scene, jpeg: bytes, measures: Iterable[str]) -> Row:
    """Return the measures; SSIM, MS-SSIM and VIF in percent. Those without a library are left out."""
    wanted = set(measures)
    decoded = decode(jpeg)
    row: Row = {}
    if "ssimulacra2" in wanted:
        row["ssimulacra2"] = ssimulacra2_fast.score(scene.scales, decoded)
    if wanted & {"ssimulacra2_gaze", "butteraugli_gaze"}:
        inside = keep_elsewhere(scene.image, decoded, scene.looked_at)
        if "ssimulacra2_gaze" in wanted:
            row["ssimulacra2_gaze"] = ssimulacra2_fast.score(scene.scales, inside)
        if "butteraugli_gaze" in wanted and load_library() is not None:
            row["butteraugli_gaze"] = butteraugli(scene.image, inside)
    return row | _measure_planes(scene, decoded, wanted)


_PLANES: Final[dict[str, Callable[[NDArray[np.float64], NDArray[np.float64]], float]]] = {
    "ssim": lambda luma, own: 100 * full_reference.ssim(luma, own),
    "ms_ssim": lambda luma, own: 100 * full_reference.ms_ssim(luma, own),
    "vifp": lambda luma, own: 100 * full_reference.vifp(luma, own),
}


def _measure_planes(scene: Scene, decoded: Picture, wanted: set[str]) -> Row:
    """Return the measures of the paper's table."""
    row: Row = {}
    if "psnr" in wanted:
        row["psnr"] = full_reference.psnr(scene.image, decoded)
    if not wanted & {*_PLANES, "psnr_s", "psnr_hvs", "psnr_hvs_m"}:
        return row
    luma, own = scene.luma, full_reference.to_luma(decoded)
    row |= {name: measure(luma, own) for name, measure in _PLANES.items() if name in wanted}
    if "psnr_s" in wanted:
        row["psnr_s"] = full_reference.psnr(luma[scene.region], own[scene.region])
    if wanted & {"psnr_hvs", "psnr_hvs_m"}:
        row["psnr_hvs"], row["psnr_hvs_m"] = full_reference.psnr_hvs(luma, own)
    return row
