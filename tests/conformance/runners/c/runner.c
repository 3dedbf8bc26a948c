/* The runner of C: one thread, which submits acquires and polls its input and the descriptors. */
#define _GNU_SOURCE
#include <poll.h>
#include <redilock/redilock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST 64

struct text {
  char bytes[4096];
  size_t length;
};
struct named {
  char name[64];
  void *handle;
  int32_t fd; /* of a client, until its last completion was taken; else -1 */
};
/* An acquire or a loss that is under way: its number in the driver is its tag. */
struct waiting {
  uint64_t number;
  redilock_op_t *op;
  struct named *lock;
};
static struct named clients[MOST], locks[MOST];
static struct waiting waits[MOST];

static void check(int right, const char *what) {
  if (right) return;
  fprintf(stderr, "runner: %s\n", what);
  exit(1);
}

/* The entry of a name, or a free one that is given the name. */
static struct named *entry(struct named *table, const char *name) {
  size_t i = 0;
  while (i < MOST && table[i].name[0] != 0 && strcmp(table[i].name, name) != 0) ++i;
  check(i < MOST && strlen(name) < sizeof table[i].name, "too many objects");
  strcpy(table[i].name, name);
  return &table[i];
}

static struct waiting *waiting(uint64_t number) {
  size_t i = 0;
  while (i < MOST && waits[i].number != number) ++i;
  check(i < MOST, "no such request");
  return &waits[i];
}

static struct text decoded(const char *word) {
  struct text text = {{0}, 0};
  for (; *word != 0; ++word) {
    unsigned byte = (unsigned char)*word;
    if (byte == '%') {
      check(sscanf(word + 1, "%2x", &byte) == 1, "a wrong escape");
      word += 2;
    }
    check(text.length + 1 < sizeof text.bytes, "a long word");
    text.bytes[text.length++] = (char)byte;
  }
  return text;
}

static void print_encoded(const char *bytes, size_t length) {
  for (size_t i = 0; i < length; ++i) {
    const unsigned char byte = (unsigned char)bytes[i];
    if (byte > ' ' && byte < 127 && strchr("%=,", byte) == NULL) {
      putchar(byte);
    } else {
      printf("%%%02X", byte);
    }
  }
}

/* Begins a reply: "E_HELD" without the "REDILOCK_E_" or "REDILOCK_". */
static void status(uint64_t number, int32_t status) {
  const char *name = redilock_status_name(status) + strlen("REDILOCK_");
  printf("%llu %s", (unsigned long long)number, strncmp(name, "E_", 2) == 0 ? name + 2 : name);
}
static void reply(uint64_t number, int32_t ended) {
  status(number, ended);
  putchar('\n');
}

/* Cuts "name=value" and gives the decoded value of the next option, or of one by its name. */
static int next_option(char **words, char **name, struct text *value) {
  if (*words == NULL) return 0;
  char *sign = strchr(*words, '=');
  check(sign != NULL, "an option without a value");
  *name = *words;
  *sign = 0;
  *value = decoded(sign + 1);
  return 1;
}
static struct text option(char **words, const char *name) {
  const size_t length = strlen(name);
  for (; *words != NULL; ++words) {
    if (strncmp(*words, name, length) == 0 && (*words)[length] == '=')
      return decoded(*words + length + 1);
  }
  return decoded("");
}

/* NULL after a failure, which was replied. */
static redilock_op_t *operation(uint64_t number, void *client, char **words) {
  redilock_op_t *op = NULL;
  char *name;
  struct text value;
  const int32_t made = redilock_op_new(client, &op);
  if (made != REDILOCK_OK) return reply(number, made), NULL;
  /* The call that follows refuses what cannot be set. */
  for (; next_option(words, &name, &value); ++words)
    redilock_op_set_bytes(op, name, value.bytes, value.length);
  return op;
}

static int32_t make_client(struct named *client, char **words) {
  redilock_options_t *options = NULL;
  struct text value, url = option(words, "url");
  char *name;
  check(redilock_options_new(&options) == REDILOCK_OK, "no options");
  for (; next_option(words, &name, &value); ++words) {
    if (strcmp(name, "url") == 0) continue;
    redilock_options_set_bytes(options, name, value.bytes, value.length, NULL, 0);
  }
  const int32_t made = redilock_new(url.length > 0 ? url.bytes : NULL, options,
                                    (redilock_client_t **)&client->handle, NULL, 0);
  redilock_options_free(options);
  if (made != REDILOCK_OK) return made;
  return redilock_client_fd(client->handle, &client->fd);
}

