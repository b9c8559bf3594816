/* SPDX-License-Identifier: Apache-2.0 */
/* PoseNet's decoder on maps that encode known persons, which must come back
 * exactly, and on maps that no network should make. */
#include "test.h"

#include <math.h>

#include "pose/network.h"

enum { HEAT, OFFSET, FORWARD, BACKWARD };
enum { STRIDE = 16, MOST = 10 };

static const int channels[4] = {17, 34, 32, 32};
static const int edges[16][2] = {
    {0, 1},   {1, 3},   {0, 2}, {2, 4}, {0, 5},  {5, 7},  {7, 9},   {5, 11},
    {11, 13}, {13, 15}, {0, 6}, {6, 8}, {8, 10}, {6, 12}, {12, 14}, {14, 16}};

struct setup {
  struct adze_pose_options options;
  struct pose_frame frame;
  float *data[4];
};

/* Maps of height x width cells, all zero, with room for all results. */
static void setup_make(struct setup *setup, int height, int width,
                       bool channels_last) {
  memset(setup, 0, sizeof *setup);
  adze_pose_options_init(&setup->options);
  setup->options.max_persons = MOST;
  setup->options.score_threshold = 0.5f;
  setup->frame.options = &setup->options;
  setup->frame.input.width = (width - 1) * STRIDE + 1;
  setup->frame.input.height = (height - 1) * STRIDE + 1;
  setup->frame.to_image[0] = setup->frame.to_image[4] = 1;
  for (int i = 0; i < 4; i++) {
    setup->data[i] =
        calloc((size_t)(channels[i] * height * width), sizeof(float));
    assert_non_null(setup->data[i]);
    setup->frame.maps[i] = (struct pose_map){
        .channels = channels[i],
        .height = height,
        .width = width,
        .channel_stride = channels_last ? 1 : height * width,
        .row_stride = channels_last ? width * channels[i] : width,
        .column_stride = channels_last ? channels[i] : 1,
        .data = setup->data[i]};
  }
  setup->frame.scratch =
      malloc(pose_network_posenet.scratch_bytes(setup->frame.maps));
  setup->frame.persons = calloc(MOST, sizeof(struct adze_person));
  setup->frame.person_capacity = MOST;
  assert_non_null(setup->frame.scratch);
  assert_non_null(setup->frame.persons);
}

static void setup_release(struct setup *setup) {
  for (int i = 0; i < 4; i++)
    free(setup->data[i]);
  free(setup->frame.scratch);
  free(setup->frame.persons);
}

static float *cell(struct setup *setup, int map, int channel, int y, int x) {
  return (float *)(uintptr_t)pose_map_at(&setup->frame.maps[map], channel, y,
                                         x);
}

static int nearest(float pixels, int cells) {
  int at = (int)lroundf(pixels / STRIDE);
  return at < 0 ? 0 : at >= cells ? cells - 1 : at;
}

/* Offsets and displacements around each keypoint; scores at its cell. */
static void encode(struct setup *setup, const struct adze_person *person) {
  int height = setup->frame.maps[0].height, width = setup->frame.maps[0].width;
  for (int k = 0; k < ADZE_KEYPOINT_COUNT; k++) {
    const struct adze_keypoint *point = &person->keypoints[k];
    int row = nearest(point->y, height), column = nearest(point->x, width);
    *cell(setup, HEAT, k, row, column) = point->score;
    for (int y = row - 2; y <= row + 2; y++)
      for (int x = column - 2; x <= column + 2; x++)
        if (y >= 0 && x >= 0 && y < height && x < width) {
          *cell(setup, OFFSET, k, y, x) = point->y - (float)(y * STRIDE);
          *cell(setup, OFFSET, k + 17, y, x) = point->x - (float)(x * STRIDE);
        }
  }
  for (int e = 0; e < 16; e++)
    for (int back = 0; back < 2; back++) {
      const struct adze_keypoint *from = &person->keypoints[edges[e][back]];
      const struct adze_keypoint *to = &person->keypoints[edges[e][!back]];
      int map = back ? BACKWARD : FORWARD;
      int row = nearest(from->y, height), column = nearest(from->x, width);
      *cell(setup, map, e, row, column) = to->y - from->y;
      *cell(setup, map, e + 16, row, column) = to->x - from->x;
    }
}

