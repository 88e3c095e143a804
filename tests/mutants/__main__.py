"""``python -m tests.mutants``: put small faults into the sources, and see which of them tests notice.

Each fault is put into a copy of the project. The tests of the module run first, then those of its
folder, then all of its package's, until one fails: the fault is then killed. A run that takes longer
than its limit counts as killed, too. A mutant of the codec compiles only the kernels that it changes.
"""

import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import SimpleQueue

from tests.mutants.kernels import compile_kernels, take_kernels
from tests.mutants.mutations import Mutation, find_mutations

ROOT = Path(__file__).parent.parent.parent
PACKAGES = ("app", "codec", "worker")
LIMIT_S = 900.0
# Arguments for pytest: one process, stop at the first failure, write nothing into the copy, end a
# test that waits for ever. A thread ends it even where a loop in a kernel or an event loop takes no
# exception.
PYTEST = (
    "-m",
    "pytest",
    "-x",
    "-q",
    "-n0",
    "-p",
    "no:cacheprovider",
    "--no-header",
    "--timeout",
    "60",
    "--timeout-method",
    "thread",
)


@dataclass(frozen=True, slots=True)
class Mutant:
    """A module of the project with one fault."""

    module: str
    mutation: Mutation

    def describe(self, source: bytes) -> tuple[int, str, str]:
        """Return the number of the changed line of the module's source, and the line before and after."""
        index = source.count(b"\n", 0, self.mutation.start)
        before, after = (
            text.decode().splitlines()[index].strip()
            for text in (source, self.mutation.apply(source))
        )
        return index + 1, before, after


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of the tests of one mutant."""

    module: str
    line: int
    before: str
    after: str
    killed_by: str
    """The first test that failed, `time` for a run over its limit, empty for a survivor."""
    seconds: float


def list_mutants(package: str) -> list[Mutant]:
    """Return all mutants of a package."""
    return [
        Mutant(path.relative_to(ROOT).as_posix(), mutation)
        for path in sorted((ROOT / package).rglob("*.py"))
        for mutation in find_mutations(path.read_bytes())
    ]


def choose_sample(count: int, seed: int, packages: list[str]) -> list[Mutant]:
    """Return ``count`` mutants in random order, equally many of each package."""
    rng = random.Random(seed)
    shares = [count // len(packages) + (i < count % len(packages)) for i in range(len(packages))]
    sample = [
        mutant
        for package, share in zip(packages, shares, strict=True)
        for mutant in rng.sample(list_mutants(package), share)
    ]
    rng.shuffle(sample)  # so that a run that is stopped early has some of each package
    return sample


def list_stages(module: str, *, all_tests: bool) -> Iterator[list[str]]:
    """Yield the tests to run for a module, the nearest first; without ``all_tests`` its package's."""
    path = Path("tests", module)
    own = sorted(path.parent.glob(f"test_{path.stem}*.py"), key=lambda found: found.name)
    if own:
        yield [str(found) for found in own]
    package = Path("tests", *Path(module).parts[:1])
    if package.name == "codec":
        yield ["tests/codec/jpeg/test_figures.py"]
    if path.parent not in {package, package / "jpeg"} and path.parent.is_dir():
        yield [str(path.parent)]
    yield [str(package)]
    if all_tests:
        yield [str(Path("tests", folder)) for folder in ("docker", "integration")]


def judge(mutant: Mutant, copy: Path, *, all_tests: bool) -> Verdict:
    """Run the tests against a mutant in a copy of the project."""
    path = copy / mutant.module
    source, times = path.read_bytes(), path.stat()
    started_s = time.monotonic()
    killed_by = ""
    environment: dict[str, str] = {}
    kernels: Path | None = None
    try:
        path.write_bytes(mutant.mutation.apply(source))
        if mutant.module.startswith("codec/"):
            kernels = take_kernels(copy, mutant.module)
            environment["NUMBA_CACHE_DIR"] = str(kernels.parent)
        for stage in list_stages(mutant.module, all_tests=all_tests):
            killed_by = run_tests(stage, copy, environment)
            if killed_by:
                break
    finally:
        path.write_bytes(source)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))  # kernels are kept by this time
        if kernels is not None:
            shutil.rmtree(kernels)
    seconds = round(time.monotonic() - started_s, 1)
    return Verdict(mutant.module, *mutant.describe(source), killed_by, seconds)


