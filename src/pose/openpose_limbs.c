/* SPDX-License-Identifier: Apache-2.0 */
/* Which peaks belong to one limb: those between which the limb's field points
 * from one to the other.
 *
 * Between two peaks the field is looked at in SAMPLES places and multiplied
 * with the unit vector that it should be. Nearly all of the places must agree,
 * and those that do give the score; limbs as long as half the picture score
 * less. The best pair is taken, then the best of those that are left.
 */
#include <math.h>

#include "pose/openpose.h"

#define SAMPLES 10
/* A place agrees above this; so many of them may not. */
#define AGREES 0.05f
#define MOST_MISSES 1

const struct openpose_limb openpose_limbs[OPENPOSE_LIMBS] = {
    {1, 2, 12},  {1, 5, 20},   {2, 3, 14},  {3, 4, 16},  {5, 6, 22},
    {6, 7, 24},  {1, 8, 0},    {8, 9, 2},   {9, 10, 4},  {1, 11, 6},
    {11, 12, 8}, {12, 13, 10}, {1, 0, 28},  {0, 14, 30}, {14, 16, 34},
    {0, 15, 32}, {15, 17, 36}, {2, 16, 18}, {5, 17, 26},
};

/* A place between the cells: the upper left of four and how near the others
 * are. Places lie inside the map, as peaks do. */
struct place {
  ptrdiff_t start, right, down;
  float u, v;
};

static struct place place_at(const struct pose_map *map, float x, float y) {
  int column = (int)x, row = (int)y;
  return (struct place){
      .start = row * map->row_stride + column * map->column_stride,
      .right = column + 1 < map->width ? map->column_stride : 0,
      .down = row + 1 < map->height ? map->row_stride : 0,
      .u = x - (float)column,
      .v = y - (float)row,
  };
}

static float value_at(const float *channel, const struct place *place) {
  const float *upper = channel + place->start, *lower = upper + place->down;
  float above = upper[0] + place->u * (upper[place->right] - upper[0]);
  float below = lower[0] + place->u * (lower[place->right] - lower[0]);
  return above + place->v * (below - above);
}

/* Of a limb between two peaks; 0 when the field doesn't say that there is
 * one. */
static float limb_score(const struct pose_map *fields, int field,
                        const struct openpose_peak *from,
                        const struct openpose_peak *to) {
  const float *along_x = pose_map_at(fields, field, 0, 0);
  const float *along_y = pose_map_at(fields, field + 1, 0, 0);
  float x = to->x - from->x, y = to->y - from->y;
  float length = sqrtf(x * x + y * y), sum = 0;
  if (!(length > 0))
    return 0;
  int misses = 0;
  for (int i = 0; i < SAMPLES; i++) {
    float part = (float)i / (SAMPLES - 1);
    struct place place =
        place_at(fields, from->x + part * x, from->y + part * y);
    float agreement =
        (value_at(along_x, &place) * x + value_at(along_y, &place) * y) /
        length;
    if (agreement > AGREES)
      sum += agreement;
    else if (++misses > MOST_MISSES)
      return 0;
  }
  float far = 0.5f * (float)fields->height / length - 1;
  float score = sum / (float)(SAMPLES - misses) + fminf(far, 0);
  return isfinite(score) ? score : 0;
}

static void find_pairs(const struct pose_map *fields,
                       const struct openpose_limb *limb,
                       const struct openpose_peaks *from,
                       const struct openpose_peaks *to,
                       struct openpose_pairs *pairs) {
  pairs->count = 0;
  for (int i = 0; i < from->count; i++)
    for (int j = 0; j < to->count; j++) {
      float score =
          limb_score(fields, limb->field, &from->items[i], &to->items[j]);
      if (score > 0)
        pairs->items[pairs->count++] =
            (struct openpose_pair){(uint8_t)i, (uint8_t)j, score};
    }
}

/* Moves the best pair at or after `first` to `first`. */
static void take_best(struct openpose_pairs *pairs, int first) {
  struct openpose_pair *items = pairs->items;
  int best = first;
  for (int i = first + 1; i < pairs->count; i++)
    if (items[i].score > items[best].score)
      best = i;
  struct openpose_pair taken = items[best];
  items[best] = items[first];
  items[first] = taken;
}

/* Drops pairs after `taken` that share a peak with it. */
static void drop_others(struct openpose_pairs *pairs, int taken) {
  struct openpose_pair *items = pairs->items;
  int kept = taken + 1;
  for (int i = taken + 1; i < pairs->count; i++)
    if (items[i].from != items[taken].from && items[i].to != items[taken].to)
      items[kept++] = items[i];
  pairs->count = kept;
}

void openpose_match(const struct pose_map *fields,
                    const struct openpose_limb *limb,
                    const struct openpose_peaks *from,
                    const struct openpose_peaks *to,
                    struct openpose_pairs *pairs) {
  find_pairs(fields, limb, from, to, pairs);
  for (int i = 0; i < pairs->count; i++) {
    take_best(pairs, i);
    drop_others(pairs, i);
  }
}