/* A person whose keypoints lie in a column of the grid, so that no two persons
 * have a cell in common. */
static struct adze_person random_person(struct test_random *random, int left,
                                        int right, int height, float score) {
  struct adze_person person = {.score = score};
  for (int k = 0; k < ADZE_KEYPOINT_COUNT; k++)
    person.keypoints[k] = (struct adze_keypoint){
        (float)test_random_range(random, left * 64, right * 64) / 64,
        (float)test_random_range(random, 0, height * 64) / 64, score};
  return person;
}

static void check_same(const struct adze_person *found,
                       const struct adze_person *expected) {
  for (int k = 0; k < ADZE_KEYPOINT_COUNT; k++) {
    assert_true(fabsf(found->keypoints[k].x - expected->keypoints[k].x) <
                1e-3f);
    assert_true(fabsf(found->keypoints[k].y - expected->keypoints[k].y) <
                1e-3f);
    assert_true(found->keypoints[k].score == expected->keypoints[k].score);
  }
  assert_true(fabsf(found->score - expected->score) < 1e-5f);
}

static void check_multi(struct test_random *random, int persons,
                        bool channels_last) {
  enum { HEIGHT = 30, LANE = 10 };
  struct setup setup;
  struct adze_person expected[MOST];
  setup_make(&setup, HEIGHT, persons * LANE, channels_last);
  for (int i = 0; i < persons; i++) {
    int left = i * LANE * STRIDE + 3 * STRIDE;
    expected[i] =
        random_person(random, left, left + 3 * STRIDE, (HEIGHT - 1) * STRIDE,
                      0.95f - 0.03f * (float)i);
    encode(&setup, &expected[i]);
  }
  pose_network_posenet.decode(&setup.frame);
  assert_int_equal(setup.frame.person_count, persons);
  for (int i = 0; i < persons; i++)
    check_same(&setup.frame.persons[i], &expected[i]);
  setup_release(&setup);
}

static void test_multi(void **state) {
  (void)state;
  struct test_random random = {1};
  for (int round = 0; round < 20; round++)
    check_multi(&random, 1 + round % MOST, round % 2);
}

static void test_single(void **state) {
  (void)state;
  struct test_random random = {2};
  for (int round = 0; round < 20; round++) {
    struct setup setup;
    setup_make(&setup, 20, 25, round % 2);
    setup.options.decode = ADZE_POSE_SINGLE;
    struct adze_person person = random_person(&random, 0, 384, 304, 0.3f);
    encode(&setup, &person);
    pose_network_posenet.decode(&setup.frame);
    assert_int_equal(setup.frame.person_count, 1);
    check_same(&setup.frame.persons[0], &person);
    setup_release(&setup);
  }
}

/* One keypoint far above the threshold, the others far below it: they are
 * found along the tree all the same. */
static void test_start_anywhere(void **state) {
  (void)state;
  struct test_random random = {3};
  for (int start = 0; start < ADZE_KEYPOINT_COUNT; start++) {
    struct setup setup;
    setup_make(&setup, 20, 25, false);
    struct adze_person person = random_person(&random, 0, 384, 304, 0.1f);
    person.keypoints[start].score = 0.9f;
    person.score = (16 * 0.1f + 0.9f) / 17;
    encode(&setup, &person);
    pose_network_posenet.decode(&setup.frame);
    assert_int_equal(setup.frame.person_count, 1);
    check_same(&setup.frame.persons[0], &person);
    setup_release(&setup);
  }
}

/* Scores for the other side at the same places: half as high, so that two
 * thirds are left of a person's score, or four ninths by a weight of 2. */
