/* Connections of hiredis that ask for nothing but their id and a PING. */
#include "support/bystanders.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bystanders {
  int count;
  struct bystander {
    redisContext *context;
    int64_t id;
  } each[];
};

static void need(bool good, const char *what) {
  if (good) return;
  fprintf(stderr, "tests/support/bystanders: %s\n", what);
  abort();
}

bystanders_t *bystanders_connect(const redis_server_t *server, int count) {
  const struct timeval patience = {20, 0};
  signal(SIGPIPE, SIG_IGN); /* hiredis writes to connections that were cut */
  bystanders_t *all = calloc(1, sizeof *all + (size_t)count * sizeof all->each[0]);
  need(all != NULL, "no memory");
  all->count = count;
  for (int i = 0; i < count; ++i) {
    redisContext *context = server->port != 0
                                ? redisConnectWithTimeout("127.0.0.1", server->port, patience)
                                : redisConnectUnixWithTimeout(server->socket, patience);
    need(context != NULL && context->err == 0, "cannot connect");
    need(redisSetTimeout(context, patience) == REDIS_OK, "cannot set a timeout");
    redisReply *reply = redisCommand(context, "CLIENT ID");
    need(reply != NULL && reply->type == REDIS_REPLY_INTEGER, "no CLIENT ID");
    all->each[i] = (struct bystander){context, reply->integer};
    freeReplyObject(reply);
  }
  return all;
}

bool bystanders_have_id(const bystanders_t *all, int64_t id) {
  for (int i = 0; i < all->count; ++i)
    if (all->each[i].id == id) return true;
  return false;
}

int bystanders_cut(const bystanders_t *all) {
  int cut = 0;
  for (int i = 0; i < all->count; ++i) {
    redisReply *reply = redisCommand(all->each[i].context, "PING");
    if (reply == NULL || reply->type != REDIS_REPLY_STATUS) ++cut;
    if (reply != NULL) freeReplyObject(reply);
  }
  return cut;
}

void bystanders_free(bystanders_t *all) {
  for (int i = 0; i < all->count; ++i) redisFree(all->each[i].context);
  free(all);
}
