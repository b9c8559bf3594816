/* SPDX-License-Identifier: Apache-2.0 */
/* The decoder of heatmaps and part affinity fields on maps that encode known
 * persons (several, crossing, with parts missing), and on maps that no network
 * should make. */
#include "test.h"

#include <math.h>

#include "pose/openpose.h"

enum { HEIGHT = 46, WIDTH = 82, CELLS = HEIGHT * WIDTH, STRIDE = 8 };
enum { CHANNELS = 57, MOST = 200 };

/* COCO's keypoint of each part, -1 for the neck. */
static const int keypoint_of[18] = {0,  -1, 6,  8,  10, 5, 7, 9, 12,
                                    14, 16, 11, 13, 15, 2, 1, 4, 3};

struct setup {
  struct adze_pose_options options;
  struct pose_frame frame;
  struct adze_person persons[MOST];
  float data[CHANNELS * CELLS]; /* both maps in one, as tf-pose has them */
};

static void setup_make(struct setup *setup, bool channels_last) {
  memset(setup, 0, sizeof *setup);
  adze_pose_options_init(&setup->options);
  setup->frame.options = &setup->options;
  setup->frame.input.width = WIDTH * STRIDE;
  setup->frame.input.height = HEIGHT * STRIDE;
  setup->frame.to_image[0] = setup->frame.to_image[4] = 1;
  for (int i = 0; i < 2; i++)
    setup->frame.maps[i] = (struct pose_map){
        .channels = i ? 38 : 19,
        .height = HEIGHT,
        .width = WIDTH,
        .channel_stride = channels_last ? 1 : CELLS,
        .row_stride = channels_last ? WIDTH * CHANNELS : WIDTH,
        .column_stride = channels_last ? CHANNELS : 1,
        .data = setup->data + (i ? 19 : 0) * (channels_last ? 1 : CELLS)};
  setup->frame.scratch =
      malloc(pose_network_openpose.scratch_bytes(setup->frame.maps));
  assert_non_null(setup->frame.scratch);
  setup->frame.persons = setup->persons;
  setup->frame.person_capacity = MOST;
}

static void setup_release(struct setup *setup) { free(setup->frame.scratch); }

static void run(struct setup *setup) {
  setup->frame.person_count = 0;
  pose_network_openpose.decode(&setup->frame);
}

static float *cell(struct setup *setup, int map, int channel, int y, int x) {
  return (float *)(uintptr_t)pose_map_at(&setup->frame.maps[map], channel, y,
                                         x);
}

/* ---- Persons as maps ----------------------------------------------------- */

/* Places of the parts in cells; a score of 0 is a part that isn't there. */
struct body {
  struct openpose_peak parts[18];
};

static void encode_part(struct setup *setup, int part,
                        const struct openpose_peak *peak) {
  for (int y = 0; y < HEIGHT; y++)
    for (int x = 0; x < WIDTH; x++) {
      float up = (float)y - peak->y, left = (float)x - peak->x;
      float value = peak->score * expf(-0.5f * (up * up + left * left));
      float *at = cell(setup, OPENPOSE_HEAT, part, y, x);
      *at = fmaxf(*at, value);
    }
}

/* Unit vectors within a cell of the line; where limbs cross, their sum. */
static void encode_limb(struct setup *setup, int field,
                        const struct openpose_peak *from,
                        const struct openpose_peak *to) {
  float x = to->x - from->x, y = to->y - from->y, length = hypotf(x, y);
  for (int i = 0; i < HEIGHT; i++)
    for (int j = 0; j < WIDTH; j++) {
      float u = (float)j - from->x, v = (float)i - from->y;
      float along = (u * x + v * y) / length, across = (u * y - v * x) / length;
      if (along < -1 || along > length + 1 || fabsf(across) > 1.2f)
        continue;
      *cell(setup, OPENPOSE_FIELDS, field, i, j) += x / length;
      *cell(setup, OPENPOSE_FIELDS, field + 1, i, j) += y / length;
    }
}

