/* SPDX-License-Identifier: Apache-2.0 */
/* PoseNet (PersonLab's heads on a MobileNet): every person at once.
 *
 * The picture is stretched over the input. Per cell of a grid with a stride of
 * 16 pixels there are 17 scores (heatmap, after the sigmoid), for each an
 * offset (y, x) to the exact place, and for each of the 16 edges of a tree
 * over the keypoints a displacement (y, x) from the parent to the child
 * (forward) and back (backward). Channels c and c + half are y and x.
 *
 * Multi: scores that are a maximum among their 3 x 3 neighbours start a
 * person, best first, unless an accepted person has that keypoint nearby; the
 * other keypoints follow along the tree: displaced, then, with a
 * `peak_radius`, moved to the cell that scores best around there (as "Objects
 * as Points" by Zhou et al. does), and drawn to the exact place by
 * `refine_steps` looks at the offsets, of one cell or, with a `vote_power`, of
 * those around it as well. A person's score is the mean over the
 * keypoints that no better person has nearby; with a `side_weight` it is less
 * where what is left might be right: seen from behind, people are mirrored.
 *
 * Candidates wait in a heap, since only the few best are ever wanted.
 * Everything is safe for scores and offsets that aren't numbers: no
 * comparison with one holds, and cells are clamped before use.
 */
#include <math.h>

#include "pose/network.h"

enum { HEATMAP, OFFSET, FORWARD, BACKWARD };

#define EDGE_COUNT (ADZE_KEYPOINT_COUNT - 1)

/* Parent and child of each edge, in the order of the displacements. */
static const struct {
  uint8_t parent, child;
} edges[EDGE_COUNT] = {
    {0, 1},   {1, 3},   {0, 2}, {2, 4}, {0, 5},  {5, 7},  {7, 9},   {5, 11},
    {11, 13}, {13, 15}, {0, 6}, {6, 8}, {8, 10}, {6, 12}, {12, 14}, {14, 16},
};

/* The grid: its size, and input pixels from a cell to the next. */
struct grid {
  int height, width;
  float stride_y, stride_x;
};

/* A place in input pixels. */
struct place {
  float y, x;
};

/* ---- Places on the grid -------------------------------------------------- */

/* With SAME padding an input of 16k + 1 has k + 1 cells, one of 16k has k. */
static float stride_of(int input, int cells) {
  if (cells > 1 && (input - 1) % (cells - 1) == 0)
    return (float)((input - 1) / (cells - 1));
  return (float)input / (float)cells;
}

static struct grid grid_of(const struct pose_frame *frame) {
  const struct pose_map *heat = &frame->maps[HEATMAP];
  return (struct grid){
      .height = heat->height,
      .width = heat->width,
      .stride_y = stride_of(frame->input.height, heat->height),
      .stride_x = stride_of(frame->input.width, heat->width),
  };
}

/* The nearest cell on one axis; the first for what isn't a number. */
static int cell_of(float pixels, float stride, int cells) {
  float cell = floorf(pixels / stride + 0.5f);
  if (!(cell > 0))
    return 0;
  return cell < (float)cells ? (int)cell : cells - 1;
}

static struct place vector_at(const struct pose_map *map, int channel, int y,
                              int x) {
  return (struct place){*pose_map_at(map, channel, y, x),
                        *pose_map_at(map, channel + map->channels / 2, y, x)};
}

/* The exact place that cell (y, x) gives for a keypoint. */
static struct place vote_of(const struct pose_frame *frame,
                            const struct grid *grid, int keypoint, int y,
                            int x) {
  struct place offset = vector_at(&frame->maps[OFFSET], keypoint, y, x);
  return (struct place){(float)y * grid->stride_y + offset.y,
                        (float)x * grid->stride_x + offset.x};
}

