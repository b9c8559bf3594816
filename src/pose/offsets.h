/* SPDX-License-Identifier: Apache-2.0 */
/* Scores on a grid of cells, and offsets from the cells to exact places: what
 * PoseNet and top-down networks with offsets have in common (G. Papandreou et
 * al., "Towards Accurate Multi-person Pose Estimation in the Wild", 2017).
 *
 * Of the frame's maps, the first are 17 scores, the second 34 offsets in input
 * pixels: channels c and c + 17 are y and x. Everything is safe for values
 * that aren't numbers.
 */
#ifndef POSE_OFFSETS_H
#define POSE_OFFSETS_H

#include "pose/network.h"

enum { POSE_HEATMAP, POSE_OFFSET };

/* The grid: its size, and input pixels from a cell to the next. */
struct pose_grid {
  int height, width;
  float stride_y, stride_x;
};

/* A place in input pixels. */
struct pose_place {
  float y, x;
};

struct pose_cell {
  int y, x;
};

struct pose_grid pose_grid_of(const struct pose_frame *frame);

/* On the grid; the first row or column for what isn't a number. */
struct pose_cell pose_cell_nearest(const struct pose_grid *grid,
                                   struct pose_place place);

static inline float pose_score_at(const struct pose_frame *frame, int keypoint,
                                  struct pose_cell cell) {
  return *pose_map_at(&frame->maps[POSE_HEATMAP], keypoint, cell.y, cell.x);
}

/* What a map of y and x channels says at a cell. */
struct pose_place pose_vector_at(const struct pose_map *map, int channel,
                                 struct pose_cell cell);

/* The exact place that a cell gives for a keypoint; with a vote_power, the mean
 * of what it and those around it say. */
struct pose_place pose_exact_place(const struct pose_frame *frame,
                                   const struct pose_grid *grid, int keypoint,
                                   struct pose_cell cell);

/* Appends a person of the best place of each keypoint, in input pixels; its
 * score is their mean. */
struct adze_person *pose_best_places(struct pose_frame *frame);

#endif
