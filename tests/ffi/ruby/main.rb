# Takes a lock from Ruby by Fiddle: opens the installed library by its name, reads the fence, releases.
require 'fiddle'
require 'fiddle/import'

module Redilock
  extend Fiddle::Importer
  dlload 'libredilock.so.0'
  typealias 'int32_t', 'int'
  typealias 'int64_t', 'long long'
  extern 'int32_t redilock_new(const char *, void *, void **, char *, size_t)'
  extern 'void redilock_free(void *)'
  extern 'int32_t redilock_acquire(void *, const char *, size_t, int64_t, int64_t, void **, char *, size_t)'
  extern 'int32_t redilock_release(void *)'
  extern 'int64_t redilock_lock_fence(void *)'
  extern 'void redilock_lock_free(void *)'
  extern 'const char *redilock_strerror(int32_t)'

  def self.check(what, status)
    abort "#{what}: #{redilock_strerror(status)}" unless status.zero?
  end

  # Calls the block with a place for a pointer, and returns the pointer that was put there.
  def self.out
    place = Fiddle::Pointer.malloc(Fiddle::SIZEOF_VOIDP, Fiddle::RUBY_FREE)
    yield place
    place.ptr
  end
end

client = Redilock.out { |out| Redilock.check 'new', Redilock.redilock_new(ARGV[0], nil, out, nil, 0) }
lock = Redilock.out do |out|
  Redilock.check 'acquire', Redilock.redilock_acquire(client, 'ffi', 3, 5000, -1, out, nil, 0)
end
puts Redilock.redilock_lock_fence(lock)
Redilock.check 'release', Redilock.redilock_release(lock)
Redilock.redilock_lock_free(lock)
Redilock.redilock_free(client)
