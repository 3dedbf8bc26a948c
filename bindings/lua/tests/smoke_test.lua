-- The binding against a server. The command, $REDILOCK_CLI, is the other process.
local redilock = require "redilock"
local cli = assert(os.getenv "REDILOCK_CLI", "REDILOCK_CLI is not set")

local client = redilock.new(nil, { label = "lua" })

-- Fails unless f(...) raises an error with this status; returns the error.
local function raises(status, f, ...)
  local ok, failure = pcall(f, ...)
  assert(not ok, "nothing was raised instead of " .. status)
  assert(redilock.is_error(failure, status), "not " .. status .. ": " .. tostring(failure))
  assert(tostring(failure) == failure.message and #failure.message > 0)
  return failure
end

-- Asks until it is so; the test script ends what never is.
local function until_true(f)
  while not f() do end
end

local function command(arguments)
  local done = os.execute(cli .. " " .. arguments)
  assert(done == true or done == 0, "redilock " .. arguments .. " failed")
end

-- Another process that holds a lock until its input is closed.
local function other_process(name)
  local process = assert(io.popen(cli .. " run --ttl 60s " .. name .. " -- cat >/dev/null", "w"))
  until_true(function()
    local info = client:info(name)
    return info.state == "held" and info.label ~= "lua"
  end)
  return process
end

local tests = {}

function tests.a_lock_is_held_and_released()
  local lock = client:acquire("job", { ttl = 30 })
  assert(lock:is_held() and lock:name() == "job")
  assert(lock:remaining() > 0 and lock:remaining() <= 30)
  local other, failure = client:try "job"
  assert(other == nil and redilock.is_error(failure, "HELD"))
  assert(failure.message:find("held by lua", 1, true))
  raises("HELD", client.acquire, client, "job", { wait = 0 })
  lock:release()
  assert(not lock:is_held() and lock:remaining() == 0)
  raises("NOT_OWNER", lock.release, lock)
  local again = assert(client:try "job")
  assert(again:fence() > lock:fence())
  again:release()
end

function tests.with_releases()
  local one, two = client:with("job", nil, function(lock) return lock:name(), 2 end)
  assert(one == "job" and two == 2)
  assert(client:info("job").state == "free")
  local failure = {}
  local ok, raised = pcall(client.with, client, "job", nil, function() error(failure) end)
  assert(not ok and raised == failure)
  assert(client:info("job").state == "free")
end

function tests.a_wait_ends_behind_another_process()
  local process = other_process "job"
  raises("TIMEOUT", client.acquire, client, "job", { wait = 0.05 })
  local lock, failure = client:try("job", { wait = 0.05 })
  assert(lock == nil and redilock.is_error(failure, "TIMEOUT"))
  local request = client:submit "job"
  until_true(function() return request:position() == 1 end)
  process:close()
  local done = client:next(math.huge)
  assert(done.kind == "acquire" and done.request == request and done.lock:is_held())
  done.lock:release()
end

function tests.another_process_releases_by_the_token()
  local lock = client:acquire "job"
  local token = lock:token()
  raises("NOT_OWNER", client.release, client, "job", "redilock:nonsense")
  client:extend("job", token, 90)
  command("release job " .. token)
  assert(client:info("job").state == "free")
  raises("LOST", lock.release, lock)
end

function tests.a_loss_is_noticed()
  local lock = client:acquire("job", { ttl = 30 })
  lock:watch()
  assert(lock:wait_lost(0) == false)
  command "break --yes job"
  raises("LOST", lock.extend, lock, 60)
  local done = client:next(math.huge)
  assert(done.kind == "loss" and done.lock == lock and redilock.is_error(done.error, "LOST"))
  assert(lock:wait_lost() and not lock:is_held())
  assert(lock:message():find("job", 1, true))
  raises("LOST", client.with, client, "job", nil, function() client:break_lock "job" end)
  raises("NOT_OWNER", client.break_lock, client, "job")
end

function tests.a_renewed_lock_ends_with_max_hold()
  local lock = client:acquire("job", { ttl = 0.6, renew = true, max_hold = 0.7 })
  assert(lock:wait_lost() and lock:message():find("max_hold", 1, true))
end

function tests.a_lock_is_passed_on()
  local lock = client:acquire("job", { ttl = 60 })
  local token = lock:token()
  lock:detach()
  raises("INVALID", lock.release, lock)
  local other = redilock.new(os.getenv "REDILOCK_URL")
  lock = other:attach("job", token, { ttl = 90 })
  assert(lock:remaining() > 60)
  lock:release()
  raises("NOT_OWNER", other.attach, other, "job", token)
end

function tests.bad_input_is_refused()
  raises("INVALID", redilock.new, "nonsense://")
  raises("INVALID", redilock.new, "redis://host\0name")
  raises("INVALID", redilock.new, nil, { no_such_option = 1 })
  raises("INVALID", redilock.new, nil, { pool = 1.5 / 0 })
  raises("INVALID", client.acquire, client, nil)
  raises("INVALID", client.acquire, client, 7)
  raises("INVALID", client.acquire, client, "")
  raises("INVALID", client.acquire, client, "job", { ttl = 0 })
  raises("INVALID", client.acquire, client, "job", { ttl = 0 / 0 })
  raises("INVALID", client.acquire, client, "job", { ttl = {} })
  raises("INVALID", client.acquire, client, "job", { no_such_option = "x" })
  raises("INVALID", client.submit, client, "job", { ttl = "soon" })
  assert(client:info("job").state == "free")
end

function tests.a_name_may_hold_any_byte()
  local name = "\0\255 bytes"
  local lock = client:acquire(name)
  assert(lock:name() == name)
  assert(client:try(name) == nil and client:info("\0").state == "free")
  local found = {}
  for each in client:names() do found[#found + 1] = each end
  assert(#found == 1 and found[1] == name)
  lock:release()
end

function tests.options_reach_the_library()
  local other = redilock.new(nil, { prefix = "app:", ttl = "20s", label = "me", log = 16 })
  local lock = other:acquire("job", { fence = false })
  assert(lock:fence() == 0 and lock:remaining() <= 20)
  assert(client:info("app:job").label == "me")
  assert(other:info("job").is(lock:token()) and not other:info("job").is "x")
  lock:release()
  assert(other:stats().acquired == 1)
  local lines = 0
  for level, time, line in other:log() do
    assert(level == "info" and time > 1e9 and #line > 0)
    lines = lines + 1
  end
  assert(lines > 0)
  assert(client:check():find "Redis")
  assert(redilock.has "async" and not redilock.has "no such feature")
end

function tests.requests_wait_in_order()
  local lock = client:acquire "job"
  local first, second, third = client:submit "job", client:submit "job", client:submit "job"
  until_true(function() return client:info("job").waiters == 3 end)
  assert(client:info("job").queue[3].label == "lua")
  second:cancel()
  local done = client:next(math.huge)
  assert(done.request == second and redilock.is_error(done.error, "CANCELLED"))
  local release = lock:submit_release()
  local seen = {}
  for _ = 1, 2 do
    done = client:next(math.huge)
    seen[done.request] = done
  end
  assert(seen[release].kind == "release" and not seen[release].error and seen[first].lock:is_held())
  local extension = seen[first].lock:submit_extend(90)
  assert(client:next(math.huge).request == extension and seen[first].lock:remaining() > 60)
  local look = client:submit_info "job"
  done = client:next(math.huge)
  assert(done.request == look and done.info.state == "held" and done.info.waiters == 1)
  seen[first].lock:drop()
  done = client:next(math.huge)
  assert(done.request == third and done.lock:is_held())
  done.lock:release()
  assert(client:next() == nil and client:fd() >= 0)
end

function tests.a_collected_lock_is_released()
  client:acquire "job"
  collectgarbage()
  until_true(function() return client:info("job").state == "free" end)
end

function tests.a_closed_client_says_so()
  local other = redilock.new()
  local lock = client:acquire "job"
  local request = other:submit "job"
  until_true(function() return client:info("job").waiters == 1 end)
  other:close()
  local done = other:next(math.huge)
  assert(done.request == request and redilock.is_error(done.error, "CLOSED"))
  raises("CLOSED", other.next, other, math.huge)
  raises("CLOSED", other.acquire, other, "job")
  lock:release()
end

function tests.a_variable_to_be_closed_releases()
  if _VERSION ~= "Lua 5.4" then return end
  assert(load [[
    local client = ...
    do local lock <close> = client:acquire "job" end
    assert(client:info("job").state == "free")
    do
      local lock <close> = client:acquire "job"
      lock:release()
    end
    local ok, failure = pcall(function()
      local lock <close> = client:acquire "job"
      client:break_lock "job"
    end)
    assert(not ok and failure.status == "LOST")
  ]])(client)
end

local names = {}
for name in pairs(tests) do names[#names + 1] = name end
table.sort(names)
for _, name in ipairs(names) do
  tests[name]()
  print("ok " .. name)
end
