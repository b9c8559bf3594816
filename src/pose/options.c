/* SPDX-License-Identifier: Apache-2.0 */
/* Names of keypoints and the defaults of options: what needs no network. */
#include "adze/pose.h"

static const char *const keypoint_names[] = {
#define X(name, text, sigma) text,
    ADZE_KEYPOINT_LIST(X)
#undef X
};

const char *adze_keypoint_name(enum adze_keypoint_kind kind) {
  return keypoint_names[kind];
}

void adze_pose_options_init(struct adze_pose_options *options) {
  *options = (struct adze_pose_options){
      .decode = ADZE_POSE_MULTI,
      .nms_radius = 20,
      .refine_steps = 2,
      .max_persons = 10,
      .person_threshold = -1,
      .box_padding = 1.25f,
  };
}
