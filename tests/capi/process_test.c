/* What a process can lack or do around the library: descriptors, threads, exec, SIGPIPE, exit(). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/child.h"
#include "support/locks.h"
#include "support/one_client.h"

enum { kDescriptors = 128 };

static int make_client(void **state) {
  (void)state;
  return make_client_with("timeout=500ms");
}

/* A lock that is renewed, so that the client has its own thread. */
/* ---------------------------------------------------------------- exec */

/* Its exit status when it runs anew as "descriptors": how many are open above stderr. */
static int count_descriptors(void) {
  int count = 0;
  for (int fd = 3; fd < 1024; ++fd) count += fcntl(fd, F_GETFD) >= 0;
  return count;
}

static int descriptors_after_exec(void) {
  int status = 0;
  char self[4096] = ""; /* by its name: valgrind would run itself as /proc/self/exe */
  assert_true(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
  const pid_t pid = fork();
  if (pid == 0) {
    execl(self, "process_test", "descriptors", (char *)NULL);
    _exit(255);
  }
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFEXITED(status));
  return WEXITSTATUS(status);
}

static void exec_leaks_no_descriptor(void **state) {
  (void)state;
  const int before = descriptors_after_exec(), opened = count_descriptors();
  redilock_lock_t *lock = take_with_options(client, "job", "renew=yes&ttl=900ms");
  waiter_t *waiter = start_waiter(client, "job", "wait=forever");
  assert_true(count_descriptors() > opened + 1);
  assert_int_equal(descriptors_after_exec(), before);
  give(lock);
  assert_status(REDILOCK_OK, join_waiter(waiter));
  free_waiter(waiter);
  redilock_free(client);
  client = NULL;
  assert_int_equal(count_descriptors(), opened);
}

/* ---------------------------------------------------------------- SIGPIPE and handlers */

static volatile sig_atomic_t pipes_broken;

static void count_pipe(int number) {
  (void)number;
  ++pipes_broken;
}

static void actions_of_all_signals(struct sigaction *actions) {
  memset(actions, 0, sizeof(struct sigaction) * 65);
  for (int i = 1; i < 65; ++i) sigaction(i, NULL, &actions[i]);
}

static void broken_connections_raise_no_signal_and_no_handler_changes(void **state) {
  (void)state;
  struct sigaction before[65], after[65];
  signal(SIGPIPE, count_pipe);
  pipes_broken = 0;
  actions_of_all_signals(before);
  redilock_lock_t *holder = take_with_options(client, "held", "renew=yes&ttl=900ms");
  for (int i = 0; i < 20; ++i) {
    waiter_t *waiter = start_waiter(client, "held", "wait=100ms");
    redis_do(server, "CLIENT KILL TYPE normal");
    redis_do(server, "CLIENT KILL TYPE pubsub");
    give(take(client, "job", 5000));
    const int32_t status = join_waiter(waiter);
    assert_true(status == REDILOCK_E_TIMEOUT || status == REDILOCK_E_UNKNOWN);
    free_waiter(waiter);
  }
  redilock_lock_free(holder);
  actions_of_all_signals(after);
  for (int i = 1; i < 65; ++i) {
    assert_ptr_equal(before[i].sa_handler, after[i].sa_handler);
    assert_int_equal(before[i].sa_flags, after[i].sa_flags);
  }
  assert_int_equal(pipes_broken, 0);
  signal(SIGPIPE, SIG_DFL);
}

/* ---------------------------------------------------------------- what can be used up */

struct scarcity {
  struct rlimit limit;
  int fds[kDescriptors];
  int count;
};

/* The sanitizer needs a descriptor when it meets a type of exception for the first time. */
static void meet_exceptions(void) {
  redilock_client_t *lost = NULL;
  redilock_lock_t *lock = NULL;
  assert_status(REDILOCK_OK,
                redilock_new("unix:///no/such/socket?timeout=20ms", NULL, &lost, NULL, 0));
  assert_status(REDILOCK_E_UNAVAILABLE, redilock_acquire(lost, "n", 1, 1000, 0, &lock, NULL, 0));
  assert_status(REDILOCK_E_UNAVAILABLE, redilock_acquire(lost, "n", 1, 1000, 50, &lock, NULL, 0));
  redilock_free(lost);
}

static void use_up_descriptors(struct scarcity *scarcity) {
  struct rlimit few;
  meet_exceptions();
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &scarcity->limit), 0);
  few = scarcity->limit;
  few.rlim_cur = kDescriptors;
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
  for (scarcity->count = 0; scarcity->count < kDescriptors; ++scarcity->count)
    if ((scarcity->fds[scarcity->count] = open("/dev/null", O_RDONLY | O_CLOEXEC)) < 0) break;
  assert_int_equal(errno, EMFILE);
}

static void give_back_descriptors(struct scarcity *scarcity) {
  while (scarcity->count > 0) close(scarcity->fds[--scarcity->count]);
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &scarcity->limit), 0);
}

