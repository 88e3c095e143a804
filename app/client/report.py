"""Reports the outcomes of a run: a progress bar and a summary for people, lines of JSON for scripts."""

import json
import sys
from collections import Counter
from typing import IO, Any

from tqdm import tqdm

from app.client.compressor import Outcome
from app.client.sources import escape_path


class Report:
    """Counts outcomes and prints each; the bar and errors go to standard error."""

    def __init__(self, total: int, *, lines: IO[str] | None, quiet: bool) -> None:
        """Start the bar for ``total`` photos; ``lines`` is where JSON is written, None for nowhere."""
        self._lines = lines
        self._total = total
        self._bar = tqdm(
            total=total,
            unit="photo",
            file=sys.stderr,
            dynamic_ncols=True,
            # None: on a terminal only.
            disable=True if quiet else None,
        )
        self.states: Counter[str] = Counter()
        self._bytes_in = self._bytes_out = 0

    def add(self, outcome: Outcome) -> None:
        """Count one outcome; print why it failed, and its line of JSON."""
        self.states[outcome.state] += 1
        if outcome.state in {"compressed", "unchanged"}:
            self._bytes_in += outcome.bytes_in
            self._bytes_out += outcome.bytes_out
        elif outcome.state == "failed":
            line = f"foveate: {escape_path(outcome.source)}: {outcome.detail}"
            self._bar.write(line, file=sys.stderr)
        if self._lines is not None:
            print(json.dumps(to_json(outcome)), file=self._lines, flush=True)
        if self._bytes_in:
            self._bar.set_postfix_str(self._format_saving(), refresh=False)
        self._bar.update()

    def _format_saving(self) -> str:
        percent = 100 * (1 - self._bytes_out / self._bytes_in)
        sizes = f"{format_size(self._bytes_in)} → {format_size(self._bytes_out)}"
        return f"{sizes}, {percent:.1f} % saved"

    def close(self) -> None:
        """End the bar; print the summary's line of JSON."""
        self._bar.close()
        if self._lines is not None:
            print(json.dumps({"summary": self.summarize()}), file=self._lines, flush=True)

    def summarize(self) -> dict[str, int]:
        """Return the sums; ``not_done`` counts the photos that an interrupted run has not reached."""
        counts = {
            name: self.states[name] for name in ("compressed", "unchanged", "skipped", "failed")
        }
        return {
            "photos": self._total,
            **counts,
            "not_done": self._total - sum(counts.values()),
            "bytes_in": self._bytes_in,
            "bytes_out": self._bytes_out,
        }

    def format_summary(self) -> str:
        """Return the summary for people: a line for each state, and what was saved."""
        summary = self.summarize()
        counts = [
            (summary["compressed"], "compressed"),
            (summary["unchanged"], "unchanged (can't be made smaller)"),
            (summary["skipped"], "skipped (done before)"),
            (summary["failed"], "failed"),
            (summary["not_done"], "not done"),
        ]
        rows = [(f"{count:,}", name) for count, name in counts if count]
        if self._bytes_in:
            rows.append(("", self._format_saving()))
        width = max((len(number) for number, _ in rows), default=0)
        return "\n".join(f"{number:>{width}}  {name}" for number, name in rows)


def to_json(outcome: Outcome) -> dict[str, Any]:
    """Return an outcome as a JSON object; bytes of names that are not UTF-8 are escaped."""
    line: dict[str, Any] = {"source": escape_path(outcome.source), "state": outcome.state}
    if outcome.state == "failed":
        return {**line, "problem": {"type": outcome.code, "detail": outcome.detail}}
    line["target"] = escape_path(outcome.target) if outcome.target else None
    if outcome.heatmap:
        line["heatmap"] = escape_path(outcome.heatmap)
    return {**line, "bytes_in": outcome.bytes_in, "bytes_out": outcome.bytes_out}


def format_size(count: float) -> str:
    """Return a number of bytes with three digits and a decimal unit."""
    for unit in ("B", "kB", "MB"):
        if count < 999.5:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} GB"
