"""How well regions and labelled objects agree."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from bench.regions.labels import LEAST_AREA, Classes, Labelled
from worker.image.regions import Box, Region

HALF: Final = 0.5


def count(objects: Sequence[Labelled], regions: Sequence[Region], classes: Classes) -> Counter[str]:
    """Return a photo's counts, of objects and of regions.

    ``found`` are objects of at least `LEAST_AREA` with a region of the right class that covers their
    middle; ``framed`` are those whose box one of these regions has at least half in common with
    (intersection over union). ``on_nothing`` are regions that overlap no object of their class, of any
    size; ``score_percent`` sums their scores. Regions of a class that has no category are ``unjudged``.
    """
    counts: Counter[str] = Counter()
    for each in objects:
        if each.category not in classes.covered or each.box.area < LEAST_AREA:
            continue
        right = [r.box for r in regions if each.category in classes.categories[r.name]]
        counts["objects"] += 1
        counts["found"] += any(covers(box, each.box) for box in right)
        counts["framed"] += any(measure_overlap(box, each.box) >= HALF for box in right)
    for region in regions:
        categories = classes.categories[region.name]
        if not categories:
            counts["unjudged"] += 1
            continue
        counts["regions"] += 1
        counts["score_percent"] += round(100 * region.score)
        same = (each.box for each in objects if each.category in categories)
        counts["on_nothing"] += not any(measure_overlap(region.box, box) for box in same)
    return counts


def measure_overlap(one: Box, other: Box) -> float:
    """Return the boxes' intersection over their union."""
    width = min(one.right, other.right) - max(one.left, other.left)
    height = min(one.bottom, other.bottom) - max(one.top, other.top)
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / (one.area + other.area - width * height)


def covers(box: Box, other: Box) -> bool:
    """Return whether the first box contains the middle of the other."""
    across, down = (other.left + other.right) / 2, (other.top + other.bottom) / 2
    return box.left <= across <= box.right and box.top <= down <= box.bottom


def summarise(counts: Iterable[Counter[str]]) -> dict[str, float]:
    """Return the shares over all photos, and the counts that they are of."""
    total: Counter[str] = sum(counts, Counter())
    objects, regions = max(total["objects"], 1), max(total["regions"], 1)
    return {
        "objects": total["objects"],
        "found": round(total["found"] / objects, 4),
        "framed": round(total["framed"] / objects, 4),
        "regions": total["regions"],
        "on_nothing": round(total["on_nothing"] / regions, 4),
        # A calibrated score has the mean 1 − on_nothing.
        "mean_score": round(total["score_percent"] / 100 / regions, 4),
        "unjudged": total["unjudged"],
    }
