// Memory that runs out on purpose, for the whole program: the C library's allocation functions, and with
// them every operator new, of the shared libraries too. Include it in one file of a program.
#pragma once

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <new>

#if defined(__SANITIZE_THREAD__)
#define MEMORY_CAN_FAIL 0  // its runtime needs memory for itself, to start a thread for one
#else
#define MEMORY_CAN_FAIL 1
#endif
#if defined(__SANITIZE_ADDRESS__)
#define LEAKS_ARE_COUNTED 0  // it looks for them itself, and hands out memory past these functions
#else
#define LEAKS_ARE_COUNTED 1
#endif

namespace failing_memory {

enum class Plan { kNone, kOnce, kFrom, kEvery };  // the n-th, from the n-th on, every n-th

inline Plan plan = Plan::kNone;  // and the numbers: atomic by what is done with them
inline long number = 0, asked = 0, refused = 0, live = 0;
inline thread_local bool spared = false;  // this thread's allocations are not refused

inline void set(Plan what) { __atomic_store(&plan, &what, __ATOMIC_SEQ_CST); }

inline void start(Plan what, long n) {
  number = n;
  asked = 0;
  refused = 0;
  set(what);
}

inline void stop() { set(Plan::kNone); }

inline long get(const long &count) { return __atomic_load_n(&count, __ATOMIC_SEQ_CST); }
inline long add(long &to, long what) { return __atomic_add_fetch(&to, what, __ATOMIC_SEQ_CST); }

inline bool refuses() {
  Plan now;
  __atomic_load(&plan, &now, __ATOMIC_SEQ_CST);
  if (now == Plan::kNone || spared) return false;
  const long count = add(asked, 1), n = get(number);
  const bool no = now == Plan::kOnce   ? count == n
                  : now == Plan::kFrom ? count >= n
                                       : count % n == 0;
  if (no) add(refused, 1);
  if (no) errno = ENOMEM;
  return no;
}

inline void *counted(void *memory) {
  if (memory != nullptr) add(live, 1);
  return memory;
}

}  // namespace failing_memory

#if MEMORY_CAN_FAIL

#if defined(__SANITIZE_ADDRESS__)
#define REAL(name) __interceptor_##name  // so that what is allocated here is watched all the same
#else
#define REAL(name) __libc_##name
#endif

extern "C" {

void *REAL(malloc)(size_t size);
void *REAL(calloc)(size_t count, size_t size);
void *REAL(realloc)(void *memory, size_t size);
void *REAL(memalign)(size_t alignment, size_t size);
void REAL(free)(void *memory);

void *malloc(size_t size) {
  if (failing_memory::refuses()) return nullptr;
  return failing_memory::counted(REAL(malloc)(size));
}

void *calloc(size_t count, size_t size) {
  if (failing_memory::refuses()) return nullptr;
  return failing_memory::counted(REAL(calloc)(count, size));
}

void *realloc(void *memory, size_t size) {
  if (failing_memory::refuses()) return nullptr;
  if (memory != nullptr && size == 0)
    failing_memory::add(failing_memory::live, -1);  // which frees it
  void *moved = REAL(realloc)(memory, size);
  return memory == nullptr ? failing_memory::counted(moved) : moved;
}

void *memalign(size_t alignment, size_t size) {
  if (failing_memory::refuses()) return nullptr;
  return failing_memory::counted(REAL(memalign)(alignment, size));
}

void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void **out, size_t alignment, size_t size) {
  void *memory = memalign(alignment, size);
  if (memory == nullptr) return ENOMEM;
  *out = memory;
  return 0;
}

void free(void *memory) {
  if (memory != nullptr) failing_memory::add(failing_memory::live, -1);
  REAL(free)(memory);
}

}  // extern "C"

#if defined(__SANITIZE_ADDRESS__)

// The runtime asks for a new thread's stack so, and ends the process where that fails.
extern "C" int pthread_getattr_np(pthread_t thread, pthread_attr_t *out) {
  static const auto real = reinterpret_cast<int (*)(pthread_t, pthread_attr_t *)>(
      dlsym(RTLD_NEXT, "pthread_getattr_np"));
  const bool before = failing_memory::spared;
  failing_memory::spared = true;
  const int result = real(thread, out);
  failing_memory::spared = before;
  return result;
}

// Those of the runtime would not come by here.
void *operator new(size_t size) {
  void *memory = malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void *operator new(size_t size, const std::nothrow_t &) noexcept { return malloc(size); }
void *operator new[](size_t size) { return operator new(size); }
void *operator new[](size_t size, const std::nothrow_t &) noexcept { return malloc(size); }
void operator delete(void *memory) noexcept { free(memory); }
void operator delete(void *memory, size_t) noexcept { free(memory); }
void operator delete(void *memory, const std::nothrow_t &) noexcept { free(memory); }
void operator delete[](void *memory) noexcept { free(memory); }
void operator delete[](void *memory, size_t) noexcept { free(memory); }
void operator delete[](void *memory, const std::nothrow_t &) noexcept { free(memory); }

#endif

#endif

namespace failing_memory {

// False where another runtime hands out the memory, for instance valgrind's.
inline bool works() {
  start(Plan::kOnce, 1);
  void *volatile memory = malloc(1);
  stop();
  const bool fails = memory == nullptr;
  free(memory);
  return MEMORY_CAN_FAIL && fails;
}

}  // namespace failing_memory
