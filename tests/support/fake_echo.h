/*
 * The secrets that a fake server was sent, and replies that repeat them: as a server does whose
 * errors quote the request, and as a hostile one does anywhere.
 */
#ifndef REDILOCK_TESTS_FAKE_ECHO_H
#define REDILOCK_TESTS_FAKE_ECHO_H

#include <stddef.h>

struct fake_secrets {
  char credentials[64]; /* the words of the last AUTH */
  char id[33];          /* of the last token in a command */
};

/** Takes note of one word of a command; `command` is the first. */
void fake_secrets_note(struct fake_secrets *secrets, const char *command, const char *word);

/*
 * Copies `bytes` with the secrets, each as it is and in upper case, in place of '\1'; as a bulk
 * string in place of '\2'; and as one that is a token with the secrets for its label in place of
 * '\3'. Cut at `size`.
 */
void fake_secrets_echo(const struct fake_secrets *secrets, const char *bytes, char *out,
                       size_t size);

#endif
