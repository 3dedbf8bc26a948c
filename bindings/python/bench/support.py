"""What the benchmarks share: a server of their own, and what they print."""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time


class Server:
    """A redis-server on a unix socket and a free port of the loopback."""

    def __init__(self, cpu=None):
        self.dir = tempfile.mkdtemp(prefix="redilock-bench.")
        self.socket = f"{self.dir}/redis.sock"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"unix://{self.socket}"
        pin = [] if cpu is None else ["taskset", "-c", str(cpu)]
        self.process = subprocess.Popen(
            [*pin, "redis-server", "--port", str(self.port), "--bind", "127.0.0.1",
             "--unixsocket", self.socket, "--save", "", "--dir", self.dir, "--maxclients", "20000",
             "--logfile", f"{self.dir}/log"]
        )  # fmt: skip
        end = time.monotonic() + 10
        while self.cli("PING") != "PONG":
            if time.monotonic() > end:
                raise SystemExit("redis-server did not start")
            time.sleep(0.01)

    def cli(self, *words):
        command = ["redis-cli", "-s", self.socket, *words]
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        return done.stdout.strip()

    def commands(self):
        """How many commands it has carried out, those of scripts not counted."""
        stats = self.cli("INFO", "commandstats").splitlines()
        calls = {
            line.split(":")[0]: int(line.split("calls=")[1].split(",")[0])
            for line in stats
            if "calls=" in line
        }
        return sum(
            calls.get(f"cmdstat_{name}", 0)
            for name in ("evalsha", "eval", "subscribe", "unsubscribe", "set")
        )

    def end(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.dir)


@contextlib.contextmanager
def server(cpu=None):
    """A server that ends with the block."""
    started = Server(cpu)
    try:
        yield started
    finally:
        started.end()


def memory_kib(what="VmRSS"):
    """The memory of this process; VmHWM is the most it was."""
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith(what):
                return int(line.split()[1])
    return 0


def threads():
    """How many threads this process has."""
    return len(os.listdir("/proc/self/task"))
