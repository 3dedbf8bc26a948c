/*
 * Connections of other programs at a server, which nothing that redilock does may end. None of them
 * connects again, so one that answers is the connection that it was.
 */
#ifndef REDILOCK_TESTS_BYSTANDERS_H
#define REDILOCK_TESTS_BYSTANDERS_H

#include <stdbool.h>
#include <stdint.h>

#include "support/redis.h"

typedef struct bystanders bystanders_t;

/** Connects so many: by TCP where the server has a port, else by its unix socket. */
bystanders_t *bystanders_connect(const redis_server_t *server, int count);
/** Whether one of them has this id at the server. */
bool bystanders_have_id(const bystanders_t *bystanders, int64_t id);
/** How many have been cut off: they do not answer PING. */
int bystanders_cut(const bystanders_t *bystanders);
void bystanders_free(bystanders_t *bystanders);

#endif