/* The mean of the votes of the cell and those around it, with a vote_power. */
static struct place exact_place(const struct pose_frame *frame,
                                const struct grid *grid, int keypoint, int y,
                                int x) {
  float power = frame->options->vote_power, total = 0;
  struct place sum = {0, 0};
  if (!(power > 0))
    return vote_of(frame, grid, keypoint, y, x);
  int bottom = y + 1 < grid->height ? y + 1 : y;
  int right = x + 1 < grid->width ? x + 1 : x;
  for (int i = y > 0 ? y - 1 : 0; i <= bottom; i++)
    for (int j = x > 0 ? x - 1 : 0; j <= right; j++) {
      float score = *pose_map_at(&frame->maps[HEATMAP], keypoint, i, j);
      float weight = score > 0 ? powf(score, power) : 0;
      struct place vote = vote_of(frame, grid, keypoint, i, j);
      sum.y += weight * vote.y;
      sum.x += weight * vote.x;
      total += weight;
    }
  if (!(total > 0))
    return vote_of(frame, grid, keypoint, y, x);
  return (struct place){sum.y / total, sum.x / total};
}

static bool is_near(const struct adze_keypoint *keypoint, struct place place,
                    float radius) {
  float y = keypoint->y - place.y, x = keypoint->x - place.x;
  return y * y + x * x <= radius * radius;
}

/* ---- Candidates ---------------------------------------------------------- */

struct candidate {
  float score;
  int keypoint, y, x;
};

struct heap {
  struct candidate *items;
  size_t count;
};

/* A total order, so that equal scores give the same persons everywhere. */
static bool is_better(const struct candidate *a, const struct candidate *b) {
  if (a->score != b->score)
    return a->score > b->score;
  if (a->keypoint != b->keypoint)
    return a->keypoint < b->keypoint;
  return a->y != b->y ? a->y < b->y : a->x < b->x;
}

static void heap_sink(struct heap *heap, size_t at) {
  struct candidate moved = heap->items[at];
  for (size_t child; (child = 2 * at + 1) < heap->count; at = child) {
    if (child + 1 < heap->count &&
        is_better(&heap->items[child + 1], &heap->items[child]))
      child++;
    if (!is_better(&heap->items[child], &moved))
      break;
    heap->items[at] = heap->items[child];
  }
  heap->items[at] = moved;
}

static struct candidate heap_pop(struct heap *heap) {
  struct candidate best = heap->items[0];
  heap->items[0] = heap->items[--heap->count];
  if (heap->count)
    heap_sink(heap, 0);
  return best;
}

static bool is_peak(const struct pose_map *heat, int keypoint, int y, int x) {
  float score = *pose_map_at(heat, keypoint, y, x);
  int top = y > 0 ? y - 1 : 0, bottom = y + 1 < heat->height ? y + 1 : y;
  int left = x > 0 ? x - 1 : 0, right = x + 1 < heat->width ? x + 1 : x;
  for (int i = top; i <= bottom; i++)
    for (int j = left; j <= right; j++)
      if (*pose_map_at(heat, keypoint, i, j) > score)
        return false;
  return true;
}

static struct heap find_candidates(const struct pose_frame *frame) {
  const struct pose_map *heat = &frame->maps[HEATMAP];
  float threshold = frame->options->score_threshold;
  struct heap heap = {.items = frame->scratch};
  for (int k = 0; k < ADZE_KEYPOINT_COUNT; k++)
    for (int y = 0; y < heat->height; y++)
      for (int x = 0; x < heat->width; x++) {
        float score = *pose_map_at(heat, k, y, x);
        if (score >= threshold && is_peak(heat, k, y, x))
          heap.items[heap.count++] = (struct candidate){score, k, y, x};
      }
  for (size_t i = heap.count / 2; i-- > 0;)
    heap_sink(&heap, i);
  return heap;
}

/* ---- Following the tree -------------------------------------------------- */

struct cell {
  int y, x;
};

static struct cell nearest_cell(const struct grid *grid, struct place place) {
  return (struct cell){cell_of(place.y, grid->stride_y, grid->height),
                       cell_of(place.x, grid->stride_x, grid->width)};
}

/* The best score within the radius, where the middle counts more; the nearest
 * cell without a radius. */
