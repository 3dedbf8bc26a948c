// The table of what can go wrong.
#include "fault/nemesis.hpp"

#include <algorithm>

#include "fault/bounds.hpp"

namespace fault {

namespace {

int64_t between(Random &random, int64_t low, int64_t high) {
  return std::uniform_int_distribution<int64_t>(low, high)(random);
}

int some_worker(Random &random) { return static_cast<int>(between(random, 0, kWorkers - 1)); }

// Kills some, and starts most of them anew soon, under whatever else goes on.
Plan kill_worker(Random &random) {
  Plan plan;
  for (int64_t i = between(random, 1, 3); i > 0; --i) {
    const int worker = some_worker(random);
    const int64_t at = between(random, 0, 2000) * kMs;
    plan.workers.push_back(worker);
    plan.actions.push_back({at, [=](Crew &crew) { crew.kill_worker(worker); }});
    if (between(random, 0, 2) != 0)
      plan.actions.push_back(
          {at + between(random, 0, 500) * kMs, [=](Crew &crew) { crew.start_worker(worker); }});
  }
  return plan;
}

Plan stop_worker(Random &random) {
  Plan plan;
  for (int i = 0; i < 2; ++i) {
    const int worker = some_worker(random);
    const int64_t from = between(random, 0, 800) * kMs;
    plan.workers.push_back(worker);
    plan.actions.push_back({from, [=](Crew &crew) { crew.stop_worker(worker); }});
    plan.actions.push_back({from + between(random, 100, 4000) * kMs,
                            [=](Crew &crew) { crew.continue_worker(worker); }});
  }
  return plan;
}

Plan stop_server(Random &random) {
  const int64_t from = between(random, 0, 500) * kMs;
  return {"",
          {-1},
          {{from, [](Crew &crew) { crew.stop_server(); }},
           {from + between(random, 50, kLongestStop / kMs) * kMs,
            [](Crew &crew) { crew.continue_server(); }}}};
}

Plan restart_server(Random &random, void (Crew::*end_server)()) {
  Plan plan{"", {-1}, {}};
  int64_t at = 0;
  for (int64_t i = between(random, 1, 2); i > 0; --i) {
    at += between(random, 50, 800) * kMs;
    plan.actions.push_back({at, [=](Crew &crew) { (crew.*end_server)(); }});
    at += between(random, 0, 1200) * kMs;
    plan.actions.push_back({at, [](Crew &crew) { crew.restart_server(); }});
  }
  return plan;
}

Plan flush_server(Random &random) {
  return {"", {-1}, {{between(random, 0, 2000) * kMs, [](Crew &crew) { crew.flush_server(); }}}};
}

Weather delayed(int most) {
  Weather weather;
  weather.delay_ms = most;
  return weather;
}

void add_weather(Plan &plan, int worker, const Weather &weather, Span span) {
  const auto front = std::make_shared<const Weather>(weather);
  plan.actions.push_back({span.from, [=](Crew &crew) { crew.proxy().begin(worker, front); }});
  plan.actions.push_back({span.to, [=](Crew &crew) { crew.proxy().end(worker, front); }});
}

// A server that is far away, which the workers have to get to know anew.
Plan slow_start(Random &random) {
  Plan plan;
  for (int worker = 0; worker < kWorkers; ++worker) {
    const int64_t at = between(random, 0, 1200) * kMs;
    plan.workers.push_back(worker);
    add_weather(plan, worker, delayed(200), {0, 2500 * kMs});
    plan.actions.push_back({at, [=](Crew &crew) { crew.kill_worker(worker); }});
    plan.actions.push_back({at, [=](Crew &crew) { crew.start_worker(worker); }});
  }
  return plan;
}

// The same command, several times.
Plan commands(Random &random, const char *command, int64_t times) {
  Plan plan{"", {-1}, {}};
  for (; times > 0; --times)
    plan.actions.push_back(
        {between(random, 0, 2000) * kMs, [=](Crew &crew) { crew.tell_server(command); }});
  return plan;
}

// Weather on the links of some workers, for a while, and of one at least.
Plan weather(Random &random, const Weather &weather) {
  Plan plan;
  const int64_t from = between(random, 0, 300) * kMs, to = from + between(random, 1000, 3500) * kMs;
  const int sure = some_worker(random);
  for (int worker = 0; worker < kWorkers; ++worker) {
    if (worker != sure && between(random, 0, 2) == 0) continue;  // two in three
    plan.workers.push_back(worker);
    add_weather(plan, worker, weather, {from, to});
  }
  return plan;
}

Weather with(int Weather::*chance, int percent) {
  Weather weather;
  weather.jitter_ms = 3;
  weather.*chance = percent;
  return weather;
}

Weather muted() {
  Weather weather;
  weather.mute = true;
  return weather;
}

Weather dark() {
  Weather weather;
  weather.dark = true;
  return weather;
}

using Make = Plan (*)(Random &);
struct Row {
  const char *kind;
  Make make;
  int times = 1;  // in each deck
};

const Row kRows[] = {
    {"kill-worker", kill_worker},
    {"slow-start", slow_start},
    {"stop-worker", stop_worker},
    {"stop-server", stop_server},
    {"restart-server", [](Random &r) { return restart_server(r, &Crew::kill_server); }},
    {"restart-empty", [](Random &r) { return restart_server(r, &Crew::wipe_server); }},
    {"script-flush", [](Random &r) { return commands(r, "SCRIPT FLUSH", 20); }},
    {"flushall", flush_server},
    {"kill-pubsub", [](Random &r) { return commands(r, "CLIENT KILL TYPE pubsub", 250); }, 2},
    {"kill-normal", [](Random &r) { return commands(r, "CLIENT KILL TYPE normal", 6); }},
    {"delay", [](Random &r) { return weather(r, delayed(r() % 4 == 0 ? 40 : 250)); }},
    {"reset", [](Random &r) { return weather(r, with(&Weather::reset, 20)); }},
    {"cut", [](Random &r) { return weather(r, with(&Weather::cut, 35)); }},
    {"lose", [](Random &r) { return weather(r, with(&Weather::lose, r() % 3 == 0 ? 100 : 35)); }},
    {"late", [](Random &r) { return weather(r, with(&Weather::late, 35)); }, 3},
    {"trickle", [](Random &r) { return weather(r, with(&Weather::trickle, 30)); }},
    {"dark", [](Random &r) { return weather(r, dark()); }},
    {"half-open", [](Random &r) { return weather(r, muted()); }},
};

}  // namespace

const std::vector<std::string> &nemesis_kinds() {
  static const std::vector<std::string> kinds = [] {
    std::vector<std::string> all;
    for (const Row &row : kRows) all.emplace_back(row.kind);
    return all;
  }();
  return kinds;
}

std::vector<std::string> deck_of(const std::vector<std::string> &kinds) {
  std::vector<std::string> deck;
  for (const Row &row : kRows)
    if (std::find(kinds.begin(), kinds.end(), row.kind) != kinds.end())
      deck.insert(deck.end(), static_cast<size_t>(row.times), row.kind);
  return deck;
}

bool comes_alone(const std::string &kind) { return kind == "kill-pubsub" || kind == "slow-start"; }

Plan plan_nemesis(const std::string &kind, Random &random) {
  for (const Row &row : kRows) {
    if (row.kind != kind) continue;
    Plan plan = row.make(random);
    plan.kind = kind;
    return plan;
  }
  return {};
}

void carry_out(const std::vector<Plan> &plans, Crew &crew) {
  std::vector<Action> actions;
  for (const Plan &plan : plans)
    actions.insert(actions.end(), plan.actions.begin(), plan.actions.end());
  std::stable_sort(actions.begin(), actions.end(),
                   [](const Action &a, const Action &b) { return a.at < b.at; });
  const int64_t start = now_us();
  for (const Action &action : actions) {
    sleep_until(start + action.at);
    action.act(crew);
  }
  crew.heal();
  const int64_t end = now_us();
  for (const Plan &plan : plans)
    for (int worker : plan.workers)
      crew.history().write(
          Line(start, "fault").add("kind", plan.kind).add("worker", worker).add("to", end));
}

}  // namespace fault
