# cmake --install: the program, the shared library with its headers, a CMake package and a pkg-config file.
include(CMakePackageConfigHelpers)

if(FSRCNN_APPS)
  install(TARGETS fsrcnn_cli)
endif()
install(TARGETS fsrcnn_shared EXPORT fsrcnnTargets)
install(DIRECTORY include/fsrcnn TYPE INCLUDE)

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/fsrcnn)
install(EXPORT fsrcnnTargets FILE fsrcnnConfig.cmake NAMESPACE fsrcnn:: DESTINATION ${package_folder})
write_basic_package_version_file(fsrcnnConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/fsrcnnConfigVersion.cmake DESTINATION ${package_folder})

configure_file(cmake/fsrcnn.pc.in fsrcnn.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/fsrcnn.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
