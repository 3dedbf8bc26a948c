/* Time for tests, on CLOCK_MONOTONIC. */
#include "support/timing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void pass_ms(int64_t ms) {
  struct timespec end;
  clock_gettime(CLOCK_MONOTONIC, &end);
  end.tv_sec += (time_t)(ms / 1000);
  end.tv_nsec += (long)(ms % 1000) * 1000000;
  if (end.tv_nsec >= 1000000000) {
    end.tv_nsec -= 1000000000;
    ++end.tv_sec;
  }
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL) == EINTR) {
  }
}

int64_t slow_ms(int64_t ms) {
  const char *slowness = getenv("REDILOCK_TEST_SLOWNESS");
  return slowness == NULL ? ms : ms * strtol(slowness, NULL, 10);
}

/* The tasks that want a processor, for each processor: of now, and of the last minute. */
static int64_t load(void) {
  double last_minute = 0;
  long running = 0;
  FILE *file = fopen("/proc/loadavg", "r");
  if (file == NULL) return 1;
  const int found = fscanf(file, "%lf %*f %*f %ld/", &last_minute, &running);
  fclose(file);
  if (found != 2) return 1;
  const double most = last_minute > (double)running ? last_minute : (double)running;
  return (int64_t)(most / (double)sysconf(_SC_NPROCESSORS_ONLN));
}

int64_t soon_ms(int64_t ms) {
  const int64_t times = load();
  return slow_ms(ms) * (times < 1 ? 1 : times);
}

bool eventually(bool (*condition)(void *context), void *context, int64_t within_ms) {
  const int64_t end = now_ms() + soon_ms(within_ms);
  while (!condition(context)) {
    if (now_ms() >= end) return condition(context);
    pass_ms(1);
  }
  return true;
}
