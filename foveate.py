"""The command ``foveate``, from any folder: it runs the packages that lie beside this file."""

import sys
from pathlib import Path


def main() -> int:
    """Run the command line; return the exit code."""
    # `app` is too common a name to be installed, so the checkout is put on the path here.
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    from app.__main__ import main as run  # noqa: PLC0415

    return run()


if __name__ == "__main__":
    sys.exit(main())
