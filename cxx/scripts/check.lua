-- Runs each command that the scripts run, in a way that changes nothing. No part of the protocol.
-- KEYS: lock, queue, fence, alive, holders
-- ARGV: a channel of the kind wake, a channel of the kind plain
-- Replies: {}, or {command, its first argument or '', error} for the first command that failed

local lock, queue, fence, holders = KEYS[1], KEYS[2], KEYS[3], KEYS[5]
local failure = {}

local function try(command, ...)
  if failure[1] then return nil end
  local reply = redis.pcall(command, ...)
  if type(reply) ~= 'table' or not reply.err then return reply end
  -- Before Redis 7.0 an error begins with its place in the script.
  failure = {command == 'PUBSUB' and 'pubsub|numsub' or string.lower(command), (...) or '',
             string.match(reply.err, '^@user_script: ?%d+: ?%-?(.*)') or reply.err}
end

-- To acquire, extend and release. SET is the first write, because Redis refuses it when memory is
-- full, and no command after a DEL.
local is_held = try('EXISTS', lock) == 1
try('GET', lock)
try('SET', lock, '', 'PX', '1', is_held and 'NX' or 'XX')
try('PTTL', lock)
try('TIME')
-- A key that does not exist can be deleted, and be given an expiry, without an effect.
local absent
for _, key in ipairs({lock, holders, fence}) do
  if try('EXISTS', key) == 0 then absent = key end
end
if absent then
  try('DEL', absent)
  try('PEXPIRE', absent, '1')
end
local last = try('GET', fence)
if last then
  try('GETSET', fence, last)
else
  try('GETSET', fence, '0')
  if not failure[1] then redis.call('DEL', fence) end
end

-- To wait, and to hand the lock on.
try('ZADD', queue, 'XX', '0', 'redilock:check')
try('ZSCORE', queue, 'redilock:check')
try('ZRANK', queue, 'redilock:check')
try('ZCOUNT', queue, '1', '0')
try('ZRANGE', queue, '1', '0')
try('ZREM', queue, 'redilock:check')
try('ZREMRANGEBYRANK', queue, '1', '0')
try('PUBSUB', 'NUMSUB', ARGV[1])
try('PUBLISH', ARGV[1], 'check')

-- To look, and for locks that clients share.
try('TYPE', lock)
try('GETRANGE', fence, '0', '0')
try('ZCARD', queue)
try('ZRANGEBYSCORE', holders, '1', '0')
try('ZREMRANGEBYSCORE', holders, '1', '0')
if absent then try('PEXPIREAT', absent, '1') end
try('PUBLISH', ARGV[2], 'check')
return failure
