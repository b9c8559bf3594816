/* SPDX-License-Identifier: Apache-2.0 */
/* The defaults of options. */
#include "adze/pose.h"

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
