/* SPDX-License-Identifier: Apache-2.0 */
/* COCO's JSON files: annotated persons and results of others. */
#ifndef POSE_ANNOTATIONS_H
#define POSE_ANNOTATIONS_H

#include "adze/pose.h"
#include "base/arena.h"

/* An annotated person. */
struct annotation {
  int64_t image_id;
  double box[4]; /* x, y, width, height */
  double area;
  bool crowd;
  bool ignored; /* a crowd, or without keypoints */
  double x[ADZE_KEYPOINT_COUNT], y[ADZE_KEYPOINT_COUNT];
  bool labelled[ADZE_KEYPOINT_COUNT];
};

struct annotations {
  VEC(int64_t) images;            /* ascending, each once */
  VEC(struct annotation) persons; /* in the file's order */
};

/* In the arena; under a guard_run. INVALID_DATA, NOT_FOUND, IO. */
enum adze_status annotations_read(struct arena *arena, const char *path,
                                  struct annotations *out,
                                  struct adze_error *error) ADZE_MUST_USE;

#endif
