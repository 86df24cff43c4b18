// Times of kernels that were measured, beside the estimates of a Report.
#ifndef GRAVEN_COMPILER_REPORT_PROFILE_H_
#define GRAVEN_COMPILER_REPORT_PROFILE_H_

#include "compiler/report/report.h"
#include "llvm/Support/Error.h"

namespace graven::report {

// Adds to the entry that `json` is about what it says of the kernels: `json` is the object that
// `graven-run bench --profile --json` prints, with entry, batch, threads, median_seconds and, by
// name, kernels with their seconds per call. Kernels of one name share its seconds evenly.
//
// Fails where the text is no such object, or where it tells of another model, entry or of kernels
// that this compilation did not make.
llvm::Error addProfile(llvm::StringRef json, Report &report);

}  // namespace graven::report

#endif  // GRAVEN_COMPILER_REPORT_PROFILE_H_
