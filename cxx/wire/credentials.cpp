#include "wire/credentials.hpp"

#include <algorithm>

#include "values/name.hpp"

namespace redilock {

namespace {

bool is_of_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

// A user name may be as common as "user": only as a word of its own it is the name.
bool is_whole_word(std::string_view text, size_t at, size_t length) {
  const size_t end = at + length;
  return (at == 0 || !is_of_word(text[at - 1])) && (end == text.size() || !is_of_word(text[end]));
}

// Piece by piece, because a hostile server may repeat the secret a million times.
std::string without(std::string_view secret, const std::string &text, bool as_word) {
  if (secret.empty()) return text;
  std::string rest;
  size_t from = 0;
  for (size_t at = text.find(secret); at != text.npos; at = text.find(secret, at)) {
    const size_t end = at + secret.size();
    if (!as_word || is_whole_word(text, at, secret.size())) {
      rest.append(text, from, at - from).append("*");
      from = end;
    }
    at = end;
  }
  return rest.append(text, from);
}

// The server or the client may have cut a token short.
void hide_tokens(std::string &text) {
  constexpr size_t kShortest = 9;
  for (size_t at = text.find(kReserved); at != text.npos; at = text.find(kReserved, at)) {
    at += kReserved.size();
    const size_t end = std::min(text.find_first_not_of("0123456789abcdef", at), text.size());
    if (end - at >= kShortest) std::fill(text.begin() + at, text.begin() + end, '*');
  }
}

void cut_begin_of(std::string_view secret, std::string &text) {
  for (size_t length = std::min(secret.size(), text.size()); length > 0; --length) {
    if (text.compare(text.size() - length, length, secret.substr(0, length)) != 0) continue;
    text.resize(text.size() - length);
    return;
  }
}

}  // namespace

std::string redacted(std::string_view said, const Credentials *credentials) {
  std::string text(said);
  if (credentials != nullptr) {
    text = without(credentials->password, text, false);
    text = without(credentials->username, text, true);
  }
  hide_tokens(text);
  return text;
}

std::string redacted_part(std::string_view said, const Credentials &credentials) {
  std::string text = redacted(said, &credentials);
  cut_begin_of(credentials.password, text);
  cut_begin_of(credentials.username, text);
  return text;
}

}  // namespace redilock
