# SPDX-License-Identifier: Apache-2.0
# adze_module: one folder below src/, as a library for the public libraries and
# for its own tests.
#
#   adze_module(ir
#     SOURCES expr.c graph.c          # listed, never globbed
#     DEPENDS base                    # modules of lower layers
#     LIBRARIES adze_llvm             # libraries of others (cmake/AdzeLibraries)
#     TESTS expr_test.c               # cmocka programs
#     FUZZ text_fuzz.c)               # LLVMFuzzerTestOneInput
#
# makes
#   adze_ir_objects   the objects, for libadze.so
#   adze_ir           an archive of them, for unit tests
#   expr_test         program and test; runs in the repository root, so that
#                     ../shared works; sees ADZE_SHARED and ADZE_SOURCE_DIR
#   text_fuzz         program; replays tests/corpus/text/* as a test, or is a
#                     libFuzzer program with clang and -DADZE_FUZZ=ON
#
# OPTIONS adds compiler options for the module's own sources. TEST_LIBRARIES
# are linked to its tests and fuzz targets only. adze_test(NAME x_test SOURCES … LINK … LABELS …)
# makes a test that stands elsewhere.
#
# adze_script_test(NAME x COMMAND … LABELS …) makes one of a script, and
# adze_python_test(NAME x SCRIPT x.py ARGUMENTS … LABELS …) one that runs in
# build/venv and is skipped where that is absent.
#
# A test that exits with 77 was skipped and has printed "skipped: why". Labels:
#   all       for `make check-all` only
#   release   not for sanitized builds (it measures, or takes too long there)
#   threads   also for the thread sanitizer, as are the tests of base, runtime
#             and driver; a module's tests have its name as a label

set(ADZE_TEST_TIMEOUT 300 CACHE STRING "Seconds after which a test has failed")
set(ADZE_FUZZ_SECONDS 20 CACHE STRING "How long a fuzz test runs")

if(ADZE_FUZZ)
  add_custom_target(fuzzers) # all of them
endif()

