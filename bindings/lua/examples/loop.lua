-- A hundred jobs wait for one lock in one thread, which could poll client:fd() with other events.
local redilock = require "redilock"

local client = redilock.new()
local jobs = {}
for i = 1, 100 do jobs[client:submit("printer", { ttl = 30 })] = i end
for printed = 1, 100 do
  local done = client:next(60)
  assert(done, "nothing came in a minute")
  assert(jobs[done.request] and done.lock, done.error)
  done.lock:drop() -- does not block, and hands the lock on
  if printed == 100 then print("100 jobs printed") end
end
