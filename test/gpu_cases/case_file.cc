#include "test/gpu_cases/case_file.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace graven::gpu_cases {
namespace {

constexpr char kMagic[8] = {'G', 'C', 'A', 'S', 'E', '0', '1', '\n'};
constexpr uint64_t kMostBytes = uint64_t{1} << 30;  // of one text or buffer
constexpr uint32_t kMostItems = 4096;               // buffers or parameters

template <typename Number>
void put(std::string &out, Number value) {
  out.append(reinterpret_cast<const char *>(&value), sizeof value);
}
void put_text(std::string &out, const std::string &text) {
  put(out, static_cast<uint64_t>(text.size()));
  out += text;
}

class Reader {
 public:
  explicit Reader(std::istream &file) : file_(file) {}

  template <typename Number>
  Number number() {
    Number value{};
    bytes(&value, sizeof value);
    return value;
  }
  uint32_t count() {
    const auto value = number<uint32_t>();
    if (value > kMostItems) good_ = false;
    return good_ ? value : 0;
  }
  std::string text() {
    const auto size = number<uint64_t>();
    if (size > kMostBytes) good_ = false;
    std::string value(good_ ? size : 0, '\0');
    bytes(value.data(), value.size());
    return value;
  }
  void bytes(void *to, size_t size) {
    if (good_ && !file_.read(static_cast<char *>(to), static_cast<std::streamsize>(size)))
      good_ = false;
  }
  bool good() const { return good_; }

 private:
  std::istream &file_;
  bool good_ = true;
};

float f16_value(uint16_t bits) {
  const int exponent = bits >> 10 & 31;
  const double mantissa = bits & 1023;
  const double size = exponent == 31  ? (bits & 1023 ? NAN : INFINITY)
                      : exponent == 0 ? std::ldexp(mantissa, -24)
                                      : std::ldexp(1024 + mantissa, exponent - 25);
  return static_cast<float>(bits & 0x8000 ? -size : size);
}

/// Elements of `bytes` as numbers.
template <typename Element>
std::vector<double> numbers(const std::string &bytes) {
  std::vector<double> values;
  for (size_t at = 0; at + sizeof(Element) <= bytes.size(); at += sizeof(Element)) {
    Element value;
    std::memcpy(&value, bytes.data() + at, sizeof value);
    values.push_back(static_cast<double>(value));
  }
  return values;
}
std::vector<double> halves(const std::string &bytes) {
  std::vector<double> values;
  for (double bits : numbers<uint16_t>(bytes)) values.push_back(f16_value(uint16_t(bits)));
  return values;
}

/// Elements of bf16: the upper halves of f32.
std::vector<double> brain_floats(const std::string &bytes) {
  std::string wide;
  for (size_t at = 0; at + 2 <= bytes.size(); at += 2) {
    wide.append(2, '\0');
    wide.append(bytes, at, 2);
  }
  return numbers<float>(wide);
}

std::string told(size_t index, double actual, double expected) {
  char text[160];
  std::snprintf(text, sizeof text, "element %zu is %.9g, expected %.9g", index, actual, expected);
  return text;
}

/// Compares numbers; with `relative_to_largest`, an error counts against the largest of them.
std::string compare(const std::vector<double> &actual, const std::vector<double> &expected,
                    double tolerance, bool relative_to_largest, double *worst) {
  double largest = 0, found = 0;
  for (double value : expected) {
    if (std::isfinite(value)) largest = std::max(largest, std::abs(value));
  }
  for (size_t i = 0; i < expected.size(); ++i) {
    const double a = actual[i], e = expected[i];
    if (a == e || (std::isnan(a) && std::isnan(e))) continue;
    const double size = relative_to_largest ? largest : std::max(1.0, std::abs(e));
    const double error = std::abs(a - e) / size;
    if (!(error <= tolerance)) return told(i, a, e);
    found = std::max(found, error);
  }
  *worst = std::max(*worst, found);
  return "";
}

/// Without knowing the elements: bits, or f32 within the tolerance.
std::string compare_bytes(const Buffer &buffer, const std::string &actual, double *worst) {
  if (actual == buffer.expected) return "";
  if (buffer.tolerance > 0) {
    return compare(numbers<float>(actual), numbers<float>(buffer.expected), buffer.tolerance, true,
                   worst);
  }
  // Payloads of NaN differ from device to device.
  double ignored = 0;
  if (compare(numbers<float>(actual), numbers<float>(buffer.expected), 0, true, &ignored).empty() ||
      compare(halves(actual), halves(buffer.expected), 0, true, &ignored).empty())
    return "";
  size_t at = 0;
  while (actual[at] == buffer.expected[at]) ++at;
  char text[200];
  uint32_t words[2] = {0, 0};
  const size_t word = at / 4 * 4, rest = std::min<size_t>(4, actual.size() - word);
  std::memcpy(&words[0], actual.data() + word, rest);
  std::memcpy(&words[1], buffer.expected.data() + word, rest);
  std::snprintf(text, sizeof text, "byte %zu differs: the word there is 0x%08x, expected 0x%08x",
                at, words[0], words[1]);
  return text;
}

}  // namespace

