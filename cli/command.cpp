// Reads command lines by the flags a command declares, and writes its help from the same list, so
// that neither can know a flag that the other does not.
#include "command.hpp"

#include <algorithm>

namespace cli {

const std::vector<Flag> kGlobalFlags = {
    {"--url", "URL", "the server; else REDILOCK_URL, else redis://127.0.0.1:6379/0"},
    {"--password-file", "FILE", "take the server's password from the first line of FILE"},
    {"--option", "NAME=VALUE", "set a client option; `redilock help options` lists them"},
    {"--help", nullptr, "show this help", 'h'},
};

namespace {

const Flag *find_flag(const std::vector<Flag> &flags, const std::string &name) {
  auto it = std::find_if(flags.begin(), flags.end(), [&](const Flag &f) { return name == f.name; });
  return it == flags.end() ? nullptr : &*it;
}

const Flag *find_flag(const Command *command, const std::string &name) {
  const Flag *flag = command == nullptr ? nullptr : find_flag(command->flags, name);
  return flag != nullptr ? flag : find_flag(kGlobalFlags, name);
}

const Flag *find_letter(const std::vector<Flag> &flags, char letter) {
  auto it =
      std::find_if(flags.begin(), flags.end(), [&](const Flag &f) { return letter == f.letter; });
  return it == flags.end() ? nullptr : &*it;
}

const Flag *find_letter(const Command *command, char letter) {
  const Flag *flag = command == nullptr ? nullptr : find_letter(command->flags, letter);
  return flag != nullptr ? flag : find_letter(kGlobalFlags, letter);
}

void append_flags(std::string &out, const std::vector<Flag> &flags) {
  constexpr size_t kColumn = 32;
  for (const Flag &flag : flags) {
    if (flag.doc == nullptr) continue;
    std::string line = flag.letter == 0 ? "      " : std::string("  -") + flag.letter + ", ";
    line += flag.name;
    if (flag.value != nullptr) line += std::string(" ") + flag.value;
    line.resize(std::max(line.size() + 2, kColumn), ' ');
    out += line + flag.doc + "\n";
  }
}

}  // namespace

void Args::take_flag(const std::vector<std::string> &words, size_t &at, const Command *command) {
  const std::string &word = words[at];
  const size_t equals = word.find('=');
  const std::string name = word.substr(0, equals);
  const Flag *flag = find_flag(command, name);
  if (flag == nullptr) throw UsageError("unknown option " + name);
  if (flag->value == nullptr) {
    if (equals != std::string::npos) throw UsageError(name + " takes no value");
    values_[name].emplace_back();
  } else if (equals != std::string::npos) {
    values_[name].push_back(word.substr(equals + 1));
  } else {
    if (++at == words.size()) throw UsageError(name + " needs a value");
    values_[name].push_back(words[at]);
  }
}

// "-n", "-nq", "-w5" and "-w 5", as getopt(3) reads them.
void Args::take_letters(const std::vector<std::string> &words, size_t &at, const Command *command) {
  const std::string &word = words[at];
  for (size_t i = 1; i < word.size(); ++i) {
    const Flag *flag = find_letter(command, word[i]);
    if (flag == nullptr) throw UsageError(std::string("unknown option -") + word[i]);
    if (flag->value == nullptr) {
      values_[flag->name].emplace_back();
      continue;
    }
    if (i + 1 == word.size() && ++at == words.size())
      throw UsageError(std::string("-") + word[i] + " needs a value");
    values_[flag->name].push_back(i + 1 == word.size() ? words[at] : word.substr(i + 1));
    return;
  }
}

size_t Args::parse(const std::vector<std::string> &words, size_t from, const Command *command) {
  for (size_t at = from; at < words.size(); ++at) {
    const std::string &word = words[at];
    if (!dashes_ && word == "--") {
      dashes_ = true;
      before_dashes_ = operands_.size();
    } else if (!dashes_ && word.size() > 1 && word[0] == '-') {
      if (word[1] == '-')
        take_flag(words, at, command);
      else
        take_letters(words, at, command);
    } else if (command == nullptr) {
      return at;
    } else {
      operands_.push_back(word);
    }
  }
  return words.size();
}

std::string Args::value(const std::string &flag, const std::string &otherwise) const {
  auto it = values_.find(flag);
  return it == values_.end() ? otherwise : it->second.back();
}

std::vector<std::string> Args::all(const std::string &flag) const {
  auto it = values_.find(flag);
  return it == values_.end() ? std::vector<std::string>() : it->second;
}

const std::string &Args::operand(size_t index, const char *what) const {
  if (index >= operands_.size()) throw UsageError(std::string("missing ") + what);
  return operands_[index];
}

// Does not show the operand: it may be a token or a url in the wrong place.
void Args::expect_at_most(size_t most) const {
  if (operands_.size() > most) throw UsageError("too many operands");
}

std::string help_text(const Command &command) {
  std::string out = std::string("Usage: redilock ") + command.name + " [OPTION...]";
  if (*command.operands != '\0') out += std::string(" ") + command.operands;
  out += std::string("\n\n") + command.summary + ".\n";
  if (*command.details != '\0') out += std::string("\n") + command.details;
  out += "\nOptions:\n";
  append_flags(out, command.flags);
  append_flags(out, kGlobalFlags);
  return out;
}

}  // namespace cli
