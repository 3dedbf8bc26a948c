// Passwords read from files, pipes and what only looks like a file.
#include "values/password_file.hpp"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "../outcome.hpp"

// The file is a pipe, so that nothing is left on a disk.
static Outcome read_back(const std::string &content) {
  int ends[2];
  if (pipe(ends) != 0) return {1, "no pipe"};
  const ssize_t written = write(ends[1], content.data(), content.size());
  close(ends[1]);
  const Outcome outcome = outcome_of(
      [&] { return redilock::read_password_file("/dev/fd/" + std::to_string(ends[0])); });
  close(ends[0]);
  return written == static_cast<ssize_t>(content.size()) ? outcome : Outcome{1, "short write"};
}

static Outcome read_path(const char *path) {
  return outcome_of([&] { return redilock::read_password_file(path); });
}

static void first_line_is_the_password(void **) {
  assert_returns(read_back("s3cret\nmore\n"), "s3cret");
  assert_returns(read_back("s3cret\r\n"), "s3cret");
  assert_returns(read_back("s3cret"), "s3cret");
  assert_returns(read_back(" a b \n"), " a b ");
}

static void file_without_a_password_is_refused(void **) {
  assert_throws(read_back(""), kInvalid, "password_file: has an empty first line");
  assert_throws(read_back("\ns3cret\n"), kInvalid, "password_file: has an empty first line");
  assert_throws(read_back(std::string("a\0b\n", 4)), kInvalid,
                "password_file: has a NUL byte in its first line");
}

static size_t length_of(size_t length, const char *end) {
  return strlen(read_back(std::string(length, 'x') + end).text);
}

static void long_line_is_refused_not_cut(void **) {
  assert_int_equal(length_of(4095, "\n"), 4095);
  assert_int_equal(length_of(4095, ""), 4095);
  const char *message = "password_file: has a first line longer than 4095 bytes";
  assert_int_equal(length_of(4096, "\n"), strlen(message));
  assert_throws(read_path("/dev/zero"), kInvalid, message);
}

static void what_cannot_be_read_is_named_without_its_path(void **) {
  assert_throws(read_path(""), kInvalid, "password_file: has no path");
  assert_throws(read_path("/nowhere/at-all"), kInvalid,
                "password_file: cannot be opened: No such file or directory");
  assert_throws(read_path("/"), kInvalid, "password_file: cannot be read: Is a directory");
}

static int lowest_free_fd() {
  const int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  close(fd);
  return fd;
}

static void no_descriptor_is_left_open(void **) {
  const int before = lowest_free_fd();
  read_back("s3cret\n");
  read_path("/");
  read_path("/dev/zero");
  assert_int_equal(lowest_free_fd(), before);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(first_line_is_the_password),
      cmocka_unit_test(file_without_a_password_is_refused),
      cmocka_unit_test(long_line_is_refused_not_cut),
      cmocka_unit_test(what_cannot_be_read_is_named_without_its_path),
      cmocka_unit_test(no_descriptor_is_left_open),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
