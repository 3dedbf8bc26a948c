"""Locks of Python: LIBRARY PORT NAME SECONDS HOLD_US THINK_US, one line of JSON."""

import json
import os
import sys
import time


def redilock_client(port, name, seconds):
    import redilock

    lock = redilock.Client(f"redis://127.0.0.1:{port}").lock(name, ttl=30, wait=seconds + 5)
    return lock.acquire, lock.release


def python_redilock(port, name, seconds):
    import redilock.sync_redilock as original

    locks = original.DistributedLock("127.0.0.1", port, 0, ttl=30)
    held = []

    def acquire():
        held[:] = [locks.lock(name, block=seconds)]
        return held[0]

    return acquire, lambda: locks.unlock(held[0])


def redis_py(port, name, seconds):
    import redis

    lock = redis.Redis(port=port).lock(name, timeout=30, blocking_timeout=seconds)
    return lock.acquire, lock.release


def python_redis_lock(port, name, seconds):
    import redis
    import redis_lock

    lock = redis_lock.Lock(redis.StrictRedis(port=port), name, expire=30)
    return lambda: lock.acquire(timeout=max(1, int(seconds))), lock.release


LIBRARIES = {
    "redilock": redilock_client,
    "python-redilock": python_redilock,
    "redis-py": redis_py,
    "python-redis-lock": python_redis_lock,
}


def main():
    library, port, name = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    seconds, hold, think = float(sys.argv[4]), int(sys.argv[5]) / 1e6, int(sys.argv[6]) / 1e6
    acquire, release = LIBRARIES[library](port, name, seconds)
    took, failed = [], 0
    time.sleep(max(0, float(os.environ.get("BENCH_AT", 0)) - time.time()))
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        begun = time.perf_counter()
        if not acquire():
            failed += 1
            continue
        if hold:
            time.sleep(hold)
        release()
        took.append((time.perf_counter() - begun) * 1e6)
        if think:
            time.sleep(think)
    took.sort()
    p50, p99 = (took[int(len(took) * part)] if took else 0 for part in (0.5, 0.99))
    print(json.dumps({"turns": len(took), "failed": failed, "p50_us": p50, "p99_us": p99}))


main()
