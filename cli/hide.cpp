// Overwrites in place: what ps shows is the process' own memory. For a moment after the start they
// were to be seen, so files and the environment stay the better place for secrets.
#include "hide.hpp"

#include <algorithm>
#include <cstring>

namespace cli {
namespace {

void hide(char *from, const char *to) noexcept {
  if (from < to) std::fill(from, from + (to - from), '*');
}

// User and password of a url. A raw "@" or "/" may be part of the password.
void hide_credentials(char *word) noexcept {
  char *scheme = std::strstr(word, "://");
  char *at = std::strrchr(word, '@');
  if (scheme != nullptr && at != nullptr) hide(scheme + 3, at);
}

// Behind "password=", as an option or in a url's query.
void hide_option(char *word) noexcept {
  static const char kOption[] = "password=";
  while ((word = std::strstr(word, kOption)) != nullptr) {
    word += sizeof kOption - 1;
    hide(word, word + std::strlen(word));
  }
}

// The digits, and what follows them.
void hide_token(char *word) noexcept {
  static const char kToken[] = "redilock:";
  if (std::strncmp(word, kToken, sizeof kToken - 1) == 0)
    hide(word + sizeof kToken - 1, word + std::strlen(word));
}

}  // namespace

void hide_secrets(char **argv) noexcept {
  if (*argv == nullptr) return;
  for (char **word = argv + 1; *word != nullptr && std::strcmp(*word, "--") != 0; ++word) {
    hide_credentials(*word);
    hide_option(*word);
    hide_token(*word);
  }
}

}  // namespace cli
