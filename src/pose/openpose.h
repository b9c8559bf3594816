/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of decoding heatmaps and part affinity fields, in their order:
 *
 *   openpose_find_peaks   heatmaps to peaks of each part
 *   openpose_match        the peaks of a limb's two ends to each other
 *   openpose_assemble     limbs to bodies
 *
 * Everything is in cells of the maps, fits struct openpose, and takes any
 * numbers in the maps.
 */
#ifndef POSE_OPENPOSE_H
#define POSE_OPENPOSE_H

#include "pose/network.h"

enum { OPENPOSE_HEAT, OPENPOSE_FIELDS }; /* maps of the frame */

#define OPENPOSE_PARTS 18 /* the background is a 19th map */
#define OPENPOSE_LIMBS 19
/* The best of a part are kept: more people than this aren't told apart. */
#define OPENPOSE_MOST_PEAKS 128
/* Each has two peaks or more. */
#define OPENPOSE_MOST_BODIES (OPENPOSE_PARTS * OPENPOSE_MOST_PEAKS / 2)

struct openpose_peak {
  float x, y, score;
};

struct openpose_peaks {
  int count;
  struct openpose_peak items[OPENPOSE_MOST_PEAKS];
};

/* Two parts, and the channel of the field's x; its y is the next one. */
struct openpose_limb {
  uint8_t from, to, field;
};
/* Those of the tree first, each from a part that it has reached; then
 * OPENPOSE_EXTRA_LIMBS that close circles. */
extern const struct openpose_limb openpose_limbs[OPENPOSE_LIMBS];
#define OPENPOSE_EXTRA_LIMBS 2

/* Peaks, by their number in their part, that are one limb. */
struct openpose_pair {
  uint8_t from, to;
  float score;
};

struct openpose_pairs {
  int count;
  struct openpose_pair items[OPENPOSE_MOST_PEAKS * OPENPOSE_MOST_PEAKS];
};

/* The peak of each part, by its number, or NO_PEAK. */
#define OPENPOSE_NO_PEAK 255
struct openpose_body {
  uint8_t peaks[OPENPOSE_PARTS];
};

/* What one decode works in: about 200 KB, whatever the maps. */
struct openpose {
  struct openpose_peaks peaks[OPENPOSE_PARTS];
  struct openpose_pairs pairs; /* of the limb at hand */
  int body_count;
  struct openpose_body bodies[OPENPOSE_MOST_BODIES];
  /* Whose each peak is: a body's number, or -1. */
  int16_t owner[OPENPOSE_PARTS][OPENPOSE_MOST_PEAKS];
};

/* Local maxima of a channel, by rows; scores are finite and above 0. */
void openpose_find_peaks(const struct pose_map *heat, int part,
                         struct openpose_peaks *peaks);
/* Pairs of which no two share a peak, best first. */
void openpose_match(const struct pose_map *fields,
                    const struct openpose_limb *limb,
                    const struct openpose_peaks *from,
                    const struct openpose_peaks *to,
                    struct openpose_pairs *pairs);
/* Bodies from the peaks, with the help of the fields; a body may lack any
 * part. */
void openpose_assemble(const struct pose_map *fields,
                       struct openpose *openpose);

#endif
