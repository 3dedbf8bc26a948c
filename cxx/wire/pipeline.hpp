// Scripts asked without waiting: many requests under way at once on one connection, answered in the
// order in which they were sent. For one thread that polls; a request that went unheard is sent
// again on the next connection, as Server does for calls that block.
#pragma once

#include <functional>
#include <list>
#include <set>
#include <string>
#include <utility>

#include "wire/pollable.hpp"
#include "wire/reconnecting_connection.hpp"
#include "wire/server.hpp"

namespace redilock {

class Pipeline final : public Pollable {
 public:
  // The answer, or else why there is none. Called by the thread that polls or by close(), once
  // and no more, also where memory is short; throws nothing.
  using Done = std::function<void(const Answer *answer, const Unanswered *error)>;

  explicit Pipeline(Server &server) : server_(server), clock_(server.clock()), link_(server) {}

  // Takes effect in the next run(). Throws std::bad_alloc.
  void ask(const Script &script, const Command &keys, const Command &arguments, Instant deadline,
           Done done);
  // Finishes everything that is asked with this error. In the thread that polls.
  void end_all(const Error &why) noexcept;
  // The same, and ends the connection. Nothing polls it.
  void close(const Error &why) noexcept;

  // Why what was asked is not answered yet. In the thread that polls.
  const Error &trouble() const noexcept { return link_.is_up() ? overdue_ : last_error_; }

  void add_wanted(std::vector<pollfd> &polled) override;
  Instant next_run() override;
  void run() noexcept override;

  // In the child of a fork.
  void close_descriptors() noexcept { link_.close_descriptors(); }

 private:
  struct Asked {
    Script script;
    size_t words;                         // of keys and arguments
    std::string tail;                     // the key count, keys and arguments as they are sent
    size_t fence_key_at, fence_key_size;  // in `tail`
    Instant deadline;
    Done done;
    uint64_t number;
    bool unknown = false;  // the server did not know the script
    bool by_text = false;
    bool sent_before = false;  // on a connection that broke
    bool refused = false;      // on this one, so that it surely was not carried out
    Instant sent{};
  };
  using Queue = std::list<Asked>;  // from one to another by splice(), which takes no memory

  bool is_wanted() const noexcept;
  bool may_send();
  bool must_reopen();
  void send_all();
  void receive_all();
  void answered(Reply reply);
  void expire() noexcept;
  void broken(const Error &error) noexcept;
  void drop_connection() noexcept;
  void lend_connection() noexcept;
  void fail_all(const Error &why) noexcept;
  void ask_again(Queue &queue) noexcept;
  void load(Asked &entry);
  void finish(Queue &queue, Queue::iterator entry, const Answer *answer, const Unanswered *error);

  Server &server_;
  const Clock &clock_;
  ReconnectingConnection link_;
  Queue unsent_, sent_;
  Queue again_;               // for want of the script, once all that was sent is answered
  std::string_view loading_;  // the script that is under way by its text
  std::set<std::pair<Instant, uint64_t>> deadlines_;
  uint64_t last_number_ = 0;
  std::string outgoing_;  // formatted, and not yet taken by the socket
  const Error overdue_{Status::kUnavailable, "the server did not answer in time", true};
  Error last_error_ = overdue_;
};

}  // namespace redilock
