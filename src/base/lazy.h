/* SPDX-License-Identifier: Apache-2.0 */
/* Libraries of others that are opened when first needed, so that a program
 * that doesn't need them starts without them: running a package takes no LLVM,
 * a compiler no codecs.
 *
 * The build makes a source file for each such library (cmake/AdzeLazy.cmake):
 * functions that jump to the library's, and the table
 *
 *   extern struct lazy_library lazy_llvm;
 *
 * What calls the library opens it first, once at each entry:
 *
 *   TRY(lazy_library_open(&lazy_llvm, error));
 */
#ifndef BASE_LAZY_H
#define BASE_LAZY_H

#include "base/base.h"

struct lazy_library {
  const char *const *files; /* [file_count]: names for dlopen */
  size_t file_count;
  const char *const *names; /* [count] */
  void **functions;         /* [count]: set by opening */
  size_t count;
  bool is_open; /* private */
};

/* May be called from any thread, and often: it does nothing once the library
 * is open. It stays open. UNAVAILABLE, with what the system says, when a file
 * or a function is absent. */
enum adze_status lazy_library_open(struct lazy_library *library,
                                   struct adze_error *error) ADZE_MUST_USE;

#endif
