// A private redis-server for a benchmark, on loopback TCP and on a unix socket at once, and the
// blocking hiredis context that asks it.
#pragma once

#include <hiredis/hiredis.h>
#include <sys/types.h>

#include <initializer_list>
#include <map>
#include <memory>
#include <string>

namespace bench {

struct FreeContext {
  void operator()(redisContext *context) const { redisFree(context); }
};
struct FreeReply {
  void operator()(redisReply *reply) const { freeReplyObject(reply); }
};
using Context = std::unique_ptr<redisContext, FreeContext>;
using Reply = std::unique_ptr<redisReply, FreeReply>;

// Runs a command by redisCommandArgv. Throws cli::Failure where there is no reply or an error.
Reply ask(const Context &context, std::initializer_list<std::string> words);

// Calls and microseconds of each command, by INFO commandstats.
struct Calls {
  double calls = 0, us = 0;
};
using CommandStats = std::map<std::string, Calls>;
CommandStats operator-(CommandStats later, const CommandStats &earlier);

class Server {
 public:
  // Runs where this process may run; ends with its object, or with this process. Throws Failure.
  Server();
  ~Server();
  Server(const Server &) = delete;
  Server &operator=(const Server &) = delete;

  std::string url(bool tcp) const;
  Context connect(bool tcp) const;
  CommandStats stats() const;

 private:
  void start();
  bool await_ready() const;
  void end();

  std::string folder_;
  int port_ = 0;
  pid_t pid_ = -1;
};

}  // namespace bench
