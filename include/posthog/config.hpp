// How a client is made: the options that posthog.h has, and functions that the library calls. Include
// posthog.hpp.
#ifndef POSTHOG_CONFIG_HPP
#define POSTHOG_CONFIG_HPP

#include <posthog.h>
#include <posthog/properties.hpp>

#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#if defined(__cpp_exceptions)
#define POSTHOG_TRY try
#define POSTHOG_CATCH_ALL catch (...)
#else
#define POSTHOG_TRY if (true)
#define POSTHOG_CATCH_ALL else
#endif

namespace posthog {

// What a setter of a builder answered first, if not PH_OK. A builder that has failed changes nothing
// more, and what it is given to answers the same.
template <typename Self, typename Raw, void (*release)(Raw *)>
class Builder {
 public:
  ph_status status() const noexcept { return status_; }
  Raw *raw() const noexcept { return raw_.get(); }

 protected:
  Builder() = default;

  template <typename... Arguments>
  Self &call(ph_status (*setter)(Raw *, Arguments...), std::common_type_t<Arguments>... arguments) noexcept {
    if (!status_) status_ = setter(raw(), arguments...);
    return static_cast<Self &>(*this);
  }

  Self &call(ph_status (*setter)(Raw *, const char *), Text text) noexcept {
    detail::Terminated ended(text);
    detail::keep(status_, ended.status());
    return call<const char *>(setter, ended);
  }

  Self &call(ph_status (*setter)(Raw *, const char *, const char *), Text first, Text second) noexcept {
    detail::Terminated one(first), two(second);
    detail::keep(status_, one.status());
    detail::keep(status_, two.status());
    return call<const char *, const char *>(setter, one, two);
  }

  Self &call(ph_status (*setter)(Raw *, const ph_props *), Properties properties) noexcept {
    detail::Filled props(properties);
    detail::keep(status_, props.status());
    if (!props) return static_cast<Self &>(*this);
    return call<const ph_props *>(setter, props);
  }

  std::unique_ptr<Raw, detail::Handle<release>> raw_;
  ph_status status_ = PH_OK;
};

class Config : public Builder<Config, ph_config, ph_config_free> {
 public:
  explicit Config(Text api_key) noexcept {
    detail::Terminated key(api_key);
    raw_.reset(ph_config_new(key));
    status_ = key.status();
  }
  // From POSTHOG_API_KEY, POSTHOG_HOST and the other variables of ph_config_from_env.
  static Config from_env() noexcept { return Config(ph_config_from_env()); }

  Config &host(Text url) noexcept { return call(ph_config_set_host, url); }
  Config &secret_key(Text key) noexcept { return call(ph_config_set_secret_key, key); }
  Config &environment(Text name) noexcept { return call(ph_config_set_environment, name); }
  Config &disabled(bool disabled) noexcept { return call(ph_config_set_disabled, disabled); }
  Config &debug(bool debug) noexcept { return call(ph_config_set_debug, debug); }
  Config &is_server(bool is_server) noexcept { return call(ph_config_set_is_server, is_server); }
  Config &geoip_disable(bool disable) noexcept { return call(ph_config_set_geoip_disable, disable); }
  Config &deny_property(Text key) noexcept { return call(ph_config_deny_property, key); }
  Config &group_index(Text type, std::uint32_t index) noexcept {
    detail::Terminated name(type);
    detail::keep(status_, name.status());
    return call<const char *, std::uint32_t>(ph_config_set_group_index, name, index);
  }
  Config &flush_at(std::uint32_t events) noexcept { return call(ph_config_set_flush_at, events); }
  Config &flush_interval_ms(std::uint32_t ms) noexcept { return call(ph_config_set_flush_interval_ms, ms); }
  Config &max_retries(std::uint32_t retries) noexcept { return call(ph_config_set_max_retries, retries); }
  Config &queue_max_events(std::uint32_t events) noexcept { return call(ph_config_set_queue_max_events, events); }
  Config &queue_max_bytes(std::uint64_t bytes) noexcept { return call(ph_config_set_queue_max_bytes, bytes); }
  Config &overflow(ph_overflow overflow, std::uint32_t block_ms = 0) noexcept {
    return call<std::int32_t, std::uint32_t>(ph_config_set_overflow, overflow, block_ms);
  }
  Config &flags_timeout_ms(std::uint32_t ms) noexcept { return call(ph_config_set_flags_timeout_ms, ms); }
  // What is to outlive the process is kept there: events until they are delivered, and its crash, which crash_handler
  // has the next start report.
  Config &storage_dir(Text path) noexcept { return call(ph_config_set_storage_dir, path); }
  Config &storage_max_bytes(std::uint64_t bytes) noexcept { return call(ph_config_set_storage_max_bytes, bytes); }
  Config &storage_max_age_ms(std::uint64_t ms) noexcept { return call(ph_config_set_storage_max_age_ms, ms); }
  // Events there survive a loss of power, too, once they were captured a flush_interval_ms ago.
  Config &storage_sync(bool enabled) noexcept { return call(ph_config_set_storage_sync, enabled); }
  Config &crash_handler(bool enabled) noexcept { return call(ph_config_set_crash_handler, enabled); }
  // For tests: nothing is sent, Client::drain has what was captured; and every run is the same.
  Config &capture_only(bool only) noexcept { return call(ph_config_set_capture_only, only); }
  Config &deterministic(std::int64_t unix_ms, std::uint64_t seed) noexcept {
    return call<std::int64_t, std::uint64_t>(ph_config_set_deterministic, unix_ms, seed);
  }
  // A header of every request, in place of an earlier one of that name.
  Config &header(Text name, Text value) noexcept { return call(ph_config_add_header, name, value); }
  // Whose code frames are that begin with the prefix: the program's own, or a library's.
  Config &in_app(Text prefix, bool own) noexcept {
    detail::Terminated begin(prefix);
    detail::keep(status_, begin.status());
    return call<const char *, bool>(ph_config_set_in_app, begin, own);
  }
  // Any other setter of posthog.h that takes a text, a number or a flag.
  Config &set(ph_status (*setter)(ph_config *, const char *), Text text) noexcept { return call(setter, text); }
  template <typename Number>
  Config &set(ph_status (*setter)(ph_config *, Number), std::common_type_t<Number> number) noexcept {
    return call<Number>(setter, number);
  }

