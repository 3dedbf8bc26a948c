/* The thread that carries bytes both ways, and the faults. */
#define _GNU_SOURCE
#include "support/proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "support/timing.h"

enum { kPairs = 128, kBuffer = 65536, kTick = 5 };

struct pair {
  int client, server; /* server is -1 where the pair is not in use */
  enum proxy_fault fault;
  int bytes;
  char *held;
  size_t held_length;
  bool has_word; /* the last request has the word */
  char last[256];
  size_t last_length; /* of the last reply to such a request */
};

/* A socket of either kind. */
struct address {
  union {
    struct sockaddr any;
    struct sockaddr_un local;
    struct sockaddr_in tcp;
  };
  socklen_t length;
};

struct proxy {
  struct address target;
  char folder[32], path[64], url[80], word[32];
  int listener;
  enum proxy_fault fault;
  int times, bytes, struck;
  bool stopping, releasing;
  struct pair pairs[kPairs];
  pthread_mutex_t mutex;
  pthread_t thread;
};

static void need(bool good, const char *what) {
  if (good) return;
  perror(what);
  abort();
}

static struct address address_of(const char *path) {
  struct address address = {.local = {.sun_family = AF_UNIX}, .length = sizeof address.local};
  snprintf(address.local.sun_path, sizeof address.local.sun_path, "%s", path);
  return address;
}

static struct address loopback(int port) {
  return (struct address){.tcp = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons((uint16_t)port)},
                          .length = sizeof(struct sockaddr_in)};
}

/* A unix socket knows no reset: unread bytes at its end make one. */
static void end(struct pair *pair) {
  if (pair->client >= 0) close(pair->client);
  if (pair->server >= 0) close(pair->server);
  free(pair->held);
  *pair = (struct pair){.client = -1, .server = -1};
}

static void pass_on(int fd, const char *bytes, size_t length) {
  while (length > 0) {
    const ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes += sent;
    length -= (size_t)sent;
  }
}

static bool strikes(proxy_t *proxy, struct pair *pair, const char *bytes, size_t length) {
  if (pair->fault != PROXY_NONE || proxy->times == 0) return false;
  if (memmem(bytes, length, proxy->word, strlen(proxy->word)) == NULL) return false;
  if (proxy->fault == PROXY_ECHO && pair->last_length == 0) return false;
  --proxy->times;
  ++proxy->struck;
  pair->fault = proxy->fault;
  pair->bytes = proxy->bytes;
  return true;
}

static void hold(struct pair *pair, const char *bytes, size_t length) {
  pair->held = realloc(pair->held, pair->held_length + length);
  need(pair->held != NULL, "proxy: no memory");
  memcpy(pair->held + pair->held_length, bytes, length);
  pair->held_length += length;
}

static void from_client(proxy_t *proxy, struct pair *pair) {
  char buffer[kBuffer];
  const ssize_t count = recv(pair->client, buffer, sizeof buffer, MSG_DONTWAIT);
  if (count < 0 && errno == EAGAIN) return; /* looked at before the last reset */
  if (count <= 0) {
    close(pair->client);
    pair->client = -1;
    if (pair->fault != PROXY_HOLD) end(pair);
    return;
  }
  const bool struck = strikes(proxy, pair, buffer, (size_t)count);
  pair->has_word = memmem(buffer, (size_t)count, proxy->word, strlen(proxy->word)) != NULL;
  if (struck && pair->fault == PROXY_ECHO) {
    pass_on(pair->client, pair->last, pair->last_length);
    pair->fault = PROXY_NONE;
  }
  if (struck && pair->fault == PROXY_DROP)
    end(pair);
  else if (pair->fault == PROXY_HOLD)
    hold(pair, buffer, (size_t)count);
  else
    pass_on(pair->server, buffer, (size_t)count);
}

