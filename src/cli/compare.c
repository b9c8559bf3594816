/* SPDX-License-Identifier: Apache-2.0 */
/* Comparison by ONNX's rule, which is numpy's assert_allclose. The worst
 * element is the one that exceeds its tolerance most; a NaN or infinity on one
 * side only exceeds it without bound.
 */
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "cli/verify.h"

/* By how much two numbers differ beyond what is allowed; <= 0: equal enough. */
static double excess(double found, double expected, double rtol, double atol) {
  if (found == expected || (isnan(found) && isnan(expected)))
    return 0;
  double difference = fabs(found - expected);
  double allowed = atol + rtol * fabs(expected);
  if (isnan(difference) || isinf(difference) || isinf(allowed))
    return INFINITY;
  return difference - allowed;
}

/* "[0,3,17]" of a flattened index. */
static const char *place_text(struct arena *arena, const struct array *array,
                              size_t index) {
  int64_t position[ADZE_MAX_RANK];
  struct text text = {.arena = arena};
  for (int i = array->rank - 1; i >= 0; i--) {
    position[i] = (int64_t)(index % (size_t)array->dims[i]);
    index /= (size_t)array->dims[i];
  }
  text_add(&text, "[");
  for (int i = 0; i < array->rank; i++)
    text_format(&text, "%s%lld", i ? "," : "", (long long)position[i]);
  text_add(&text, "]");
  return text_string(&text);
}

static bool same_type(const struct array *a, const struct array *b) {
  return a->dtype == b->dtype && a->rank == b->rank &&
         memcmp(a->dims, b->dims, (size_t)a->rank * sizeof a->dims[0]) == 0;
}

enum adze_status compare_arrays(struct arena *arena, const struct array *found,
                                const struct array *expected, double rtol,
                                double atol, struct adze_error *error) {
  size_t count = array_count(found), different = 0, worst = 0;
  double worst_excess = -1;
  if (!same_type(found, expected))
    return fail(error, ADZE_MISMATCH, "output '%s' is %s instead of %s",
                found->name,
                array_type_text(arena, found->dtype, found->rank, found->dims),
                array_type_text(arena, expected->dtype, expected->rank,
                                expected->dims));
  if (dtype_is_exact(found->dtype))
    rtol = atol = 0;
  for (size_t i = 0; i < count; i++) {
    double over =
        excess(array_get(found, i), array_get(expected, i), rtol, atol);
    if (over <= 0)
      continue;
    different++;
    if (over > worst_excess) {
      worst_excess = over;
      worst = i;
    }
  }
  if (!different)
    return ADZE_OK;
  double wanted = array_get(expected, worst);
  return fail(error, ADZE_MISMATCH,
              "output '%s': %zu of %zu elements differ, the worst at %s: %.9g "
              "instead of %.9g (allowed: %.3g)",
              found->name, different, count, place_text(arena, found, worst),
              array_get(found, worst), wanted, atol + rtol * fabs(wanted));
}
