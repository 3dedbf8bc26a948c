"""The base of the cases of edges.py: a server, clients with channels, calls of the scripts."""
import random
import time
import unittest

import names
from client import KINDS
from resp import Cluster, Connection, Server, has_sharded_channels

LOCK = 'job'


class Setup:
    """Filled in by edges.py before the first case."""
    cluster, program, scripts = False, 'redis-server', None
    sharded = True
    address = None

    @classmethod
    def start(cls):
        if cls.address:
            return
        cls.sharded = has_sharded_channels(cls.program)
        server = (Cluster if cls.cluster else Server)(cls.program)
        cls.address = server.address_of(names.slot(LOCK)) if cls.cluster else server.address


def token():
    return 'redilock:%032x:edge' % random.getrandbits(128)


def us():
    return int(time.time() * 1e6)


class Peer:
    """A client with a channel of its own."""

    def __init__(self, case, kind=None):
        kind = KINDS[kind or ('sharded' if Setup.cluster else 'wake')]
        if kind.subscribe == 'SSUBSCRIBE' and not Setup.sharded:
            case.skipTest('needs sharded channels')
        self.case = case
        tag = names.slot_word(LOCK) if kind.tagged else ''
        self.channel = 'redilock:1:{%s}:%s:%032x' % (tag, kind.word, random.getrandbits(128))
        self.keys = names.keys_of(LOCK, tag)
        self.subscriber = Connection(Setup.address)
        if kind.subscribe:
            self.subscriber.call(kind.subscribe, self.channel)
        case.peers.append(self)

    def join(self, own, lease='30000', arrival=0):
        return self.case.run_script('acquire', own, lease, 1, self.channel, arrival, keys=self.keys)

    def leave(self, own, lease='30000'):
        return self.case.run_script('release', own, '%s %s %s' % (lease, self.channel, own))

    def beat(self):
        return self.case.connection.run(Setup.scripts['beat'], self.keys[3:4], [self.channel])

    def heard(self, seconds=5):
        message = self.subscriber.read_within(seconds)
        return message[2] if message else ''

    def die(self):
        """Returns when the server no longer sees its subscription."""
        self.subscriber.close()
        tagged_wake = '{}' not in self.channel and ':wake:' in self.channel
        command = 'SHARDNUMSUB' if tagged_wake else 'NUMSUB'
        until = time.monotonic() + 10
        while self.case.connection.call('PUBSUB', command, self.channel)[1] > 0:
            if time.monotonic() > until:
                raise TimeoutError('the server keeps a closed connection')
            time.sleep(.001)


class EdgeCase(unittest.TestCase):
    def setUp(self):
        Setup.start()
        self.connection = Connection(Setup.address)
        self.connection.call('FLUSHALL')
        self.keys = names.keys_of(LOCK, names.slot_word(LOCK) if Setup.cluster else '')
        self.peers = []

    def tearDown(self):
        for peer in self.peers:
            peer.subscriber.close()
        self.connection.close()

    def run_script(self, script, *arguments, keys=None):
        return self.connection.run(Setup.scripts[script], keys or self.keys, arguments)

    def take(self, own, lease='30000', fence=1):
        return self.run_script('acquire', own, lease, fence)

    def release(self, own, *more):
        return self.run_script('release', own, *more)

    def convert(self, own, lease):
        return self.run_script('convert', own, lease, 1)

    def pttl(self, key):
        return self.connection.call('PTTL', key)

    def is_next(self, message, own, low=0, high=30000):
        fields = message.split(' ')
        self.assertEqual(fields[:2], ['next', own[9:41]])
        self.assertTrue(low <= int(fields[2]) <= high, message)

    def is_grant(self, message, own):
        """Returns the fence."""
        fields = message.split(' ')
        self.assertEqual(fields[0], own[9:41], message)
        return int(fields[1])

    def info(self):
        return self.run_script('info', keys=[self.keys[0], self.keys[1], self.keys[4]])

    def holders(self):
        return self.info()[4]

    def wait_for(self, condition):
        until = time.monotonic() + 10
        while not condition():
            self.assertLess(time.monotonic(), until)
            time.sleep(.005)
