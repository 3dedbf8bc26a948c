-- The hand-off: each script that finds or makes a lock free, or makes room in a shared one, uses
-- this fragment. It reads everything before it writes, because Redis does not roll back a script
-- that fails half-way. Its first write is a removal, which Redis allows when memory is full.
-- Expects all five KEYS, _clock, and `held`, `shared`, `live` of _shared.

local word = string.match(KEYS[2], '^redilock:1:{([^}]*)}:')
local read = redis.call         -- reads records; pcall once the script has written
local own_channel               -- acquire sets its caller's channel: that client is alive, it asks

-- The parts of a queue member, or nil if it is malformed. Labels are not checked. The bounds keep
-- every later command valid, because an error after the first write would leave half a hand-off:
-- SET takes the ttl, ZRANGE takes the limit. `limit` is nil for an exclusive waiter; for a shared
-- one it is the number of holders at which the waiter no longer fits.
local function parse(member)
  local ttl, mode, channel, tag, kind, at, colon =
    string.match(member, '^([1-9]%d*)(s?%d*) (redilock:1:{([@-O]*)}:(%l+):%S+) ()redilock:%x+():')
  if not ttl or #ttl > 11 or colon - at ~= 41 or (tag ~= '' and tag ~= word) then return nil end
  local limit
  if mode == 's' then
    limit = math.huge
  elseif mode ~= '' then
    if #mode > 10 or not string.match(mode, '^s[1-9]') then return nil end
    limit = tonumber(string.sub(mode, 2))
  end
  local test, wake
  if kind == 'plain' or (kind == 'wake' and tag == '') then
    test, wake = 'NUMSUB', 'PUBLISH'
  elseif kind == 'wake' then
    test, wake = 'SHARDNUMSUB', 'SPUBLISH'
  end
  return {ttl = ttl, limit = limit, channel = channel, alive = 'redilock:1:{' .. tag .. '}:alive',
          test = test, wake = wake, token = string.sub(member, at),
          id = string.sub(member, at + 9, colon - 1)}
end

-- Whether the client has a record, in the set of the channel's own tag. A set that this script was
-- not given may be out of reach, for instance on another cluster node: then there is no record. A
-- record further ahead than a client may write it comes from a clock that was stepped back.
local function has_record(waiter)
  if waiter.channel == own_channel then return true end
  local call = waiter.alive == KEYS[4] and read or redis.pcall
  local till = tonumber(call('ZSCORE', waiter.alive, waiter.channel)) or 0
  return till > now_ms and till <= now_ms + 60000
end

-- A client is alive if it has a record and this server sees a subscriber of its channel. A kind of
-- channel without a subscriber test needs only the record.
local function is_alive(waiter)
  if not has_record(waiter) then return false end
  if not waiter.test then return true end
  local subscribers = redis.pcall('PUBSUB', waiter.test, waiter.channel)
  return not subscribers.err and subscribers[2] > 0
end

-- The time in ms until a waiter fits if nobody releases: until so many leases have ended. 0 if the
-- holder never expires: the waiter finds that out by its re-check.
local function time_until_room(limit)
  if shared and limit and limit < math.huge then
    local nth = redis.call('ZRANGE', KEYS[5], -limit, -limit, 'WITHSCORES')[2]
    if nth then return math.max(tonumber(nth) - now_ms, 0) end
  end
  return math.max(redis.call('PTTL', KEYS[1]), 0)
end

-- Notifies the head of the queue that it is the head, and when it must re-check. Behind a foreign
-- holder that is at once. Drops dead heads, at most three.
-- `after_hand_off`: a young head needs no message. A head is young in the first 100 ms, as in a
-- fast fight, or if it re-checks by itself, 2 s after its arrival, before the holder's lease ends.
-- (An arrival ahead of the clock has no age; such a head is notified.)
-- `released_end`: the end of a lease that was released early. A head that fits later than that
-- learns nothing new.
local function notify_head(own_token, after_hand_off, released_end)
  read = redis.pcall
  local foreign = held and not shared and held ~= 'redilock:rest'
    and string.match(held, '^redilock:%x+():') ~= 42
  for _ = 1, 3 do
    local head = redis.call('ZRANGE', KEYS[2], '0', '0', 'WITHSCORES')
    if not head[1] then return end
    local age = (now_us - head[2]) / 1000
    if after_hand_off and age >= 0 and age < 100 then return end
    local waiter = parse(head[1])
    if waiter and has_record(waiter) then
      if not waiter.wake or waiter.token == own_token then return end
      local ms = (foreign or not held) and 0 or time_until_room(waiter.limit)
      if after_hand_off and age >= 0 and age < 2000 and age + ms >= 2000 then return end
      if released_end and released_end < now_ms + ms then return end
      local receivers = redis.pcall(waiter.wake, waiter.channel,
        'next ' .. waiter.id .. ' ' .. string.format('%.0f', ms) .. ' ' .. now_text)
      if receivers ~= 0 and (type(receivers) == 'number' or is_alive(waiter)) then return end
    end
    redis.call('ZREM', KEYS[2], head[1])
  end
