-- A page of the lock names that are held by redilock, or waited for. Changes nothing.
-- ARGV: cursor, glob pattern of the lock keys, prefix of the queue keys (or empty for
--       the held ones)
-- Replies: {next cursor, lock keys...}; the cursor is "0" at the end

local side = ARGV[3]
local kind = side == '' and 'string' or 'zset'
local head = string.gsub(side, '[*?%[%]\\]', '\\%0')
local page = redis.call('SCAN', ARGV[1], 'MATCH', head .. ARGV[2], 'COUNT', 500, 'TYPE', kind)
local reply = {page[1]}
local token = '^redilock:' .. string.rep('%x', 32) .. ':'
for _, key in ipairs(page[2]) do
  if side ~= '' then
    reply[#reply + 1] = string.sub(key, #side + 1)
  elseif string.match(redis.call('GETRANGE', key, 0, 41), token) then
    reply[#reply + 1] = key
  end
end
return reply
