# SPDX-License-Identifier: Apache-2.0
# Libraries of others that are opened when first needed (src/base/lazy.h).
#
#   adze_lazy(llvm sources LIBRARIES /usr/lib/libLLVM.so SOURCES llvm/value.c …)
#
# adds to the variable `sources` a source that is made anew when one of SOURCES
# changes: functions of the libraries that these name, and `lazy_llvm`.
# Without shared libraries, on a machine that scripts/lazy_source.sh doesn't know,
# or with sanitizers, the libraries are linked instead: add
# ${ADZE_LAZY_LINK_llvm}, which is empty otherwise. `lazy_llvm` is there all the
# same. (LeakSanitizer crashes now and then while it looks at the threads of a
# program that has opened LLVM.)
function(adze_lazy name out)
  cmake_parse_arguments(arg "" "" "LIBRARIES;SOURCES" ${ARGN})
  set(source ${PROJECT_BINARY_DIR}/generated/lazy_${name}.c)
  set(link "")
  if(ADZE_SANITIZE OR
      NOT CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|aarch64|arm64)$")
    set(link ${arg_LIBRARIES})
  endif()
  foreach(library IN LISTS arg_LIBRARIES)
    if(NOT library MATCHES "\\.so[.0-9]*$")
      set(link ${arg_LIBRARIES})
    endif()
  endforeach()
  if(link)
    file(WRITE ${source} "#include \"base/lazy.h\"\n"
      "extern struct lazy_library lazy_${name};\n"
      "struct lazy_library lazy_${name} = {.is_open = true};\n")
  else()
    set(script ${PROJECT_SOURCE_DIR}/scripts/lazy_source.sh)
    list(TRANSFORM arg_SOURCES PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
    add_custom_command(OUTPUT ${source}
      COMMAND ${CMAKE_COMMAND} -E env NM=${CMAKE_NM} READELF=${CMAKE_READELF}
        sh ${script} ${name} ${CMAKE_SYSTEM_PROCESSOR} ${arg_LIBRARIES} --
        ${arg_SOURCES} > ${source}.part
      COMMAND ${CMAKE_COMMAND} -E rename ${source}.part ${source}
      DEPENDS ${script} ${arg_SOURCES} ${arg_LIBRARIES} VERBATIM)
  endif()
  set(${out} ${${out}} ${source} PARENT_SCOPE)
  set(ADZE_LAZY_LINK_${name} "${link}" PARENT_SCOPE)
endfunction()
