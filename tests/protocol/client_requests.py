"""The requests of clients. Some lose their reply.

A request without a reply ran at once, or runs later, or never does. The client repeats it with the
same token. Before that it ends the abandoned connection, so that the first request no longer runs.
"""
import random
import time

from model import LAST


class Requests:
    def __init__(self, world):
        self.world = world
        self.loss = world.options.loss
        self.in_flight = []

    def _deliver(self, waiter, run):
        """Returns whether the reply arrives. `run(heard)` sends the request."""
        if random.random() >= self.loss:
            run(True)
            return True
        fate = random.choice(['never', 'at once', 'later'])
        self.world.stats['no reply, ran ' + fate] += 1
        if fate == 'at once':
            run(False)
        elif fate == 'later':
            waiter.in_flight = run
            self.in_flight.append(waiter)
        return False

    def settle(self, waiter, may_run=True):
        """The request in flight runs now, or the client ends its connection first."""
        run, waiter.in_flight = waiter.in_flight, None
        if not run:
            return
        self.in_flight.remove(waiter)
        # A holder that may have lost the lock would wait again, which its client must not ask for.
        if waiter.state == 'holding' and not waiter.surely_holds(int(time.time() * 1e6) + 5000):
            may_run = False
        if may_run and random.random() < .6:
            self.world.stats['ran late'] += 1
            run(False)

    def _repeat(self, waiter, resend):
        waiter.resend, waiter.resend_at = resend, time.time() + self.world.times.retry

    # -- acquire

    def acquire(self, waiter):
        """Joins or re-checks."""
        self.settle(waiter)
        if waiter.state in ('holding', 'gone'):
            return
        client, world = waiter.client, self.world
        client.subscribe(waiter.name)
        waiter.since = waiter.since or int(time.time() * 1e6)
        was_recheck = waiter.arrival != 0
        arguments = (waiter.token, waiter.lease, waiter.wants_fence, client.channel(waiter.name),
                     waiter.arrival)

        def run(heard):
            reply, before, after = world.execute('acquire', waiter.name,
                                                 world.keys(client, waiter.name), *arguments)
            if isinstance(reply, int):
                world.hear((waiter.place or LAST,
                            lambda: self._on_grant(waiter, reply, before, after, heard)))
            else:
                world.hear()
                self._on_queued(waiter, reply, before, after, heard)
                if heard:
                    client.on_queued(waiter, reply, was_recheck)

        if not self._deliver(waiter, run):
            if waiter.state == 'new':
                waiter.state = 'waiting'
                world.add(waiter)
            client.on_no_reply(waiter)
            waiter.due = {}
            self._repeat(waiter, lambda: self.acquire(waiter))

    def _on_grant(self, waiter, fence, before, after, heard):
        model = self.world.models[waiter.name]
        if waiter.state == 'holding':           # a message came first, and the request ran late
            waiter.holds_until(before, after)
            if fence:
                model.check_fence(fence)
            return
        is_new = waiter.state != 'silent' or waiter.high < before or waiter.dispossessed
        model.on_grant(waiter, before, after, fence,
                       None if waiter.state == 'silent' else waiter.place or LAST, is_new)
        waiter.state = 'silent'
        if heard:
            self.world.hold(waiter)

    def _on_queued(self, waiter, reply, before, after, heard):
        world, client = self.world, waiter.client
        _, _, arrival, server_us, _, _, seen, known = reply[:8]
        world.check(waiter.state != 'holding', 'a holder has a place', waiter.name)
        if waiter.state == 'silent':
            world.check(not waiter.surely_holds(after), 'a grant was lost', waiter.name)
            world.models[waiter.name].holders.pop(waiter.id, None)
        channel = client.channel(waiter.name)
        world.check(seen or client.polls() or channel not in client.channels,
                    'a subscription was not seen', client.kind_name)
        waiter.state, waiter.place = 'waiting', arrival
        waiter.placed = client.polls() or channel in client.channels
        world.add(waiter)
        now_ms = server_us // 1000
        if not known or client.records.get(channel, 0) < now_ms + world.times.renew * 1000:
            client.records[channel] = now_ms + int(world.times.alive * 1000)

    def first_try(self, waiter, key_count):
        """Asks once, and does not wait. Returns false if the waiter is to wait."""
        world = self.world
        keys = world.keys(waiter.client, waiter.name)[:key_count]

        def run(heard):
            reply, before, after = world.execute('acquire', waiter.name, keys, waiter.token,
                                                 waiter.lease, waiter.wants_fence)
            granted = isinstance(reply, int)
            world.hear((LAST, lambda: self._on_grant(waiter, reply, before, after, heard))
                       if granted else None)
            return granted

        if not self._deliver(waiter, run):
            if waiter not in waiter.client.waiters:
                waiter.client.waiters.append(waiter)
            if random.random() < .5:            # rolls back
                self.end(waiter, [waiter.token], owed=False)
            else:
                self._repeat(waiter, lambda: self._try_again(waiter, key_count))
            return True
        return waiter.state == 'holding'

    def _try_again(self, waiter, key_count):
        self.settle(waiter)
        if not self.first_try(waiter, key_count):
            waiter.state = 'gone'
            self.world.remove(waiter)

    # -- beat

    def beat(self, client, name):
        world, channel = self.world, client.channel(name)
        heard = random.random() >= self.loss
        if heard or random.random() < .5:
            (known, server_us, seen), _, _ = world.execute('beat', name,
                                                           [world.keys(client, name)[3]], channel)
            client.records[channel] = server_us // 1000 + int(world.times.alive * 1000)
            if channel in client.channels:
                world.check(seen, 'a beat sees no subscription', client.kind_name)
            if heard:
                client.on_record(channel, known, False)
        if not heard:
            world.stats['beat without reply'] += 1
            client.unanswered.add(channel)

    # -- release and leave

    def release(self, waiter, rest=0):
        if rest:
            self.end(waiter, [waiter.token, '', rest], rest=rest)
        else:
            self.end(waiter, random.choice([[waiter.token], [waiter.token, waiter.member()]]))

    def leave(self, waiter):
        self.end(waiter, [waiter.token, waiter.member()], owed=False)

    def end(self, waiter, arguments, owed=True, rest=0):
        """Releases the lock or leaves the queue, until a reply says that nothing remains to do."""
        self.settle(waiter)
        world = self.world
        model = world.models[waiter.name]
        if waiter.state in ('holding', 'silent', 'waiting', 'new'):
            owed = owed or waiter.state == 'silent'
            waiter.state, waiter.owed = 'ending', owed and not waiter.dispossessed
        if waiter in world.waiting[waiter.name]:
            world.waiting[waiter.name].remove(waiter)

        def run(heard):
            model.holders.pop(waiter.id, None)
            reply, before, after = world.execute('release', waiter.name,
                                                 world.keys(waiter.client, waiter.name), *arguments)
            if rest and reply & 1 and not waiter.shared:
                model.block(before + rest * 1000 - 1000, after + rest * 1000 + 1000, 'it rests')
            world.hear()
            if waiter.owed and waiter.surely_holds(after):
                world.check(reply & 1, 'a held lock was not released', waiter.name, waiter.lease)
            waiter.owed, waiter.ended_us = False, after
            if reply & 2:
                world.stats['more'] += 1
            if heard and reply < 2:
                waiter.state, waiter.resend = 'gone', None
                world.remove(waiter)
            return reply

        if waiter not in waiter.client.waiters:
            waiter.client.waiters.append(waiter)
        if not self._deliver(waiter, run):
            self._repeat(waiter, lambda: self.end(waiter, arguments, rest=rest))
        elif waiter.state != 'gone':
            self.end(waiter, arguments, rest=rest)
