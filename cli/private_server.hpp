// A Redis server for one program: on a unix socket in a folder of its own, without a TCP port and
// without anything kept on disk.
#pragma once

#include <sys/types.h>

#include <string>

#include "signals.hpp"

namespace cli {

// A folder that is removed with the files that are named to it.
class PrivateFolder {
 public:
  PrivateFolder();
  ~PrivateFolder();
  PrivateFolder(const PrivateFolder &) = delete;
  PrivateFolder &operator=(const PrivateFolder &) = delete;

  std::string file(const char *name) const { return path_ + "/" + name; }
  const std::string &path() const { return path_; }

 private:
  std::string path_;
};

// Ends with its object, and with this process however that dies.
class PrivateServer {
 public:
  // Returns when the server takes connections. Throws Failure.
  PrivateServer(const PrivateFolder &folder, const Signals &signals);
  ~PrivateServer();
  PrivateServer(const PrivateServer &) = delete;
  PrivateServer &operator=(const PrivateServer &) = delete;

  pid_t pid() const { return pid_; }
  const std::string &url() const { return url_; }

 private:
  void await_ready() const;
  void end() const;

  std::string url_;
  pid_t pid_ = -1;
  Fd log_;
};

}  // namespace cli
