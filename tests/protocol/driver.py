"""A randomised test of the scripts against a model of who may hold.

    driver.py [--seed N] [--calls N] [--seconds N] [--kinds wake,plain,...] [--cluster]
              [--loss SHARE] [--scale N] [--server PROGRAM] [--leftovers]

All times of scripts and rules are divided by --scale. --loss is the share of requests that have no
reply. --leftovers waits at the end until unused keys must have expired.
"""
import argparse
import random
import sys
import time

import mutants
from chaos import Chaos
from client import KINDS, Client
from client_requests import Requests
from world import World

CLIENTS = 6


class Driver:
    def __init__(self, options, mutant=None):
        self.options = options
        self.world = World(options, mutant)
        self.requests = Requests(self.world)
        self.chaos = Chaos(self.world, self.requests)
        kinds = options.kinds.split(',')
        self.world.clients = [Client(self.world, kinds[i % len(kinds)])
                              for i in range(max(CLIENTS, len(kinds)))]
        self.left = []

    def apply_rules(self):
        """Sends each request that is due by the rules of the clients."""
        for client in list(self.world.clients):
            now = time.time()
            self._forget_ended_records(client, now)
            if client.stalled_until:
                if client.stalled_until > now:
                    continue
                client.stalled_until = None
            if client.subscribe_at and client.subscribe_at <= now:
                client.subscribe_again()
            self._beat(client, now)
            for waiter in list(client.waiters):
                self._ask(client, waiter, now)
        self.world.check_progress()

    @staticmethod
    def _forget_ended_records(client, now):
        ended = {channel for channel, till in client.records.items() if till <= now * 1000 + 1}
        for waiter in client.waiters:
            if client.channel(waiter.name) in ended:
                waiter.placed = False

    def _beat(self, client, now):
        for waiter in list(client.waiters):
            channel = client.channel(waiter.name)
            if waiter.waits() and client.next_beat.get(channel, 0) <= now:
                client.next_beat[channel] = now + self.world.times.beat
                self.requests.beat(client, waiter.name)

    def _ask(self, client, waiter, now):
        if waiter.resend:
            if waiter.resend_at <= now:
                resend, waiter.resend = waiter.resend, None
                resend()
        elif waiter.waits() and client.can_ask_for(waiter):
            if min(waiter.due.values(), default=now) <= now:
                self.world.stats['re-check'] += 1
                self.requests.acquire(waiter)

    def run(self):
        began = time.monotonic()
        world, options = self.world, self.options
        while (world.calls < options.calls and time.monotonic() - began < options.seconds
               and len(world.violations) < 5):
            self.chaos.step()
            self.apply_rules()
        self._drain()
        if options.leftovers:
            self._check_leftovers()
        self._report(time.monotonic() - began)
        world.stop()
        return len(world.violations)

    def _drain(self):
        """No more failures: each waiter that lives must get the lock or end."""
        world = self.world
        self.requests.loss = self.options.loss = 0
        for waiter in list(self.requests.in_flight):
            self.requests.settle(waiter)
        for client in world.clients:
            client.stalled_until = None
        until = time.monotonic() + 2 * world.times.most_backstop + 2
        while any(client.waiters for client in world.clients) and time.monotonic() < until:
            self.apply_rules()
            for waiter in [w for m in world.models.values() for w in list(m.holders.values())]:
                if waiter.state == 'holding':
                    self.requests.release(waiter)
            time.sleep(.001)
        left = [(w.state, w.name, w.client.kind_name) for c in world.clients for w in c.waiters]
        world.check(not left, 'left waiting', left)

    def _check_leftovers(self):
        time.sleep(self.world.times.keep + .5)
        for connection in self.world.connections.values():
            self.left += connection.call('KEYS', '*')
        strange = [key for key in self.left if not key.endswith('}:fence')]
        self.world.check(not strange, 'left behind', strange)

    def _report(self, seconds):
        world = self.world
        free = sorted(world.free_times) or [0]
        print('seed %d, %s%s: %d calls in %.0f s, %d violations' % (
            self.options.seed, self.options.kinds, ', cluster' if self.options.cluster else '',
            world.calls, seconds, len(world.violations)))
        print('  ' + ', '.join('%s %d' % item for item in sorted(world.stats.items())))
        print('  locks were free while their head lived %d times: median %.0f ms, p99 %.0f, '
              'longest %.0f' % (len(free), free[len(free) // 2], free[len(free) * 99 // 100],
                                free[-1]))
        if self.options.leftovers:
            print('  keys left behind: %d, all fence counters' % len(self.left))


def parse_options(words=None):
    parser = argparse.ArgumentParser()
    parser.add_argument('--seed', type=int, default=int(time.time()))
    parser.add_argument('--calls', type=int)
    parser.add_argument('--seconds', type=float)
    parser.add_argument('--kinds', default='wake')
    parser.add_argument('--cluster', action='store_true')
    parser.add_argument('--loss', type=float, default=.04)
    parser.add_argument('--scale', type=int, default=10)
    parser.add_argument('--server', default='redis-server')
    parser.add_argument('--mutant', type=int)
    parser.add_argument('--leftovers', action='store_true')
    options = parser.parse_args(words)
    if options.seconds is None:
        options.seconds = 10 if options.calls is None else 10 ** 9
    options.calls = options.calls or 10 ** 9
    for kind in options.kinds.split(','):
        if kind not in KINDS or (options.cluster and not KINDS[kind].tagged):
            parser.error('no such kind here: ' + kind)
    return options


def main():
    options = parse_options()
    random.seed(options.seed)
    mutant = mutants.ALL[options.mutant] if options.mutant is not None else None
    sys.exit(1 if Driver(options, mutant).run() else 0)


if __name__ == '__main__':
    main()
