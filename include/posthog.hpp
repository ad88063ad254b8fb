// libposthog for C++17: handles that free themselves, properties as braces, exceptions with their
// causes. Header-only, over posthog.h, which is the manual of what each call does.
//
//   posthog::Client client(posthog::Config("phc_..."));
//   client.capture("user_42", "order placed", {{"plan", "pro"}, {"amount", 4999}});
//
// Nothing here throws. It compiles with -fno-exceptions (then an exception has no causes) and with
// -fno-rtti (then it has no name of its own). Statuses are those of posthog.h, and may be ignored.
#ifndef POSTHOG_HPP
#define POSTHOG_HPP

#include <posthog.h>
#include <posthog/properties.hpp>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#if defined(__cpp_rtti) || defined(__GXX_RTTI) || defined(_CPPRTTI)
#include <typeinfo>
#define POSTHOG_RTTI 1
#endif
#if __has_include(<cxxabi.h>)
#include <cxxabi.h>
#define POSTHOG_CXXABI 1
#endif
#if defined(__GNUC__)
#define POSTHOG_NOINLINE __attribute__((noinline))
#else
#define POSTHOG_NOINLINE __declspec(noinline)
#endif
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

// An event with all that it can carry.
class Event : public Builder<Event, ph_event, ph_event_free> {
 public:
  Event(Text distinct_id, Text name) noexcept {
    detail::Terminated id(distinct_id), event(name);
    detail::keep(status_, id.status());
    detail::keep(status_, event.status());
    ph_event *created = nullptr;
    if (!status_) status_ = ph_event_new(id, event, &created);
    raw_.reset(created);
  }

  Event &uuid(Text uuid) noexcept { return call(ph_event_set_uuid, uuid); }
  Event &timestamp(Text rfc3339) noexcept { return call(ph_event_set_timestamp, rfc3339); }
  Event &timestamp_ms(std::int64_t unix_ms) noexcept { return call(ph_event_set_timestamp_ms, unix_ms); }
  Event &group(Text type, Text key) noexcept { return call(ph_event_set_group, type, key); }
  Event &properties(Properties properties) noexcept { return call(ph_event_set_properties, properties); }
  Event &set(Properties person) noexcept { return call(ph_event_set_person_properties, person); }
  Event &set_once(Properties person) noexcept { return call(ph_event_set_person_properties_once, person); }
  Event &process_person_profile(bool process) noexcept { return call(ph_event_set_process_person_profile, process); }
  // Options of capture V1, which are passed on as they are.
  Event &options(Properties options) noexcept { return call(ph_event_set_options, options); }
  Event &flags(const class Flags &flags) noexcept;
};

// An exception that is described, not thrown. Its stack is that of the thread that captures it.
class Exception : public Builder<Exception, ph_exception, ph_exception_free> {
 public:
  Exception(Text type, Text message) noexcept {
    detail::Terminated kind(type), text(message);
    detail::keep(status_, kind.status());
    detail::keep(status_, text.status());
    ph_exception *created = nullptr;
    if (!status_) status_ = ph_exception_new(kind, text, &created);
    raw_.reset(created);
  }
  // With the exceptions that are nested in it as its causes.
  explicit Exception(const std::exception &thrown) noexcept : Exception(name_of(thrown), thrown.what()) {
    add_causes(thrown, 0);
  }

  Exception &level(ph_level level) noexcept { return call<std::int32_t>(ph_exception_set_level, level); }
  Exception &handled(bool handled) noexcept { return call(ph_exception_set_handled, handled); }
  Exception &fingerprint(Text fingerprint) noexcept { return call(ph_exception_set_fingerprint, fingerprint); }
  Exception &mechanism(Text type) noexcept { return call(ph_exception_set_mechanism, type); }
  Exception &source(Text source) noexcept { return call(ph_exception_set_source, source); }
  Exception &group(Text type, Text key) noexcept { return call(ph_exception_set_group, type, key); }
  Exception &properties(Properties properties) noexcept { return call(ph_exception_set_properties, properties); }
  // A frame in place of the thread's stack, the innermost first: (__func__, __FILE__, __LINE__).
  Exception &frame(Text function, Text file, std::uint32_t line, bool in_app = true) noexcept {
    detail::Terminated name(function), path(file);
    detail::keep(status_, name.status());
    detail::keep(status_, path.status());
    return call<const char *, const char *, std::uint32_t, const char *, bool>(ph_exception_add_frame, name, path, line,
                                                                               nullptr, in_app);
  }
  Exception &stack(bool taken, std::uint32_t skip = 0) noexcept {
    return call<bool, std::uint32_t>(ph_exception_set_stack, taken, skip);
  }
  Exception &cause(const Exception &cause) noexcept {
    detail::keep(status_, cause.status());
    return call<const ph_exception *, const char *>(ph_exception_add_cause, cause.raw(), nullptr);
  }

