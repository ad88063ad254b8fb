// Feature flags: for whom they are evaluated, and a snapshot of them. Include posthog.hpp.
#ifndef POSTHOG_FLAGS_HPP
#define POSTHOG_FLAGS_HPP

#include <posthog.h>
#include <posthog/config.hpp>

#include <memory>
#include <optional>
#include <string_view>

namespace posthog {

// Everything about an evaluation of flags besides the distinct id.
class Context : public Builder<Context, ph_context, ph_context_free> {
 public:
  Context() noexcept {
    raw_.reset(ph_context_new());
    if (!raw_) status_ = PH_ERROR_NO_MEMORY;
  }

  Context &group(Text type, Text key) noexcept { return call(ph_context_set_group, type, key); }
  Context &person(Properties properties) noexcept { return call(ph_context_set_person_properties, properties); }
  Context &group_properties(Text type, Properties properties) noexcept {
    detail::Terminated name(type);
    detail::Filled props(properties);
    detail::keep(status_, name.status());
    detail::keep(status_, props.status());
    if (!props) return *this;
    return call<const char *, const ph_props *>(ph_context_set_group_properties, name, props);
  }
  Context &device_id(Text id) noexcept { return call(ph_context_set_device_id, id); }
  Context &flag(Text key) noexcept { return call(ph_context_add_flag_key, key); }
  // Only the flags that are named, also where none is.
  Context &limit_flags() noexcept { return call(ph_context_limit_flag_keys); }
  Context &evaluation_context(Text name) noexcept { return call(ph_context_add_evaluation_context, name); }
  Context &local_only(bool only) noexcept { return call(ph_context_set_local_only, only); }
};

// The flags of one distinct id at one moment. What it returns lasts as long as it does.
class Flags {
 public:
  // Why there are none, if not PH_OK. Every flag is unknown then.
  ph_status status() const noexcept { return status_; }
  const ph_flags *raw() const noexcept { return raw_.get(); }

  bool enabled(Text key, bool fallback = false) const noexcept {
    detail::Terminated name(key);
    return name.status() ? fallback : ph_flags_is_enabled(raw(), name, fallback);
  }
  bool known(Text key) const noexcept {
    detail::Terminated name(key);
    return !name.status() && ph_flags_is_known(raw(), name);
  }
  std::optional<std::string_view> variant(Text key) const noexcept { return get(ph_flags_get_variant, key); }
  // The text of a JSON value.
  std::optional<std::string_view> payload(Text key) const noexcept { return get(ph_flags_get_payload, key); }
  std::optional<std::string_view> reason(Text key) const noexcept { return get(ph_flags_get_reason, key); }
  std::size_t size() const noexcept { return ph_flags_get_count(raw()); }
  std::string_view key(std::size_t index) const noexcept {
    const char *key = ph_flags_get_key(raw(), index);
    return key ? key : "";
  }

 private:
  friend class Client;
  Flags(ph_flags *flags, ph_status status) noexcept : raw_(flags), status_(status) {}

  std::optional<std::string_view> get(const char *(*getter)(const ph_flags *, const char *), Text key) const noexcept {
    detail::Terminated name(key);
    const char *text = name.status() ? nullptr : getter(raw(), name);
    if (!text) return std::nullopt;
    return text;
  }

  std::unique_ptr<ph_flags, detail::Handle<ph_flags_free>> raw_;
  ph_status status_;
};

}  // namespace posthog

#endif  // POSTHOG_FLAGS_HPP
