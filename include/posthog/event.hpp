// Events and exceptions that are described before they are captured. Include posthog.hpp.
#ifndef POSTHOG_EVENT_HPP
#define POSTHOG_EVENT_HPP

#include <posthog.h>
#include <posthog/config.hpp>
#include <posthog/flags.hpp>

#include <cstdint>
#include <cstdlib>
#include <exception>

#if defined(__cpp_rtti) || defined(__GXX_RTTI) || defined(_CPPRTTI)
#include <typeinfo>
#define POSTHOG_RTTI 1
#endif
#if __has_include(<cxxabi.h>)
#include <cxxabi.h>
#define POSTHOG_CXXABI 1
#endif
namespace posthog {

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
  Event &flags(const Flags &flags) noexcept { return call<const ph_flags *>(ph_event_set_flags, flags.raw()); }
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

}  // namespace posthog

#undef POSTHOG_CXXABI
#undef POSTHOG_RTTI

#endif  // POSTHOG_EVENT_HPP
