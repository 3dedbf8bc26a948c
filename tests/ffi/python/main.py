"""Uses redilock from Python by ctypes: waits on a descriptor, cancels, sees a loss, drops a lock, closes a client.

It opens the installed library by its name, prints each step, and ends with an error where a step goes wrong.
"""
import ctypes
import select
import sys
import weakref
from typing import Any

WAITS, CANCELLED = 50, 20
MINUTE = 60_000

lib = ctypes.CDLL("libredilock.so.0")
handle, text, size, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int64
tag_type, status_type, place = ctypes.c_uint64, ctypes.c_int32, ctypes.POINTER
# Without these ctypes would pass and return every argument as an int of 32 bits.
TYPES: dict[str, tuple[Any, list[Any]]] = {
    "redilock_strerror": (text, [status_type]),
    "redilock_constant": (status_type, [text, place(number)]),
    "redilock_new": (status_type, [text, handle, place(handle), text, size]),
    "redilock_client_close": (None, [handle]),
    "redilock_free": (None, [handle]),
    "redilock_acquire": (status_type, [handle, text, size, number, number, place(handle), text, size]),
    "redilock_extend": (status_type, [handle, number]),
    "redilock_release": (status_type, [handle]),
    "redilock_op_new": (status_type, [handle, place(handle)]),
    "redilock_op_set": (status_type, [handle, text, text]),
    "redilock_op_break": (status_type, [handle]),
    "redilock_op_cancel": (None, [handle]),
    "redilock_op_free": (None, [handle]),
    "redilock_op_submit_acquire": (status_type, [handle, tag_type]),
    "redilock_op_submit_release": (status_type, [handle, handle, tag_type]),
    "redilock_op_take_lock": (status_type, [handle, place(handle)]),
    "redilock_client_fd": (status_type, [handle, place(status_type)]),
    "redilock_client_next": (status_type, [handle, place(tag_type), place(status_type), place(status_type)]),
    "redilock_lock_watch": (status_type, [handle, tag_type]),
    "redilock_lock_message": (size, [handle, text, size]),
    "redilock_lock_fence": (number, [handle]),
    "redilock_lock_free": (None, [handle]),
    "redilock_lock_drop": (None, [handle]),
}
for function, (result, arguments) in TYPES.items():
    getattr(lib, function).restype, getattr(lib, function).argtypes = result, arguments


def constant(name: str) -> int:
    value = number()
    expect(name, lib.redilock_constant(b"REDILOCK_" + name.encode(), ctypes.byref(value)), 0)
    return value.value


def expect(what: str, got: object, wanted: object) -> None:
    if got != wanted:
        sys.exit(f"{what}: {got} instead of {wanted}")


def check(what: str, status: int, error: bytes = b"") -> None:
    if status != 0:
        sys.exit(f"{what}: {(error or lib.redilock_strerror(status)).decode()}")


def make(what: str, *arguments: object) -> ctypes.c_void_p:
    out = handle()
    check(what, getattr(lib, what)(*arguments, ctypes.byref(out)))
    return out


def new_client() -> ctypes.c_void_p:
    out, error = handle(), ctypes.create_string_buffer(256)
    check("new", lib.redilock_new(sys.argv[1].encode(), None, ctypes.byref(out), error, len(error)), error.value)
    return out


