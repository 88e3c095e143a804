"""Landlock: no file system, no TCP, no signals to others (Linux, Documentation/userspace-api/landlock)."""

import ctypes
from typing import Final

# The same on all architectures.
CREATE_RULESET, RESTRICT_SELF = 444, 446
GET_VERSION: Final = 1
PR_SET_NO_NEW_PRIVS: Final = 38

# All rights that a version of the kernel's interface knows, from version 1 on.
FILE_RIGHTS: Final = (13, 14, 15, 15, 16)  # bits
TCP_RIGHTS, TCP_VERSION = 0b11, 4
SCOPES, SCOPES_VERSION = 0b11, 6
# Of struct landlock_ruleset_attr: three fields, of which older kernels know the first ones.
ATTRIBUTE_BYTES: Final = {1: 8, 4: 16, 6: 24}


def forbid_new_privileges(libc: ctypes.CDLL) -> bool:
    """Set no_new_privs, without which an ordinary user may not confine himself."""
    return bool(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)


def forbid_files_and_network(libc: ctypes.CDLL) -> bool:
    """Deny this thread and its children whatever the kernel's Landlock can; return whether it has any."""
    version = libc.syscall(CREATE_RULESET, None, 0, GET_VERSION)
    if version < 1:
        return False
    fields = (ctypes.c_uint64 * 3)(
        (1 << FILE_RIGHTS[min(version, len(FILE_RIGHTS)) - 1]) - 1,
        TCP_RIGHTS if version >= TCP_VERSION else 0,
        SCOPES if version >= SCOPES_VERSION else 0,
    )
    size_bytes = max(size for first, size in ATTRIBUTE_BYTES.items() if version >= first)
    ruleset = libc.syscall(CREATE_RULESET, fields, size_bytes, 0)
    # No rule allows anything.
    return bool(ruleset >= 0 and libc.syscall(RESTRICT_SELF, ruleset, 0) == 0)
