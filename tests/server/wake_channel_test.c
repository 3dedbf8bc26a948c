/*
 * The wake-up channel when it is lied to or cut off. A fake server shows what pushes do, since it
 * can put them anywhere; a real one shows that no wake-up is lost when subscriptions die.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/attempt.h"
#include "support/cmocka.h"
#include "support/fake_server.h"
#include "support/one_server.h"
#include "support/timing.h"

#define QUEUED \
  "*8\r\n:60000\r\n:0\r\n:1700000000000000\r\n:1700000000000000\r\n:0\r\n:1\r\n:1\r\n:1\r\n"

/* The push of a grant to the fake's waiter, whose token is in its last EVALSHA. */
static void push_grant(fake_server_t *fake, const char *before, const char *fence,
                       const char *after) {
  char channel[256], token[256], payload[256], message[1024];
  fake_server_word(fake, "SUBSCRIBE", 1, channel, sizeof channel);
  fake_server_word(fake, "EVALSHA", 8, token, sizeof token);
  snprintf(payload, sizeof payload, "%.32s %s 1700000000000001", token + 9, fence);
  snprintf(message, sizeof message, "%s*3\r\n$7\r\nmessage\r\n$%zu\r\n%s\r\n$%zu\r\n%s\r\n%s",
           before, strlen(channel), channel, strlen(payload), payload, after);
  fake_server_push(fake, message);
}

/* A waiter of a fake server that has been told its place. `greeting` comes before the confirmation
 * of the subscription. */
struct scene {
  struct fake_step steps[6];
  fake_server_t *fake;
  redilock_client_t *client;
  attempt_t waiter;
};

static void open_scene(struct scene *scene, const char *greeting) {
  memset(scene, 0, sizeof *scene);
  scene->steps[0] = (struct fake_step){"EVALSHA", FAKE_SEND, "*1\r\n:60000\r\n", 1};
  scene->steps[1] = (struct fake_step){"SUBSCRIBE", FAKE_SUBSCRIBE, greeting, 0};
  scene->steps[2] = (struct fake_step){"EVALSHA", FAKE_SEND, QUEUED, 0};
  scene->fake = fake_server_start(scene->steps);
  scene->client = client_at(fake_server_url(scene->fake), "timeout=2s");
  attempt_start(&scene->waiter, scene->client, "lock", 60000, 3000);
}

static void close_scene(struct scene *scene) {
  attempt_free(&scene->waiter);
  redilock_free(scene->client);
  fake_server_stop(scene->fake);
}

static void pushed_grant_is_taken_among_noise(void **state) {
  (void)state;
  struct scene scene;
  open_scene(&scene, NULL);
  assert_true(attempt_queued(&scene.waiter));
  push_grant(scene.fake,
             "*3\r\n$7\r\nmessage\r\n$5\r\nother\r\n$4\r\njunk\r\n*0\r\n:5\r\n$-1\r\n"
             "*4\r\n$8\r\npmessage\r\n$1\r\n*\r\n$1\r\nx\r\n$1\r\ny\r\n+PONG\r\n-ERR odd\r\n",
             "1700000000000009", "*3\r\n$7\r\nmessage\r\n:1\r\n:2\r\n");
  assert_true(attempt_done(&scene.waiter, 1500)); /* sooner than a re-check */
  assert_int_equal(attempt_join(&scene.waiter), REDILOCK_OK);
  assert_int_equal(scene.waiter.fence, 1700000000000009);
  close_scene(&scene);
}

static void pushes_before_the_confirmation_are_told_apart(void **state) {
  (void)state;
  struct scene scene;
  open_scene(&scene, "*3\r\n$7\r\nmessage\r\n$5\r\nother\r\n$4\r\njunk\r\n");
  attempt_join(&scene.waiter);
  assert_int_equal(scene.waiter.status, REDILOCK_E_PROTOCOL); /* it is no answer to SUBSCRIBE */
  assert_null(scene.waiter.lock);
  close_scene(&scene);
}

/* Each confirmed subscription also asks for the place again, so there would be no end of requests. */
static void subscription_that_ends_at_once_is_not_made_anew_at_once(void **state) {
  (void)state;
  const struct fake_step steps[] = {{"EVALSHA", FAKE_SEND, "*1\r\n:60000\r\n", 1},
                                    {"SUBSCRIBE", FAKE_SUBSCRIBE_CLOSE, NULL, 0},
                                    {"EVALSHA", FAKE_SEND, QUEUED, 0},
                                    {NULL, FAKE_SEND, NULL, 0}};
  attempt_t waiter;
  fake_server_t *fake = fake_server_start(steps);
  redilock_client_t *client = client_at(fake_server_url(fake), "timeout=2s");
  assert_int_not_equal(attempt(&waiter, client, "lock", 60000, 1000), REDILOCK_OK);
  assert_in_range(fake_server_count(fake, "SUBSCRIBE"), 3, 10);
  assert_in_range(fake_server_count(fake, "EVALSHA"), 3, 15);
  attempt_free(&waiter);
  redilock_free(client);
  fake_server_stop(fake);
}

static void grant_of_another_time_is_only_a_reason_to_ask(void **state) {
  (void)state;
  struct scene scene;
  open_scene(&scene, NULL);
  assert_true(attempt_queued(&scene.waiter));
  const int asked = fake_server_count(scene.fake, "EVALSHA");
  push_grant(scene.fake, "", "1699999999999999", ""); /* a fence below its arrival */
  assert_true(fake_server_await(scene.fake, "EVALSHA", asked + 1));
  assert_false(scene.waiter.done);
  close_scene(&scene);
  assert_int_equal(scene.waiter.status, REDILOCK_E_UNKNOWN); /* the fake does not let it leave */
}

