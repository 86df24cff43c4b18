// What makes a safetensors file a Graven checkpoint: the keys in its __metadata__.
//
// The header begins with kHeaderStart, 16 hexadecimal digits and a quote: the digest of the 8
// length bytes and the whole header, taken with the digits as zeros. Together with the digest of
// the data, which stands in the header, every byte of the file is covered.
#ifndef GRAVEN_RUNTIME_CORE_CHECKPOINT_FORMAT_H_
#define GRAVEN_RUNTIME_CORE_CHECKPOINT_FORMAT_H_

#include <stddef.h>
#include <stdint.h>

namespace graven1 {

constexpr char kHeaderStart[] = "{\"__metadata__\":{\"graven.header_digest\":\"";
constexpr size_t kHeaderStartBytes = sizeof kHeaderStart - 1;
constexpr size_t kDigestDigits = 16;

constexpr char kReservedPrefix[] = "graven.";          // no key of the user's begins so
constexpr char kFormatKey[] = "graven.format";         // kFormatValue
constexpr char kModelKey[] = "graven.model";           // the model's name
constexpr char kLayoutKey[] = "graven.layout_digest";  // the table's layout_digest, 16 digits
constexpr char kDataKey[] = "graven.digest";           // XXH64 of all tensor data, 16 digits
constexpr char kFormatValue[] = "1";

constexpr uint64_t kMaxHeaderBytes = 100u << 20;  // as the safetensors library has it
constexpr uint32_t kMaxMetadata = 1024;           // pairs

}  // namespace graven1

#endif  // GRAVEN_RUNTIME_CORE_CHECKPOINT_FORMAT_H_