def run_tests(paths: list[str], copy: Path, environment: dict[str, str]) -> str:
    """Return the first test that fails, `time` if they take too long, else an empty string."""
    environment = {
        **os.environ,
        **environment,
        "FOVEATE_DATA": os.environ.get("FOVEATE_DATA", str(ROOT.parent / "shared" / "data")),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    try:
        done = subprocess.run(
            [sys.executable, *PYTEST, *paths],
            cwd=copy,
            env=environment,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "time"
    if done.returncode == 0:
        return ""
    if "+ Timeout +" in done.stdout + done.stderr:
        return "time"
    return find_failed(done.stdout) or f"exit code {done.returncode}"


def find_failed(output: str) -> str:
    """Return the test that pytest's summary names first, empty if there is none.

    Log lines that pytest shows begin with ``ERROR`` as well, and with more than one space.
    """
    found = re.search(r"^(?:FAILED|ERROR) (\S+)", output, re.MULTILINE)
    return found[1] if found else ""


def copy_project(folder: Path) -> Path:
    """Copy the files that git knows into a new folder; return it."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
    return folder


def main() -> int:
    """Judge a sample of mutants; return 1 if fewer than --least per cent are killed."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--sample", type=int, default=120, help="number of mutants (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the sample (%(default)s)")
    parser.add_argument("--packages", nargs="+", default=list(PACKAGES), help="to mutate")
    parser.add_argument("--processes", type=int, default=2, help="at a time (%(default)s)")
    parser.add_argument("--least", type=float, default=85.0, help="per cent killed (%(default)s)")
    parser.add_argument(
        "--all-tests",
        action="store_true",
        help="also run the integration tests against what survives; this takes hours",
    )
    parser.add_argument("--out", type=Path, help="JSON file to write")
    args = parser.parse_args()
    sample = choose_sample(args.sample, args.seed, args.packages)
    verdicts: list[Verdict] = []
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(args.processes) as pool:
        copies: SimpleQueue[Path] = SimpleQueue()
        for number in range(args.processes):
            copy = copy_project(Path(folder, str(number), "project"))
            if "codec" in args.packages:
                compile_kernels(copy)
            copies.put(copy)

        def judge_in_copy(mutant: Mutant) -> Verdict:
            copy = copies.get()
            try:
                return judge(mutant, copy, all_tests=args.all_tests)
            finally:
                copies.put(copy)

        for verdict in pool.map(judge_in_copy, sample):
            verdicts.append(verdict)
            print(f"{verdict.killed_by or 'SURVIVED'}  {verdict.module}:{verdict.line}", end="  ")
            print(f"{verdict.before}  ->  {verdict.after}  {verdict.seconds} s", flush=True)
            if args.out:
                write_report(args.out, args.seed, verdicts)
    killed = sum(bool(verdict.killed_by) for verdict in verdicts)
    share = 100 * killed / len(verdicts)
    print(f"{killed} of {len(verdicts)} mutants killed ({share:.1f} %)")
    return int(share < args.least)


def write_report(path: Path, seed: int, verdicts: list[Verdict]) -> None:
    """Write all verdicts, and the counts of each package."""
    total = Counter(verdict.module.split("/")[0] for verdict in verdicts)
    killed = Counter(verdict.module.split("/")[0] for verdict in verdicts if verdict.killed_by)
    report = {
        "seed": seed,
        "mutants": dict(total),
        "killed": dict(killed),
        "verdicts": [asdict(verdict) for verdict in verdicts],
    }
    path.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