static void forged_pushes_change_nothing(void **state) {
  (void)state;
  const char *const fences[] = {"-1", "0", "9007199254740992", "99999999999999999999", "1e9", ""};
  struct scene scene;
  open_scene(&scene, NULL);
  assert_true(attempt_queued(&scene.waiter));
  for (size_t i = 0; i < sizeof fences / sizeof *fences; ++i)
    push_grant(scene.fake, "", fences[i], "");
  attempt_join(&scene.waiter);
  assert_int_not_equal(scene.waiter.status, REDILOCK_OK);
  assert_in_range(scene.waiter.ended - scene.waiter.began, 2900, soon_ms(6000));
  close_scene(&scene);
}

static void channel_that_dies_at_once_is_no_storm(void **state) {
  (void)state;
  struct scene scene;
  open_scene(&scene, NULL);
  assert_true(attempt_queued(&scene.waiter));
  const int before = fake_server_count(scene.fake, "SUBSCRIBE");
  for (int i = 0; i < 3; ++i) { /* giants end the connection from the client's side */
    fake_server_push(scene.fake, "$2147483647\r\n");
    assert_true(fake_server_await(scene.fake, "SUBSCRIBE", before + 1 + i));
  }
  assert_in_range(fake_server_count(scene.fake, "SUBSCRIBE") - before, 3, 4);
  close_scene(&scene);
}

/* ---------------------------------------------------------------- a real server */

/* The subscription dies just before the hand-off: the waiter asks when it has a new one. */
static void no_wake_up_is_lost_when_subscriptions_die(void **state) {
  (void)state;
  redilock_client_t *holder = client_at(server->url, NULL), *waiter = client_at(server->url, NULL);
  for (int round = 0; round < 20; ++round) {
    attempt_t first, second;
    assert_int_equal(attempt(&first, holder, "lock", 20000, 0), REDILOCK_OK);
    attempt_start(&second, waiter, "lock", 20000, 10000);
    assert_true(attempt_queued(&second));
    redis_do(server, "CLIENT KILL TYPE pubsub");
    const int64_t released = now_ms();
    assert_int_equal(redilock_release(first.lock), REDILOCK_OK);
    assert_int_equal(attempt_join(&second), REDILOCK_OK);
    assert_in_range(second.ended - released, 0, soon_ms(1000));
    assert_int_equal(redilock_release(second.lock), REDILOCK_OK);
    attempt_free(&first);
    attempt_free(&second);
  }
  redilock_free(waiter);
  redilock_free(holder);
}

static int64_t scripts_run(redisContext *control) {
  static const char field[] = "cmdstat_evalsha:calls=";
  redisReply *reply = redisCommand(control, "INFO commandstats");
  assert_non_null(reply);
  const char *found = strstr(reply->str, field);
  const int64_t number = found == NULL ? 0 : strtoll(found + strlen(field), NULL, 10);
  freeReplyObject(reply);
  return number;
}

/* The subscription dies, and a server with too many clients admits no new one: who asks by the
 * connections there are is not passed over, and nobody asks without end. */
static void waiters_without_a_channel_are_served_by_their_re_checks(void **state) {
  (void)state;
  redilock_client_t *holder = client_at(server->url, NULL), *waiter = client_at(server->url, NULL);
  redisContext *control = redisConnectUnix(server->socket);
  attempt_t first, waiters[2];
  assert_int_equal(attempt(&first, holder, "lock", 60000, 0), REDILOCK_OK);
  for (int i = 0; i < 2; ++i) {
    attempt_start(&waiters[i], waiter, "lock", 60000, 30000);
    assert_true(attempt_queued(&waiters[i]));
  }
  freeReplyObject(redisCommand(control, "CONFIG SET maxclients 1"));
  freeReplyObject(redisCommand(control, "CLIENT KILL TYPE pubsub"));
  freeReplyObject(redisCommand(control, "CONFIG RESETSTAT"));
  assert_int_equal(redilock_release(first.lock), REDILOCK_OK);
  for (int i = 0; i < 2; ++i) {
    assert_true(attempt_done(&waiters[i], 30000));
    assert_int_equal(attempt_join(&waiters[i]), REDILOCK_OK);
    assert_int_equal(redilock_release(waiters[i].lock), REDILOCK_OK);
  }
  assert_in_range(scripts_run(control), 1, 20);
  freeReplyObject(redisCommand(control, "CONFIG SET maxclients 10000"));
  redisFree(control);
  attempt_free(&first);
  for (int i = 0; i < 2; ++i) attempt_free(&waiters[i]);
  redilock_free(waiter);
  redilock_free(holder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pushed_grant_is_taken_among_noise),
      cmocka_unit_test(pushes_before_the_confirmation_are_told_apart),
      cmocka_unit_test(subscription_that_ends_at_once_is_not_made_anew_at_once),
      cmocka_unit_test(grant_of_another_time_is_only_a_reason_to_ask),
      cmocka_unit_test(forged_pushes_change_nothing),
      cmocka_unit_test(channel_that_dies_at_once_is_no_storm),
      cmocka_unit_test(no_wake_up_is_lost_when_subscriptions_die),
      cmocka_unit_test(waiters_without_a_channel_are_served_by_their_re_checks),
  };
  return cmocka_run_group_tests(tests, start_server, stop_server);
}
