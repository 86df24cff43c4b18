# cmake -DOUTPUT=page_files.h -DFILES="a.html;b.js" -P embed_page.cmake
#
# Writes the files as arrays of bytes: the compiler carries its page with it.
set(content "// Made from compiler/report/page.\n#include <cstddef>\nnamespace graven::report {\n")
set(table "")
set(number 0)
foreach(file IN LISTS FILES)
  get_filename_component(name ${file} NAME)
  file(READ ${file} bytes HEX)
  string(LENGTH "${bytes}" length)
  math(EXPR length "${length} / 2")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${bytes}")
  string(APPEND content "inline constexpr char kPageFile${number}[] = {${bytes}};\n")
  string(APPEND table "    {\"${name}\", kPageFile${number}, ${length}},\n")
  math(EXPR number "${number} + 1")
endforeach()
string(APPEND content "struct PageFile {\n  const char *name;\n  const char *text;\n"
       "  size_t bytes;\n};\ninline constexpr PageFile kPageFiles[] = {\n${table}};\n"
       "}  // namespace graven::report\n")
file(WRITE ${OUTPUT} "${content}")
