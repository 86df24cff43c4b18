// Times of an entry's kernels against the limits of the machine, as a table and as JSON.
#ifndef GRAVEN_TOOLS_GRAVEN_RUN_PROFILE_H_
#define GRAVEN_TOOLS_GRAVEN_RUN_PROFILE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "nlohmann/json.hpp"
#include "runtime/train/engine/session.h"
#include "tools/graven-run/ceilings.h"

namespace graven::tools {

// All launches of one kernel in one entry. Times, operations and bytes are those of one call.
struct KernelProfile {
  std::string name;  // as in the plan; "(copy)" and "(fill)" for commands without a kernel
  int64_t launches = 0;
  double seconds = 0, share = 0;
  double gflops = 0, gbs = 0;  // by the compiler's estimates of operations and bytes
  // The least time that the ceilings allow divided by the time taken. Above 1 when operands come
  // from caches, which are faster than the memory that was probed.
  double roofline = 0;
  bool bound_by_memory = false;  // which of the two ceilings the least time comes from
};

// The name of command `index` of the model.
std::string CommandName(const train::Model &model, uint32_t index);

// The kernels of `entry`, the slowest first. `times` holds the nanoseconds of each command of the
// model, summed over `calls` calls. The f32 rate counts half for kernels of f64. Of ceilings of 0,
// those of a device that is not probed, no roofline is told.
std::vector<KernelProfile> SummarizeProfile(const train::Model &model, uint32_t entry,
                                            const std::vector<uint64_t> &times, int64_t calls,
                                            const Ceilings &ceilings);

// Prints what was probed and a table of at most 80 columns; long names lose their middle.
void PrintProfile(const std::vector<KernelProfile> &kernels, const Ceilings &one,
                  const Ceilings &all);

nlohmann::ordered_json CeilingsJson(const Ceilings &ceilings);
nlohmann::ordered_json ProfileJson(const std::vector<KernelProfile> &kernels);

}  // namespace graven::tools

#endif  // GRAVEN_TOOLS_GRAVEN_RUN_PROFILE_H_
