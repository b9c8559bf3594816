/* SPDX-License-Identifier: Apache-2.0 */
/* The environment variables, from environment.def. Nothing else calls getenv
 * for an ADZE_ name. */
#ifndef BASE_ENVIRONMENT_H
#define BASE_ENVIRONMENT_H

#include "base/base.h"

enum environment_variable {
#define ENVIRONMENT(name, syntax, meaning) ENVIRONMENT_##name,
#include "base/environment.def"
#undef ENVIRONMENT
  ENVIRONMENT_COUNT
};

struct environment_row {
  const char *name, *syntax, *meaning;
};
extern const struct environment_row environment_table[ENVIRONMENT_COUNT];

/* The value, or NULL when unset or empty. */
const char *environment_get(enum environment_variable variable);
/* Whether `word` is one of the comma-separated words of the value, or the
 * value has the word "all". */
bool environment_has(enum environment_variable variable, const char *word);
/* Whether verifiers run after every pass: ADZE_VERIFY, else in debug builds. */
bool environment_verifies(void);
/* ADZE_THREADS, else the number of CPUs this process may use; at least 1. */
int environment_threads(void);
/* INVALID_ARGUMENT when ADZE_THREADS is set, but to no number that
 * environment_threads() would take. */
enum adze_status environment_check(struct adze_error *error) ADZE_MUST_USE;

#endif
