-- Acquires, queues, and re-checks; asking again with the same token is safe at any time.
-- KEYS: lock, queue[, fence]     without the fence key no fence is drawn for this grant
-- ARGV: token, ttl[, wake channel, arrival]     with the last two the caller may wait; arrival is
--       the place it was given before, or 0
-- Replies: an integer, the fence (0 for none): granted
--          {holder's pttl}: not granted, the caller does not wait
--          {holder's pttl, rank, arrival, server time in us, foreign, joined}: queued
--          pttl is -1 for a holder without expiry, -2 for "ask again at once"

if redis.call('EXISTS', KEYS[1], KEYS[2]) == 0 then
  local fence = 0
  if KEYS[3] then
    local time = redis.call('TIME')
    fence = time[1] * 1000000 + time[2]
    local last = tonumber(redis.call('SET', KEYS[3], string.format('%.0f', fence), 'GET')) or 0
    if last >= fence and last < 9007199254740991 then
      fence = last + 1
      redis.call('SET', KEYS[3], string.format('%.0f', fence))
    end
  end
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  return fence
end

-- @include _hand_off

local token, ttl, channel = ARGV[1], ARGV[2], ARGV[3]
local held = redis.call('GET', KEYS[1])

local function join()
  local member = ttl .. ' ' .. channel .. ' ' .. token
  local arrival = tonumber(redis.call('ZSCORE', KEYS[2], member))
  local joined = not arrival
  local fence = joined and next_fence()
  redis.call('HSET', alive_key, channel, integer(now_ms + alive_ms))
  redis.call('PEXPIRE', alive_key, keep_ms)
  if joined then
    arrival = tonumber(ARGV[4])
    if arrival == 0 then
      arrival = fence
      redis.call('SET', fence_key, integer(arrival))
    end
    redis.call('ZADD', KEYS[2], integer(arrival), member)
  end
  redis.call('PEXPIRE', KEYS[2], keep_ms)
  return arrival, redis.call('ZRANK', KEYS[2], member) or 0, joined
end

-- Already mine: the grant's reply or push was lost. It starts anew, also where others have queued
-- since and the token knows no place of its own: it came first. Nor could it be given to them, or
-- be made shorter: a request that runs late must take neither the lock nor an extension of it from
-- a holder that heard of its grant by another.
if held == token then
  local fence = KEYS[3] and next_fence() or 0
  if redis.call('PTTL', KEYS[1]) < tonumber(ttl) then redis.call('PEXPIRE', KEYS[1], ttl) end
  if KEYS[3] then redis.call('SET', fence_key, integer(fence)) end
  return fence
end

local arrival, rank, joined
if channel then arrival, rank, joined = join() end

-- Free, but somebody is in the queue: an expired lease left nobody awake. The first living waiter
-- gets it, which may be the caller.
if not held then
  local next_token, detail = hand_off(redis.call('ZRANGE', KEYS[2], '0', '0'), token)
  if next_token == token then return KEYS[3] and detail or 0 end
  if next_token then
    held = next_token
  elseif detail then
    return channel and {-2, rank, arrival, now_us, 0, joined and 1 or 0} or {-2}
  elseif not channel then
    local fence = KEYS[3] and next_fence() or 0
    if KEYS[3] then redis.call('SET', fence_key, integer(fence)) end
    redis.call('SET', KEYS[1], token, 'PX', ttl)
    return fence
  end
end

local pttl = redis.call('PTTL', KEYS[1])
if not channel then return {pttl} end
local foreign = held and string.match(held, '^redilock:%x+():') ~= 42
return {pttl, rank, arrival, now_us, foreign and 1 or 0, joined and 1 or 0}
