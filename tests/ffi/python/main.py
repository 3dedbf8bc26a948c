"""Takes a lock from Python by ctypes: opens the installed library by its name, reads the fence, releases."""
import ctypes
import sys

lib = ctypes.CDLL("libredilock.so.0")
pointer, number = ctypes.c_void_p, ctypes.c_int64
lib.redilock_new.argtypes = [ctypes.c_char_p, pointer, ctypes.POINTER(pointer), pointer, ctypes.c_size_t]
lib.redilock_acquire.argtypes = [
    pointer, ctypes.c_char_p, ctypes.c_size_t, number, number, ctypes.POINTER(pointer), pointer, ctypes.c_size_t
]
lib.redilock_lock_fence.restype = number
lib.redilock_strerror.restype = ctypes.c_char_p
for name in ("redilock_release", "redilock_lock_fence", "redilock_lock_free", "redilock_free"):
    getattr(lib, name).argtypes = [pointer]


def check(what: str, status: int) -> None:
    if status != 0:
        sys.exit(f"{what}: {lib.redilock_strerror(status).decode()}")


client, lock = pointer(), pointer()
check("new", lib.redilock_new(sys.argv[1].encode(), None, ctypes.byref(client), None, 0))
check("acquire", lib.redilock_acquire(client, b"ffi", 3, 5000, -1, ctypes.byref(lock), None, 0))
print(lib.redilock_lock_fence(lock))
check("release", lib.redilock_release(lock))
lib.redilock_lock_free(lock)
lib.redilock_free(client)
