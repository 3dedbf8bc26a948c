/* Starting, asking, killing and ending a redis-server that belongs to one test program. */
#define _GNU_SOURCE
#include "support/redis.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/timing.h"

enum { kStartMs = 20000, kAnswerSeconds = 20 };

static void die(const redis_server_t *server, const char *what) {
  fprintf(stderr, "tests/support/redis: %s (%s)\n", what, strerror(errno));
  if (server != NULL && server->folder[0] != '\0') {
    char path[96], line[256];
    snprintf(path, sizeof path, "%s/log", server->folder);
    FILE *log = fopen(path, "re");
    while (log != NULL && fgets(line, sizeof line, log) != NULL) fputs(line, stderr);
    if (log != NULL) fclose(log);
  }
  abort();
}

/* ---------------------------------------------------------------- its process */

static void run_server(char *const *args, const char *folder, pid_t parent) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  setpgid(0, 0); /* Ctrl-C is the test's, which may have use for the server yet */
  signal(SIGPIPE, SIG_DFL);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int log = chdir(folder) == 0 ? open("log", O_WRONLY | O_CREAT | O_APPEND, 0600) : -1;
  if (getppid() != parent || log < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0) _exit(126);
  execvp("redis-server", args);
  _exit(127);
}

static redisContext *connect_to(const redis_server_t *server) {
  const struct timeval patience = {kAnswerSeconds, 0};
  redisContext *context = redisConnectUnixWithTimeout(server->socket, patience);
  if (context == NULL || context->err != 0 || redisSetTimeout(context, patience) != REDIS_OK) {
    if (context != NULL) redisFree(context);
    return NULL;
  }
  if (server->password[0] != '\0')
    freeReplyObject(redisCommand(context, "AUTH %s", server->password));
  return context;
}

/* Answers at all, with whatever its options make of a PING. */
static bool answers(void *argument) {
  redis_server_t *server = argument;
  if (waitpid(server->pid, NULL, WNOHANG) != 0) die(server, "redis-server did not start");
  redisContext *context = connect_to(server);
  if (context == NULL) return false;
  redisReply *reply = redisCommand(context, "PING");
  const bool ready = reply != NULL && strncmp(reply->str, "LOADING", 7) != 0;
  if (reply != NULL) freeReplyObject(reply);
  redisFree(context);
  return ready;
}

static void spawn(redis_server_t *server) {
  unlink(server->socket);
  const pid_t parent = getpid();
  server->pid = fork();
  if (server->pid < 0) die(server, "fork");
  if (server->pid == 0) run_server(server->args, server->folder, parent);
  if (!eventually(answers, server, kStartMs)) die(server, "redis-server does not answer");
}

/* ---------------------------------------------------------------- its life */

static int free_port(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
      getsockname(fd, (struct sockaddr *)&address, &length) != 0)
    die(NULL, "no free port");
  close(fd);
  return ntohs(address.sin_port);
}

static void add_args(redis_server_t *server, const char *const *args) {
  size_t count = 0;
  while (server->args[count] != NULL) ++count;
  for (; args != NULL && *args != NULL; ++args) {
    if (count + 1 >= sizeof server->args / sizeof *server->args) die(server, "too many arguments");
    server->args[count++] = strdup(*args);
    if (strcmp(*args, "--requirepass") == 0 && args[1] != NULL)
      snprintf(server->password, sizeof server->password, "%s", args[1]);
  }
}

static redis_server_t *start(const char *const *args, int port) {
  redis_server_t *server = calloc(1, sizeof *server);
  if (server == NULL) die(NULL, "no memory");
  strcpy(server->folder, "/tmp/redilock-test-XXXXXX");
  if (mkdtemp(server->folder) == NULL) die(NULL, "mkdtemp");
  snprintf(server->socket, sizeof server->socket, "%s/redis.sock", server->folder);
  snprintf(server->url, sizeof server->url, "unix://%s", server->socket);
  if (port != 0) snprintf(server->tcp_url, sizeof server->tcp_url, "redis://127.0.0.1:%d", port);
  server->port = port;
  char port_text[16];
  snprintf(port_text, sizeof port_text, "%d", port);
  const char *const own[] = {"redis-server", "--port", port_text, "--bind",       "127.0.0.1",
                             "--save",       "",       "--dir",   server->folder, "--unixsocket",
                             server->socket, NULL};
  add_args(server, own);
  add_args(server, args);
  spawn(server);
  return server;
}

