"""The classes as training needs them: by ImageNet's synsets, by folder, by category of COCO."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model.classes import ClassEntry, read_classes

NUM_SYNSETS: Final = 1000


@dataclass(frozen=True)
class Classes:
    """Names of the classes, and the class of each synset."""

    names: tuple[str, ...]
    class_of: NDArray[np.intp]  # (synsets,)

    def __getitem__(self, name: str) -> int:
        """Return the index of a class."""
        return self.names.index(name)

    def pool(self, probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the sum over each class's synsets: (..., synsets) -> (..., C)."""
        pooled = np.zeros((*probabilities.shape[:-1], len(self.names)), np.float32)
        for index in range(len(self.names)):
            pooled[..., index] = probabilities[..., self.class_of == index].sum(-1)
        return pooled


def make_classes(entries: Iterable[ClassEntry] | None = None) -> Classes:
    """Return the classes of `entries`, by default those of classes.json.

    Raises:
        ValueError: a synset is in no class or in several.
    """
    entries = tuple(entries or read_classes())
    listed = [(synset, index) for index, entry in enumerate(entries) for synset in entry.synsets]
    if sorted(synset for synset, _ in listed) != list(range(NUM_SYNSETS)):
        raise ValueError("each synset belongs to exactly one class")
    return Classes(
        tuple(entry.name for entry in entries),
        np.array([index for _, index in sorted(listed)], np.intp),
    )
