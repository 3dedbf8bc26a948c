-- Looks at a lock and changes nothing.
-- KEYS: lock, queue
-- Replies: {type of the lock key, start of its value, pttl, number of waiters,
--           the first 100 queue members...}

local kind = redis.call('TYPE', KEYS[1]).ok
local value = kind == 'string' and redis.call('GETRANGE', KEYS[1], 0, 255) or ''
local reply = {kind, value, redis.call('PTTL', KEYS[1]), redis.call('ZCARD', KEYS[2])}
for _, member in ipairs(redis.call('ZRANGE', KEYS[2], 0, 99)) do reply[#reply + 1] = member end
return reply