function(adze_register_test name)
  set_tests_properties(${name} PROPERTIES
    SKIP_RETURN_CODE 77
    TIMEOUT ${ADZE_TEST_TIMEOUT}
    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  # An allocation that can't be is an error to handle, not a finding.
  if(ADZE_SANITIZE)
    set_tests_properties(${name} PROPERTIES ENVIRONMENT
      "ASAN_OPTIONS=allocator_may_return_null=1;TSAN_OPTIONS=allocator_may_return_null=1;UBSAN_OPTIONS=print_stacktrace=1")
  endif()
endfunction()

function(adze_test)
  cmake_parse_arguments(arg "" "NAME" "SOURCES;LINK;LABELS;ARGUMENTS" ${ARGN})
  if(NOT ADZE_TESTS)
    return()
  endif()
  add_executable(${arg_NAME} ${arg_SOURCES})
  target_include_directories(${arg_NAME} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_compile_definitions(${arg_NAME} PRIVATE
    ADZE_SHARED="${ADZE_SHARED}" ADZE_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
    ADZE_BINARY_DIR="${PROJECT_BINARY_DIR}")
  target_link_libraries(${arg_NAME} PRIVATE ${arg_LINK} adze_cmocka)
  set_target_properties(${arg_NAME} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  add_test(NAME ${arg_NAME} COMMAND ${arg_NAME} ${arg_ARGUMENTS})
  adze_register_test(${arg_NAME})
  if(arg_LABELS)
    set_tests_properties(${arg_NAME} PROPERTIES LABELS "${arg_LABELS}")
  endif()
endfunction()

function(adze_script_test)
  cmake_parse_arguments(arg "" "NAME" "COMMAND;LABELS" ${ARGN})
  if(NOT ADZE_TESTS)
    return()
  endif()
  add_test(NAME ${arg_NAME} COMMAND ${arg_COMMAND})
  adze_register_test(${arg_NAME})
  if(arg_LABELS)
    set_tests_properties(${arg_NAME} PROPERTIES LABELS "${arg_LABELS}")
  endif()
endfunction()

function(adze_python_test)
  cmake_parse_arguments(arg "" "NAME;SCRIPT" "ARGUMENTS;LABELS" ${ARGN})
  get_filename_component(script ${arg_SCRIPT} ABSOLUTE)
  adze_script_test(NAME ${arg_NAME} LABELS ${arg_LABELS}
    COMMAND ${PROJECT_SOURCE_DIR}/scripts/python_test.sh ${script}
      ${arg_ARGUMENTS})
endfunction()

function(adze_fuzz_target name source)
  cmake_parse_arguments(arg "" "" "LINK" ${ARGN})
  if(NOT ADZE_TESTS)
    return()
  endif()
  string(REGEX REPLACE "_fuzz$" "" corpus ${name})
  if(ADZE_FUZZ)
    add_executable(${name} ${source})
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    add_dependencies(fuzzers ${name})
    # New inputs go to the build folder; those in the repository are only read.
    set(found ${PROJECT_BINARY_DIR}/corpus/${corpus})
    file(MAKE_DIRECTORY ${found})
    add_test(NAME ${name}
      COMMAND ${name} -max_total_time=${ADZE_FUZZ_SECONDS} -timeout=10
        -rss_limit_mb=2048 -print_final_stats=1 -error_exitcode=1 -artifact_prefix=${found}-
        ${found} ${PROJECT_SOURCE_DIR}/tests/corpus/${corpus})
    adze_register_test(${name})
    set_tests_properties(${name} PROPERTIES LABELS fuzz)
  else()
    add_executable(${name} ${source} ${PROJECT_SOURCE_DIR}/tests/fuzz_replay.c)
    add_test(NAME ${name}
      COMMAND ${name} ${PROJECT_SOURCE_DIR}/tests/corpus/${corpus})
    adze_register_test(${name})
    set_tests_properties(${name} PROPERTIES LABELS corpus)
  endif()
  target_link_libraries(${name} PRIVATE ${arg_LINK})
  set_target_properties(${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
endfunction()

function(adze_module name)
  cmake_parse_arguments(arg "" ""
    "SOURCES;DEPENDS;LIBRARIES;TEST_LIBRARIES;TESTS;FUZZ;OPTIONS" ${ARGN})
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "adze_module(${name}): what is ${arg_UNPARSED_ARGUMENTS}?")
  endif()
  list(TRANSFORM arg_DEPENDS PREPEND adze_)

  add_library(adze_${name}_objects OBJECT ${arg_SOURCES})
  target_compile_options(adze_${name}_objects PRIVATE ${arg_OPTIONS})
  target_link_libraries(adze_${name}_objects PRIVATE ${arg_LIBRARIES})
  set_target_properties(adze_${name}_objects PROPERTIES
    ADZE_LIBRARIES "${arg_LIBRARIES}")

  add_library(adze_${name} STATIC $<TARGET_OBJECTS:adze_${name}_objects>)
  target_link_libraries(adze_${name} PUBLIC ${arg_DEPENDS} ${arg_LIBRARIES})
  set_target_properties(adze_${name} PROPERTIES
    LINKER_LANGUAGE C
    ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/modules)

  foreach(source IN LISTS arg_TESTS)
    get_filename_component(test ${source} NAME_WE)
    adze_test(NAME ${test} SOURCES ${source}
      LINK adze_${name} ${arg_TEST_LIBRARIES} LABELS ${name})
  endforeach()
  foreach(source IN LISTS arg_FUZZ)
    get_filename_component(fuzz ${source} NAME_WE)
    adze_fuzz_target(${fuzz} ${source}
      LINK adze_${name} ${arg_TEST_LIBRARIES})
  endforeach()
endfunction()
