"""Cases of several clients that tables for one script do not show, with the real times.

    edges.py [--cluster] [--mutant N] [--server PROGRAM] [NAME...]
"""
import argparse
import random
import sys
import time
import unittest

import mutants
import names
import scripts
from client import KINDS
from resp import Cluster, Connection, Server, ServerError

LOCK = 'job'
OPTIONS = None
SCRIPTS = None


def token():
    return 'redilock:%032x:edge' % random.getrandbits(128)


def us():
    return int(time.time() * 1e6)


class Peer:
    """A client with a channel of its own."""

    def __init__(self, case, kind=None):
        kind = KINDS[kind or ('sharded' if OPTIONS.cluster else 'wake')]
        self.case = case
        tag = names.slot_word(LOCK) if kind.tagged else ''
        self.channel = 'redilock:1:{%s}:%s:%032x' % (tag, kind.word, random.getrandbits(128))
        self.keys = names.keys_of(LOCK, tag)
        self.subscriber = Connection(case.address)
        if kind.subscribe:
            self.subscriber.call(kind.subscribe, self.channel)
        case.peers.append(self)

    def join(self, own, lease='30000', arrival=0):
        return self.case.run_script('acquire', own, lease, 1, self.channel, arrival, keys=self.keys)

    def leave(self, own, lease='30000'):
        return self.case.run_script('release', own, '%s %s %s' % (lease, self.channel, own))

    def beat(self):
        return self.case.connection.run(SCRIPTS['beat'], self.keys[3:4], [self.channel])

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


