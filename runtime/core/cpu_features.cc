#include "runtime/core/cpu_features.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "runtime/core/error.h"

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#endif

namespace graven1 {
namespace {

#if defined(__x86_64__)

constexpr const char kArchitecture[] = "x86_64";
constexpr const char kOldestCpu[] = "x86-64-v3";

// The CPUID words that hold feature bits.
enum Word : uint8_t { k1c, k1d, k7b, k7c, k7d, k71a, k7x1d, kD1a, k14x0, k81c, k81d, k88b, kWords };
// Register sets that the operating system must save for a feature to be usable (bits of XCR0).
enum Saved : uint8_t { kNone = 0, kAvx = 0x06, kAvx512 = 0xe6 };

struct Feature {
  char name[19];
  Word word;
  uint8_t bit;
  Saved saved;
};

constexpr Feature kFeatures[] = {
    {"sse3", k1c, 0, kNone},
    {"pclmul", k1c, 1, kNone},
    {"ssse3", k1c, 9, kNone},
    {"fma", k1c, 12, kAvx},
    {"cx16", k1c, 13, kNone},
    {"sse4.1", k1c, 19, kNone},
    {"sse4.2", k1c, 20, kNone},
    {"crc32", k1c, 20, kNone},
    {"movbe", k1c, 22, kNone},
    {"popcnt", k1c, 23, kNone},
    {"aes", k1c, 25, kNone},
    {"xsave", k1c, 27, kNone},
    {"avx", k1c, 28, kAvx},
    {"f16c", k1c, 29, kAvx},
    {"rdrnd", k1c, 30, kNone},
    {"x87", k1d, 0, kNone},
    {"cx8", k1d, 8, kNone},
    {"cmov", k1d, 15, kNone},
    {"mmx", k1d, 23, kNone},
    {"fxsr", k1d, 24, kNone},
    {"sse", k1d, 25, kNone},
    {"sse2", k1d, 26, kNone},
    {"fsgsbase", k7b, 0, kNone},
    {"bmi", k7b, 3, kNone},
    {"avx2", k7b, 5, kAvx},
    {"bmi2", k7b, 8, kNone},
    {"invpcid", k7b, 10, kNone},
    {"avx512f", k7b, 16, kAvx512},
    {"avx512dq", k7b, 17, kAvx512},
    {"rdseed", k7b, 18, kNone},
    {"adx", k7b, 19, kNone},
    {"avx512ifma", k7b, 21, kAvx512},
    {"clflushopt", k7b, 23, kNone},
    {"clwb", k7b, 24, kNone},
    {"avx512cd", k7b, 28, kAvx512},
    {"sha", k7b, 29, kNone},
    {"avx512bw", k7b, 30, kAvx512},
    {"avx512vl", k7b, 31, kAvx512},
    {"avx512vbmi", k7c, 1, kAvx512},
    {"pku", k7c, 4, kNone},
    {"avx512vbmi2", k7c, 6, kAvx512},
    {"shstk", k7c, 7, kNone},
    {"gfni", k7c, 8, kNone},
    {"vaes", k7c, 9, kAvx},
    {"vpclmulqdq", k7c, 10, kAvx},
    {"avx512vnni", k7c, 11, kAvx512},
    {"avx512bitalg", k7c, 12, kAvx512},
    {"avx512vpopcntdq", k7c, 14, kAvx512},
    {"rdpid", k7c, 22, kNone},
    {"movdiri", k7c, 27, kNone},
    {"movdir64b", k7c, 28, kNone},
    {"avx512vp2intersect", k7d, 8, kAvx512},
    {"serialize", k7d, 14, kNone},
    {"avx512fp16", k7d, 23, kAvx512},
    {"sha512", k71a, 0, kAvx},
    {"avxvnni", k71a, 4, kAvx},
    {"avx512bf16", k71a, 5, kAvx512},
    {"avxifma", k71a, 23, kAvx},
    {"avxvnniint8", k7x1d, 4, kAvx},
    {"avxneconvert", k7x1d, 5, kAvx},
    {"avxvnniint16", k7x1d, 10, kAvx},
    {"prefetchi", k7x1d, 14, kNone},
    {"xsaveopt", kD1a, 0, kNone},
    {"xsavec", kD1a, 1, kNone},
    {"xsaves", kD1a, 3, kNone},
    {"sahf", k81c, 0, kNone},
    {"lzcnt", k81c, 5, kNone},
    {"sse4a", k81c, 6, kNone},
    {"prfchw", k81c, 8, kNone},
    {"xop", k81c, 11, kAvx},
    {"fma4", k81c, 16, kAvx},
    {"tbm", k81c, 21, kNone},
    {"mwaitx", k81c, 29, kNone},
    {"64bit", k81d, 29, kNone},
    {"clzero", k88b, 0, kNone},
    {"rdpru", k88b, 4, kNone},
    {"wbnoinvd", k88b, 9, kNone},
};

// CPUID and XCR0, read once a check.
class Cpu {
 public:
  Cpu() {
    uint32_t a, b, c, d;
    if (__get_cpuid(1, &a, &b, &c, &d)) words_[k1c] = c, words_[k1d] = d;
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
      words_[k7b] = b, words_[k7c] = c, words_[k7d] = d;
      if (a >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d)) words_[k71a] = a, words_[k7x1d] = d;
    }
    if (__get_cpuid_count(13, 1, &a, &b, &c, &d)) words_[kD1a] = a;
    if (__get_cpuid(0x80000001, &a, &b, &c, &d)) words_[k81c] = c, words_[k81d] = d;
    if (__get_cpuid(0x80000008, &a, &b, &c, &d)) words_[k88b] = b;
    if (words_[k1c] >> 27 & 1) {  // OSXSAVE: the operating system saves extended registers
      uint32_t low, high;
      asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
      saved_ = low;
    }
  }
  bool has(const Feature &feature) const {
    return (words_[feature.word] >> feature.bit & 1) != 0 &&
           (saved_ & feature.saved) == feature.saved;
  }

