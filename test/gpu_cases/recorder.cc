#include "test/gpu_cases/recorder.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

namespace graven::gpu_cases {
namespace {

constexpr double kApproximate = 2e-5;

uint64_t digest(std::string_view bytes) {  // FNV-1a
  uint64_t hash = 0xcbf29ce484222325;
  for (unsigned char byte : bytes) hash = (hash ^ byte) * 0x100000001b3;
  return hash;
}

std::string hexadecimal(uint64_t value) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
  return text;
}

const char *folder() { return std::getenv("GRAVEN_RECORD_CASES"); }

std::string program() {
  std::error_code ignored;
  return std::filesystem::read_symlink("/proc/self/exe", ignored).filename().string();
}

/// What the launch is, but for its result.
uint64_t identity(Case one) {
  one.name.clear();
  for (Buffer &buffer : one.buffers) buffer.expected.clear();
  return digest(encode(one));
}

}  // namespace

bool recording() { return folder() != nullptr; }

uint64_t most_recorded_bytes() {
  const char *limit = std::getenv("GRAVEN_RECORD_LIMIT");
  return limit ? std::strtoull(limit, nullptr, 10) : uint64_t{1} << 20;
}

void record(std::string_view ptx, Case one) {
  static const std::string name = program() + "-" + std::to_string(getpid());
  static std::set<uint64_t> known;
  static unsigned number = 0;
  one.module = hexadecimal(digest(ptx)) + ".ptx";
  if (!known.insert(identity(one)).second) return;
  one.name = program() + " " + std::to_string(number++);
  const bool approximate = ptx.find(".approx") != std::string_view::npos;
  for (Buffer &buffer : one.buffers) buffer.tolerance = approximate ? kApproximate : 0;
  const std::filesystem::path place = folder();
  std::filesystem::create_directories(place);
  if (!std::filesystem::exists(place / one.module)) std::ofstream(place / one.module) << ptx;
  std::ofstream(place / (name + ".cases"), std::ios::binary | std::ios::app) << encode(one);
}

}  // namespace graven::gpu_cases
