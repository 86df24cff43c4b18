#include "compiler/report/page.h"
#include "compiler/report/page_files.h"
#include "llvm/ADT/StringRef.h"

namespace graven::report {
namespace {

// `json` with `<`, `>` and `&` as \u escapes, which mean the same inside its strings; outside of
// them these characters do not occur.
std::string escapeForHtml(llvm::StringRef json) {
  std::string text;
  text.reserve(json.size());
  for (char c : json) {
    if (c == '<')
      text += "\\u003c";
    else if (c == '>')
      text += "\\u003e";
    else if (c == '&')
      text += "\\u0026";
    else
      text += c;
  }
  return text;
}

// What stands for `marker` in the template.
std::string contentOf(llvm::StringRef marker, const Report &report) {
  if (marker == "data") return escapeForHtml(toJson(report));
  for (const PageFile &file : kPageFiles)
    if (marker == file.name) return std::string(file.text, file.bytes);
  return "";
}

}  // namespace

std::string toHtml(const Report &report) {
  std::string page;
  std::string frame = contentOf("page.html", report);
  llvm::StringRef rest = frame;
  // {{name}} is the file of that name, {{data}} the report.
  while (!rest.empty()) {
    auto [before, after] = rest.split("{{");
    page += before;
    if (after.empty()) break;
    auto [marker, following] = after.split("}}");
    page += contentOf(marker, report);
    rest = following;
  }
  return page;
}

}  // namespace graven::report
