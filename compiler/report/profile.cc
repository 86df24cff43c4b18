#include "compiler/report/profile.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/JSON.h"

namespace graven::report {
namespace {

llvm::Error refused(const std::string &reason) {
  return llvm::createStringError("--report-profile: " + reason);
}

}  // namespace

llvm::Error addProfile(llvm::StringRef json, Report &report) {
  const std::string expected = "expected what 'graven-run bench MODEL --profile --json' prints";
  llvm::Expected<llvm::json::Value> value = llvm::json::parse(json);
  if (!value) return refused(llvm::toString(value.takeError()) + "; " + expected);
  const llvm::json::Object *profile = value->getAsObject();
  const llvm::json::Array *kernels = profile ? profile->getArray("kernels") : nullptr;
  if (!kernels) return refused("the file has no list of kernels; " + expected);
  std::string model = profile->getString("model").value_or("").str();
  if (model != report.model)
    return refused("the profile is of the model '" + model + "', this one is '" + report.model +
                   "'");
  std::string name = profile->getString("entry").value_or("").str();
  int64_t batch = profile->getInteger("batch").value_or(0);
  auto entry = llvm::find_if(
      report.entries, [&](const Entry &each) { return each.name == name && each.batch == batch; });
  if (entry == report.entries.end())
    return refused("the profile is of the entry '" + name + "' with batch size " +
                   std::to_string(batch) + ", which is not compiled here");

  llvm::StringMap<int64_t> sharers;
  for (const Kernel &kernel : entry->kernels) ++sharers[kernel.name];
  bool known = false;
  for (const llvm::json::Value &each : *kernels) {
    const llvm::json::Object *kernel = each.getAsObject();
    std::optional<llvm::StringRef> kernelName = kernel ? kernel->getString("name") : std::nullopt;
    std::optional<double> seconds = kernel ? kernel->getNumber("seconds") : std::nullopt;
    if (!kernelName || !seconds || !(*seconds >= 0))
      return refused("a kernel without name or seconds; " + expected);
    for (Kernel &measured : entry->kernels) {
      if (measured.name != *kernelName) continue;
      measured.measured_seconds = *seconds / static_cast<double>(sharers[measured.name]);
      known = true;
    }
  }
  if (!known && !entry->kernels.empty())
    return refused(
        "none of the profile's kernels is in this artifact; compile for the same target, "
        "with the same flags");
  entry->measured_seconds = profile->getNumber("median_seconds").value_or(0);
  entry->measured_threads = profile->getInteger("threads").value_or(0);
  return llvm::Error::success();
}

}  // namespace graven::report
