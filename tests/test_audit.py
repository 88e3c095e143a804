"""`make check` fails for a known vulnerability, and not without an advisory service."""

import json

from tests.audit import verdict

FOUND = {"id": "PYSEC-2026-1", "fix_versions": ["1.1"], "aliases": [], "description": ""}


def test_a_vulnerability_is_an_error_with_the_fixed_version() -> None:
    packages = [
        {"name": "kept", "version": "2.0", "vulns": []},
        {"name": "holed", "version": "1.0", "vulns": [FOUND]},
        {"name": "stranger", "skip_reason": "not found"},
    ]
    lines, code = verdict(json.dumps({"dependencies": packages, "fixes": []}))
    assert code == 1
    assert lines == [
        "audit: holed 1.0: PYSEC-2026-1, fixed in 1.1",
        "audit: 2 of 3 packages are known to the service",
    ]


def test_unknown_packages_are_counted() -> None:
    packages = [{"name": "stranger", "skip_reason": "not found"}]
    lines, code = verdict(json.dumps({"dependencies": packages, "fixes": []}))
    assert (lines, code) == (["audit: 0 of 1 packages are known to the service"], 0)


def test_without_a_service_nothing_is_an_error() -> None:
    lines, code = verdict("")
    assert code == 0
    assert "no advisory service responded" in lines[0]
