"""Compares what decoders make of a file, and says what that means for ours."""

import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from fnmatch import fnmatch
from itertools import combinations
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final, Literal

import numpy as np

from bench.formats.decoders import DECODERS, Pixels, RefusedError
from bench.formats.deliberate import DELIBERATE
from bench.formats.processes import DecoderProcess

# Mean absolute error in percent of full scale up to which two pictures count as the same.
LARGEST_ERROR_PERCENT: Final = 1.2
ROWS_AT_ONCE: Final = 256
REPORTED_FILES: Final = 200
FIRST: Final = ("libvips", "ImageMagick")
# Asked where the first two leave a doubt: FFmpeg, which converts no profiles, and two that read some
# formats only.
LAST: Final = ("FFmpeg", "libheif", "Chromium")
HEIF_SUFFIXES: Final = {".avif", ".avifs", ".heic", ".heics", ".heif", ".hif"}
NO_WEB_SUFFIXES: Final = {".heic", ".heics", ".heif", ".hif", ".tif", ".tiff"}
PROCESSES: Final = ("ours", "libvips", "Chromium")
OPEN: Final = {"outvoted", "differs", "refused"}
EXPECTED_ERROR: Final = re.compile(r"4\d\d ")

Verdict = Literal[
    "agrees", "agrees with one", "outvoted", "differs", "refused", "read by ours only", "unreadable"
]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the decoders make of one file."""

    name: str
    ours: str
    """Size as "width×height", or why the file is refused."""
    others: dict[str, float | str] = field(default_factory=dict)
    """Mean absolute error in percent of full scale by decoder; a size, or why it is refused."""
    verdict: Verdict = "unreadable"
    reason: str | None = None
    """Why a difference is deliberate."""
    original: float | None = None
    """Mean absolute error to the picture that was written, in the closest of its forms."""

    @property
    def is_fault(self) -> bool:
        """Whether ours failed in a way that is no client's error."""
        return self.verdict in {"refused", "unreadable"} and not EXPECTED_ERROR.match(self.ours)

    @property
    def is_open(self) -> bool:
        """Whether ours shows, without a reason, what no other decoder shows, or fails."""
        return self.is_fault or (self.verdict in OPEN and self.reason is None)

    @classmethod
    def from_json(cls, listed: dict[str, Any]) -> "Comparison":
        """Return what `to_json` has written; the reason is looked up anew."""
        own = {"file", "ours", "verdict", "original", "deliberate"}
        others = {decoder: shown for decoder, shown in listed.items() if decoder not in own}
        name, ours, verdict = listed["file"], listed["ours"], listed["verdict"]
        reason = find_reason(name, ours) if verdict in OPEN else None
        return cls(name, ours, others, verdict, reason, listed.get("original"))

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        listed = {"file": self.name, "ours": self.ours, **self.others, "verdict": self.verdict}
        if self.original is not None:
            listed["original"] = self.original
        return listed | ({"deliberate": self.reason} if self.reason else {})


class Comparer:
    """Compares files, one after the other; what is no program has a process of its own."""

    def __init__(self, originals: Sequence[Pixels]) -> None:
        self.originals = originals
        self.processes = {name: DecoderProcess(name) for name in PROCESSES}

    def compare(self, path: Path, name: str) -> Comparison:
        """Return what the decoders make of a file."""
        ours = self.decode("ours", path)
        others = {decoder: self.decode(decoder, path) for decoder in FIRST}
        if not all(agree(ours, other) for other in others.values()):
            for decoder in LAST:
                if may_read(decoder, path.suffix.lower()):
                    others[decoder] = self.decode(decoder, path)
        verdict = judge(ours, others)
        reason = find_reason(name, show(ours, ours)) if verdict in OPEN else None
        return Comparison(
            name,
            str(show(ours, ours)),
            {decoder: show(ours, other) for decoder, other in others.items()},
            verdict,
            reason,
            find_error(ours, self.originals),
        )

    def decode(self, decoder: str, path: Path) -> Pixels | str:
        """Return a file's pixels, or why they can't be had."""
        try:
            if decoder in self.processes:
                return self.processes[decoder].decode(path)
            return DECODERS[decoder](path)
        except RefusedError as error:
            return str(error).replace(f"{path.parent}/", "")

    def stop(self) -> None:
        """End the processes."""
        for process in self.processes.values():
            process.stop()


