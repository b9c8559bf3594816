/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of keypoints, and of all of a person together. */
#ifndef POSE_KEYPOINTS_H
#define POSE_KEYPOINTS_H

#include "adze/pose.h"

/* Of ADZE_KEYPOINT_LIST. */
extern const double pose_sigmas[ADZE_KEYPOINT_COUNT];

float pose_score_sum(const struct adze_person *person);

#endif