static void encode(struct setup *setup, const struct body *body) {
  for (int part = 0; part < 18; part++)
    if (body->parts[part].score > 0)
      encode_part(setup, part, &body->parts[part]);
  for (int i = 0; i < OPENPOSE_LIMBS; i++) {
    const struct openpose_limb *limb = &openpose_limbs[i];
    const struct openpose_peak *from = &body->parts[limb->from];
    const struct openpose_peak *to = &body->parts[limb->to];
    if (from->score > 0 && to->score > 0)
      encode_limb(setup, limb->field, from, to);
  }
}

/* Somebody who stands with the neck at (x, y), about 28 cells high, every part
 * up to half a cell from where it would be. */
static struct body standing(struct test_random *random, float x, float y,
                            float score) {
  static const float places[18][2] = {
      {0, -4}, {0, 0},  {-3, 0},        {-4, 6},       {-4, 11}, {3, 0},
      {4, 6},  {4, 11}, {-2, 10},       {-2, 16},      {-2, 22}, {2, 10},
      {2, 16}, {2, 22}, {-1.5f, -5.5f}, {1.5f, -5.5f}, {-3, -5}, {3, -5}};
  struct body body;
  for (int part = 0; part < 18; part++)
    body.parts[part] = (struct openpose_peak){
        x + places[part][0] + 0.5f * (float)test_random_double(random),
        y + places[part][1] + 0.5f * (float)test_random_double(random), score};
  return body;
}

static float pixels_of(float cells) { return (cells + 0.5f) * STRIDE - 0.5f; }

/* Within a third of a cell, as the sum of close bells moves their maxima. */
static void check_same(const struct adze_person *found,
                       const struct body *expected) {
  float sum = 0;
  for (int part = 0; part < 18; part++) {
    if (keypoint_of[part] < 0)
      continue;
    const struct openpose_peak *peak = &expected->parts[part];
    const struct adze_keypoint *keypoint = &found->keypoints[keypoint_of[part]];
    if (!(peak->score > 0)) {
      assert_true(keypoint->score == 0 && keypoint->x == 0);
      continue;
    }
    if (!(fabsf(keypoint->x - pixels_of(peak->x)) < STRIDE / 3.0f &&
          fabsf(keypoint->y - pixels_of(peak->y)) < STRIDE / 3.0f))
      fail_msg("part %d at (%g, %g), expected (%g, %g)", part, keypoint->x,
               keypoint->y, pixels_of(peak->x), pixels_of(peak->y));
    assert_true(keypoint->score > 0.7f * peak->score &&
                keypoint->score <= peak->score);
    sum += keypoint->score;
  }
  assert_true(fabsf(found->score - sum / 17) < 1e-5f);
}

/* Each of `bodies` is found once, and nobody else is. */
static void check_found(const struct setup *setup, const struct body *bodies,
                        int count) {
  assert_int_equal(setup->frame.person_count, count);
  for (int i = 0; i < count; i++) {
    const struct adze_person *nearest = NULL;
    float least = INFINITY;
    for (int j = 0; j < count; j++) {
      float distance = 0;
      for (int part = 0; part < 18; part++)
        if (keypoint_of[part] >= 0 && bodies[i].parts[part].score > 0) {
          const struct adze_keypoint *keypoint =
              &setup->persons[j].keypoints[keypoint_of[part]];
          distance += hypotf(keypoint->x - pixels_of(bodies[i].parts[part].x),
                             keypoint->y - pixels_of(bodies[i].parts[part].y));
        }
      if (distance < least) {
        least = distance;
        nearest = &setup->persons[j];
      }
    }
    check_same(nearest, &bodies[i]);
  }
}

/* ---- Known persons ------------------------------------------------------- */

static void test_persons(void **state) {
  (void)state;
  static struct setup setup;
  struct test_random random = {1};
  for (int round = 0; round < 24; round++) {
    struct body bodies[6];
    int count = 1 + round % 6;
    setup_make(&setup, round % 2);
    for (int i = 0; i < count; i++) {
      bodies[i] = standing(&random, 7 + 13 * (float)i,
                           (float)test_random_range(&random, 8, 18),
                           0.9f - 0.1f * (float)i);
      encode(&setup, &bodies[i]);
    }
    run(&setup);
    check_found(&setup, bodies, count);
    setup_release(&setup);
  }
}

/* Forearms that cross, and one person half behind another: the peaks are near
 * each other, only the fields tell whose they are. */
