// Raw commands by hiredis, the baseline: no waiting, no fence, no queue. And redilock by its C ABI, with
// and without a fence.
#include <hiredis/hiredis.h>
#include <redilock/redilock.h>

#include "loop.hpp"

namespace {

constexpr const char *kToken = "0123456789abcdef0123456789abcdef";
constexpr const char *kRelease =
    "if redis.call('GET',KEYS[1])==ARGV[1] then return redis.call('DEL',KEYS[1]) else return 0 end";

int raw_commands(const Job &job) {
  redisContext *redis = redisConnect("127.0.0.1", job.port);
  if (redis == nullptr || redis->err != 0) return 1;
  auto *loaded = static_cast<redisReply *>(redisCommand(redis, "SCRIPT LOAD %s", kRelease));
  const std::string script = loaded->str;
  freeReplyObject(loaded);
  const auto acquire = [&] {
    auto *reply = static_cast<redisReply *>(
        redisCommand(redis, "SET %s %s NX PX 30000", job.name.c_str(), kToken));
    const bool granted = reply->type == REDIS_REPLY_STATUS;
    freeReplyObject(reply);
    return granted;
  };
  const auto release = [&] {
    freeReplyObject(
        redisCommand(redis, "EVALSHA %s 1 %s %s", script.c_str(), job.name.c_str(), kToken));
  };
  return take_turns(job, acquire, release);
}

int redilock(const Job &job, const char *fence) {
  char error[256] = "";
  redilock_options_t *options = nullptr;
  redilock_client_t *client = nullptr;
  redilock_lock_t *lock = nullptr;
  const std::string url = "redis://127.0.0.1:" + std::to_string(job.port);
  if (redilock_options_new(&options) != REDILOCK_OK ||
      redilock_options_set(options, "fence", fence, error, sizeof error) != REDILOCK_OK ||
      redilock_new(url.c_str(), options, &client, error, sizeof error) != REDILOCK_OK)
    return std::fprintf(stderr, "%s\n", error) > 0 ? 1 : 2;
  const auto acquire = [&] {
    return redilock_acquire(client, job.name.data(), job.name.size(), 30000, 60000, &lock, error,
                            sizeof error) == REDILOCK_OK;
  };
  const auto release = [&] {
    if (redilock_release(lock) != REDILOCK_OK) std::abort();
    redilock_lock_free(lock);
  };
  const int status = take_turns(job, acquire, release);
  redilock_free(client);
  redilock_options_free(options);
  return status;
}

}  // namespace

int main(int count, char **argument) {
  if (count != 7) return 2;
  const std::string library = argument[1];
  const Job job = read_job(argument + 2);
  if (library == "raw") return raw_commands(job);
  if (library == "redilock") return redilock(job, "1");
  if (library == "redilock-without-fence") return redilock(job, "0");
  return 2;
}
