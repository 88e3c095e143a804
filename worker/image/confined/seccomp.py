"""Seccomp: a list of system calls, all others fail (Linux, Documentation/userspace-api/seccomp_filter)."""

import ctypes
import errno
import platform
import struct
from dataclasses import dataclass
from typing import Final

PR_SET_SECCOMP, FILTER_MODE = 22, 2
ALLOW, FAIL, KILL_PROCESS = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x80000000
# glibc then uses clone, whose flags a filter can read.
NOT_THERE: Final = 0x00050000 | errno.ENOSYS
# struct seccomp_data: number, architecture, instruction pointer, six arguments. Little endian: the lower
# half of an argument comes first.
NUMBER_AT, ARCHITECTURE_AT, FIRST_AT, THIRD_AT = 0, 4, 16, 32
# Classic BPF (linux/bpf_common.h): load a word, jump if equal, jump if any of these bits is set, return.
LOAD, JUMP_IF_EQUAL, JUMP_IF_ANY, RETURN = 0x20, 0x15, 0x45, 0x06
CLONE_THREAD, PROT_EXEC = 0x10000, 4


# Numbers of system calls on x86_64 and aarch64: memory, time, locks, reading and writing open files, and
# the end.
ALLOWED: Final[dict[str, tuple[int | None, int | None]]] = {
    "read": (0, 63),
    "write": (1, 64),
    "close": (3, 57),
    "fstat": (5, 80),
    "poll": (7, None),
    "ppoll": (None, 73),
    "lseek": (8, 62),
    "munmap": (11, 215),
    "brk": (12, 214),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "readv": (19, 65),
    "writev": (20, 66),
    "sched_yield": (24, 124),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "getpid": (39, 172),
    "exit": (60, 93),
    "gettimeofday": (96, 169),
    "sigaltstack": (131, 132),
    "gettid": (186, 178),
    "time": (201, None),
    "futex": (202, 98),
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "exit_group": (231, 94),
    "set_robust_list": (273, 99),
    "getrandom": (318, 278),
    "rseq": (334, 293),
}


@dataclass(frozen=True, slots=True)
class Calls:
    """A machine's name as audit has it (linux/audit.h), and its numbers of system calls."""

    architecture: int
    allowed: tuple[int, ...]
    memory: tuple[int, int]
    """mmap and mprotect: allowed unless the memory may be executed."""
    clone: int
    """Allowed for threads: libheif decodes each tile on one of its own."""
    clone3: int = 435


X86_64, AARCH64 = (
    tuple(number for pair in ALLOWED.values() if (number := pair[machine]) is not None)
    for machine in (0, 1)
)
CALLS: Final = {
    "x86_64": Calls(0xC000003E, X86_64, memory=(9, 10), clone=56),
    "aarch64": Calls(0xC00000B7, AARCH64, memory=(222, 226), clone=220),
}


class Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def forbid_calls(libc: ctypes.CDLL) -> bool:
    """Let all system calls but the listed ones fail with EPERM; return whether that is possible."""
    calls = CALLS.get(platform.machine())
    if calls is None or struct.calcsize("P") != 8:
        return False
    code = make_filter(calls)
    program = Program(len(code) // 8, code)
    return bool(libc.prctl(PR_SET_SECCOMP, FILTER_MODE, ctypes.byref(program), 0, 0) == 0)


def make_filter(calls: Calls) -> bytes:
    """Return the filter's instructions."""
    code = [
        (LOAD, 0, 0, ARCHITECTURE_AT),
        (JUMP_IF_EQUAL, 1, 0, calls.architecture),
        (RETURN, 0, 0, KILL_PROCESS),
        (LOAD, 0, 0, NUMBER_AT),
    ]
    # A test that holds jumps over the others of its list, to the list's verdict.
    for numbers, verdict in (
        (calls.allowed, [(RETURN, 0, 0, ALLOW)]),
        (calls.memory, decide(THIRD_AT, PROT_EXEC, if_any=FAIL, else_=ALLOW)),
        ((calls.clone,), decide(FIRST_AT, CLONE_THREAD, if_any=ALLOW, else_=FAIL)),
        ((calls.clone3,), [(RETURN, 0, 0, NOT_THERE)]),
    ):
        *others, last = numbers
        code += [(JUMP_IF_EQUAL, len(others) - i, 0, number) for i, number in enumerate(others)]
        code += [(JUMP_IF_EQUAL, 0, len(verdict), last), *verdict]
    code.append((RETURN, 0, 0, FAIL))
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in code)


def decide(argument_at: int, bits: int, *, if_any: int, else_: int) -> list[tuple[int, ...]]:
    """Return instructions that end with one of two verdicts, by bits of an argument."""
    return [
        (LOAD, 0, 0, argument_at),
        (JUMP_IF_ANY, 0, 1, bits),
        (RETURN, 0, 0, if_any),
        (RETURN, 0, 0, else_),
    ]
