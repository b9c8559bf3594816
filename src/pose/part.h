/* SPDX-License-Identifier: Apache-2.0 */
/* Networks that look at parts of a person (kinds head and limb), each in a
 * square: what they have in common.
 *
 * A part is small, and its keypoints are judged by a few pixels, which pays for
 * looking at it alone. How large the square is goes by the body, of which more
 * is known. Out come places as pixels of the input from its middle: one cell,
 * whose channels c and c + half are y and x.
 */
#ifndef POSE_PART_H
#define POSE_PART_H

#include "pose/network.h"

#define PART_NETWORK_PIXELS                                                    \
  .mean = {127.5f, 127.5f, 127.5f},                                            \
  .scale = {1 / 127.5f, 1 / 127.5f, 1 / 127.5f}

/* A square around (x, y), of a size that goes by the person's; false when that
 * isn't known, or nothing of the square in the picture. */
bool pose_part_square(const struct adze_person *person,
                      const struct adze_image *image, float x, float y,
                      struct pose_region *out);

/* Appends a person of which nothing was found, with the region's score. */
struct adze_person *pose_part_person(struct pose_frame *frame);

/* A place, in pixels of the input; its score is 1. */
struct adze_keypoint pose_part_keypoint(const struct pose_frame *frame,
                                        int channel);

#endif
