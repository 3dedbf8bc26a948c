/* The thread that plays the fake server: takes commands apart, and does what the script says. */
#define _GNU_SOURCE
#include "support/fake_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/fake_echo.h"
#include "support/timing.h"

enum { kPeers = 64, kBuffer = 32768, kWords = 16, kWord = 1100, kCommands = 2048, kTick = 20 };

struct command {
  int count;
  char words[kWords][kWord];
};

struct peer {
  int fd;
  size_t length;
  char buffer[kBuffer];
  const char *trickle;
  long long next_byte;
};

struct fake_server {
  const struct fake_step *steps;
  int used[16];
  int listener, wake[2], connections, seen;
  char url[64];
  char words[kCommands][12];
  struct command evalsha, subscribe, scan; /* the last of each */
  struct fake_secrets secrets;
  struct peer peers[kPeers];
  int subscribed;
  bool stopping;
  pthread_mutex_t mutex;
  pthread_t thread;
};

static void need(bool good, const char *what) {
  if (good) return;
  perror(what);
  abort();
}

static void end(struct peer *peer, bool reset) {
  const struct linger none = {1, 0};
  if (reset) setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
  close(peer->fd);
  peer->fd = -1;
}

static void send_bytes(struct peer *peer, const char *bytes, size_t length) {
  while (length > 0) {
    const ssize_t sent = send(peer->fd, bytes, length, MSG_NOSIGNAL);
    if (sent <= 0) return; /* it is gone, as clients may be */
    bytes += sent;
    length -= (size_t)sent;
  }
}

static void send_text(struct peer *peer, const char *text) {
  if (text != NULL) send_bytes(peer, text, strlen(text));
}

/* How many bytes of the buffer the first whole command takes; 0 if it is not here yet. */
static size_t parse(const char *buffer, size_t length, struct command *command) {
  const char *at = buffer, *stop = buffer + length;
  const char *line = memmem(at, (size_t)(stop - at), "\r\n", 2);
  if (line == NULL) return 0;
  command->count = atoi(at + 1);
  at = line + 2;
  for (int i = 0; i < command->count; ++i) {
    line = memmem(at, (size_t)(stop - at), "\r\n", 2);
    if (line == NULL) return 0;
    const size_t size = (size_t)atoi(at + 1), kept = size < kWord ? size : kWord - 1;
    at = line + 2;
    if ((size_t)(stop - at) < size + 2) return 0;
    if (i < kWords) {
      memcpy(command->words[i], at, kept);
      command->words[i][kept] = '\0';
    }
    at += size + 2;
  }
  return (size_t)(at - buffer);
}

static const struct fake_step *step_for(fake_server_t *server, const char *word) {
  for (int i = 0; server->steps[i].expect != NULL; ++i) {
    const struct fake_step *step = &server->steps[i];
    if (strcasecmp(step->expect, word) != 0) continue;
    if (step->times != 0 && server->used[i] >= step->times) continue;
    ++server->used[i];
    return step;
  }
  return NULL;
}

static void unscripted(fake_server_t *server, struct peer *peer, const struct command *command) {
  const char *word = command->words[0];
  const bool is_client = strcasecmp(word, "CLIENT") == 0;
  char line[96], text[160] = "-ERR unscripted\r\n";
  if (strcasecmp(word, "HELLO") == 0) {
    send_text(peer,
              "*6\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n7.0.15\r\n"
              "$4\r\nmode\r\n$10\r\nstandalone\r\n");
    return;
  }
  if (is_client && strcasecmp(command->words[1], "INFO") == 0) {
    snprintf(line, sizeof line, "id=%d addr=127.0.0.1:%d laddr=127.0.0.1:6379 fd=8\n",
             server->connections, 10000 + server->connections);
    snprintf(text, sizeof text, "$%zu\r\n%s\r\n", strlen(line), line);
  } else if (is_client) {
    snprintf(text, sizeof text, ":1\r\n");
  }
  send_text(peer, text);
}

static void confirm(fake_server_t *server, struct peer *peer, const struct command *command) {
  char text[256];
  const char *channel = command->words[1];
  snprintf(text, sizeof text, "*3\r\n$9\r\nsubscribe\r\n$%zu\r\n%.200s\r\n:1\r\n", strlen(channel),
           channel);
  send_text(peer, text);
  server->subscribed = (int)(peer - server->peers);
}

static void obey(fake_server_t *server, struct peer *peer, const struct command *command) {
  const char *word = command->words[0];
  if (server->seen < kCommands) snprintf(server->words[server->seen++], 12, "%.11s", word);
  if (strcasecmp(word, "EVALSHA") == 0) server->evalsha = *command;
  if (strcasecmp(word, "SUBSCRIBE") == 0) server->subscribe = *command;
  if (strcasecmp(word, "SCAN") == 0) server->scan = *command;
  if (strcasecmp(word, "AUTH") == 0) server->secrets.credentials[0] = '\0';
  for (int i = 0; i < command->count && i < kWords; ++i)
    fake_secrets_note(&server->secrets, word, command->words[i]);
  const struct fake_step *step = step_for(server, word);
  if (step == NULL) {
    unscripted(server, peer, command);
    return;
  }
  if (step->action == FAKE_TRICKLE) {
    peer->trickle = step->bytes;
    peer->next_byte = now_ms();
  } else if (step->action == FAKE_ECHO) {
    char text[2048];
    fake_secrets_echo(&server->secrets, step->bytes, text, sizeof text);
    send_text(peer, text);
  } else if (step->action != FAKE_SILENT && step->action != FAKE_RESET) {
    send_text(peer, step->bytes);
  }
  if (step->action == FAKE_SUBSCRIBE || step->action == FAKE_SUBSCRIBE_CLOSE)
    confirm(server, peer, command);
  if (step->action == FAKE_CLOSE || step->action == FAKE_RESET ||
      step->action == FAKE_SUBSCRIBE_CLOSE)
    end(peer, step->action == FAKE_RESET);
}

