"""The list of the kernels that Python calls, with their argument types.

A kernel's types are known when it is called, and it is called when those before it have run. With the
list, all kernels can be compiled at once (`codec.kernel_compiler`).

``python -m codec.kernel_signatures`` writes the list: do so after a change of a kernel.
"""

import importlib
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from numba.core.dispatcher import Dispatcher

import codec

LIST: Final = Path(__file__).with_suffix(".txt")
PRINT: Final = "--print"


def read_signatures() -> list[tuple[str, str]]:
    """Return the name of each kernel, with its module, and the types of its arguments for numba."""
    lines = LIST.read_text(encoding="ascii").splitlines()
    return [(name, types) for name, _, types in (line.partition(" ") for line in lines)]


def record_signatures() -> str:
    """Return the list's text, as the warm-up calls the kernels; compile those that are in no cache.

    Raises:
        subprocess.CalledProcessError: a warm-up fails.
    """
    command = [sys.executable, "-m", "codec.kernel_signatures", PRINT]
    folder = LIST.parents[1]
    text = ""
    # A kernel that is compiled has its callees compiled as well, with types that Python does not
    # call them with. The second process reads all kernels from the cache.
    for _ in range(2):
        ran = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603
        text = ran.stdout
    return text


def list_kernels() -> Iterator[tuple[str, Any]]:
    """Yield name and kernel of every function that is compiled, with modules not imported yet."""
    for found in pkgutil.walk_packages(codec.__path__, "codec."):
        module = importlib.import_module(found.name)
        for name, value in vars(module).items():
            if isinstance(value, Dispatcher) and value.__module__ == found.name:
                yield f"{found.name}.{name}", value


def main() -> int:
    """Write the list, or print the signatures that this process's warm-up has used."""
    if PRINT not in sys.argv:
        LIST.write_text(record_signatures(), encoding="ascii")
        return 0
    codec.warm_up()
    lines = [
        f"{name} {arguments!r}".replace("bool", "boolean").replace(", False, aligned=True)", ")")
        for name, kernel in list_kernels()
        for arguments in kernel.signatures
    ]
    print("\n".join(sorted(lines)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
