// The C header beside a static artifact: sizes, names and indices as macros.
#ifndef GRAVEN_COMPILER_PACKAGE_HEADER_WRITER_H_
#define GRAVEN_COMPILER_PACKAGE_HEADER_WRITER_H_

#include <string>

#include "compiler/package/table_writer.h"
#include "llvm/Support/Error.h"

namespace graven::package {

// Text of the header. Every macro begins with GRAVEN_<MODEL>_; '.' and other characters that no
// identifier has become '_'. Two names that become the same macro are an error that shows both.
llvm::Expected<std::string> writeHeader(const Model &model);

}  // namespace graven::package

#endif  // GRAVEN_COMPILER_PACKAGE_HEADER_WRITER_H_