static void test_sides(void **state) {
  (void)state;
  struct test_random random = {13};
  for (int weight = 0; weight <= 2; weight++) {
    struct setup setup;
    setup_make(&setup, 20, 25, weight == 1);
    setup.options.side_weight = (float)weight;
    struct adze_person person = random_person(&random, 0, 384, 304, 0.6f);
    encode(&setup, &person);
    for (int k = 1; k < ADZE_KEYPOINT_COUNT; k++)
      *cell(&setup, HEAT, k % 2 ? k + 1 : k - 1,
            nearest(person.keypoints[k].y, 20),
            nearest(person.keypoints[k].x, 25)) = 0.3f;
    person.score *= powf(2.0f / 3, (float)weight);
    pose_network_posenet.decode(&setup.frame);
    assert_int_equal(setup.frame.person_count, 1);
    check_same(&setup.frame.persons[0], &person);
    setup_release(&setup);
  }
}

/* Cells beside a keypoint's, with half its score, whose offsets lead elsewhere:
 * two on the right say that it is 6 pixels further right, which moves the mean
 * by 6 * 2/4 pixels with a power of 1, by 6 * 2/6 with one of 2. */
static void test_votes(void **state) {
  (void)state;
  struct test_random random = {14};
  for (int power = 0; power <= 2; power++) {
    struct setup setup;
    setup_make(&setup, 40, 90, power == 1);
    setup.options.vote_power = (float)power;
    struct adze_person person = random_person(&random, 32, 384, 304, 0.6f);
    for (int k = 0; k < ADZE_KEYPOINT_COUNT; k++) {
      float *x = &person.keypoints[k].x;
      *x = (float)(nearest(*x, 90) * STRIDE - 3); /* moves within its cell */
    }
    encode(&setup, &person);
    for (int k = 0; k < ADZE_KEYPOINT_COUNT; k++) {
      int row = nearest(person.keypoints[k].y, 40);
      int column = nearest(person.keypoints[k].x, 90) + 1;
      for (int y = row - 1; y <= row + 1; y += 2)
        if (y >= 0 && y < 40) {
          *cell(&setup, HEAT, k, y, column) = 0.3f;
          *cell(&setup, OFFSET, k + 17, y, column) += 6;
        }
    }
    pose_network_posenet.decode(&setup.frame);
    assert_int_equal(setup.frame.person_count, 1);
    for (int k = 0; k < ADZE_KEYPOINT_COUNT; k++) {
      float voters = nearest(person.keypoints[k].y, 40) == 0 ? 1 : 2;
      float share = voters * powf(0.5f, (float)power);
      float moved = power ? 6 * share / (1 + share) : 0;
      float found = setup.frame.persons[0].keypoints[k].x;
      assert_true(fabsf(found - person.keypoints[k].x - moved) < 1e-3f);
    }
    setup_release(&setup);
  }
}

/* Displacements that miss by more than a cell, where no offset is: a better
 * score within the radius shows the way, the nearest one first. */
static void test_peak(void **state) {
  (void)state;
  struct test_random random = {12};
  for (int radius = 0; radius <= 40; radius += 40) {
    struct setup setup;
    setup_make(&setup, 40, 90, radius == 40);
    setup.options.peak_radius = (float)radius;
    setup.options.max_persons = 1;
    struct adze_person person = {.score = 0.8f};
    for (int k = 0; k < ADZE_KEYPOINT_COUNT; k++)
      person.keypoints[k] = (struct adze_keypoint){
          (float)(5 * k + 4) * STRIDE + 3,
          (float)test_random_range(&random, 6, 33) * STRIDE - 2, 0.8f};
    encode(&setup, &person);
    for (int k = 0; k < ADZE_KEYPOINT_COUNT; k++) {
      int y = nearest(person.keypoints[k].y, 40), x = 5 * k + 4;
      for (int i = -4; i <= 4; i++)
        for (int j = -2; j <= 2; j++)
          if (i || j) {
            *cell(&setup, OFFSET, k, y + i, x + j) = 0;
            *cell(&setup, OFFSET, k + 17, y + i, x + j) = 0;
          }
      *cell(&setup, HEAT, k, y + 4, x) = 0.79f; /* too far away */
    }
    for (int map = FORWARD; map <= BACKWARD; map++)
      for (int i = 0; i < 32 * 40 * 90; i++)
        if (setup.data[map][i] != 0)
          setup.data[map][i] += 20;
    pose_network_posenet.decode(&setup.frame);
    assert_int_equal(setup.frame.person_count, 1);
    if (radius)
      check_same(&setup.frame.persons[0], &person);
    else
      assert_true(setup.frame.persons[0].score < 0.4f);
    setup_release(&setup);
  }
}