  // How long ~Client delivers what is queued. Default 5,000.
  Config &shutdown_timeout_ms(std::uint32_t ms) noexcept {
    shutdown_timeout_ms_ = ms;
    return *this;
  }
  std::uint32_t shutdown_timeout_ms() const noexcept { return shutdown_timeout_ms_; }

  // log(ph_log_level, const char *message). What it throws is swallowed, as in all of these.
  template <typename Log>
  Config &on_log(Log log) noexcept {
    return hook<Log>(std::move(log), [this](void *kept, ph_userdata_free_fn release) {
      ph_log_fn told = [](void *it, std::int32_t level, const char *message) {
        POSTHOG_TRY { (*static_cast<Log *>(it))(static_cast<ph_log_level>(level), message); }
        POSTHOG_CATCH_ALL {}
      };
      return ph_config_set_log(raw(), told, kept, release);
    });
  }
  // delivered(ph_delivery, std::size_t events)
  template <typename Delivered>
  Config &on_delivery(Delivered delivered) noexcept {
    return hook<Delivered>(std::move(delivered), [this](void *kept, ph_userdata_free_fn release) {
      ph_delivery_fn told = [](void *it, std::int32_t delivery, std::size_t events) {
        POSTHOG_TRY { (*static_cast<Delivered *>(it))(static_cast<ph_delivery>(delivery), events); }
        POSTHOG_CATCH_ALL {}
      };
      return ph_config_set_delivery(raw(), told, kept, release);
    });
  }
  // fault(const ph_report *), for the length of the call
  template <typename Fault>
  Config &on_error(Fault fault) noexcept {
    return hook<Fault>(std::move(fault), [this](void *kept, ph_userdata_free_fn release) {
      ph_error_fn told = [](void *it, const ph_report *report) {
        POSTHOG_TRY { (*static_cast<Fault *>(it))(report); }
        POSTHOG_CATCH_ALL {}
      };
      return ph_config_set_on_error(raw(), told, kept, release);
    });
  }
  // before(ph_event *) -> bool: whether to keep it. One that throws drops the event.
  template <typename Before>
  Config &before_send(Before before) noexcept {
    return hook<Before>(std::move(before), [this](void *kept, ph_userdata_free_fn release) {
      ph_before_send_fn told = [](void *it, ph_event *event) -> std::int32_t {
        POSTHOG_TRY { return (*static_cast<Before *>(it))(event) ? 0 : 1; }
        POSTHOG_CATCH_ALL { return 1; }
      };
      return ph_config_add_before_send(raw(), told, kept, release);
    });
  }

 private:
  explicit Config(ph_config *config) noexcept { raw_.reset(config); }

  // Keeps a function on the heap for as long as the library may call it.
  template <typename Function, typename Register>
  Config &hook(Function function, Register enter) noexcept {
    if (status_) return *this;
    auto *kept = new (std::nothrow) Function(std::move(function));
    if (!kept) {
      status_ = PH_ERROR_NO_MEMORY;
      return *this;
    }
    status_ = enter(kept, [](void *it) { delete static_cast<Function *>(it); });
    if (status_) delete kept;
    return *this;
  }

  std::uint32_t shutdown_timeout_ms_ = 5000;
};

}  // namespace posthog

#undef POSTHOG_TRY
#undef POSTHOG_CATCH_ALL

#endif  // POSTHOG_CONFIG_HPP
