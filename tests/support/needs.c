/* Asking a server for a feature, and skipping a case without it. */
#include "support/needs.h"

#include "support/cmocka.h"

bool redis_accepts(const redis_server_t *server, const char *command) {
  redisReply *reply = redis_command(server, command);
  const bool accepted = reply->type != REDIS_REPLY_ERROR;
  freeReplyObject(reply);
  return accepted;
}

void needs(const redis_server_t *server, const char *command, const char *feature) {
  if (redis_accepts(server, command)) return;
  print_message("skipped: this server has no %s\n", feature);
  skip();
}

void needs_users(const redis_server_t *server) { needs(server, "ACL WHOAMI", "users (ACL)"); }

const char *all_channels(const redis_server_t *server) {
  if (!redis_accepts(server, "ACL SETUSER redilock-probe &*")) return "";
  redis_do(server, "ACL DELUSER redilock-probe");
  return "&*";
}
