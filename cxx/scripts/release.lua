-- Releases a held lock, or leaves the queue. Either hands the lock on if there is room.
-- KEYS: lock, queue, fence, alive, holders
-- ARGV: token[, queue member or ''[, rest]]     with a member the token leaves the queue; rest, in
--       ms, is how long nobody can take the lock (the remainder of a minimum hold)
-- Replies: 1 if the token held the lock, else 0;
--          plus 2 if more waiters remain to be granted or dropped: call again

local held = redis.call('GET', KEYS[1])
local mine = held == ARGV[1]
if mine and not ARGV[3] and redis.call('EXISTS', KEYS[2]) == 0 then
  redis.call('DEL', KEYS[1])
  return 1
end

local token, rest = ARGV[1], tonumber(ARGV[3]) or 0
local leaver = not mine and ARGV[2] ~= '' and ARGV[2]
local head_left, granted = false, false
if held and not mine and held ~= 'redilock:shared' then
  -- Another token holds it. If the head leaves, the next waiter is the head and must know it.
  if not leaver then return 0 end
  head_left = redis.call('ZRANK', KEYS[2], leaver) == 0
  redis.call('ZREM', KEYS[2], leaver)
  if not head_left then return 0 end
end

-- @include _clock

-- The usual hand-off, from one exclusive holder to a living exclusive head. Its effect is that of
-- hand_off; it is here for speed.
local head = mine and rest <= 0 and redis.call('ZRANGE', KEYS[2], '0', '0', 'WITHSCORES') or {}
if head[1] then
  local ttl, channel, tag, at, colon =
    string.match(head[1], '^([1-9]%d*) (redilock:1:{([@-O]*)}:wake:%S+) ()redilock:%x+():')
  if ttl and #ttl < 12 and colon - at == 41 and KEYS[4] == 'redilock:1:{' .. tag .. '}:alive' then
    local till = tonumber(redis.call('ZSCORE', KEYS[4], channel)) or 0
    local subscribers = redis.pcall('PUBSUB', tag == '' and 'NUMSUB' or 'SHARDNUMSUB', channel)
    if till > now_ms and till <= now_ms + 60000 and not subscribers.err and subscribers[2] > 0 then
      local last, drawn = tonumber(redis.call('GET', KEYS[3])) or 0, now_text
      if last >= now_us and last < 9007199254740991 then drawn = string.format('%.0f', last + 1) end
      redis.call('ZREMRANGEBYRANK', KEYS[2], '0', '0')
      redis.call('SET', KEYS[3], drawn)
      redis.call('SET', KEYS[1], string.sub(head[1], at), 'PX', ttl)
      redis.pcall(tag == '' and 'PUBLISH' or 'SPUBLISH', channel,
        string.sub(head[1], at + 9, colon - 1) .. ' ' .. drawn .. ' ' .. now_text)
      -- A waiter behind a young one is younger still: see notify_head.
      local age = (now_us - head[2]) / 1000
      if age >= 0 and (age < 100 or (age < 2000 and tonumber(ttl) >= 2000)) then return 1 end
      granted = true
    end
  end
end

-- @include _shared

local ends = shared and tonumber(redis.call('ZSCORE', KEYS[5], token)) or 0
local mine_shared = ends > now_ms
if mine_shared and rest <= 0 and live == 1 and redis.call('EXISTS', KEYS[2]) == 0 then
  redis.call('DEL', KEYS[1], KEYS[5])
  return 1
end

-- @include _hand_off

if head_left then
  notify_head()
  return 0
end
if granted then
  notify_head(nil, true)
  return 1
end

if rest > 0 and (mine or mine_shared) then
  -- Nobody owns the lock while it rests. The removal comes first: Redis allows it when memory is
  -- full.
  redis.call('ZCARD', KEYS[2])
  if mine then
    redis.call('DEL', KEYS[1])
    redis.call('SET', KEYS[1], 'redilock:rest', 'PX', rest)
  else
    redis.call('ZREM', KEYS[5], token)
    redis.call('ZADD', KEYS[5], now_ms + rest, 'redilock:rest:' .. token)
    expire_with_last_lease()
  end
  notify_head()
  return 1
end

if mine_shared then
  live = live - 1
  if live == 0 then held, shared = false, false end
elseif mine then
  held = false
end
local _, count, more = hand_off(nil, leaver, mine_shared and token)
if count == 0 and not held then
  redis.call('DEL', KEYS[1], KEYS[5])
elseif count == 0 and mine_shared then
  notify_head(nil, false, ends)
end
return (mine or mine_shared) and (more and 3 or 1) or (more and 2 or 0)
