/* SPDX-License-Identifier: Apache-2.0 */
/* Top-down networks with offsets: one person's box in, scores on a grid and
 * offsets to exact places out, as PoseNet has them (G. Papandreou et al.,
 * "Towards Accurate Multi-person Pose Estimation in the Wild", 2017).
 *
 * A keypoint is where the cell with the best score says, or, with a
 * vote_power, that and those around it.
 */
#include "pose/offsets.h"

static void decode(struct pose_frame *frame) {
  struct adze_person *person = pose_best_places(frame);
  person->score *= frame->box.score;
  pose_person_finish(frame, person);
}

const struct pose_network pose_network_topdown_offset = {
    .name = "topdown_offset",
    .summary = "a heatmap and an offset for each keypoint; one box at a time",
    .uses_boxes = true,
    .default_width = 193,
    .default_height = 257,
    .size_step = 16,
    .size_rest = 1,
    .mean = {127.5f, 127.5f, 127.5f},
    .scale = {1 / 127.5f, 1 / 127.5f, 1 / 127.5f},
    .map_count = 2,
    .maps = {{"heatmap", 17, "heatmap"}, {"offset", 34, "offset"}},
    .most_persons = pose_one_person,
    .scratch_bytes = pose_no_scratch,
    .prepare = pose_prepare_box,
    .decode = decode,
};