static struct cell find_peak(const struct pose_frame *frame,
                             const struct grid *grid, int keypoint,
                             struct place place) {
  struct cell best = nearest_cell(grid, place);
  float radius = frame->options->peak_radius, most = 0;
  if (!(radius > 0))
    return best;
  struct cell first =
      nearest_cell(grid, (struct place){place.y - radius, place.x - radius});
  struct cell last =
      nearest_cell(grid, (struct place){place.y + radius, place.x + radius});
  for (int y = first.y; y <= last.y; y++)
    for (int x = first.x; x <= last.x; x++) {
      float dy = (float)y * grid->stride_y - place.y;
      float dx = (float)x * grid->stride_x - place.x;
      float weight = 1 - (dy * dy + dx * dx) / (radius * radius);
      float score =
          weight * *pose_map_at(&frame->maps[HEATMAP], keypoint, y, x);
      if (weight > 0 && score > most) {
        most = score;
        best = (struct cell){y, x};
      }
    }
  return best;
}

static struct adze_keypoint follow(const struct pose_frame *frame,
                                   const struct grid *grid,
                                   const struct adze_keypoint *source,
                                   const struct pose_map *displacement,
                                   int edge, int target) {
  struct place place = {source->y, source->x};
  struct cell cell = nearest_cell(grid, place);
  struct place step = vector_at(displacement, edge, cell.y, cell.x);
  place = (struct place){place.y + step.y, place.x + step.x};
  cell = find_peak(frame, grid, target, place);
  for (int i = 0; i < frame->options->refine_steps; i++) {
    place = exact_place(frame, grid, target, cell.y, cell.x);
    cell = nearest_cell(grid, place);
  }
  return (struct adze_keypoint){
      place.x, place.y,
      *pose_map_at(&frame->maps[HEATMAP], target, cell.y, cell.x)};
}

static void follow_tree(const struct pose_frame *frame, const struct grid *grid,
                        int root, struct adze_person *person) {
  bool known[ADZE_KEYPOINT_COUNT] = {false};
  struct adze_keypoint *keypoints = person->keypoints;
  known[root] = true;
  for (int e = EDGE_COUNT - 1; e >= 0; e--) {
    int source = edges[e].child, target = edges[e].parent;
    if (known[source] && !known[target])
      keypoints[target] = follow(frame, grid, &keypoints[source],
                                 &frame->maps[BACKWARD], e, target);
    known[target] = known[target] || known[source];
  }
  for (int e = 0; e < EDGE_COUNT; e++) {
    int source = edges[e].parent, target = edges[e].child;
    if (known[source] && !known[target])
      keypoints[target] = follow(frame, grid, &keypoints[source],
                                 &frame->maps[FORWARD], e, target);
    known[target] = known[target] || known[source];
  }
}

/* ---- Decoding ------------------------------------------------------------ */

static bool is_taken(const struct pose_frame *frame, int keypoint,
                     struct place place) {
  for (size_t i = 0; i < frame->person_count; i++)
    if (is_near(&frame->persons[i].keypoints[keypoint], place,
                frame->options->nms_radius))
      return true;
  return false;
}

/* The share that the keypoints' scores have of themselves and of those for the
 * other side at the same places. */
static float side_share(const struct pose_frame *frame, const struct grid *grid,
                        const struct adze_person *person) {
  float own = 0, other = 0;
  for (int k = ADZE_KEYPOINT_LEFT_EYE; k < ADZE_KEYPOINT_COUNT; k++) {
    const struct adze_keypoint *keypoint = &person->keypoints[k];
    /* Left ones have odd numbers, their right ones follow. */
    int mirrored = k % 2 ? k + 1 : k - 1;
    struct cell cell =
        nearest_cell(grid, (struct place){keypoint->y, keypoint->x});
    float score = *pose_map_at(&frame->maps[HEATMAP], mirrored, cell.y, cell.x);
    own += keypoint->score > 0 ? keypoint->score : 0;
    other += score > 0 ? score : 0;
  }
  return own > 0 ? own / (own + other) : 1;
}