end

-- Grants the lock to the living waiters at the head of the queue while they fit: to one exclusive
-- waiter, or to several shared ones in a row. Each gets its own ttl and fence, and a push wakes its
-- client, except the caller's own token. One call goes through at most 100 members.
-- `leaver` is a member that counts as dead and goes: it must not be taken for the new head. `gone`
-- is a shared holder that goes; `held`, `shared` and `live` no longer count it.
-- Returns the fence of the caller's own token if it was granted, the number of grants, and whether
-- more members remain to be looked at.
local function hand_off(own_token, leaver, gone)
  local last = tonumber(redis.call('GET', KEYS[3])) or 0
  local fence = now_us
  if last >= now_us and last < 9007199254740991 then fence = last + 1 end

  local grants, living = {}, {}
  local passed, held_then, live_then, arrived, stopped = 0, held, live, 0, false
  local batch = redis.call('ZRANGE', KEYS[2], '0', '0', 'WITHSCORES')
  while batch[1] and not stopped do
    for i = 1, #batch, 2 do
      local waiter = batch[i] ~= leaver and parse(batch[i])
      if waiter and living[waiter.channel] == nil then living[waiter.channel] = is_alive(waiter) end
      if waiter and living[waiter.channel] then
        local limit = waiter.limit
        stopped = held_then and not (limit and held_then == 'redilock:shared' and live_then < limit)
        if stopped then break end
        grants[#grants + 1] = waiter
        arrived = tonumber(batch[i + 1])
        live_then = live_then + 1
        held_then = limit and 'redilock:shared' or waiter.token
        stopped = not limit
      end
      passed = passed + 1
      if stopped then break end
    end
    batch = not stopped and passed < 100
      and redis.call('ZRANGE', KEYS[2], passed, 99, 'WITHSCORES') or {}
  end

  if gone then redis.call('ZREM', KEYS[5], gone) end
  if passed > 0 then redis.call('ZREMRANGEBYRANK', KEYS[2], '0', passed - 1) end
  if leaver then redis.call('ZREM', KEYS[2], leaver) end
  local more = not stopped and passed >= 100 and redis.call('EXISTS', KEYS[2]) == 1
  local count = #grants
  if count == 0 then
    -- Only if nobody is granted: Redis deletes a key at once if its new expiry has passed by now,
    -- and the last lease may have ended since this script began.
    if gone and shared then expire_with_last_lease() end
    -- The caller calls again if there is more, but it may die, or a foreign client may take the
    -- lock.
    if (held or more) and passed > 0 then notify_head(own_token) end
    return nil, 0, more
  end

  redis.call('SET', KEYS[3], string.format('%.0f', fence + count - 1))
  if grants[1].limit then
    for _, waiter in ipairs(grants) do add_shared_holder(waiter.token, tonumber(waiter.ttl)) end
    expire_with_last_lease()
  else
    held = grants[1].token
    redis.call('SET', KEYS[1], held, 'PX', grants[1].ttl)
  end
  local own_fence
  for i, waiter in ipairs(grants) do
    if waiter.token == own_token then
      own_fence = fence + i - 1
    elseif waiter.wake then
      redis.pcall(waiter.wake, waiter.channel,
        waiter.id .. ' ' .. string.format('%.0f', fence + i - 1) .. ' ' .. now_text)
    end
  end
  -- A waiter behind a young one is younger still.
  if arrived <= now_us - 100000 or arrived > now_us then notify_head(own_token, true) end
  return own_fence, count, more
end
