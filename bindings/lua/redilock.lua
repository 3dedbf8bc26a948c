--- A distributed lock kept in Redis, for Lua 5.1 to 5.4 and LuaJIT. README.md shows how to use it.
--
-- Durations are seconds, as numbers; math.huge is for ever. Options have the names and defaults of
-- the library (man 3 redilock). A call that fails raises a table: `status` ("TIMEOUT", "LOST",
-- ...), `code` and `message`; tostring gives the message.
local core = require "redilock.core"

local redilock = { version = core.version(), Error = core.error_type() }
local Client, Lock, Request = {}, {}, {}
Client.__index, Lock.__index, Request.__index = Client, Lock, Request

redilock.Error.__index = redilock.Error
redilock.Error.__tostring = function(self) return self.message end

local KINDS = {
  [core.COMPLETION_ACQUIRE] = "acquire",
  [core.COMPLETION_RELEASE] = "release",
  [core.COMPLETION_EXTEND] = "extend",
  [core.COMPLETION_LOSS] = "loss",
  [core.COMPLETION_BREAK] = "break",
  [core.COMPLETION_INFO] = "info",
  [core.COMPLETION_LOG] = "log",
}
local STATES = {
  [core.STATE_FREE] = "free", [core.STATE_HELD] = "held", [core.STATE_FOREIGN] = "foreign",
}
local LEVELS = {
  [core.LOG_ERROR] = "error", [core.LOG_WARNING] = "warning", [core.LOG_INFO] = "info",
}

local types = {}
for i = 0, core.option_count() - 1 do types[core.option_name(i)] = core.option_type(i) end

local function invalid(message) error(core.make_error(core.E_INVALID, message), 0) end

--- Milliseconds of seconds: a wait is rounded up, anything else down.
local function milliseconds(name, seconds)
  if type(seconds) ~= "number" or seconds ~= seconds then
    invalid(name .. ": it has to be a number of seconds")
  end
  if seconds == math.huge then return -1 end
  local whole = name == "wait" and math.ceil(seconds * 1000) or math.floor(seconds * 1000)
  return math.max(-1, math.min(whole, 2^52))
end

--- Sets options by their type: text and bytes as they are, numbers and booleans as such.
local function set_options(set_bytes, set_int, object, options)
  for name, value in pairs(options or {}) do
    local kind = type(value)
    if kind == "boolean" then
      set_int(object, name, value and 1 or 0)
    elseif kind == "number" and types[name] == "duration" then
      set_int(object, name, milliseconds(name, value))
    elseif kind == "number" then
      set_int(object, name, value)
    else
      set_bytes(object, name, value)
    end
  end
end

local function is_error(value, ...)
  if getmetatable(value) ~= redilock.Error then return false end
  for _, status in ipairs { ... } do
    if value.status == status then return true end
  end
  return select("#", ...) == 0
end

--- Whether a value is an error of this module and, if statuses are given, has one of them.
redilock.is_error = is_error

--- Whether this build of the library can do something, such as "tls".
function redilock.has(feature) return core.has(feature) == 1 end

-- ---------------------------------------------------------------- client

--- Makes a client; the server is first asked by the first call. Without a url, that of the
-- environment's REDILOCK_URL is used. The options are the client's, and defaults of its calls.
function redilock.new(url, options)
  local set = core.options_new()
  set_options(core.options_set_bytes, core.options_set_int, set, options)
  local self = { handle = core.new(url, set), last_tag = 0, pending = {} }
  self.interruptible = not options or options.interruptible == nil
  return setmetatable(self, Client)
end

local function new_op(self, name, options)
  local op = core.op_new(self.handle)
  if name ~= nil then core.op_set_bytes(op, "name", name) end
  set_options(core.op_set_bytes, core.op_set_int, op, options)
  return op
end

local function new_lock(self, handle)
  return setmetatable({ client = self, handle = handle }, Lock)
end

--- Acquires the lock of a name and waits for it, for ever unless `wait` is set. Ctrl-C ends the
-- wait, unless `interruptible` is false. Raises HELD (`wait` is 0), TIMEOUT and others.
function Client:acquire(name, options)
  local op = new_op(self, name, options)
  if self.interruptible and not (options and options.interruptible ~= nil) then
    core.op_set_int(op, "interruptible", 1)
  end
  return new_lock(self, core.op_acquire(op))
end

--- Returns the lock, or nil and the error where another holds it. It waits only if `wait` is set.
function Client:try(name, options)
  local with_wait = { wait = 0 }
  for key, value in pairs(options or {}) do with_wait[key] = value end
  local ok, lock = pcall(self.acquire, self, name, with_wait)
  if ok then return lock end
  if is_error(lock, "HELD", "TIMEOUT") then return nil, lock end
  error(lock, 0)
