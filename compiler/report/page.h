// A Report as text: JSON for programs, a page for people.
#ifndef GRAVEN_COMPILER_REPORT_PAGE_H_
#define GRAVEN_COMPILER_REPORT_PAGE_H_

#include <string>

#include "compiler/report/report.h"

namespace graven::report {

// The report as one JSON object, its members named as the fields. Text that is no UTF-8 is mended.
std::string toJson(const Report &report);

// A page that needs nothing but a browser: template, style and scripts of the folder page/ with the
// JSON in an element of id "data". `<` and `>` are escaped in it, so that no text of the model ends
// the element or becomes markup.
std::string toHtml(const Report &report);

}  // namespace graven::report

#endif  // GRAVEN_COMPILER_REPORT_PAGE_H_