/* Of a person that isn't among the frame's yet. */
static float score_of(const struct pose_frame *frame, const struct grid *grid,
                      const struct adze_person *person) {
  float sum = 0;
  for (int k = 0; k < ADZE_KEYPOINT_COUNT; k++) {
    const struct adze_keypoint *keypoint = &person->keypoints[k];
    struct place place = {keypoint->y, keypoint->x};
    if (keypoint->score > 0 && !is_taken(frame, k, place))
      sum += keypoint->score;
  }
  float weight = frame->options->side_weight;
  return sum / ADZE_KEYPOINT_COUNT *
         (weight > 0 ? powf(side_share(frame, grid, person), weight) : 1);
}

static void decode_multi(struct pose_frame *frame) {
  struct grid grid = grid_of(frame);
  struct heap heap = find_candidates(frame);
  size_t most = frame->person_count + (size_t)frame->options->max_persons;
  while (heap.count && frame->person_count < most) {
    struct candidate root = heap_pop(&heap);
    struct place place =
        exact_place(frame, &grid, root.keypoint, root.y, root.x);
    if (!isfinite(place.x) || !isfinite(place.y) ||
        is_taken(frame, root.keypoint, place))
      continue;
    struct adze_person *person = &frame->persons[frame->person_count];
    *person = (struct adze_person){0};
    person->keypoints[root.keypoint] =
        (struct adze_keypoint){place.x, place.y, root.score};
    follow_tree(frame, &grid, root.keypoint, person);
    person->score = score_of(frame, &grid, person);
    frame->person_count++;
  }
}

static void decode_single(struct pose_frame *frame) {
  struct grid grid = grid_of(frame);
  const struct pose_map *heat = &frame->maps[HEATMAP];
  struct adze_person *person = &frame->persons[frame->person_count++];
  *person = (struct adze_person){0};
  for (int k = 0; k < ADZE_KEYPOINT_COUNT; k++) {
    struct candidate best = {.score = 0, .keypoint = k};
    for (int y = 0; y < heat->height; y++)
      for (int x = 0; x < heat->width; x++)
        if (*pose_map_at(heat, k, y, x) > best.score)
          best = (struct candidate){*pose_map_at(heat, k, y, x), k, y, x};
    struct place place = exact_place(frame, &grid, k, best.y, best.x);
    person->keypoints[k] = (struct adze_keypoint){place.x, place.y, best.score};
    person->score += best.score / ADZE_KEYPOINT_COUNT;
  }
}

static void decode(struct pose_frame *frame) {
  size_t first = frame->person_count;
  if (frame->options->decode == ADZE_POSE_SINGLE)
    decode_single(frame);
  else
    decode_multi(frame);
  /* Only now: until here persons are compared in pixels of the input. */
  for (size_t i = first; i < frame->person_count; i++)
    pose_person_finish(frame, &frame->persons[i]);
}

static size_t most_persons(const struct adze_pose_options *options) {
  return options->decode == ADZE_POSE_SINGLE ? 1 : (size_t)options->max_persons;
}

/* In the worst case, a plateau, every cell is a candidate. */
static size_t scratch_bytes(const struct pose_map *maps) {
  const struct pose_map *heat = &maps[HEATMAP];
  return sizeof(struct candidate) * ADZE_KEYPOINT_COUNT * (size_t)heat->height *
         (size_t)heat->width;
}

const struct pose_network pose_network_posenet = {
    .name = "posenet",
    .summary = "PoseNet: heatmap, offset, displacement_fwd, displacement_bwd; "
               "every person at once",
    .has_scores = true,
    .default_width = 513,
    .default_height = 513,
    .size_step = 16,
    .size_rest = 1,
    .mean = {127.5f, 127.5f, 127.5f},
    .scale = {1 / 127.5f, 1 / 127.5f, 1 / 127.5f},
    .map_count = 4,
    .maps = {{"heatmap", 17, "heatmap"},
             {"offset", 34, "offset"},
             {"forward displacement", 32, "fwd"},
             {"backward displacement", 32, "bwd"}},
    .most_persons = most_persons,
    .scratch_bytes = scratch_bytes,
    .prepare = pose_prepare_stretched,
    .decode = decode,
};
