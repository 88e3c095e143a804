"""The choice of photos: all, those held out of training, or those used for training."""

import hashlib
from collections.abc import Iterable
from typing import Final

from model.training.photos import is_held

FOLDS: Final = ("held", "training")


def in_fold(name: str, fold: str | None) -> bool:
    """Return whether a photo with that file name belongs to the fold; None means any fold."""
    return fold is None or is_held(name) == (fold == "held")


def choose_photos(names: Iterable[str], fold: str | None, limit: int | None) -> list[str]:
    """Return the names of a fold in the order of their SHA-256, at most `limit`."""
    digests = {name: hashlib.sha256(name.encode()).digest() for name in names}
    chosen = [name for name in digests if in_fold(name, fold)]
    return sorted(chosen, key=digests.__getitem__)[:limit]
