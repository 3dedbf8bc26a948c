/* The client of each case of a test program, of its one server. */
#ifndef REDILOCK_TESTS_ONE_CLIENT_H
#define REDILOCK_TESTS_ONE_CLIENT_H

#include "support/locks.h"
#include "support/one_server.h"

#ifdef __cplusplus
extern "C" {
#endif

extern redilock_client_t *client;

/** For the setup of a case: empties the server and makes the client. `query`: as for new_client. */
int make_client_with(const char *query);
/** Teardown of a case. */
int drop_client(void **state);
/** For eventually(): nobody holds the lock of this name. */
bool is_free(void *name);

#ifdef __cplusplus
}
#endif

#endif
