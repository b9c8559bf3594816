/* SPDX-License-Identifier: Apache-2.0 */
#include "pose/offsets.h"

#include <math.h>

/* With SAME padding an input of 16k + 1 has k + 1 cells, one of 16k has k. */
static float stride_of(int input, int cells) {
  if (cells > 1 && (input - 1) % (cells - 1) == 0)
    return (float)((input - 1) / (cells - 1));
  return (float)input / (float)cells;
}

struct pose_grid pose_grid_of(const struct pose_frame *frame) {
  const struct pose_map *heat = &frame->maps[POSE_HEATMAP];
  return (struct pose_grid){
      .height = heat->height,
      .width = heat->width,
      .stride_y = stride_of(frame->input.height, heat->height),
      .stride_x = stride_of(frame->input.width, heat->width),
  };
}

static int nearest_on_axis(float pixels, float stride, int cells) {
  float cell = floorf(pixels / stride + 0.5f);
  if (!(cell > 0))
    return 0;
  return cell < (float)cells ? (int)cell : cells - 1;
}

struct pose_cell pose_cell_nearest(const struct pose_grid *grid,
                                   struct pose_place place) {
  return (struct pose_cell){
      nearest_on_axis(place.y, grid->stride_y, grid->height),
      nearest_on_axis(place.x, grid->stride_x, grid->width)};
}

struct pose_place pose_vector_at(const struct pose_map *map, int channel,
                                 struct pose_cell cell) {
  return (struct pose_place){
      *pose_map_at(map, channel, cell.y, cell.x),
      *pose_map_at(map, channel + map->channels / 2, cell.y, cell.x)};
}

static struct pose_place vote_of(const struct pose_frame *frame,
                                 const struct pose_grid *grid, int keypoint,
                                 struct pose_cell cell) {
  struct pose_place offset =
      pose_vector_at(&frame->maps[POSE_OFFSET], keypoint, cell);
  return (struct pose_place){(float)cell.y * grid->stride_y + offset.y,
                             (float)cell.x * grid->stride_x + offset.x};
}

struct pose_place pose_exact_place(const struct pose_frame *frame,
                                   const struct pose_grid *grid, int keypoint,
                                   struct pose_cell cell) {
  float power = frame->options->vote_power, total = 0;
  struct pose_place sum = {0, 0};
  if (!(power > 0))
    return vote_of(frame, grid, keypoint, cell);
  int top = cell.y > 0 ? cell.y - 1 : 0, left = cell.x > 0 ? cell.x - 1 : 0;
  int bottom = cell.y + 1 < grid->height ? cell.y + 1 : cell.y;
  int right = cell.x + 1 < grid->width ? cell.x + 1 : cell.x;
  for (int y = top; y <= bottom; y++)
    for (int x = left; x <= right; x++) {
      struct pose_cell voter = {y, x};
      float score = pose_score_at(frame, keypoint, voter);
      float weight = score > 0 ? powf(score, power) : 0;
      struct pose_place vote = vote_of(frame, grid, keypoint, voter);
      sum.y += weight * vote.y;
      sum.x += weight * vote.x;
      total += weight;
    }
  if (!(total > 0))
    return vote_of(frame, grid, keypoint, cell);
  return (struct pose_place){sum.y / total, sum.x / total};
}

struct adze_person *pose_best_places(struct pose_frame *frame) {
  struct pose_grid grid = pose_grid_of(frame);
  struct adze_person *person = &frame->persons[frame->person_count++];
  *person = (struct adze_person){0};
  for (int k = 0; k < ADZE_KEYPOINT_COUNT; k++) {
    struct pose_cell best = {0, 0};
    float most = 0;
    for (int y = 0; y < grid.height; y++)
      for (int x = 0; x < grid.width; x++) {
        float score = pose_score_at(frame, k, (struct pose_cell){y, x});
        if (score > most) {
          most = score;
          best = (struct pose_cell){y, x};
        }
      }
    struct pose_place place = pose_exact_place(frame, &grid, k, best);
    person->keypoints[k] = (struct adze_keypoint){place.x, place.y, most};
    person->score += most / ADZE_KEYPOINT_COUNT;
  }
  return person;
}
