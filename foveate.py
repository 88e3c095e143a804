"""The installed command ``foveate``: runs the packages beside this file, from any working directory."""

import sys
from pathlib import Path


def main() -> int:
    """Run the command line; return the exit code."""
    # `app` is too common a name to be installed; the checkout is put on the path instead.
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    from app.__main__ import main as run  # noqa: PLC0415

    return run()


if __name__ == "__main__":
    sys.exit(main())