/* What the child of a fork is told of its parent's client. */
static int32_t forked(redilock_client_t *client) {
  redilock_lock_t *lock = NULL;
  int code = 0;
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) _exit(-redilock_acquire(client, "forked", 6, 1000, 0, &lock, NULL, 0));
  check(waitpid(child, &code, 0) == child && WIFEXITED(code), "the child of the fork");
  return -WEXITSTATUS(code);
}

static void info(uint64_t number, redilock_op_t *op, struct text token) {
  static const char *const states[] = {"free", "held", "foreign"};
  redilock_info_t *found = NULL;
  const int32_t ended = redilock_op_info(op, &found);
  status(number, ended);
  if (ended == REDILOCK_OK) {
    printf(" state=%s waiters=%lld is=%d label=", states[redilock_info_state(found)],
           (long long)redilock_info_waiters(found),
           redilock_info_is(found, token.bytes, token.length));
    print_encoded(redilock_info_label(found), strlen(redilock_info_label(found)));
  }
  putchar('\n');
  redilock_info_free(found);
}

static void list(uint64_t number, redilock_client_t *client, struct text pattern) {
  redilock_list_t *names = NULL;
  const char *name = NULL, *comma = "";
  size_t length = 0;
  int32_t ended = redilock_list_new(client, pattern.bytes, pattern.length, &names);
  printf("%llu OK names=", (unsigned long long)number);
  while (ended == REDILOCK_OK &&
         (ended = redilock_list_next(names, &name, &length)) == REDILOCK_OK && name) {
    fputs(comma, stdout);
    print_encoded(name, length);
    comma = ",";
  }
  putchar('\n');
  redilock_list_free(names);
}

/* A request: its number, a verb, mostly the name of an object, and options. */
static void serve(uint64_t number, const char *verb, const char *object, char **words) {
  struct named *client = entry(clients, object);
  if (strcmp(verb, "client") == 0) {
    reply(number, make_client(client, words));
  } else if (strcmp(verb, "close") == 0) {
    redilock_client_close(client->handle);
    reply(number, REDILOCK_OK);
  } else if (strcmp(verb, "fork") == 0) {
    reply(number, forked(client->handle));
  } else if (strcmp(verb, "cancel") == 0) {
    redilock_op_cancel(waiting(strtoull(object, NULL, 10))->op);
    reply(number, REDILOCK_OK);
  } else if (strcmp(verb, "list") == 0) {
    const struct text pattern = option(words, "pattern");
    list(number, client->handle, pattern.length > 0 ? pattern : decoded("*"));
  } else if (strcmp(verb, "acquire") == 0) {
    redilock_op_t *op = operation(number, client->handle, words + 1);
    if (op == NULL) return;
    struct waiting *wait = waiting(0);
    *wait = (struct waiting){number, op, entry(locks, words[0])};
    const int32_t submitted = redilock_op_submit_acquire(wait->op, number);
    if (submitted == REDILOCK_OK) return;
    redilock_op_free(wait->op);
    *wait = (struct waiting){0, NULL, NULL};
    reply(number, submitted);
  } else if (strcmp(verb, "attach") == 0) {
    redilock_op_t *op = operation(number, client->handle, words + 1);
    if (op == NULL) return;
    struct named *lock = entry(locks, words[0]);
    redilock_lock_free(lock->handle);
    reply(number, redilock_op_attach(op, (redilock_lock_t **)&lock->handle));
    redilock_op_free(op);
  } else if (strcmp(verb, "info") == 0) {
    const struct text token = option(words, "token");
    redilock_op_t *op = operation(number, client->handle, (char *[]){words[0], NULL});
    if (op == NULL) return;
    info(number, op, token);
    redilock_op_free(op);
  } else if (strcmp(verb, "break") == 0 || strcmp(verb, "check") == 0 ||
             strcmp(verb, "release_token") == 0 || strcmp(verb, "extend_token") == 0) {
    redilock_op_t *op = operation(number, client->handle, words);
    if (op == NULL) return;
    reply(number, verb[0] == 'b'   ? redilock_op_break(op)
                  : verb[0] == 'c' ? redilock_op_check(op)
                  : verb[0] == 'r' ? redilock_op_release(op, NULL)
                                   : redilock_op_extend(op, NULL));
    redilock_op_free(op);
  } else {
    printf("%llu UNABLE\n", (unsigned long long)number);
  }
}

