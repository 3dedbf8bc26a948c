/*
 * A fake Redis that misbehaves by a script: EXPECT a command, then SEND raw bytes, close, reset,
 * fall silent or trickle. One thread serves all connections; a step belongs to the first command of
 * its word, on whichever connection that comes.
 */
#ifndef REDILOCK_TESTS_FAKE_SERVER_H
#define REDILOCK_TESTS_FAKE_SERVER_H

#include <stdbool.h>
#include <stddef.h>

enum fake_action {
  FAKE_SEND,            /* the bytes */
  FAKE_CLOSE,           /* the bytes, then an orderly end */
  FAKE_RESET,           /* nothing, and the connection is reset */
  FAKE_SILENT,          /* nothing; the connection stays open */
  FAKE_TRICKLE,         /* the bytes, one a second */
  FAKE_ECHO,            /* the bytes with what the client sent as secrets; see fake_echo.h */
  FAKE_SUBSCRIBE,       /* the confirmation of a SUBSCRIBE, with the bytes put before it */
  FAKE_SUBSCRIBE_CLOSE, /* the same, then an orderly end */
};

struct fake_step {
  const char *expect; /* first word of a command, such as "EVALSHA" */
  enum fake_action action;
  const char *bytes;
  int times; /* how often; 0 is for ever */
};

typedef struct fake_server fake_server_t;

/** Starts one on a free port of 127.0.0.1. `steps` end with an empty one and are used in place.
 * A command without a step left is answered with an error; HELLO, CLIENT INFO and CLIENT KILL are
 * answered as Redis does. */
fake_server_t *fake_server_start(const struct fake_step *steps);
void fake_server_stop(fake_server_t *server);

/** For redilock. */
const char *fake_server_url(const fake_server_t *server);
/** How many commands of a word came so far; "" counts connections. */
int fake_server_count(fake_server_t *server, const char *word);
/** Waits for the n-th command of a word, at most ten seconds. */
bool fake_server_await(fake_server_t *server, const char *word, int n);
/** The words of the last EVALSHA, SUBSCRIBE or SCAN; "" past the last. */
void fake_server_word(fake_server_t *server, const char *command, int index, char *out,
                      size_t size);
/** Sends bytes on the newest subscribed connection. */
void fake_server_push(fake_server_t *server, const char *bytes);

#endif
