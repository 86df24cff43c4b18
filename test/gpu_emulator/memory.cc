#include <algorithm>
#include <cstdint>

#include "test/gpu_emulator/shadow.h"

namespace graven::emulator {

Memory::Memory() = default;
Memory::~Memory() = default;

void Memory::add(const void *address, size_t bytes, std::string name) {
  auto allocation = std::make_unique<Allocation>();
  allocation->base = reinterpret_cast<uint64_t>(address);
  allocation->bytes = bytes;
  allocation->name = std::move(name);
  const auto after =
      std::upper_bound(allocations_.begin(), allocations_.end(), allocation->base,
                       [](uint64_t base, const auto &other) { return base < other->base; });
  allocations_.insert(after, std::move(allocation));
}

bool Memory::remove(const void *address) {
  return std::erase_if(allocations_, [&](const auto &allocation) {
           return allocation->base == reinterpret_cast<uint64_t>(address);
         }) != 0;
}

Memory::Allocation *Memory::find(uint64_t address) const {
  auto after = std::upper_bound(allocations_.begin(), allocations_.end(), address,
                                [](uint64_t a, const auto &other) { return a < other->base; });
  if (after == allocations_.begin()) return nullptr;
  Allocation *allocation = std::prev(after)->get();
  return address - allocation->base < allocation->bytes ? allocation : nullptr;
}

bool Memory::contains(const void *address, size_t bytes) const {
  const uint64_t begin = reinterpret_cast<uint64_t>(address);
  const Allocation *allocation = find(begin);
  return allocation && bytes <= allocation->base + allocation->bytes - begin;
}

}  // namespace graven::emulator