/* A request on a lock; 0 if the verb is none. */
static int serve_lock(uint64_t number, const char *verb, const char *object, char **words) {
  struct named *lock = entry(locks, object);
  size_t length = 0;
  if (strcmp(verb, "release") == 0) {
    reply(number, redilock_release(lock->handle));
  } else if (strcmp(verb, "extend") == 0) {
    const struct text ttl = option(words, "ttl");
    reply(number, redilock_extend(lock->handle, strtoll(ttl.bytes, NULL, 10)));
  } else if (strcmp(verb, "drop") == 0) {
    redilock_lock_drop(lock->handle);
    lock->handle = NULL;
    reply(number, REDILOCK_OK);
  } else if (strcmp(verb, "detach") == 0) {
    redilock_lock_free(lock->handle);
    lock->handle = NULL;
    reply(number, REDILOCK_OK);
  } else if (strcmp(verb, "look") == 0) {
    status(number, REDILOCK_OK);
    printf(" held=%d remaining=%lld fence=%lld token=", redilock_lock_is_held(lock->handle),
           (long long)redilock_lock_remaining_ms(lock->handle),
           (long long)redilock_lock_fence(lock->handle));
    const char *token = redilock_lock_token(lock->handle, &length);
    print_encoded(token, length);
    putchar('\n');
  } else if (strcmp(verb, "lost") == 0) {
    *waiting(0) = (struct waiting){number, NULL, lock};
    check(redilock_lock_watch(lock->handle, number) == REDILOCK_OK, "no watch");
  } else {
    return 0;
  }
  return 1;
}

static void serve_line(char *line) {
  char *words[MOST] = {NULL};
  size_t count = 0;
  for (char *word = strtok(line, " \n"); word != NULL && count < MOST - 1;
       word = strtok(NULL, " \n")) {
    words[count++] = word;
  }
  check(count >= 3, "a request has three words");
  const uint64_t number = strtoull(words[0], NULL, 10);
  if (!serve_lock(number, words[1], words[2], words + 3))
    serve(number, words[1], words[2], words + 3);
}

static void drain(struct named *client) {
  uint64_t number = 0;
  int32_t kind = 0, ended = 0, taken;
  while ((taken = redilock_client_next(client->handle, &number, &kind, &ended)) == REDILOCK_OK) {
    if (kind == 0) return;
    struct waiting *wait = waiting(number);
    status(number, ended);
    if (kind == REDILOCK_COMPLETION_ACQUIRE && ended == REDILOCK_OK) {
      redilock_lock_free(wait->lock->handle);
      check(redilock_op_take_lock(wait->op, (redilock_lock_t **)&wait->lock->handle) == 0,
            "no lock to take");
      printf(" fence=%lld", (long long)redilock_lock_fence(wait->lock->handle));
    }
    putchar('\n');
    redilock_op_free(wait->op);
    *wait = (struct waiting){0, NULL, NULL};
  }
  client->fd = -1; /* closed, and readable for ever */
}

int main(void) {
  static char line[65536];
  setvbuf(stdout, NULL, _IOLBF, 0);
  setvbuf(stdin, NULL, _IONBF, 0); /* poll must see what was not read */
  for (;;) {
    struct pollfd polled[MOST + 1] = {{STDIN_FILENO, POLLIN, 0}};
    for (size_t i = 0; i < MOST; ++i) {
      polled[i + 1].fd = clients[i].handle == NULL ? -1 : clients[i].fd;
      polled[i + 1].events = POLLIN;
    }
    check(poll(polled, MOST + 1, -1) > 0, "poll");
    for (size_t i = 0; i < MOST; ++i) {
      if (polled[i + 1].revents != 0) drain(&clients[i]);
    }
    if (polled[0].revents != 0) {
      if (fgets(line, sizeof line, stdin) == NULL) break;
      serve_line(line);
    }
  }
  for (size_t i = 0; i < MOST; ++i) redilock_op_free(waits[i].op);
  for (size_t i = 0; i < MOST; ++i) redilock_lock_free(locks[i].handle);
  for (size_t i = 0; i < MOST; ++i) redilock_free(clients[i].handle);
  return 0;
}
