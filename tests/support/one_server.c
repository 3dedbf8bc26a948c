/* Setup and teardown of a program's one server. */
#include "support/one_server.h"

redis_server_t *server;

int start_server(void **state) {
  (void)state;
  server = redis_start(NULL);
  return 0;
}

int stop_server(void **state) {
  (void)state;
  redis_stop(server);
  server = NULL;
  return 0;
}

int empty_server(void **state) {
  (void)state;
  redis_do(server, "FLUSHALL");
  return 0;
}