static void without_descriptors_it_is_unavailable_and_recovers(void **state) {
  (void)state;
  struct scarcity scarcity;
  redilock_lock_t *lock = NULL;
  use_up_descriptors(&scarcity);
  const int64_t before = now_ms();
  const int32_t tried = redilock_acquire(client, "job", 3, 5000, 0, &lock, NULL, 0);
  const int32_t waited = redilock_acquire(client, "job", 3, 5000, 300, &lock, NULL, 0);
  give_back_descriptors(&scarcity);
  assert_status(REDILOCK_E_UNAVAILABLE, tried);
  assert_status(REDILOCK_E_UNAVAILABLE, waited);
  assert_in_range(now_ms() - before, 0, soon_ms(3000));
  give(take(client, "job", 5000));
}

static void a_connected_client_keeps_its_lock_while_there_are_no_descriptors(void **state) {
  (void)state;
  struct scarcity scarcity;
  redilock_lock_t *none = NULL, *lock = take_with_options(client, "job", "renew=yes&ttl=900ms");
  use_up_descriptors(&scarcity);
  const int32_t waited = redilock_acquire(client, "job", 3, 5000, 1000, &none, NULL, 0);
  pass_ms(1000);
  give_back_descriptors(&scarcity);
  assert_status(REDILOCK_E_UNAVAILABLE, waited);
  assert_null(none);
  assert_int_equal(redilock_lock_is_held(lock), 1);
  waiter_t *waiter = start_waiter(client, "job", "wait=forever");
  give(lock);
  assert_status(REDILOCK_OK, join_waiter(waiter));
  free_waiter(waiter);
}

static volatile bool no_threads;
static volatile int refused_threads;

typedef int (*create_t)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

/* Stands before the C library's: RLIMIT_NPROC would not bind root. */
__attribute__((visibility("default"))) int pthread_create(pthread_t *thread,
                                                          const pthread_attr_t *attributes,
                                                          void *(*run)(void *), void *argument) {
  static create_t real;
  if (no_threads) {
    ++refused_threads;
    return EAGAIN;
  }
  if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
  return real(thread, attributes, run, argument);
}

static void without_threads_renewal_is_refused_and_nothing_stays_locked(void **state) {
  (void)state;
  redilock_lock_t *lock = NULL;
  redilock_op_t *op = new_op(client, "job");
  assert_status(REDILOCK_OK, redilock_op_set(op, "renew", "yes"));
  give(take(client, "job", 5000));
  no_threads = true;
  refused_threads = 0;
  const int32_t status = redilock_op_acquire(op, &lock);
  no_threads = false;
  assert_true(refused_threads > 0);
  assert_status(REDILOCK_E_UNAVAILABLE, status);
  assert_null(lock);
  assert_int_equal(redis_integer(server, "EXISTS job"), 0);
  assert_status(REDILOCK_OK, redilock_op_acquire(op, &lock));
  give(lock);
  redilock_op_free(op);
}

static void without_threads_a_plain_lock_still_works(void **state) {
  (void)state;
  no_threads = true;
  redilock_lock_t *lock = take(client, "job", 5000), *none = NULL;
  const int32_t status = redilock_acquire(client, "job", 3, 5000, 100, &none, NULL, 0);
  const int32_t released = redilock_release(lock);
  no_threads = false;
  assert_status(REDILOCK_E_TIMEOUT, status);
  assert_status(REDILOCK_OK, released);
  redilock_lock_free(lock);
}

/* ---------------------------------------------------------------- exit */

static int exit_in_the_middle(child_t *self, void *context) {
  (void)context;
  redilock_free(client); /* the parent's */
  client = new_client(server, NULL);
  redilock_lock_t *first = take_with_options(client, "first", "renew=yes&ttl=900ms"),
                  *second = take_with_options(client, "second", "renew=yes&ttl=900ms");
  waiter_t *a = start_waiter(client, "first", "wait=forever");
  waiter_t *b = start_waiter(client, "second", "wait=forever&renew=yes&ttl=100ms");
  redilock_release(second); /* and b is granted, and renews */
  pthread_detach(a->thread);
  pthread_detach(b->thread);
  tell(self, first != NULL && a != NULL && b != NULL);
  exit(0);
}

static void exit_with_waits_and_renewals_under_way_is_clean(void **state) {
  (void)state;
  for (int i = 0; i < 10; ++i) {
    const int64_t before = now_ms();
    child_t child = start_child(exit_in_the_middle, NULL);
    assert_int_equal(hear(&child), 1);
    assert_int_equal(end_of(&child), 0);
    assert_in_range(now_ms() - before, 0, soon_ms(5000));
    redis_do(server, "FLUSHALL");
  }
}

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "descriptors") == 0) return count_descriptors();
#define CASE(f) cmocka_unit_test_setup_teardown(f, make_client, drop_client)
  const struct CMUnitTest tests[] = {
      CASE(exec_leaks_no_descriptor),
      CASE(broken_connections_raise_no_signal_and_no_handler_changes),
      CASE(without_descriptors_it_is_unavailable_and_recovers),
      CASE(a_connected_client_keeps_its_lock_while_there_are_no_descriptors),
      CASE(without_threads_renewal_is_refused_and_nothing_stays_locked),
      CASE(without_threads_a_plain_lock_still_works),
      CASE(exit_with_waits_and_renewals_under_way_is_clean),
  };
  return cmocka_run_group_tests_name("capi/process", tests, start_server, stop_server);
}