end

--- Calls f(lock) with the lock held, releases it, and returns what f returned. Raises the error of
-- f, or else that of the release: LOST means that f may have run without the lock.
function Client:with(name, options, f)
  local lock = self:acquire(name, options)
  local function finish(ok, ...)
    local released, failure = pcall(lock.release, lock)
    if not ok then error((...), 0) end
    if not released then error(failure, 0) end
    return ...
  end
  return finish(pcall(f, lock))
end

--- Makes a lock of one that another process holds, by its token, and extends it by `ttl`.
function Client:attach(name, token, options)
  local op = new_op(self, name, options)
  core.op_set_bytes(op, "token", token)
  return new_lock(self, core.op_attach(op))
end

--- Releases a lock by its name and token, from any process.
function Client:release(name, token)
  core.op_release(new_op(self, name, { token = token }), nil)
end

--- Extends a lock by its name and token, from any process, to last `ttl` seconds from now.
function Client:extend(name, token, ttl)
  core.op_extend(new_op(self, name, { token = token, ttl = ttl }), nil)
end

--- Takes the lock away from its holder, and hands it to the next waiter. The holder learns it by
-- its next extension or renewal.
function Client:break_lock(name) core.op_break(new_op(self, name)) end

local function info_of(handle)
  local state = core.info_state(handle)
  local info = {
    state = STATES[state] or "held",
    label = core.info_label(handle),
    remaining = core.info_remaining_ms(handle) / 1000,
    waiters = core.info_waiters(handle),
    queue = {},
  }
  local label = core.info_waiter_label(handle, 0)
  while label do
    local i = #info.queue
    info.queue[i + 1] = {
      label = label,
      since = core.info_waiter_since_ms(handle, i) / 1000,
      polls = core.info_waiter_polls(handle, i) == 1,
    }
    label = core.info_waiter_label(handle, i + 1)
  end
  --- Whether a token held the lock.
  function info.is(token) return core.info_is(handle, token) == 1 end
  return info
end

--- Looks a lock up: `state` ("free", "held", "foreign"), `label`, `remaining` (-0.001 for a key
-- that never expires), `waiters`, `queue` (the first hundred: `label`, `since`, `polls`), and
-- `is(token)`.
function Client:info(name) return info_of(core.op_info(new_op(self, name))) end

--- Iterates over the names of locks on the server that match a glob-style pattern.
function Client:names(pattern)
  local list = core.list_new(self.handle, pattern or "*")
  return function() return (core.list_next(list)) end
end

--- Checks that the server can be used, and returns its address and version.
function Client:check()
  local op = new_op(self)
  core.op_check(op)
  return core.op_message(op)
end

--- The numbers that the client counts, by name.
function Client:stats()
  local stats = {}
  for i = 0, core.stat_count() - 1 do
    local name = core.stat_name(i)
    stats[name] = core.client_stat(self.handle, name)
  end
  return stats
end

--- Iterates over the lines of the log: level, seconds since 1970, line. The option `log` of the
-- client says how many are kept.
function Client:log()
  return function()
    local level, time, line = core.client_log(self.handle)
    if level ~= 0 then return LEVELS[level] or level, time / 1000, line end
  end
end

--- Ends all that runs on the client: later calls raise CLOSED. Held locks are not released.
function Client:close() core.client_close(self.handle) end

-- ---------------------------------------------------------------- without blocking