static void test_crossing(void **state) {
  (void)state;
  static struct setup setup;
  struct test_random random = {2};
  for (int round = 0; round < 20; round++) {
    setup_make(&setup, false);
    struct body bodies[2] = {standing(&random, 20, 12, 0.9f),
                             standing(&random, 34, 12, 0.8f)};
    /* The left wrist of the one at the right elbow's height of the other. */
    bodies[0].parts[7] = (struct openpose_peak){30, 24, 0.9f};
    bodies[0].parts[6] = (struct openpose_peak){24, 16, 0.9f};
    bodies[1].parts[7] = (struct openpose_peak){24, 24, 0.8f};
    bodies[1].parts[6] = (struct openpose_peak){30, 16, 0.8f};
    /* And a leg of each over the other's. */
    bodies[0].parts[13] = (struct openpose_peak){36, 38, 0.9f};
    bodies[1].parts[13] = (struct openpose_peak){24, 38, 0.8f};
    encode(&setup, &bodies[0]);
    encode(&setup, &bodies[1]);
    run(&setup);
    check_found(&setup, bodies, 2);
    setup_release(&setup);
  }
}

static void test_missing_parts(void **state) {
  (void)state;
  static struct setup setup;
  struct test_random random = {3};
  static const int missing[][4] = {
      {10, 13, 10, 13}, /* ankles */
      {9, 10, 12, 13},  /* legs */
      {0, 14, 15, 0},   /* the face: the ears still hang on the shoulders */
      {16, 17, 4, 7},   /* ears and wrists */
      {3, 4, 6, 7}};    /* arms */
  for (size_t i = 0; i < ARRAY_COUNT(missing); i++) {
    setup_make(&setup, i % 2);
    struct body bodies[2] = {standing(&random, 20, 12, 0.9f),
                             standing(&random, 50, 14, 0.8f)};
    for (int j = 0; j < 4; j++)
      bodies[0].parts[missing[i][j]].score = 0;
    encode(&setup, &bodies[0]);
    encode(&setup, &bodies[1]);
    run(&setup);
    check_found(&setup, bodies, 2);
    setup_release(&setup);
  }
}

/* A head alone is a person; two parts alone aren't; a head whose neck was not
 * joined to it is the shoulders'. */
static void test_pieces(void **state) {
  (void)state;
  static struct setup setup;
  struct test_random random = {4};
  setup_make(&setup, false);
  struct body head = standing(&random, 20, 12, 0.9f);
  for (int part = 1; part < 14; part++)
    head.parts[part].score = 0;
  struct body hand = standing(&random, 50, 14, 0.8f);
  for (int part = 0; part < 18; part++)
    if (part != 3 && part != 4)
      hand.parts[part].score = 0;
  encode(&setup, &head);
  encode(&setup, &hand);
  run(&setup);
  check_found(&setup, &head, 1);
  setup_release(&setup);
  setup_make(&setup, false);
  struct body body = standing(&random, 20, 12, 0.9f);
  encode(&setup, &body);
  for (int i = 0; i < 2 * CELLS; i++)
    setup.data[(19 + 28) * CELLS + i] = 0;
  run(&setup);
  check_found(&setup, &body, 1);
  setup_release(&setup);
}

/* The best are kept. */
static void test_most_persons(void **state) {
  (void)state;
  static struct setup setup;
  struct test_random random = {5};
  struct body bodies[6];
  setup_make(&setup, false);
  static const float scores[6] = {0.5f, 0.9f, 0.3f, 0.8f, 0.7f, 0.4f};
  for (int i = 0; i < 6; i++) {
    bodies[i] = standing(&random, 7 + 13 * (float)i, 12, scores[i]);
    encode(&setup, &bodies[i]);
  }
  setup.options.max_persons = 2;
  assert_int_equal(pose_network_openpose.most_persons(&setup.options), 2);
  run(&setup);
  const struct body best[2] = {bodies[1], bodies[3]};
  check_found(&setup, best, 2);
  setup.options.max_persons = 10000;
  assert_true(pose_network_openpose.most_persons(&setup.options) <=
              OPENPOSE_MOST_BODIES);
  setup_release(&setup);
}

/* ---- Peaks and pairs ----------------------------------------------------- */

