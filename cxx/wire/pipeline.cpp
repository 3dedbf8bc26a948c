#include "wire/pipeline.hpp"

#include <algorithm>
#include <iterator>
#include <new>

#include "wire/backoff.hpp"
#include "wire/error_reply.hpp"
#include "wire/frame.hpp"

namespace redilock {

namespace {

// Bytes that are formatted ahead of what the socket takes.
constexpr size_t kAhead = 1 << 16;

}  // namespace

void Pipeline::ask(const Script &script, const Command &keys, const Command &arguments,
                   Instant deadline, Done done) {
  const std::string key_count = std::to_string(keys.size());
  Command words{key_count};
  words.append(keys);
  words.append(arguments);
  std::string tail;
  frame(words, 0, tail);
  const std::string_view fenced = fence_key(script, keys);
  const size_t fenced_at = tail.find(fenced);  // the first one that reads so, which is as good
  Queue entry;
  entry.push_back({script, words.size(), std::move(tail), fenced_at, fenced.size(), deadline,
                   std::move(done), ++last_number_});
  deadlines_.emplace(deadline, last_number_);
  unsent_.splice(unsent_.end(), entry);
}

void Pipeline::add_wanted(std::vector<pollfd> &polled) {
  pollfd wanted = link_.wanted();
  const bool sending = !outgoing_.empty() || (!unsent_.empty() && may_send());
  if (link_.is_up() && sending) wanted.events |= POLLOUT;
  if (wanted.fd >= 0) polled.push_back(wanted);
}

Instant Pipeline::next_run() {
  if (must_reopen()) return Instant();
  const Instant next = deadlines_.empty() ? kNever : deadlines_.begin()->first;
  return is_wanted() ? std::min(next, link_.next_step()) : next;
}

// Whether there is a connection to be made.
bool Pipeline::is_wanted() const noexcept {
  return !link_.is_up() && (!unsent_.empty() || link_.is_opening());
}

// Not before what lacks its script was asked again; and not while the server may still read from a
// connection that was abandoned: what undoes a request there would come before it.
bool Pipeline::may_send() { return again_.empty() && !server_.has_abandoned(); }

// A new connection ends those that were abandoned.
bool Pipeline::must_reopen() {
  return link_.is_up() && !unsent_.empty() && sent_.empty() && server_.has_abandoned();
}

void Pipeline::run() noexcept {
  try {
    if (link_.is_up()) receive_all();
    if (must_reopen()) link_.close();
    if (is_wanted()) link_.open();
    if (link_.is_up()) send_all();
    lend_connection();
  } catch (const Error &error) {
    broken(error);
  } catch (const std::bad_alloc &) {
    broken(no_memory());
  }
  expire();
}

void Pipeline::send_all() {
  const bool may = may_send();
  while (!outgoing_.empty() || (!unsent_.empty() && may)) {
    while (!unsent_.empty() && may && outgoing_.size() < kAhead) {
      Asked &next = unsent_.front();
      const Command head{next.by_text ? "EVAL" : "EVALSHA",
                         next.by_text ? next.script.text : next.script.sha1};
      frame(head, head.size() + next.words, outgoing_);
      outgoing_ += next.tail;
      next.sent = clock_.now();
      sent_.splice(sent_.end(), unsent_, unsent_.begin());
    }
    outgoing_.erase(0, link_->send_now(outgoing_));
    if (!outgoing_.empty()) return;
  }
}

// Also where the connection ends: what came before that counts.
void Pipeline::receive_all() {
  std::vector<Reply> replies;
  std::optional<Error> end;
  try {
    link_->receive_now(replies);
  } catch (const Error &error) {
    end = error;
  }
  for (Reply &reply : replies) {
    if (sent_.empty()) throw Error(Status::kProtocol, "the server answers what was not asked");
    answered(std::move(reply));
  }
  if (sent_.empty()) ask_again(again_);
  if (end) throw Error(*end);
}

// In the order in which all of them were asked first, as waiters queue by it.
void Pipeline::ask_again(Queue &queue) noexcept {
  const auto by_number = [](const Asked &a, const Asked &b) { return a.number < b.number; };
  queue.sort(by_number);
  unsent_.merge(queue, by_number);
}

// The text goes once for all that are under way, but for one that comes back again.
void Pipeline::load(Asked &entry) {
  entry.by_text = entry.unknown || loading_ != entry.script.sha1;
  entry.unknown = true;
  if (entry.by_text) loading_ = entry.script.sha1;
}

void Pipeline::answered(Reply reply) {
  const auto entry = sent_.begin();
  link_->check_fence(
      std::string_view(entry->tail).substr(entry->fence_key_at, entry->fence_key_size), reply);
  if (entry->by_text) loading_ = {};
  if (!reply.is_error()) {
    link_.calm();
    const Answer answer{std::move(reply), entry->sent, entry->sent_before, &server_.credentials()};
    return finish(sent_, entry, &answer, nullptr);
  }
  if (is_noscript(reply) && !entry->by_text) {
    load(*entry);
    return again_.splice(again_.end(), sent_, entry);
  }
  const std::string_view verb = entry->by_text ? "EVAL" : "EVALSHA";
  const Error error = server_.error_of(reply, *link_, {verb}, &entry->script);
  if (!is_transient_error(reply)) {
    const Unanswered refused(error, entry->sent_before);
    return finish(sent_, entry, nullptr, &refused);
  }
  if (is_replica_error(reply)) server_.on_replica_error();
  // The server would refuse the others too: all start over after a pause.
  entry->refused = true;
  throw Error(error);
}

// Everything is asked again on the next connection, unless there is no sense in asking.
void Pipeline::broken(const Error &error) noexcept {
  server_.broke(error);
  drop_connection();
  for (Asked &entry : sent_) {
    entry.sent_before = entry.sent_before || !entry.refused;
    entry.refused = false;
  }
  ask_again(sent_);
  ask_again(again_);
  last_error_ = error;
  link_.back_off();
  if (!is_worth_retrying(error)) fail_all(error);
}

void Pipeline::drop_connection() noexcept {
  outgoing_.clear();
  loading_ = {};
  auto connection = link_.close();
  if (!connection) return;
  const auto is_unanswered = [](const Asked &entry) { return !entry.refused; };
  if (std::any_of(sent_.begin(), sent_.end(), is_unanswered))
    server_.abandon(std::move(connection));
  else
    server_.discard(std::move(connection));
}

// A connection with nothing to do serves other requests of the client: a full server admits no new
// one.
void Pipeline::lend_connection() noexcept {
  if (!link_.is_up() || !deadlines_.empty() || !outgoing_.empty()) return;
  server_.check_in(link_.close(), clock_.now());
}

// A request that was sent and is overdue takes the connection with it: its answer could come at any
// time.
void Pipeline::expire() noexcept {
  while (!deadlines_.empty() && deadlines_.begin()->first <= clock_.now()) {
    const uint64_t number = deadlines_.begin()->second;
    auto is_it = [number](const Asked &entry) { return entry.number == number; };
    if (std::any_of(sent_.begin(), sent_.end(), is_it)) broken(overdue_);
    Queue *queue = &unsent_;
    auto entry = std::find_if(queue->begin(), queue->end(), is_it);
    if (entry == queue->end()) {
      queue = &again_;
      entry = std::find_if(queue->begin(), queue->end(), is_it);
    }
    const Unanswered overdue(last_error_, entry->sent_before);
    finish(*queue, entry, nullptr, &overdue);
  }
}

void Pipeline::end_all(const Error &why) noexcept {
  if (!sent_.empty()) drop_connection();
  fail_all(why);
}

void Pipeline::close(const Error &why) noexcept {
  fail_all(why);
  link_.close();
}

void Pipeline::fail_all(const Error &why) noexcept {
  Queue entries;
  for (Asked &entry : sent_) entry.sent_before = true;
  entries.splice(entries.end(), sent_);
  entries.splice(entries.end(), again_);
  entries.splice(entries.end(), unsent_);
  while (!entries.empty()) {
    const Unanswered error(why, entries.front().sent_before);
    finish(entries, entries.begin(), nullptr, &error);
  }
}

void Pipeline::finish(Queue &queue, Queue::iterator entry, const Answer *answer,
                      const Unanswered *error) {
  Queue finished;
  finished.splice(finished.begin(), queue, entry);
  deadlines_.erase({entry->deadline, entry->number});
  entry->done(answer, error);
}

}  // namespace redilock
