// Urls good and bad, and that no message tells a secret.
#include "values/url.hpp"

#include "../outcome.hpp"

using redilock::ClientOptions;
using redilock::Endpoint;
using redilock::format_duration;
using redilock::parse_url;

// "endpoint user password db" with "-" for what is empty.
static Outcome parse(std::string_view url) {
  return outcome_of([&] {
    ClientOptions options;
    const Endpoint endpoint = parse_url(url, options);
    const auto or_dash = [](const std::string &text) { return text.empty() ? "-" : text; };
    return endpoint.text() + " " + or_dash(options.username) + " " + or_dash(options.password) +
           " " + std::to_string(options.db);
  });
}

static void what_is_left_out_has_its_default(void **) {
  assert_returns(parse("redis://"), "127.0.0.1:6379 - - 0");
  assert_returns(parse("redis:///"), "127.0.0.1:6379 - - 0");
  assert_returns(parse("redis://:7000"), "127.0.0.1:7000 - - 0");
  assert_returns(parse("redis://example.org"), "example.org:6379 - - 0");
  assert_returns(parse("redis://?ttl=5s"), "127.0.0.1:6379 - - 0");
}

static void every_part_is_read(void **) {
  assert_returns(parse("redis://bob:pw@redis-1.example.org:7000/3"),
                 "redis-1.example.org:7000 bob pw 3");
  assert_returns(parse("redis://:pw@h"), "h:6379 - pw 0");
  assert_returns(parse("redis://bob@h"), "h:6379 bob - 0");
  assert_returns(parse("valkey://h/2"), "h:6379 - - 2");
  assert_returns(parse("REDIS://h"), "h:6379 - - 0");
}

static void percent_encoding_is_decoded_everywhere(void **) {
  assert_returns(parse("redis://b%6fb:p%40%2F%3f%25@%68ost:%37000/%31"), "host:7000 bob p@/?% 1");
  assert_returns(parse("redis://h?%64b=%34"), "h:6379 - - 4");
  assert_returns(parse("unix:///tmp/a%20b%3f.sock"), "/tmp/a b?.sock - - 0");
  assert_returns(parse("redis://:a+b#c@h"), "h:6379 - a+b#c 0");
}

static void last_at_sign_ends_the_password(void **) {
  assert_returns(parse("redis://bob:p@ss@w:rd@h:7000"), "h:7000 bob p@ss@w:rd 0");
}

static void ipv6_stands_in_brackets(void **) {
  assert_returns(parse("redis://[::1]"), "[::1]:6379 - - 0");
  assert_returns(parse("redis://bob:pw@[2001:db8::2]:7000/1"), "[2001:db8::2]:7000 bob pw 1");
  assert_returns(parse("redis://[fe80::1%25eth0]:7000"), "[fe80::1%eth0]:7000 - - 0");
  assert_returns(outcome_of([] {
                   ClientOptions options;
                   return parse_url("redis://[::1]:7000", options).host;
                 }),
                 "::1");
  assert_throws(parse("redis://::1"), kInvalid,
                "url: the port holds a \":\"; an IPv6 address has to stand in brackets");
  assert_throws(parse("redis://[::1"), kInvalid, "url: the host lacks its closing bracket");
  assert_throws(parse("redis://[]"), kInvalid, "url: the host in brackets is no IPv6 address");
  assert_throws(parse("redis://[example.org]"), kInvalid,
                "url: the host in brackets is no IPv6 address");
  assert_throws(parse("redis://[fe80::1%25]"), kInvalid,
                "url: the host in brackets is no IPv6 address");
  assert_throws(parse("redis://[::1]7000"), kInvalid,
                "url: after the host's bracket comes something else than a port");
}

static void raw_slash_or_question_mark_in_a_password_is_named(void **) {
  for (const char *url : {"redis://:a/b@host", "redis://u:a/b@host:7000/1", "valkey://a/b@host"})
    assert_throws(parse(url), kInvalid,
                  "url: has an \"@\" behind the host; write / in a password as %2F");
  for (const char *url : {"redis://:a?b@host", "redis://u:a?b@host:7000/1"})
    assert_throws(parse(url), kInvalid,
                  "url: has an \"@\" behind the host; write ? in a password as %3F");
  assert_returns(parse("redis://:a%2Fb%3F@host"), "host:6379 - a/b? 0");
}

static void port_is_1_to_65535(void **) {
  assert_returns(parse("redis://h:1"), "h:1 - - 0");
  assert_returns(parse("redis://h:65535"), "h:65535 - - 0");
  for (const char *url :
       {"redis://h:0", "redis://h:65536", "redis://h:99999", "redis://h:-1",
        "redis://h:", "redis://h:a", "redis://[::1]:", "redis://h:+7000", "redis://h:4294973675"}) {
    assert_throws(parse(url), kInvalid, "url: the port has to be 1 to 65535");
  }
}

