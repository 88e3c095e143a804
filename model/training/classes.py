"""MSROI's classes: groups of ImageNet's 1,000 synsets that look alike, people, and faces.

Synsets are merged by Ward's method over the rows of the classifier's last layer, where those that
look alike, such as breeds of dog, are close to each other.
"""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage

PERSON: Final = "person"
FACE: Final = "face"


@dataclass(frozen=True)
class Classes:
    """Names of the classes, and the group of each synset."""

    names: tuple[str, ...]  # the groups, then `PERSON` and `FACE`
    group_of: NDArray[np.intp]  # (1000,) index into the groups

    @property
    def person(self) -> int:
        """Index of the class for people."""
        return self.names.index(PERSON)

    @property
    def face(self) -> int:
        """Index of the class for faces."""
        return self.names.index(FACE)

    def pool(self, probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the sum over each group's synsets: (..., 1000) -> (..., groups)."""
        pooled = np.zeros((*probabilities.shape[:-1], len(self.names) - 2), np.float32)
        for group in range(pooled.shape[-1]):
            pooled[..., group] = probabilities[..., self.group_of == group].sum(-1)
        return pooled


def group_synsets(weights: NDArray[np.float32], words: list[str], count: int) -> Classes:
    """Return the classes of `count` groups, each named after the synset nearest to its centre.

    Args:
        weights: (1000, C) rows of the classifier's last layer.
        words: the first word of each synset.
        count: the number of groups, 1 to 1000.
    """
    rows = weights / np.linalg.norm(weights, axis=1, keepdims=True)
    clusters = fcluster(linkage(rows, method="ward"), count, criterion="maxclust")
    # Groups are numbered in the order of their first synset, not as the clustering numbers them.
    _, first, inverse = np.unique(clusters, return_index=True, return_inverse=True)
    order = np.argsort(np.argsort(first))
    group_of = order[inverse]
    names = []
    for group in range(len(first)):
        members = np.flatnonzero(group_of == group)
        centre = rows[members].mean(0)
        medoid = members[np.argmax(rows[members] @ centre)]
        names.append(f"{words[medoid]}+{len(members) - 1}")
    return Classes((*names, PERSON, FACE), group_of)


def read_words(path: Path) -> list[str]:
    """Return the first word of each synset of imagenet_synsets.tsv, by class index."""
    with path.open(encoding="utf-8") as file:
        rows = sorted(csv.DictReader(file, delimiter="\t"), key=lambda row: int(row["class_index"]))
    return [row["words"].split(",")[0] for row in rows]
