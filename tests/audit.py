"""``python -m tests.audit``: known vulnerabilities of the installed packages (pip-audit).

Exits with 1 where there is one that isn't accepted below. Where no advisory service can be reached,
or it doesn't know the packages, there is nothing to find: that is said, and no error.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any, Final

# The advisory's id: why it doesn't concern us.
ACCEPTED: Final[Mapping[str, str]] = {}
TIMEOUT_S: Final = "10"


def main() -> int:
    """Audit, print what was found, return the exit code."""
    ignored = [argument for name in ACCEPTED for argument in ("--ignore-vuln", name)]
    command = [sys.executable, "-m", "pip_audit", "--format=json", "--progress-spinner=off"]
    shown = subprocess.run(
        [*command, "--skip-editable", "--timeout", TIMEOUT_S, *ignored],
        capture_output=True,
        text=True,
        check=False,
    )
    lines, code = verdict(shown.stdout)
    print("\n".join(lines))
    return code


def verdict(document: str) -> tuple[list[str], int]:
    """Return what pip-audit's JSON says in lines, and the exit code; it is empty where nobody answered."""
    try:
        packages: list[dict[str, Any]] = json.loads(document)["dependencies"]
    except ValueError:
        return ["audit: no advisory service answered; nothing is known of any package"], 0
    known = [package for package in packages if "vulns" in package]
    lines = [
        f"audit: {package['name']} {package['version']}: {found['id']}, "
        f"mended in {', '.join(found['fix_versions']) or 'no version'}"
        for package in known
        for found in package["vulns"]
    ]
    code = 1 if lines else 0
    lines.append(f"audit: {len(known)} of {len(packages)} packages are known to the service")
    return lines, code


if __name__ == "__main__":
    sys.exit(main())
