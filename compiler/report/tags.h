// How ops are followed through the phases: by numbers in their locations.
//
// A location has no bearing on what is compiled. Cloning an op, outlining it and turning a call
// into a launch keep it, so a number put there at the end of `simplify` is still there in the plan.
#ifndef GRAVEN_COMPILER_REPORT_TAGS_H_
#define GRAVEN_COMPILER_REPORT_TAGS_H_

#include <optional>

#include "dialect/graph/ir/graph.h"

namespace graven::report {

// Names of tags.
constexpr llvm::StringLiteral kOpTag = "report.op";
constexpr llvm::StringLiteral kKernelTag = "report.kernel";

// Number `index` among the ops or kernels of entry number `entry`.
struct Tag {
  int64_t entry = 0, index = 0;
};

// `loc` with `tag` under `name`.
mlir::Location tagged(mlir::Location loc, llvm::StringRef name, Tag tag);

// The outermost tag under `name` in `loc`.
std::optional<Tag> tagOf(mlir::Location loc, llvm::StringRef name);

}  // namespace graven::report

#endif  // GRAVEN_COMPILER_REPORT_TAGS_H_
