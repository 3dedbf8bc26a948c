-- The hand-off, shared by every script that finds or makes a lock free. No script reads the clock,
-- the fence counter or the client records but through this fragment, and it reads all it needs
-- before it writes: a script that fails half-way is not rolled back. Numbers are given to commands
-- as strings where they are known, as Redis would print each into one by a slow "%.17g".
-- Expects KEYS[1] = lock key, KEYS[2] = queue key.

local side = string.match(KEYS[2], '^redilock:1:{[^}]*}:')
local fence_key = side .. 'fence'
local alive_key = side .. 'alive:' .. KEYS[1]
local alive_ms = 6000
local keep_ms = '60000'

local time = redis.call('TIME')
local now_us = time[1] * 1000000 + time[2]
local now_ms = math.floor(now_us / 1000)

local function integer(number)
  return string.format('%.0f', number)
end

-- The next fence: above every earlier one, and never below the clock, so that it also rises when
-- the counter was lost. A counter that is no number below 2^53 - 1 counts as lost.
local function next_fence()
  local last = tonumber(redis.call('GET', fence_key)) or 0
  if last >= now_us and last < 9007199254740991 then return last + 1 end
  return now_us
end

-- The ttl, wake channel, token and token's id of a queue member; nothing for what is none. Labels
-- are not looked through. A ttl that SET would refuse must not get that far: half of the hand-off
-- is done by then.
local function parse(member)
  local ttl, channel, at, colon = string.match(member, '^([1-9]%d*) (%S+) ()redilock:%x+():')
  if not ttl or #ttl > 11 then return nil end
  return ttl, channel, string.sub(member, at), string.sub(member, at + 9, colon - 1)
end

-- A client lives while its record is fresh and its wake channel has a subscriber of its own. A
-- record further ahead than any client may write it comes from a clock that was stepped back.
local function lives(channel)
  local till = tonumber(redis.call('HGET', alive_key, channel)) or 0
  return till > now_ms and till <= now_ms + alive_ms
    and redis.call('PUBSUB', 'NUMSUB', channel)[2] > 0
end

-- Gives the lock to the first living waiter, with that waiter's own ttl, and wakes its client
-- unless the waiter is the caller's own token. At most 100 dead are dropped. `batch` is the head of
-- the queue; `leaver` is a member that counts as dead, since it is about to be removed.
-- Returns the token granted and its fence; or nil and whether anybody is left in the queue.
local function hand_off(batch, own_token, leaver)
  local fence = next_fence()
  local living, dead = {}, 0
  while batch[1] do
    for _, member in ipairs(batch) do
      local ttl, channel, token, id = parse(member)
      if channel and living[channel] == nil then living[channel] = lives(channel) end
      if channel and living[channel] and member ~= leaver then
        redis.call('ZREMRANGEBYRANK', KEYS[2], '0', dead == 0 and '0' or dead)
        local drawn = integer(fence)
        redis.call('SET', fence_key, drawn)
        redis.call('SET', KEYS[1], token, 'PX', ttl)
        if token ~= own_token then
          local granted = fence == now_us and drawn or integer(now_us)
          redis.pcall('PUBLISH', channel, id .. ' ' .. drawn .. ' ' .. granted)
        end
        return token, fence
      end
      dead = dead + 1
    end
    batch = dead < 100 and redis.call('ZRANGE', KEYS[2], dead, 99) or {}
  end
  if dead > 0 then redis.call('ZREMRANGEBYRANK', KEYS[2], 0, dead - 1) end
  return nil, dead >= 100 and redis.call('EXISTS', KEYS[2]) == 1
end
