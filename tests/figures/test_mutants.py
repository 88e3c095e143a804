"""The rates in docs/research/mutants.md are those of the result file."""

import json
from collections import Counter

from tests.docs.documents import ROOT

REPORT = json.loads((ROOT / "bench" / "results" / "mutants.json").read_text(encoding="utf-8"))
GONE = "the line is gone"
# Log lines were taken for the names of failing tests.
MISJUDGED = {("app/http/protocol.py", 223), ("worker/queue/resilient_worker.py", 91)}
# Ended at the limit of time on a busy machine; judged again, it survived.
TOO_SLOW = {("worker/image/resize.py", 50)}


def test_the_rates_are_those_of_the_file() -> None:
    first, then, total = Counter[str](), Counter[str](), Counter[str]()
    for verdict in REPORT["verdicts"]:
        package = verdict["module"].split("/")[0]
        place = (verdict["module"], verdict["line"])
        survived = verdict.get("first", verdict["killed_by"]) in {"", "survived"}
        total[package] += 1
        first[package] += place in MISJUDGED or (not survived and place not in TOO_SLOW)
        then[package] += verdict["killed_by"] not in {"", GONE}
    document = (ROOT / "docs" / "research" / "mutants.md").read_text(encoding="utf-8")
    for package in ("app", "codec", "worker"):
        row = f"| {package} | {total[package]} | {first[package]} | {then[package]} "
        assert row in document
    assert f"| all | {total.total()} | {first.total()} (85 %) | {then.total()} of 119 |" in document
    assert first.total() / total.total() >= 0.85
