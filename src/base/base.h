/* SPDX-License-Identifier: Apache-2.0 */
/* What every file may rely on: status propagation, assertions, checked sizes.
 *
 * Two kinds of wrong:
 *   - the user's (a file, an option, a shape): `return fail(error, …)`
 *     with one sentence that names file, node, expected, found;
 *   - ours: `check(condition)`, on in every build, prints "internal:" and
 *     aborts. Never reachable from input.
 */
#ifndef BASE_BASE_H
#define BASE_BASE_H

#include <assert.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "adze/status.h"

/* Leaves the calling function with the status of `expression` unless OK. */
#define TRY(expression)                                                        \
  do {                                                                         \
    enum adze_status try_status_ = (expression);                               \
    if (try_status_ != ADZE_OK)                                                \
      return try_status_;                                                      \
  } while (0)

/* Writes the sentence into `error` (may be NULL) and returns `status`, so that
 * `return fail(error, ADZE_INVALID_MODEL, "%s: …", file)` reads as one act. */
enum adze_status fail(struct adze_error *error, enum adze_status status,
                      const char *format, ...) ADZE_PRINTF(3, 4);
enum adze_status fail_v(struct adze_error *error, enum adze_status status,
                        const char *format, va_list arguments);
/* Puts "prefix: " in front of a message already recorded (adds the file name
 * to a sentence that was made deeper). Returns error->status. */
enum adze_status fail_prefix(struct adze_error *error, const char *prefix);

_Noreturn void check_failed(const char *file, int line, const char *condition);
#define check(condition)                                                       \
  ((condition) ? (void)0 : check_failed(__FILE__, __LINE__, #condition))
#define unreachable() check_failed(__FILE__, __LINE__, "unreachable")

#define ARRAY_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Checked arithmetic on sizes and dimensions: false (and *out untouched) on
 * overflow. */
bool size_add(size_t a, size_t b, size_t *out);
bool size_mul(size_t a, size_t b, size_t *out);
bool int64_add(int64_t a, int64_t b, int64_t *out);
bool int64_mul(int64_t a, int64_t b, int64_t *out);

/* Floor division and modulo, b != 0; `a == floor_div(a,b)*b + floor_mod(a,b)`,
 * the modulo has the sign of b. */
int64_t floor_div(int64_t a, int64_t b);
int64_t floor_mod(int64_t a, int64_t b);
static inline int64_t ceil_div(int64_t a, int64_t b) {
  return floor_div(a, b) + (floor_mod(a, b) != 0);
}
static inline size_t align_up(size_t n, size_t alignment) {
  return (n + alignment - 1) / alignment * alignment;
}

/* Monotonic time in nanoseconds. */
int64_t time_now_ns(void);

#endif
