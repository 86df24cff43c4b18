#include "test/gpu_emulator/fiber.h"

#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#if defined(__x86_64__) && !defined(__CET__)
#define GRAVEN_EMULATOR_SWITCH 1
// Registers that a called function keeps go on the stack, which is all of the context.
extern "C" void graven_emulator_switch(void **from, void *to);
extern "C" void graven_emulator_begin();
asm(R"(
  .text
  .p2align 4
  .type graven_emulator_switch, @function
graven_emulator_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
  .size graven_emulator_switch, .-graven_emulator_switch
  .type graven_emulator_begin, @function
graven_emulator_begin:
  movq %r13, %rdi
  call *%r12
  ud2
  .size graven_emulator_begin, .-graven_emulator_begin
)");
#endif

namespace graven::emulator {

struct Context::Portable {
  ucontext_t context;
};

Context::Context() = default;
Context::~Context() = default;
Context::Context(Context &&) noexcept = default;

#if GRAVEN_EMULATOR_SWITCH

void Context::prepare(void *stack, size_t bytes, void (*entry)(void *), void *argument) {
  auto *top = reinterpret_cast<uint64_t *>(static_cast<char *>(stack) + bytes);
  *--top = 0;  // keeps the stack aligned to 16 at the call
  *--top = 0;
  *--top = reinterpret_cast<uint64_t>(&graven_emulator_begin);
  *--top = 0;                                     // rbp
  *--top = 0;                                     // rbx
  *--top = reinterpret_cast<uint64_t>(entry);     // r12
  *--top = reinterpret_cast<uint64_t>(argument);  // r13
  *--top = 0;                                     // r14
  *--top = 0;                                     // r15
  stack_pointer_ = top;
}

void Context::change(Context &from, Context &to) {
  graven_emulator_switch(&from.stack_pointer_, to.stack_pointer_);
}

#else

namespace {
void begin(unsigned entry_high, unsigned entry_low, unsigned argument_high, unsigned argument_low) {
  const uint64_t entry = uint64_t{entry_high} << 32 | entry_low;
  const uint64_t argument = uint64_t{argument_high} << 32 | argument_low;
  reinterpret_cast<void (*)(void *)>(entry)(reinterpret_cast<void *>(argument));
}
}  // namespace

void Context::prepare(void *stack, size_t bytes, void (*entry)(void *), void *argument) {
  portable_ = std::make_unique<Portable>();
  getcontext(&portable_->context);
  portable_->context.uc_stack.ss_sp = stack;
  portable_->context.uc_stack.ss_size = bytes;
  portable_->context.uc_link = nullptr;
  const uint64_t code = reinterpret_cast<uint64_t>(entry);
  const uint64_t data = reinterpret_cast<uint64_t>(argument);
  makecontext(&portable_->context, reinterpret_cast<void (*)()>(begin), 4,
              static_cast<unsigned>(code >> 32), static_cast<unsigned>(code),
              static_cast<unsigned>(data >> 32), static_cast<unsigned>(data));
}

void Context::change(Context &from, Context &to) {
  if (!from.portable_) from.portable_ = std::make_unique<Portable>();
  swapcontext(&from.portable_->context, &to.portable_->context);
}

#endif

Stacks::~Stacks() {
  const size_t page = sysconf(_SC_PAGESIZE);
  for (void *mapping : mappings_) munmap(mapping, kBytes + page);
}

void *Stacks::at(size_t number) {
  const size_t page = sysconf(_SC_PAGESIZE);
  while (mappings_.size() <= number) {
    void *mapping = mmap(nullptr, kBytes + page, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapping == MAP_FAILED) {
      std::fputs("the emulator finds no memory for the stacks of its threads\n", stderr);
      std::abort();
    }
    mprotect(mapping, page, PROT_NONE);
    mappings_.push_back(mapping);
  }
  return static_cast<char *>(mappings_[number]) + page;
}

}  // namespace graven::emulator
