// Options of a client, and the list of all options.
#include "values/options.hpp"

#include "handles.hpp"

using redilock::capi::copy_text;
using redilock::capi::guard;
using redilock::capi::Report;
using redilock::capi::require;
using redilock::capi::require_length;

namespace {

template <typename Field>
const char *text_at(size_t index, Field field) {
  const redilock::Option *option = redilock::option_at(index);
  return option == nullptr ? nullptr : field(*option);
}

// A failure counts for every client made with these options, because many callers ignore it.
template <typename Set>
int32_t set(redilock_options *options, const char *name, char *error, size_t error_size,
            Set set_value) {
  Report report;
  const int32_t status = guard(report, [&] {
    require(options != nullptr, "options");
    require(name != nullptr, "the option's name");
    auto changed = options->values;
    set_value(changed);
    options->values = std::move(changed);
    return redilock::Status::kOk;
  });
  copy_text(report.message, error, error_size);
  if (status != REDILOCK_OK && options != nullptr && options->failed_set.status == REDILOCK_OK)
    options->failed_set = std::move(report);
  return status;
}

// Made once and never freed: programs may look at them until they end.
const char *readers_at(size_t index) noexcept {
  try {
    static const auto *texts = [] {
      auto *all = new std::vector<std::string>;
      for (size_t i = 0; i < redilock::option_count(); ++i)
        all->push_back(redilock::option_readers(*redilock::option_at(i)));
      return all;
    }();
    return index < texts->size() ? (*texts)[index].c_str() : nullptr;
  } catch (const std::bad_alloc &) {
    return nullptr;
  }
}

}  // namespace

extern "C" {

int32_t redilock_options_new(redilock_options_t **out) {
  if (out == nullptr) return REDILOCK_E_INVALID;
  *out = nullptr;
  return guard([&] {
    *out = std::make_unique<redilock_options>().release();
    return redilock::Status::kOk;
  });
}

int32_t redilock_options_set(redilock_options_t *options, const char *name, const char *value,
                             char *error, size_t error_size) {
  return set(options, name, error, error_size, [&](redilock::ClientOptions &values) {
    require(value != nullptr, "the option's value");
    redilock::set_option(values, name, std::string_view(value));
  });
}

int32_t redilock_options_set_bytes(redilock_options_t *options, const char *name, const char *value,
                                   size_t value_len, char *error, size_t error_size) {
  return set(options, name, error, error_size, [&](redilock::ClientOptions &values) {
    require(value != nullptr, "the option's value");
    require_length(name, value_len, redilock::capi::kValueMax);
    redilock::set_option(values, name, std::string_view(value, value_len));
  });
}

int32_t redilock_options_set_int(redilock_options_t *options, const char *name, int64_t value,
                                 char *error, size_t error_size) {
  return set(options, name, error, error_size,
             [&](redilock::ClientOptions &values) { redilock::set_option(values, name, value); });
}

void redilock_options_free(redilock_options_t *options) {
  std::unique_ptr<redilock_options> owner(options);
}

size_t redilock_option_count(void) { return redilock::option_count(); }

const char *redilock_option_name(size_t index) {
  return text_at(index, [](const redilock::Option &option) { return option.name; });
}

const char *redilock_option_type(size_t index) {
  return text_at(index, [](const auto &option) { return redilock::option_type_name(option.type); });
}

const char *redilock_option_default(size_t index) {
  return text_at(index, [](const redilock::Option &option) { return option.default_text; });
}

const char *redilock_option_scope(size_t index) {
  return text_at(index,
                 [](const auto &option) { return redilock::option_scope_name(option.scope); });
}

const char *redilock_option_calls(size_t index) { return readers_at(index); }

const char *redilock_option_doc(size_t index) {
  return text_at(index, [](const redilock::Option &option) { return option.doc; });
}

}  // extern "C"