def acquire(client: ctypes.c_void_p, name: bytes) -> ctypes.c_void_p:
    out, error = handle(), ctypes.create_string_buffer(256)
    status = lib.redilock_acquire(client, name, len(name), MINUTE, MINUTE // 2, ctypes.byref(out), error, len(error))
    check("acquire", status, error.value)
    return out


def new_op(client: ctypes.c_void_p, name: bytes) -> ctypes.c_void_p:
    op = make("redilock_op_new", client)
    lib.redilock_op_set(op, b"name", name)  # a failure comes back from the call that follows
    return op


def submit(client: ctypes.c_void_p, name: bytes, tag: int) -> ctypes.c_void_p:
    op = new_op(client, name)
    lib.redilock_op_set(op, b"ttl", b"60s")
    check("submit_acquire", lib.redilock_op_submit_acquire(op, tag))
    return op


class Lock:
    """A lock that is released when nothing refers to it any more: a finaliser must not block."""

    def __init__(self, client: ctypes.c_void_p, name: bytes) -> None:
        weakref.finalize(self, lib.redilock_lock_drop, acquire(client, name))


def next_completion(client: ctypes.c_void_p) -> tuple[int, int, int] | None:
    """Waits on the descriptor; returns the tag, the kind and the status, or None after the last one of a client."""
    fd, tag, kind, status = status_type(), tag_type(), status_type(), status_type()
    check("fd", lib.redilock_client_fd(client, ctypes.byref(fd)))
    while True:
        end = lib.redilock_client_next(client, ctypes.byref(tag), ctypes.byref(kind), ctypes.byref(status))
        if end == constant("E_CLOSED"):
            return None
        check("next", end)
        if kind.value != 0:
            return tag.value, kind.value, status.value
        if not select.select([fd.value], [], [], 30)[0]:
            sys.exit("no completion within 30 s")


def wait_in_one_queue(holder: ctypes.c_void_p, client: ctypes.c_void_p) -> None:
    """Many waits on one descriptor, one of them cancelled; the tags say which completion is whose."""
    lock = acquire(holder, b"ffi")
    fence = lib.redilock_lock_fence(lock)
    print("fence", fence)
    ops = [submit(client, b"ffi", tag) for tag in range(WAITS)]
    lib.redilock_op_cancel(ops[CANCELLED])
    ended = (CANCELLED, constant("COMPLETION_ACQUIRE"), constant("E_CANCELLED"))
    expect("cancel", next_completion(client), ended)
    print("cancel: one of the waits has left the queue")

    check("release", lib.redilock_release(lock))
    lib.redilock_lock_free(lock)
    granted: list[int] = []
    locks: dict[int, ctypes.c_void_p] = {}
    released = 0
    while released < WAITS - 1:
        completion = next_completion(client)
        assert completion is not None
        tag, kind, status = completion
        check("completion", status)
        if kind == constant("COMPLETION_ACQUIRE"):
            granted.append(tag)
            locks[tag] = make("redilock_op_take_lock", ops[tag])
            expect("the fence rises", lib.redilock_lock_fence(locks[tag]) > fence, True)
            fence = lib.redilock_lock_fence(locks[tag])
            check("submit_release", lib.redilock_op_submit_release(ops[tag], locks[tag], tag))
        elif kind == constant("COMPLETION_RELEASE"):
            lib.redilock_lock_free(locks.pop(tag))
            released += 1
    expect("order", granted, [tag for tag in range(WAITS) if tag != CANCELLED])
    for op in ops:
        lib.redilock_op_free(op)
    print("waits:", len(granted), "granted in the order in which they were submitted")


def lose(holder: ctypes.c_void_p, client: ctypes.c_void_p) -> None:
    lock, op = acquire(client, b"ffi"), new_op(holder, b"ffi")
    check("watch", lib.redilock_lock_watch(lock, 1000))
    check("break", lib.redilock_op_break(op))
    lib.redilock_op_free(op)
    expect("extend", lib.redilock_extend(lock, MINUTE), constant("E_LOST"))
    expect("loss", next_completion(client), (1000, constant("COMPLETION_LOSS"), constant("E_LOST")))
    message = ctypes.create_string_buffer(lib.redilock_lock_message(lock, None, 0) + 1)
    expect("message", lib.redilock_lock_message(lock, message, len(message)) > 0, True)
    print("loss:", message.value.decode())
    lib.redilock_lock_free(lock)


def drop(client: ctypes.c_void_p) -> None:
    """Nothing else releases the first lock before its lease ends, which is after the wait of the second."""
    lock = Lock(client, b"ffi")
    del lock
    second = acquire(client, b"ffi")
    check("release", lib.redilock_release(second))
    lib.redilock_lock_free(second)
    print("drop: released in the background")


def close(holder: ctypes.c_void_p, client: ctypes.c_void_p) -> None:
    lock = acquire(holder, b"ffi")
    op = submit(client, b"ffi", 7)
    lib.redilock_client_close(client)
    expect("close", next_completion(client), (7, constant("COMPLETION_ACQUIRE"), constant("E_CLOSED")))
    expect("after the last completion", next_completion(client), None)
    lib.redilock_op_free(op)
    check("release", lib.redilock_release(lock))
    lib.redilock_lock_free(lock)
    print("close: the wait has ended, and no completion follows")


holder, client = new_client(), new_client()
wait_in_one_queue(holder, client)
lose(holder, client)
drop(client)
close(holder, client)
lib.redilock_free(client)
lib.redilock_free(holder)
