/* SPDX-License-Identifier: Apache-2.0 */
/* Texts, names and exit codes of the statuses, from their one list. A value
 * that is no status (a caller's stray integer) gets an answer too, because
 * these functions are called while reporting errors. */
#include "adze/status.h"

struct status_row {
  const char *name, *text;
  int exit_code;
};

static const struct status_row status_table[] = {
#define X(name, exit_code, text) {#name, text, exit_code},
    ADZE_STATUS_LIST(X)
#undef X
};

static const struct status_row *status_find(enum adze_status status) {
  size_t count = sizeof status_table / sizeof status_table[0];
  return (size_t)status < count ? &status_table[status]
                                : &status_table[ADZE_INTERNAL];
}

const char *adze_status_text(enum adze_status status) {
  return status_find(status)->text;
}

const char *adze_status_name(enum adze_status status) {
  return status_find(status)->name;
}

int adze_status_exit_code(enum adze_status status) {
  return status_find(status)->exit_code;
}
