#include "compiler/import/safetensors.h"

#include <algorithm>
#include <limits>
#include <set>
#include <system_error>

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/xxhash.h"

namespace graven::import {
namespace {

// What a checkpoint of the runtime begins with, before the digest's 16 digits.
constexpr llvm::StringLiteral kHeaderStart = "{\"__metadata__\":{\"graven.header_digest\":\"";
constexpr llvm::StringLiteral kDataDigest = "graven.digest";
constexpr size_t kDigits = 16;
constexpr uint64_t kMostHeaderBytes = 100u << 20;  // as the safetensors library has it

llvm::Error error(const llvm::Twine &message) {
  return llvm::createStringError(std::make_error_code(std::errc::invalid_argument), message);
}
llvm::Error damaged(const llvm::Twine &reason) {
  return error("is damaged: " + reason + "; use another file");
}

std::string hex(uint64_t digest) { return llvm::utohexstr(digest, /*LowerCase=*/true, kDigits); }

// Bytes of one element; 0 for a type that the format does not have.
uint64_t elementBytes(llvm::StringRef dtype) {
  return llvm::StringSwitch<uint64_t>(dtype)
      .Cases({"BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2"}, 1)
      .Cases({"F16", "BF16", "U16", "I16"}, 2)
      .Cases({"F32", "U32", "I32"}, 4)
      .Cases({"F64", "U64", "I64"}, 8)
      .Default(0);
}

// The header covers itself: its digest is taken with zeros where the digest stands.
llvm::Error checkHeaderDigest(llvm::StringRef bytes, llvm::StringRef header) {
  if (!header.starts_with(kHeaderStart) || header.size() < kHeaderStart.size() + kDigits)
    return llvm::Error::success();
  std::string zeroed = bytes.take_front(8 + header.size()).str();
  llvm::StringRef expected = header.substr(kHeaderStart.size(), kDigits);
  std::fill_n(zeroed.begin() + 8 + kHeaderStart.size(), kDigits, '0');
  std::string digest = hex(llvm::xxHash64(zeroed));
  if (digest == expected) return llvm::Error::success();
  return damaged("the digest of its header is " + digest + ", expected " + expected);
}

// A tensor, and where its data begin.
struct Placed {
  uint64_t begin = 0;
  WeightTensor tensor;
};

llvm::Expected<Placed> readTensor(llvm::StringRef name, const llvm::json::Value &value,
                                  llvm::StringRef data) {
  const llvm::json::Object *record = value.getAsObject();
  auto dtype = record ? record->getString("dtype") : std::nullopt;
  const llvm::json::Array *shape = record ? record->getArray("shape") : nullptr;
  const llvm::json::Array *offsets = record ? record->getArray("data_offsets") : nullptr;
  if (!dtype || !shape || !offsets || offsets->size() != 2)
    return damaged("tensor '" + name + "' lacks its dtype, shape or data_offsets");
  Placed placed;
  placed.tensor.name = name.str();
  placed.tensor.dtype = dtype->str();
  uint64_t bytes = elementBytes(*dtype);
  if (!bytes) return damaged("tensor '" + name + "' is of the unknown type '" + *dtype + "'");
  for (const llvm::json::Value &each : *shape) {
    std::optional<int64_t> length = each.getAsInteger();
    constexpr uint64_t kMost = std::numeric_limits<int64_t>::max();
    if (!length || *length < 0 || (*length > 0 && bytes > kMost / static_cast<uint64_t>(*length)))
      return damaged("tensor '" + name + "' has an impossible shape");
    placed.tensor.shape.push_back(*length);
    bytes *= static_cast<uint64_t>(*length);
  }
  std::optional<int64_t> begin = (*offsets)[0].getAsInteger(), end = (*offsets)[1].getAsInteger();
  if (!begin || !end || *begin < 0 || *end < *begin || static_cast<uint64_t>(*end) > data.size() ||
      static_cast<uint64_t>(*end - *begin) != bytes)
    return damaged(
        llvm::formatv("the data of '{0}' do not take {1} bytes of the {2} that there are", name,
                      bytes, data.size())
            .str());
  placed.begin = static_cast<uint64_t>(*begin);
  placed.tensor.data = data.slice(placed.begin, static_cast<size_t>(*end));
  return placed;
}

}  // namespace

llvm::Expected<Safetensors> readSafetensors(llvm::StringRef bytes) {
  if (bytes.size() < 10)
    return damaged(llvm::formatv("it has {0} bytes and is cut off", bytes.size()).str());
  uint64_t header_bytes = llvm::support::endian::read64le(bytes.data());
  if (header_bytes < 2 || header_bytes > kMostHeaderBytes || header_bytes > bytes.size() - 8)
    return damaged(
        llvm::formatv("its header of {0} bytes does not fit in a file of {1}, or it is no "
                      "safetensors file",
                      header_bytes, bytes.size())
            .str());
  llvm::StringRef header = bytes.substr(8, header_bytes), data = bytes.drop_front(8 + header_bytes);
  if (llvm::Error wrong = checkHeaderDigest(bytes, header)) return wrong;
  llvm::Expected<llvm::json::Value> json = llvm::json::parse(header);
  if (!json)
    return damaged("its header is not as safetensors has it: " + llvm::toString(json.takeError()));
  const llvm::json::Object *records = json->getAsObject();
  if (!records) return damaged("its header is no JSON object");

  Safetensors file;
  std::vector<Placed> placed;
  for (const auto &[key, value] : *records) {
    llvm::StringRef name = key;
    if (name != "__metadata__") {
      auto tensor = readTensor(name, value, data);
      if (!tensor) return tensor.takeError();
      placed.push_back(std::move(*tensor));
      continue;
    }
    const llvm::json::Object *pairs = value.getAsObject();
    if (!pairs) return damaged("its __metadata__ is no JSON object");
    for (const auto &[word, text] : *pairs)
      if (auto string = text.getAsString())
        file.metadata[llvm::StringRef(word).str()] = string->str();
  }
  // An order that no hash table decides: by place, then by name for tensors without elements.
  std::sort(placed.begin(), placed.end(), [](const Placed &a, const Placed &b) {
    return std::tuple(a.begin, a.tensor.data.size(), a.tensor.name) <
           std::tuple(b.begin, b.tensor.data.size(), b.tensor.name);
  });
  uint64_t at = 0;
  for (Placed &each : placed) {
    if (each.begin != at)
      return damaged(llvm::formatv("the data of '{0}' begin at byte {1}, expected {2}",
                                   each.tensor.name, each.begin, at)
                         .str());
    at += each.tensor.data.size();
    file.tensors.push_back(std::move(each.tensor));
  }
  if (at != data.size())
    return damaged(
        llvm::formatv("it has {0} bytes of data, its header says {1}", data.size(), at).str());
  if (auto expected = file.metadata.find(kDataDigest.str()); expected != file.metadata.end()) {
    std::string digest = hex(llvm::xxHash64(data));
    if (digest != expected->second)
      return damaged("the digest of its data is " + digest + ", expected " + expected->second);
  }
  return file;
}

}  // namespace graven::import
