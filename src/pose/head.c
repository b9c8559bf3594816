/* SPDX-License-Identifier: Apache-2.0 */
/* Networks that look at a head: the places of nose, eyes and ears. */
#include "pose/part.h"

#define HEAD_KEYPOINTS (ADZE_KEYPOINT_RIGHT_EAR + 1)

static void decode(struct pose_frame *frame) {
  struct adze_person *person = pose_part_person(frame);
  for (int k = 0; k < HEAD_KEYPOINTS; k++)
    person->keypoints[k] = pose_part_keypoint(frame, k);
  pose_person_finish(frame, person);
}

/* Around where its keypoints are, the sure ones above all. */
static bool region(const struct adze_person *person,
                   const struct adze_image *image, int part,
                   struct pose_region *out) {
  (void)part;
  float x = 0, y = 0, sum = 0;
  for (int k = 0; k < HEAD_KEYPOINTS; k++) {
    const struct adze_keypoint *keypoint = &person->keypoints[k];
    x += keypoint->score * keypoint->x;
    y += keypoint->score * keypoint->y;
    sum += keypoint->score;
  }
  return sum > 0 && pose_part_square(person, image, x / sum, y / sum, out);
}

const struct pose_network pose_network_head = {
    .name = "head",
    .summary = "places of nose, eyes and ears; one head at a time",
    .uses_boxes = true,
    .default_width = 32,
    .default_height = 32,
    .size_step = 8,
    PART_NETWORK_PIXELS,
    .map_count = 1,
    .maps = {{"places", 2 * HEAD_KEYPOINTS, "place"}},
    .most_persons = pose_one_person,
    .scratch_bytes = pose_no_scratch,
    .prepare = pose_prepare_part,
    .decode = decode,
    .part_count = 1,
    .region = region,
};
