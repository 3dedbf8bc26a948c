-- Writes the record that says until when the client of `channel` is alive, `life` ms from now, into
-- the set `alive`. A client that has no record removes old ones, so that the set does not grow for
-- ever. Expects `known`, whether the client's record existed.
if not known then
  local old = redis.call('ZCOUNT', alive, '-inf', now_ms - 60000)
  if old > 0 then redis.call('ZREMRANGEBYRANK', alive, '0', math.min(old, 100) - 1) end
end
redis.call('ZADD', alive, now_ms + life, channel)
redis.call('PEXPIRE', alive, '180000')
