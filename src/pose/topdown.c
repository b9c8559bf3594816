/* SPDX-License-Identifier: Apache-2.0 */
/* Top-down networks (SimplePose, HRNet, SCNet …): one person's box in, a
 * heatmap for each keypoint out.
 *
 * A keypoint is where its heatmap is largest, moved by a quarter of a cell
 * towards the larger neighbour, in each direction. A cell (i, j) of the heatmap
 * stands for pixel (i, j) * stride of the input, which is how these networks
 * are trained.
 */
#include "pose/keypoints.h"
#include "pose/network.h"

static float sign(float value) { return (float)((value > 0) - (value < 0)); }

/* The cell with the largest value, and that value; 0 when none is above it. */
static float find_peak(const struct pose_map *heat, int keypoint, int *out_y,
                       int *out_x) {
  float best = 0;
  *out_y = *out_x = 0;
  for (int y = 0; y < heat->height; y++)
    for (int x = 0; x < heat->width; x++) {
      float value = *pose_map_at(heat, keypoint, y, x);
      if (value > best) {
        best = value;
        *out_y = y;
        *out_x = x;
      }
    }
  return best;
}

static struct adze_keypoint find_keypoint(const struct pose_frame *frame,
                                          int keypoint) {
  const struct pose_map *heat = &frame->maps[0];
  int y, x;
  float score = find_peak(heat, keypoint, &y, &x);
  float exact_y = (float)y, exact_x = (float)x;
  const float *peak = pose_map_at(heat, keypoint, y, x);
  if (x > 1 && x < heat->width - 1 && y > 1 && y < heat->height - 1) {
    exact_x +=
        0.25f * sign(peak[heat->column_stride] - peak[-heat->column_stride]);
    exact_y += 0.25f * sign(peak[heat->row_stride] - peak[-heat->row_stride]);
  }
  float stride_x = (float)frame->input.width / (float)heat->width;
  float stride_y = (float)frame->input.height / (float)heat->height;
  return (struct adze_keypoint){exact_x * stride_x, exact_y * stride_y, score};
}

/* The box's score times the mean over all keypoints: one that isn't there makes
 * a person less sure. */
static float score_of(const struct adze_person *person, float box_score) {
  return box_score * pose_score_sum(person) / ADZE_KEYPOINT_COUNT;
}

static void decode(struct pose_frame *frame) {
  struct adze_person *person = &frame->persons[frame->person_count++];
  for (int k = 0; k < ADZE_KEYPOINT_COUNT; k++)
    person->keypoints[k] = find_keypoint(frame, k);
  person->score = score_of(person, frame->region.box.score);
  pose_person_finish(frame, person);
}

const struct pose_network pose_network_topdown = {
    .name = "topdown",
    .summary = "a heatmap for each keypoint (SimplePose, HRNet, SCNet, …); one "
               "box at a time",
    .uses_boxes = true,
    .has_scores = true,
    .default_width = 192,
    .default_height = 256,
    .size_step = 32,
    .mean = {123.675f, 116.28f, 103.53f},
    .scale = {1 / 58.395f, 1 / 57.12f, 1 / 57.375f},
    .map_count = 1,
    .maps = {{"heatmaps", 17, "heat"}},
    .most_persons = pose_one_person,
    .scratch_bytes = pose_no_scratch,
    .prepare = pose_prepare_box,
    .decode = decode,
    .part_count = 1,
    .region = pose_region_person,
};
