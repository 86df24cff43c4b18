# graven_add_model(<target> <model.mlir> [FLAGS <flag>...])
#
# Compiles the model when the target is built and links it in: the target's sources include
# "<model>.h", made beside the archive. Flags are those of graven-compile, such as --batch=1,64; when
# cross-compiling, --target is the compiler's own. The archive holds the runtime's core.
function(graven_add_model target model)
  cmake_parse_arguments(PARSE_ARGV 2 ARG "" "" "FLAGS")
  if(ARG_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "graven_add_model: '${ARG_UNPARSED_ARGUMENTS}' is not understood; "
            "expected graven_add_model(<target> <model.mlir> [FLAGS <flag>...])")
  endif()
  if(NOT TARGET ${target})
    message(FATAL_ERROR "graven_add_model: there is no target '${target}'; "
            "add_executable or add_library comes before")
  endif()
  if(NOT GRAVEN_COMPILE)
    message(FATAL_ERROR "graven_add_model: graven-compile was not found; "
            "give its path with -DGRAVEN_COMPILE=<path>")
  endif()
  get_filename_component(source ${model} ABSOLUTE)
  if(NOT EXISTS ${source})
    message(FATAL_ERROR "graven_add_model: there is no file '${source}'")
  endif()
  get_filename_component(name ${model} NAME_WE)
  set(flags ${ARG_FLAGS})
  if(CMAKE_CROSSCOMPILING AND NOT flags MATCHES "--target" AND CMAKE_LIBRARY_ARCHITECTURE)
    list(APPEND flags --target=${CMAKE_LIBRARY_ARCHITECTURE})
  endif()

  set(folder ${CMAKE_CURRENT_BINARY_DIR}/graven/${target})
  set(archive ${folder}/${name}.a)
  file(MAKE_DIRECTORY ${folder})
  add_custom_command(OUTPUT ${archive} ${folder}/${name}.h
    COMMAND ${GRAVEN_COMPILE} ${source} -o ${archive} ${flags}
    DEPENDS ${source} ${GRAVEN_COMPILE}
    COMMENT "Compiling ${name}.mlir with Graven" VERBATIM)
  # As a source of the target the header is made before anything that includes it.
  target_sources(${target} PRIVATE ${folder}/${name}.h)
  target_include_directories(${target} PRIVATE ${folder})
  find_package(Threads REQUIRED)
  target_link_libraries(${target} PRIVATE ${archive} Threads::Threads m)
endfunction()