static void from_server(struct pair *pair) {
  char buffer[kBuffer];
  const ssize_t count = recv(pair->server, buffer, sizeof buffer, MSG_DONTWAIT);
  if (count < 0 && errno == EAGAIN) return; /* looked at before the last reset */
  if (count <= 0) {
    end(pair);
    return;
  }
  const size_t length = (size_t)count;
  if (pair->has_word && length <= sizeof pair->last) {
    memcpy(pair->last, buffer, length);
    pair->last_length = length;
  }
  if (pair->fault == PROXY_MUTE || pair->client < 0) return;
  if (pair->fault != PROXY_CUT) {
    pass_on(pair->client, buffer, length);
    return;
  }
  pass_on(pair->client, buffer, (size_t)pair->bytes < length ? (size_t)pair->bytes : length);
  end(pair);
}

static void deliver(struct pair *pair) {
  if (pair->fault != PROXY_HOLD) return;
  pass_on(pair->server, pair->held, pair->held_length);
  free(pair->held);
  pair->held = NULL;
  pair->held_length = 0;
  pair->fault = PROXY_NONE;
  if (pair->client < 0) shutdown(pair->server, SHUT_WR);
}

static void welcome(proxy_t *proxy) {
  const int client = accept4(proxy->listener, NULL, NULL, SOCK_CLOEXEC);
  if (client < 0) return;
  const int server = socket(proxy->target.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int i = 0;
  while (i < kPairs && proxy->pairs[i].server >= 0) ++i;
  need(i < kPairs && server >= 0, "proxy: too many connections");
  proxy->pairs[i] = (struct pair){.client = client, .server = server};
  if (connect(server, &proxy->target.any, proxy->target.length) != 0) end(&proxy->pairs[i]);
}

static void serve(proxy_t *proxy, const struct pollfd *polled) {
  for (int i = 0; i < kPairs; ++i) {
    struct pair *pair = &proxy->pairs[i];
    if (pair->server >= 0 && polled[2 * i + 1].fd >= 0 && polled[2 * i + 1].revents != 0)
      from_server(pair);
    if (pair->client >= 0 && polled[2 * i].fd >= 0 && polled[2 * i].revents != 0)
      from_client(proxy, pair);
    if (pair->server >= 0 && proxy->releasing) deliver(pair);
  }
  proxy->releasing = false;
  if (polled[2 * kPairs].revents != 0) welcome(proxy);
}

static void *carry(void *argument) {
  proxy_t *proxy = argument;
  struct pollfd polled[2 * kPairs + 1];
  for (;;) {
    pthread_mutex_lock(&proxy->mutex);
    const bool stop = proxy->stopping;
    for (int i = 0; i < kPairs; ++i) {
      polled[2 * i] = (struct pollfd){.fd = proxy->pairs[i].client, .events = POLLIN};
      polled[2 * i + 1] = (struct pollfd){.fd = proxy->pairs[i].server, .events = POLLIN};
    }
    pthread_mutex_unlock(&proxy->mutex);
    if (stop) return NULL;
    polled[2 * kPairs] = (struct pollfd){.fd = proxy->listener, .events = POLLIN};
    poll(polled, 2 * kPairs + 1, kTick);
    pthread_mutex_lock(&proxy->mutex);
    serve(proxy, polled);
    pthread_mutex_unlock(&proxy->mutex);
  }
}

static proxy_t *new_proxy(struct address target) {
  proxy_t *proxy = calloc(1, sizeof *proxy);
  need(proxy != NULL, "proxy: no memory");
  for (int i = 0; i < kPairs; ++i) proxy->pairs[i] = (struct pair){.client = -1, .server = -1};
  proxy->target = target;
  pthread_mutex_init(&proxy->mutex, NULL);
  return proxy;
}

static proxy_t *listen_at(proxy_t *proxy, struct address *own) {
  proxy->listener = socket(own->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  need(bind(proxy->listener, &own->any, own->length) == 0 && listen(proxy->listener, 64) == 0 &&
           getsockname(proxy->listener, &own->any, &own->length) == 0,
       "proxy: listen");
  need(pthread_create(&proxy->thread, NULL, carry, proxy) == 0, "proxy: no thread");
  return proxy;
}

proxy_t *proxy_start(const char *server_socket) {
  proxy_t *proxy = new_proxy(address_of(server_socket));
  strcpy(proxy->folder, "/tmp/redilock-proxy-XXXXXX");
  need(mkdtemp(proxy->folder) != NULL, "proxy: mkdtemp");
  snprintf(proxy->path, sizeof proxy->path, "%s/sock", proxy->folder);
  snprintf(proxy->url, sizeof proxy->url, "unix://%s", proxy->path);
  struct address own = address_of(proxy->path);
  return listen_at(proxy, &own);
}

proxy_t *proxy_start_tcp(int server_port) {
  proxy_t *proxy = new_proxy(loopback(server_port));
  struct address own = loopback(0);
  listen_at(proxy, &own);
  snprintf(proxy->url, sizeof proxy->url, "redis://127.0.0.1:%d", ntohs(own.tcp.sin_port));
  return proxy;
}

void proxy_stop(proxy_t *proxy) {
  if (proxy == NULL) return;
  pthread_mutex_lock(&proxy->mutex);
  proxy->stopping = true;
  pthread_mutex_unlock(&proxy->mutex);
  pthread_join(proxy->thread, NULL);
  for (int i = 0; i < kPairs; ++i) end(&proxy->pairs[i]);
  close(proxy->listener);
  if (proxy->path[0] != '\0') unlink(proxy->path);
  if (proxy->path[0] != '\0') rmdir(proxy->folder);
  pthread_mutex_destroy(&proxy->mutex);
  free(proxy);
}

const char *proxy_url(const proxy_t *proxy) { return proxy->url; }

void proxy_fail(proxy_t *proxy, enum proxy_fault fault, const char *word, int times, int bytes) {
  pthread_mutex_lock(&proxy->mutex);
  proxy->fault = fault;
  proxy->times = times;
  proxy->bytes = bytes;
  proxy->struck = 0;
  snprintf(proxy->word, sizeof proxy->word, "%s", word);
  pthread_mutex_unlock(&proxy->mutex);
}

void proxy_release(proxy_t *proxy) {
  pthread_mutex_lock(&proxy->mutex);
  proxy->times = 0;
  proxy->releasing = true;
  pthread_mutex_unlock(&proxy->mutex);
}

void proxy_reset_all(proxy_t *proxy) {
  pthread_mutex_lock(&proxy->mutex);
  for (int i = 0; i < kPairs; ++i) end(&proxy->pairs[i]);
  pthread_mutex_unlock(&proxy->mutex);
}

void proxy_fail_over(proxy_t *proxy, int server_port) {
  pthread_mutex_lock(&proxy->mutex);
  for (int i = 0; i < kPairs; ++i) end(&proxy->pairs[i]);
  proxy->target = loopback(server_port);
  pthread_mutex_unlock(&proxy->mutex);
}

struct strikes {
  proxy_t *proxy;
  int n;
};

static bool struck_so_often(void *argument) {
  const struct strikes *strikes = argument;
  pthread_mutex_lock(&strikes->proxy->mutex);
  const bool enough = strikes->proxy->struck >= strikes->n;
  pthread_mutex_unlock(&strikes->proxy->mutex);
  return enough;
}

bool proxy_struck(proxy_t *proxy, int n) {
  struct strikes strikes = {proxy, n};
  return eventually(struck_so_often, &strikes, 10000);
}

static bool none_held(void *argument) {
  proxy_t *proxy = argument;
  pthread_mutex_lock(&proxy->mutex);
  bool none = !proxy->releasing;
  for (int i = 0; i < kPairs; ++i) none = none && proxy->pairs[i].fault != PROXY_HOLD;
  pthread_mutex_unlock(&proxy->mutex);
  return none;
}

bool proxy_held_none(proxy_t *proxy) { return eventually(none_held, proxy, 10000); }
