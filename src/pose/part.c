/* SPDX-License-Identifier: Apache-2.0 */
#include "pose/part.h"

#include <math.h>

/* A side of the square, of the body's scale; and by how much shoulders are less
 * apart than the upper body is long. */
#define SQUARE_SHARE 0.9f
#define SHOULDER_SHARE 1.2f

/* The mean of two keypoints; false unless both were found. */
static bool between(const struct adze_person *person, int first, float *x,
                    float *y) {
  const struct adze_keypoint *a = &person->keypoints[first], *b = a + 1;
  *x = (a->x + b->x) / 2;
  *y = (a->y + b->y) / 2;
  return a->score > 0 && b->score > 0;
}

static float apart(const struct adze_person *person, int first) {
  const struct adze_keypoint *a = &person->keypoints[first], *b = a + 1;
  return hypotf(a->x - b->x, a->y - b->y);
}

/* About as long as the upper body, however it is turned; 0 when too little of
 * it was found. */
static float body_scale(const struct adze_person *person) {
  float x, y, hip_x, hip_y, scale = 0;
  bool shoulders = between(person, ADZE_KEYPOINT_LEFT_SHOULDER, &x, &y);
  bool hips = between(person, ADZE_KEYPOINT_LEFT_HIP, &hip_x, &hip_y);
  if (shoulders)
    scale = SHOULDER_SHARE * apart(person, ADZE_KEYPOINT_LEFT_SHOULDER);
  if (hips)
    scale = fmaxf(scale, apart(person, ADZE_KEYPOINT_LEFT_HIP));
  if (shoulders && hips)
    scale = fmaxf(scale, hypotf(x - hip_x, y - hip_y));
  return scale;
}

bool pose_part_square(const struct adze_person *person,
                      const struct adze_image *image, float x, float y,
                      struct pose_region *out) {
  float side = SQUARE_SHARE * body_scale(person);
  *out = (struct pose_region){
      .box = {x - side / 2, y - side / 2, side, side, person->score}};
  return side > 0 && x > -side && y > -side && x < (float)image->width + side &&
         y < (float)image->height + side;
}

struct adze_person *pose_part_person(struct pose_frame *frame) {
  struct adze_person *person = &frame->persons[frame->person_count++];
  *person = (struct adze_person){.score = frame->region.box.score};
  return person;
}

struct adze_keypoint pose_part_keypoint(const struct pose_frame *frame,
                                        int channel) {
  const struct pose_map *places = &frame->maps[0];
  return (struct adze_keypoint){
      (float)(frame->input.width - 1) / 2 +
          *pose_map_at(places, channel + places->channels / 2, 0, 0),
      (float)(frame->input.height - 1) / 2 +
          *pose_map_at(places, channel, 0, 0),
      1};
}
