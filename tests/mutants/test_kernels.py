"""A mutant keeps the kernels that its fault can't change, and no others."""

import shutil
from pathlib import Path

import pytest

from tests.mutants.__main__ import ROOT
from tests.mutants.kernels import find_dependents, take_kernels


@pytest.mark.parametrize(
    ("module", "dependents", "others"),
    [
        ("quantize/trellis", {"quantize/rdoq", "quantize/blocks", "encode"}, {"quantize/masking"}),
        ("rate_control/secant", {"rate_control/rate_search", "encode"}, {"quantize/blocks"}),
        ("syntax/symbols", {"quantize/rdoq", "write/tokens"}, {"transform/dct"}),
    ],
)
def test_modules_depend_on_what_they_import(
    module: str, dependents: set[str], others: set[str]
) -> None:
    found = find_dependents(ROOT, f"codec/jpeg/{module}.py")
    names = {name.removeprefix("codec/jpeg/").removesuffix(".py") for name in found}
    assert module in names
    assert dependents <= names
    assert not others & names


def test_kernels_of_modules_that_import_the_mutated_one_are_not_taken(tmp_path: Path) -> None:
    copy = tmp_path / "project"
    shutil.copytree(ROOT / "codec", copy / "codec", ignore=shutil.ignore_patterns("__pycache__"))
    compiled = tmp_path / "compiled" / "kernels-0"
    compiled.mkdir(parents=True)
    for name in ("rdoq", "block_sample", "masking"):
        (compiled / f"{name}.kernel-1.py311.nbi").touch()
    taken = take_kernels(copy, "codec/jpeg/quantize/rdoq.py")
    assert [path.name.partition(".")[0] for path in taken.iterdir()] == ["masking"]
