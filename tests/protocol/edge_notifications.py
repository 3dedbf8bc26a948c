"""Who is notified, and how a client finds out what was lost."""
import time

from edge_case import LOCK, EdgeCase, Peer, token, us


class Notifications(EdgeCase):
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

    def test_a_waiter_that_leaves_a_free_lock_is_not_taken_for_the_head(self):
        tokens, peers = [token() for _ in range(3)], [Peer(self) for _ in range(3)]
        self.take(token(), '300')
        for number, (peer, own) in enumerate(zip(peers, tokens)):
            peer.join(own, arrival=us() - 10000000 + number)
        self.wait_for(lambda: self.pttl(LOCK) == -2)
        self.assertEqual(peers[1].leave(tokens[1]), 0)
        self.is_grant(peers[0].heard(), tokens[0])
        self.is_next(peers[2].heard(), tokens[2], 15000)

    def test_the_head_is_notified_if_more_dead_are_dropped_than_one_call_may(self):
        dead, waiter, own = Peer(self), Peer(self), token()
        self.take(token(), '300')
        tokens = [token() for _ in range(102)]
        for number, gone in enumerate(tokens):
            dead.join(gone, arrival=number + 1)
        waiter.join(own)
        dead.die()
        self.wait_for(lambda: self.pttl(LOCK) == -2)
        self.assertEqual(dead.leave(tokens[0]), 2)
        self.connection.call('SET', LOCK, 'foreign', 'PX', 60000)
        self.is_next(waiter.heard(), own, 0, 0)

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
