# SPDX-License-Identifier: Apache-2.0
# Installs program, libraries, headers, the CMake package `adze` with targets
# adze::compiler, adze::pose, adze::runtime and adze::runtime_static, and
# pkg-config files.
include(CMakePackageConfigHelpers)

set(installed)
foreach(target adze_library adze_pose_library adze_runtime_library
    adze_runtime_archive)
  if(TARGET ${target})
    list(APPEND installed ${target})
  endif()
endforeach()
if(NOT installed)
  return()
endif()

install(TARGETS ${installed} EXPORT adzeTargets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(TARGET adze)
  install(TARGETS adze RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
# The networks of `adze pose`. The program looks for them in share/adze beside
# its own folder: here, and once it is installed.
foreach(name pose_small pose_small_head pose_small_limb)
  set(network ${PROJECT_SOURCE_DIR}/models/pose/${name}.onnx)
  configure_file(${network} share/adze/${name}.onnx COPYONLY)
  install(FILES ${network} DESTINATION ${CMAKE_INSTALL_DATADIR}/adze)
endforeach()
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/adze
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/adze)
install(EXPORT adzeTargets NAMESPACE adze:: DESTINATION ${package})
configure_package_config_file(cmake/adzeConfig.cmake.in
  generated/adzeConfig.cmake INSTALL_DESTINATION ${package})
write_basic_package_version_file(generated/adzeConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/generated/adzeConfig.cmake
  ${PROJECT_BINARY_DIR}/generated/adzeConfigVersion.cmake
  DESTINATION ${package})

# The files find their prefix from where they lie, so that an installation may
# be moved.
file(RELATIVE_PATH ADZE_PC_PREFIX
  /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" ADZE_PC_PREFIX "${ADZE_PC_PREFIX}")
foreach(name adze adze-pose adze-runtime)
  configure_file(cmake/${name}.pc.in generated/${name}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/generated/${name}.pc
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()
