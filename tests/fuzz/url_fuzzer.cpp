// Urls: what is read is in range, what is refused changes nothing, and no message shows a password.
#include <cstdint>

#include "same_options.hpp"
#include "values/url.hpp"

using namespace redilock;

namespace {

// The endpoint, or nothing where the url was refused as it should be.
bool read(std::string_view url, std::string &message) {
  ClientOptions options;
  options.password = "before";
  options.request.ttl = Millis(123);
  const ClientOptions before = options;
  try {
    const Endpoint endpoint = parse_url(url, options);
    MUST(endpoint.port != 0);
    MUST(endpoint.host.empty() == endpoint.is_unix());
    MUST(endpoint.host.size() <= 253 && endpoint.socket_path.size() <= 107);
    MUST(endpoint.host.find('\0') == std::string::npos);
    MUST(endpoint.socket_path.find('\0') == std::string::npos);
    fuzz::must_be_in_range(options);
    return true;
  } catch (const Error &error) {
    MUST(error.status() == Status::kInvalid || error.status() == Status::kUnsupported);
    MUST(!error.retriable());
    MUST(fuzz::fields(options) == fuzz::fields(before));
    message = error.message();
    fuzz::must_be_presentable(message);
    return false;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const std::string input(reinterpret_cast<const char *>(data), size), canary = "cAnArY";
  std::string message;
  read(input, message);
  if (input.find(canary) != input.npos) return 0;  // where it may be shown
  if (!read("redis://user:" + canary + input, message))
    MUST(message.find(canary) == std::string::npos);
  return 0;
}
