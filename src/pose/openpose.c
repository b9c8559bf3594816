/* SPDX-License-Identifier: Apache-2.0 */
/* OpenPose and its descendants (Lightweight OpenPose, tf-pose-estimation,
 * OpenVINO's human-pose-estimation-0001): every person at once, from a heatmap
 * for each part and, for each limb, a field of vectors along it.
 *
 * The picture is stretched over the input. A cell of the maps stands for the
 * middle of the square of pixels it came from. The parts are COCO's keypoints
 * in another order and the neck, which holds a body together and then goes.
 */
#include <math.h>

#include "pose/openpose.h"

/* With fewer parts it isn't a body. */
#define LEAST_PARTS 3

#define NECK (-1)
static const int8_t keypoints[OPENPOSE_PARTS] = {
    ADZE_KEYPOINT_NOSE,           NECK,
    ADZE_KEYPOINT_RIGHT_SHOULDER, ADZE_KEYPOINT_RIGHT_ELBOW,
    ADZE_KEYPOINT_RIGHT_WRIST,    ADZE_KEYPOINT_LEFT_SHOULDER,
    ADZE_KEYPOINT_LEFT_ELBOW,     ADZE_KEYPOINT_LEFT_WRIST,
    ADZE_KEYPOINT_RIGHT_HIP,      ADZE_KEYPOINT_RIGHT_KNEE,
    ADZE_KEYPOINT_RIGHT_ANKLE,    ADZE_KEYPOINT_LEFT_HIP,
    ADZE_KEYPOINT_LEFT_KNEE,      ADZE_KEYPOINT_LEFT_ANKLE,
    ADZE_KEYPOINT_RIGHT_EYE,      ADZE_KEYPOINT_LEFT_EYE,
    ADZE_KEYPOINT_RIGHT_EAR,      ADZE_KEYPOINT_LEFT_EAR,
};

/* False when it has too few parts. The score is the mean over all keypoints:
 * one that isn't there makes a person less sure. */
static bool make_person(const struct pose_frame *frame,
                        const struct openpose *openpose,
                        const struct openpose_body *body,
                        struct adze_person *person) {
  const struct pose_map *heat = &frame->maps[OPENPOSE_HEAT];
  float stride_x = (float)frame->input.width / (float)heat->width;
  float stride_y = (float)frame->input.height / (float)heat->height;
  int parts = 0;
  *person = (struct adze_person){0};
  for (int part = 0; part < OPENPOSE_PARTS; part++) {
    if (body->peaks[part] == OPENPOSE_NO_PEAK)
      continue;
    parts++;
    if (keypoints[part] == NECK)
      continue;
    const struct openpose_peak *peak =
        &openpose->peaks[part].items[body->peaks[part]];
    person->keypoints[keypoints[part]] =
        (struct adze_keypoint){(peak->x + 0.5f) * stride_x - 0.5f,
                               (peak->y + 0.5f) * stride_y - 0.5f, peak->score};
    person->score += peak->score / ADZE_KEYPOINT_COUNT;
  }
  return parts >= LEAST_PARTS;
}

/* Appends a person; where there are as many as asked for, in place of the
 * least, if that is less. */
static void add_person(struct pose_frame *frame, size_t first, size_t most,
                       const struct adze_person *person) {
  if (frame->person_count < first + most) {
    frame->persons[frame->person_count++] = *person;
    return;
  }
  size_t least = first;
  for (size_t i = first + 1; i < frame->person_count; i++)
    if (frame->persons[i].score < frame->persons[least].score)
      least = i;
  if (frame->persons[least].score < person->score)
    frame->persons[least] = *person;
}

static size_t most_persons(const struct adze_pose_options *options) {
  return options->max_persons < OPENPOSE_MOST_BODIES
             ? (size_t)options->max_persons
             : OPENPOSE_MOST_BODIES;
}

static void decode(struct pose_frame *frame) {
  struct openpose *openpose = frame->scratch;
  size_t first = frame->person_count, most = most_persons(frame->options);
  for (int part = 0; part < OPENPOSE_PARTS; part++)
    openpose_find_peaks(&frame->maps[OPENPOSE_HEAT], part,
                        &openpose->peaks[part]);
  openpose_assemble(&frame->maps[OPENPOSE_FIELDS], openpose);
  for (int i = 0; i < openpose->body_count; i++) {
    struct adze_person person;
    if (make_person(frame, openpose, &openpose->bodies[i], &person))
      add_person(frame, first, most, &person);
  }
  for (size_t i = first; i < frame->person_count; i++)
    pose_person_finish(frame, &frame->persons[i]);
}

static size_t scratch_bytes(const struct pose_map *maps) {
  (void)maps;
  return sizeof(struct openpose);
}

const struct pose_network pose_network_openpose = {
    .name = "openpose",
    .summary = "OpenPose and its descendants: heatmaps and part affinity "
               "fields; every person at once",
    .has_scores = true,
    .default_width = 656,
    .default_height = 368,
    .size_step = 8,
    .scale = {1, 1, 1},
    .bgr = true,
    .map_count = 2,
    .maps = {{"heatmaps", 19, "heat"}, {"part affinity fields", 38, "paf"}},
    .refines = true,
    .most_persons = most_persons,
    .scratch_bytes = scratch_bytes,
    .prepare = pose_prepare_stretched,
    .decode = decode,
};
