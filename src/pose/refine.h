/* SPDX-License-Identifier: Apache-2.0 */
/* What a second look at a person changes: keypoints and scores. */
#ifndef POSE_REFINE_H
#define POSE_REFINE_H

#include "pose/network.h"

/* By a network that gives scores: all keypoints and the person's score are its.
 */
void pose_refine_person(struct adze_person *person,
                        const struct adze_person *again);

/* By one that gives places alone: keypoints that it knows are where it says. A
 * keypoint's score is the first one's times the similarity (OKS, for a person
 * of `size` pixels) of the two places: where they differ, one is wrong. */
void pose_refine_part(struct adze_person *person,
                      const struct adze_person *again, float size);

/* After looks at parts: the person's score follows those of its keypoints from
 * what they were at `first`, and is of those alone that are in the picture, as
 * nobody can tell where others are. */
void pose_refine_score(struct adze_person *person,
                       const struct adze_person *first,
                       const struct adze_image *image);

#endif
