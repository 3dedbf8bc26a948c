// Replies from bytes, honest ones in any portions, and those of a peer that means harm.
#include "wire/reply_reader.hpp"

#include "../outcome.hpp"

using redilock::Reply;
using redilock::ReplyReader;

static std::string shown(const Reply &reply) {
  switch (reply.kind()) {
    case Reply::Kind::kNil:
      return "nil";
    case Reply::Kind::kInteger:
      return std::to_string(reply.integer());
    case Reply::Kind::kString:
      return "\"" + reply.text() + "\"";
    case Reply::Kind::kStatus:
      return "+" + reply.text();
    case Reply::Kind::kError:
      return "-" + reply.text();
    case Reply::Kind::kArray:
      break;
  }
  std::string text = "[";
  for (const Reply &item : reply.items()) text += (text == "[" ? "" : " ") + shown(item);
  return text + "]";
}

// All replies in the bytes, which arrive `portion` at a time.
static Outcome read_in(size_t portion, const std::string &bytes) {
  return outcome_of([&] {
    ReplyReader reader;
    std::string all;
    for (size_t at = 0; at < bytes.size(); at += portion) {
      reader.feed(bytes.data() + at, std::min(portion, bytes.size() - at));
      while (auto reply = reader.next()) all += (all.empty() ? "" : "|") + shown(*reply);
    }
    return all;
  });
}

static const struct {
  const char *bytes, *expected;
} kHonest[] = {
    {"+OK\r\n", "+OK"},
    {"-ERR no\r\n", "-ERR no"},
    {":0\r\n", "0"},
    {":-1\r\n", "-1"},
    {":9007199254740991\r\n", "9007199254740991"},
    {"$0\r\n\r\n", "\"\""},
    {"$5\r\na\r\nbc\r\n", "\"a\r\nbc\""},
    {"$-1\r\n", "nil"},
    {"*-1\r\n", "nil"},
    {"*0\r\n", "[]"},
    {"*3\r\n:1234567890123456\r\n$-1\r\n*2\r\n+a\r\n:2\r\n", "[1234567890123456 nil [+a 2]]"},
    {"*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n", "[[[[1]]]]"},
    {":1\r\n:2\r\n+a\r\n", "1|2|+a"},
};

static void replies_are_read_whole(void **) {
  for (const auto &honest : kHonest) assert_returns(read_in(1000, honest.bytes), honest.expected);
}

static void replies_are_read_in_portions_of_any_size(void **) {
  for (const auto &honest : kHonest)
    for (size_t portion = 1; portion < 8; ++portion)
      assert_returns(read_in(portion, honest.bytes), honest.expected);
}

static void a_long_string_is_read_in_portions(void **) {
  const Outcome length = outcome_of([] {
    const std::string bytes = "$100000\r\n" + std::string(100000, 'x') + "\r\n:123456789012\r\n";
    ReplyReader reader;
    std::string lengths;
    for (char c : bytes) {
      reader.feed(&c, 1);
      if (auto reply = reader.next())
        lengths += reply->kind() == Reply::Kind::kInteger
                       ? shown(*reply)
                       : std::to_string(reply->text().size()) + " ";
    }
    return lengths;
  });
  assert_returns(length, "100000 123456789012");
}

static void harm_is_refused_at_once(void **) {
  static const char *const harmful[] = {
      "$2147483647\r\n",      "$8388609\r\n", "*4294967296\r\n",
      "*65537\r\n",           "hello\r\n",    "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n",
      "*1\r\n$999999999\r\n",
  };
  for (const char *bytes : harmful) {
    const Outcome whole = read_in(1000, bytes);
    assert_int_equal(whole.status, static_cast<int32_t>(redilock::Status::kProtocol));
    assert_int_equal(read_in(1, bytes).status, whole.status);
  }
}

// `lists` of `each` numbers, in one reply.
static std::string list_of_lists(size_t lists, size_t each) {
  std::string list = "*" + std::to_string(each) + "\r\n",
              all = "*" + std::to_string(lists) + "\r\n";
  for (size_t i = 0; i < each; ++i) list += ":1\r\n";
  for (size_t i = 0; i < lists; ++i) all += list;
  return all;
}

static void elements_are_counted_in_all_lists_together(void **) {
  const Outcome many = outcome_of([] {
    const std::string bytes = list_of_lists(200, 200);
    ReplyReader reader;
    std::string sizes;
    for (int i = 0; i < 3; ++i) {  // each counts for itself
      reader.feed(bytes.data(), bytes.size());
      sizes += std::to_string(reader.next()->items().size()) + " ";
    }
    return sizes;
  });
  assert_returns(many, "200 200 200 ");
  assert_throws(
      read_in(1000, list_of_lists(300, 300)), kProtocol,
      "the server's reply is not understood: it has more context, or others, than it may");
}

static void too_many_bytes_without_an_end_are_refused(void **) {
  const Outcome endless = outcome_of([] {
    ReplyReader reader;
    const std::string part(1 << 20, '+');
    for (int i = 0; i < 8; ++i) reader.feed(part.data(), part.size());
    reader.feed("+", 1);
    return std::string("swallowed");
  });
  assert_throws(endless, kProtocol, "the server's reply is not understood: it is too long");
}

static void a_reply_of_another_kind_is_an_error(void **) {
  static const struct {
    const char *bytes;
    std::string (*ask)(const Reply &);
  } cases[] = {
      {"+1\r\n", [](const Reply &reply) { return std::to_string(reply.integer()); }},
      {"$-1\r\n", [](const Reply &reply) { return std::to_string(reply.integer()); }},
      {":1\r\n", [](const Reply &reply) { return reply.text(); }},
      {"*0\r\n", [](const Reply &reply) { return reply.text(); }},
      {"+a\r\n", [](const Reply &reply) { return std::to_string(reply.items().size()); }},
      {"*1\r\n:1\r\n", [](const Reply &reply) { return shown(reply.at(1)); }},
  };
  for (const auto &one : cases) {
    const Outcome outcome = outcome_of([&] {
      ReplyReader reader;
      reader.feed(one.bytes, strlen(one.bytes));
      return one.ask(*reader.next());
    });
    assert_int_equal(outcome.status, static_cast<int32_t>(redilock::Status::kProtocol));
  }
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(replies_are_read_whole),
      cmocka_unit_test(replies_are_read_in_portions_of_any_size),
      cmocka_unit_test(a_long_string_is_read_in_portions),
      cmocka_unit_test(harm_is_refused_at_once),
      cmocka_unit_test(elements_are_counted_in_all_lists_together),
      cmocka_unit_test(too_many_bytes_without_an_end_are_refused),
      cmocka_unit_test(a_reply_of_another_kind_is_an_error),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