std::string encode(const Case &one) {
  std::string out(kMagic, sizeof kMagic);
  put(out, static_cast<uint32_t>(one.kind));
  put_text(out, one.name);
  put_text(out, one.module);
  put_text(out, one.function);
  for (uint32_t extent : one.grid) put(out, extent);
  for (uint32_t extent : one.block) put(out, extent);
  put(out, one.shared_bytes);
  put(out, static_cast<uint32_t>(one.buffers.size()));
  for (const Buffer &buffer : one.buffers) {
    put_text(out, buffer.element);
    put(out, buffer.tolerance);
    put_text(out, buffer.before);
    put_text(out, buffer.expected);
  }
  put(out, static_cast<uint32_t>(one.parameters.size()));
  for (const Parameter &parameter : one.parameters) {
    put(out, parameter.buffer);
    put(out, parameter.offset);
  }
  return out;
}

bool read_case(std::istream &file, Case *one, std::string *error) {
  *one = {};
  error->clear();
  if (file.peek() == std::istream::traits_type::eof()) return false;
  Reader reader(file);
  char magic[sizeof kMagic];
  reader.bytes(magic, sizeof magic);
  const bool known = reader.good() && std::memcmp(magic, kMagic, sizeof magic) == 0;
  one->kind = static_cast<Kind>(reader.number<uint32_t>());
  one->name = reader.text();
  one->module = reader.text();
  one->function = reader.text();
  for (uint32_t &extent : one->grid) extent = reader.number<uint32_t>();
  for (uint32_t &extent : one->block) extent = reader.number<uint32_t>();
  one->shared_bytes = reader.number<uint32_t>();
  one->buffers.resize(known ? reader.count() : 0);
  for (Buffer &buffer : one->buffers) {
    buffer.element = reader.text();
    buffer.tolerance = reader.number<double>();
    buffer.before = reader.text();
    buffer.expected = reader.text();
  }
  one->parameters.resize(known ? reader.count() : 0);
  bool within = true;
  for (Parameter &parameter : one->parameters) {
    parameter.buffer = reader.number<uint32_t>();
    parameter.offset = reader.number<uint64_t>();
    within &= parameter.buffer < one->buffers.size();
  }
  if (known && within && reader.good() && (one->kind == Kind::kKernel || one->kind == Kind::kEntry))
    return true;
  *error = "the file of cases is damaged";
  return false;
}

std::string difference(const Buffer &buffer, const std::string &actual, double *worst) {
  if (actual.size() != buffer.expected.size()) {
    return std::to_string(actual.size()) + " bytes, expected " +
           std::to_string(buffer.expected.size());
  }
  if (buffer.element == "f32") {
    return compare(numbers<float>(actual), numbers<float>(buffer.expected), buffer.tolerance, false,
                   worst);
  }
  if (buffer.element == "f16") {
    return compare(halves(actual), halves(buffer.expected), buffer.tolerance, false, worst);
  }
  if (buffer.element == "bf16") {
    return compare(brain_floats(actual), brain_floats(buffer.expected), buffer.tolerance, false,
                   worst);
  }
  if (buffer.element == "f64") {
    return compare(numbers<double>(actual), numbers<double>(buffer.expected), buffer.tolerance,
                   false, worst);
  }
  return compare_bytes(buffer, actual, worst);
}

}  // namespace graven::gpu_cases