def compare_all(
    files: Iterable[tuple[Path, str]], jobs: int, originals: Sequence[Pixels] = ()
) -> Iterator[Comparison]:
    """Yield the comparisons of files, given by path and name, in their order.

    ``originals`` are the forms of the one picture that the files hold, if they hold the same.
    """
    idle: SimpleQueue[Comparer] = SimpleQueue()
    with ExitStack() as stack, ThreadPoolExecutor(jobs) as threads:
        for _ in range(jobs):
            comparer = Comparer(originals)
            stack.callback(comparer.stop)
            idle.put(comparer)

        def compare(file: tuple[Path, str]) -> Comparison:
            comparer = idle.get()
            try:
                return comparer.compare(*file)
            finally:
                idle.put(comparer)

        for number, comparison in enumerate(threads.map(compare, files), 1):
            yield comparison
            if number % REPORTED_FILES == 0:
                print(f"{number} files", file=sys.stderr)


def may_read(decoder: str, suffix: str) -> bool:
    """Return whether a decoder reads files with this suffix."""
    if decoder == "libheif":
        return suffix in HEIF_SUFFIXES
    return decoder != "Chromium" or suffix not in NO_WEB_SUFFIXES


def measure_error(first: Pixels, second: Pixels) -> float:
    """Return the mean absolute error in percent of full scale; both have the same size."""
    total = 0
    for top in range(0, len(first), ROWS_AT_ONCE):
        rows = slice(top, top + ROWS_AT_ONCE)
        total += int(np.abs(first[rows].astype(np.int16) - second[rows]).sum(dtype=np.int64))
    return 100 * total / 255 / first.size


def find_error(ours: Pixels | str, originals: Sequence[Pixels]) -> float | None:
    """Return the error to the closest picture of the same size; None if there is none."""
    if isinstance(ours, str):
        return None
    same = [original for original in originals if original.shape == ours.shape]
    return min((round(measure_error(ours, original), 2) for original in same), default=None)


def agree(ours: Pixels | str, other: Pixels | str) -> bool:
    """Return whether both are the same picture."""
    if isinstance(ours, str) or isinstance(other, str) or ours.shape != other.shape:
        return False
    return measure_error(ours, other) <= LARGEST_ERROR_PERCENT


def judge(ours: Pixels | str, others: Mapping[str, Pixels | str]) -> Verdict:
    """Return what independent decoders say of ours.

    A browser's word is enough: it applies colours and transparency, which some of the others ignore.
    """
    read = [other for other in others.values() if not isinstance(other, str)]
    if isinstance(ours, str):
        return "refused" if read else "unreadable"
    if not read:
        return "read by ours only"
    if agree(ours, others.get("Chromium", "")):
        return "agrees"
    agreeing = sum(agree(ours, other) for other in read)
    if agreeing != 1:
        return "agrees" if agreeing else "differs"
    against = [other for other in read if not agree(ours, other)]
    outvoted = any(agree(first, second) for first, second in combinations(against, 2))
    return "outvoted" if outvoted else "agrees with one"


def show(ours: Pixels | str, other: Pixels | str) -> float | str:
    """Return a decoder's result for the report: an error, a size or a reason."""
    if isinstance(other, str):
        return other
    if ours is other or isinstance(ours, str) or ours.shape != other.shape:
        return f"{other.shape[1]}×{other.shape[0]}"
    return round(measure_error(ours, other), 2)


def find_reason(name: str, ours: float | str) -> str | None:
    """Return why a difference from the others is deliberate; None if it isn't listed."""
    for pattern, answer, reason in DELIBERATE:
        if fnmatch(name, pattern) and fnmatch(str(ours), answer):
            return reason
    return None


def summarize(comparisons: Iterable[Comparison]) -> dict[str, int]:
    """Return how many files there are of each verdict."""
    listed = list(comparisons)
    counts = Counter(comparison.verdict for comparison in listed)
    return {
        "files": len(listed),
        **{verdict: counts[verdict] for verdict in sorted(counts)},
        "deliberate": sum(comparison.reason is not None for comparison in listed),
        "open": sum(comparison.is_open for comparison in listed),
    }
