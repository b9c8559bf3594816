/* SPDX-License-Identifier: Apache-2.0 */
#include "pose/keypoints.h"

static const char *const keypoint_names[] = {
#define X(name, text, sigma) text,
    ADZE_KEYPOINT_LIST(X)
#undef X
};

const char *adze_keypoint_name(enum adze_keypoint_kind kind) {
  return keypoint_names[kind];
}

const double pose_sigmas[] = {
#define X(name, text, sigma) sigma,
    ADZE_KEYPOINT_LIST(X)
#undef X
};

float pose_score_sum(const struct adze_person *person) {
  float sum = 0;
  for (int k = 0; k < ADZE_KEYPOINT_COUNT; k++)
    sum += person->keypoints[k].score;
  return sum;
}
