"""A small RESP2 client, and Redis servers that belong to one test run.

The tests need blocking reads of replies and messages from many connections, and nothing else of a
client; so they need no package beside Python.
"""
import atexit
import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

START_SECONDS = 20
READ_SECONDS = 20


class ServerError(Exception):
    """An error reply."""


class Connection:
    def __init__(self, address):
        if isinstance(address, str):
            self.socket = socket.socket(socket.AF_UNIX)
        else:
            self.socket = socket.socket()
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(READ_SECONDS)
        try:
            self.socket.connect(address)
        except OSError:
            self.socket.close()
            raise
        self.bytes, self.at = b'', 0

    def send(self, *words):
        parts = [b'*%d\r\n' % len(words)]
        for word in words:
            data = word if isinstance(word, bytes) else str(word).encode()
            parts.append(b'$%d\r\n%s\r\n' % (len(data), data))
        self.socket.sendall(b''.join(parts))

    def _receive(self):
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError('the server closed the connection')
        self.bytes, self.at = self.bytes[self.at:] + data, 0

    def _line(self):
        while True:
            end = self.bytes.find(b'\r\n', self.at)
            if end >= 0:
                line, self.at = self.bytes[self.at:end], end + 2
                return line
            self._receive()

    def read(self):
        """A reply or a message; an error reply is returned, not raised."""
        line = self._line()
        kind, rest = line[:1], line[1:]
        if kind == b'+':
            return rest.decode()
        if kind == b':':
            return int(rest)
        if kind == b'-':
            return ServerError(rest.decode())
        if kind == b'*':
            return [self.read() for _ in range(int(rest))]
        size = int(rest)
        if size < 0:
            return None
        while len(self.bytes) - self.at < size + 2:
            self._receive()
        data, self.at = self.bytes[self.at:self.at + size], self.at + size + 2
        return data.decode('latin-1')

    def read_within(self, seconds):
        """A message, or None."""
        self.socket.settimeout(seconds)
        try:
            return self.read()
        except socket.timeout:
            return None
        finally:
            self.socket.settimeout(READ_SECONDS)

    def call(self, *words):
        self.send(*words)
        reply = self.read()
        if isinstance(reply, ServerError):
            raise reply
        return reply

    def run(self, script, keys, arguments):
        """Runs a script of scripts.load()."""
        sha1, text = script
        self.send('EVALSHA', sha1, len(keys), *keys, *arguments)
        reply = self.read()
        if isinstance(reply, ServerError) and str(reply).startswith('NOSCRIPT'):
            self.send('EVAL', text, len(keys), *keys, *arguments)
            reply = self.read()
        if isinstance(reply, ServerError):
            raise reply
        return reply

    def close(self):
        self.socket.close()


def free_ports(count):
    """Ports of 127.0.0.1 that nobody uses now."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(('127.0.0.1', 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def wait_until(condition, what):
    until = time.monotonic() + START_SECONDS
    while not condition():
        if time.monotonic() > until:
            raise TimeoutError(what)
        time.sleep(.02)


def end_with_parent():
    """The kernel kills the server if this program is killed."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


class Server:
    """A redis-server on a unix socket, or on ports of 127.0.0.1 as a node of a cluster."""

    def __init__(self, program='redis-server', ports=None):
        self.folder = tempfile.mkdtemp(prefix='redilock-protocol-')
        words = [program, '--save', '', '--appendonly', 'no', '--dir', self.folder]
        if ports:
            self.address = ('127.0.0.1', ports[0])
            words += ['--port', str(ports[0]), '--bind', '127.0.0.1', '--cluster-enabled', 'yes',
                      '--cluster-port', str(ports[1])]
        else:
            self.address = os.path.join(self.folder, 'redis.sock')
            words += ['--port', '0', '--unixsocket', self.address]
        with open(os.path.join(self.folder, 'log'), 'wb') as log:
            self.process = subprocess.Popen(words, stdout=log, stderr=log,
                                            preexec_fn=end_with_parent)
        atexit.register(self.stop)
        wait_until(self._answers, 'redis-server does not answer')

    def _answers(self):
        if self.process.poll() is not None:
            with open(os.path.join(self.folder, 'log'), encoding='latin-1') as log:
                raise RuntimeError('redis-server did not start: ' + log.read())
        try:
            with contextlib.closing(Connection(self.address)) as connection:
                connection.call('PING')
            return True
        except (OSError, ServerError):
            return False

    def stop(self):
        atexit.unregister(self.stop)
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        shutil.rmtree(self.folder)


def has_sharded_channels(program='redis-server'):
    """Whether the server has them: Redis from 7.0 on, and Valkey."""
    server = Server(program)
    try:
        with contextlib.closing(Connection(server.address)) as connection:
            connection.call('PUBSUB', 'SHARDCHANNELS')
        return True
    except ServerError:
        return False
    finally:
        server.stop()


def clock_moves_in_scripts(program='redis-server'):
    """Whether a lease can end while a script runs: before Redis 7.2."""
    server = Server(program)
    try:
        with contextlib.closing(Connection(server.address)) as connection:
            now, later = connection.call('EVAL', '''local now = redis.call('TIME')
                for i = 1, 3000000 do end
                return {table.concat(now, ' '), table.concat(redis.call('TIME'), ' ')}''', 0)
        return now != later
    finally:
        server.stop()


class Cluster:
    """Three primaries that share the slots."""
    SLOTS = ((0, 5460), (5461, 10922), (10923, 16383))

    def __init__(self, program='redis-server'):
        ports = free_ports(6)
        self.servers = [Server(program, ports[2 * i:2 * i + 2]) for i in range(3)]
        connections = [Connection(server.address) for server in self.servers]
        for (first, last), connection in zip(self.SLOTS, connections):
            connection.call('CLUSTER', 'ADDSLOTS', *range(first, last + 1))
        for i in (1, 2):
            connections[0].call('CLUSTER', 'MEET', '127.0.0.1', ports[2 * i], ports[2 * i + 1])
        wait_until(lambda: all('cluster_state:ok' in connection.call('CLUSTER', 'INFO')
                               for connection in connections), 'the cluster has no state ok')
        for connection in connections:
            connection.close()

    def address_of(self, slot):
        for (first, last), server in zip(self.SLOTS, self.servers):
            if first <= slot <= last:
                return server.address
        raise ValueError(slot)

    def stop(self):
        for server in self.servers:
            server.stop()
