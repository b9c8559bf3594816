/* SPDX-License-Identifier: Apache-2.0 */
/* What a row of measured times says. */
#ifndef CLI_STATISTICS_H
#define CLI_STATISTICS_H

#include <stddef.h>

struct statistics {
  double mean, median, p90, p99, max, min, std;
};

/* Sorts `samples`; count >= 1. Percentiles are interpolated between neighbours
 * and std divides by count, both as numpy does by default. */
void statistics_of(double *samples, size_t count, struct statistics *out);

#endif
