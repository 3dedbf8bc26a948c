"""Who gets the lock: long queues, permits, kinds of clients, malformed members."""
import names
from client import KINDS
from edge_case import LOCK, EdgeCase, Peer, Setup, token, us
from resp import ServerError


class Grants(EdgeCase):
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
        info = self.info()
        self.assertEqual((info[4], len(info[6])), (250, 200))

    def test_info_tells_since_when_each_waits(self):
        self.take(token())
        first, second = [Peer(self).join(token()) for _ in range(2)]
        now, arrivals = self.info()[7:9]
        self.assertEqual([int(arrival) for arrival in arrivals], [first[2], second[2]])
        self.assertTrue(first[2] <= first[3] < second[2] <= second[3] <= now)
        self.assertTrue(now - first[3] < 10 ** 7)

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

    def test_a_client_without_record_is_passed_over(self):
        for lease in ('30000', '30000s'):
            self.connection.call('FLUSHALL')
            holder, lost, own, first, second = token(), token(), token(), Peer(self), Peer(self)
            self.take(holder)
            first.join(lost, lease)
            second.join(own)
            self.connection.call('ZREM', first.keys[3], first.channel)
            self.release(holder)
            self.is_grant(second.heard(), own)
            self.assertEqual(self.connection.call('GET', LOCK), own)

    def test_a_batch_ends_with_the_permits_and_with_a_writer(self):
        holder, readers, writer, peer = token(), [token() for _ in range(4)], token(), Peer(self)
        self.take(holder)
        for reader in readers[:3]:
            peer.join(reader, '30000s2')
        peer.join(writer)
        arrival = peer.join(readers[3], '30000s')[2]
        self.assertEqual(peer.join(readers[3], '30000s', arrival)[1], 4)    # a re-check
        self.release(holder)
        self.assertEqual((self.holders(), self.connection.call('ZCARD', self.keys[1])), (2, 3))
        for reader in readers[:3]:
            self.release(reader)
        self.assertEqual(self.connection.call('GET', LOCK), writer)
        self.assertEqual(self.connection.call('ZCARD', self.keys[1]), 1)

    def test_a_leaver_gets_nothing_and_leaves_nothing(self):
        leaver, own, first, second = token(), token(), Peer(self), Peer(self)
        self.take(token())
        first.join(leaver)
        second.join(own)
        self.connection.call('DEL', LOCK)
        self.assertEqual(first.leave(leaver), 0)
        self.assertEqual(self.connection.call('GET', LOCK), own)
        self.connection.call('DEL', LOCK)
        self.take(token(), '30000s')
        second.join(own)
        first.join(leaver)
        first.leave(leaver)
        self.assertEqual(self.connection.call('ZCARD', self.keys[1]), 1)

    def test_holders_of_an_earlier_lock_do_not_count(self):
        holder, reader, peer = token(), token(), Peer(self)
        self.take(token(), '30000s')
        self.connection.call('DEL', LOCK)
        self.take(holder)
        peer.join(reader, '30000s')
        self.release(holder)
        self.is_grant(peer.heard(), reader)
        self.assertEqual(self.holders(), 1)

    def test_kinds_side_by_side_get_the_lock_in_order(self):
        kinds = [kind for kind in KINDS if KINDS[kind].tagged or not Setup.cluster]
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
        tags = ['@@@@', 'ABCD', '@NB'] + ([''] if Setup.cluster else [])
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
        if not Setup.cluster:
            self.skipTest('needs a cluster')
        with self.assertRaisesRegex(ServerError, 'CROSSSLOT'):
            self.run_script('acquire', token(), '30000', 1, keys=names.keys_of(LOCK, ''))
