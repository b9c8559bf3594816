/* SPDX-License-Identifier: Apache-2.0 */
/* Networks that look at limbs: the place of one elbow, wrist, knee or ankle at
 * a time, around which the limb is turned so that it hangs down, and mirrored
 * if it is a right one. They give the places that each of the four would have
 * there, of which one counts.
 */
#include "pose/part.h"

/* In the order of the network's places; the next number is the right one. */
static const struct {
  int parent, joint;
} limbs[] = {
    {ADZE_KEYPOINT_LEFT_SHOULDER, ADZE_KEYPOINT_LEFT_ELBOW},
    {ADZE_KEYPOINT_LEFT_ELBOW, ADZE_KEYPOINT_LEFT_WRIST},
    {ADZE_KEYPOINT_LEFT_HIP, ADZE_KEYPOINT_LEFT_KNEE},
    {ADZE_KEYPOINT_LEFT_KNEE, ADZE_KEYPOINT_LEFT_ANKLE},
};

static void decode(struct pose_frame *frame) {
  struct adze_person *person = pose_part_person(frame);
  int limb = frame->region.part / 2, side = frame->region.part % 2;
  person->keypoints[limbs[limb].joint + side] = pose_part_keypoint(frame, limb);
  pose_person_finish(frame, person);
}

static bool region(const struct adze_person *person,
                   const struct adze_image *image, int part,
                   struct pose_region *out) {
  int limb = part / 2, side = part % 2;
  const struct adze_keypoint *joint =
      &person->keypoints[limbs[limb].joint + side];
  const struct adze_keypoint *parent =
      &person->keypoints[limbs[limb].parent + side];
  if (joint->score <= 0 ||
      !pose_part_square(person, image, joint->x, joint->y, out))
    return false;
  if (parent->score > 0) {
    out->down_x = joint->x - parent->x;
    out->down_y = joint->y - parent->y;
  }
  out->mirrored = side == 1;
  out->part = part;
  return true;
}

const struct pose_network pose_network_limb = {
    .name = "limb",
    .summary = "places of elbow, wrist, knee and ankle; one of them at a time",
    .uses_boxes = true,
    .default_width = 24,
    .default_height = 24,
    .size_step = 8,
    PART_NETWORK_PIXELS,
    .map_count = 1,
    .maps = {{"places", 2 * ARRAY_COUNT(limbs), "place"}},
    .most_persons = pose_one_person,
    .scratch_bytes = pose_no_scratch,
    .prepare = pose_prepare_part,
    .decode = decode,
    .part_count = 2 * ARRAY_COUNT(limbs),
    .region = region,
};
