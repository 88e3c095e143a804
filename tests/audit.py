"""``python -m tests.audit``: known vulnerabilities of the installed packages (pip-audit).

Exits with 1 for a vulnerability that is not accepted below. It prints how many packages the advisory
service knows; a service that can't be reached is no error.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any, Final

# The id of an advisory, and why the vulnerability can't be used here.
ACCEPTED: Final[Mapping[str, str]] = {}
TIMEOUT_S: Final = "10"


def main() -> int:
    """Print the vulnerabilities; return the exit code."""
    ignored = [argument for name in ACCEPTED for argument in ("--ignore-vuln", name)]
    command = [sys.executable, "-m", "pip_audit", "--format=json", "--progress-spinner=off"]
    audited = subprocess.run(
        [*command, "--skip-editable", "--timeout", TIMEOUT_S, *ignored],
        capture_output=True,
        text=True,
        check=False,
    )
    lines, code = verdict(audited.stdout)
    print("\n".join(lines))
    return code


def verdict(document: str) -> tuple[list[str], int]:
    """Return what to print and the exit code, from pip-audit's JSON; empty is no response."""
    try:
        packages: list[dict[str, Any]] = json.loads(document)["dependencies"]
    except ValueError:
        return ["audit: no advisory service responded; no package was checked"], 0
    known = [package for package in packages if "vulns" in package]
    lines = [
        f"audit: {package['name']} {package['version']}: {found['id']}, "
        f"fixed in {', '.join(found['fix_versions']) or 'no version'}"
        for package in known
        for found in package["vulns"]
    ]
    code = 1 if lines else 0
    lines.append(f"audit: {len(known)} of {len(packages)} packages are known to the service")
    return lines, code


if __name__ == "__main__":
    sys.exit(main())
