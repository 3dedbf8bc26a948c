/*
 * Waits for many locks in one thread, by poll(2): each name of the command line is a job that takes its
 * lock, works for a while, and releases. Ctrl-C cancels those that still wait; those that work end first.
 *
 *   cc -o async_poll async_poll.c $(pkg-config --cflags --libs redilock)
 *   REDILOCK_URL=redis://localhost ./async_poll reports backups reports
 */
#define _POSIX_C_SOURCE 200809L
#include <poll.h>
#include <redilock/redilock.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { kWorkMs = 100 };

typedef struct job {
  const char *name;
  redilock_op_t *op;
  redilock_lock_t *lock; /* while it works */
  int64_t work_ends_ms;  /* 0 when it does not work */
} job_t;

static job_t *jobs;
static int job_count, jobs_left, failed;

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A cancel may be asked for in a signal handler. One that comes too late does no harm. */
static void cancel_all(int signal_number) {
  (void)signal_number;
  for (int i = 0; i < job_count; ++i)
    if (jobs[i].lock == NULL) redilock_op_cancel(jobs[i].op);
}

static void end_job(job_t *job, int32_t status) {
  if (status != REDILOCK_OK) {
    char why[256];
    redilock_op_message(job->op, why, sizeof why);
    printf("%s: %s\n", job->name, why);
    failed = 1;
  }
  --jobs_left;
}

static void must(int32_t status, const char *what) {
  if (status == REDILOCK_OK) return;
  fprintf(stderr, "%s: %s\n", what, redilock_strerror(status));
  exit(1);
}

/* What was submitted with a job's number as its tag has ended. */
static void completed(job_t *job, int32_t kind, int32_t status) {
  switch (kind) {
    case REDILOCK_COMPLETION_ACQUIRE:
      if (status != REDILOCK_OK) {
        end_job(job, status);
        break;
      }
      must(redilock_op_take_lock(job->op, &job->lock), job->name);
      must(redilock_lock_watch(job->lock, (uint64_t)(job - jobs)), job->name);
      printf("%s: granted, fence %lld\n", job->name, (long long)redilock_lock_fence(job->lock));
      job->work_ends_ms = now_ms() + kWorkMs;
      break;
    case REDILOCK_COMPLETION_RELEASE:
      redilock_lock_free(job->lock);
      job->lock = NULL;
      end_job(job, status);
      break;
    case REDILOCK_COMPLETION_LOSS: /* redilock_lock_watch asked for it: its writes must not count */
      printf("%s: lost\n", job->name);
      failed = 1;
      break;
  }
}

/* Releases the locks of those that have done their work; returns for how long nothing is to do. */
static int finish_work(void) {
  int64_t next = -1, now = now_ms();
  for (job_t *job = jobs; job < jobs + job_count; ++job) {
    if (job->work_ends_ms == 0) continue;
    if (now >= job->work_ends_ms) {
      job->work_ends_ms = 0;
      must(redilock_op_submit_release(job->op, job->lock, (uint64_t)(job - jobs)), job->name);
    } else if (next < 0 || job->work_ends_ms - now < next) {
      next = job->work_ends_ms - now;
    }
  }
  return (int)next;
}

int main(int argc, char **argv) {
  redilock_client_t *client;
  char error[256];
  int32_t fd;
  if (redilock_new(NULL, NULL, &client, error, sizeof error) != REDILOCK_OK) {
    fprintf(stderr, "%s\n", error);
    return 1;
  }
  must(redilock_client_fd(client, &fd), "descriptor");
  job_count = jobs_left = argc - 1;
  jobs = calloc((size_t)job_count + 1, sizeof *jobs);
  if (jobs == NULL) return 1;
  for (int i = 0; i < job_count; ++i) {
    job_t *job = &jobs[i];
    job->name = argv[i + 1];
    must(redilock_op_new(client, &job->op), job->name);
    must(redilock_op_set(job->op, "name", job->name), job->name);
    must(redilock_op_set(job->op, "ttl", "30s"), job->name);
    must(redilock_op_set(job->op, "wait", "forever"), job->name);
    must(redilock_op_set(job->op, "renew", "yes"), job->name);
    must(redilock_op_submit_acquire(job->op, (uint64_t)i), job->name);
  }
  signal(SIGINT, cancel_all);

  while (jobs_left > 0) {
    struct pollfd polled = {fd, POLLIN, 0};
    poll(&polled, 1, finish_work()); /* and whatever else the program waits for */
    for (;;) {
      uint64_t tag;
      int32_t kind, status;
      must(redilock_client_next(client, &tag, &kind, &status), "completion");
      if (kind == 0) break;
      completed(&jobs[tag], kind, status);
    }
  }

  signal(SIGINT, SIG_DFL);
  for (int i = 0; i < job_count; ++i) redilock_op_free(jobs[i].op);
  redilock_free(client);
  free(jobs);
  return failed;
}
