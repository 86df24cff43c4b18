// Reads safetensors: 8 bytes with the header's length, a JSON header, then the tensors' bytes.
//
// Checkpoints that graven-run writes carry digests of header and data among the file's metadata
// (runtime/core/checkpoint_format.h has the words); they are checked where they stand. Files of
// other programs are taken as they are.
#ifndef GRAVEN_COMPILER_IMPORT_SAFETENSORS_H_
#define GRAVEN_COMPILER_IMPORT_SAFETENSORS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace graven::import {

// One tensor; `data` lies in the bytes that were read.
struct WeightTensor {
  std::string name;
  std::string dtype;           // as the file has it: "F32", "I64", "BOOL"
  std::vector<int64_t> shape;  // row-major
  llvm::StringRef data;
};

struct Safetensors {
  std::vector<WeightTensor> tensors;            // in the order of their data
  std::map<std::string, std::string> metadata;  // "train.data" and others
};

// Reads the whole of a file. Every byte of the data belongs to one tensor and sizes agree, or the
// error says what is wrong; it begins in the middle of a sentence: "is damaged: ...".
llvm::Expected<Safetensors> readSafetensors(llvm::StringRef bytes);

}  // namespace graven::import

#endif  // GRAVEN_COMPILER_IMPORT_SAFETENSORS_H_
