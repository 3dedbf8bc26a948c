// Tokens, and the random ids in them. Sources of random bytes that misbehave are played by
// functions.
#include "values/token.hpp"

#include <errno.h>

#include <set>
#include <thread>
#include <vector>

#include "../outcome.hpp"

using redilock::is_label;
using redilock::is_token;
using redilock::make_token;
using redilock::RandomIds;

static const char kId[] = "0123456789abcdef0123456789abcdef";

static Outcome first_id(RandomIds::Source source) {
  return outcome_of([&] { return RandomIds(source).next(); });
}

// Counts up from 0, one byte a call, and every other call is interrupted.
static unsigned calls;
static ssize_t slow_source(void *bytes, size_t, unsigned) {
  if (++calls % 2 == 0) {
    errno = EINTR;
    return -1;
  }
  *static_cast<unsigned char *>(bytes) = static_cast<unsigned char>(calls / 2);
  return 1;
}

static ssize_t broken_source(void *, size_t, unsigned) {
  errno = ENOSYS;
  return -1;
}

static void id_is_32_lower_case_hex_digits(void **) {
  const Outcome id = outcome_of([] { return RandomIds().next(); });
  assert_int_equal(strlen(id.text), 32);
  assert_int_equal(strspn(id.text, "0123456789abcdef"), 32);
}

static void short_and_interrupted_reads_are_completed(void **) {
  calls = 0;
  assert_returns(first_id(slow_source), "000102030405060708090a0b0c0d0e0f");
}

static void no_random_bytes_is_an_error(void **) {
  assert_throws(first_id(broken_source), kInternal, "the system gives no random bytes");
}

static void bytes_are_used_once_across_refills(void **) {
  calls = 0;
  const Outcome ids = outcome_of([] {
    RandomIds random(slow_source);
    std::string first;
    for (int i = 0; i < 64; ++i) {
      const std::string id = random.next();
      if (i == 1) first = id;
    }
    const unsigned before = calls;
    random.next();
    return first + (before <= 2048 && calls > before ? " refilled" : " early");
  });
  assert_returns(ids, "101112131415161718191a1b1c1d1e1f refilled");
}

static void ids_of_many_threads_differ(void **) {
  const Outcome count = outcome_of([] {
    constexpr size_t kThreads = 4, kEach = 2000;
    RandomIds random;
    std::vector<std::vector<std::string>> ids(kThreads);
    std::vector<std::thread> threads;
    for (auto &mine : ids) {
      threads.emplace_back([&] {
        for (size_t i = 0; i < kEach; ++i) mine.push_back(random.next());
      });
    }
    for (auto &thread : threads) thread.join();
    std::set<std::string> different;
    for (const auto &mine : ids) different.insert(mine.begin(), mine.end());
    return std::to_string(different.size());
  });
  assert_returns(count, "8000");
}

static void token_has_its_form_and_comes_apart_again(void **) {
  const Outcome token = outcome_of([] { return make_token(kId, "web:1/42"); });
  assert_returns(token, "redilock:0123456789abcdef0123456789abcdef:web:1/42");
  assert_true(is_token(token.text));
  assert_returns(outcome_of([&] { return std::string(redilock::token_id(token.text)); }), kId);
  assert_returns(outcome_of([&] { return std::string(redilock::token_label(token.text)); }),
                 "web:1/42");
}

static bool token_with(std::string_view label) { return is_token(make_token(kId, label)); }
static bool label_of_length(size_t length) { return is_label(std::string(length, 'x')); }
static bool token_of_length(size_t length) { return token_with(std::string(length, 'x')); }

static void label_may_be_empty_or_128_bytes(void **) {
  assert_true(token_with(""));
  assert_true(label_of_length(128));
  assert_false(label_of_length(129));
  assert_true(token_of_length(128));
  assert_false(token_of_length(129));
}

static void label_is_printable_ascii(void **) {
  assert_true(is_label(" ~"));
  for (const char *label : {"\n", "\x1f", "\x7f", "\x80", "\xc3\xa9"}) {
    assert_false(is_label(label));
    assert_false(token_with(label));
  }
  assert_false(is_label(std::string_view("\0", 1)));
}

static void anything_else_is_foreign(void **) {
  const char *foreign[] = {
      "",
      "redilock:",
      "redilock:0123456789abcdef0123456789abcdef",
      "redilock:0123456789abcdef0123456789abcde:x",
      "redilock:0123456789abcdef0123456789abcdef0:x",
      "redilock:0123456789ABCDEF0123456789abcdef:x",
      "redilock:0123456789abcdefg123456789abcdef:x",
      "Redilock:0123456789abcdef0123456789abcdef:x",
      "redilocK:0123456789abcdef0123456789abcdef:x",
      " redilock:0123456789abcdef0123456789abcdef:x",
      "6f1c24d4-7f0b-4b0e-9f6e-0d6a3f9e2b11",
  };
  for (const char *text : foreign) assert_false(is_token(text));
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(id_is_32_lower_case_hex_digits),
      cmocka_unit_test(short_and_interrupted_reads_are_completed),
      cmocka_unit_test(no_random_bytes_is_an_error),
      cmocka_unit_test(bytes_are_used_once_across_refills),
      cmocka_unit_test(ids_of_many_threads_differ),
      cmocka_unit_test(token_has_its_form_and_comes_apart_again),
      cmocka_unit_test(label_may_be_empty_or_128_bytes),
      cmocka_unit_test(label_is_printable_ascii),
      cmocka_unit_test(anything_else_is_foreign),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