local function submit(self, call, request, ...)
  self.last_tag = self.last_tag + 1
  local arguments = { ... }
  arguments[#arguments + 1] = self.last_tag
  request.client = self
  self.pending[self.last_tag] = request
  local ok, failure = pcall(call, (table.unpack or unpack)(arguments))
  if ok then return setmetatable(request, Request) end
  self.pending[self.last_tag] = nil
  error(failure, 0)
end

--- Begins an acquire and returns a request; `next` returns its end.
function Client:submit(name, options)
  local op = new_op(self, name, options)
  return submit(self, core.op_submit_acquire, { op = op }, op)
end

--- Begins a look-up and returns a request; `next` returns its end.
function Client:submit_info(name)
  local op = new_op(self, name)
  return submit(self, core.op_submit_info, { op = op }, op)
end

--- A descriptor that is readable while `next` has something to return.
function Client:fd() return core.client_fd(self.handle) end

--- Waits up to `timeout` seconds (0 if it is left out) for something to end, and returns a table:
-- `kind` ("acquire", "release", "extend", "info", "loss", "log"), `request`, `lock`, `info`, and
-- `error` where it failed. Returns nil where there is nothing.
function Client:next(timeout)
  local ok, failure = pcall(core.client_wait, self.handle, milliseconds("wait", timeout or 0))
  if not ok and is_error(failure, "TIMEOUT") then return nil end
  if not ok then error(failure, 0) end
  local tag, kind, status = core.client_next(self.handle)
  local name = KINDS[kind]
  if not name then return nil end
  local request = self.pending[tag] or {}
  self.pending[tag] = nil
  local done = { kind = name, request = request.op and request, lock = request.lock }
  if status ~= core.OK then
    local source = kind == core.COMPLETION_LOSS and request.lock
    local message = source and core.lock_message(source.handle)
    message = message or request.op and core.op_message(request.op)
    done.error = core.make_error(status, message)
  elseif kind == core.COMPLETION_ACQUIRE then
    done.lock = new_lock(self, core.op_take_lock(request.op))
  elseif kind == core.COMPLETION_INFO then
    done.info = info_of(core.op_take_info(request.op))
  end
  return done
end

--- Cancels an acquire. What `next` returns says how it ended: with CANCELLED, or with a lock.
function Request:cancel() core.op_cancel(self.op) end

--- The place in the queue, 1 for the next; 0 for one that does not wait.
function Request:position() return core.op_position(self.op) end

-- ---------------------------------------------------------------- locks

local function handle_of(self)
  if not self.handle then invalid("the lock was dropped or detached") end
  return self.handle
end

--- Releases the lock, and hands it to the next waiter. Raises LOST if it was lost before, and
-- NOT_OWNER if it was released before.
function Lock:release() core.release(handle_of(self)) end

--- Extends the lock to last at least `ttl` seconds from now.
function Lock:extend(ttl) core.extend(handle_of(self), milliseconds("ttl", ttl)) end

--- Releases the lock in the background; never blocks. A lock that is collected is dropped too.
function Lock:drop()
  core.drop_lock(handle_of(self))
  self.handle = nil
end

--- Lets go of the lock without a release: another process attaches it by its token.
function Lock:detach()
  core.leave_lock(handle_of(self))
  self.handle = nil
end

--- Whether the lock is surely held. Asks no server.
function Lock:is_held() return self.handle ~= nil and core.lock_is_held(self.handle) == 1 end

--- For how many more seconds the lock is surely held. Asks no server.
function Lock:remaining()
  return self.handle and core.lock_remaining_ms(self.handle) / 1000 or 0
end

--- The fence: larger than that of each earlier grant of the name; 0 without one.
function Lock:fence() return core.lock_fence(handle_of(self)) end

--- The secret by which any process can release, extend or attach the lock.
function Lock:token() return core.lock_token(handle_of(self)) end

--- The name of the lock.
function Lock:name() return core.lock_name(handle_of(self)) end

--- Why the lock was lost, or why its last renewal, extension or release failed; else "".
function Lock:message() return core.lock_message(handle_of(self)) end

--- Waits up to `timeout` seconds (for ever if it is left out) until the lock is lost. Returns true
-- if it is.
function Lock:wait_lost(timeout)
  local ms = milliseconds("wait", timeout or math.huge)
  local ok, failure = pcall(core.lock_wait_lost, handle_of(self), ms)
  if ok or is_error(failure, "LOST") then return true end
  if is_error(failure, "TIMEOUT") then return false end
  error(failure, 0)
end

--- Has the loss of the lock returned by the client's `next`.
function Lock:watch()
  local function watch(tag) core.lock_watch(handle_of(self), tag) end
  submit(self.client, watch, { lock = self })
end

--- Begins a release or an extension, and returns a request; the client's `next` returns its end.
function Lock:submit_release()
  local op = new_op(self.client)
  return submit(self.client, core.op_submit_release, { op = op, lock = self }, op, handle_of(self))
end

function Lock:submit_extend(ttl)
  local op = new_op(self.client, nil, { ttl = ttl })
  return submit(self.client, core.op_submit_extend, { op = op, lock = self }, op, handle_of(self))
end

--- The end of `local lock <close>` in Lua 5.4: releases the lock. Raises the error of the release
-- unless the block ended with one of its own.
function Lock:__close(failure)
  if not self.handle then return end
  local ok, release_failure = pcall(core.release, self.handle)
  if not ok and failure == nil and not is_error(release_failure, "NOT_OWNER") then
    error(release_failure, 0)
  end
end

return redilock
