"""What the tests share: a redis-server of their own, and names that no other test uses."""

import itertools
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import pytest

import redilock


class Server:
    """A redis-server on a unix socket and a free port of the loopback."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="redilock-py.")
        self.socket = f"{self.dir}/redis.sock"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"unix://{self.socket}"
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--unixsocket",
             self.socket, "--save", "", "--dir", self.dir, "--logfile", f"{self.dir}/log"]
        )  # fmt: skip
        until(lambda: os.path.exists(self.socket) and self.cli("PING") == "PONG")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def cli(self, *words):
        command = ["redis-cli", "-s", self.socket, *map(os.fsencode, words)]
        return subprocess.run(command, stdout=subprocess.PIPE, text=True).stdout.strip()

    def queued(self, name):
        """How many are in the queue of a name, as the server has it."""
        queue = self.cli("KEYS", f"redilock:1:{{????}}:queue:{name}")
        return int(self.cli("ZCARD", queue)) if queue else 0

    def connections(self):
        """How many there are, with the one that asks."""
        return len(self.cli("CLIENT", "LIST").splitlines())

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def end(self):
        self.thaw()
        self.kill()
        shutil.rmtree(self.dir)


def until(holds, seconds=10.0):
    """Asks again until it holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.002)


@pytest.fixture(scope="session")
def server():
    server = Server()
    yield server
    server.end()


_numbers = itertools.count(1)


@pytest.fixture
def name():
    return f"job-{next(_numbers)}"


@pytest.fixture
def client(server):
    with redilock.Client(server.url) as client:
        yield client


@pytest.fixture
def program(server, tmp_path):
    """Starts another Python on a text, with `url`, `port` and `name` in its sys.argv."""
    started = []

    def start(text, *arguments, **more):
        process = subprocess.Popen(
            [sys.executable, "-c", text, server.url, str(server.port), *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": str(pathlib.Path(redilock.__file__).parents[1])},
            **more,
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()
