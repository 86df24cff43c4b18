// Keeps what the emulator has run: with GRAVEN_RECORD_CASES=FOLDER in the environment, every launch
// without a finding is appended to FOLDER/PROGRAM-PID.cases, its PTX beside it, so that a GPU can
// be asked to compute the same.
#ifndef GRAVEN_TEST_GPU_CASES_RECORDER_H_
#define GRAVEN_TEST_GPU_CASES_RECORDER_H_

#include <string_view>

#include "test/gpu_cases/case_file.h"

namespace graven::gpu_cases {

/// Whether launches are kept.
bool recording();

/// Launches whose buffers have more bytes are not kept: GRAVEN_RECORD_LIMIT in the environment, or
/// a mebibyte.
uint64_t most_recorded_bytes();

/// Keeps a launch of a kernel of `ptx`; the same launch on the same bytes is kept once. Where the
/// PTX has instructions that are exact only up to a bound, floats may differ by 2e-5 of the
/// largest.
void record(std::string_view ptx, Case one);

}  // namespace graven::gpu_cases

#endif  // GRAVEN_TEST_GPU_CASES_RECORDER_H_
