/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies from limbs.
 *
 * The limbs form a tree from the neck, and come in its order: when one is
 * looked at, no body has its outer part yet. So a pair either goes on at a
 * body or starts one, and no peak ever has two owners. The last limbs, from a
 * shoulder to the ear, close circles: they give a body the part that it lacks,
 * or join a head to the body it lost, and start none.
 */
#include <string.h>

#include "pose/openpose.h"

static void give(struct openpose *openpose, int body, int part, int peak) {
  openpose->bodies[body].peaks[part] = (uint8_t)peak;
  openpose->owner[part][peak] = (int16_t)body;
}

static int start_body(struct openpose *openpose) {
  struct openpose_body *body = &openpose->bodies[openpose->body_count];
  memset(body->peaks, OPENPOSE_NO_PEAK, sizeof body->peaks);
  return openpose->body_count++;
}

/* Gives all of `other` to `body` if they have no part in common. */
static void join(struct openpose *openpose, int body, int other) {
  struct openpose_body *from = &openpose->bodies[other];
  const struct openpose_body *to = &openpose->bodies[body];
  for (int part = 0; part < OPENPOSE_PARTS; part++)
    if (from->peaks[part] != OPENPOSE_NO_PEAK &&
        to->peaks[part] != OPENPOSE_NO_PEAK)
      return;
  for (int part = 0; part < OPENPOSE_PARTS; part++)
    if (from->peaks[part] != OPENPOSE_NO_PEAK) {
      give(openpose, body, part, from->peaks[part]);
      from->peaks[part] = OPENPOSE_NO_PEAK;
    }
}

static void add_pair(struct openpose *openpose,
                     const struct openpose_limb *limb,
                     const struct openpose_pair *pair, bool starts) {
  int from = openpose->owner[limb->from][pair->from];
  int to = openpose->owner[limb->to][pair->to];
  if (from < 0 && to < 0) {
    if (!starts)
      return;
    from = start_body(openpose);
    give(openpose, from, limb->from, pair->from);
  }
  if (from >= 0 && to >= 0)
    join(openpose, from, to);
  else if (from >= 0 &&
           openpose->bodies[from].peaks[limb->to] == OPENPOSE_NO_PEAK)
    give(openpose, from, limb->to, pair->to);
  else if (to >= 0 &&
           openpose->bodies[to].peaks[limb->from] == OPENPOSE_NO_PEAK)
    give(openpose, to, limb->from, pair->from);
}

void openpose_assemble(const struct pose_map *fields,
                       struct openpose *openpose) {
  openpose->body_count = 0;
  memset(openpose->owner, -1, sizeof openpose->owner);
  for (int i = 0; i < OPENPOSE_LIMBS; i++) {
    const struct openpose_limb *limb = &openpose_limbs[i];
    openpose_match(fields, limb, &openpose->peaks[limb->from],
                   &openpose->peaks[limb->to], &openpose->pairs);
    bool starts = i < OPENPOSE_LIMBS - OPENPOSE_EXTRA_LIMBS;
    for (int j = 0; j < openpose->pairs.count; j++)
      add_pair(openpose, limb, &openpose->pairs.items[j], starts);
  }
}
