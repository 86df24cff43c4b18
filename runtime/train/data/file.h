// Reading whole files, gzip undone on the way, and writing files that are whole or not there.
#ifndef GRAVEN_RUNTIME_TRAIN_DATA_FILE_H_
#define GRAVEN_RUNTIME_TRAIN_DATA_FILE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace graven::train {

// No data file may be larger than this, inflated: 16 GiB.
inline constexpr uint64_t kMaxDataBytes = uint64_t{16} << 30;

bool FileExists(const std::string &path);

// The bytes of `path`. Errors: NotFound, a folder, larger than kMaxDataBytes, I/O.
absl::StatusOr<std::string> ReadFile(const std::string &path);
// The same, and when the file begins with gzip's magic, inflated (concatenated members too).
// A truncated or damaged gzip stream is an error.
absl::StatusOr<std::string> ReadMaybeGzip(const std::string &path);

// Writes `bytes` to `path` through a temporary file in the same folder, fsync and rename, so that a
// failure (full disk, no permission) leaves whatever stood at `path` untouched.
absl::Status WriteFileAtomically(const std::string &path, const std::string &bytes);

// Whether a file could be created at `path` (its folder exists and takes a new file, `path` is no
// folder and, where it exists, may be replaced). Leaves nothing behind. `flag` is named in the
// error.
absl::Status CheckWritable(const std::string &path, const std::string &flag);

}  // namespace graven::train

#endif  // GRAVEN_RUNTIME_TRAIN_DATA_FILE_H_
