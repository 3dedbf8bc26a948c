// Memory that runs out on purpose, for the whole program: the C library's allocation functions, and with
// them every operator new, of the shared libraries too. Include it in one file of a program.
#pragma once

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define MEMORY_CAN_FAIL 0  // their runtimes need memory for themselves, to start a thread for one
#else
#define MEMORY_CAN_FAIL 1
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

#define REAL(name) __libc_##name

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

#endif
