// Remembers getpid() on a page that the kernel empties in the child of a fork.
#include "values/process.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <new>

namespace redilock {
namespace {

using Remembered = std::atomic<pid_t>;

// A kernel refuses unknown advice. qemu-user 7.2 accepts any, and does nothing.
bool advice_counts(void *page, size_t size) noexcept { return ::madvise(page, size, -1) != 0; }

// Null where the kernel does not know how (before Linux 4.14).
Remembered *wiped_on_fork() noexcept {
  const auto size = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  void *page = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return nullptr;
  if (advice_counts(page, size) && ::madvise(page, size, MADV_WIPEONFORK) == 0) {
    return new (page) Remembered(0);
  }
  ::munmap(page, size);
  return nullptr;
}

// Made when the library is loaded: a first caller could fork in the middle of it.
Remembered *const remembered = wiped_on_fork();

}  // namespace

pid_t process_id() noexcept {
  if (remembered == nullptr) return ::getpid();
  pid_t id = remembered->load(std::memory_order_relaxed);
  if (id == 0) {
    id = ::getpid();
    remembered->store(id, std::memory_order_relaxed);
  }
  return id;
}

}  // namespace redilock
