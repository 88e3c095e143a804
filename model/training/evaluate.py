"""Scores of a network against recorded gaze, at the size of its own map.

`python -m bench saliency` measures at the photos' size, with more measures.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from model.config import MSROIConfig
from model.input_size import choose_input_size, scale_photo
from model.maps import nss, smoothing_matrix
from model.msroi import MSROI, Evidence, normalise_pixels
from model.training.gaze import Record

HOTTEST_SHARE: Final = 0.25
# Candidates of `fit_constants`; smoothings in samples of the map.
THRESHOLDS: Final = (0.0, 0.002, 0.005, 0.01, 0.02, 0.05)
SMOOTHINGS: Final = (0.0, 0.35, 0.5, 0.7, 1.0, 1.4)

Cells = tuple[NDArray[np.intp], NDArray[np.intp]]  # rows, columns


def compute_evidence(
    network: MSROI, records: Iterable[Record]
) -> Iterator[tuple[Record, Evidence]]:
    """Yield each record with what its photo's map is drawn from, float32."""
    device = network.log_prior_x.device
    for record in tqdm(list(records), "measuring", unit="photo"):
        width_px, height_px = record.size
        size = choose_input_size(width_px, height_px, network.config.input_area_px)
        with Image.open(record.path) as opened:
            scaled = scale_photo(opened, size)
        pixels = torch.from_numpy(np.array(scaled))[None].to(device)
        with torch.inference_mode():
            yield record, network.evidence(normalise_pixels(pixels))


def compute_map(network: MSROI, evidence: Evidence, smoothing_cells: float) -> NDArray[np.float32]:
    """Return the predictor's map without its scaling to 1, of one photo: (h, w)."""
    with torch.inference_mode():
        saliency = network.saliency(*evidence)[0].cpu()
        rows, columns = (
            torch.from_numpy(smoothing_matrix(size, smoothing_cells)) for size in saliency.shape
        )
        smoothed: NDArray[np.float32] = (rows @ saliency @ columns.T).numpy()
    return smoothed


def captured_share(saliency: NDArray[np.float32], fixations: Cells) -> float:
    """Return the share of the fixations inside the hottest quarter of the (h, w) map's area."""
    return float((saliency[fixations] > np.quantile(saliency, 1 - HOTTEST_SHARE)).mean())


def locate_fixations(record: Record, shape: tuple[int, ...]) -> Cells:
    """Return the rows and columns of the fixations in a map of that (height, width): (n,), (n,)."""
    columns, rows = (record.fixations * shape[::-1]).astype(int).T
    return rows, columns


def fit_constants(network: MSROI, records: list[Record]) -> MSROIConfig:
    """Return the config with the threshold and smoothing that have the best mean NSS of all sets."""
    scores: dict[tuple[float, float], dict[str, list[float]]] = {
        (threshold, smoothing): defaultdict(list)
        for threshold in THRESHOLDS
        for smoothing in SMOOTHINGS
    }
    config = network.config
    for record, evidence in compute_evidence(network, records):
        for threshold in THRESHOLDS:
            network.config = replace(config, threshold=threshold)
            for smoothing in SMOOTHINGS:
                saliency = compute_map(network, evidence, smoothing)
                score = nss(saliency, locate_fixations(record, saliency.shape))
                scores[threshold, smoothing][record.set].append(score)
    network.config = config
    means = {
        constants: float(np.mean([np.mean(values) for values in sets.values()]))
        for constants, sets in scores.items()
    }
    threshold, smoothing = max(means, key=means.__getitem__)
    return replace(config, threshold=threshold, smoothing_cells=smoothing)


def score_by_set(network: MSROI, records: list[Record]) -> dict[str, dict[str, float]]:
    """Return each set's mean NSS and mean share of fixations in the hottest quarter."""
    scores: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for record, evidence in compute_evidence(network, records):
        saliency = compute_map(network, evidence, network.config.smoothing_cells)
        fixations = locate_fixations(record, saliency.shape)
        scores[record.set].append((nss(saliency, fixations), captured_share(saliency, fixations)))
    return {
        name: {
            "nss": round(float(np.mean([score[0] for score in rows])), 4),
            "captured_25": round(float(np.mean([score[1] for score in rows])), 4),
            "photos": len(rows),
        }
        for name, rows in scores.items()
    }
