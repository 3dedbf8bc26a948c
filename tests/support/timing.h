/* Time for tests: the monotonic clock, and waiting for something that can only be looked at. */
#ifndef REDILOCK_TESTS_TIMING_H
#define REDILOCK_TESTS_TIMING_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** CLOCK_MONOTONIC in milliseconds. */
int64_t now_ms(void);

/** Lets `ms` pass, also where signals come; for tests whose subject is time itself. */
void pass_ms(int64_t ms);

/** `ms` for a program that runs by itself; REDILOCK_TEST_SLOWNESS times as much where that is set,
 * since valgrind takes ten times as long. For leases and limits that must outlast computing, never
 * for how long something may take. */
int64_t slow_ms(int64_t ms);

/** How long at most something may take that takes no more than `ms` where nothing else wants the
 * processors: as many times that as there are tasks for each processor. */
int64_t soon_ms(int64_t ms);

/** Looks at condition(context) every millisecond until it is true; false if it was not in time, by
 * soon_ms(). */
bool eventually(bool (*condition)(void *context), void *context, int64_t within_ms);

#ifdef __cplusplus
}
#endif

#endif