static void hear(fake_server_t *server, struct peer *peer) {
  const ssize_t count =
      recv(peer->fd, peer->buffer + peer->length, sizeof peer->buffer - peer->length, MSG_DONTWAIT);
  if (count <= 0) {
    end(peer, false);
    return;
  }
  peer->length += (size_t)count;
  static struct command command; /* of the one thread there is; too large for its stack */
  size_t taken = 0;
  while (peer->fd >= 0 && (taken = parse(peer->buffer, peer->length, &command)) > 0) {
    peer->length -= taken;
    memmove(peer->buffer, peer->buffer + taken, peer->length);
    obey(server, peer, &command);
  }
}

static void welcome(fake_server_t *server) {
  const int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
  need(fd >= 0, "accept");
  ++server->connections;
  int i = 0;
  while (i < kPeers && server->peers[i].fd >= 0) ++i;
  need(i < kPeers, "fake server: too many connections");
  server->peers[i] = (struct peer){.fd = fd};
  const struct fake_step *step = step_for(server, "ACCEPT");
  if (step != NULL) end(&server->peers[i], step->action == FAKE_RESET);
}

static void drip(struct peer *peer) {
  if (peer->fd < 0 || peer->trickle == NULL || *peer->trickle == '\0') return;
  if (now_ms() < peer->next_byte) return;
  send_bytes(peer, peer->trickle++, 1);
  peer->next_byte += 1000;
}

static void *play(void *argument) {
  fake_server_t *server = argument;
  for (;;) {
    struct pollfd polled[kPeers + 2];
    for (int i = 0; i < kPeers; ++i)
      polled[i] = (struct pollfd){.fd = server->peers[i].fd, .events = POLLIN};
    polled[kPeers] = (struct pollfd){.fd = server->listener, .events = POLLIN};
    polled[kPeers + 1] = (struct pollfd){.fd = server->wake[0], .events = POLLIN};
    poll(polled, kPeers + 2, kTick);
    pthread_mutex_lock(&server->mutex);
    for (int i = 0; i < kPeers; ++i) {
      if (polled[i].fd >= 0 && polled[i].revents != 0) hear(server, &server->peers[i]);
      drip(&server->peers[i]);
    }
    if (polled[kPeers].revents != 0) welcome(server);
    const bool stop = server->stopping;
    pthread_mutex_unlock(&server->mutex);
    if (stop) return NULL;
  }
}

fake_server_t *fake_server_start(const struct fake_step *steps) {
  fake_server_t *server = calloc(1, sizeof *server);
  need(server != NULL, "fake server: no memory");
  server->steps = steps;
  for (int i = 0; i < kPeers; ++i) server->peers[i].fd = -1;
  pthread_mutex_init(&server->mutex, NULL);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  need(bind(server->listener, (struct sockaddr *)&address, sizeof address) == 0 &&
           listen(server->listener, 64) == 0 &&
           getsockname(server->listener, (struct sockaddr *)&address, &length) == 0 &&
           pipe2(server->wake, O_CLOEXEC) == 0,
       "fake server");
  snprintf(server->url, sizeof server->url, "redis://127.0.0.1:%d", ntohs(address.sin_port));
  need(pthread_create(&server->thread, NULL, play, server) == 0, "fake server: no thread");
  return server;
}

void fake_server_stop(fake_server_t *server) {
  if (server == NULL) return;
  pthread_mutex_lock(&server->mutex);
  server->stopping = true;
  pthread_mutex_unlock(&server->mutex);
  need(write(server->wake[1], "", 1) == 1, "fake server: wake");
  pthread_join(server->thread, NULL);
  for (int i = 0; i < kPeers; ++i)
    if (server->peers[i].fd >= 0) close(server->peers[i].fd);
  close(server->listener);
  close(server->wake[0]);
  close(server->wake[1]);
  pthread_mutex_destroy(&server->mutex);
  free(server);
}

const char *fake_server_url(const fake_server_t *server) { return server->url; }

int fake_server_count(fake_server_t *server, const char *word) {
  pthread_mutex_lock(&server->mutex);
  int count = *word == '\0' ? server->connections : 0;
  for (int i = 0; i < server->seen; ++i) count += strcasecmp(server->words[i], word) == 0;
  pthread_mutex_unlock(&server->mutex);
  return count;
}

struct awaited {
  fake_server_t *server;
  const char *word;
  int n;
};

static bool came(void *argument) {
  const struct awaited *awaited = argument;
  return fake_server_count(awaited->server, awaited->word) >= awaited->n;
}

bool fake_server_await(fake_server_t *server, const char *word, int n) {
  struct awaited awaited = {server, word, n};
  return eventually(came, &awaited, 10000);
}

void fake_server_word(fake_server_t *server, const char *command, int index, char *out,
                      size_t size) {
  pthread_mutex_lock(&server->mutex);
  const struct command *last = strcasecmp(command, "EVALSHA") == 0     ? &server->evalsha
                               : strcasecmp(command, "SUBSCRIBE") == 0 ? &server->subscribe
                                                                       : &server->scan;
  snprintf(out, size, "%s", index < last->count && index < kWords ? last->words[index] : "");
  pthread_mutex_unlock(&server->mutex);
}

void fake_server_push(fake_server_t *server, const char *bytes) {
  pthread_mutex_lock(&server->mutex);
  send_text(&server->peers[server->subscribed], bytes);
  pthread_mutex_unlock(&server->mutex);
}
