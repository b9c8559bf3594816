/* SPDX-License-Identifier: Apache-2.0 */
/* Status codes and error messages, shared by the compiler, the runtime and the
 * program. Stands alone: needs nothing but <stddef.h>.
 *
 * Every function that can fail returns an `enum adze_status`, which must be
 * used, and takes a `struct adze_error *error` as its last parameter. `error`
 * may be NULL; otherwise it is borrowed for the call and, on failure, receives
 * the status and one sentence that names the file, the node, what was expected
 * and what was found. On success it is left untouched.
 */
#ifndef ADZE_STATUS_H
#define ADZE_STATUS_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* X(NAME, exit code of the `adze` program, text). The one list of statuses. */
#define ADZE_STATUS_LIST(X)                                                    \
  X(OK, 0, "ok")                                                               \
  X(MISMATCH, 1, "results differ from what was expected")                      \
  X(INVALID_ARGUMENT, 2, "an argument or option is wrong")                     \
  X(NOT_FOUND, 3, "an input file or a name does not exist")                    \
  X(IO, 4, "reading failed, or the output could not be written")               \
  X(INVALID_MODEL, 5, "the model is damaged or contradicts itself")            \
  X(UNSUPPORTED, 6, "valid, but not supported")                                \
  X(INVALID_DATA, 7, "an input file (npz, image, JSON, IR text) is damaged")   \
  X(INVALID_PACKAGE, 8, "the package is damaged")                              \
  X(INCOMPATIBLE, 9, "the package is for another machine or version")          \
  X(SHAPE, 10, "a shape contradicts the model")                                \
  X(OUT_OF_MEMORY, 11, "memory ran out")                                       \
  X(LIMIT, 12, "the input exceeds a limit that protects this machine")         \
  X(UNAVAILABLE, 13, "adze was built without the library this needs")          \
  X(INTERNAL, 70, "a fault of adze itself")

enum adze_status {
#define X(name, exit_code, text) ADZE_##name,
  ADZE_STATUS_LIST(X)
#undef X
};

#if defined(__GNUC__)
#define ADZE_MUST_USE __attribute__((warn_unused_result))
#define ADZE_PRINTF(text, first) __attribute__((format(printf, text, first)))
#define ADZE_EXPORT __attribute__((visibility("default")))
#else
#define ADZE_MUST_USE
#define ADZE_PRINTF(text, first)
#define ADZE_EXPORT
#endif

/* Where a failed call leaves its explanation. Plain memory, owned by the
 * caller; needs no initialisation and no release. */
struct adze_error {
  enum adze_status status;
  char message[1024]; /* one sentence, NUL-terminated, no newline */
};

/* The short text of a status; a static string. Thread-safe. */
ADZE_EXPORT const char *adze_status_text(enum adze_status status);
/* The status' name, e.g. "INVALID_MODEL"; a static string. Thread-safe. */
ADZE_EXPORT const char *adze_status_name(enum adze_status status);
/* The exit code of the `adze` program for a status (always below 100). */
ADZE_EXPORT int adze_status_exit_code(enum adze_status status);

#ifdef __cplusplus
}
#endif
#endif
