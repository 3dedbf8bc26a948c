/* Time for tests, on CLOCK_MONOTONIC. */
#include "support/timing.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

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

bool eventually(bool (*condition)(void *context), void *context, int64_t within_ms) {
  const int64_t end = now_ms() + slow_ms(within_ms);
  while (!condition(context)) {
    if (now_ms() >= end) return condition(context);
    pass_ms(1);
  }
  return true;
}
