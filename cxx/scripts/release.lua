-- Releases a held lock, or leaves the queue; either hands the lock on if it is (or was left) free.
-- KEYS: lock, queue
-- ARGV: token[, queue member]     with the member the token leaves the queue
-- Replies: 1 if the token held the lock, else 0;
--          plus 2 if more dead waiters are to be dropped: call again

local held = redis.call('GET', KEYS[1])
local leaver = held ~= ARGV[1] and ARGV[2]
if held and held ~= ARGV[1] then
  if leaver then redis.call('ZREM', KEYS[2], leaver) end
  return 0
end
local head = redis.call('ZRANGE', KEYS[2], '0', '0')
if not head[1] then
  if held then redis.call('DEL', KEYS[1]) end
  return held and 1 or 0
end

-- @include _hand_off

local next_token, more = hand_off(head, nil, leaver)
if leaver then redis.call('ZREM', KEYS[2], leaver) end
if held and not next_token then redis.call('DEL', KEYS[1]) end
return (held and 1 or 0) + (not next_token and more and 2 or 0)
