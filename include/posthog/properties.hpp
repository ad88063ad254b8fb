// What posthog.hpp is given: texts, values, and properties in braces. Include posthog.hpp.
#ifndef POSTHOG_PROPERTIES_HPP
#define POSTHOG_PROPERTIES_HPP

#include <posthog.h>

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

namespace posthog {

// A text that is passed in: a literal, a string, or a view. Lives for the call.
class Text {
 public:
  Text(const char *text) noexcept : view_(text ? std::string_view(text) : std::string_view()), ends_(true) {}
  Text(const std::string &text) noexcept : view_(text), ends_(text.find('\0') == text.npos) {}
  Text(std::string_view text) noexcept : view_(text), ends_(false) {}

  const char *data() const noexcept { return view_.data(); }
  std::size_t size() const noexcept { return view_.size(); }
  std::string_view view() const noexcept { return view_; }
  // Whether a NUL stands behind it, and none inside.
  bool ends() const noexcept { return ends_; }

 private:
  std::string_view view_;
  bool ends_;
};

struct Property;

// JSON that is there already.
struct Json {
  Text text;
};

// A value that is passed in. What it refers to has to live for the call, as braces do.
class Value {
 public:
  enum class Kind : unsigned char { null, boolean, integer, natural, real, text, json, object, array };

  Value(std::nullptr_t) noexcept : kind_(Kind::null) {}
  template <typename T, std::enable_if_t<std::is_arithmetic_v<T>, int> = 0>
  Value(T value) noexcept {
    if constexpr (std::is_same_v<T, bool>) {
      kind_ = Kind::boolean, integer_ = value;
    } else if constexpr (std::is_floating_point_v<T>) {
      kind_ = Kind::real, real_ = static_cast<double>(value);
    } else if constexpr (std::is_signed_v<T>) {
      kind_ = Kind::integer, integer_ = value;
    } else {
      kind_ = Kind::natural, natural_ = value;
    }
  }
  Value(const char *text) noexcept : Value(Text(text), text ? Kind::text : Kind::null) {}
  Value(const std::string &text) noexcept : Value(Text(text), Kind::text) {}
  Value(std::string_view text) noexcept : Value(Text(text), Kind::text) {}
  Value(Json json) noexcept : Value(json.text, Kind::json) {}
  Value(std::initializer_list<Property> object) noexcept : kind_(Kind::object), object_(object) {}

  // The elements of an array.
  static Value array(std::initializer_list<Value> elements) noexcept { return Value(elements, Kind::array); }

  Kind kind() const noexcept { return kind_; }
  bool boolean() const noexcept { return integer_ != 0; }
  std::int64_t integer() const noexcept { return integer_; }
  std::uint64_t natural() const noexcept { return natural_; }
  double real() const noexcept { return real_; }
  const Text &text() const noexcept { return text_; }
  std::initializer_list<Property> object() const noexcept { return object_; }
  std::initializer_list<Value> elements() const noexcept { return elements_; }

 private:
  Value(Text text, Kind kind) noexcept : kind_(kind), text_(text) {}
  Value(std::initializer_list<Value> elements, Kind kind) noexcept : kind_(kind), elements_(elements) {}

  Kind kind_;
  union {
    std::int64_t integer_ = 0;
    std::uint64_t natural_;
    double real_;
    Text text_;
    std::initializer_list<Property> object_;
    std::initializer_list<Value> elements_;
  };
};

inline Value array(std::initializer_list<Value> elements) noexcept { return Value::array(elements); }

struct Property {
  Property(Text property_key, Value property_value) noexcept : key(property_key), value(property_value) {}

  Text key;
  Value value;
};

using Properties = std::initializer_list<Property>;

namespace detail {

template <auto free>
struct Handle {
  template <typename T>
  void operator()(T *handle) const noexcept { free(handle); }
};

// The first failure among several calls.
inline void keep(ph_status &first, ph_status next) noexcept {
  if (first == PH_OK) first = next;
}

// A text with a NUL behind it. A NUL inside would end it early: it has none then.
class Terminated {
 public:
  Terminated(Text text) noexcept {
    if (text.ends()) {
      text_ = text.data();
    } else {
      copy(text);
    }
  }
  Terminated(const Terminated &) = delete;
  Terminated &operator=(const Terminated &) = delete;
  ~Terminated() { std::free(heap_); }

  operator const char *() const noexcept { return text_; }
  ph_status status() const noexcept { return status_; }

 private:
  void copy(Text text) noexcept {
    char *room = inside_;
    if (text.size() >= sizeof inside_) room = heap_ = static_cast<char *>(std::malloc(text.size() + 1));
    if (!room) {
      status_ = PH_ERROR_NO_MEMORY;
    } else if (text.size() && std::memchr(text.data(), 0, text.size())) {
      status_ = PH_ERROR_UTF8;
    } else {
      if (text.size()) std::memcpy(room, text.data(), text.size());
      room[text.size()] = 0;
      text_ = room;
    }
  }

  const char *text_ = nullptr;
  char *heap_ = nullptr;
  ph_status status_ = PH_OK;
  char inside_[120];
};

// JSON under construction, for what is nested. The library validates what is written here.
class Writer {
 public:
  Writer() = default;
  Writer(const Writer &) = delete;
  Writer &operator=(const Writer &) = delete;
  ~Writer() { std::free(heap_); }

  // What was written, with a NUL behind it; nullptr if there was no memory.
  const char *text() noexcept {
    write(std::string_view("\0", 1));
    return failed_ ? nullptr : data();
  }

  inline void value(const Value &value) noexcept;

 private:
  char *data() noexcept { return heap_ ? heap_ : inside_; }

