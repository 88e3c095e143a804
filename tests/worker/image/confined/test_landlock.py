"""The rights that are denied are those that the kernel's version knows."""

from typing import Any

import pytest

from worker.image.confined.landlock import CREATE_RULESET, GET_VERSION, forbid_files_and_network


class Kernel:
    """Has a version of Landlock."""

    def __init__(self, version: int) -> None:
        self.version = version
        self.denied: tuple[int, ...] = ()
        self.size_bytes = 0

    def syscall(self, number: int, first: Any, second: int, flags: int = 0) -> int:
        """Note what is denied."""
        if number == CREATE_RULESET and flags == GET_VERSION:
            return self.version
        if number == CREATE_RULESET:
            self.denied, self.size_bytes = tuple(first), second
            return 5
        assert (first, second) == (5, 0)
        return 0


@pytest.mark.parametrize(
    ("version", "size_bytes", "denied"),
    [
        (1, 8, (0x1FFF, 0, 0)),
        (2, 8, (0x3FFF, 0, 0)),
        (3, 8, (0x7FFF, 0, 0)),
        (4, 16, (0x7FFF, 3, 0)),
        (5, 16, (0xFFFF, 3, 0)),
        (6, 24, (0xFFFF, 3, 3)),
        (9, 24, (0xFFFF, 3, 3)),
    ],
)
def test_all_rights_are_denied(version: int, size_bytes: int, denied: tuple[int, ...]) -> None:
    kernel: Any = Kernel(version)
    assert forbid_files_and_network(kernel)
    assert (kernel.size_bytes, kernel.denied) == (size_bytes, denied)


def test_a_kernel_without_landlock_says_so() -> None:
    kernel: Any = Kernel(-1)
    assert not forbid_files_and_network(kernel)
