/*
 * A real redis-server of a test's own: on a unix socket in a new folder, ended by its own pid and,
 * if the test crashes, by the kernel. What goes wrong here is no result of a test: it is told on
 * stderr and ends the program. Start servers from the main thread: a server ends with the thread it
 * came from.
 */
#ifndef REDILOCK_TESTS_REDIS_H
#define REDILOCK_TESTS_REDIS_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct redis_server {
  pid_t pid;         /* 0 while it is killed */
  int port;          /* 0 unless TCP was asked for */
  char folder[64];   /* its working directory, with its log */
  char socket[96];   /* the path of its unix socket */
  char url[128];     /* for redilock, by the unix socket; without a password */
  char tcp_url[64];  /* for redilock, by TCP; "" unless asked for */
  char password[64]; /* what --requirepass said, else "" */
  char *args[48];
} redis_server_t;

/** Starts a server and waits until it answers. `args` are NULL or end with NULL: {"--maxmemory",
 * "1mb", NULL}. */
redis_server_t *redis_start(const char *const *args);
/** The same, listening on a free port of 127.0.0.1 too. */
redis_server_t *redis_start_tcp(const char *const *args);
/** Ends the server and removes its folder. Takes NULL. */
void redis_stop(redis_server_t *server);

/** kill -9. The folder stays. */
void redis_kill(redis_server_t *server);
/** Starts it again in the same place with the same arguments, after redis_kill if it still runs. */
void redis_restart(redis_server_t *server);
/** SIGSTOP, and SIGCONT. */
void redis_pause(redis_server_t *server);
void redis_resume(redis_server_t *server);

/** Sends a command on a connection of its own; any thread. The answer, errors included, is the
 * caller's. */
redisReply *redis_command(const redis_server_t *server, const char *format, ...);
/** The same for those that answer with an integer, which a null counts as -1 for. */
int64_t redis_integer(const redis_server_t *server, const char *format, ...);
/** The same where no error is expected and the answer does not matter. */
void redis_do(const redis_server_t *server, const char *format, ...);
/** The same for those that answer with text: copies it with a NUL; false for null. */
bool redis_text(const redis_server_t *server, char *buffer, size_t size, const char *format, ...);

/** Waits until a key's lease becomes longer, so somebody renewed it; false if it ends before. */
bool redis_sees_renewal(const redis_server_t *server, const char *key);

#ifdef __cplusplus
}
#endif

#endif
