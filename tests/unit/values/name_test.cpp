// Keys and channels of a lock name.
#include "values/name.hpp"

#include <string_view>

#include "../outcome.hpp"

using redilock::LockKeys;

static Outcome key(std::string_view prefix, std::string_view name) {
  return outcome_of([&] { return std::string(LockKeys(prefix, name).lock()); });
}

static Outcome key_of_lengths(size_t prefix, size_t name) {
  return outcome_of([&] {
    const LockKeys keys(std::string(prefix, 'p'), std::string(name, 'n'));
    return std::to_string(keys.lock().size());
  });
}

static Outcome side_keys(std::string_view prefix, std::string_view name) {
  return outcome_of([&] {
    const LockKeys keys(prefix, name);
    return std::string(keys.queue()) + " " + std::string(keys.fence()) + " " +
           std::string(keys.holders());
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

static void side_keys_carry_the_slot_word(void **) {
  assert_returns(
      side_keys("", "job"),
      "redilock:1:{@NB@}:queue:job redilock:1:{@NB@}:fence redilock:1:{@NB@}:holders:job");
  assert_returns(
      side_keys("jo", "b"),
      "redilock:1:{@NB@}:queue:job redilock:1:{@NB@}:fence redilock:1:{@NB@}:holders:job");
  assert_returns(side_keys("app:", "{job}"),
                 "redilock:1:{@NB@}:queue:app:{job} redilock:1:{@NB@}:fence "
                 "redilock:1:{@NB@}:holders:app:{job}");
}

static void copied_keys_stay_valid(void **) {
  assert_returns(outcome_of([] {
                   LockKeys copy("", "other");
                   {
                     const LockKeys original("app:", "a");
                     copy = original;
                   }
                   return std::string(copy.lock()) + " " + std::string(copy.queue()).substr(18);
                 }),
                 "app:a queue:app:a");
}

static void queue_keys_are_found_and_read(void **) {
  assert_returns(outcome_of([] { return redilock::queue_pattern("job:*"); }),
                 "redilock:1:{????}:queue:job:*");
  const struct {
    const char *key, *lock;
  } cases[] = {
      {"redilock:1:{@NB@}:queue:job", "job"},
      {"redilock:1:{@NB@}:queue:a:{b}", "a:{b}"},
      {"redilock:1:{@NB@}:queue:", ""},
      {"redilock:1:{@NB@}:holders:job", ""},
      {"redilock:1:{@NB@}:fence", ""},
      {"redilock:1:{}:queue:job", ""},
      {"redilock:2:{@NB@}:queue:job", ""},
      {"job", ""},
      {"", ""},
  };
  for (const auto &one : cases)
    assert_returns(outcome_of([&] { return std::string(redilock::lock_key_of_queue(one.key)); }),
                   one.lock);
}

static void reserved_keys_are_recognised(void **) {
  for (const char *text : {"redilock:", "redilock:1:{}:alive"})
    assert_true(redilock::is_reserved(text));
  for (const char *text : {"", "redilock", "Redilock:x", "app:redilock:x"})
    assert_false(redilock::is_reserved(text));
}

static void channels_name_their_kind_and_client(void **) {
  assert_returns(outcome_of([] { return redilock::wake_channel("c1"); }), "redilock:1:{}:wake:c1");
  assert_returns(outcome_of([] { return redilock::poll_channel("c1"); }), "redilock:1:{}:poll:c1");
  assert_returns(outcome_of([] { return std::string(redilock::kAliveKey); }),
                 "redilock:1:{}:alive");
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(key_is_the_prefix_and_the_name),
      cmocka_unit_test(every_byte_is_kept),
      cmocka_unit_test(empty_name_is_refused),
      cmocka_unit_test(key_has_at_most_1024_bytes),
      cmocka_unit_test(reserved_start_is_refused_however_it_comes_about),
      cmocka_unit_test(names_that_only_look_reserved_are_fine),
      cmocka_unit_test(side_keys_carry_the_slot_word),
      cmocka_unit_test(copied_keys_stay_valid),
      cmocka_unit_test(queue_keys_are_found_and_read),
      cmocka_unit_test(reserved_keys_are_recognised),
      cmocka_unit_test(channels_name_their_kind_and_client),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
