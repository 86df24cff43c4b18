// Branches and ends.
#include "test/gpu_emulator/instructions.h"

namespace graven::emulator {
namespace {

void bra(Emitter &e) {
  e.take("uni");
  e.branch(e.operand(0).name);
}

void brx(Emitter &e) {
  if (!e.take("idx")) e.fail("brx without .idx");
  e.take("uni");
  e.branch_indexed(e.read(e.operand(0), 32), e.operand(1).name);
}

void ret(Emitter &e) {
  e.take("uni");
  e.leave();
}

void trap(Emitter &e) {
  e.call("graven_emulator_trap", e.builder().getVoidTy(),
         {e.thread(), e.builder().getInt32(e.instruction().line)});
}

}  // namespace

void add_control_instructions(InstructionTable *table) {
  auto &t = *table;
  t["bra"] = bra;
  t["brx"] = brx;
  t["ret"] = ret;
  t["exit"] = ret;
  t["trap"] = trap;
}

}  // namespace graven::emulator
