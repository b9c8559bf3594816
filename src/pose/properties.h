/* SPDX-License-Identifier: Apache-2.0 */
/* What a pose network wants: its kind's usual values, and what the properties
 * of its package say instead (docs/POSE.md lists them). */
#ifndef POSE_PROPERTIES_H
#define POSE_PROPERTIES_H

#include "pose/network.h"

struct pose_properties {
  int width, height; /* of the input, where the model leaves it open */
  int size_step;     /* as a network's, and a multiple of it */
  /* As the options. */
  float score_threshold, peak_radius, side_weight, person_threshold;
  float mean[3], scale[3];
  bool bgr;
};

/* INVALID_PACKAGE, naming the property, for a value that makes no sense. */
enum adze_status pose_properties_read(const adze_model *model,
                                      const struct pose_network *network,
                                      struct pose_properties *out,
                                      struct adze_error *error) ADZE_MUST_USE;

#endif
