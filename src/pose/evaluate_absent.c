/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for annotations.c and evaluate.c where adze is built without
 * Jansson, so that everything else still works and this says what is missing.
 */
#include "adze/pose.h"
#include "base/base.h"

enum adze_status adze_coco_results_load(const char *path,
                                        adze_coco_results **out,
                                        struct adze_error *error) {
  (void)out;
  return fail(error, ADZE_UNAVAILABLE,
              "%s: reading results needs Jansson, and adze was built without "
              "it",
              path);
}

enum adze_status adze_coco_evaluate(const adze_coco_results *results,
                                    const char *annotations,
                                    struct adze_coco_scores *out,
                                    struct adze_error *error) {
  (void)results, (void)out;
  return fail(error, ADZE_UNAVAILABLE,
              "%s: reading annotations needs Jansson, and adze was built "
              "without it",
              annotations);
}
