/* SPDX-License-Identifier: Apache-2.0 */
/* Where parts may be: the local maxima of their heatmaps.
 *
 * The maps are not made larger first, as OpenPose does: a parabola through a
 * maximum and its neighbours gives its place between the cells, which is as
 * exact for the bell shape that such networks are trained on, and takes
 * microseconds.
 */
#include <math.h>

#include "pose/openpose.h"

/* What OpenPose's descendants use; their bells are 1 high. */
#define THRESHOLD 0.1f

/* Larger than the neighbours before it (by rows) and no smaller than those
 * after it, so that of a plateau's cells one remains. A neighbour that isn't a
 * number doesn't count. */
static bool is_peak(const struct pose_map *heat, int part, int y, int x) {
  float value = *pose_map_at(heat, part, y, x);
  for (int i = y > 0 ? y - 1 : 0; i <= y + 1 && i < heat->height; i++)
    for (int j = x > 0 ? x - 1 : 0; j <= x + 1 && j < heat->width; j++) {
      float other = *pose_map_at(heat, part, i, j);
      bool is_before = i < y || (i == y && j < x);
      if (other > value || (is_before && other == value))
        return false;
    }
  return true;
}

/* The vertex, from -0.5 to 0.5, of the parabola through three values of which
 * the middle one is the largest; 0 where they don't say. */
static float vertex(float before, float middle, float after) {
  float bend = 2 * middle - before - after;
  float place = 0.5f * (after - before) / bend;
  return fabsf(place) <= 0.5f ? place : 0;
}

static struct openpose_peak exact_peak(const struct pose_map *heat, int part,
                                       int y, int x) {
  const float *at = pose_map_at(heat, part, y, x);
  struct openpose_peak peak = {(float)x, (float)y, *at};
  if (x > 0 && x + 1 < heat->width)
    peak.x += vertex(at[-heat->column_stride], *at, at[heat->column_stride]);
  if (y > 0 && y + 1 < heat->height)
    peak.y += vertex(at[-heat->row_stride], *at, at[heat->row_stride]);
  return peak;
}

/* Where there is no room, in place of the least, if that is less. */
static void add_peak(struct openpose_peaks *peaks, struct openpose_peak peak) {
  if (peaks->count < OPENPOSE_MOST_PEAKS) {
    peaks->items[peaks->count++] = peak;
    return;
  }
  int least = 0;
  for (int i = 1; i < peaks->count; i++)
    if (peaks->items[i].score < peaks->items[least].score)
      least = i;
  if (peaks->items[least].score < peak.score)
    peaks->items[least] = peak;
}

void openpose_find_peaks(const struct pose_map *heat, int part,
                         struct openpose_peaks *peaks) {
  peaks->count = 0;
  for (int y = 0; y < heat->height; y++) {
    const float *row = pose_map_at(heat, part, y, 0);
    for (int x = 0; x < heat->width; x++) {
      float value = row[x * heat->column_stride];
      if (value > THRESHOLD && isfinite(value) && is_peak(heat, part, y, x))
        add_peak(peaks, exact_peak(heat, part, y, x));
    }
  }
}
