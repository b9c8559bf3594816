# SPDX-License-Identifier: Apache-2.0
# What is installed: three libraries and the program.
#
#   libadze_runtime.so  src/runtime and the members of base it uses; libc only
#   libadze_runtime.a   the same as one object whose internal names are local,
#                       so that none of them can meet a name of the program
#   libadze.so          the compiler; needs libadze_runtime.so
#   libadze_pose.so     src/media and src/pose; needs libadze_runtime.so, and
#                       neither the compiler nor what that needs

# Sanitized libraries find the sanitizer's functions in the program.
if(ADZE_SANITIZE)
  set(ADZE_NO_UNDEFINED "")
else()
  set(ADZE_NO_UNDEFINED -Wl,-z,defs)
endif()

if(TARGET adze_runtime)
  # status.c is named because its functions are public: nothing in the runtime
  # itself need call them.
  add_library(adze_runtime_library SHARED
    $<TARGET_OBJECTS:adze_runtime_objects>
    ${PROJECT_SOURCE_DIR}/src/base/status.c)
  target_link_libraries(adze_runtime_library PRIVATE adze_base)
  target_link_options(adze_runtime_library PRIVATE -Wl,--gc-sections
    -Wl,--as-needed ${ADZE_NO_UNDEFINED})
  set_target_properties(adze_runtime_library PROPERTIES
    OUTPUT_NAME adze_runtime EXPORT_NAME runtime
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
  target_include_directories(adze_runtime_library INTERFACE
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)

  set(archive_object ${PROJECT_BINARY_DIR}/generated/adze_runtime.o)
  add_library(adze_runtime_status OBJECT ${PROJECT_SOURCE_DIR}/src/base/status.c)
  add_custom_command(OUTPUT ${archive_object}
    COMMAND ${CMAKE_LINKER} -r -o ${archive_object}
      $<TARGET_OBJECTS:adze_runtime_objects>
      $<TARGET_OBJECTS:adze_runtime_status> $<TARGET_FILE:adze_base>
    COMMAND ${CMAKE_OBJCOPY} --localize-hidden ${archive_object}
    DEPENDS adze_base adze_runtime_objects adze_runtime_status
      $<TARGET_OBJECTS:adze_runtime_objects>
      $<TARGET_OBJECTS:adze_runtime_status>
    COMMAND_EXPAND_LISTS VERBATIM)
  add_library(adze_runtime_archive STATIC ${archive_object})
  set_target_properties(adze_runtime_archive PROPERTIES
    OUTPUT_NAME adze_runtime EXPORT_NAME runtime_static LINKER_LANGUAGE C)
  target_include_directories(adze_runtime_archive INTERFACE
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
endif()

if(TARGET adze_driver)
  add_library(adze_library SHARED)
  # The runtime comes before base: what both define is the runtime's.
  if(TARGET adze_runtime)
    target_link_libraries(adze_library PUBLIC adze_runtime_library)
  endif()
  foreach(layer IN LISTS ADZE_LAYERS)
    if(TARGET adze_${layer} AND NOT layer MATCHES "^(base|runtime|media|pose)$")
      target_sources(adze_library PRIVATE
        $<TARGET_OBJECTS:adze_${layer}_objects>)
      get_target_property(libraries adze_${layer}_objects ADZE_LIBRARIES)
      if(libraries)
        target_link_libraries(adze_library PRIVATE ${libraries})
      endif()
    endif()
  endforeach()
  target_link_libraries(adze_library PRIVATE adze_base)
  target_link_options(adze_library PRIVATE -Wl,--gc-sections -Wl,--as-needed
    ${ADZE_NO_UNDEFINED})
  set_target_properties(adze_library PROPERTIES
    OUTPUT_NAME adze EXPORT_NAME compiler LINKER_LANGUAGE C
    INSTALL_RPATH "$ORIGIN"
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
  target_include_directories(adze_library INTERFACE
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
endif()

if(TARGET adze_runtime AND TARGET adze_media AND TARGET adze_pose)
  add_library(adze_pose_library SHARED
    $<TARGET_OBJECTS:adze_media_objects> $<TARGET_OBJECTS:adze_pose_objects>)
  target_link_libraries(adze_pose_library PUBLIC adze_runtime_library)
  foreach(layer media pose)
    get_target_property(libraries adze_${layer}_objects ADZE_LIBRARIES)
    target_link_libraries(adze_pose_library PRIVATE ${libraries})
  endforeach()
  target_link_libraries(adze_pose_library PRIVATE adze_base)
  target_link_options(adze_pose_library PRIVATE -Wl,--gc-sections
    -Wl,--as-needed ${ADZE_NO_UNDEFINED})
  set_target_properties(adze_pose_library PROPERTIES
    OUTPUT_NAME adze_pose EXPORT_NAME pose LINKER_LANGUAGE C
    INSTALL_RPATH "$ORIGIN"
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
  target_include_directories(adze_pose_library INTERFACE
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
endif()

# The program, from src/cli: its module holds all but main.c.
function(adze_program)
  add_executable(adze ${PROJECT_SOURCE_DIR}/src/cli/main.c)
  target_link_libraries(adze PRIVATE adze_cli adze_base)
  foreach(library adze_library adze_pose_library adze_runtime_library)
    if(TARGET ${library})
      target_link_libraries(adze PRIVATE ${library})
    endif()
  endforeach()
  set_target_properties(adze PROPERTIES
    INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
endfunction()
