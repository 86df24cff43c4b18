# How Graven's dialects and phases are built against Debian's LLVM/MLIR 22: the two shared libraries,
# no static component (linking one beside them duplicates code silently), no exceptions, and one
# precompiled header, since MLIR's headers cost seconds per file.
find_package(MLIR REQUIRED CONFIG HINTS /usr/lib/llvm-22/lib/cmake/mlir)
list(APPEND CMAKE_MODULE_PATH ${MLIR_CMAKE_DIR} ${LLVM_CMAKE_DIR})
include(TableGen)
include(AddLLVM)
include(AddMLIR)

# mlir_tablegen takes its include paths from the directory.
include_directories(SYSTEM ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})

add_library(graven_mlir INTERFACE)
target_include_directories(graven_mlir SYSTEM INTERFACE ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
target_include_directories(graven_mlir INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}> $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}>)
target_compile_options(graven_mlir INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions>
  $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fpch-preprocess>)
target_link_libraries(graven_mlir INTERFACE MLIR LLVM)

file(WRITE ${PROJECT_BINARY_DIR}/graven_pch.cc.in "")
configure_file(${PROJECT_BINARY_DIR}/graven_pch.cc.in ${PROJECT_BINARY_DIR}/graven_pch.cc COPYONLY)
add_library(graven_pch OBJECT ${PROJECT_BINARY_DIR}/graven_pch.cc)
target_link_libraries(graven_pch PRIVATE graven_mlir)
target_precompile_headers(graven_pch PRIVATE
  <mlir/IR/Builders.h> <mlir/IR/BuiltinOps.h> <mlir/IR/BuiltinTypes.h> <mlir/IR/Dialect.h>
  <mlir/IR/DialectImplementation.h> <mlir/IR/OpImplementation.h> <mlir/IR/SymbolTable.h>
  <mlir/IR/PatternMatch.h> <mlir/Bytecode/BytecodeOpInterface.h> <mlir/Interfaces/SideEffectInterfaces.h>
  <mlir/Pass/Pass.h> <llvm/ADT/TypeSwitch.h> <llvm/ADT/STLExtras.h> <llvm/ADT/MapVector.h>)

# graven_mlir_library(<name> SOURCES a.cc b.cc [DEPENDS tablegen-targets] [LINK other libraries])
function(graven_mlir_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC graven_mlir ${ARG_LINK})
  target_precompile_headers(${name} REUSE_FROM graven_pch)
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
  set_property(GLOBAL APPEND PROPERTY GRAVEN_MLIR_LIBRARIES ${name})
endfunction()

# graven_mlir_executable(<name> SOURCES a.cc [LINK libraries])
function(graven_mlir_executable name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE graven_mlir ${ARG_LINK})
endfunction()

# graven_tablegen(<file.td> <generator flag> <output.inc> [flags...]) into the current binary folder;
# collect with add_public_tablegen_target(<target>).
function(graven_tablegen td)
  set(LLVM_TARGET_DEFINITIONS ${td})
  list(GET ARGN 0 output)
  list(REMOVE_AT ARGN 0)
  mlir_tablegen(${output} ${ARGN} -I${PROJECT_SOURCE_DIR})
  set(TABLEGEN_OUTPUT ${TABLEGEN_OUTPUT} PARENT_SCOPE)
endfunction()
