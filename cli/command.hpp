// What a command of `redilock` is: its name, its help, its flags and its function. A new command is
// one file that defines a Command and one line in the table of main.cpp.
#pragma once

#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "exit_code.hpp"

namespace cli {

// The words were not understood; ends with kExitUsage and a hint at --help.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Anything else that ends the command: the message goes to stderr.
class Failure : public std::runtime_error {
 public:
  Failure(int code, const std::string &message) : std::runtime_error(message), code_(code) {}
  int code() const noexcept { return code_; }

 private:
  int code_;
};

struct Flag {
  const char *name;   // "--ttl"
  const char *value;  // what its value is called in the help, or null for a flag without one
  const char *doc;    // null hides it from the help
  char letter = 0;    // 'w' for "-w", or 0
};

class Args;

struct Command {
  const char *name;
  const char *operands;  // "NAME [TOKEN]"
  const char *summary;   // one line, no full stop
  const char *details;   // further paragraphs of the help, or ""
  std::vector<Flag> flags;
  int (*run)(const Args &args);
};

// Flags that every command takes, before or after its name.
extern const std::vector<Flag> kGlobalFlags;

// The words of a command line, sorted into flags and operands.
class Args {
 public:
  // Reads flags from words[from] on and returns where it stopped. With `command` null, that is at
  // the first operand; else at the end. Throws UsageError.
  size_t parse(const std::vector<std::string> &words, size_t from, const Command *command);

  bool has(const std::string &flag) const { return values_.count(flag) != 0; }
  // The last value given, or `otherwise`.
  std::string value(const std::string &flag, const std::string &otherwise = "") const;
  std::vector<std::string> all(const std::string &flag) const;
  // Every operand in order, those after "--" included.
  const std::vector<std::string> &operands() const { return operands_; }
  // How many operands stood before "--"; all if there was none.
  size_t before_dashes() const { return dashes_ ? before_dashes_ : operands_.size(); }
  bool dashes() const { return dashes_; }

  // The operand at a place. Throws UsageError that names what is missing.
  const std::string &operand(size_t index, const char *what) const;
  // Throws UsageError if there are more than `most` operands.
  void expect_at_most(size_t most) const;

 private:
  void take_flag(const std::vector<std::string> &words, size_t &at, const Command *command);
  void take_letters(const std::vector<std::string> &words, size_t &at, const Command *command);

  std::map<std::string, std::vector<std::string>> values_;
  std::vector<std::string> operands_;
  size_t before_dashes_ = 0;
  bool dashes_ = false;
};

// The text of `redilock NAME --help`.
std::string help_text(const Command &command);

}  // namespace cli
