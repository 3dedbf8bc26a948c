/*
 * A proxy between a client and a real redis-server, by unix sockets or by TCP, whose faults are
 * switched while it runs. Each fault is for requests that contain a given word, such as "EVALSHA",
 * so that greetings and subscriptions get through.
 */
#ifndef REDILOCK_TESTS_PROXY_H
#define REDILOCK_TESTS_PROXY_H

#include <stdbool.h>

enum proxy_fault {
  PROXY_NONE,
  PROXY_DROP, /* the request is thrown away and the connection reset */
  PROXY_CUT,  /* the request is carried out; `bytes` of its reply come through, then a reset */
  PROXY_MUTE, /* the request is carried out; its reply and all later ones are thrown away */
  PROXY_HOLD, /* the request stays in the proxy, also when the client is gone, until released */
  PROXY_ECHO, /* the last reply to a request with the word comes once more, and ahead of the reply
                 to this one */
};

typedef struct proxy proxy_t;

/** Starts one before the server that listens on a unix socket. */
proxy_t *proxy_start(const char *server_socket);
/** The same by TCP on both sides, before the server on this port of 127.0.0.1. */
proxy_t *proxy_start_tcp(int server_port);
void proxy_stop(proxy_t *proxy);
/** Resets all connections, and leads new ones to the server on another port. */
void proxy_fail_over(proxy_t *proxy, int server_port);
/** For redilock. */
const char *proxy_url(const proxy_t *proxy);

/** Does this to the next `times` requests with the word; a later call replaces the former. */
void proxy_fail(proxy_t *proxy, enum proxy_fault fault, const char *word, int times, int bytes);
/** Lets what was held go on to the server. */
void proxy_release(proxy_t *proxy);
/** Resets all connections there are. */
void proxy_reset_all(proxy_t *proxy);
/** Waits until the fault has struck n times since proxy_fail, at most ten seconds. */
bool proxy_struck(proxy_t *proxy, int n);
/** Waits until no request is held any more, be it delivered or ended by the server. */
bool proxy_held_none(proxy_t *proxy);

#endif
