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
#include <posthog/config.hpp>
#include <posthog/event.hpp>
#include <posthog/flags.hpp>
#include <posthog/properties.hpp>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string_view>
#include <utility>

#if defined(__GNUC__)
#define POSTHOG_NOINLINE __attribute__((noinline))
#else
#define POSTHOG_NOINLINE __declspec(noinline)
#endif

namespace posthog {

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
    return with(ph_unregister, key);
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

  // Definitions of flags for the next start, in a file.
  ph_status load_definitions_file(Text path) const noexcept { return with(ph_definitions_load_file, path); }
  ph_status save_definitions_file(Text path) const noexcept { return with(ph_definitions_save_file, path); }

  // With Config::storage_dir. Whose a crash will be; an empty id is nobody's.
  ph_status crash_distinct_id(Text distinct_id) const noexcept {
    if (distinct_id.size() == 0) return ph_crash_set_distinct_id(raw_, nullptr);
    return with(ph_crash_set_distinct_id, distinct_id);
  }
  // Gives this thread a stack on which its crash is written down when it has used up its own.
  ph_status attach_crash_thread() const noexcept { return ph_crash_thread_attach(raw_); }
  // Writes down that the program is about to die, with the stack of this thread, for the next start to
  // report. Safe in a signal handler.
  ph_status write_crash(std::string_view message) const noexcept {
    return ph_crash_write(raw_, message.data(), message.size());
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
  // two seconds, for which the client is shut down; then the handler before does what it does. One client of a program at a time has
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

  ph_status with(ph_status (*call)(const ph_client *, const char *), Text text) const noexcept {
    detail::Terminated ended(text);
    return ended.status() ? ended.status() : call(raw_, ended);
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
      // Not only flushed: the abort that follows would be reported as a crash once more.
      ph_shutdown(client, 2000);
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

#undef POSTHOG_NOINLINE

#endif  // POSTHOG_HPP
