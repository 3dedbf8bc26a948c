/* The one server of a test program, from before its first case to after its last. */
#ifndef REDILOCK_TESTS_ONE_SERVER_H
#define REDILOCK_TESTS_ONE_SERVER_H

#include "support/redis.h"

#ifdef __cplusplus
extern "C" {
#endif

extern redis_server_t *server;

/** Setup and teardown of a group. */
int start_server(void **state);
int stop_server(void **state);
/** Setup of a case: nothing is left of the one before. */
int empty_server(void **state);

#ifdef __cplusplus
}
#endif

#endif
