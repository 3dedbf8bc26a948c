#include "values/credentials.hpp"

#include <algorithm>

#include "values/name.hpp"
#include "values/token.hpp"

namespace redilock {

namespace {

constexpr std::string_view kHidden = "***";

bool is_of_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

// A user name may be as common as "user": only as a word of its own it is the name.
bool is_whole_word(std::string_view text, size_t at, size_t length) {
  const size_t end = at + length;
  return (at == 0 || !is_of_word(text[at - 1])) && (end == text.size() || !is_of_word(text[end]));
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char &c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

// Piece by piece, because a hostile server may repeat the secret a million times.
std::string without(std::string_view secret, const std::string &text, bool as_word) {
  if (secret.empty()) return text;
  const std::string sought = lower(secret), searched = lower(text);
  std::string rest;
  size_t from = 0;
  for (size_t at = searched.find(sought); at != text.npos; at = searched.find(sought, at)) {
    const size_t end = at + sought.size();
    if (!as_word || is_whole_word(text, at, sought.size())) {
      rest.append(text, from, at - from).append(kHidden);
      from = end;
    }
    at = end;
  }
  return rest.append(text, from);
}

// A run of digits as long as a token's id, or a shorter one behind the begin of a token: the server
// may have cut it short.
std::string without_tokens(const std::string &text) {
  constexpr size_t kShortest = 9;
  constexpr const char *kDigits = "0123456789abcdefABCDEF";
  const std::string searched = lower(text);
  std::string rest;
  size_t from = 0;
  for (size_t at = text.find_first_of(kDigits); at != text.npos;
       at = text.find_first_of(kDigits, at)) {
    const size_t end = std::min(text.find_first_not_of(kDigits, at), text.size());
    const bool is_in_token =
        at >= kReserved.size() &&
        searched.compare(at - kReserved.size(), kReserved.size(), kReserved) == 0;
    if (end - at >= (is_in_token ? kShortest : kTokenIdLength)) {
      rest.append(text, from, at - from).append(kHidden);
      from = end;
    }
    at = end;
  }
  return rest.append(text, from);
}

void cut_begin_of(std::string_view secret, std::string &text) {
  for (size_t length = std::min(secret.size(), text.size()); length > 0; --length) {
    if (lower(text.substr(text.size() - length)) != lower(secret.substr(0, length))) continue;
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
  return without_tokens(text);
}

std::string redacted_part(std::string_view said, const Credentials &credentials) {
  std::string text = redacted(said, &credentials);
  cut_begin_of(credentials.password, text);
  cut_begin_of(credentials.username, text);
  return text;
}

}  // namespace redilock
