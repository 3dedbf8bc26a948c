-- The runner of Lua: one loop polls its input and the clients' descriptors.
local bit = require "bit"
local ffi = require "ffi"
local redilock = require "redilock"

ffi.cdef [[
struct pollfd { int fd; short events; short revents; };
int poll(struct pollfd *fds, unsigned long count, int timeout);
long read(int fd, void *buffer, size_t size);
]]
local POLLIN, POLLHUP = 1, 16

local clients, locks = {}, {}
local acquires, losses = {}, {} -- the number of a request by its request or lock, and back

local function decoded(text)
  return (text:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

local function encoded(value)
  if type(value) == "number" then value = string.format("%.0f", value) end
  local function hex(byte) return string.format("%%%02X", byte:byte()) end
  return (value:gsub("[^%w:/._-]", hex))
end

local function reply(number, status, values)
  local words = { number, status }
  for name, value in pairs(values or {}) do words[#words + 1] = name .. "=" .. value end
  io.write(table.concat(words, " "), "\n")
  io.flush()
end

local function fail(number, failure)
  if not redilock.is_error(failure) then error(failure, 0) end
  reply(number, failure.status)
end

-- The named values of a request, and the name of a lock apart from them.
local function options_of(words)
  local options, name = {}, nil
  for word in words:gmatch "%S+" do
    local key, value = word:match "^([^=]*)=(.*)$"
    if key == "name" then name = decoded(value) else options[key] = decoded(value) end
  end
  return options, name
end

local function take(options, key)
  local value = options[key]
  options[key] = nil
  return value
end

local verbs = {}

function verbs.client(number, client, words)
  local options, name = options_of(words)
  options.name = name
  clients[client] = redilock.new(take(options, "url"), options)
  reply(number, "OK")
end

function verbs.acquire(number, client, words)
  local lock, rest = words:match "^(%S+)%s*(.*)$"
  local options, name = options_of(rest)
  local request = clients[client]:submit(name, options)
  acquires[number], acquires[request] = request, { number = number, lock = lock }
end

function verbs.attach(number, client, words)
  local lock, rest = words:match "^(%S+)%s*(.*)$"
  local options, name = options_of(rest)
  locks[lock] = clients[client]:attach(name, take(options, "token"), options)
  reply(number, "OK")
end

function verbs.release(number, lock)
  locks[lock]:release()
  reply(number, "OK")
end

function verbs.drop(number, lock)
  locks[lock]:drop()
  reply(number, "OK")
end

function verbs.detach(number, lock)
  locks[lock]:detach()
  reply(number, "OK")
end

function verbs.extend(number, lock, words)
  locks[lock]:extend(tonumber(options_of(words).ttl) / 1000)
  reply(number, "OK")
end

function verbs.look(number, name)
  local lock = locks[name]
  reply(number, "OK", {
    held = lock:is_held() and 1 or 0,
    remaining = encoded(lock:remaining() * 1000),
    fence = encoded(lock:fence()),
    token = encoded(lock:token()),
  })
end

function verbs.lost(number, lock)
  losses[locks[lock]] = number
  locks[lock]:watch()
end

function verbs.release_token(number, client, words)
  local options, name = options_of(words)
  clients[client]:release(name, options.token)
  reply(number, "OK")
end

function verbs.extend_token(number, client, words)
  local options, name = options_of(words)
  clients[client]:extend(name, options.token, options.ttl)
  reply(number, "OK")
end

verbs["break"] = function(number, client, words)
  clients[client]:break_lock(select(2, options_of(words)))
  reply(number, "OK")
end

function verbs.info(number, client, words)
  local options, name = options_of(words)
  local info = clients[client]:info(name)
  local is = options.token and info.is(options.token) and 1 or 0
  local label = encoded(info.label)
  reply(number, "OK", { state = info.state, waiters = info.waiters, label = label, is = is })
end

function verbs.list(number, client, words)
  local names = {}
  for name in clients[client]:names(options_of(words).pattern) do
    names[#names + 1] = encoded(name)
  end
  reply(number, "OK", { names = table.concat(names, ",") })
end

function verbs.check(number, client)
  clients[client]:check()
  reply(number, "OK")
end

function verbs.cancel(number, other)
  acquires[other]:cancel()
  reply(number, "OK")
end

function verbs.close(number, client)
  clients[client]:close()
  reply(number, "OK")
end

local function serve(line)
  local number, verb, object, words = line:match "^(%S+) (%S+) (%S+)%s*(.*)$"
  if not verbs[verb] then return reply(number, "UNABLE") end
  local ok, failure = pcall(verbs[verb], number, object, words)
  if not ok then fail(number, failure) end
end

-- Replies to what has ended; false once the client is closed and has nothing more.
local function drain(client)
  while true do
    local ok, done = pcall(client.next, client)
    if not ok then return false end
    if not done then return true end
    if done.kind == "acquire" then
      local acquire = acquires[done.request]
      if done.lock then
        locks[acquire.lock] = done.lock
        reply(acquire.number, "OK", { fence = encoded(done.lock:fence()) })
      else
        fail(acquire.number, done.error)
      end
    elseif done.kind == "loss" then
      fail(losses[done.lock], done.error)
    end
  end
end

local input, buffer = "", ffi.new("char[4096]")

-- Serves the lines that have arrived; false at the end of the input.
local function read()
  local size = tonumber(ffi.C.read(0, buffer, 4096))
  input = input .. ffi.string(buffer, math.max(size, 0))
  for line in input:gmatch "([^\n]*)\n" do serve(line) end
  input = input:match "[^\n]*$"
  return size > 0
end

local gone = {}
repeat
  local open = {}
  for _, client in pairs(clients) do
    if not gone[client] then open[#open + 1] = client end
  end
  local fds = ffi.new("struct pollfd[?]", #open + 1)
  fds[0].fd, fds[0].events = 0, POLLIN
  for i, client in ipairs(open) do
    local ok, fd = pcall(client.fd, client)
    fds[i].fd, fds[i].events = ok and fd or -1, POLLIN
  end
  ffi.C.poll(fds, #open + 1, -1)
  for i, client in ipairs(open) do
    if fds[i].revents ~= 0 and not drain(client) then gone[client] = true end
  end
until bit.band(fds[0].revents, POLLIN + POLLHUP) ~= 0 and not read()