/* Displacements that miss by a few pixels are put right by the offsets. */
static void test_refinement(void **state) {
  (void)state;
  struct test_random random = {10};
  for (int steps = 0; steps < 3; steps++) {
    struct setup setup;
    setup_make(&setup, 20, 25, false);
    setup.options.refine_steps = steps;
    setup.options.max_persons = 1;
    /* Cells' centres, so that a miss stays in the cell. */
    struct adze_person person = {.score = 0.8f};
    for (int k = 0; k < ADZE_KEYPOINT_COUNT; k++)
      person.keypoints[k] = (struct adze_keypoint){
          (float)test_random_range(&random, 0, 24) * STRIDE,
          (float)test_random_range(&random, 0, 19) * STRIDE, 0.8f};
    encode(&setup, &person);
    for (int map = FORWARD; map <= BACKWARD; map++)
      for (int i = 0; i < 32 * 20 * 25; i++)
        setup.data[map][i] += 3;
    pose_network_posenet.decode(&setup.frame);
    assert_int_equal(setup.frame.person_count, 1);
    if (steps)
      check_same(&setup.frame.persons[0], &person);
    else
      assert_true(fabsf(setup.frame.persons[0].keypoints[16].x -
                        person.keypoints[16].x) > 2);
    setup_release(&setup);
  }
}

static void test_options(void **state) {
  (void)state;
  struct test_random random = {4};
  struct setup setup;
  setup_make(&setup, 20, 25, false);
  struct adze_person person = random_person(&random, 0, 384, 304, 0.6f);
  encode(&setup, &person);
  setup.options.score_threshold = 0.7f;
  pose_network_posenet.decode(&setup.frame);
  assert_int_equal(setup.frame.person_count, 0);
  setup.options.score_threshold = 0.6f;
  pose_network_posenet.decode(&setup.frame);
  assert_int_equal(setup.frame.person_count, 1);
  /* Without a radius every keypoint starts the same person again, and those
   * after the first score nothing. */
  setup.frame.person_count = 0;
  setup.options.nms_radius = 0;
  setup.options.max_persons = 3;
  pose_network_posenet.decode(&setup.frame);
  assert_in_range(setup.frame.person_count, 1, 3);
  for (size_t i = 1; i < setup.frame.person_count; i++)
    assert_true(setup.frame.persons[i].score <= 0.6f);
  setup_release(&setup);
}

/* Pixels of the input become pixels of the picture. */
static void test_transform(void **state) {
  (void)state;
  struct test_random random = {5};
  struct setup setup;
  setup_make(&setup, 20, 25, false);
  struct adze_person person = random_person(&random, 0, 384, 304, 0.6f);
  encode(&setup, &person);
  struct adze_image image;
  assert_int_equal(adze_image_create(770, 61, &image, NULL), ADZE_OK);
  memset(image.pixels, 0, image.stride * 61);
  struct adze_image_target *input = &setup.frame.input;
  float *data = malloc(sizeof *data * 3 * 385 * 305);
  assert_non_null(data);
  adze_image_target_init(input, data, 385, 305);
  assert_int_equal(
      pose_network_posenet.prepare(&setup.frame, &image, NULL, NULL), ADZE_OK);
  pose_network_posenet.decode(&setup.frame);
  for (int k = 0; k < ADZE_KEYPOINT_COUNT; k++) {
    struct adze_keypoint *point = &person.keypoints[k];
    point->x = (point->x + 0.5f) * 2 - 0.5f;
    point->y = (point->y + 0.5f) * 0.2f - 0.5f;
  }
  assert_int_equal(setup.frame.person_count, 1);
  check_same(&setup.frame.persons[0], &person);
  const struct adze_box *box = &setup.frame.persons[0].box;
  for (int k = 0; k < ADZE_KEYPOINT_COUNT; k++) {
    const struct adze_keypoint *point = &setup.frame.persons[0].keypoints[k];
    assert_true(point->x >= box->x && point->x <= box->x + box->width + 1e-3f);
    assert_true(point->y >= box->y && point->y <= box->y + box->height + 1e-3f);
  }
  free(data);
  adze_image_release(&image);
  setup_release(&setup);
}

