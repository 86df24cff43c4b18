#include "test/gpu_emulator/layout.h"

#include <algorithm>
#include <cstring>

namespace graven::emulator {
namespace {

uint64_t align_up(uint64_t value, uint64_t align) { return (value + align - 1) / align * align; }

/// Calls `visit` with the name of every register or symbol in the operand.
template <typename Visit>
void visit_names(const Operand &operand, Visit &&visit) {
  if (!operand.name.empty()) visit(operand.name);
  for (const Operand &element : operand.elements) visit_names(element, visit);
}

void place(const Variable &variable, Storage *storage, Layout *layout) {
  Region region{variable.name, variable.space};
  region.bytes = variable.bytes();
  uint64_t address = 0;
  switch (variable.space) {
    case Space::kShared:
      if (variable.dynamic) {  // placed after all static ones
        layout->dynamic_region = static_cast<int>(layout->regions.size());
        region.name = "dynamic shared memory (" + variable.name + ")";
        break;
      }
      address = align_up(kSharedBegin + layout->shared_bytes, variable.align);
      layout->shared_bytes = address + region.bytes - kSharedBegin;
      break;
    case Space::kLocal:
      address = align_up(layout->local_bytes, variable.align);
      layout->local_bytes = address + region.bytes;
      break;
    default: {
      auto &words = (*storage)[variable.name];
      if (!words) {
        // Up to 64-byte alignment, as operands have.
        words = std::make_unique<uint64_t[]>(region.bytes / 8 + 16);
        if (!variable.data.empty()) {
          std::memcpy(
              reinterpret_cast<void *>(align_up(reinterpret_cast<uint64_t>(words.get()), 64)),
              variable.data.data(), variable.data.size());
        }
      }
      address = align_up(reinterpret_cast<uint64_t>(words.get()), 64);
      region.writable = false;
    }
  }
  region.base = address;
  layout->address_of[variable.name] = address;
  layout->region_of[variable.name] = layout->regions.size();
  layout->regions.push_back(std::move(region));
}

/// Follows addresses from parameters and variables through every instruction that computes, without
/// regard to order, until nothing changes.
void trace_origins(const Kernel &kernel, Layout *layout) {
  auto &origins = layout->origins;
  for (bool changed = true; changed;) {
    changed = false;
    for (const Instruction &instruction : kernel.instructions) {
      if (instruction.operands.size() < 2) continue;
      const bool loads = instruction.opcode == "ld" || instruction.opcode == "atom" ||
                         instruction.opcode == "ldmatrix";
      const bool parameter =
          loads && !instruction.modifiers.empty() && instruction.modifiers[0] == "param";
      if ((loads && !parameter) || instruction.opcode == "setp") continue;
      std::set<unsigned> from;
      for (size_t i = 1; i < instruction.operands.size(); ++i) {
        visit_names(instruction.operands[i], [&](const std::string &name) {
          if (const auto it = layout->region_of.find(name); it != layout->region_of.end()) {
            from.insert(it->second);
          } else if (const auto it = origins.find(name); it != origins.end()) {
            from.insert(it->second.begin(), it->second.end());
          }
        });
      }
      if (from.empty()) continue;
      visit_names(instruction.operands[0], [&](const std::string &name) {
        auto &known = origins[name];
        const size_t before = known.size();
        known.insert(from.begin(), from.end());
        changed |= known.size() != before;
      });
    }
  }
}

}  // namespace

Layout lay_out(const PtxModule &module, const Kernel &kernel, Storage *storage) {
  Layout layout;
  for (size_t i = 0; i < kernel.parameters.size(); ++i) {
    Region region{"operand " + std::to_string(i), Space::kGlobal};
    if (const auto it = kernel.bounds.find(i); it != kernel.bounds.end()) {
      region.bytes = it->second.bytes;
      region.readable = it->second.read;
      region.writable = it->second.write;
    }
    layout.region_of[kernel.parameters[i].name] = i;
    layout.regions.push_back(std::move(region));
  }
  std::set<std::string> used;
  for (const Instruction &instruction : kernel.instructions) {
    for (const Operand &operand : instruction.operands) {
      visit_names(operand, [&](const std::string &name) { used.insert(name); });
    }
  }
  const Variable *dynamic = nullptr;
  for (const auto *list : {&kernel.variables, &module.variables}) {
    for (const Variable &variable : *list) {
      if (list == &module.variables && !used.contains(variable.name)) continue;
      if (layout.region_of.contains(variable.name)) continue;
      if (variable.dynamic) dynamic = &variable;
      place(variable, storage, &layout);
    }
  }
  if (dynamic) {
    layout.dynamic_offset = align_up(kSharedBegin + layout.shared_bytes, dynamic->align);
    layout.address_of[dynamic->name] = layout.dynamic_offset;
    layout.regions[layout.dynamic_region].base = layout.dynamic_offset;
  }
  trace_origins(kernel, &layout);
  return layout;
}

}  // namespace graven::emulator
