/* SPDX-License-Identifier: Apache-2.0 */
/* Mean, percentiles and deviation. The deviation is taken around the mean in a
 * second pass: the one-pass formula loses all digits when times are long and
 * close to each other.
 */
#include "cli/statistics.h"

#include <math.h>
#include <stdlib.h>

static int compare_doubles(const void *a, const void *b) {
  double left = *(const double *)a, right = *(const double *)b;
  return (left > right) - (left < right);
}

static double percentile(const double *sorted, size_t count, double share) {
  double position = share * (double)(count - 1);
  size_t below = (size_t)position;
  double rest = position - (double)below;
  if (below + 1 >= count)
    return sorted[count - 1];
  return sorted[below] + rest * (sorted[below + 1] - sorted[below]);
}

void statistics_of(double *samples, size_t count, struct statistics *out) {
  double sum = 0, squares = 0;
  qsort(samples, count, sizeof *samples, compare_doubles);
  for (size_t i = 0; i < count; i++)
    sum += samples[i];
  out->mean = sum / (double)count;
  for (size_t i = 0; i < count; i++)
    squares += (samples[i] - out->mean) * (samples[i] - out->mean);
  out->std = sqrt(squares / (double)count);
  out->median = percentile(samples, count, 0.5);
  out->p90 = percentile(samples, count, 0.9);
  out->p99 = percentile(samples, count, 0.99);
  out->min = samples[0];
  out->max = samples[count - 1];
}
