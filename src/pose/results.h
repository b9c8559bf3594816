/* SPDX-License-Identifier: Apache-2.0 */
/* Poses of many pictures, as COCO's results and its evaluation have them. */
#ifndef POSE_RESULTS_H
#define POSE_RESULTS_H

#include "adze/pose.h"
#include "base/arena.h"

struct coco_result {
  int64_t image_id;
  struct adze_person person;
};

struct adze_coco_results {
  struct arena *arena;
  VEC(struct coco_result) results;
};

#endif
