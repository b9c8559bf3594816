/* SPDX-License-Identifier: Apache-2.0 */
/* What a pose network wants: its kind's usual values, and what the properties
 * of its package say instead (docs/POSE.md lists them). */
#ifndef POSE_PROPERTIES_H
#define POSE_PROPERTIES_H

#include "pose/network.h"

/* Options of which 0 stands for a property "pose." and the name, else 0. */
struct pose_number {
  const char *name;
  size_t at; /* a float of struct adze_pose_options */
  float most;
};
extern const struct pose_number pose_numbers[];
extern const size_t pose_number_count;
float *pose_number_of(const struct pose_number *number,
                      struct adze_pose_options *options);

struct pose_properties {
  int width, height; /* of the input, where the model leaves it open */
  int size_step;     /* as a network's, and a multiple of it */
  /* As the options. */
  float score_threshold, person_threshold, render_threshold;
  struct adze_pose_options numbers; /* only pose_numbers */
  float mean[3], scale[3];
  bool bgr;
  const char *refinement; /* a file's name, the model's; or NULL */
};

/* INVALID_PACKAGE, naming the property, for a value that makes no sense. */
enum adze_status pose_properties_read(const adze_model *model,
                                      const struct pose_network *network,
                                      struct pose_properties *out,
                                      struct adze_error *error) ADZE_MUST_USE;

#endif
