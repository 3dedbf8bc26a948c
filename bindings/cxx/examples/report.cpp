// One of many processes writes the report of the day; the others wait, and give up after a minute.
#include <cstdio>
#include <redilock/redilock.hpp>

using namespace std::chrono_literals;

int main() {
  try {
    redilock::Client client;  // of REDILOCK_URL
    redilock::Lock lock = client.acquire("report", {{"ttl", 30s}, {"wait", 1min}, {"renew", true}});
    std::printf("report written with fence %lld\n", static_cast<long long>(lock.fence()));
    lock.release();  // throws LostError if somebody else may have written it too
  } catch (const redilock::Error &error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
