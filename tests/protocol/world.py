"""The servers, the clients and the models of one run, and the messages that clients hear."""
import collections
import functools
import random
import time

import names
import scripts
from client import Times
from model import LAST, LockModel
from resp import Cluster, Connection, Server

LOCKS = ['job', 'a}b', '{x}y', 'nightly']


def now_us():
    return int(time.time() * 1e6)


class World:
    def __init__(self, options, mutant=None):
        self.options = options
        self.scripts = scripts.load(options.scale, mutant)
        self.times = Times(options.scale)
        self.server = Cluster(options.server) if options.cluster else Server(options.server)
        self.addresses = ([one.address for one in self.server.servers] if options.cluster
                          else [self.server.address])
        self.connections = {address: Connection(address) for address in self.addresses}
        self.models = {name: LockModel(self, name) for name in LOCKS}
        self.waiting = {name: [] for name in LOCKS}
        self.by_id, self.clients = {}, []
        self.stats = collections.Counter()
        self.violations = []
        self.calls = self.serial = 0
        self.last_call = (LOCKS[0], 0)
        self.granted_now = set()      # ids that the last call granted
        self.progress_at, self.free, self.free_times = 0, {}, []

    def address_of(self, name):
        if not self.options.cluster:
            return self.addresses[0]
        return self.server.address_of(names.slot(name))

    def server_of(self, name):
        return self.connections[self.address_of(name)]

    def check(self, good, *what):
        if not good:
            self.violations.append(what)
            print('VIOLATION', *what, flush=True)

    def keys(self, client, name):
        return names.keys_of(name, client.tag(name))

    def execute(self, script, name, keys, *arguments):
        self.calls += 1
        self.stats[script] += 1
        self.granted_now = set()
        before = now_us()
        self.last_call = (name, before)
        reply = self.server_of(name).run(self.scripts[script], keys, arguments)
        return reply, before, now_us()

    # -- messages

    def hear(self, own_grant=None):
        """Reads all messages of the last call, and handles all its grants by arrival. The caller's
        own grant is `own_grant`, a pair of its arrival and an action."""
        messages = self._read_messages()
        deaf = {client for client, _ in messages if random.random() < self.options.loss / 4}
        for client in deaf:
            self.stats['lost message'] += 1
            client.lose_subscriptions(random.choice([0, .02]))
        for _, message in messages:
            self.granted_now.add(message[2].split(' ')[0])
        grants = [(self._place_of(message[2][:32]),
                   lambda client=client, message=message: self.on_message(client, message,
                                                                          client not in deaf))
                  for client, message in messages]
        if own_grant:
            grants.append(own_grant)
        grants += self._grants_to_pollers()
        for _, action in sorted(grants, key=lambda grant: grant[0]):
            action()

    def _read_messages(self):
        messages = []
        for client in self.clients:
            for connection in client.connections.values():
                connection.send('PING')
        for client in self.clients:
            for connection in client.connections.values():
                while True:
                    message = connection.read()
                    if message[0] == 'pong':
                        break
                    if message[0] in ('message', 'smessage'):
                        messages.append((client, message))
        return messages

    def _place_of(self, waiter_id):
        waiter = self.by_id.get(waiter_id)
        return waiter.place if waiter and waiter.place else 0

    def on_message(self, client, message, heard=True):
        if message[0] not in ('message', 'smessage'):
            return
        fields = message[2].split(' ')
        self.check(message[1].endswith(client.id), 'a message to another client', message)
        if fields[0] == 'next':
            self.stats['next'] += 1
            waiter = self.by_id.get(fields[1])
            if heard and waiter and waiter.state == 'waiting':
                client.on_next(waiter, int(fields[2]))
            return
        self.stats['grant by message'] += 1
        self._on_pushed_grant(self.by_id[fields[0]], int(fields[1]), int(fields[2]), heard)

    def _on_pushed_grant(self, waiter, fence, granted_us, heard):
        self.check(waiter.ended_us is None or granted_us <= waiter.ended_us,
                   'granted to a token that ended', waiter.name)
        if waiter.state not in ('waiting', 'ending'):
            self.stats['grant for nobody'] += 1
            return
        self.models[waiter.name].on_grant(waiter, granted_us, granted_us, fence, waiter.place)
        if waiter.state == 'ending':
            waiter.owed = True
            return
        waiter.state = 'silent'
        if heard:
            self.hold(waiter)

    def _grants_to_pollers(self):
        """No message says that a poller has the lock, so the test looks at the server."""
        name, before = self.last_call
        polling = [w for w in self.waiting[name] if w.client.polls() and w.state == 'waiting']
        if not polling:
            return []
        tokens, members = self._holders_and_queue(name, before // 1000)
        after = now_us()
        grants = []
        for waiter in polling:
            if waiter.token in tokens:
                self.granted_now.add(waiter.id)
                act = functools.partial(self._on_grant_to_poller, waiter, before, after)
                grants.append((waiter.place or LAST, act))
            elif waiter.placed and waiter.member() not in members:
                may_have_ended = after - before > waiter.ttl * 500
                self.check(may_have_ended or not waiter.client.surely_alive(name, after),
                           'a living place was dropped', name, waiter.client.kind_name)
                waiter.placed = False
                self.granted_now.add(waiter.id)
        return grants

    def _holders_and_queue(self, name, at_ms):
        """The tokens that held the lock at that moment or later, and the queue."""
        connection, keys = self.server_of(name), names.keys_of(name, '')
        held, tokens = connection.call('GET', name), []
        if held == 'redilock:shared':
            tokens = connection.call('ZRANGEBYSCORE', keys[4], '(%d' % at_ms, '+inf')
        elif held:
            tokens = [held]
        return tokens, connection.call('ZRANGE', keys[1], 0, -1)

    def _on_grant_to_poller(self, waiter, before, after):
        if waiter.state == 'waiting':
            self.models[waiter.name].on_grant(waiter, before, after, 0, waiter.place)
            waiter.state = 'silent'
            self.stats['grant to a poller'] += 1

    # -- waiters

    def add(self, waiter):
        if waiter not in waiter.client.waiters:
            waiter.client.waiters.append(waiter)
            self.waiting[waiter.name].append(waiter)

    def remove(self, waiter):
        """The waiter waits no longer."""
        if waiter in self.waiting[waiter.name]:
            self.waiting[waiter.name].remove(waiter)
        if waiter in waiter.client.waiters:
            waiter.client.waiters.remove(waiter)

    def hold(self, waiter):
        waiter.state, waiter.resend = 'holding', None
        self.remove(waiter)
        self.stats['granted'] += 1

    # -- progress

    def check_progress(self):
        """No lock stays free while the head of its queue surely lives and works. A pause of this
        program counts as 50 ms at most."""
        at = now_us()
        passed, self.progress_at = min(at - self.progress_at, 50000), at
        for name, model in self.models.items():
            model.forget_ended(at)
            queue = [w for w in self.waiting[name] if w.state == 'waiting' and w.place]
            head = min(queue, key=lambda w: w.place, default=None)
            last_head, free_us = self.free.pop(name, (None, 0))
            if (head and not model.maybe_held(at) and head.placed and not head.client.stalled_until
                    and head.client.surely_alive(name, at)):
                free_us = free_us + passed if head is last_head else 0
                stuck = free_us > self.times.most_backstop * 1e6 + 300000
                self.check(not stuck, 'stuck', name, head.client.kind_name)
                self.free[name] = (head, 0 if stuck else free_us)
            elif last_head:
                self.free_times.append(free_us / 1000)

    def stop(self):
        self.server.stop()
