"""What a run has done, for people and for scripts."""

import json
import sys
from collections import Counter
from typing import IO, Any

from tqdm import tqdm

from app.client.names import shown
from app.client.work import Outcome


class Report:
    """Counts outcomes as they come: a bar for people, lines of JSON for scripts."""

    def __init__(self, total: int, *, lines: IO[str] | None, quiet: bool) -> None:
        self._lines = lines
        self._total = total
        self._bar = tqdm(
            total=total,
            unit="photo",
            file=sys.stderr,
            dynamic_ncols=True,
            # None: only on a terminal.
            disable=True if quiet else None,
        )
        self.states: Counter[str] = Counter()
        self.bytes_in = self.bytes_out = 0

    def add(self, outcome: Outcome) -> None:
        """Take one outcome in."""
        self.states[outcome.state] += 1
        if outcome.state in {"compressed", "unchanged"}:
            self.bytes_in += outcome.bytes_in
            self.bytes_out += outcome.bytes_out
        elif outcome.state == "failed":
            self.say(f"{shown(outcome.source)}: {outcome.detail}")
        if self._lines is not None:
            print(json.dumps(describe(outcome)), file=self._lines, flush=True)
        if self.bytes_in:
            self._bar.set_postfix_str(self.saving(), refresh=False)
        self._bar.update()

    def say(self, line: str) -> None:
        """Tell something without disturbing the bar."""
        self._bar.write(f"foveate: {line}", file=sys.stderr)

    def saving(self) -> str:
        """Return bytes in, out and saved, in words."""
        per_cent = 100 * (1 - self.bytes_out / self.bytes_in) if self.bytes_in else 0.0
        return f"{size(self.bytes_in)} → {size(self.bytes_out)}, {per_cent:.1f} % saved"

    def close(self) -> None:
        """End the bar, and the lines with the sums."""
        self._bar.close()
        if self._lines is not None:
            print(json.dumps({"summary": self.summary()}), file=self._lines, flush=True)

    def summary(self) -> dict[str, int]:
        """Return the sums; ``not_done`` are those that an end came before."""
        counts = {
            name: self.states[name] for name in ("compressed", "unchanged", "skipped", "failed")
        }
        return {
            "photos": self._total,
            **counts,
            "not_done": self._total - sum(counts.values()),
            "bytes_in": self.bytes_in,
            "bytes_out": self.bytes_out,
        }

    def table(self) -> str:
        """Return the summary as a person reads it."""
        names = {
            "compressed": "compressed",
            "unchanged": "unchanged (no JPEG of it is smaller)",
            "skipped": "skipped (done before)",
            "failed": "failed",
            "not_done": "not done",
        }
        summary = self.summary()
        rows = [(f"{summary[key]:,}", name) for key, name in names.items() if summary[key]]
        if self.bytes_in:
            rows.append(("", self.saving()))
        width = max((len(number) for number, _ in rows), default=0)
        return "\n".join(f"{number:>{width}}  {name}" for number, name in rows)


def describe(outcome: Outcome) -> dict[str, Any]:
    """Return an outcome as a JSON object; names that aren't UTF-8 have their bytes escaped."""
    described: dict[str, Any] = {"source": shown(outcome.source), "state": outcome.state}
    if outcome.state == "failed":
        return {**described, "problem": {"type": outcome.code, "detail": outcome.detail}}
    described |= {"target": shown(outcome.target) if outcome.target else None}
    if outcome.heatmap:
        described["heatmap"] = shown(outcome.heatmap)
    return {**described, "bytes_in": outcome.bytes_in, "bytes_out": outcome.bytes_out}


def size(count: float) -> str:
    """Return bytes in decimal units."""
    for unit in ("B", "kB", "MB"):
        if count < 999.5:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} GB"
