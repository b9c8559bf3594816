/* SPDX-License-Identifier: Apache-2.0 */
/* Recording errors, failing checks, checked arithmetic, the clock.
 *
 * A message is formatted into a buffer of its own before it is stored, since a
 * caller may pass the old message as an argument to extend it. Control bytes,
 * which a file name may hold, become '?': a message is one line in any log.
 */
#include "base/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void store_message(struct adze_error *error, const char *message) {
  size_t i = 0;
  for (; message[i] && i + 1 < sizeof error->message; i++) {
    unsigned char byte = (unsigned char)message[i];
    error->message[i] = byte < 0x20 || byte == 0x7f ? '?' : message[i];
  }
  error->message[i] = '\0';
}

enum adze_status fail_v(struct adze_error *error, enum adze_status status,
                        const char *format, va_list arguments) {
  check(status != ADZE_OK);
  if (!error)
    return status;
  char message[sizeof error->message];
  vsnprintf(message, sizeof message, format, arguments);
  error->status = status;
  store_message(error, message);
  return status;
}

enum adze_status fail(struct adze_error *error, enum adze_status status,
                      const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fail_v(error, status, format, arguments);
  va_end(arguments);
  return status;
}

enum adze_status fail_prefix(struct adze_error *error, const char *prefix) {
  check(error);
  char message[sizeof error->message];
  /* Written in two steps: the compiler can't warn that the whole of both may
   * not fit, which is meant. */
  size_t used = strlen(prefix);
  if (used > sizeof message - 3)
    used = sizeof message - 3;
  memcpy(message, prefix, used);
  memcpy(message + used, ": ", 3);
  used += 2;
  size_t rest = strnlen(error->message, sizeof message - 1 - used);
  memcpy(message + used, error->message, rest);
  message[used + rest] = '\0';
  store_message(error, message);
  return error->status;
}

_Noreturn void check_failed(const char *file, int line, const char *condition) {
  fprintf(stderr, "internal: %s:%d: %s\n", file, line, condition);
  abort();
}

bool size_add(size_t a, size_t b, size_t *out) {
  size_t sum;
  if (__builtin_add_overflow(a, b, &sum))
    return false;
  *out = sum;
  return true;
}

bool size_mul(size_t a, size_t b, size_t *out) {
  size_t product;
  if (__builtin_mul_overflow(a, b, &product))
    return false;
  *out = product;
  return true;
}

bool int64_add(int64_t a, int64_t b, int64_t *out) {
  int64_t sum;
  if (__builtin_add_overflow(a, b, &sum))
    return false;
  *out = sum;
  return true;
}

bool int64_mul(int64_t a, int64_t b, int64_t *out) {
  int64_t product;
  if (__builtin_mul_overflow(a, b, &product))
    return false;
  *out = product;
  return true;
}

int64_t floor_div(int64_t a, int64_t b) {
  check(b != 0);
  if (b == -1) /* the one quotient that may not fit wraps */
    return (int64_t)(0 - (uint64_t)a);
  return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

int64_t floor_mod(int64_t a, int64_t b) {
  check(b != 0);
  if (b == -1)
    return 0;
  int64_t remainder = a % b;
  return remainder != 0 && (remainder < 0) != (b < 0) ? remainder + b
                                                      : remainder;
}

int64_t time_now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}
