// The opcodes that the emulator knows.
#ifndef GRAVEN_TEST_GPU_EMULATOR_INSTRUCTIONS_H_
#define GRAVEN_TEST_GPU_EMULATOR_INSTRUCTIONS_H_

#include <map>
#include <string_view>

#include "test/gpu_emulator/translate.h"

namespace graven::emulator {

/// Emits the instruction at which the emitter stands.
using EmitFunction = void (*)(Emitter &);
using InstructionTable = std::map<std::string_view, EmitFunction>;

/// All opcodes, without modifiers.
const InstructionTable &instruction_table();

/// add, sub, mul, mad, div, min, max, abs and neg of whole numbers; the type is taken already.
void emit_integer(Emitter &emitter, Type type);

// Its parts, by subject; each in a file of its name.
void add_integer_instructions(InstructionTable *table);
void add_float_instructions(InstructionTable *table);
void add_data_instructions(InstructionTable *table);  // mov, cvt, selp, setp
void add_memory_instructions(InstructionTable *table);
void add_control_instructions(InstructionTable *table);
void add_warp_instructions(InstructionTable *table);

}  // namespace graven::emulator

#endif  // GRAVEN_TEST_GPU_EMULATOR_INSTRUCTIONS_H_
