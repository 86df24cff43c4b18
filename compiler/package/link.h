// Turns object files into what a program loads or links: shared objects and static archives.
#ifndef GRAVEN_COMPILER_PACKAGE_LINK_H_
#define GRAVEN_COMPILER_PACKAGE_LINK_H_

#include <string>
#include <vector>

#include "compiler/strategy/target.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace graven::package {

// Links `objects` (the bytes of position-independent ELF objects) into a shared object, in-process.
// Undefined symbols are left for the loader. The bytes depend on the objects alone. Thread-safe:
// lld keeps global state, so calls take turns.
llvm::Expected<std::string> linkSharedObject(llvm::ArrayRef<std::string> objects,
                                             const strategy::Target &target);

// A file inside an archive.
struct ArchiveMember {
  std::string name;
  std::string bytes;
};

// A static archive (GNU format, with symbol table) of `members`, in order; deterministic.
llvm::Expected<std::string> writeStaticArchive(llvm::ArrayRef<ArchiveMember> members);

// The members of the static archive `bytes`; `name` is for messages.
llvm::Expected<std::vector<ArchiveMember>> readStaticArchive(llvm::StringRef bytes,
                                                             llvm::StringRef name);

}  // namespace graven::package

#endif  // GRAVEN_COMPILER_PACKAGE_LINK_H_
