/*
 * Features that some supported servers lack. A case that tests such a feature asks the server for it
 * first and is skipped, with the reason, where the server does not have it.
 */
#ifndef REDILOCK_TESTS_NEEDS_H
#define REDILOCK_TESTS_NEEDS_H

#include "support/redis.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Whether the server accepts a command, which this runs: "ACL WHOAMI". */
bool redis_accepts(const redis_server_t *server, const char *command);

/** Skips the case unless the server accepts a command that only servers with the feature know. */
void needs(const redis_server_t *server, const char *command, const char *feature);
/** Needs users (Redis 6.0). */
void needs_users(const redis_server_t *server);
/** The rule that lets a user publish and subscribe everywhere: "" before Redis 6.2, where all may. */
const char *all_channels(const redis_server_t *server);

#ifdef __cplusplus
}
#endif

#endif
