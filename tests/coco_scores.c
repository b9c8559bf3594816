/* SPDX-License-Identifier: Apache-2.0 */
/* Prints COCO's ten scores of a results file: coco_scores RESULTS ANNOTATIONS.
 * For pose_evaluate.py. */
#include <stdio.h>

#include "adze/pose.h"

int main(int argc, char **argv) {
  struct adze_error error;
  struct adze_coco_scores s;
  adze_coco_results *results;
  if (argc != 3)
    return 2;
  if (adze_coco_results_load(argv[1], &results, &error) != ADZE_OK ||
      adze_coco_evaluate(results, argv[2], &s, &error) != ADZE_OK) {
    fprintf(stderr, "%s\n", error.message);
    return 1;
  }
  printf("%.17g %.17g %.17g %.17g %.17g %.17g %.17g %.17g %.17g %.17g\n", s.ap,
         s.ap50, s.ap75, s.ap_medium, s.ap_large, s.ar, s.ar50, s.ar75,
         s.ar_medium, s.ar_large);
  adze_coco_results_destroy(results);
  return 0;
}
