// Threads of execution that are switched by hand.
#ifndef GRAVEN_TEST_GPU_EMULATOR_FIBER_H_
#define GRAVEN_TEST_GPU_EMULATOR_FIBER_H_

#include <cstddef>
#include <memory>
#include <vector>

namespace graven::emulator {

/// A place where execution stopped. A fiber may be abandoned: nothing on its stack is destroyed.
class Context {
 public:
  Context();
  ~Context();
  Context(Context &&) noexcept;

  /// Makes the context begin `entry(argument)` on this stack when it is switched to. `entry` never
  /// returns.
  void prepare(void *stack, size_t bytes, void (*entry)(void *), void *argument);
  /// Stops here, as `from`, and goes on where `to` stopped.
  static void change(Context &from, Context &to);

 private:
  void *stack_pointer_ = nullptr;
  struct Portable;
  std::unique_ptr<Portable> portable_;
};

/// Stacks with a guard page below each, kept for the next launch.
class Stacks {
 public:
  static constexpr size_t kBytes = 256 * 1024;
  ~Stacks();
  /// The stack of this number.
  void *at(size_t number);

 private:
  std::vector<void *> mappings_;
};

}  // namespace graven::emulator

#endif  // GRAVEN_TEST_GPU_EMULATOR_FIBER_H_
