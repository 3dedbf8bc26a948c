// Clients, and the short form of the calls.
#include <cstdlib>

#include "handles.hpp"
#include "values/name.hpp"
#include "values/url.hpp"

using redilock::Client;
using redilock::Status;
using redilock::capi::copy_text;
using redilock::capi::guard;
using redilock::capi::NoCancellation;
using redilock::capi::Report;
using redilock::capi::require;
using redilock::capi::require_length;

namespace {

constexpr const char *kDefaultUrl = "redis://127.0.0.1:6379/0";

const char *url_or_default(const char *url) {
  if (url != nullptr) return url;
  const char *from_environment = ::secure_getenv("REDILOCK_URL");
  return from_environment != nullptr && *from_environment != '\0' ? from_environment : kDefaultUrl;
}

std::shared_ptr<Client> make_core(const char *url, const redilock_options *given) {
  if (given != nullptr && given->failed_set.status != REDILOCK_OK)
    throw redilock::Error(static_cast<Status>(given->failed_set.status), given->failed_set.message);
  auto options = given != nullptr ? given->values : redilock::default_client_options();
  auto endpoint = redilock::parse_url(url_or_default(url), options);
  return {new redilock::Client(std::move(endpoint), std::move(options)), [](Client *client) {
            if (client->is_forked()) return client->leave_to_parent();
            delete client;
          }};
}

}  // namespace

extern "C" {

int32_t redilock_new(const char *url, const redilock_options_t *options, redilock_client_t **out,
                     char *error, size_t error_size) {
  Report report;
  if (out != nullptr) *out = nullptr;
  const int32_t status = guard(report, [&] {
    require(out != nullptr, "out");
    auto client = std::make_unique<redilock_client>();
    client->core = make_core(url, options);
    *out = client.release();
    return Status::kOk;
  });
  copy_text(report.message, error, error_size);
  return status;
}

void redilock_free(redilock_client_t *client) {
  const NoCancellation uncancelled;
  std::unique_ptr<redilock_client> owner(client);
  if (client != nullptr) client->core->shut_down();
}

void redilock_client_close(redilock_client_t *client) {
  const NoCancellation uncancelled;
  if (client != nullptr) client->core->close();
}

int32_t redilock_acquire(redilock_client_t *client, const char *name, size_t name_len,
                         int64_t ttl_ms, int64_t wait_ms, redilock_lock_t **out, char *error,
                         size_t error_size) {
  Report report;
  if (out != nullptr) *out = nullptr;
  const int32_t status = guard(report, [&] {
    require(client != nullptr, "client");
    require(name != nullptr, "name");
    require(out != nullptr, "out");
    require_length("name", name_len, redilock::kNameMax);
    auto core = client->core;  // the client may be freed while this runs
    redilock::RequestOptions request = core->options().request;
    request.name.assign(name, name_len);
    request.ttl = redilock::checked_ttl(ttl_ms);
    request.wait = redilock::checked_wait(wait_ms);
    auto handle = std::make_unique<redilock_lock>();
    auto acquired = core->acquire(request, {});
    if (!acquired.lease) return std::move(acquired.outcome);
    handle->core = std::move(core);
    handle->lease = std::move(acquired.lease);
    *out = handle.release();
    return redilock::Outcome();
  });
  copy_text(report.message, error, error_size);
  return status;
}

int32_t redilock_release_token(redilock_client_t *client, const char *name, size_t name_len,
                               const char *token, size_t token_len, char *error,
                               size_t error_size) {
  Report report;
  const int32_t status = guard(report, [&] {
    require(client != nullptr, "client");
    require(name != nullptr, "name");
    require(token != nullptr, "token");
    require_length("name", name_len, redilock::kNameMax);
    require_length("token", token_len, redilock::capi::kValueMax);
    redilock::RequestOptions request;
    request.name.assign(name, name_len);
    request.token.assign(token, token_len);
    return std::shared_ptr(client->core)->release_token(request, {});
  });
  copy_text(report.message, error, error_size);
  return status;
}

}  // extern "C"
