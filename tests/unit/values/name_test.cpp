// Keys and channels of a lock name.
#include "values/name.hpp"

#include <string_view>

#include "../outcome.hpp"

using redilock::lock_key;

static Outcome key(std::string_view prefix, std::string_view name) {
  return outcome_of([&] { return lock_key(prefix, name); });
}

static Outcome key_of_lengths(size_t prefix, size_t name) {
  return outcome_of([&] {
    return std::to_string(lock_key(std::string(prefix, 'p'), std::string(name, 'n')).size());
  });
}

static void key_is_the_prefix_and_the_name(void **) {
  assert_returns(key("", "job"), "job");
  assert_returns(key("app:", "job"), "app:job");
}

static void every_byte_is_kept(void **) {
  const char name[] = "a\0{b}\n\xff:c";
  const Outcome got = key("", std::string_view(name, sizeof name - 1));
  assert_int_equal(got.status, 0);
  assert_memory_equal(got.text, name, sizeof name);
}

static void empty_name_is_refused(void **) {
  assert_throws(key("", ""), kInvalid, "name: is empty");
  assert_throws(key("app:", ""), kInvalid, "name: is empty");
}

static void key_has_at_most_1024_bytes(void **) {
  assert_returns(key_of_lengths(0, 1024), "1024");
  assert_returns(key_of_lengths(24, 1000), "1024");
  assert_throws(key_of_lengths(0, 1025), kInvalid,
                "name: has 1025 bytes, prefix included; at most 1024");
  assert_throws(key_of_lengths(25, 1000), kInvalid,
                "name: has 1025 bytes, prefix included; at most 1024");
}

static void reserved_start_is_refused_however_it_comes_about(void **) {
  const char *message = "name: starts with \"redilock:\", which is reserved";
  assert_throws(key("", "redilock:"), kInvalid, message);
  assert_throws(key("", "redilock:1:{}:fence"), kInvalid, message);
  assert_throws(key("redi", "lock:x"), kInvalid, message);
  assert_throws(key("redilock:", "x"), kInvalid, message);
}

static void names_that_only_look_reserved_are_fine(void **) {
  assert_returns(key("", "redilock"), "redilock");
  assert_returns(key("", "Redilock:x"), "Redilock:x");
  assert_returns(key("app:", "redilock:x"), "app:redilock:x");
}

static void side_keys_carry_version_and_tag(void **) {
  assert_returns(outcome_of([] { return redilock::queue_key("a:b"); }), "redilock:1:{}:queue:a:b");
  assert_returns(outcome_of([] { return std::string(redilock::kFenceKey); }),
                 "redilock:1:{}:fence");
  assert_returns(outcome_of([] { return redilock::wake_channel("c1"); }), "redilock:1:{}:wake:c1");
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(key_is_the_prefix_and_the_name),
      cmocka_unit_test(every_byte_is_kept),
      cmocka_unit_test(empty_name_is_refused),
      cmocka_unit_test(key_has_at_most_1024_bytes),
      cmocka_unit_test(reserved_start_is_refused_however_it_comes_about),
      cmocka_unit_test(names_that_only_look_reserved_are_fine),
      cmocka_unit_test(side_keys_carry_version_and_tag),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
