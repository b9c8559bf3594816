/* SPDX-License-Identifier: Apache-2.0 */
/* What commands print with --json. All are UNAVAILABLE when adze was built
 * without Jansson. */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include "adze/adze.h"
#include "base/arena.h"

struct bench_row;
struct info_report;

/* `machine` is adze_machine_text. */
enum adze_status json_env(struct arena *arena, const char *machine,
                          struct adze_error *error) ADZE_MUST_USE;
/* An array of objects with the members named in bench.h. */
enum adze_status json_bench(struct arena *arena, const struct bench_row *rows,
                            size_t count,
                            struct adze_error *error) ADZE_MUST_USE;
enum adze_status json_info(struct arena *arena,
                           const struct info_report *report,
                           struct adze_error *error) ADZE_MUST_USE;

#endif