class Edges(unittest.TestCase):
    server = None

    @classmethod
    def setUpClass(cls):
        cls.server = (Cluster if OPTIONS.cluster else Server)(OPTIONS.server)
        cls.address = (cls.server.address_of(names.slot(LOCK)) if OPTIONS.cluster
                       else cls.server.address)
        cls.connection = Connection(cls.address)

    @classmethod
    def tearDownClass(cls):
        cls.connection.close()
        cls.server.stop()

    def setUp(self):
        self.connection.call('FLUSHALL')
        self.keys = names.keys_of(LOCK, names.slot_word(LOCK) if OPTIONS.cluster else '')
        self.peers = []

    def tearDown(self):
        for peer in self.peers:
            peer.subscriber.close()

    def run_script(self, script, *arguments, keys=None):
        return self.connection.run(SCRIPTS[script], keys or self.keys, arguments)

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

    # -- many

    def test_eight_clients_die_one_after_the_other(self):
        """Each learns in time that it is the head, though nobody releases."""
        ttl, tokens, state, due = '300', {}, {}, {}
        peers = [Peer(self) for _ in range(8)]
        beat_at, until = time.time() + 2, time.time() + 20

        def on_reply(peer, reply):
            now = time.time()
            if isinstance(reply, int):
                state[peer] = None
                return
            state[peer] = reply[2]
            due.setdefault(peer, []).append(now + (reply[0] / 1000 + .001 if reply[1] == 0 else 99))

        for peer in peers:
            tokens[peer] = token()
            on_reply(peer, peer.join(tokens[peer], ttl))
            due.setdefault(peer, []).append(time.time() + 2)
        while any(state.values()) and time.time() < until:
            if time.time() >= beat_at:
                beat_at += 2
                for peer in peers:
                    peer.beat()
            for peer in [peer for peer in peers if state[peer]]:
                message = peer.heard(.0005)
                if message.startswith('next'):
                    due[peer].append(time.time() + int(message.split(' ')[2]) / 1000 + .001)
                elif message:
                    on_reply(peer, 1)
                elif any(at <= time.time() for at in due[peer]):
                    due[peer] = [at for at in due[peer] if at > time.time()]
                    on_reply(peer, peer.join(tokens[peer], ttl, state[peer]))
        self.assertFalse(any(state.values()), 'a survivor still waits')

    def test_250_dead_before_a_living_one(self):
        holder, living, dead, peer = token(), token(), Peer(self), Peer(self)
        self.take(holder)
        for _ in range(250):
            dead.join(token())
        peer.join(living)
        dead.die()
        replies = [self.release(holder)]
        while replies[-1] & 2:
            replies.append(self.release(holder))
        self.assertEqual(replies, [3, 2, 0])
        self.assertEqual(self.connection.call('GET', LOCK), living)

    def test_250_readers_in_a_row(self):
        holder, readers, peer = token(), [token() for _ in range(250)], Peer(self)
        self.take(holder)
        for reader in readers:
            peer.join(reader, '30000s')
        replies = [self.release(holder)]
        while replies[-1] & 2:
            replies.append(self.release(holder))
        self.assertEqual(replies, [3, 2, 0])
        fences = [self.is_grant(peer.heard(), reader) for reader in readers]
        self.assertEqual(fences, sorted(set(fences)))
        info = self.run_script('info', keys=[self.keys[0], self.keys[1], self.keys[4]])
        self.assertEqual((info[4], len(info[6])), (250, 200))

    def test_fences_rise_when_the_counter_is_ahead(self):
        self.connection.call('SET', self.keys[2], us() + 10 ** 9)
        holder, readers, writer = token(), [token() for _ in range(3)], token()
        fences, peer = [self.take(holder)], Peer(self)
        for reader in readers:
            peer.join(reader, '30000s')
        peer.join(writer)
        self.release(holder)
        fences += [self.is_grant(peer.heard(), reader) for reader in readers]
        self.is_next(peer.heard(), writer)       # its arrival gives no age
        fences.append(self.convert(readers[0], '30000s')[0])
        for reader in readers:
            self.release(reader)
        message = peer.heard()
        while message.startswith('next'):
            message = peer.heard()
        fences.append(self.is_grant(message, writer))
        self.release(writer)
        fences.append(self.take(holder))
        self.assertEqual(fences, sorted(set(fences)))

    # -- who is notified

    def test_a_dead_head_is_dropped_and_the_next_is_notified(self):
        holder, tokens, peers = token(), [token() for _ in range(3)], [Peer(self) for _ in range(3)]
        self.take(holder)
        for peer, own in zip(peers, tokens):
            arrival = peer.join(own)[2]
        peers[0].die()
        reply = peers[2].join(tokens[2], arrival=arrival)
        self.assertEqual(reply[1], 1)
        self.is_next(peers[1].heard(), tokens[1], 20000)
        peers[1].die()
        self.assertEqual(self.release(holder), 1)
        self.is_grant(peers[2].heard(), tokens[2])

    def test_heads_that_wait_for_over_2_s_are_notified_after_a_hand_off(self):
        holder, tokens, peers = token(), [token() for _ in range(3)], [Peer(self) for _ in range(3)]
        self.take(holder)
        for peer, own, lease in zip(peers, tokens, ['30000', '30000s', '30000']):
            peer.join(own, lease)
        time.sleep(2.1)
        self.release(holder)
        self.is_grant(peers[0].heard(), tokens[0])
        self.is_next(peers[1].heard(), tokens[1], 15000)
        self.release(tokens[0])
        self.is_grant(peers[1].heard(), tokens[1])
        self.is_next(peers[2].heard(), tokens[2], 15000)

    def test_a_head_behind_a_foreign_holder_asks_at_once(self):
        tokens, peers = [token() for _ in range(2)], [Peer(self) for _ in range(2)]
        self.connection.call('SET', LOCK, 'foreign', 'PX', 60000)
        for peer, own in zip(peers, tokens):
            peer.join(own)
        peers[0].leave(tokens[0])
        self.is_next(peers[1].heard(), tokens[1], 0, 0)

    def test_permits(self):
        readers, first, second = [token() for _ in range(4)], token(), token()
        for i in range(3):
            self.take(readers[i], '%d0000s' % (i + 1))
        one, two = Peer(self), Peer(self)
        self.assertTrue(25000 < one.join(first, '5000')[0] <= 30000)
        one.leave(first, '5000')
        self.assertTrue(15000 < one.join(first, '5000s2')[0] <= 20000)
        self.assertEqual(two.join(second, '5000s')[1], 1)
        self.run_script('extend', readers[1], 90000, keys=[self.keys[0], self.keys[4]])
        self.assertGreater(self.pttl(LOCK), 60000)
        self.release(readers[1])
        self.is_next(one.heard(), first, 5000, 10000)
        self.assertLessEqual(self.pttl(LOCK), 30000)
        self.release(readers[0])
        self.is_grant(one.heard(), first)
        self.is_grant(two.heard(), second)

    # -- leases that end, and keys that expire

    def wait_for(self, condition):
        until = time.monotonic() + 10
        while not condition():
            self.assertLess(time.monotonic(), until)
            time.sleep(.005)

    def test_a_shared_try_finds_an_ended_lease_and_wakes_two_readers(self):
        holder, tokens, peer = token(), [token(), token()], Peer(self)
        self.take(holder, '100')
        for own in tokens:
            peer.join(own, '5000s')
        self.wait_for(lambda: not self.connection.call('EXISTS', LOCK))
        last = self.take(token(), '5000s')
        fences = [self.is_grant(peer.heard(), own) for own in tokens]
        self.assertTrue(fences[0] < fences[1] < last)

    def test_a_shared_lease_that_ended_is_nobodys(self):
        ended = token()
        self.take(ended, '20s')
        self.take(token(), '30000s')
        self.wait_for(lambda: self.run_script('info', keys=[self.keys[0], self.keys[1],
                                                            self.keys[4]])[4] == 1)
        extend = self.run_script('extend', ended, 9000, keys=[self.keys[0], self.keys[4]])
        self.assertEqual((extend, self.convert(ended, '9000'), self.release(ended)), (0, -1, 0))

    def test_convert_to_shared_and_back(self):
        holder, reader, peer = token(), token(), Peer(self)
        first = self.take(holder)
        peer.join(reader, '5000s')
        to_shared = self.convert(holder, '30000s')
        self.assertGreater(to_shared[0], first)
        self.assertGreater(self.is_grant(peer.heard(), reader), to_shared[0])
        self.assertEqual(len(self.convert(holder, '30000')), 1)
        self.release(reader)
        self.assertGreater(self.convert(holder, '30000')[0], to_shared[0])
        self.assertEqual(self.connection.call('GET', LOCK), holder)

    def test_rest(self):
        holder, own, peer = token(), token(), Peer(self)
        self.take(holder)
        arrival = peer.join(own)[2]
        self.assertEqual(self.release(holder, '', 300), 1)
        self.is_next(peer.heard(), own, 0, 300)
        self.assertEqual(self.release(holder), 0)
        self.wait_for(lambda: isinstance(peer.join(own, arrival=arrival), int))
        self.release(own, '', 5000)
        self.assertEqual(self.run_script('force_release'), 1)
        self.assertEqual(self.connection.call('EXISTS', LOCK), 0)
        self.take(holder, '30000s2')
        self.release(holder, '', 10000)
        self.assertGreater(self.take(token())[0], 5000)
        self.assertGreater(self.take(token(), '3000s1')[0], 5000)
        self.assertGreater(self.take(token(), '3000s2'), 0)

    def expect_life(self, key, ms):
        self.assertTrue(ms - 10000 < self.pttl(key) <= ms, (key, self.pttl(key)))

    def test_each_key_but_the_counter_expires(self):
        peer = Peer(self)
        for lease in ('30000', '30000s'):
            self.connection.call('FLUSHALL')
            for _ in range(2):
                self.take(token(), lease)
                self.expect_life(LOCK, 30000)
                if 's' in lease:
                    self.expect_life(self.keys[4], 30000)
            peer.join(token())
            self.expect_life(peer.keys[1], 180000)
            self.expect_life(peer.keys[3], 180000)
            self.assertEqual(self.pttl(self.keys[2]), -1)

    def test_a_lost_record_is_noticed_once(self):
        peer = Peer(self)
        self.take(token())
        self.assertEqual(peer.join(token())[7], 0)
        self.assertEqual([peer.beat()[0], peer.beat()[0]], [1, 1])
        self.connection.call('FLUSHALL')
        self.assertEqual([peer.beat()[0], peer.beat()[0]], [0, 1])
        self.connection.call('FLUSHALL')
        self.take(token())
        self.assertEqual([peer.join(token())[7], peer.beat()[0]], [0, 1])

    # -- kinds and tags

    def test_kinds_side_by_side_get_the_lock_in_order(self):
        kinds = [kind for kind in KINDS if KINDS[kind].tagged or not OPTIONS.cluster]
        holder, waiters = token(), []
        self.take(holder)
        for kind in kinds:
            own = token()
            Peer(self, kind).join(own)
            waiters.append(own)
        order = []
        for _ in kinds:
            self.assertEqual(self.release(holder), 1)
            holder = self.connection.call('GET', LOCK)
            order.append(kinds[waiters.index(holder)])
        self.assertEqual(order, kinds)

    def test_members_of_foreign_tags_are_dropped(self):
        holder, own, peer = token(), token(), Peer(self)
        self.take(holder)
        tags = ['@@@@', 'ABCD', '@NB'] + ([''] if OPTIONS.cluster else [])
        for i, tag in enumerate(tags):
            member = '30000 redilock:1:{%s}:poll:x %s' % (tag, token())
            self.connection.call('ZADD', self.keys[1], us() - 1000 + i, member)
        peer.join(own)
        self.assertEqual(self.release(holder), 1)
        self.assertEqual(self.connection.call('GET', LOCK), own)

    def test_members_out_of_bounds_are_dropped(self):
        """They do not stop a hand-off half-way."""
        holder, reader, own, peer = token(), token(), token(), Peer(self)
        self.take(holder)
        peer.join(reader, '30000s')
        odd = ['30000s12345678901234567 %s %s' % (peer.channel, token()),
               '30000s01 %s %s' % (peer.channel, token()),
               '30000 %s redilock:ab:x' % peer.channel]
        for i, member in enumerate(odd):
            self.connection.call('ZADD', self.keys[1], us() + 60 * 10 ** 6 + i, member)
        self.assertEqual(self.release(holder), 1)
        self.is_grant(peer.heard(), reader)
        self.assertEqual(self.connection.call('EXISTS', self.keys[1]), 0)
        self.connection.call('ZADD', self.keys[1], us(), odd[2])
        peer.join(own)
        self.assertEqual(self.release(reader), 1)
        self.is_grant(peer.heard(), own)
        self.connection.call('ZADD', self.keys[1], us(), odd[2])
        self.assertEqual(self.release(own), 1)
        self.assertEqual(self.connection.call('EXISTS', *self.keys[:2]), 0)

    def test_a_client_without_slot_tags_fails_on_a_cluster(self):
        if not OPTIONS.cluster:
            self.skipTest('needs a cluster')
        with self.assertRaisesRegex(ServerError, 'CROSSSLOT'):
            self.run_script('acquire', token(), '30000', 1, keys=names.keys_of(LOCK, ''))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--cluster', action='store_true')
    parser.add_argument('--mutant', type=int)
    parser.add_argument('--server', default='redis-server')
    parser.add_argument('names', nargs='*')
    global OPTIONS, SCRIPTS
    OPTIONS = parser.parse_args()
    SCRIPTS = scripts.load(mutant=mutants.ALL[OPTIONS.mutant] if OPTIONS.mutant is not None else None)
    unittest.main(argv=sys.argv[:1] + OPTIONS.names, failfast=OPTIONS.mutant is not None)


if __name__ == '__main__':
    main()
