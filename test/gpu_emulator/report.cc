#include <sstream>

#include "test/gpu_emulator/emulator.h"

namespace graven::emulator {

const char *name_of(Kind kind) {
  static constexpr const char *kNames[] = {"bad launch",
                                           "out of bounds",
                                           "write to read-only memory",
                                           "read of a result",
                                           "misaligned access",
                                           "uninitialized shared memory",
                                           "pending copy",
                                           "race",
                                           "member mask",
                                           "divergence",
                                           "deadlock",
                                           "endless loop",
                                           "trap"};
  return kNames[static_cast<int>(kind)];
}

std::string Finding::str() const {
  std::ostringstream out;
  auto extents = [&](const std::array<uint32_t, 3> &at) {
    out << at[0];
    if (at[1] || at[2]) out << ',' << at[1] << ',' << at[2];
  };
  out << name_of(kind) << " in " << kernel;
  if (line != 0) {
    out << ", workgroup ";
    extents(workgroup);
    out << ", thread ";
    extents(thread);
    out << ", PTX line " << line;
  }
  out << ": " << text;
  if (!source.empty()) out << "\n    " << line << " | " << source;
  return out.str();
}

bool Report::has(Kind kind) const {
  for (const Finding &finding : findings) {
    if (finding.kind == kind) return true;
  }
  return false;
}

std::string Report::text() const {
  std::string text;
  for (const Finding &finding : findings) text += finding.str() + "\n";
  return text;
}

}  // namespace graven::emulator
