// Options of a client, and the list of all options.
#include "values/options.hpp"

#include "handles.hpp"

using redilock::capi::copy_text;
using redilock::capi::guard;
using redilock::capi::Report;
using redilock::capi::require;

namespace {

template <typename Field>
const char *text_at(size_t index, Field field) {
  const redilock::Option *option = redilock::option_at(index);
  return option == nullptr ? nullptr : field(*option);
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
  Report report;
  const int32_t status = guard(report, [&] {
    require(options != nullptr, "options");
    require(name != nullptr, "the option's name");
    require(value != nullptr, "the option's value");
    auto changed = options->values;
    redilock::set_option(changed, name, value);
    options->values = std::move(changed);
    return redilock::Status::kOk;
  });
  copy_text(report.message, error, error_size);
  return status;
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

const char *redilock_option_doc(size_t index) {
  return text_at(index, [](const redilock::Option &option) { return option.doc; });
}

}  // extern "C"