  void write(std::string_view text) noexcept {
    if (failed_ || (size_ + text.size() > room_ && !grow(size_ + text.size()))) return;
    std::memcpy(data() + size_, text.data(), text.size());
    size_ += text.size();
  }

  bool grow(std::size_t least) noexcept {
    std::size_t room = least * 2;
    char *larger = static_cast<char *>(std::realloc(heap_, room));
    failed_ = !larger;
    if (failed_) return false;
    if (!heap_) std::memcpy(larger, inside_, size_);
    heap_ = larger;
    room_ = room;
    return true;
  }

  void string(std::string_view text) noexcept {
    write("\"");
    for (char letter : text) {
      auto byte = static_cast<unsigned char>(letter);
      if (byte == '"' || byte == '\\') {
        char escape[] = {'\\', letter};
        write({escape, 2});
      } else if (byte < 0x20) {
        constexpr char digits[] = "0123456789abcdef";
        char escape[] = {'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 15]};
        write({escape, 6});
      } else {
        write({&letter, 1});
      }
    }
    write("\"");
  }

  template <typename T>
  void number(T number) noexcept {
    char digits[32];
    write({digits, static_cast<std::size_t>(std::to_chars(digits, digits + sizeof digits, number).ptr - digits)});
  }

  inline void real(double number) noexcept;

  char *heap_ = nullptr;
  std::size_t size_ = 0, room_ = sizeof inside_;
  bool failed_ = false;
  char inside_[512];
};

inline void Writer::real(double number) noexcept {
  // Not finite: JSON does not have it.
  if (number - number != 0) return write("null");
#if defined(__cpp_lib_to_chars)
  this->number(number);
#else
  char digits[32];
  int size = std::snprintf(digits, sizeof digits, "%.17g", number);
  // The locale's decimal point may be another.
  for (int at = 0; at < size; at++)
    if (!std::strchr("0123456789+-eE", digits[at])) digits[at] = '.';
  write({digits, static_cast<std::size_t>(size)});
#endif
}

inline void Writer::value(const Value &value) noexcept {
  const char *separator = "";
  switch (value.kind()) {
    case Value::Kind::null: return write("null");
    case Value::Kind::boolean: return write(value.boolean() ? "true" : "false");
    case Value::Kind::integer: return number(value.integer());
    case Value::Kind::natural: return number(value.natural());
    case Value::Kind::real: return real(value.real());
    case Value::Kind::text: return string(value.text().view());
    case Value::Kind::json: return write(value.text().view());
    case Value::Kind::object:
      write("{");
      for (const Property &property : value.object()) {
        write(separator);
        string(property.key.view());
        write(":");
        this->value(property.value);
        separator = ",";
      }
      return write("}");
    case Value::Kind::array:
      write("[");
      for (const Value &element : value.elements()) {
        write(separator);
        this->value(element);
        separator = ",";
      }
      return write("]");
  }
}

inline ph_status set_nested(ph_props *props, const char *key, const Value &value) noexcept {
  if (value.kind() == Value::Kind::json) {
    Terminated json(value.text());
    return json.status() ? json.status() : ph_props_set_json(props, key, json);
  }
  Writer writer;
  writer.value(value);
  const char *json = writer.text();
  return json ? ph_props_set_json(props, key, json) : PH_ERROR_NO_MEMORY;
}

inline ph_status set(ph_props *props, const Property &property) noexcept {
  const Text &key = property.key;
  const Value &value = property.value;
  if (value.kind() == Value::Kind::text)
    return ph_props_set_str_n(props, key.data(), key.size(), value.text().data(), value.text().size());
  Terminated name(key);
  if (name.status()) return name.status();
  switch (value.kind()) {
    case Value::Kind::null: return ph_props_set_null(props, name);
    case Value::Kind::boolean: return ph_props_set_bool(props, name, value.boolean());
    case Value::Kind::integer: return ph_props_set_int(props, name, value.integer());
    case Value::Kind::natural: return ph_props_set_uint(props, name, value.natural());
    case Value::Kind::real: return ph_props_set_double(props, name, value.real());
    default: return set_nested(props, name, value);
  }
}

inline ph_status fill(ph_props *props, Properties properties) noexcept {
  for (const Property &property : properties)
    if (ph_status status = set(props, property)) return status;
  return PH_OK;
}

// A map that is filled for one call, and the thread's own where that is free: then nothing is
// allocated.
class Filled {
 public:
  Filled(Properties properties) noexcept : Filled() {
    if (properties.size() == 0) return;
    borrowed_ = !taken();
    if (borrowed_) {
      taken() = true;
      props_ = own();
    } else {
      props_ = ph_props_new();
    }
    status_ = props_ ? fill(props_, properties) : PH_ERROR_NO_MEMORY;
  }
  Filled(const Filled &) = delete;
  Filled &operator=(const Filled &) = delete;
  ~Filled() {
    if (borrowed_) {
      ph_props_clear(props_);
      taken() = false;
    } else {
      ph_props_free(props_);
    }
  }

  // NULL where there are no properties.
  operator const ph_props *() const noexcept { return props_; }
  ph_status status() const noexcept { return status_; }

 private:
  Filled() = default;

  // Outlives what own() keeps: a thread that has ended it takes maps that are nobody's.
  static bool &taken() noexcept {
    thread_local bool taken = false;
    return taken;
  }

  static ph_props *own() noexcept {
    struct Kept {
      ph_props *props = ph_props_new();
      ~Kept() {
        taken() = true;
        ph_props_free(props);
      }
    };
    thread_local Kept kept;
    return kept.props;
  }

  ph_props *props_ = nullptr;
  bool borrowed_ = false;
  ph_status status_ = PH_OK;
};

}  // namespace detail

}  // namespace posthog

#endif  // POSTHOG_PROPERTIES_HPP
