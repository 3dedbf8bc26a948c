// A file in the run's folder, mapped by all.
#include "fault/board.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace fault {

static_assert(std::atomic<int64_t>::is_always_lock_free, "processes that die share them");

Board &map_board(const std::string &path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  void *memory = MAP_FAILED;
  if (fd >= 0 && ::ftruncate(fd, sizeof(Board)) == 0)
    memory = ::mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) {
    std::perror(path.c_str());
    std::abort();
  }
  ::close(fd);
  return *static_cast<Board *>(memory);
}

}  // namespace fault
