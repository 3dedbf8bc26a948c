#include "support/fake_echo.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char kToken[] = "redilock:00000000000000000000000000000000:";
enum { kIdAt = 9, kColonAt = 41 };

void fake_secrets_note(struct fake_secrets *secrets, const char *command, const char *word) {
  if (strcasecmp(command, "AUTH") == 0 && word != command) {
    const size_t length = strlen(secrets->credentials);
    snprintf(secrets->credentials + length, sizeof secrets->credentials - length, "%s%.20s",
             length > 0 ? " " : "", word);
  }
  if (strncmp(word, kToken, kIdAt) == 0 && strlen(word) > kColonAt && word[kColonAt] == ':')
    snprintf(secrets->id, sizeof secrets->id, "%.32s", word + kIdAt);
}

void fake_secrets_echo(const struct fake_secrets *secrets, const char *bytes, char *out,
                       size_t size) {
  char plain[128], upper[128], all[300];
  snprintf(plain, sizeof plain, "%s %s", secrets->credentials, secrets->id);
  for (size_t i = 0; i <= strlen(plain); ++i) upper[i] = (char)toupper((unsigned char)plain[i]);
  snprintf(all, sizeof all, "%s %s", plain, upper);
  size_t length = 0;
  for (*out = '\0'; *bytes != '\0' && length + 1 < size; ++bytes) {
    if (*bytes == '\1')
      snprintf(out + length, size - length, "%s", all);
    else if (*bytes == '\2')
      snprintf(out + length, size - length, "$%zu\r\n%s\r\n", strlen(all), all);
    else if (*bytes == '\3')
      snprintf(out + length, size - length, "$%zu\r\n%s%s\r\n", strlen(kToken) + strlen(all),
               kToken, all);
    else
      snprintf(out + length, size - length, "%c", *bytes);
    length += strlen(out + length);
  }
}
