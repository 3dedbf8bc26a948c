"""Random events: clients that come and go, operators that interfere, failures."""
import random
import time

from client import Client, Waiter
from world import LOCKS, now_us

MOST_WAITING = 24


class Chaos:
    def __init__(self, world, requests):
        self.world, self.requests = world, requests
        weights = [(self.new_waiter, 300), (self.end_holder, 320), (self.extend, 60),
                   (self.convert, 40), (self.leave, 50), (self.recheck, 30), (self.disconnect, 30),
                   (self.stall, 15), (self.kill, 10), (self.delete_lock, 7),
                   (self.delete_holders, 4), (self.flush, 2), (self.flush_scripts, 2),
                   (self.force_release, 6), (self.foreign_holder, 4), (self.info, 20),
                   (self.pause, 30), (self.run_late, 70)]
        self.steps, self.weights = zip(*weights)

    def step(self):
        random.choices(self.steps, self.weights)[0]()

    # -- clients

    def new_waiter(self):
        client, world = random.choice(self.world.clients), self.world
        if client.stalled_until or client.subscribe_at:
            return
        if sum(map(len, world.waiting.values())) >= MOST_WAITING:
            return
        ttl, mode = random.choice([30, 60, 150]), random.choice(['', '', '', 's', 's', 's2', 's3'])
        world.serial += 1
        waiter = Waiter(client, random.choice(LOCKS), str(ttl) + mode, random.choice([1, 1, 1, 0]),
                        world.serial)
        world.by_id[waiter.id] = waiter
        if random.random() < .25:
            key_count = 5 if waiter.shared else random.choice([2, 3, 5])
            if key_count == 2:
                waiter.wants_fence = 0
            if self.requests.first_try(waiter, key_count) or random.random() < .5:
                return
        self.requests.acquire(waiter)

    def _holder(self):
        holders = [w for model in self.world.models.values() for w in model.holders.values()
                   if w.state == 'holding']
        return random.choice(holders) if holders else None

    def _waiter(self):
        waiters = [w for waiting in self.world.waiting.values() for w in waiting if w.waits()]
        return random.choice(waiters) if waiters else None

    def end_holder(self):
        holder = self._holder()
        if not holder:
            return
        if random.random() < .75:
            rest = random.choice([20, 60]) if random.random() < .08 else 0
            self.requests.release(holder, rest)
        else:
            self.requests.settle(holder)
            holder.state = 'gone'             # it forgets the lock, whose lease runs out

    def extend(self):
        holder, world = self._holder(), self.world
        if not holder:
            return
        self.requests.settle(holder)
        ttl = random.choice([50, 100])
        keys = world.keys(holder.client, holder.name)
        reply, before, after = world.execute('extend', holder.name, [keys[0], keys[4]],
                                             holder.token, ttl)
        if reply:
            world.check(holder.high > before or holder.dispossessed, 'extended an ended lease')
            if not holder.dispossessed:
                holder.low = max(holder.low, before + ttl * 1000 - 2000)
                holder.high = max(holder.high, after + ttl * 1000 + 2000)
        else:
            world.check(not holder.surely_holds(after), 'a held lock was not extended')

    def convert(self):
        holder, world = self._holder(), self.world
        if not holder or holder.dispossessed:
            return
        self.requests.settle(holder)
        model = world.models[holder.name]
        lease = str(holder.ttl) + random.choice(['', 's', 's2'])
        reply, before, after = world.execute('convert', holder.name,
                                             world.keys(holder.client, holder.name),
                                             holder.token, lease, 1)
        if reply == -1:
            world.check(not holder.surely_holds(after), 'a held lock was not converted')
            return
        if len(reply) == 1:
            world.stats['convert refused'] += 1
            return
        world.check(holder.high > before, 'converted an ended lease')
        holder.set_lease(lease)
        others = [w for w in model.surely_held(after) if w is not holder]
        world.check(len(others) < holder.limit, 'converted beside others', lease)
        holder.holds_until(before, after)
        model.check_fence(reply[0])
        world.hear()

    def leave(self):
        waiter = self._waiter()
        if waiter:
            self.requests.leave(waiter)

    def recheck(self):
        waiter = self._waiter()
        if waiter and not waiter.client.stalled_until and waiter.client.can_ask_for(waiter):
            self.requests.acquire(waiter)

    def run_late(self):
        if self.requests.in_flight:
            self.requests.settle(random.choice(self.requests.in_flight))

    # -- failures

    def disconnect(self):
        client = random.choice(self.world.clients)
        if client.waiters:
            client.lose_subscriptions(random.choice([0, .02, .2]))

    def stall(self):
        client = random.choice(self.world.clients)
        if client.waiters:
            client.stalled_until = time.time() + random.choice([.1, .3, 1.0])

    def kill(self):
        """A process dies, with its leases and its places."""
        client, world = random.choice(self.world.clients), self.world
        for waiter in [w for w in self.requests.in_flight if w.client is client]:
            self.requests.settle(waiter)
        client.lose_subscriptions(0)
        held = [w for model in world.models.values() for w in model.holders.values()]
        for waiter in [w for w in held if w.client is client] + list(client.waiters):
            waiter.state = 'gone'
            world.remove(waiter)
        world.clients[world.clients.index(client)] = Client(world, client.kind_name)
        world.stats['killed'] += 1

    def pause(self):
        time.sleep(random.choice([.001, .005, .02]))

    # -- other users of the server

    def delete_lock(self):
        name = random.choice(LOCKS)
        self.world.server_of(name).call('DEL', name)
        self.world.models[name].forget_all()

    def delete_holders(self):
        name, world = random.choice(LOCKS), self.world
        world.server_of(name).call('DEL', world.keys(world.clients[0], name)[4])
        if any(w.shared for w in world.models[name].holders.values()):
            world.models[name].forget_all()

    def flush(self):
        world = self.world
        address = random.choice(world.addresses)
        world.connections[address].call('FLUSHALL')
        for name in LOCKS:
            if world.address_of(name) != address:
                continue
            world.models[name].forget_all()
            for waiter in world.waiting[name]:
                waiter.placed = False
            for client in world.clients:
                client.records.pop(client.channel(name), None)
        world.stats['flushed'] += 1

    def flush_scripts(self):
        random.choice(list(self.world.connections.values())).call('SCRIPT', 'FLUSH')

    def force_release(self):
        name, world = random.choice(LOCKS), self.world
        world.models[name].forget_all()
        keys = world.keys(random.choice(world.clients), name)
        more = True
        while more:
            reply, _, _ = world.execute('force_release', name, keys)
            world.hear()
            more = reply & 2

    def foreign_holder(self):
        name, world = random.choice(LOCKS), self.world
        before = now_us()
        if world.server_of(name).call('SET', name, 'foreign', 'NX', 'PX', 40):
            after, model = now_us(), world.models[name]
            world.check(not model.surely_held(after), 'a foreign client took a held lock', name)
            model.block(before + 39000, after + 41000, 'a foreign client holds')
            world.stats['foreign'] += 1

    def info(self):
        name, world = random.choice(LOCKS), self.world
        keys = world.keys(world.clients[0], name)
        world.execute('info', name, [keys[0], keys[1], keys[4]])
