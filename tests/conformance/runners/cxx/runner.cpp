// The runner of C++: callbacks of a reader thread for each client end acquires; all else blocks.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <iostream>
#include <map>
#include <mutex>
#include <redilock/redilock.hpp>
#include <sstream>
#include <thread>

using redilock::Client;
using redilock::Lock;
using redilock::Options;
using redilock::Result;
using redilock::Status;

namespace {

struct Reading {
  explicit Reading(Client made) : client(std::move(made)), reader([this] { client.run(); }) {}
  ~Reading() {
    client.close();
    reader.join();
  }
  Client client;
  std::thread reader;
};

std::mutex mutex;  // guards all below, and the output
std::map<std::string, Lock> locks;
std::map<std::string, std::unique_ptr<Reading>> clients;
std::map<std::string, redilock::Ticket> tickets;
std::vector<std::thread> watchers;  // they end with the clients at the latest

std::string decoded(const std::string &word) {
  std::string bytes;
  for (std::size_t i = 0; i < word.size(); ++i) {
    const bool escaped = word[i] == '%';
    bytes += escaped ? static_cast<char>(std::stoi(word.substr(i + 1, 2), nullptr, 16)) : word[i];
    if (escaped) i += 2;
  }
  return bytes;
}

std::string encoded(const std::string &bytes) {
  std::string word;
  for (const char byte : bytes) {
    if (byte > ' ' && byte < 127 && std::strchr("%=,", byte) == nullptr) {
      word += byte;
    } else {
      char escape[4];
      std::snprintf(escape, sizeof escape, "%%%02X", static_cast<unsigned char>(byte));
      word += escape;
    }
  }
  return word;
}

void reply(const std::string &number, Status status, const std::string &values = "") {
  std::string word = name(status) + std::strlen("REDILOCK_");
  if (word.rfind("E_", 0) == 0) word.erase(0, 2);
  const std::lock_guard<std::mutex> guard(mutex);
  std::cout << number << ' ' << word << (status == Status::ok ? values : "") << std::endl;
}

template <typename T>
void reply(const std::string &number, const Result<T> &result) {
  reply(number, result.status());
}

// The words of a request that are "name=value". What is taken is no option of the call.
class Words {
 public:
  explicit Words(std::istream &line) {
    for (std::string word; line >> word;) {
      const auto sign = word.find('=');
      words_.emplace_back(word.substr(0, sign), decoded(word.substr(sign + 1)));
    }
  }
  std::string take(const std::string &name, std::string missing = "") {
    for (auto word = words_.begin(); word != words_.end(); ++word) {
      if (word->first != name) continue;
      missing = word->second;
      words_.erase(word);
      break;
    }
    return missing;
  }
  Options options() const {
    Options all;
    for (const auto &[name, value] : words_) all.emplace_back(name, value);
    return all;
  }

