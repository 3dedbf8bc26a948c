# Uses redilock from Ruby by Fiddle: waits on a descriptor, cancels, sees a loss, drops a lock, closes a
# client. It opens the installed library by its name, prints each step, and ends with an error where a
# step goes wrong.
require 'fiddle'
require 'fiddle/import'

WAITS = 50
CANCELLED = 20
MINUTE = 60_000

module Redilock
  extend Fiddle::Importer
  dlload 'libredilock.so.0'
  typealias 'int32_t', 'int'
  typealias 'int64_t', 'long long'
  typealias 'uint64_t', 'unsigned long long'
  extern 'const char *redilock_strerror(int32_t)'
  extern 'int32_t redilock_constant(const char *, void *)'
  extern 'int32_t redilock_new(const char *, void *, void *, char *, size_t)'
  extern 'void redilock_client_close(void *)'
  extern 'void redilock_free(void *)'
  extern 'int32_t redilock_acquire(void *, const char *, size_t, int64_t, int64_t, void *, char *, size_t)'
  extern 'int32_t redilock_extend(void *, int64_t)'
  extern 'int32_t redilock_release(void *)'
  extern 'int32_t redilock_op_new(void *, void *)'
  extern 'int32_t redilock_op_set(void *, const char *, const char *)'
  extern 'int32_t redilock_op_break(void *)'
  extern 'void redilock_op_cancel(void *)'
  extern 'void redilock_op_free(void *)'
  extern 'int32_t redilock_op_submit_acquire(void *, uint64_t)'
  extern 'int32_t redilock_op_submit_release(void *, void *, uint64_t)'
  extern 'int32_t redilock_op_take_lock(void *, void *)'
  extern 'int32_t redilock_client_fd(void *, void *)'
  extern 'int32_t redilock_client_next(void *, void *, void *, void *)'
  extern 'int32_t redilock_lock_watch(void *, uint64_t)'
  extern 'size_t redilock_lock_message(void *, char *, size_t)'
  extern 'int64_t redilock_lock_fence(void *)'
  extern 'void redilock_lock_free(void *)'
  extern 'void redilock_lock_drop(void *)'
end

def expect(what, got, wanted)
  abort "#{what}: #{got.inspect} instead of #{wanted.inspect}" unless got == wanted
end

def check(what, status, error = nil)
  return if status.zero?

  abort "#{what}: #{error ? error.to_s : Redilock.redilock_strerror(status)}"
end

# Room for a number or pointer of the library; `format` is that of String#unpack1.
def room(format)
  place = Fiddle::Pointer.malloc(8, Fiddle::RUBY_FREE)
  yield place
  place[0, 8].unpack1(format)
end

def make(function, *arguments)
  Fiddle::Pointer.new(room('J') { |out| check function, Redilock.send(function, *arguments, out) })
end

def constant(name)
  room('q') { |out| check name, Redilock.redilock_constant("REDILOCK_#{name}", out) }
end

def new_client
  error = Fiddle::Pointer.malloc(256, Fiddle::RUBY_FREE)
  Fiddle::Pointer.new(room('J') { |out| check 'new', Redilock.redilock_new(ARGV[0], nil, out, error, 256), error })
end

def acquire(client, name)
  error = Fiddle::Pointer.malloc(256, Fiddle::RUBY_FREE)
  Fiddle::Pointer.new(room('J') do |out|
    check 'acquire',
          Redilock.redilock_acquire(client, name, name.bytesize, MINUTE, MINUTE / 2, out, error, 256), error
  end)
end

def new_op(client, name)
  op = make(:redilock_op_new, client)
  Redilock.redilock_op_set(op, 'name', name) # a failure comes back from the call that follows
  op
end

def submit(client, name, tag)
  op = new_op(client, name)
  Redilock.redilock_op_set(op, 'ttl', '60s')
  check 'submit_acquire', Redilock.redilock_op_submit_acquire(op, tag)
  op
end

