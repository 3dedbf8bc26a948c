/*
 * Locks in a libuv loop: each name of the command line is a job that waits for its lock, works for a
 * while (by a timer), and releases. Ctrl-C cancels those that still wait; those that work end first.
 *
 *   cc -o async_libuv async_libuv.c $(pkg-config --cflags --libs redilock libuv)
 *   REDILOCK_URL=redis://localhost ./async_libuv reports backups reports
 */
#include <redilock/redilock.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

enum { kWorkMs = 100 };

typedef struct job {
  const char *name;
  redilock_op_t *op;
  redilock_lock_t *lock; /* while it works */
  uv_timer_t work;
} job_t;

static redilock_client_t *client;
static job_t *jobs;
static int job_count, jobs_left, failed;
static uv_poll_t completions;
static uv_signal_t interrupt;

static void must(int32_t status, const char *what) {
  if (status == REDILOCK_OK) return;
  fprintf(stderr, "%s: %s\n", what, redilock_strerror(status));
  exit(1);
}

/* The last job ends the loop: without handles that are active it has nothing to wait for. The
 * descriptor is the client's: the loop only stops looking at it any more. */
static void end_job(job_t *job, int32_t status) {
  if (status != REDILOCK_OK) {
    char why[256];
    redilock_op_message(job->op, why, sizeof why);
    printf("%s: %s\n", job->name, why);
    failed = 1;
  }
  uv_close((uv_handle_t *)&job->work, NULL);
  if (--jobs_left > 0) return;
  uv_close((uv_handle_t *)&completions, NULL);
  uv_close((uv_handle_t *)&interrupt, NULL);
}

static void work_is_done(uv_timer_t *timer) {
  job_t *job = timer->data;
  must(redilock_op_submit_release(job->op, job->lock, (uint64_t)(job - jobs)), job->name);
}

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
      uv_timer_start(&job->work, work_is_done, kWorkMs, 0);
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

/* The descriptor stays readable while there are more, so one call could also take only one. */
static void take_completions(uv_poll_t *handle, int error, int events) {
  (void)handle, (void)error, (void)events;
  for (;;) {
    uint64_t tag;
    int32_t kind, status;
    must(redilock_client_next(client, &tag, &kind, &status), "completion");
    if (kind == 0) return;
    completed(&jobs[tag], kind, status);
  }
}

static void cancel_all(uv_signal_t *handle, int signal_number) {
  (void)handle, (void)signal_number;
  for (int i = 0; i < job_count; ++i)
    if (jobs[i].lock == NULL) redilock_op_cancel(jobs[i].op);
}

static void submit(job_t *job) {
  must(redilock_op_new(client, &job->op), job->name);
  must(redilock_op_set(job->op, "name", job->name), job->name);
  must(redilock_op_set(job->op, "ttl", "30s"), job->name);
  must(redilock_op_set(job->op, "wait", "forever"), job->name);
  must(redilock_op_set(job->op, "renew", "yes"), job->name);
  must(redilock_op_submit_acquire(job->op, (uint64_t)(job - jobs)), job->name);
}

int main(int argc, char **argv) {
  uv_loop_t *loop = uv_default_loop();
  char error[256];
  int32_t fd;
  if (argc < 2) return 0;
  if (redilock_new(NULL, NULL, &client, error, sizeof error) != REDILOCK_OK) {
    fprintf(stderr, "%s\n", error);
    return 1;
  }
  must(redilock_client_fd(client, &fd), "descriptor");
  if (uv_poll_init(loop, &completions, fd) != 0) return 1;
  uv_poll_start(&completions, UV_READABLE, take_completions);
  uv_signal_init(loop, &interrupt);
  uv_signal_start(&interrupt, cancel_all, SIGINT);

  job_count = jobs_left = argc - 1;
  jobs = calloc((size_t)job_count, sizeof *jobs);
  if (jobs == NULL) return 1;
  for (int i = 0; i < job_count; ++i) {
    jobs[i].name = argv[i + 1];
    uv_timer_init(loop, &jobs[i].work);
    jobs[i].work.data = &jobs[i];
    submit(&jobs[i]);
  }

  uv_run(loop, UV_RUN_DEFAULT);

  for (int i = 0; i < job_count; ++i) redilock_op_free(jobs[i].op);
  redilock_free(client);
  free(jobs);
  uv_loop_close(loop);
  return failed;
}
