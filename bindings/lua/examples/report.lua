-- One of many processes writes the report of the day; the others wait, and give up after a minute.
local redilock = require "redilock"

local client = redilock.new() -- of REDILOCK_URL
client:with("report", { ttl = 30, wait = 60, renew = true }, function(lock)
  print(string.format("report written with fence %.0f", lock:fence()))
end)
