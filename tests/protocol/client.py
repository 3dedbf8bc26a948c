"""A client as protocol 1 asks for it: its channels, its records, and when its places re-check.

A client knows most fields of its waiters from replies and messages. Only the test knows `place`,
`placed`, `low`, `high` and `ended_us`, because it also sees the replies that are lost.
"""
import collections
import random
import time

import names
from resp import Connection, ServerError

UNLIMITED = 10 ** 9

Kind = collections.namedtuple('Kind', 'word tagged subscribe')
KINDS = {
    'wake': Kind('wake', False, 'SUBSCRIBE'),
    'sharded': Kind('wake', True, 'SSUBSCRIBE'),
    'plain': Kind('plain', True, 'SUBSCRIBE'),
    'poll': Kind('poll', False, None),
    'tagged-poll': Kind('poll', True, None),
}


class Times:
    """The times of the client's rules, in seconds, divided as those of the scripts are."""

    def __init__(self, scale):
        self.alive = 6 / scale
        self.renew = 3 / scale
        self.beat = 2 / scale
        self.first = 2 / scale
        self.deputy = .5 / scale
        self.interval = .25 / scale
        self.retry = .25 / scale
        self.least_backstop = 2 / scale
        self.most_backstop = 60 / scale
        self.per_place = .1 / scale
        self.keep = 180 / scale


class Waiter:
    """One attempt to hold a lock. `state` is one of
    new       it has sent nothing, or only a try
    waiting   its client believes that it waits
    silent    the server granted the lock, and the client does not know
    holding   its client knows the grant
    ending    its client releases or leaves, and has no reply yet
    gone      the reply came, or its process died
    """

    def __init__(self, client, name, lease, wants_fence, serial):
        self.client, self.name, self.wants_fence = client, name, wants_fence
        self.token = 'redilock:%032x:label %d' % (random.getrandbits(128), serial)
        self.id = self.token[9:41]
        self.set_lease(lease)
        self.state = 'new'
        self.arrival = 0              # of its place, as the client knows it
        self.due = {}                 # by rule, when to re-check
        self.first_at = None          # rule 1
        self.after_loss = False       # the next re-check is one that a loss has caused
        self.resend, self.resend_at = None, 0
        self.in_flight = None         # a request on an abandoned connection, which may still run
        self.place, self.placed, self.since = None, False, None
        self.low = self.high = 0      # the lease lasts until `low`, and ends before `high`, in us
        self.owed = True              # a release must find that it holds the lock
        self.ended_us = None          # when the server let the token go
        self.dispossessed = False     # somebody deleted its keys

    def set_lease(self, lease):
        ttl, _, limit = lease.partition('s')
        self.lease, self.ttl, self.shared = lease, int(ttl), 's' in lease
        self.limit = int(limit or UNLIMITED) if self.shared else 1

    def member(self):
        return '%s %s %s' % (self.lease, self.client.channel(self.name), self.token)

    def waits(self):
        """Whether its client believes that it has a place."""
        return self.state in ('waiting', 'silent') and self.since is not None

    def holds_until(self, low, high):
        margin = 2000
        self.low = max(self.low, low + self.ttl * 1000 - margin)
        self.high = max(self.high, high + self.ttl * 1000 + margin)

    def surely_holds(self, at_us):
        return self.low > at_us and not self.dispossessed


class Client:
    def __init__(self, world, kind):
        self.world, self.kind_name, self.kind = world, kind, KINDS[kind]
        self.id = '%032x' % random.getrandbits(128)
        self.times = world.times
        self.connections = {}         # with subscriptions, by address
        self.channels = set()         # subscribed ones
        self.waiters = []             # all but holders and those that are gone
        self.next_beat = {}           # by channel
        self.wrote = set()            # channels whose record it wrote, as it knows
        self.unanswered = set()       # channels with a request that had no reply
        self.records = {}             # until when a record lasts, in ms, by channel
        self.lives, self.stalled_until, self.subscribe_at = True, None, None

    def polls(self):
        return self.kind.subscribe is None

    def tag(self, name):
        return names.slot_word(name) if self.kind.tagged else ''

    def channel(self, name):
        return 'redilock:1:{%s}:%s:%s' % (self.tag(name), self.kind.word, self.id)

    # -- its subscriptions

    def subscribe(self, name):
        channel = self.channel(name)
        if self.polls() or channel in self.channels:
            return
        address = self.world.address_of(name)
        if address not in self.connections:
            self.connections[address] = Connection(address)
        connection = self.connections[address]
        connection.send(self.kind.subscribe, channel)
        while True:
            message = connection.read()
            if isinstance(message, ServerError):
                raise message
            if message[0] in ('subscribe', 'ssubscribe'):
                break
            self.world.on_message(self, message)
        self.channels.add(channel)

    def lose_subscriptions(self, for_seconds):
        for connection in self.connections.values():
            connection.close()
        self.connections, self.channels = {}, set()
        self.subscribe_at = time.time() + for_seconds
        if not self.polls():
            for waiter in self.waiters:
                waiter.placed = False

    def subscribe_again(self):
        """Rule 3: after a new subscription all places re-check at once."""
        self.subscribe_at = None
        for waiter in self.waiters:
            if waiter.waits():
                self.subscribe(waiter.name)
                waiter.due['at once'] = 0

    def can_ask_for(self, waiter):
        return self.polls() or self.channel(waiter.name) in self.channels

    def surely_alive(self, name, at_us):
        """Whether each script must count the client as alive."""
        channel = self.channel(name)
        return (self.records.get(channel, 0) > at_us // 1000 + 2
                and (self.polls() or channel in self.channels))

    # -- its rules

    def on_queued(self, waiter, reply, was_recheck):
        ms, rank, arrival, _, foreign, joined, _, known = reply[:8]
        now, times = time.time(), self.times
        caused_by_loss, waiter.after_loss = waiter.after_loss, False
        waiter.arrival, waiter.resend = arrival, None
        if waiter.first_at is None:
            waiter.first_at = now + times.first
        first, waiter.due = waiter.first_at, {}
        if first > now:
            waiter.due['first'] = first
        if ms == -2:
            waiter.due['again'] = now + .001
        if rank == 0 and ms >= 0:
            waiter.due['head'] = now + ms / 1000 + .001
        if rank == 0 and foreign:
            waiter.due['foreign'] = now + times.interval
        if 1 <= rank <= 3 and ms >= 0:
            waiter.due['deputy'] = now + ms / 1000 + rank * times.deputy
        waiter.due['backstop'] = now + self.backstop()
        rejoined = joined and was_recheck and not caused_by_loss
        self.on_record(self.channel(waiter.name), known, rejoined, waiter)

    def backstop(self):
        if self.polls():
            return self.times.interval
        adaptive = len(self.waiters) * self.times.per_place
        return min(max(adaptive, self.times.least_backstop), self.times.most_backstop)

    def on_next(self, waiter, ms):
        waiter.due['next'] = time.time() + ms / 1000 + .001

    def on_record(self, channel, known, rejoined, of=None):
        """Handles losses that a reply reports. After a request without a reply, the next reply
        counts as known = 0 and joined = 1."""
        lost = rejoined or (not known and channel in self.wrote) or channel in self.unanswered
        self.unanswered.discard(channel)
        self.wrote.add(channel)
        if not lost:
            return
        self.world.stats['losses'] += 1
        for waiter in self.waiters:
            if waiter is not of and waiter.waits() and self.channel(waiter.name) == channel:
                waiter.due['at once'] = 0
                waiter.after_loss = True

    def on_no_reply(self, waiter):
        self.unanswered.add(self.channel(waiter.name))
