// A back end that knows the kernels of a module and runs none of them: for tests of what the
// runtime asks of a driver.
#include <regex>

#include "test/gpu_emulator/driver/backend.h"

namespace graven::standin {
namespace {

class Recorded : public Kernels {
 public:
  explicit Recorded(const std::string &ptx) {
    static const std::regex entry(R"(\.entry\s+([A-Za-z_$][\w$]*)\s*\(([^)]*)\))");
    static const std::regex parameter(R"(\.param\b)");
    for (std::sregex_iterator it(ptx.begin(), ptx.end(), entry), end; it != end; ++it) {
      const std::string list = (*it)[2];
      counts_[(*it)[1]] = static_cast<int>(
          std::distance(std::sregex_iterator(list.begin(), list.end(), parameter), end));
    }
  }
  bool empty() const { return counts_.empty(); }
  int parameter_count(const std::string &kernel) const override {
    auto found = counts_.find(kernel);
    return found == counts_.end() ? -1 : found->second;
  }
  uint32_t static_shared_bytes(const std::string &) const override { return 0; }
  std::string run(const Launch &, uint64_t, const MemoryMap &) override { return ""; }

 private:
  std::map<std::string, int> counts_;
};

}  // namespace

std::unique_ptr<Kernels> load_kernels(const std::string &ptx, std::string *log) {
  auto made = std::make_unique<Recorded>(ptx);
  if (made->empty() || ptx.find(".version") == std::string::npos) {
    *log =
        "ptxas application ptx input, line 1; fatal   : Missing .version directive\nPtx assembly "
        "aborted due to errors";
    return nullptr;
  }
  return made;
}

}  // namespace graven::standin
