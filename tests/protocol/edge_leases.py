"""Leases that end, are shared, converted or rest; and keys that expire."""
from edge_case import LOCK, EdgeCase, Peer, Setup, token


class Leases(EdgeCase):
    def expect_life(self, key, ms):
        self.assertTrue(ms - 10000 < self.pttl(key) <= ms, (key, self.pttl(key)))

    def test_a_shared_try_finds_an_ended_lease_and_wakes_two_readers(self):
        holder, tokens, peer = token(), [token(), token()], Peer(self)
        self.take(holder)
        for own in tokens:
            peer.join(own, '5000s')
        self.connection.call('PEXPIRE', LOCK, 1)
        self.wait_for(lambda: not self.connection.call('EXISTS', LOCK))
        last = self.take(token(), '5000s')
        fences = [self.is_grant(peer.heard(), own) for own in tokens]
        self.assertTrue(fences[0] < fences[1] < last)

    def test_a_shared_lease_that_ended_is_nobodys(self):
        ended = token()
        self.take(token(), '30000s')
        self.take(ended, '20s')
        self.wait_for(lambda: self.holders() == 1)
        extend = self.run_script('extend', ended, 9000, keys=[self.keys[0], self.keys[4]])
        self.assertEqual((extend, self.convert(ended, '9000'), self.release(ended)), (0, -1, 0))

    def test_a_shared_lease_that_ended_takes_no_permit(self):
        self.take(token(), '30000s')
        self.take(token(), '20s')
        self.wait_for(lambda: self.holders() == 1)
        self.assertGreater(self.take(token(), '30000s2'), 0)

    def test_a_grant_in_the_moment_when_the_last_lease_ends(self):
        """The server must not delete the lock that the script has just granted."""
        peer, reader, leaver = Peer(self), token(), token()
        ends_in_1_ms = """local time = redis.call('TIME')
            local ends = time[1] * 1000 + math.floor(time[2] / 1000) + 1
            return redis.call('ZADD', KEYS[1], ends, ARGV[1])"""
        dead = [word for i in range(90) for word in (1 + i, 'malformed %d' % i)]
        self.connection.call('SCRIPT', 'LOAD', Setup.scripts['release'][1])
        for _ in range(100):
            self.connection.call('DEL', *peer.keys)
            self.take(leaver, '30000s')
            self.take(token(), '30000s')
            peer.join(reader, '30000s2')
            self.connection.call('ZADD', self.keys[1], *dead)
            other = self.connection.call('ZRANGE', self.keys[4], 0, -1)
            other.remove(leaver)
            self.connection.send('EVAL', ends_in_1_ms, 1, self.keys[4], other[0])
            self.connection.send('EVALSHA', Setup.scripts['release'][0], 5, *peer.keys, leaver)
            self.assertEqual([self.connection.read(), self.connection.read()], [0, 1])
            self.is_grant(peer.heard(), reader)
            self.assertEqual(self.connection.call('EXISTS', LOCK), 1)

    def test_an_extension_in_the_moment_when_the_lease_ends(self):
        """It leaves no holders without a lock."""
        holder = token()
        ends_in_1_ms = """local time = redis.call('TIME')
            local ends = time[1] * 1000 + math.floor(time[2] / 1000) + 1
            redis.call('SET', KEYS[1], 'redilock:shared', 'PX', 1000)
            redis.call('ZADD', KEYS[2], ends, ARGV[1])
            return redis.call('PEXPIRE', KEYS[2], 1000)"""
        self.connection.call('SCRIPT', 'LOAD', Setup.scripts['extend'][1])
        keys = [self.keys[0], self.keys[4]]
        for _ in range(500):
            self.connection.send('DEL', *keys)
            self.connection.send('EVAL', ends_in_1_ms, 2, *keys, holder)
            self.connection.send('EVALSHA', Setup.scripts['extend'][0], 2, *keys, holder, 1)
            self.connection.send('PTTL', keys[1])
            replies = [self.connection.read() for _ in range(4)]
            self.assertEqual(replies[1], 1)
            self.assertNotEqual(replies[3], -1)

    def test_a_retry_finds_its_grant_and_starts_the_lease_again(self):
        for mode in ('', 's'):
            self.connection.call('FLUSHALL')
            own, other, peer = token(), token(), Peer(self)
            first = peer.join(own, '5000' + mode)
            peer.join(other)
            self.assertGreater(peer.join(own, '30000' + mode), first)
            self.expect_life(LOCK, 30000)
            self.assertEqual(self.connection.call('ZCARD', self.keys[1]), 1)

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
