-- Takes the lock from whoever holds it, whatever kind of key it is, and hands it on.
-- KEYS: lock, queue
-- Replies: 1 if there was a holder, else 0;
--          plus 2 if more dead waiters are to be dropped: call again

local held = redis.call('EXISTS', KEYS[1])
local head = redis.call('ZRANGE', KEYS[2], '0', '0')
if not head[1] then return redis.call('DEL', KEYS[1]) end

-- @include _hand_off

local next_token, more = hand_off(head)
if held == 1 and not next_token then redis.call('DEL', KEYS[1]) end
return held + (not next_token and more and 2 or 0)
