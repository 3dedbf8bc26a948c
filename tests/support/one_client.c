#include "support/one_client.h"

redilock_client_t *client;

int make_client_with(const char *query) {
  redis_do(server, "FLUSHALL");
  client = new_client(server, query);
  return 0;
}

int drop_client(void **state) {
  (void)state;
  redilock_free(client);
  return 0;
}

bool is_free(void *name) { return redis_integer(server, "EXISTS %s", (char *)name) == 0; }
