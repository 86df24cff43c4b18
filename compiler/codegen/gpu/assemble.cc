#include "compiler/codegen/gpu/assemble.h"

#include <cstdlib>

#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

using llvm::SmallString;
using llvm::StringRef;
using llvm::Twine;

namespace graven::codegen::gpu {
namespace {

constexpr uint32_t kLeastArchitecture = 80;

llvm::Error invalid(const Twine &message) {
  return llvm::createStringError(std::make_error_code(std::errc::invalid_argument), message);
}

// A file of its own, removed with it.
class TemporaryFile {
 public:
  std::error_code make(StringRef ending) {
    std::error_code error = llvm::sys::fs::createTemporaryFile("graven", ending, path_);
    if (!error) remover_.setFile(path_);
    return error;
  }
  StringRef path() const { return path_; }
  std::string text() const {
    auto buffer = llvm::MemoryBuffer::getFile(path_);
    return buffer ? (*buffer)->getBuffer().str() : "";
  }

 private:
  SmallString<64> path_;
  llvm::FileRemover remover_;
};

}  // namespace

std::string findPtxas() {
  if (auto found = llvm::sys::findProgramByName("ptxas")) return *found;
  std::vector<std::string> folders;
  for (const char *variable : {"CUDA_HOME", "CUDA_PATH"})
    if (const char *home = std::getenv(variable)) folders.push_back(std::string(home) + "/bin");
  folders.push_back("/usr/local/cuda/bin");
  std::vector<StringRef> paths(folders.begin(), folders.end());
  auto found = llvm::sys::findProgramByName("ptxas", paths);
  return found ? *found : "";
}

llvm::Expected<Image> assemblePtx(const Image &ptx, StringRef architecture) {
  Image image;
  image.kind = ImageKind::kCubin;
  // A trailing letter (sm_90a) means that architecture alone.
  StringRef number = architecture;
  if (!number.consume_front("sm_") || number.consumeInteger(10, image.architecture) ||
      number.size() > 1 || image.architecture < kLeastArchitecture)
    return invalid("'" + architecture +
                   "' is no architecture of a GPU that kernels run on; expected " +
                   "sm_80 or later, such as sm_90");
  std::string ptxas = findPtxas();
  if (ptxas.empty())
    return invalid(
        "machine code for " + architecture +
        " is made by ptxas of the CUDA toolkit, which "
        "is neither on PATH nor in $CUDA_HOME/bin nor in /usr/local/cuda/bin; without it "
        "the driver compiles kernels when it loads them");
  TemporaryFile source, result, messages;
  for (auto [file, ending] : {std::pair(&source, "ptx"), {&result, "cubin"}, {&messages, "txt"}})
    if (std::error_code error = file->make(ending))
      return invalid("cannot make a temporary file: " + error.message());
  std::error_code error;
  {
    llvm::raw_fd_ostream out(source.path(), error);
    if (!error) out << ptx.bytes;
    if (error || out.has_error()) {
      out.clear_error();
      return invalid("cannot write the temporary file " + source.path());
    }
  }
  std::string arch = ("-arch=" + architecture).str();
  StringRef arguments[] = {ptxas, arch, source.path(), "-o", result.path()};
  std::optional<StringRef> redirects[] = {StringRef(), messages.path(), messages.path()};
  int status = llvm::sys::ExecuteAndWait(ptxas, arguments, std::nullopt, redirects);
  if (status != 0)
    return invalid("ptxas did not accept the kernels for " + architecture + ":\n" +
                   StringRef(messages.text()).rtrim());
  image.bytes = result.text();
  return image;
}

}  // namespace graven::codegen::gpu
