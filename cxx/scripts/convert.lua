-- Changes the mode of a held lock. It never waits: two holders that wait for each other would both
-- be stuck.
-- KEYS: lock, queue, fence, alive, holders
-- ARGV: token, lease, fence (1, or 0 for none)     the lease gives the new mode, as for acquire
-- Replies: {fence, more}: done; more is 1 if more waiters remain to be granted: call again
--          {ms}: others hold it too, for so long
--          -1: the token does not hold the lock

local token, lease = ARGV[1], ARGV[2]
local ttl, mode = string.match(lease, '^(%d+)(s?%d*)$')
ttl = tonumber(ttl)
local limit
if mode ~= '' then limit = tonumber(string.sub(mode, 2)) or math.huge end
local held = redis.call('GET', KEYS[1])

-- @include _clock
-- @include _shared

local ends = 0
if held == token then
  ends = now_ms + redis.call('PTTL', KEYS[1])
elseif shared then
  ends = tonumber(redis.call('ZSCORE', KEYS[5], token)) or 0
  if ends <= now_ms then return -1 end
else
  return -1
end
if shared and live > (limit or 1) then return {redis.call('PTTL', KEYS[1])} end

-- @include _hand_off

-- The reads come before the first write: they find every key of a wrong type.
local fence = 0
local last = tonumber(redis.call('GET', KEYS[3])) or 0
redis.call('ZCARD', KEYS[2])
redis.call('ZSCORE', KEYS[4], '')
ttl = math.max(ttl, ends - now_ms)
if ARGV[3] == '1' then
  fence = now_us
  if last >= now_us and last < 9007199254740991 then fence = last + 1 end
  redis.call('SET', KEYS[3], string.format('%.0f', fence))
end
if limit then
  add_shared_holder(token, ttl)
  expire_with_last_lease()
  live = redis.call('ZCOUNT', KEYS[5], '(' .. now_ms, '+inf')
  local _, _, more = hand_off()
  return {fence, more and 1 or 0}
end
redis.call('SET', KEYS[1], token, 'PX', ttl)
redis.call('DEL', KEYS[5])
return {fence, 0}
