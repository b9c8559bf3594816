/* SPDX-License-Identifier: Apache-2.0 */
#include "pose/refine.h"

#include <math.h>

#include "pose/keypoints.h"

/* So that a person hardly seen doesn't score high by a keypoint or two. */
#define LEAST_INSIDE 3

void pose_refine_person(struct adze_person *person,
                        const struct adze_person *again) {
  struct adze_box box = person->box;
  *person = *again;
  person->box = box;
}

static float similarity(const struct adze_keypoint *a,
                        const struct adze_keypoint *b, float tolerance) {
  float x = (a->x - b->x) / tolerance, y = (a->y - b->y) / tolerance;
  return expf(-(x * x + y * y) / 2);
}

void pose_refine_part(struct adze_person *person,
                      const struct adze_person *again, float size) {
  for (int k = 0; k < ADZE_KEYPOINT_COUNT; k++) {
    struct adze_keypoint found = again->keypoints[k];
    if (found.score <= 0)
      continue;
    struct adze_keypoint *keypoint = &person->keypoints[k];
    found.score =
        keypoint->score *
        similarity(&found, keypoint, 2 * (float)pose_sigmas[k] * size);
    *keypoint = found;
  }
}

void pose_refine_score(struct adze_person *person,
                       const struct adze_person *first,
                       const struct adze_image *image) {
  float sum = pose_score_sum(first);
  int inside = 0;
  for (int k = 0; k < ADZE_KEYPOINT_COUNT; k++) {
    const struct adze_keypoint *keypoint = &person->keypoints[k];
    inside += keypoint->score > 0 && keypoint->x >= 0 && keypoint->y >= 0 &&
              keypoint->x <= (float)image->width - 1 &&
              keypoint->y <= (float)image->height - 1;
  }
  if (inside < LEAST_INSIDE)
    inside = LEAST_INSIDE;
  if (sum > 0)
    person->score *= pose_score_sum(person) / sum * (float)ADZE_KEYPOINT_COUNT /
                     (float)inside;
}
