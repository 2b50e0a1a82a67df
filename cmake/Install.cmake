# cmake --install: the program with its manual page and completions, the library with its headers, a CMake package and a
# pkg-config file.
include(CMakePackageConfigHelpers)

if(FSRCNN_APPS)
  install(TARGETS fsrcnn_cli)
  # The program writes them itself, from its table of options.
  set(manual ${PROJECT_BINARY_DIR}/manual)
  set(shells bash zsh fish)
  set(completions ${CMAKE_INSTALL_DATADIR}/bash-completion/completions/fsrcnn
    ${CMAKE_INSTALL_DATADIR}/zsh/site-functions/_fsrcnn ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d/fsrcnn.fish)
  add_custom_command(OUTPUT ${manual}/fsrcnn.1 ${manual}/bash ${manual}/zsh ${manual}/fish
    COMMAND ${CMAKE_COMMAND} -E make_directory ${manual}
    COMMAND fsrcnn_cli man > ${manual}/fsrcnn.1
    COMMAND fsrcnn_cli completion bash > ${manual}/bash
    COMMAND fsrcnn_cli completion zsh > ${manual}/zsh
    COMMAND fsrcnn_cli completion fish > ${manual}/fish
    DEPENDS fsrcnn_cli VERBATIM)
  add_custom_target(fsrcnn_manual ALL DEPENDS ${manual}/fsrcnn.1)
  install(FILES ${manual}/fsrcnn.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
  foreach(shell file IN ZIP_LISTS shells completions)
    cmake_path(GET file PARENT_PATH folder)
    cmake_path(GET file FILENAME name)
    install(FILES ${manual}/${shell} DESTINATION ${folder} RENAME ${name})
  endforeach()
endif()
install(TARGETS fsrcnn EXPORT fsrcnnTargets)
install(DIRECTORY include/fsrcnn TYPE INCLUDE)

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/fsrcnn)
install(EXPORT fsrcnnTargets NAMESPACE fsrcnn:: DESTINATION ${package_folder})
# A shared library has what it needs; what a static one needs is linked by its users.
get_target_property(fsrcnn_type fsrcnn TYPE)
if(fsrcnn_type STREQUAL STATIC_LIBRARY)
  set(package_dependencies "include(CMakeFindDependencyMacro)\nfind_dependency(hwy)\nfind_dependency(Threads)")
  set(pc_requires libhwy)
  set(pc_definitions -DFSRCNN_STATIC)
  set(pc_libraries "-lstdc++ -pthread -lm")
endif()
configure_package_config_file(cmake/fsrcnnConfig.cmake.in fsrcnnConfig.cmake INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(fsrcnnConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/fsrcnnConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/fsrcnnConfigVersion.cmake
  DESTINATION ${package_folder})

# Relative, so that the prefix can be moved.
file(RELATIVE_PATH prefix_from_pc ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
configure_file(cmake/fsrcnn.pc.in fsrcnn.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/fsrcnn.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
