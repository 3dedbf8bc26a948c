// The table of options: listing, defaults, values good and bad.
#include "values/options.hpp"

#include <unistd.h>

#include "../outcome.hpp"
#include "values/token.hpp"

using redilock::ClientOptions;
using redilock::format_duration;
using redilock::Option;
using redilock::option_at;
using redilock::option_count;
using redilock::OptionScope;
using redilock::RequestOptions;
using redilock::set_option;

// Every setting of a request on one line, the label left aside.
static std::string summary(const RequestOptions &options) {
  return options.name + "|" + options.token + "|" + format_duration(options.ttl) + "|" +
         format_duration(options.wait) + "|" + format_duration(options.max_hold) + "|" +
         (options.renew ? "renew" : "") + "|" + (options.fence ? "fence" : "") + "|" +
         (options.interruptible ? "interruptible" : "");
}

static std::string summary(const ClientOptions &options) {
  return options.username + "|" + options.password + "|" + std::to_string(options.db) + "|" +
         options.prefix + "|" + format_duration(options.timeout) + "|" +
         format_duration(options.connect_wait) + "|" + format_duration(options.interval) + "|" +
         std::to_string(options.pool) + " " + summary(options.request);
}

template <class Value>
static Outcome set_request(const char *name, Value value) {
  return outcome_of([&] {
    RequestOptions options;
    set_option(options, name, value);
    return summary(options) + "|" + options.label;
  });
}

static Outcome request(const char *name, std::string_view value) {
  return set_request(name, value);
}

static Outcome number(const char *name, int64_t value) { return set_request(name, value); }

static Outcome client(const char *name, std::string_view value) {
  return outcome_of([&] {
    ClientOptions options;
    set_option(options, name, value);
    return summary(options);
  });
}

static void defaults_of_table_and_members_agree(void **) {
  const Outcome members = outcome_of([] { return summary(ClientOptions()); });
  assert_string_equal(members.text, "||0||5s|0|250ms|8 ||30s|forever|1d||fence|");
  assert_returns(outcome_of([] { return summary(redilock::default_client_options()); }),
                 members.text);
}

static void default_label_is_host_and_pid(void **) {
  const Outcome label = outcome_of([] { return redilock::default_client_options().request.label; });
  const Outcome pid = outcome_of([] { return "/" + std::to_string(getpid()); });
  assert_true(redilock::is_label(label.text));
  assert_true(strlen(label.text) > strlen(pid.text));
  assert_string_equal(label.text + strlen(label.text) - strlen(pid.text), pid.text);
}

static void every_option_is_listed_whole_and_once(void **) {
  assert_int_equal(option_count(), 20);
  for (size_t i = 0; i < option_count(); ++i) {
    const Option *option = option_at(i);
    assert_true(strlen(option->doc) > 20);
    assert_non_null(option->default_text);
    assert_non_null(redilock::option_type_name(option->type));
    for (size_t j = 0; j < i; ++j) assert_string_not_equal(option->name, option_at(j)->name);
  }
  assert_null(option_at(option_count()));
  assert_null(option_at(SIZE_MAX));
}

static void every_scope_is_kept(void **) {
  for (size_t i = 0; i < option_count(); ++i) {
    const Option *option = option_at(i);
    const Outcome on_client = client(option->name, "\n");
    const Outcome on_request = request(option->name, "\n");
    assert_int_equal(on_client.has("is an option of an operation, not of a client"),
                     option->scope == OptionScope::kOperation);
    assert_int_equal(on_request.has("is an option of a client, not of an operation"),
                     option->scope == OptionScope::kClient);
  }
}

static void types_and_scopes_have_names(void **) {
  using redilock::OptionType;
  assert_string_equal(redilock::option_type_name(OptionType::kDuration), "duration");
  assert_string_equal(redilock::option_type_name(OptionType::kInteger), "integer");
  assert_string_equal(redilock::option_type_name(OptionType::kBoolean), "boolean");
  assert_string_equal(redilock::option_type_name(OptionType::kText), "text");
  assert_string_equal(redilock::option_type_name(OptionType::kBytes), "bytes");
  assert_string_equal(redilock::option_scope_name(OptionScope::kClient), "client");
  assert_string_equal(redilock::option_scope_name(OptionScope::kOperation), "operation");
  assert_string_equal(redilock::option_scope_name(OptionScope::kBoth), "both");
}

static void each_request_option_reaches_its_member(void **) {
  assert_returns(request("name", "job"), "job||30s|forever|1d||fence||");
  assert_returns(request("token", "t"), "|t|30s|forever|1d||fence||");
  assert_returns(request("ttl", "5s"), "||5s|forever|1d||fence||");
  assert_returns(request("wait", "2m"), "||30s|2m|1d||fence||");
  assert_returns(request("max_hold", "1h"), "||30s|forever|1h||fence||");
  assert_returns(request("renew", "yes"), "||30s|forever|1d|renew|fence||");
  assert_returns(request("fence", "no"), "||30s|forever|1d||||");
  assert_returns(request("interruptible", "on"), "||30s|forever|1d||fence|interruptible|");
  assert_returns(request("label", "me"), "||30s|forever|1d||fence||me");
}