# Waits on the descriptor, which stays the client's: autoclose would close it. Returns the tag, the kind
# and the status, or nil after the last one of a client.
def next_completion(client)
  tag, kind, status = Array.new(3) { Fiddle::Pointer.malloc(8, Fiddle::RUBY_FREE) }
  io = IO.for_fd(room('l') { |out| check 'fd', Redilock.redilock_client_fd(client, out) }, autoclose: false)
  loop do
    result = Redilock.redilock_client_next(client, tag, kind, status)
    return if result == constant('E_CLOSED')

    check 'next', result
    code = kind[0, 4].unpack1('l')
    return tag[0, 8].unpack1('Q'), code, status[0, 4].unpack1('l') unless code.zero?

    abort 'no completion within 30 s' unless IO.select([io], nil, nil, 30)
  end
end

# Many waits on one descriptor, one of them cancelled; the tags say which completion is whose.
def wait_in_one_queue(holder, client)
  lock = acquire(holder, 'ffi')
  fence = Redilock.redilock_lock_fence(lock)
  puts "fence #{fence}"
  ops = Array.new(WAITS) { |tag| submit(client, 'ffi', tag) }
  Redilock.redilock_op_cancel(ops[CANCELLED])
  expect 'cancel', next_completion(client), [CANCELLED, constant('COMPLETION_ACQUIRE'), constant('E_CANCELLED')]
  puts 'cancel: one of the waits has left the queue'

  check 'release', Redilock.redilock_release(lock)
  Redilock.redilock_lock_free(lock)
  granted = []
  locks = {}
  released = 0
  while released < WAITS - 1
    tag, kind, status = next_completion(client)
    check 'completion', status
    if kind == constant('COMPLETION_ACQUIRE')
      granted << tag
      locks[tag] = make(:redilock_op_take_lock, ops[tag])
      expect 'the fence rises', Redilock.redilock_lock_fence(locks[tag]) > fence, true
      fence = Redilock.redilock_lock_fence(locks[tag])
      check 'submit_release', Redilock.redilock_op_submit_release(ops[tag], locks[tag], tag)
    elsif kind == constant('COMPLETION_RELEASE')
      Redilock.redilock_lock_free(locks.delete(tag))
      released += 1
    end
  end
  expect 'order', granted, (0...WAITS).to_a - [CANCELLED]
  ops.each { |op| Redilock.redilock_op_free(op) }
  puts "waits: #{granted.size} granted in the order in which they were submitted"
end

def lose(holder, client)
  lock = acquire(client, 'ffi')
  op = new_op(holder, 'ffi')
  check 'watch', Redilock.redilock_lock_watch(lock, 1000)
  check 'break', Redilock.redilock_op_break(op)
  Redilock.redilock_op_free(op)
  expect 'extend', Redilock.redilock_extend(lock, MINUTE), constant('E_LOST')
  expect 'loss', next_completion(client), [1000, constant('COMPLETION_LOSS'), constant('E_LOST')]
  length = Redilock.redilock_lock_message(lock, nil, 0)
  expect 'message', length.positive?, true
  message = Fiddle::Pointer.malloc(length + 1, Fiddle::RUBY_FREE)
  Redilock.redilock_lock_message(lock, message, length + 1)
  puts "loss: #{message}"
  Redilock.redilock_lock_free(lock)
end

# A pointer that has the function of the library as its finaliser: the garbage collector would call it
# too. Nothing else releases the lock before its lease ends, which is after the wait of the second.
def drop(client)
  lock = acquire(client, 'ffi')
  lock.free = Fiddle::Function.new(Redilock['redilock_lock_drop'], [Fiddle::TYPE_VOIDP], Fiddle::TYPE_VOID)
  lock.call_free
  second = acquire(client, 'ffi')
  check 'release', Redilock.redilock_release(second)
  Redilock.redilock_lock_free(second)
  puts 'drop: released in the background'
end

def close(holder, client)
  lock = acquire(holder, 'ffi')
  op = submit(client, 'ffi', 7)
  Redilock.redilock_client_close(client)
  expect 'close', next_completion(client), [7, constant('COMPLETION_ACQUIRE'), constant('E_CLOSED')]
  expect 'after the last completion', next_completion(client), nil
  Redilock.redilock_op_free(op)
  check 'release', Redilock.redilock_release(lock)
  Redilock.redilock_lock_free(lock)
  puts 'close: the wait has ended, and no completion follows'
end

holder = new_client
client = new_client
wait_in_one_queue(holder, client)
lose(holder, client)
drop(client)
close(holder, client)
Redilock.redilock_free(client)
Redilock.redilock_free(holder)