 private:
  std::vector<std::pair<std::string, std::string>> words_;
};

void keep(const std::string &number, const std::string &name, Result<Lock> granted) {
  const std::string fence = granted ? " fence=" + std::to_string(granted->fence()) : "";
  const Status status = granted.status();
  {
    const std::lock_guard<std::mutex> guard(mutex);
    if (granted) locks.insert_or_assign(name, std::move(granted).value());
  }
  reply(number, status, fence);
}

Status in_child_of_fork(Client &client) {
  const pid_t child = fork();
  if (child == 0) _exit(-static_cast<int>(client.acquire(std::nothrow, "forked").status()));
  int code = 0;
  if (waitpid(child, &code, 0) != child || !WIFEXITED(code)) return Status::internal;
  return static_cast<Status>(-WEXITSTATUS(code));
}

std::string described(const redilock::Info &info, const std::string &token) {
  const char *const states[] = {"free", "held", "foreign"};
  return std::string(" state=") + states[static_cast<int>(info.state())] +
         " waiters=" + std::to_string(info.waiters()) +
         " is=" + std::to_string(info.is_held_by(token)) + " label=" + encoded(info.label());
}

// False if the verb is none of a client.
bool serve_client(const std::string &number, const std::string &verb, Client &client,
                  const std::string &lock, Words words) {
  const std::string name = words.take("name", verb == "check" ? "redilock-check" : "");
  const std::string token = words.take("token");
  if (verb == "close") {
    client.close();
    reply(number, Status::ok);
  } else if (verb == "fork") {
    reply(number, in_child_of_fork(client));
  } else if (verb == "list") {
    std::string names;
    for (const auto &each : client.names(words.take("pattern", "*"))) {
      names += (names.empty() ? "" : ",") + encoded(each);
    }
    reply(number, Status::ok, " names=" + names);
  } else if (verb == "check") {
    reply(number, client.check(std::nothrow, name, words.options()));
  } else if (verb == "acquire") {
    // An acquire reads no token, and must be given one to refuse it.
    Options options = words.options();
    if (!token.empty()) options.emplace_back("token", token);
    const auto done = [=](Result<Lock> granted) { keep(number, lock, std::move(granted)); };
    tickets[number] = client.acquire_async(name, options, done);
  } else if (verb == "attach") {
    keep(number, lock, client.attach(std::nothrow, name, token, words.options()));
  } else if (verb == "break") {
    const auto broken = client.break_lock(std::nothrow, name, words.options());
    reply(number, broken && !*broken ? Status::not_owner : broken.status());
  } else if (verb == "release_token") {
    reply(number, client.release(std::nothrow, name, token, words.options()));
  } else if (verb == "extend_token") {
    reply(number, client.extend(std::nothrow, name, token, words.options()));
  } else if (verb == "info") {
    const auto info = client.info(std::nothrow, name, words.options());
    reply(number, info.status(), info ? described(*info, token) : "");
  } else {
    return false;
  }
  return true;
}

// False if the verb is none of a lock.
bool serve_lock(const std::string &number, const std::string &verb, Lock &lock, Words words) {
  if (verb == "release") {
    reply(number, lock.release(std::nothrow));
  } else if (verb == "extend") {
    const std::chrono::milliseconds ttl(std::stoll(words.take("ttl")));
    reply(number, lock.extend(std::nothrow, ttl));
  } else if (verb == "drop" || verb == "detach") {
    verb == "drop" ? lock.drop() : lock.detach();
    reply(number, Status::ok);
  } else if (verb == "look") {
    reply(number, Status::ok,
          " held=" + std::to_string(lock.is_held()) +
              " remaining=" + std::to_string(lock.remaining().count()) +
              " fence=" + std::to_string(lock.fence()) + " token=" + encoded(lock.token()));
  } else if (verb == "lost") {
    watchers.emplace_back([number, &lock] {
      const auto lost = lock.wait_lost(std::nothrow, redilock::forever);
      reply(number, lost && *lost ? Status::lost : lost.status());
    });
  } else {
    return false;
  }
  return true;
}

Lock *lock_of(const std::string &name) {
  const std::lock_guard<std::mutex> guard(mutex);
  const auto found = locks.find(name);
  return found == locks.end() ? nullptr : &found->second;
}

void serve(std::istringstream line) {
  std::string number, verb, object, lock;
  line >> number >> verb >> object;
  if (verb == "client") {
    Words words(line);
    const std::string url = words.take("url");
    auto made = url.empty() ? Client::make(std::nothrow, words.options())
                            : Client::make(std::nothrow, url, words.options());
    const Status status = made.status();
    if (made) clients[object] = std::make_unique<Reading>(std::move(made).value());
    return reply(number, status);
  }
  if (verb == "cancel") {
    tickets[object].cancel();
    return reply(number, Status::ok);
  }
  if (verb == "acquire" || verb == "attach") line >> lock;
  const auto client = clients.find(object);
  if (client != clients.end()) {
    if (serve_client(number, verb, client->second->client, lock, Words(line))) return;
  } else if (Lock *held = lock_of(object)) {
    if (serve_lock(number, verb, *held, Words(line))) return;
  }
  const std::lock_guard<std::mutex> guard(mutex);
  std::cout << number << " UNABLE" << std::endl;
}

}  // namespace

int main() {
  for (std::string line; std::getline(std::cin, line);) serve(std::istringstream(line));
  clients.clear();
  for (auto &watcher : watchers) watcher.join();
}
