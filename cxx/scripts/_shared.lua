-- Who holds the lock. Expects `held`, the value of the lock key, which becomes false if the lock is
-- free. `live` counts the shared holders whose leases have not ended; a shared lock without one is
-- free even if its key still exists.
local shared = held == 'redilock:shared'
local live = shared and redis.call('ZCOUNT', KEYS[5], '(' .. now_ms, '+inf') or 0
if shared and live == 0 then
  held, shared = false, false
end

-- Makes the lock key and the holders expire with the longest lease.
local function expire_with_last_lease()
  local last = redis.call('ZRANGE', KEYS[5], '-1', '-1', 'WITHSCORES')[2]
  redis.call('PEXPIREAT', KEYS[1], last)
  redis.call('PEXPIREAT', KEYS[5], last)
end

-- Adds one shared holder. A set of holders that an earlier lock left behind does not count.
local function add_shared_holder(token, ttl)
  if shared then
    redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', now_ms)
  else
    redis.call('DEL', KEYS[5])
    redis.call('SET', KEYS[1], 'redilock:shared')
    held, shared = 'redilock:shared', true
  end
  redis.call('ZADD', KEYS[5], now_ms + ttl, token)
  live = live + 1
end