 private:
  friend class Client;

  // The name that the program's source has for a type.
  struct Name {
    explicit Name(const char *mangled) noexcept : text(mangled) {
#if defined(POSTHOG_CXXABI)
      int status = 0;
      readable = abi::__cxa_demangle(mangled, nullptr, nullptr, &status);
      if (readable) text = readable;
#endif
    }
    Name(const Name &) = delete;
    Name &operator=(const Name &) = delete;
    ~Name() { std::free(readable); }
    operator Text() const noexcept { return text; }

    const char *text;
    char *readable = nullptr;
  };

  static Name name_of([[maybe_unused]] const std::exception &thrown) noexcept {
#if defined(POSTHOG_RTTI)
    return Name(typeid(thrown).name());
#else
    return Name("std::exception");
#endif
  }

  // What has no what(): its type's name, as far as that can be had.
  static Exception of_anything() noexcept {
#if defined(POSTHOG_CXXABI) && defined(POSTHOG_RTTI)
    if (const std::type_info *type = abi::__cxa_current_exception_type()) return Exception(Name(type->name()), "");
#endif
    return Exception("exception", "");
  }

  void add_causes([[maybe_unused]] const std::exception &thrown, [[maybe_unused]] int depth) noexcept {
#if defined(__cpp_exceptions) && defined(POSTHOG_RTTI)
    constexpr int depth_max = 50;
    if (depth == depth_max) return;
    try {
      std::rethrow_if_nested(thrown);
    } catch (const std::exception &nested) {
      Exception inner(name_of(nested), nested.what());
      inner.add_causes(nested, depth + 1);
      cause(inner);
    } catch (...) {
      cause(of_anything());
    }
#endif
  }
};

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

inline Event &Event::flags(const Flags &flags) noexcept {
  return call<const ph_flags *>(ph_event_set_flags, flags.raw());
}

// A text that the library made and this owns; empty if it made none.
class OwnedText {
 public:
  std::string_view view() const noexcept { return raw_ ? std::string_view(raw_.get()) : std::string_view(); }
  operator std::string_view() const noexcept { return view(); }

 private:
  friend class Client;
  explicit OwnedText(char *text) noexcept : raw_(text) {}
  std::unique_ptr<char, detail::Handle<ph_string_free>> raw_;
};

// A client. Every method may be called from any thread at once; moving and destroying it may not.
class Client {
 public:
  // One that does nothing.
  Client() = default;

  // Opens no connection and starts no thread. One that could not be made does nothing, and status()
  // says why.
  explicit Client(const Config &config) noexcept
      : shutdown_timeout_ms_(config.shutdown_timeout_ms()), status_(config.status()) {
    // What this header calls has to be in the library.
    if (!fits(ph_version())) status_ = PH_ERROR_UNSUPPORTED, fits_ = false;
    ph_client *made = nullptr;
    if (!status_) status_ = ph_init(config.raw(), &made);
    raw_ = made;
  }
  Client(Client &&other) noexcept
      : raw_(std::exchange(other.raw_, nullptr)), shutdown_timeout_ms_(other.shutdown_timeout_ms_), status_(other.status_),
        fits_(other.fits_) {}
  Client &operator=(Client &&other) noexcept {
    std::swap(raw_, other.raw_);
    std::swap(shutdown_timeout_ms_, other.shutdown_timeout_ms_);
    std::swap(status_, other.status_);
    std::swap(fits_, other.fits_);
    return *this;
  }
  // Delivers what is queued, for Config::shutdown_timeout_ms at most.
  ~Client() {
    if (!raw_) return;
    ph_client *watched = raw_;
    terminating().compare_exchange_strong(watched, nullptr);
    ph_shutdown(raw_, shutdown_timeout_ms_);
    ph_client_free(raw_);
  }

  ph_status status() const noexcept { return status_; }
  // The same in words.
  const char *status_text() const noexcept {
    return fits_ ? ph_status_text(status_) : "the library is older than this header, or of another major version";
  }
  // For what is not here.
  const ph_client *raw() const noexcept { return raw_; }

