/* SPDX-License-Identifier: Apache-2.0 */
/* What `adze run` prints of results. */
#ifndef CLI_PRINT_H
#define CLI_PRINT_H

#include "cli/array.h"
#include "cli/statistics.h"

/* "scores float32[1,1000]  min -2.1  mean 0.3  max 11.9". */
void print_summary(struct arena *arena, const struct array *array);
/* The `top` largest values, a line each: value, index in the flattened array,
 * and the label, when `labels` names a file with one per line. */
enum adze_status print_top(struct arena *arena, const struct array *array,
                           size_t top, const char *labels,
                           struct adze_error *error) ADZE_MUST_USE;
/* TVMC's table. */
void print_time_table(const struct statistics *ms);

#endif