static void test_peaks(void **state) {
  (void)state;
  static struct setup setup;
  struct openpose_peaks peaks;
  const struct pose_map *heat = &setup.frame.maps[OPENPOSE_HEAT];
  setup_make(&setup, false);
  /* At the edges, on a plateau, beside what isn't a number, below 0.1. */
  *cell(&setup, 0, 3, 0, 0) = 0.5f;
  *cell(&setup, 0, 3, HEIGHT - 1, WIDTH - 1) = 0.6f;
  *cell(&setup, 0, 3, 10, 10) = *cell(&setup, 0, 3, 10, 11) = 0.7f;
  *cell(&setup, 0, 3, 20, 20) = 0.8f;
  *cell(&setup, 0, 3, 20, 21) = NAN;
  *cell(&setup, 0, 3, 30, 30) = 0.09f;
  *cell(&setup, 0, 3, 35, 30) = INFINITY;
  openpose_find_peaks(heat, 3, &peaks);
  static const struct openpose_peak expected[] = {
      {0, 0, 0.5f},
      {10.5f, 10, 0.7f},
      {20, 20, 0.8f},
      {WIDTH - 1, HEIGHT - 1, 0.6f}};
  assert_int_equal(peaks.count, ARRAY_COUNT(expected));
  for (int i = 0; i < peaks.count; i++) {
    assert_true(fabsf(peaks.items[i].x - expected[i].x) < 1e-5f);
    assert_true(fabsf(peaks.items[i].y - expected[i].y) < 1e-5f);
    assert_true(peaks.items[i].score == expected[i].score);
  }
  openpose_find_peaks(heat, 4, &peaks);
  assert_int_equal(peaks.count, 0);
  setup_release(&setup);
}

/* Of too many peaks the best are kept. */
static void test_most_peaks(void **state) {
  (void)state;
  static struct setup setup;
  struct openpose_peaks peaks;
  setup_make(&setup, false);
  struct test_random random = {6};
  float scores[HEIGHT / 2 * (WIDTH / 2)];
  int count = 0, better = 0;
  for (int y = 0; y < HEIGHT; y += 2)
    for (int x = 0; x < WIDTH; x += 2) {
      scores[count] = 0.2f + 0.1f * (float)test_random_double(&random);
      *cell(&setup, 0, 0, y, x) = scores[count++];
    }
  openpose_find_peaks(&setup.frame.maps[OPENPOSE_HEAT], 0, &peaks);
  assert_int_equal(peaks.count, OPENPOSE_MOST_PEAKS);
  float least = INFINITY;
  for (int i = 0; i < peaks.count; i++)
    least = fminf(least, peaks.items[i].score);
  for (int i = 0; i < count; i++)
    better += scores[i] >= least;
  assert_int_equal(better, OPENPOSE_MOST_PEAKS);
  setup_release(&setup);
}

/* No two pairs share a peak, and the best come first. */
static void test_match(void **state) {
  (void)state;
  static struct setup setup;
  static struct openpose_pairs pairs;
  struct openpose_peaks from = {.count = 5}, to = {.count = 4};
  setup_make(&setup, false);
  for (int i = 0; i < 2 * CELLS; i++)
    setup.data[(19 + 12) * CELLS + i] = i < CELLS ? 0.04f : 1;
  for (int i = 0; i < 5; i++)
    from.items[i] = (struct openpose_peak){10 + 3 * (float)i, 10, 1};
  for (int i = 0; i < 4; i++)
    to.items[i] = (struct openpose_peak){11 + 3 * (float)i, 20, 1};
  openpose_match(&setup.frame.maps[OPENPOSE_FIELDS], &openpose_limbs[0], &from,
                 &to, &pairs);
  assert_int_equal(pairs.count, 4);
  for (int i = 0; i < 4; i++) {
    assert_int_equal(pairs.items[i].from, pairs.items[i].to);
    assert_true(i == 0 || pairs.items[i].score <= pairs.items[i - 1].score);
  }
  /* Against the field there is nothing, nor between peaks at one place. */
  openpose_match(&setup.frame.maps[OPENPOSE_FIELDS], &openpose_limbs[0], &to,
                 &from, &pairs);
  assert_int_equal(pairs.count, 0);
  openpose_match(&setup.frame.maps[OPENPOSE_FIELDS], &openpose_limbs[0], &from,
                 &from, &pairs);
  assert_int_equal(pairs.count, 0);
  setup_release(&setup);
}

