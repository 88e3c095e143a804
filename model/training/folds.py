"""How the photos with recorded gaze are cut: five folds by their names, one of them kept aside.

A photo's fold depends on nothing but its name, so every command cuts alike and adding photos
moves none.
"""

import hashlib
from typing import Final

FOLDS: Final = 5
HELD_FOLD: Final = 0


def fold_of(name: str) -> int:
    """Return the fold of a photo, 0 to 4."""
    return hashlib.sha256(name.encode()).digest()[0] % FOLDS


def is_held(name: str) -> bool:
    """Tell whether a photo is kept aside from everything that is trained, fitted or chosen."""
    return fold_of(name) == HELD_FOLD
