"""``python -m tests.fuzz SECONDS CORPUS [FOLDER...]``: coverage-guided fuzzing of uploads (atheris).

Inputs that reach new code are kept in CORPUS. FOLDERs contain more seeds. An exception, ten seconds
for one input or 1.5 GB of memory are a finding: libFuzzer writes the input to a file and exits with
an error. Kernels are compiled with bounds checks.
"""

import os
import sys
import tempfile
from pathlib import Path

os.environ["NUMBA_BOUNDSCHECK"] = "1"
os.environ["NUMBA_CACHE_DIR"] = tempfile.gettempdir() + "/foveate-fuzz-kernels"

import atheris

# numba cannot compile instrumented bytecode.
KERNELS = [
    ".".join(path.with_suffix("").parts)
    for path in Path("codec").rglob("*.py")
    if "@kernel" in path.read_text(encoding="utf-8")
]

with atheris.instrument_imports(include=["contract", "worker", "codec", "PIL"], exclude=KERNELS):
    from tests.fuzz.harness import read_upload
from tests.fuzz.seeds import make_seeds  # noqa: E402


def main() -> None:
    """Fuzz for the given number of seconds."""
    seconds, corpus, *folders = sys.argv[1:]
    Path(corpus).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as seeds:
        for name, data in make_seeds():
            Path(seeds, name).write_bytes(data)
            read_upload(data)  # compiles the kernels, so that no input's time includes it
        atheris.Setup(
            [
                sys.argv[0],
                f"-max_total_time={seconds}",
                *("-timeout=10", "-rss_limit_mb=1500", "-max_len=20000", "-print_final_stats=1"),
                corpus,
                seeds,
                *folders,
            ],
            fuzz_input,
        )
        atheris.Fuzz()


def fuzz_input(data: bytes) -> None:
    """Read an input. Returns None, as libFuzzer would not keep an input with a result of -1."""
    read_upload(data)


if __name__ == "__main__":
    main()
