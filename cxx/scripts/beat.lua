-- Renews the record that says until when a client is alive. A client sends it every 2 s for each
-- tag under which it waits.
-- KEYS: alive
-- ARGV: channel[, life]     life in ms: 6000, at most 60000
-- Replies: {known, server time in us, seen}
--          known: 0 if there was no record; the server lost it or it ended, and scripts may have
--          dropped places of the client; seen: 0 if this server sees no subscription to the channel

local alive, channel, life = KEYS[1], ARGV[1], ARGV[2] or 6000

-- @include _clock

local till = tonumber(redis.call('ZSCORE', alive, channel)) or 0
local known = till > now_ms and till <= now_ms + 60000
local tag, kind = string.match(channel, '^redilock:1:{([@-O]*)}:(%l+):')
local seen = true
if kind == 'wake' or kind == 'plain' then
  local test = kind == 'wake' and tag ~= '' and 'SHARDNUMSUB' or 'NUMSUB'
  local subscribers = redis.pcall('PUBSUB', test, channel)
  seen = not subscribers.err and subscribers[2] > 0
end
-- @include _record
return {known and 1 or 0, now_us, seen and 1 or 0}