  ph_status capture(Text distinct_id, Text event, Properties properties = {}) const noexcept {
    detail::Filled props(properties);
    if (props.status()) return props.status();
    return ph_capture_n(raw_, distinct_id.data(), distinct_id.size(), event.data(), event.size(), props);
  }
  ph_status capture(const Event &event) const noexcept {
    return event.status() ? event.status() : ph_capture_event(raw_, event.raw(), nullptr);
  }
  // For events of AI observability, which have a queue and requests of their own.
  ph_status capture_ai(const Event &event) const noexcept {
    return event.status() ? event.status() : ph_capture_ai(raw_, event.raw(), nullptr);
  }
  // These wait for what becomes of the event, and tell it.
  ph_status capture_immediate(const Event &event, std::uint32_t timeout_ms) const noexcept {
    return event.status() ? event.status() : ph_capture_immediate(raw_, event.raw(), timeout_ms, nullptr);
  }
  ph_status capture_ai_immediate(const Event &event, std::uint32_t timeout_ms) const noexcept {
    return event.status() ? event.status() : ph_capture_ai_immediate(raw_, event.raw(), timeout_ms, nullptr);
  }
  ph_status identify(Text distinct_id, Properties set = {}, Properties set_once = {}) const noexcept {
    detail::Terminated id(distinct_id);
    detail::Filled props(set), once(set_once);
    for (ph_status status : {id.status(), props.status(), once.status()})
      if (status) return status;
    return ph_identify(raw_, id, props, once);
  }
  ph_status alias(Text distinct_id, Text alias) const noexcept {
    detail::Terminated id(distinct_id), other(alias);
    for (ph_status status : {id.status(), other.status()})
      if (status) return status;
    return ph_alias(raw_, id, other);
  }
  // An empty distinct id is the group's own.
  ph_status group_identify(Text distinct_id, Text type, Text key, Properties properties = {}) const noexcept {
    detail::Terminated id(distinct_id), name(type), group(key);
    detail::Filled props(properties);
    for (ph_status status : {id.status(), name.status(), group.status(), props.status()})
      if (status) return status;
    return ph_group_identify(raw_, distinct_id.size() ? static_cast<const char *>(id) : nullptr, name, group, props);
  }
  ph_status register_properties(Properties properties) const noexcept { return with(ph_register, properties); }
  ph_status register_once(Properties properties) const noexcept { return with(ph_register_once, properties); }
  ph_status unregister(Text key) const noexcept {
    detail::Terminated name(key);
    return name.status() ? name.status() : ph_unregister(raw_, name);
  }

  // Not inlined, so that the stack begins with the caller.
  POSTHOG_NOINLINE ph_status capture_exception(Text distinct_id, const std::exception &thrown,
                                               Properties properties = {}) const noexcept {
    return capture_described(distinct_id, Exception(thrown).properties(properties).stack(true, 1));
  }
  POSTHOG_NOINLINE ph_status capture_exception(Text distinct_id, Text type, Text message,
                                               Properties properties = {}) const noexcept {
    return capture_described(distinct_id, Exception(type, message).properties(properties).stack(true, 1));
  }
  // The one that is being handled, in a `catch (...)`, whatever it is.
  POSTHOG_NOINLINE ph_status capture_current_exception(Text distinct_id, Properties properties = {}) const noexcept {
    return capture_described(distinct_id, current().properties(properties).stack(true, 1));
  }
  // As it was described; `stack` says whose stack it has.
  ph_status capture_exception(Text distinct_id, const Exception &exception) const noexcept {
    return capture_described(distinct_id, exception);
  }

  // What the program did, for the exceptions that come after.
  ph_status add_step(Text message, Properties properties = {}) const noexcept {
    detail::Terminated text(message);
    detail::Filled props(properties);
    for (ph_status status : {text.status(), props.status()})
      if (status) return status;
    return ph_step_add(raw_, text, props);
  }

  bool flag_enabled(Text distinct_id, Text key, bool fallback = false, const Context *context = nullptr) const noexcept {
    if (context && context->status()) return fallback;
    return ph_flag_enabled_n(raw_, distinct_id.data(), distinct_id.size(), key.data(), key.size(),
                             context ? context->raw() : nullptr, fallback);
  }
  Flags evaluate_flags(Text distinct_id, std::uint32_t timeout_ms = 3000, const Context *context = nullptr) const noexcept {
    ph_flags *flags = nullptr;
    ph_status status = context ? context->status() : PH_OK;
    if (!status)
      status = ph_flags_evaluate_n(raw_, distinct_id.data(), distinct_id.size(), context ? context->raw() : nullptr,
                                   timeout_ms, &flags);
    return Flags(flags, status);
  }
  // The remembered answer that flag_enabled reads.
  Flags recall_flags(Text distinct_id, const Context *context = nullptr) const noexcept {
    detail::Terminated id(distinct_id);
    ph_flags *flags = nullptr;
    ph_status status = context && context->status() ? context->status() : id.status();
    if (!status) status = ph_flags_recall(raw_, id, context ? context->raw() : nullptr, &flags);
    return Flags(flags, status);
  }

