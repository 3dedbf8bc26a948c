// Passwords kept in a file. The one place in values/ that reads from outside the process.
#pragma once

#include <string>

namespace redilock {

// The first line of a file without its line end. The file may be a pipe, as of the shell's <(...).
// Throws Error(kInvalid) that tells what is wrong with the file, and shows neither path nor
// content.
std::string read_password_file(const std::string &path);

}  // namespace redilock
