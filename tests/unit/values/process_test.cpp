// The remembered process id, before and after forks of either kind.
#include "values/process.hpp"

#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../support/cmocka.h"

// Whether a child and a child of that, which `make` makes, each see their own id.
template <typename Make>
static bool children_see_their_own(Make make) {
  if (redilock::process_id() != getpid()) return false;
  const pid_t child = make();
  if (child == 0) {
    if (redilock::process_id() != getpid()) _exit(1);
    const pid_t grandchild = make();
    if (grandchild == 0) _exit(redilock::process_id() == getpid() ? 0 : 1);
    int status = 1;
    waitpid(grandchild, &status, 0);
    _exit(status == 0 && redilock::process_id() == getpid() ? 0 : 1);
  }
  int status = 1;
  return waitpid(child, &status, 0) == child && status == 0;
}

static void it_is_the_system_s_id(void **) {
  assert_int_equal(redilock::process_id(), getpid());
  assert_int_equal(redilock::process_id(), getpid());
}

static void children_of_fork_see_their_own(void **) {
  assert_true(children_see_their_own([] { return fork(); }));
  assert_int_equal(redilock::process_id(), getpid());
}

static pid_t bare_clone() {
#ifdef __s390__  // which has the stack before the flags
  return static_cast<pid_t>(syscall(SYS_clone, 0, SIGCHLD, 0, 0, 0));
#else
  return static_cast<pid_t>(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
#endif
}

// No handler of pthread_atfork is called here.
static void children_of_the_bare_system_call_see_their_own(void **) {
  assert_true(children_see_their_own(bare_clone));
  assert_int_equal(redilock::process_id(), getpid());
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(it_is_the_system_s_id),
      cmocka_unit_test(children_of_fork_see_their_own),
      cmocka_unit_test(children_of_the_bare_system_call_see_their_own),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