static void each_client_option_reaches_its_member(void **) {
  assert_returns(client("username", "u"), "u||0||5s|0|250ms|8 ||30s|forever|1d||fence|");
  assert_returns(client("password", "p"), "|p|0||5s|0|250ms|8 ||30s|forever|1d||fence|");
  assert_returns(client("db", "15"), "||15||5s|0|250ms|8 ||30s|forever|1d||fence|");
  assert_returns(client("prefix", "a:"), "||0|a:|5s|0|250ms|8 ||30s|forever|1d||fence|");
  assert_returns(client("timeout", "1s"), "||0||1s|0|250ms|8 ||30s|forever|1d||fence|");
  assert_returns(client("connect_wait", "1m"), "||0||5s|1m|250ms|8 ||30s|forever|1d||fence|");
  assert_returns(client("interval", "1ms"), "||0||5s|0|1ms|8 ||30s|forever|1d||fence|");
  assert_returns(client("pool", "0"), "||0||5s|0|250ms|0 ||30s|forever|1d||fence|");
  assert_returns(client("ttl", "5s"), "||0||5s|0|250ms|8 ||5s|forever|1d||fence|");
}

static void ttl_is_1ms_to_a_year(void **) {
  assert_returns(request("ttl", "1ms"), "||1ms|forever|1d||fence||");
  assert_returns(number("ttl", 31536000000), "||365d|forever|1d||fence||");
  assert_throws(request("ttl", "0"), kInvalid, "ttl: has to be 1ms to 365d");
  assert_throws(request("ttl", "forever"), kInvalid,
                "ttl: forever is not a duration such as 500ms, 30s, 5m, 1h or 7d");
  assert_throws(request("ttl", "366d"), kInvalid, "ttl: 366d is longer than 365d");
  assert_throws(number("ttl", 31536000001), kInvalid, "ttl: has to be 1ms to 365d");
  assert_throws(number("ttl", -1), kInvalid, "ttl: has to be 1ms to 365d");
  assert_throws(request("max_hold", "0"), kInvalid, "max_hold: has to be 1ms to 365d");
}

static void duration_without_a_unit_is_refused_with_advice(void **) {
  assert_throws(request("ttl", "30"), kInvalid, "ttl: 30 has no unit; write 30s or 30ms");
}

static void wait_tries_ends_or_has_no_end(void **) {
  assert_returns(request("wait", "0"), "||30s|0|1d||fence||");
  assert_returns(request("wait", "forever"), "||30s|forever|1d||fence||");
  assert_returns(number("wait", 0), "||30s|0|1d||fence||");
  assert_returns(number("wait", 1500), "||30s|1500ms|1d||fence||");
  assert_returns(outcome_of([] {
                   RequestOptions options;
                   set_option(options, "wait", INT64_MIN);
                   return std::to_string(options.wait.count());
                 }),
                 "-1");
  assert_throws(request("wait", "-1s"), kInvalid, "wait: -1s is negative");
  assert_returns(number("wait", INT64_MAX), "||30s|forever|1d||fence||");
  assert_throws(request("wait", "366d"), kInvalid, "wait: 366d is longer than 365d");
}

static void booleans_have_eight_spellings(void **) {
  for (const char *yes : {"1", "true", "yes", "on"})
    assert_true(request("renew", yes).has("|renew"));
  for (const char *no : {"0", "false", "no", "off"})
    assert_false(request("fence", no).has("fence"));
  assert_true(number("renew", 1).has("|renew"));
  assert_throws(request("renew", "maybe"), kInvalid, "renew: maybe is not yes or no");
  assert_throws(request("renew", ""), kInvalid, "renew:  is not yes or no");
  assert_throws(number("renew", 2), kInvalid, "renew: has to be 0 to 1");
}

static void integers_keep_to_their_range(void **) {
  assert_true(client("db", "65535").has("|65535|"));
  assert_throws(client("db", "65536"), kInvalid, "db: has to be 0 to 65535");
  assert_throws(client("db", "-1"), kInvalid, "db: -1 is not a whole number in its range");
  assert_throws(client("db", ""), kInvalid, "db:  is not a whole number in its range");
  assert_throws(client("connect_wait", "61m"), kInvalid, "connect_wait: has to be 0 to 1h");
  assert_throws(client("pool", "1025"), kInvalid, "pool: has to be 0 to 1024");
  assert_throws(client("timeout", "61m"), kInvalid, "timeout: has to be 1ms to 1h");
  assert_throws(client("interval", "0"), kInvalid, "interval: has to be 1ms to 1h");
}

static Outcome long_value(const char *name, size_t length) {
  return outcome_of([&] {
    ClientOptions options;
    const std::string value(length, 'x');
    if (strcmp(name, "prefix") == 0) {
      set_option(options, name, value);
    } else {
      set_option(options.request, name, value);
    }
    return "fits";
  });
}