static void db_is_a_number_in_range(void **) {
  assert_returns(parse("redis://h/65535"), "h:6379 - - 65535");
  for (const char *url : {"redis://h/65536", "redis://h/x", "redis://h/1/", "redis://h/-1",
                          "redis://h//", "redis://h/%201"}) {
    assert_throws(parse(url), kInvalid, "url: the db has to be a number, 0 to 65535");
  }
}

static void host_has_only_bytes_of_hosts(void **) {
  for (const char *url : {"redis://a b", "redis://h%0a", "redis://h\xc3\xa9", "redis://h%2fx"}) {
    assert_throws(parse(url), kInvalid, "url: the host has a byte no host has");
  }
}

static Outcome host_of_length(size_t length) {
  return outcome_of([&] {
    ClientOptions options;
    return std::to_string(parse_url("redis://" + std::string(length, 'h'), options).host.size());
  });
}

static void host_has_at_most_253_bytes(void **) {
  assert_returns(host_of_length(253), "253");
  assert_throws(host_of_length(254), kInvalid, "url: the host is longer than 253 bytes");
}

static void unix_urls_have_a_path(void **) {
  assert_returns(parse("unix:///run/redis.sock"), "/run/redis.sock - - 0");
  assert_returns(parse("unix:///run/redis.sock?db=4&password=pw&username=bob"),
                 "/run/redis.sock bob pw 4");
  assert_returns(parse("unix://bob:pw@/run/redis.sock"), "/run/redis.sock bob pw 0");
  assert_throws(parse("unix://"), kInvalid, "url: the socket's path is missing");
  assert_throws(parse("unix:///"), kInvalid, "url: the socket's path is missing");
  assert_throws(parse("unix://run/redis.sock"), kInvalid,
                "url: a socket's path has to be absolute: unix:///path");
}

static Outcome path_of_length(size_t length) {
  return outcome_of([&] {
    ClientOptions options;
    const std::string url = "unix:///" + std::string(length - 1, 'p');
    return std::to_string(parse_url(url, options).socket_path.size());
  });
}

static void socket_path_fits_into_its_address(void **) {
  assert_returns(path_of_length(107), "107");
  assert_throws(path_of_length(108), kInvalid, "url: the socket's path is longer than 107 bytes");
}

static void endpoint_knows_its_kind(void **) {
  assert_returns(outcome_of([] {
                   ClientOptions options;
                   const bool socket = parse_url("unix:///s", options).is_unix();
                   const bool tcp = parse_url("redis://h", options).is_unix();
                   return std::string(socket ? "unix " : "tcp ") + (tcp ? "unix" : "tcp");
                 }),
                 "unix tcp");
}

static void what_is_to_come_is_unsupported(void **) {
  const int32_t unsupported = static_cast<int32_t>(redilock::Status::kUnsupported);
  for (const char *url :
       {"rediss://h", "REDISS://h", "valkeys://h", "unixs:///s", "redis-sentinel://h",
        "redis+sentinel://h", "rediss+sentinel://h", "redis-cluster://h", "redis+cluster://h",
        "valkey+cluster://h", "redis://a,b", "redis://a:1,b:2/0", "redis://:pw@a,b",
        "redis://[::1],[::2]"}) {
    assert_int_equal(parse(url).status, unsupported);
  }
  assert_true(parse("rediss://h").has("rediss://"));
}

static void unknown_scheme_is_invalid(void **) {
  for (const char *url : {"http://h", "redis+http://h", "redi://h", "://h", "sentinel://h"}) {
    assert_throws(parse(url), kInvalid,
                  "url: its scheme is none of redis://, valkey:// and unix://");
  }
  for (const char *url : {"", "localhost", "localhost:6379", "redis:/h", "redis:h"}) {
    assert_throws(parse(url), kInvalid, "url: has no scheme; write redis://host:port");
  }
}

static void bad_percent_encoding_names_the_part(void **) {
  assert_throws(parse("redis://%zz@h"), kInvalid,
                "url: the user has a % without two hex digits; write % as %25");
  assert_throws(parse("redis://:5%@h"), kInvalid,
                "url: the password has a % without two hex digits; write % as %25");
  assert_throws(parse("redis://:a%00@h"), kInvalid, "url: the password has a %00");
  assert_throws(parse("redis://h%00"), kInvalid, "url: the host has a %00");
  assert_throws(parse("redis://h:1%00"), kInvalid, "url: the port has a %00");
  assert_throws(parse("redis://h/1%00"), kInvalid, "url: the db has a %00");
  assert_throws(parse("unix:///s%00"), kInvalid, "url: the path has a %00");
  assert_throws(parse("redis://h?t%00l=5s"), kInvalid, "url: an option's name has a %00");
  assert_throws(parse("redis://h?prefix=%00"), kInvalid, "url: the option prefix has a %00");
  assert_throws(parse("redis://h?prefix=%4"), kInvalid,
                "url: the option prefix has a % without two hex digits; write % as %25");
}