static void check_finite(const struct pose_frame *frame) {
  assert_true(frame->person_count <= MOST);
  for (size_t i = 0; i < frame->person_count; i++) {
    assert_true(isfinite(frame->persons[i].score));
    for (int k = 0; k < ADZE_KEYPOINT_COUNT; k++) {
      const struct adze_keypoint *point = &frame->persons[i].keypoints[k];
      assert_true(isfinite(point->x) && isfinite(point->y) &&
                  isfinite(point->score) && point->score >= 0);
    }
  }
}

/* Any values at all, on grids of any size: finite results, no crash. */
static void test_any_values(void **state) {
  (void)state;
  static const float odd[] = {NAN, INFINITY, -INFINITY, 1e38f, -1e38f,
                              1,   0,        -1,        0.5f,  1e-40f};
  static const int sizes[][2] = {{1, 1}, {1, 7}, {9, 1}, {2, 2}, {12, 15}};
  struct test_random random = {6};
  for (int round = 0; round < 200; round++) {
    struct setup setup;
    const int *size = sizes[round % (int)ARRAY_COUNT(sizes)];
    setup_make(&setup, size[0], size[1], round % 2);
    for (int i = 0; i < 4; i++)
      for (int j = 0; j < channels[i] * size[0] * size[1]; j++)
        setup.data[i][j] =
            test_random_range(&random, 0, 3)
                ? (float)test_random_double(&random) * 40
                : odd[test_random_range(&random, 0, ARRAY_COUNT(odd) - 1)];
    setup.options.refine_steps = round % 4;
    setup.options.peak_radius = (float)(round % 5) * 20;
    setup.options.decode = round % 3 ? ADZE_POSE_MULTI : ADZE_POSE_SINGLE;
    pose_network_posenet.decode(&setup.frame);
    check_finite(&setup.frame);
    setup_release(&setup);
  }
}

/* Every cell is a candidate: bounded persons in bounded memory. */
static void test_plateau(void **state) {
  (void)state;
  struct setup setup;
  setup_make(&setup, 31, 41, false);
  for (int i = 0; i < 17 * 31 * 41; i++)
    setup.data[HEAT][i] = 1;
  pose_network_posenet.decode(&setup.frame);
  assert_int_equal(setup.frame.person_count, MOST);
  check_finite(&setup.frame);
  setup_release(&setup);
}

static void test_nothing(void **state) {
  (void)state;
  for (int single = 0; single < 2; single++) {
    struct setup setup;
    setup_make(&setup, 5, 5, false);
    setup.options.decode = single ? ADZE_POSE_SINGLE : ADZE_POSE_MULTI;
    pose_network_posenet.decode(&setup.frame);
    assert_int_equal(setup.frame.person_count, single);
    if (single)
      assert_true(setup.frame.persons[0].score == 0 &&
                  setup.frame.persons[0].keypoints[3].x == 0);
    setup_release(&setup);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_multi),          cmocka_unit_test(test_single),
      cmocka_unit_test(test_start_anywhere), cmocka_unit_test(test_options),
      cmocka_unit_test(test_transform),      cmocka_unit_test(test_any_values),
      cmocka_unit_test(test_plateau),        cmocka_unit_test(test_nothing),
      cmocka_unit_test(test_sides),          cmocka_unit_test(test_votes),
      cmocka_unit_test(test_peak),           cmocka_unit_test(test_refinement),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
