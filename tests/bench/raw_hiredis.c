/* The rival of the pair: SET NX PX and a script that compares and deletes, by hiredis' blocking
 * context, all in C. The benchmark loads it, so that its turns come in the same process. */
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static redisContext *context;
static char sha[64];
static const char script[] =
    "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0";
static const char token[] = "redilock:0123456789abcdef0123456789abcdef:worker-17/23456";

int raw_connect(int port) {
  redisReply *reply;
  context = redisConnect("127.0.0.1", port);
  if (context == NULL || context->err) return -1;
  reply = redisCommand(context, "SCRIPT LOAD %s", script);
  if (reply == NULL || reply->type != REDIS_REPLY_STRING) return -1;
  snprintf(sha, sizeof sha, "%s", reply->str);
  freeReplyObject(reply);
  return 0;
}

static double now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int pair(void) {
  redisReply *reply = redisCommand(context, "SET %s %s NX PX %s", "job-raw", token, "30000");
  int ok = reply != NULL && reply->type == REDIS_REPLY_STATUS;
  freeReplyObject(reply);
  if (!ok) return -1;
  reply = redisCommand(context, "EVALSHA %s 1 %s %s", sha, "job-raw", token);
  ok = reply != NULL && reply->type == REDIS_REPLY_INTEGER && reply->integer == 1;
  freeReplyObject(reply);
  return ok ? 0 : -1;
}

/* How long each of `count` pairs took, in microseconds; -1 if one failed. */
int raw_pairs(int count, double *spans) {
  double before = now_us();
  for (int i = 0; i < count; ++i) {
    double now;
    if (pair() != 0) return -1;
    now = now_us();
    spans[i] = now - before;
    before = now;
  }
  return 0;
}