static void control_characters_are_refused(void **) {
  assert_throws(parse("redis://h\n"), kInvalid, "url: has a control character");
  assert_throws(parse(std::string_view("redis://h\0x", 11)), kInvalid,
                "url: has a control character");
}

static void query_sets_options_over_what_stands(void **) {
  assert_returns(outcome_of([] {
                   ClientOptions options;
                   options.username = "old";
                   options.password = "old";
                   options.db = 9;
                   options.prefix = "old";
                   parse_url("redis://new@h/1?db=2&ttl=5s&&wait=0&prefix=a@b&", options);
                   return options.username + " " + options.password + " " +
                          std::to_string(options.db) + " " + format_duration(options.request.ttl) +
                          " " + format_duration(options.request.wait) + " " + options.prefix;
                 }),
                 "new old 2 5s 0 a@b");
}

static void wrong_options_are_named(void **) {
  assert_throws(parse("redis://h?tll=5s"), kInvalid, "url: has the unknown option tll");
  assert_throws(parse("redis://h?ttl=30"), kInvalid, "url: ttl: 30 has no unit; write 30s or 30ms");
  assert_throws(parse("redis://h?renew"), kInvalid, "url: the option renew has no value");
  assert_throws(parse("redis://h?name=x"), kInvalid, "url: has the unknown option name");
  assert_throws(parse("redis://h?=x"), kInvalid, "url: has the unknown option ");
}

static void failure_leaves_the_options_alone(void **) {
  assert_returns(outcome_of([] {
                   ClientOptions options;
                   try {
                     parse_url("redis://u:p@h/1?db=2&ttl=30", options);
                     return std::string("parsed");
                   } catch (const redilock::Error &) {
                     return options.username + options.password + std::to_string(options.db);
                   }
                 }),
                 "0");
}

// CANARY stands wherever a secret may come to stand, in urls that are all wrong.
static void no_message_tells_a_secret(void **) {
  const char *urls[] = {
      "CANARY",
      "CANARY:CANARY@h:6379",
      "CANARY://h",
      "http://CANARY:CANARY@h",
      "rediss://CANARY:CANARY@h",
      "redis+cluster://CANARY:CANARY@h",
      "redis://CANARY:CANARY@a,b",
      "redis://CANARY:CANARY@h:99999",
      "redis://CANARY:CANARY@[h]",
      "redis://CANARY:CANARY@h h",
      "redis://CANARY:CANARY@h/x",
      "redis://CANARY:CANARY@h?tll=5s",
      "redis://CANARY:CANARY@h?ttl=5",
      "redis://CANARY:CANARY%@h",
      "redis://CANARY%:CANARY@h",
      "redis://CANARY:CANARY%00@h",
      "redis://CANARY:CANARY@h\n",
      "redis://CANARY:CANARY@unix:///s:x",
      "redis://u:x/CANARY@h",
      "redis://u:1/CANARY@h",
      "redis://u:1?CANARY@h",
      "redis://u:1?CANARY=x@h",
      "redis://u:1?CANARY&x@h",
      "redis://u:1?ttl=CANARY@h",
      "redis://u:x@1?CANARY&x@h",
      "redis://h:CANARY",
      "redis://h?password=CANARY%00",
      "redis://h?password=CANARY&ttl=5",
      "redis://h?password_file=/CANARY",
      "unix://CANARY:CANARY@run/x",
      "unix://CANARY:CANARY@/",
      "unix:///s?password=CANARY&x=1",
  };
  for (const char *url : urls) {
    const Outcome got = parse(url);
    assert_true(got.status != 0);
    assert_true(strlen(got.text) > 10);
    assert_false(got.has("CANARY"));
    assert_false(got.has("canary"));
  }
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(what_is_left_out_has_its_default),
      cmocka_unit_test(every_part_is_read),
      cmocka_unit_test(percent_encoding_is_decoded_everywhere),
      cmocka_unit_test(last_at_sign_ends_the_password),
      cmocka_unit_test(ipv6_stands_in_brackets),
      cmocka_unit_test(raw_slash_or_question_mark_in_a_password_is_named),
      cmocka_unit_test(port_is_1_to_65535),
      cmocka_unit_test(db_is_a_number_in_range),
      cmocka_unit_test(host_has_only_bytes_of_hosts),
      cmocka_unit_test(host_has_at_most_253_bytes),
      cmocka_unit_test(unix_urls_have_a_path),
      cmocka_unit_test(socket_path_fits_into_its_address),
      cmocka_unit_test(endpoint_knows_its_kind),
      cmocka_unit_test(what_is_to_come_is_unsupported),
      cmocka_unit_test(unknown_scheme_is_invalid),
      cmocka_unit_test(bad_percent_encoding_names_the_part),
      cmocka_unit_test(control_characters_are_refused),
      cmocka_unit_test(query_sets_options_over_what_stands),
      cmocka_unit_test(wrong_options_are_named),
      cmocka_unit_test(failure_leaves_the_options_alone),
      cmocka_unit_test(no_message_tells_a_secret),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