  // For flags that are evaluated in this process, with Config::secret_key: until their definitions are there.
  ph_status wait_for_flags(std::uint32_t timeout_ms) const noexcept { return ph_flags_wait_ready(raw_, timeout_ms); }
  // For tests: what flags are, as JSON; an empty text ends it.
  ph_status override_flags(Text json) const noexcept {
    detail::Terminated text(json);
    if (json.size() && text.status()) return text.status();
    return ph_flags_override(raw_, json.size() ? static_cast<const char *>(text) : nullptr);
  }

  ph_status flush(std::uint32_t timeout_ms) const noexcept { return ph_flush(raw_, timeout_ms); }
  ph_status shutdown(std::uint32_t timeout_ms) const noexcept { return ph_shutdown(raw_, timeout_ms); }
  // Takes queued events out, the oldest first, as the text of a JSON array. They will not be sent.
  OwnedText drain(std::size_t max_events) const noexcept {
    char *json = nullptr;
    ph_queue_drain(raw_, max_events, &json);
    return OwnedText(json);
  }
  ph_status opt_out() const noexcept { return ph_opt_out(raw_); }
  ph_status opt_in() const noexcept { return ph_opt_in(raw_); }
  bool opted_out() const noexcept { return ph_is_opted_out(raw_); }
  std::uint64_t stat(ph_stat stat) const noexcept {
    std::uint64_t values[256] = {};
    ph_stats_get(raw_, values, static_cast<std::size_t>(stat) < 256 ? stat + 1 : 0);
    return static_cast<std::size_t>(stat) < 256 ? values[stat] : 0;
  }

  // From now on a std::terminate is captured by this client, as fatal and nobody's, and sent within
  // two seconds; then the handler before does what it does. One client of a program at a time has
  // this; it ends with the client.
  void capture_terminate() const noexcept {
    terminating().store(raw_);
    static const bool once = [] {
      before() = std::set_terminate(on_terminate);
      return true;
    }();
    (void)once;
  }

 private:
  static bool fits(const char *version) noexcept {
    int major = 0, minor = 0, patch = 0;
    if (std::sscanf(version, "%d.%d.%d", &major, &minor, &patch) != 3) return false;
    if (major != PH_VERSION_MAJOR || minor != PH_VERSION_MINOR) return major == PH_VERSION_MAJOR && minor > PH_VERSION_MINOR;
    return patch >= PH_VERSION_PATCH;
  }

  ph_status with(ph_status (*call)(const ph_client *, const ph_props *), Properties properties) const noexcept {
    if (properties.size() == 0) return PH_OK;
    detail::Filled props(properties);
    return props.status() ? props.status() : call(raw_, props);
  }

#if defined(__GNUC__)
  __attribute__((always_inline))
#endif
  ph_status
  capture_described(Text distinct_id, const Exception &exception) const noexcept {
    detail::Terminated id(distinct_id);
    if (ph_status status = exception.status() ? exception.status() : id.status()) return status;
    return ph_capture_exception(raw_, id, exception.raw());
  }

  static Exception current() noexcept {
#if defined(__cpp_exceptions)
    if (std::exception_ptr thrown = std::current_exception()) {
      try {
        std::rethrow_exception(thrown);
      } catch (const std::exception &known) {
        return Exception(known);
      } catch (...) {
        return Exception::of_anything();
      }
    }
#endif
    return Exception("std::terminate", "no exception is being handled");
  }

  [[noreturn]] static void on_terminate() noexcept {
    // Only one thread captures, and only once: what fails in here ends in here again.
    if (const ph_client *client = terminating().exchange(nullptr)) {
      detail::Terminated nobody(nullptr);
      Exception last = current();
      last.level(PH_LEVEL_FATAL).handled(false).mechanism("onuncaughtexception").source("cpp.terminate_handler").stack(true, 0);
      if (!last.status()) ph_capture_exception(client, nobody, last.raw());
      ph_flush(client, 2000);
    }
    if (before()) before()();
    std::abort();
  }

  // Of the whole program.
  static std::atomic<ph_client *> &terminating() noexcept {
    static std::atomic<ph_client *> client{nullptr};
    return client;
  }
  static std::terminate_handler &before() noexcept {
    static std::terminate_handler handler = nullptr;
    return handler;
  }

  ph_client *raw_ = nullptr;
  std::uint32_t shutdown_timeout_ms_ = 5000;
  ph_status status_ = PH_OK;
  bool fits_ = true;
};

}  // namespace posthog

#undef POSTHOG_TRY
#undef POSTHOG_CATCH_ALL
#undef POSTHOG_NOINLINE
#undef POSTHOG_CXXABI
#undef POSTHOG_RTTI

#endif  // POSTHOG_HPP
