// Files that appear whole or not at all.
#ifndef GRAVEN_TOOLS_GRAVEN_COMPILE_OUTPUT_FILES_H_
#define GRAVEN_TOOLS_GRAVEN_COMPILE_OUTPUT_FILES_H_

#include <string>
#include <vector>

#include "absl/status/status.h"

namespace graven::tools {

// A set of files written under temporary names beside their places and renamed together at the end;
// what stood there before is untouched until then.
class OutputFiles {
 public:
  // `paths` are the final places; "-" and "" are left out. Temporary names carry this process's id.
  explicit OutputFiles(std::vector<std::string> paths);

  // Whether the files could be written, before work is spent on their content.
  absl::Status check() const;
  // Writes one file under its temporary name and flushes it to the disk.
  absl::Status write(const std::string &path, const std::string &bytes) const;
  // Gives all files their names.
  absl::Status commit() const;
  // Removes temporary files; what has been committed stays.
  void discard() const;

 private:
  std::string temporary(const std::string &path) const;
  std::vector<std::string> paths_;
  std::string suffix_;
};

}  // namespace graven::tools

#endif  // GRAVEN_TOOLS_GRAVEN_COMPILE_OUTPUT_FILES_H_