static void texts_keep_to_their_length(void **) {
  assert_returns(long_value("name", 1024), "fits");
  assert_throws(long_value("name", 1025), kInvalid, "name: has to have 1 to 1024 bytes");
  assert_throws(request("name", ""), kInvalid, "name: has to have 1 to 1024 bytes");
  assert_returns(long_value("label", 128), "fits");
  const char *label = "label: may have at most 128 bytes, all of them printable ASCII";
  assert_throws(long_value("label", 129), kInvalid, label);
  assert_throws(request("label", "a\nb"), kInvalid, label);
  assert_returns(long_value("prefix", 1023), "fits");
  assert_throws(long_value("prefix", 1024), kInvalid, "prefix: may have at most 1023 bytes");
}

static void reserved_prefix_is_refused(void **) {
  assert_throws(client("prefix", "redilock:x:"), kInvalid,
                "prefix: starts with \"redilock:\", which is reserved");
}

static void names_and_tokens_may_hold_any_byte(void **) {
  const std::string_view bytes("a\0\n\xff", 4);
  const Outcome name = request("name", bytes);
  const Outcome token = request("token", bytes);
  assert_int_equal(name.status, 0);
  assert_memory_equal(name.text, "a\0\n\xff|", 5);
  assert_memory_equal(token.text, "|a\0\n\xff|", 6);
}

static void text_with_a_nul_is_refused_and_not_shown(void **) {
  assert_throws(client("password", std::string_view("hush\0x", 6)), kInvalid,
                "password: has a NUL byte");
}

static void text_options_take_no_number(void **) {
  assert_throws(number("name", 5), kInvalid, "name: takes text, not a number");
}

static void unknown_option_is_named(void **) {
  assert_throws(request("tll", "5s"), kInvalid, "tll: no such option");
  assert_throws(client("", "5s"), kInvalid, ": no such option");
  assert_throws(number("TTL", 5), kInvalid, "TTL: no such option");
}

static void password_file_is_read_at_once(void **) {
  const Outcome got = outcome_of([] {
    int ends[2];
    if (pipe(ends) != 0 || write(ends[1], "hush\n", 5) != 5) return std::string("no pipe");
    ClientOptions options;
    set_option(options, "password_file", "/dev/fd/" + std::to_string(ends[0]));
    close(ends[0]);
    close(ends[1]);
    return options.password;
  });
  assert_returns(got, "hush");
  assert_throws(client("password_file", "/nowhere/at-all"), kInvalid,
                "password_file: cannot be opened: No such file or directory");
}

static void failure_changes_nothing(void **) {
  assert_returns(outcome_of([] {
                   ClientOptions options;
                   set_option(options, "password", "keep");
                   for (const char *name : {"ttl", "db", "password_file", "renew", "none"}) {
                     try {
                       set_option(options, name, "/nowhere/at-all");
                       return std::string("taken: ") + name;
                     } catch (const redilock::Error &) {
                     }
                   }
                   return summary(options);
                 }),
                 "|keep|0||5s|0|250ms|8 ||30s|forever|1d||fence|");
}

static void checked_ttl_keeps_to_the_range(void **) {
  const auto check = [](int64_t ttl) {
    return outcome_of([&] { return format_duration(redilock::checked_ttl(ttl)); });
  };
  assert_returns(check(1), "1ms");
  assert_returns(check(31536000000), "365d");
  assert_throws(check(0), kInvalid, "ttl: has to be 1ms to 365d");
  assert_throws(check(INT64_MIN), kInvalid, "ttl: has to be 1ms to 365d");
  assert_throws(check(INT64_MAX), kInvalid, "ttl: has to be 1ms to 365d");
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(defaults_of_table_and_members_agree),
      cmocka_unit_test(default_label_is_host_and_pid),
      cmocka_unit_test(every_option_is_listed_whole_and_once),
      cmocka_unit_test(every_scope_is_kept),
      cmocka_unit_test(types_and_scopes_have_names),
      cmocka_unit_test(each_request_option_reaches_its_member),
      cmocka_unit_test(each_client_option_reaches_its_member),
      cmocka_unit_test(ttl_is_1ms_to_a_year),
      cmocka_unit_test(duration_without_a_unit_is_refused_with_advice),
      cmocka_unit_test(wait_tries_ends_or_has_no_end),
      cmocka_unit_test(booleans_have_eight_spellings),
      cmocka_unit_test(integers_keep_to_their_range),
      cmocka_unit_test(texts_keep_to_their_length),
      cmocka_unit_test(reserved_prefix_is_refused),
      cmocka_unit_test(names_and_tokens_may_hold_any_byte),
      cmocka_unit_test(text_with_a_nul_is_refused_and_not_shown),
      cmocka_unit_test(text_options_take_no_number),
      cmocka_unit_test(unknown_option_is_named),
      cmocka_unit_test(password_file_is_read_at_once),
      cmocka_unit_test(failure_changes_nothing),
      cmocka_unit_test(checked_ttl_keeps_to_the_range),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
