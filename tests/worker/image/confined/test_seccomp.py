"""The filter's verdict for system calls, by an interpreter of its few instructions."""

import struct

import pytest

from worker.image.confined.seccomp import (
    ALLOW,
    ARCHITECTURE_AT,
    CALLS,
    CLONE_THREAD,
    FAIL,
    JUMP_IF_ANY,
    JUMP_IF_EQUAL,
    KILL_PROCESS,
    LOAD,
    NOT_THERE,
    NUMBER_AT,
    PROT_EXEC,
    RETURN,
    Calls,
    make_filter,
)

# socket, connect, open, openat, execve, fork, kill, ptrace, io_uring_setup, x32's read
FORBIDDEN = {
    "x86_64": (41, 42, 2, 257, 59, 57, 62, 101, 425, 0x40000000),
    "aarch64": (198, 203, 56, 221, 129, 117, 425),
}


def judge(calls: Calls, number: int, argument: int = 0, architecture: int | None = None) -> int:
    """Return the verdict; ``argument`` is the first and the third."""
    code = list(struct.iter_unpack("<HBBI", make_filter(calls)))
    values = {NUMBER_AT: number, ARCHITECTURE_AT: architecture or calls.architecture}
    position, loaded = 0, 0
    while True:
        kind, if_true, if_false, operand = code[position]
        position += 1
        if kind == RETURN:
            return int(operand)
        if kind == LOAD:
            loaded = values.get(operand, argument)
        else:
            assert kind in {JUMP_IF_EQUAL, JUMP_IF_ANY}
            holds = loaded == operand if kind == JUMP_IF_EQUAL else loaded & operand
            position += if_true if holds else if_false


@pytest.mark.parametrize("machine", CALLS)
def test_only_listed_calls_are_allowed(machine: str) -> None:
    calls = CALLS[machine]
    for number in calls.allowed:
        assert judge(calls, number) == ALLOW
    special = {*calls.allowed, *calls.memory, calls.clone, calls.clone3}
    for number in (set(range(600)) | set(FORBIDDEN[machine])) - special:
        assert judge(calls, number, CLONE_THREAD) == FAIL
    assert not special & set(FORBIDDEN[machine])


@pytest.mark.parametrize("calls", CALLS.values())
def test_arguments_decide(calls: Calls) -> None:
    for number in calls.memory:
        assert judge(calls, number, 3) == ALLOW
        assert judge(calls, number, 3 | PROT_EXEC) == FAIL
    assert judge(calls, calls.clone, CLONE_THREAD | 0xF00) == ALLOW
    assert judge(calls, calls.clone, 17) == FAIL
    assert judge(calls, calls.clone3) == NOT_THERE


def test_another_architecture_s_calls_end_the_process() -> None:
    assert judge(CALLS["x86_64"], 0, architecture=0x40000003) == KILL_PROCESS
