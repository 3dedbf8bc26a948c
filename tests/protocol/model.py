"""Who may hold a lock, as replies and messages say; and the fences of its name."""

LAST = 1 << 60    # the arrival of a request that has no place


class LockModel:
    def __init__(self, world, name):
        self.world, self.name = world, name
        self.holders = {}          # by id, until the server releases them or their leases end
        self.top_fence = 0
        self.blocked = None        # (until at least, until at most, why), in us

    def surely_held(self, at_us):
        return [w for w in self.holders.values() if w.low > at_us]

    def maybe_held(self, at_us):
        return (any(w.high > at_us for w in self.holders.values())
                or bool(self.blocked and self.blocked[1] > at_us))

    def block(self, low, high, why):
        self.blocked = (low, high, why)

    def forget_ended(self, at_us):
        for key in [key for key, w in self.holders.items() if w.high < at_us]:
            del self.holders[key]

    def forget_all(self):
        """Somebody deleted the lock: its holders have no rights any more."""
        for waiter in self.holders.values():
            waiter.dispossessed = True
        self.holders, self.blocked = {}, None

    def check_fence(self, fence):
        self.world.check(fence > self.top_fence, 'a fence does not rise', self.name, fence,
                         self.top_fence)
        self.top_fence = max(self.top_fence, fence)

    def on_grant(self, waiter, low, high, fence, arrival, is_new=True):
        """The server granted the lock to the waiter between two moments. `is_new` is false if the
        waiter already held it. `arrival` orders the queue; None if the order is not known."""
        if is_new:
            self._check_exclusion(waiter, high)
            waiter.low, waiter.high, waiter.dispossessed = 0, 0, False
        if fence:
            self.check_fence(fence)
        if arrival is not None:
            self._check_order(waiter, low, high, arrival)
        waiter.holds_until(low, high)
        self.holders[waiter.id] = waiter

    def _check_exclusion(self, waiter, at_us):
        check = self.world.check
        others = [w for w in self.surely_held(at_us) if w is not waiter]
        leases = [w.lease for w in others]
        if waiter.shared:
            check(all(w.shared for w in others), 'shared beside exclusive', self.name, waiter.lease,
                  leases)
            check(len(others) < waiter.limit, 'more holders than permits', self.name, waiter.lease,
                  leases)
        else:
            check(not others, 'exclusive beside others', self.name, waiter.lease, leases)
        if self.blocked and self.blocked[0] > at_us:
            check(False, 'granted while', self.blocked[2], self.name)

    def _check_order(self, waiter, low, high, arrival):
        for other in self.world.waiting[self.name]:
            if (other is not waiter and other.placed and other.state == 'waiting'
                    and other.place < arrival and other.since < low
                    and other.client.surely_alive(self.name, high)):
                self.world.check(other.id in self.world.granted_now, 'passed over', self.name,
                                 other.client.kind_name, waiter.client.kind_name, arrival)