redis_server_t *redis_start(const char *const *args) { return start(args, 0); }

redis_server_t *redis_start_tcp(const char *const *args) { return start(args, free_port()); }

void redis_kill(redis_server_t *server) {
  if (server->pid == 0) return;
  if (kill(server->pid, SIGKILL) != 0) die(server, "kill");
  while (waitpid(server->pid, NULL, 0) < 0)
    if (errno != EINTR) die(server, "waitpid");
  server->pid = 0;
}

void redis_restart(redis_server_t *server) {
  redis_kill(server);
  spawn(server);
}

void redis_pause(redis_server_t *server) {
  int status = 0;
  if (kill(server->pid, SIGSTOP) != 0) die(server, "SIGSTOP");
  while (waitpid(server->pid, &status, WUNTRACED) < 0)
    if (errno != EINTR) die(server, "waitpid");
  if (!WIFSTOPPED(status)) die(server, "it ended instead of stopping");
}

void redis_resume(redis_server_t *server) {
  if (kill(server->pid, SIGCONT) != 0) die(server, "SIGCONT");
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk) {
  (void)status, (void)type, (void)walk;
  return remove(path);
}

void redis_stop(redis_server_t *server) {
  if (server == NULL) return;
  redis_kill(server);
  nftw(server->folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
  for (char **arg = server->args; *arg != NULL; ++arg) free(*arg);
  free(server);
}

/* ---------------------------------------------------------------- asking it */

static redisReply *ask(const redis_server_t *server, const char *format, va_list values) {
  redisContext *context = connect_to(server);
  if (context == NULL) die(server, "cannot connect");
  redisReply *reply = redisvCommand(context, format, values);
  if (reply == NULL) die(server, context->errstr);
  redisFree(context);
  return reply;
}

static redisReply *ask_well(const redis_server_t *server, const char *format, va_list values) {
  redisReply *reply = ask(server, format, values);
  if (reply->type == REDIS_REPLY_ERROR) die(server, reply->str);
  return reply;
}

redisReply *redis_command(const redis_server_t *server, const char *format, ...) {
  va_list values;
  va_start(values, format);
  redisReply *reply = ask(server, format, values);
  va_end(values);
  return reply;
}

int64_t redis_integer(const redis_server_t *server, const char *format, ...) {
  va_list values;
  va_start(values, format);
  redisReply *reply = ask_well(server, format, values);
  va_end(values);
  if (reply->type != REDIS_REPLY_INTEGER && reply->type != REDIS_REPLY_NIL)
    die(server, "the answer is no integer");
  const int64_t number = reply->type == REDIS_REPLY_NIL ? -1 : reply->integer;
  freeReplyObject(reply);
  return number;
}

void redis_do(const redis_server_t *server, const char *format, ...) {
  va_list values;
  va_start(values, format);
  freeReplyObject(ask_well(server, format, values));
  va_end(values);
}

bool redis_text(const redis_server_t *server, char *buffer, size_t size, const char *format, ...) {
  va_list values;
  va_start(values, format);
  redisReply *reply = ask_well(server, format, values);
  va_end(values);
  const bool present = reply->type != REDIS_REPLY_NIL;
  if (present && reply->str == NULL) die(server, "the answer is no text");
  snprintf(buffer, size, "%s", present ? reply->str : "");
  freeReplyObject(reply);
  return present;
}

bool redis_sees_renewal(const redis_server_t *server, const char *key) {
  int64_t before = INT64_MAX;
  for (;;) {
    const int64_t left = redis_integer(server, "PTTL %s", key);
    if (left <= 0) return false;
    if (left > before) return true;
    before = left;
    pass_ms(1); /* valgrind runs one thread at a time, and one that never rests for long */
  }
}
