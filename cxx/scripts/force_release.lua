-- Takes the lock from its holder, whatever kind of key it is, and hands it on.
-- KEYS: lock, queue, fence, alive, holders
-- Replies: 1 if there was a holder, else 0;
--          plus 2 if more waiters remain to be granted or dropped: call again

local existed = redis.call('EXISTS', KEYS[1])
if redis.call('ZCARD', KEYS[2]) == 0 then
  redis.call('DEL', KEYS[1], KEYS[5])
  return existed
end

-- @include _clock

local held = false

-- @include _shared
-- @include _hand_off

local _, count, more = hand_off()
if count == 0 then redis.call('DEL', KEYS[1], KEYS[5]) end
return existed + (more and 2 or 0)
