#include "compiler/package/link.h"

#include <mutex>
#include <system_error>

#include "lld/Common/Driver.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Object/Archive.h"
#include "llvm/Object/ArchiveWriter.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/TargetParser/Triple.h"

LLD_HAS_DRIVER(elf)

namespace graven::package {
namespace {

llvm::Error error(const llvm::Twine &message) {
  return llvm::createStringError(std::make_error_code(std::errc::io_error), message);
}

llvm::Expected<llvm::StringRef> emulation(const strategy::Target &target) {
  switch (llvm::Triple(target.triple).getArch()) {
    case llvm::Triple::x86_64:
      return "elf_x86_64";
    case llvm::Triple::aarch64:
      return "aarch64linux";
    case llvm::Triple::riscv64:
      return "elf64lriscv";
    default:
      return error("cannot link for '" + target.triple + "'");
  }
}

}  // namespace

llvm::Expected<std::string> linkSharedObject(llvm::ArrayRef<std::string> objects,
                                             const strategy::Target &target) {
  auto machine = emulation(target);
  if (!machine) return machine.takeError();

  // lld reads and writes files only; their names do not get into the output.
  llvm::SmallString<128> folder;
  if (std::error_code code = llvm::sys::fs::createUniqueDirectory("graven-link", folder))
    return error("cannot make a temporary folder '" + folder + "' for linking: " + code.message() +
                 "; set TMPDIR to a writable folder");
  llvm::scope_exit cleanup([&] { llvm::sys::fs::remove_directories(folder); });
  llvm::SmallString<128> output(folder);
  llvm::sys::path::append(output, "model.so");
  std::vector<std::string> inputs;
  for (const std::string &object : objects) {
    llvm::SmallString<128> input(folder);
    llvm::sys::path::append(input, llvm::Twine(inputs.size()) + ".o");
    inputs.push_back(input.str().str());
    std::error_code code;
    llvm::raw_fd_ostream file(input, code);
    if (!code) {
      file << object;
      file.close();
      code = file.error();
      file.clear_error();
    }
    if (code) return error("cannot write the temporary file '" + input + "': " + code.message());
  }

  std::string messages;
  {
    static std::mutex one_at_a_time;
    std::lock_guard<std::mutex> lock(one_at_a_time);
    llvm::raw_string_ostream sink(messages);
    std::vector<const char *> arguments = {"ld.lld",
                                           "-shared",
                                           "-m",
                                           machine->data(),
                                           "-o",
                                           output.c_str(),
                                           "-z",
                                           "relro",
                                           "-z",
                                           "now",
                                           "-z",
                                           "noexecstack",
                                           "--hash-style=gnu",
                                           "--build-id=none",
                                           "--gc-sections",
                                           "--threads=1"};
    for (const std::string &input : inputs) arguments.push_back(input.c_str());
    lld::Result result = lld::lldMain(arguments, sink, sink, {{lld::Gnu, &lld::elf::link}});
    if (result.retCode != 0) return error("linking failed: " + messages);
  }
  auto linked = llvm::MemoryBuffer::getFile(output, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!linked)
    return error("cannot read the linked file '" + output + "': " + linked.getError().message());
  return (*linked)->getBuffer().str();
}

llvm::Expected<std::string> writeStaticArchive(llvm::ArrayRef<ArchiveMember> members) {
  std::vector<llvm::NewArchiveMember> list;
  for (const ArchiveMember &member : members)
    list.emplace_back(llvm::MemoryBufferRef(member.bytes, member.name));
  auto buffer = llvm::writeArchiveToBuffer(list, llvm::SymtabWritingMode::NormalSymtab,
                                           llvm::object::Archive::K_GNU, /*Deterministic=*/true,
                                           /*Thin=*/false);
  if (!buffer) return buffer.takeError();
  return (*buffer)->getBuffer().str();
}

llvm::Expected<std::vector<ArchiveMember>> readStaticArchive(llvm::StringRef bytes,
                                                             llvm::StringRef name) {
  auto archive = llvm::object::Archive::create(llvm::MemoryBufferRef(bytes, name));
  if (!archive) return archive.takeError();
  std::vector<ArchiveMember> members;
  llvm::Error failure = llvm::Error::success();
  for (const llvm::object::Archive::Child &child : (*archive)->children(failure)) {
    auto member_name = child.getName();
    if (!member_name) return member_name.takeError();
    auto content = child.getBuffer();
    if (!content) return content.takeError();
    members.push_back({member_name->str(), content->str()});
  }
  if (failure) return failure;
  return members;
}

}  // namespace graven::package
