/*
 * Processes of a test: a function run in a forked child that dies with its parent, and a pipe each
 * way to tell and to wait. Fork before the test has threads, unless that is the test.
 */
#ifndef REDILOCK_TESTS_CHILD_H
#define REDILOCK_TESTS_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct child {
  pid_t pid;
  int in;  /* reads what the other side told */
  int out; /* tells the other side */
} child_t;

/** Runs body(self, context) in a new process, which ends by _exit with what it returns. */
child_t start_child(int (*body)(child_t *self, void *context), void *context);
/** One number to the other side. */
void tell(const child_t *peer, int64_t number);
/** The next number of the other side; INT64_MIN when that has ended. Blocks. */
int64_t hear(const child_t *peer);
/** Waits for the end: the exit status, or 128 + the signal that killed it. Closes the pipes. */
int end_of(child_t *child);
/** kill -9, and waits for the end. */
void kill_child(child_t *child);

#ifdef __cplusplus
}
#endif

#endif
