// Pieces of the text of kernels under test.
#ifndef GRAVEN_TEST_COMPILER_CODEGEN_KERNEL_TEXT_H_
#define GRAVEN_TEST_COMPILER_CODEGEN_KERNEL_TEXT_H_

#include <string>
#include <vector>

namespace graven::codegen {

inline std::string tensorText(const std::string &type) { return "tensor<" + type + ">"; }
inline std::string text(int64_t number) { return std::to_string(number); }

// "2x3xf32" of {2, 3} and "f32".
inline std::string typeText(const std::vector<int64_t> &shape, const std::string &element) {
  std::string result;
  for (int64_t length : shape) result += std::to_string(length) + "x";
  return result + element;
}
// "[2, 3]".
inline std::string listText(const std::vector<int64_t> &numbers) {
  std::string result;
  for (int64_t number : numbers) result += (result.empty() ? "" : ", ") + std::to_string(number);
  return "[" + result + "]";
}
// A line: `result` = `call` : (types `in`) -> type `out`.
inline std::string opText(const std::string &result, const std::string &call,
                          const std::vector<std::string> &in, const std::string &out) {
  std::string types;
  for (const std::string &type : in) types += (types.empty() ? "" : ", ") + tensorText(type);
  return "    " + result + " = " + call + " : (" + types + ") -> " + tensorText(out) + "\n";
}

}  // namespace graven::codegen

#endif  // GRAVEN_TEST_COMPILER_CODEGEN_KERNEL_TEXT_H_
