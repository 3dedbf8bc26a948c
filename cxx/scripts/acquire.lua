-- Acquires, queues and re-checks. A client may repeat a request with the same token at any time.
-- KEYS: lock, queue, fence, alive, holders     a first try may name only lock, queue[, fence]
-- ARGV: token, lease, fence (1, or 0 for none)[, channel, arrival]
--       A lease is "<ttl>" for an exclusive holder, "<ttl>s" for a shared one, "<ttl>s<n>" for a
--       shared one that fits while fewer than n hold. With a channel the caller may wait; arrival
--       is the number of its place, or 0 for a new place. The alive key has the channel's tag.
-- Replies: an integer: granted; the fence, or 0 without one
--          {ms[, value]}: not granted, the caller does not wait
--          {ms, rank, arrival, server time in us, foreign, joined, seen, known, value}: queued
--          ms is when there is room if nobody releases; -1: the holder never expires; -2: ask again
--          at once, with all keys; value is the start of the lock key's value, '' if it is free

local token, lease, wants_fence, channel = ARGV[1], ARGV[2], ARGV[3] == '1', ARGV[4]
local ttl, limit = tonumber(lease)
local ttl_ms = ttl
if not ttl then
  ttl_ms, limit = string.match(lease, '^(%d+)s(%d*)$')
  ttl_ms, limit = tonumber(ttl_ms), tonumber(limit) or math.huge
end

-- The lock is free and nobody waits.
if redis.call('EXISTS', KEYS[1], KEYS[2]) == 0 and (ttl or KEYS[5]) then
  local fence, time = 0
  if wants_fence or not ttl then
    time = redis.call('TIME')
    local text = time[1] .. string.sub('000000', #time[2] + 1) .. time[2]
    if wants_fence then
      fence = tonumber(text)
      local last = tonumber(redis.call('GETSET', KEYS[3], text)) or 0
      if last >= fence and last < 9007199254740991 then
        fence = last + 1
        redis.call('SET', KEYS[3], string.format('%.0f', fence))
      end
    end
  end
  if ttl then
    redis.call('SET', KEYS[1], token, 'PX', lease)
  else
    local ends = time[1] * 1000 + math.floor(time[2] / 1000) + ttl_ms
    redis.call('SET', KEYS[1], 'redilock:shared', 'PX', ttl_ms)
    redis.call('DEL', KEYS[5])
    redis.call('ZADD', KEYS[5], ends, token)
    redis.call('PEXPIREAT', KEYS[5], ends)
  end
  return fence
end

local held = redis.call('GET', KEYS[1])
if held and held ~= token and held ~= 'redilock:shared' and not channel then
  return {redis.call('PTTL', KEYS[1]), string.sub(held, 1, 255)}
end
if not KEYS[5] and held ~= token then return {-2} end

-- @include _clock

-- The next number, for a fence or for a place in the queue.
local last = tonumber(KEYS[3] and redis.call('GET', KEYS[3])) or 0
local drawn, drawn_text = now_us, now_text
if last >= now_us and last < 9007199254740991 then
  drawn, drawn_text = last + 1, string.format('%.0f', last + 1)
end

-- Already mine: the reply or push of the grant was lost. The lease starts again, even if others
-- have queued since and the request names no place: this token came first. The lease is neither
-- handed on nor shortened: a late request must take neither the lock nor an extension from a
-- holder that learned of its grant in another way.
if held == token then
  if redis.call('PTTL', KEYS[1]) < ttl_ms then redis.call('PEXPIRE', KEYS[1], ttl_ms) end
  if wants_fence then redis.call('SET', KEYS[3], drawn_text) end
  return wants_fence and drawn or 0
end

-- The caller takes a place, or keeps the one it has. The reads come first, because they find every
-- key of a wrong type. A grant does not write the client's record: an integer reply could not
-- report that the record was lost.
local alive, life = KEYS[4], 6000
local member, arrival, joined, till, known, seen, rank
local function join()
  member = lease .. ' ' .. channel .. ' ' .. token
  till = tonumber(redis.call('ZSCORE', alive, channel)) or 0
  known = till > now_ms and till <= now_ms + 60000
  arrival = redis.call('ZSCORE', KEYS[2], member)
  joined = not arrival
  seen = true
  if joined then
    local tag, kind = string.match(channel, '^redilock:1:{([@-O]*)}:(%l+):')
    if kind == 'wake' or kind == 'plain' then
      local test = kind == 'wake' and tag ~= '' and 'SHARDNUMSUB' or 'NUMSUB'
      local subscribers = redis.pcall('PUBSUB', test, channel)
      seen = not subscribers.err and subscribers[2] > 0
    end
    arrival = ARGV[5]
    if arrival == '0' then
      arrival = drawn_text
      redis.call('SET', KEYS[3], drawn_text)
    end
    redis.call('ZADD', KEYS[2], arrival, member)
  end
  redis.call('PEXPIRE', KEYS[2], '180000')
  rank = redis.call('ZRANK', KEYS[2], member)
end
local function queued(ms)
  if not known or till < now_ms + 3000 then
    -- @include _record
  end
  local foreign = held and held ~= 'redilock:shared' and held ~= 'redilock:rest'
    and string.match(held, '^redilock:%x+():') ~= 42
  return {ms, rank or 0, tonumber(arrival), now_us, foreign and 1 or 0, joined and 1 or 0,
          seen and 1 or 0, known and 1 or 0, held and string.sub(held, 1, 255) or ''}
end

-- Another exclusive holder, the usual case: it needs no function of the hand-off. A re-check that
-- is not at the head goes on and drops the dead places before it, so that its client learns its
-- rank.
if held and held ~= 'redilock:shared' then
  join()
  if joined or rank == 0 then return queued(redis.call('PTTL', KEYS[1])) end
end

-- @include _shared

if shared then
  local ends = tonumber(redis.call('ZSCORE', KEYS[5], token)) or 0
  if ends > now_ms then
    if wants_fence then redis.call('SET', KEYS[3], drawn_text) end
    redis.call('ZADD', KEYS[5], math.max(ends, now_ms + ttl_ms), token)
    expire_with_last_lease()
    return wants_fence and drawn or 0
  end
end

-- Takes the lock if there is room and nobody waits. `granted` is how many numbers this call has
-- drawn since it read the counter.
local function take(granted)
  if (held and not (limit and shared and live < limit)) or redis.call('EXISTS', KEYS[2]) == 1 then
    return nil
  end
  local fence = 0
  if wants_fence then
    fence = drawn + granted
    redis.call('SET', KEYS[3], string.format('%.0f', fence))
  end
  if limit then
    add_shared_holder(token, ttl_ms)
    expire_with_last_lease()
  else
    redis.call('SET', KEYS[1], token, 'PX', lease)
  end
  return fence
end
local fence = take(0)
if fence then return fence end
if channel and not member then join() end

-- @include _hand_off

own_channel = channel

-- If there is room, the head of the queue gets it; the head may be the caller.
local own_fence, count, more = hand_off(token)
if own_fence then return wants_fence and own_fence or 0 end
if not channel and not more then
  fence = take(count)
  if fence then return fence end
end
local ms = -2
if held and not more then
  ms = redis.call('PTTL', KEYS[1])
  if ms >= 0 then ms = time_until_room(limit) end
end
if not channel then return {ms, held and string.sub(held, 1, 255) or ''} end
rank = redis.call('ZRANK', KEYS[2], member)
return queued(ms)
