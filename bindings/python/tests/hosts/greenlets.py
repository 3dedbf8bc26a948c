"""gevent or eventlet by the same few names, for the programs of test_hosts.py. `sys.argv` has the
server's URL, its port, its process id, a name of a lock and the host; `host.patch()` patches."""

import importlib
import sys
import time

URL, PORT, SERVER, NAME, KIND = (
    kind(word) for kind, word in zip([str, int, int, str, str], sys.argv[1:])
)
_host = importlib.import_module(KIND)
spawn, sleep, Timeout = _host.spawn, _host.sleep, _host.Timeout
kill = importlib.import_module("gevent" if KIND == "gevent" else "eventlet.greenthread").kill


def patch():
    if KIND == "gevent":
        importlib.import_module("gevent.monkey").patch_all()
    else:
        _host.monkey_patch()


def result(greenlet):
    """What a greenlet returned or raised, once it has ended."""
    return greenlet.get() if KIND == "gevent" else greenlet.wait()


def in_thread(call):
    """Calls it on a thread that runs no greenlets."""
    if KIND == "gevent":
        return _host.get_hub().threadpool.apply(call)
    return importlib.import_module("eventlet.tpool").execute(call)


def until(holds):
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end, "it never came true"
        sleep(0.002)
