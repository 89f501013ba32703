"""The system calls that code in a box may not make, as a seccomp filter of this process.

It starts no process and no program, opens no socket and touches no mount, key or other process.
Threads are allowed; the bounds on memory are theirs, too.
"""

import ctypes
import errno
import os
import struct

_COMMON = {*range(424, 435), 438, 442}
"""pidfd_send_signal, io_uring, the new mount calls, pidfd_open, pidfd_getfd, mount_setattr."""
_DENIED: dict[str, tuple[int, int, set[int]]] = {
    "x86_64": (
        0xC000003E,
        56,
        {
            *(29, 41, 57, 58, 59, 101, 135, 155, 161, 165, 166, 167, 169, 175, 246, 248, 249, 250),
            *(272, 298, 308, 310, 311, 312, 313, 319, 321, 322, 323),
        },
    ),
    "aarch64": (
        0xC00000B7,
        220,
        {
            *(39, 40, 41, 51, 92, 97, 104, 105, 117, 142, 194, 198, 217, 218, 219, 221, 224, 241),
            *(268, 270, 271, 272, 273, 279, 280, 281, 282),
        },
    ),
}
"""By machine: its audit number, the call `clone`, and what is denied: shmget, socket, fork, vfork,
execve, ptrace, personality, pivot_root, chroot, mount, umount, swapon, reboot, init_module,
kexec_load, keys, unshare, perf_event_open, setns, process_vm_*, kcmp, finit_module, memfd_create,
bpf, execveat, userfaultfd; a machine without `fork` has `clone` alone."""
_CLONE3 = 435
_CLONE_THREAD = 0x10000
_OTHER_ABI = 0x40000000  # x32, whose calls have other numbers
_ALLOW, _FAIL, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_LOAD, _IS, _FROM, _HAS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NO_NEW_PRIVILEGES, _SECCOMP, _FILTER = 38, 22, 2


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))


def filter_calls() -> None:
    """Deny this process, for good, what code in a box may not do.

    Raises:
        OSError: the kernel has no such filter, or the machine is none that is known here.
    """
    machine = os.uname().machine
    if machine not in _DENIED:
        raise OSError(errno.ENOSYS, f"no filter of system calls is known for {machine}")
    code = _code(*_DENIED[machine])
    libc = ctypes.CDLL(None, use_errno=True)
    program = _Program(len(code) // 8, code)
    for arguments in (
        (_NO_NEW_PRIVILEGES, 1, 0, 0, 0),
        (_SECCOMP, _FILTER, ctypes.byref(program), 0, 0),
    ):
        if libc.prctl(*arguments):
            number = ctypes.get_errno()
            raise OSError(number, f"a filter of system calls: {os.strerror(number)}")


def _code(machine: int, clone: int, denied: set[int]) -> bytes:
    """Return the filter: load the machine, then the call, and compare one after the other."""
    refused = _FAIL | errno.EPERM
    steps = [
        _step(_LOAD, 4),
        _step(_IS, machine, 1, 0),
        _step(_RETURN, _KILL),
        _step(_LOAD, 0),
        *(_step(_FROM, _OTHER_ABI, 0, 1), _step(_RETURN, refused)),
    ]
    for call in sorted(denied | _COMMON):
        steps += [_step(_IS, call, 0, 1), _step(_RETURN, refused)]
    steps += [_step(_IS, _CLONE3, 0, 1), _step(_RETURN, _FAIL | errno.ENOSYS)]  # clone is tried
    steps += [
        _step(_IS, clone, 0, 3),
        _step(_LOAD, 16),
        _step(_HAS, _CLONE_THREAD, 1, 0),
        _step(_RETURN, refused),
        _step(_RETURN, _ALLOW),
    ]
    return b"".join(steps)


def _step(code: int, value: int, met: int = 0, unmet: int = 0) -> bytes:
    return struct.pack("HBBI", code, met, unmet, value)
