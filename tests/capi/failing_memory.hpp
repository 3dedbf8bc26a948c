// Memory that runs out on purpose, for the whole program: the C library's allocation functions, and with
// them every operator new, of the shared libraries too. Include it in one file of a program.
#pragma once

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

#include <atomic>
#include <new>

#if defined(__SANITIZE_THREAD__)
#define MEMORY_CAN_FAIL 0  // its runtime wants the memory for itself
#else
#define MEMORY_CAN_FAIL 1
#endif

namespace failing_memory {

enum class Plan { kNone, kOnce, kFrom, kEvery };  // the n-th, from the n-th on, every n-th

inline std::atomic<Plan> plan{Plan::kNone};
inline std::atomic<long> number{0}, asked{0}, refused{0}, live{0};
inline thread_local bool spared =
    false;  // this thread's allocations are neither counted nor refused

inline void start(Plan what, long n) {
  number = n;
  asked = 0;
  refused = 0;
  plan = what;
}

inline void stop() { plan = Plan::kNone; }

inline bool refuses() {
  const Plan now = plan;
  if (now == Plan::kNone || spared) return false;
  const long count = ++asked, n = number;
  const bool no = now == Plan::kOnce   ? count == n
                  : now == Plan::kFrom ? count >= n
                                       : count % n == 0;
  if (no) ++refused;
  if (no) errno = ENOMEM;
  return no;
}

inline void *counted(void *memory) {
  if (memory != nullptr) ++live;
  return memory;
}

}  // namespace failing_memory

#if MEMORY_CAN_FAIL

#if defined(__SANITIZE_ADDRESS__)
#define REAL(name) __interceptor_##name
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
  if (memory != nullptr && size == 0) --failing_memory::live;  // which frees it
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
  if (memory != nullptr) --failing_memory::live;
  REAL(free)(memory);
}

}  // extern "C"

// As in the C++ library, but a sanitizer would bring its own.
void *operator new(size_t size) {
  if (void *memory = malloc(size != 0 ? size : 1)) return memory;
  throw std::bad_alloc();
}
void *operator new[](size_t size) { return operator new(size); }
void *operator new(size_t size, const std::nothrow_t &) noexcept { return malloc(size); }
void *operator new[](size_t size, const std::nothrow_t &) noexcept { return malloc(size); }
void operator delete(void *memory) noexcept { free(memory); }
void operator delete[](void *memory) noexcept { free(memory); }
void operator delete(void *memory, size_t) noexcept { free(memory); }
void operator delete[](void *memory, size_t) noexcept { free(memory); }
void operator delete(void *memory, const std::nothrow_t &) noexcept { free(memory); }
void operator delete[](void *memory, const std::nothrow_t &) noexcept { free(memory); }

#endif
