# SPDX-License-Identifier: Apache-2.0
# The libraries of others, each optional. For each:
#   adze_<library>      an interface target, empty when the library is absent
#   ADZE_HAVE_<LIBRARY> ON or OFF here, 1 or 0 in adze_config.h
#   ADZE_<LIBRARY>_VERSION   "" when absent
# LLVM, FFmpeg and Cairo are opened when first needed (cmake/AdzeLazy.cmake):
# their targets have headers only, and their files are
# ADZE_LLVM_LIBRARY and ADZE_<LIBRARY>_FILES.
# -DADZE_WITH_<LIBRARY>=OFF builds without one that is there.

find_package(PkgConfig)
find_package(Threads REQUIRED)

function(adze_pkg_library name)
  cmake_parse_arguments(arg "LAZY" "" "" ${ARGN})
  set(modules ${arg_UNPARSED_ARGUMENTS})
  string(TOUPPER ${name} upper)
  option(ADZE_WITH_${upper} "Use ${name}" ON)
  add_library(adze_${name} INTERFACE)
  set(have OFF)
  set(version "")
  if(ADZE_WITH_${upper} AND PKG_CONFIG_FOUND)
    pkg_check_modules(${upper} QUIET IMPORTED_TARGET ${modules})
    if(${upper}_FOUND)
      set(have ON)
      # One module sets NAME_VERSION, several NAME_module_VERSION.
      list(GET modules 0 first)
      set(version ${${upper}_VERSION}${${upper}_${first}_VERSION})
      if(arg_LAZY)
        target_include_directories(adze_${name} SYSTEM INTERFACE
          ${${upper}_INCLUDE_DIRS})
        set(ADZE_${upper}_FILES ${${upper}_LINK_LIBRARIES} PARENT_SCOPE)
      else()
        target_link_libraries(adze_${name} INTERFACE PkgConfig::${upper})
      endif()
    endif()
  endif()
  set(ADZE_HAVE_${upper} ${have} PARENT_SCOPE)
  set(ADZE_${upper}_VERSION "${version}" PARENT_SCOPE)
endfunction()

adze_pkg_library(ffmpeg LAZY libavformat libavcodec libavutil libswscale)
adze_pkg_library(cairo LAZY cairo)
adze_pkg_library(jansson jansson)
adze_pkg_library(libzip libzip)

# LLVM through llvm-config: LLVM's own CMake package wants C++ and a dozen other
# packages, of which the C API in libLLVM-19.so needs nothing.
option(ADZE_WITH_LLVM "Use LLVM 19" ON)
add_library(adze_llvm INTERFACE)
set(ADZE_HAVE_LLVM OFF)
set(ADZE_LLVM_VERSION "")
if(ADZE_WITH_LLVM)
  find_program(ADZE_LLVM_CONFIG NAMES llvm-config-19 llvm-config
    HINTS /usr/lib/llvm-19/bin)
  if(ADZE_LLVM_CONFIG)
    execute_process(COMMAND ${ADZE_LLVM_CONFIG} --version
      OUTPUT_VARIABLE llvm_version OUTPUT_STRIP_TRAILING_WHITESPACE)
    execute_process(COMMAND ${ADZE_LLVM_CONFIG} --includedir
      OUTPUT_VARIABLE llvm_include OUTPUT_STRIP_TRAILING_WHITESPACE)
    execute_process(COMMAND ${ADZE_LLVM_CONFIG} --libdir
      OUTPUT_VARIABLE llvm_libdir OUTPUT_STRIP_TRAILING_WHITESPACE)
    find_library(ADZE_LLVM_LIBRARY NAMES LLVM-19 HINTS ${llvm_libdir})
    if(llvm_version MATCHES "^19\\." AND ADZE_LLVM_LIBRARY)
      set(ADZE_HAVE_LLVM ON)
      set(ADZE_LLVM_VERSION ${llvm_version})
      target_include_directories(adze_llvm SYSTEM INTERFACE ${llvm_include})
    endif()
  endif()
endif()

find_program(ADZE_LLD_PROGRAM NAMES ld.lld-19 ld.lld HINTS /usr/lib/llvm-19/bin)
if(ADZE_LLD_PROGRAM)
  set(ADZE_LLD_PATH ${ADZE_LLD_PROGRAM})
else()
  set(ADZE_LLD_PATH "")
endif()

# cmocka: only the tests need it.
option(ADZE_TESTS "Build the tests" ON)
add_library(adze_cmocka INTERFACE)
if(ADZE_TESTS)
  if(PKG_CONFIG_FOUND)
    pkg_check_modules(CMOCKA QUIET IMPORTED_TARGET cmocka)
  endif()
  if(CMOCKA_FOUND)
    target_link_libraries(adze_cmocka INTERFACE PkgConfig::CMOCKA)
  else()
    message(STATUS "adze: cmocka is absent, so no tests are built")
    set(ADZE_TESTS OFF)
  endif()
endif()

foreach(name LLVM FFMPEG CAIRO JANSSON LIBZIP)
  if(ADZE_HAVE_${name})
    message(STATUS "adze: ${name} ${ADZE_${name}_VERSION}")
  else()
    message(STATUS "adze: without ${name}")
  endif()
endforeach()
