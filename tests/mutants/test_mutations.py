"""Which faults are put into a source, and that each is one that Python reads."""

import ast
from collections import Counter

import pytest

from tests.mutants.__main__ import PACKAGES, ROOT, choose_sample, list_mutants, list_stages
from tests.mutants.mutations import find_mutations

LAST = ["tests/docker", "tests/integration"]


@pytest.mark.parametrize(
    ("source", "mutants"),
    [
        ("x = a < b", {"x = a <= b"}),
        ("x = (a) == (b)", {"x = (a) != (b)"}),
        ("x = a is not b", {"x = a is b"}),
        ("x = a + (b)", {"x = a - (b)"}),
        ("x = a and b", {"x = a or b"}),
        ("x = not a", {"x = a"}),
        ("x = 0", {"x = 1"}),
        ("x = 5", {"x = 10"}),
        ("x = 0.5", {"x = 1.0"}),
        ("x = True", {"x = False"}),
        ("if a: f()", {"if (not (a)): f()", "if a: pass"}),
        ("x.y = a", {"pass"}),
        ("x += a", {"pass"}),
        ("raise a", {"pass"}),
        ("def f(): return a", {"def f(): return None"}),
        ("def f(): return True", {"def f(): return None", "def f(): return False"}),
        ("def f(): return False", {"def f(): return True"}),
        ("é = 'ü' + a", {"é = 'ü' - a"}),
    ],
)
def test_each_kind_of_fault(source: str, mutants: set[str]) -> None:
    found = {
        mutation.apply(source.encode()).decode() for mutation in find_mutations(source.encode())
    }
    assert found == mutants


@pytest.mark.parametrize(
    "source",
    [
        "'text'",
        "x: Literal[1] = y",
        "def f(x: A[1]) -> B[2]: ...",
        "@d(1)\ndef f(): ...",
        "assert a < b",
        "log.warning('%d', 1)",
        "WAIT_S: Final = 5.0",
        "x = a",
        "return_none = None",
    ],
)
def test_what_is_not_mutated(source: str) -> None:
    assert find_mutations(source.encode()) == []


def test_every_mutant_of_the_project_is_python_and_differs() -> None:
    for package in PACKAGES:
        mutants = list_mutants(package)
        assert len(mutants) > 500
        for mutant in mutants[:: len(mutants) // 100]:
            source = (ROOT / mutant.module).read_bytes()
            changed = mutant.mutation.apply(source)
            ast.parse(changed)
            assert changed != source


def test_a_sample_is_the_same_for_the_same_seed() -> None:
    sample = choose_sample(7, 3, list(PACKAGES))
    assert sample == choose_sample(7, 3, list(PACKAGES))
    assert sample != choose_sample(7, 4, list(PACKAGES))
    packages = Counter(mutant.module.split("/")[0] for mutant in sample)
    assert packages == {"app": 3, "codec": 2, "worker": 2}


def test_the_nearest_tests_run_first() -> None:
    stages = list(list_stages("worker/image/decode.py", all_tests=True))
    assert stages[0][0] == "tests/worker/image/test_decode.py"
    assert stages[1:] == [["tests/worker/image"], ["tests/worker"], LAST]


def test_the_figures_of_the_encoder_run_before_all_tests_of_the_codec() -> None:
    assert list(list_stages("codec/jpeg/quantize/steps.py", all_tests=False)) == [
        ["tests/codec/jpeg/quantize/test_steps.py"],
        ["tests/codec/jpeg/test_figures.py"],
        ["tests/codec/jpeg/quantize"],
        ["tests/codec"],
    ]
