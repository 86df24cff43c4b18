# What `cmake --install` copies: tools, headers, libraries, and how CMake and pkg-config find them.
# The tree may be moved afterwards: everything in it is found from where it stands.
#
# Three sets of targets, since a program that only runs a model shall need none of the packages that
# training or compiling one needs: GravenTargets (runtime), GravenTrainTargets, GravenCompilerTargets.
include(CMakePackageConfigHelpers)
set(cmake_folder lib/cmake/Graven)

# --- runtime --------------------------------------------------------------------------------------
install(EXPORT GravenTargets NAMESPACE Graven:: DESTINATION ${cmake_folder})

# --- train ----------------------------------------------------------------------------------------
install(EXPORT GravenTrainTargets NAMESPACE Graven:: DESTINATION ${cmake_folder})

# --- compiler -------------------------------------------------------------------------------------
if(TARGET graven_compiler)
  install(TARGETS graven-compile graven-opt)
  get_property(libraries GLOBAL PROPERTY GRAVEN_MLIR_LIBRARIES)
  set_target_properties(graven_compiler PROPERTIES EXPORT_NAME compiler)
  target_include_directories(graven_compiler PUBLIC $<INSTALL_INTERFACE:include/graven>)
  install(TARGETS graven_compiler graven_mlir ${libraries} EXPORT GravenCompilerTargets
          ARCHIVE DESTINATION lib)
  install(EXPORT GravenCompilerTargets NAMESPACE Graven:: DESTINATION ${cmake_folder})
  install(FILES ${PROJECT_SOURCE_DIR}/compiler/api/compile.h
          DESTINATION include/graven/compiler/api)
endif()

# --- package files --------------------------------------------------------------------------------
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/GravenConfig.cmake.in
  ${PROJECT_BINARY_DIR}/cmake/GravenConfig.cmake INSTALL_DESTINATION ${cmake_folder})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/cmake/GravenConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/cmake/GravenConfig.cmake
              ${PROJECT_BINARY_DIR}/cmake/GravenConfigVersion.cmake
              ${CMAKE_CURRENT_LIST_DIR}/GravenAddModel.cmake
        DESTINATION ${cmake_folder})

set(GRAVEN_CORE_FOLDER lib/${CMAKE_SYSTEM_PROCESSOR}-linux-gnu)
configure_file(${CMAKE_CURRENT_LIST_DIR}/graven.pc.in ${PROJECT_BINARY_DIR}/cmake/graven.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/cmake/graven.pc DESTINATION lib/pkgconfig)
