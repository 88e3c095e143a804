"""``python -m tests.fuzz SECONDS CORPUS [FOLDER...]``: look for inputs that break reading (atheris).

Inputs that reach new code are kept in CORPUS; FOLDERs are read as seeds, beside our own. An
exception, ten seconds or 1.5 GB are a finding: libFuzzer writes the input and ends with an error.
Kernels are compiled with bounds checks.
"""

import os
import sys
import tempfile
from pathlib import Path

os.environ["NUMBA_BOUNDSCHECK"] = "1"
os.environ["NUMBA_CACHE_DIR"] = tempfile.gettempdir() + "/foveate-fuzz-kernels"

import atheris

# numba compiles plain bytecode only.
KERNELS = [
    ".".join(path.with_suffix("").parts)
    for path in Path("codec").rglob("*.py")
    if "@kernel" in path.read_text(encoding="utf-8")
]

with atheris.instrument_imports(include=["app", "worker", "codec", "PIL"], exclude=KERNELS):
    from tests.fuzz.harness import look_at
from tests.fuzz.seeds import make_seeds  # noqa: E402


def main() -> None:
    """Fuzz for a while."""
    seconds, corpus, *folders = sys.argv[1:]
    Path(corpus).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as seeds:
        for name, data in make_seeds():
            Path(seeds, name).write_bytes(data)
            look_at(data)  # so that compiling kernels counts for no input's time
        atheris.Setup(
            [
                sys.argv[0],
                f"-max_total_time={seconds}",
                *("-timeout=10", "-rss_limit_mb=1500", "-max_len=20000", "-print_final_stats=1"),
                corpus,
                seeds,
                *folders,
            ],
            look_at_input,
        )
        atheris.Fuzz()


def look_at_input(data: bytes) -> None:
    """Return nothing: libFuzzer takes -1 for "don't keep this"."""
    look_at(data)


if __name__ == "__main__":
    main()