 private:
  uint32_t words_[kWords] = {};
  uint32_t saved_ = 0;
};

#elif defined(__aarch64__)

constexpr const char kArchitecture[] = "aarch64";
constexpr const char kOldestCpu[] = "generic";

struct Feature {
  char name[13];
  uint8_t word;  // 0: AT_HWCAP, 1: AT_HWCAP2
  uint8_t bit;
};

// Linux's bits, given as numbers because older headers lack the newer names.
constexpr Feature kFeatures[] = {
    {"fp-armv8", 0, 0},     {"neon", 0, 1},        {"aes", 0, 3},       {"sha2", 0, 6},
    {"crc", 0, 7},          {"lse", 0, 8},         {"fullfp16", 0, 10}, {"rdm", 0, 12},
    {"jsconv", 0, 13},      {"complxnum", 0, 14},  {"rcpc", 0, 15},     {"ccpp", 0, 16},
    {"sha3", 0, 17},        {"sm4", 0, 18},        {"dotprod", 0, 20},  {"sve", 0, 22},
    {"fp16fml", 0, 23},     {"dit", 0, 24},        {"lse2", 0, 25},     {"rcpc-immo", 0, 26},
    {"flagm", 0, 27},       {"ssbs", 0, 28},       {"sb", 0, 29},       {"pauth", 0, 30},
    {"ccdp", 1, 0},         {"sve2", 1, 1},        {"sve2-aes", 1, 2},  {"sve-aes", 1, 2},
    {"sve2-bitperm", 1, 4}, {"sve-bitperm", 1, 4}, {"sve2-sha3", 1, 5}, {"sve-sha3", 1, 5},
    {"sve2-sm4", 1, 6},     {"sve-sm4", 1, 6},     {"altnzcv", 1, 7},   {"fptoint", 1, 8},
    {"f32mm", 1, 10},       {"f64mm", 1, 11},      {"i8mm", 1, 13},     {"bf16", 1, 14},
    {"rand", 1, 16},        {"bti", 1, 17},        {"mte", 1, 18},      {"wfxt", 1, 31},
};

class Cpu {
 public:
  Cpu() : words_{getauxval(AT_HWCAP), getauxval(AT_HWCAP2)} {}
  bool has(const Feature &feature) const { return (words_[feature.word] >> feature.bit & 1) != 0; }

 private:
  unsigned long words_[2];
};

#else

constexpr const char kArchitecture[] =
#if defined(__riscv)
    "riscv64";
#else
    "unknown";
#endif
constexpr const char kOldestCpu[] = "generic";
struct Feature {
  char name[1];
};
constexpr Feature kFeatures[] = {{""}};
class Cpu {
 public:
  bool has(const Feature &) const { return false; }
};

#endif

bool same(const char *name, const char *text, size_t bytes) {
  return strlen(name) == bytes && memcmp(name, text, bytes) == 0;
}

}  // namespace

graven_status check_cpu(const char *target, const char *features) {
  size_t bytes = strcspn(target, "-");
  if (!same(kArchitecture, target, bytes)) {
    return fail(
        GRAVEN_INCOMPATIBLE,
        "the model is compiled for %.80s and this program runs on %s; compile it again with "
        "--target= for this machine",
        target, kArchitecture);
  }
  Cpu cpu;
  for (const char *at = features; *at;) {
    size_t length = strcspn(at, ",");
    const char *name = at;
    size_t name_bytes = length;
    if (name_bytes != 0 && *name == '+') ++name, --name_bytes;
    const Feature *found = nullptr;
    for (const Feature &feature : kFeatures) {
      if (same(feature.name, name, name_bytes)) found = &feature;
    }
    if (name_bytes != 0 && !(found && cpu.has(*found))) {
      return fail(
          GRAVEN_INCOMPATIBLE,
          "the model needs the CPU feature '%.*s', which %s; compile it on this machine with "
          "--cpu=native, or with --cpu=%s for the oldest CPUs that models run on",
          static_cast<int>(name_bytes < 64 ? name_bytes : 64), name,
          found ? "this machine lacks" : "this runtime cannot test for", kOldestCpu);
    }
    at += length;
    if (*at == ',') ++at;
  }
  return GRAVEN_OK;
}

void describe_cpu(char *text, size_t bytes) {
  Cpu cpu;
  size_t end = static_cast<size_t>(snprintf(text, bytes, "%s", kArchitecture));
  const char *separator = ": ";
  for (const Feature &feature : kFeatures) {
    if (!cpu.has(feature) || end + sizeof feature.name + 2 > bytes) continue;
    end += static_cast<size_t>(snprintf(text + end, bytes - end, "%s%s", separator, feature.name));
    separator = ",";
  }
}

}  // namespace graven1
