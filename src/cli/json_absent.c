/* SPDX-License-Identifier: Apache-2.0 */
/* In place of json.c in a build without Jansson. */
#include "cli/json.h"

static enum adze_status no_json(struct adze_error *error) {
  return fail(error, ADZE_UNAVAILABLE,
              "--json needs Jansson, which was absent when adze was built");
}

enum adze_status json_env(struct arena *arena, const char *machine,
                          struct adze_error *error) {
  (void)arena, (void)machine;
  return no_json(error);
}

enum adze_status json_bench(struct arena *arena, const struct bench_row *rows,
                            size_t count, struct adze_error *error) {
  (void)arena, (void)rows, (void)count;
  return no_json(error);
}

enum adze_status json_info(struct arena *arena,
                           const struct info_report *report,
                           struct adze_error *error) {
  (void)arena, (void)report;
  return no_json(error);
}