/* A field that is interrupted in one of ten places is a limb, in two of them it
 * is not. */
static void test_gap(void **state) {
  (void)state;
  static struct setup setup;
  static struct openpose_pairs pairs;
  const struct openpose_peaks from = {1, {{10, 10, 1}}},
                              to = {1, {{37, 10, 1}}};
  setup_make(&setup, false);
  for (int i = 0; i < CELLS; i++)
    setup.data[(19 + 12) * CELLS + i] = 1;
  for (int gap = 0; gap < 3; gap++) {
    openpose_match(&setup.frame.maps[OPENPOSE_FIELDS], &openpose_limbs[0],
                   &from, &to, &pairs);
    assert_int_equal(pairs.count, gap < 2);
    if (gap < 2) /* shorter than half the map is high, it would be 1 */
      assert_true(fabsf(pairs.items[0].score - 23 / 27.0f) < 1e-5f);
    *cell(&setup, OPENPOSE_FIELDS, 12, 10, 19 + 6 * gap) = 0;
  }
  setup_release(&setup);
}

/* ---- Maps that no network should make ------------------------------------ */

static void check_finite(const struct setup *setup) {
  assert_in_range(setup->frame.person_count, 0, setup->options.max_persons);
  for (size_t i = 0; i < setup->frame.person_count; i++) {
    assert_true(isfinite(setup->persons[i].score));
    for (int k = 0; k < ADZE_KEYPOINT_COUNT; k++) {
      const struct adze_keypoint *keypoint = &setup->persons[i].keypoints[k];
      assert_true(isfinite(keypoint->x) && isfinite(keypoint->y) &&
                  isfinite(keypoint->score));
      assert_true(keypoint->x > -STRIDE && keypoint->x < STRIDE * (WIDTH + 1));
    }
  }
}

static void test_any_values(void **state) {
  (void)state;
  static struct setup setup;
  static const float odd[] = {NAN,    INFINITY, -INFINITY, 3e38f,
                              -3e38f, 0.5f,     1e-40f,    0};
  struct test_random random = {7};
  for (int round = 0; round < 30; round++) {
    setup_make(&setup, round % 2);
    setup.options.max_persons = MOST;
    int last = round % 3 == 0 ? 5 : ARRAY_COUNT(odd) - 1;
    for (int i = 0; i < CHANNELS * CELLS; i++)
      setup.data[i] = odd[test_random_range(&random, round % 4, last)];
    run(&setup);
    check_finite(&setup);
    setup_release(&setup);
  }
  setup_make(&setup, false);
  for (int i = 0; i < CHANNELS * CELLS; i++)
    setup.data[i] = NAN;
  run(&setup);
  assert_int_equal(setup.frame.person_count, 0);
  setup_release(&setup);
}

/* As many peaks as there can be, and fields in which every pair agrees one way
 * or the other: every table is full. */
static void test_crowd(void **state) {
  (void)state;
  static struct setup setup;
  struct test_random random = {8};
  setup_make(&setup, false);
  setup.options.max_persons = MOST;
  for (int i = 0; i < CHANNELS * CELLS; i++)
    setup.data[i] = (float)(1 + 0.5 * test_random_double(&random));
  run(&setup);
  check_finite(&setup);
  assert_true(setup.frame.person_count > 50);
  const struct openpose *openpose = setup.frame.scratch;
  for (int part = 0; part < 18; part++)
    assert_int_equal(openpose->peaks[part].count, OPENPOSE_MOST_PEAKS);
  assert_in_range(openpose->body_count, 1, OPENPOSE_MOST_BODIES);
  setup_release(&setup);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_persons),       cmocka_unit_test(test_crossing),
      cmocka_unit_test(test_missing_parts), cmocka_unit_test(test_pieces),
      cmocka_unit_test(test_most_persons),  cmocka_unit_test(test_peaks),
      cmocka_unit_test(test_most_peaks),    cmocka_unit_test(test_match),
      cmocka_unit_test(test_gap),           cmocka_unit_test(test_any_values),
      cmocka_unit_test(test_crowd),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
