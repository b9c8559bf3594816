/* SPDX-License-Identifier: Apache-2.0 */
/* The top-down decoder on heatmaps with known peaks, and how a box becomes the
 * network's input. */
#include "test.h"

#include <math.h>

#include "pose/network.h"

enum { WIDTH = 48, HEIGHT = 64, CELLS = WIDTH * HEIGHT };

struct setup {
  struct adze_pose_options options;
  struct pose_frame frame;
  struct adze_person person;
  float heat[17 * CELLS];
};

static void setup_make(struct setup *setup) {
  memset(setup, 0, sizeof *setup);
  adze_pose_options_init(&setup->options);
  setup->frame.options = &setup->options;
  setup->frame.input.width = 4 * WIDTH;
  setup->frame.input.height = 4 * HEIGHT;
  setup->frame.region.box = (struct adze_box){0, 0, 192, 256, 0.5f};
  setup->frame.to_image[0] = setup->frame.to_image[4] = 1;
  setup->frame.maps[0] = (struct pose_map){.channels = 17,
                                           .height = HEIGHT,
                                           .width = WIDTH,
                                           .channel_stride = CELLS,
                                           .row_stride = WIDTH,
                                           .column_stride = 1,
                                           .data = setup->heat};
  setup->frame.persons = &setup->person;
  setup->frame.person_capacity = 1;
}

static float *cell(struct setup *setup, int k, int y, int x) {
  return &setup->heat[k * CELLS + y * WIDTH + x];
}

static void test_peaks(void **state) {
  (void)state;
  static struct setup setup;
  setup_make(&setup);
  /* In the middle, with larger neighbours to the right and above. */
  *cell(&setup, 0, 30, 20) = 0.9f;
  *cell(&setup, 0, 30, 21) = 0.5f;
  *cell(&setup, 0, 29, 20) = 0.4f;
  /* Equal neighbours. */
  *cell(&setup, 1, 10, 10) = 0.8f;
  /* At the edges: no quarter there. */
  *cell(&setup, 2, 0, 20) = 0.7f;
  *cell(&setup, 2, 0, 21) = 0.6f;
  *cell(&setup, 3, 63, 47) = 0.6f;
  *cell(&setup, 4, 20, 1) = 0.6f;
  *cell(&setup, 4, 20, 2) = 0.5f;
  /* Little, and nothing. */
  *cell(&setup, 5, 40, 40) = 0.1f;
  *cell(&setup, 6, 40, 40) = -1;
  pose_network_topdown.decode(&setup.frame);
  static const float expected[7][3] = {
      {81, 119, 0.9f}, {40, 40, 0.8f},   {80, 0, 0.7f}, {188, 252, 0.6f},
      {4, 80, 0.6f},   {160, 160, 0.1f}, {0, 0, 0}};
  assert_int_equal(setup.frame.person_count, 1);
  for (int k = 0; k < 7; k++) {
    const struct adze_keypoint *found = &setup.person.keypoints[k];
    assert_true(found->x == expected[k][0]);
    assert_true(found->y == expected[k][1]);
    assert_true(found->score == expected[k][2]);
  }
  /* The box's score times the mean of all. */
  assert_true(fabsf(setup.person.score - 0.5f * 3.7f / 17) < 1e-5f);
  assert_true(setup.person.box.width == 192);
}

static void test_hopeless(void **state) {
  (void)state;
  static struct setup setup;
  setup_make(&setup);
  pose_network_topdown.decode(&setup.frame);
  assert_true(setup.person.score == 0);
  setup.frame.person_count = 0;
  *cell(&setup, 3, 5, 5) = 0.17f;
  pose_network_topdown.decode(&setup.frame);
  assert_true(fabsf(setup.person.score - 0.5f * 0.01f) < 1e-6f);
}

static void test_any_values(void **state) {
  (void)state;
  static struct setup setup;
  static const float odd[] = {NAN, INFINITY, -INFINITY, 1e38f, 0.5f};
  struct test_random random = {8};
  for (int round = 0; round < 20; round++) {
    setup_make(&setup);
    for (int i = 0; i < 17 * CELLS; i++)
      setup.heat[i] = odd[test_random_range(&random, 0, ARRAY_COUNT(odd) - 1)];
    if (round == 0)
      for (int i = 0; i < 17 * CELLS; i++)
        setup.heat[i] = NAN;
    pose_network_topdown.decode(&setup.frame);
    assert_true(isfinite(setup.person.score));
    for (int k = 0; k < ADZE_KEYPOINT_COUNT; k++)
      assert_true(isfinite(setup.person.keypoints[k].x) &&
                  isfinite(setup.person.keypoints[k].y) &&
                  isfinite(setup.person.keypoints[k].score));
  }
}

/* The box keeps its centre, grows by a quarter, and takes the input's shape;
 * the input shows what lies there. */
static void test_box(void **state) {
  (void)state;
  static struct setup setup;
  static float input[3 * 192 * 256];
  setup_make(&setup);
  adze_image_target_init(&setup.frame.input, input, 192, 256);
  struct adze_image image;
  assert_int_equal(adze_image_create(300, 200, &image, NULL), ADZE_OK);
  for (int y = 0; y < 200; y++)
    for (int x = 0; x < 300; x++) {
      uint8_t *pixel = image.pixels + (size_t)y * image.stride + 3 * (size_t)x;
      pixel[0] = (uint8_t)(x / 2);
      pixel[1] = (uint8_t)y;
      pixel[2] = 255;
    }
  struct adze_box box = {100, 60, 60, 40, 0.7f};
  assert_int_equal(
      pose_network_topdown.prepare(&setup.frame, &image,
                                   &(struct pose_region){.box = box}, NULL),
      ADZE_OK);
  const double *m = setup.frame.to_image;
  /* 75 x 50 becomes 75 x 100. */
  assert_true(fabs(m[0] - 75.0 / 192) < 1e-9);
  assert_true(fabs(m[4] - 100.0 / 256) < 1e-9);
  assert_true(fabs(m[2] - (130 - 37.5)) < 1e-9);
  assert_true(fabs(m[5] - (80 - 50)) < 1e-9);
  for (int y = 0; y < 256; y += 17)
    for (int x = 0; x < 192; x += 13) {
      double column = x * m[0] + m[2];
      double row = y * m[4] + m[5];
      assert_true(fabs(input[y * 192 + x] - column / 2) < 0.6);
      assert_true(fabs(input[(256 + y) * 192 + x] - row) < 0.1);
    }
  /* Turned, so that the right of the picture is below; and mirrored. */
  for (int mirrored = 0; mirrored < 2; mirrored++) {
    const struct pose_region turned = {
        .box = box, .down_x = 3, .mirrored = mirrored};
    assert_int_equal(
        pose_network_topdown.prepare(&setup.frame, &image, &turned, NULL),
        ADZE_OK);
    for (int y = 0; y < 256; y += 17)
      for (int x = 0; x < 192; x += 13) {
        double column = m[0] * x + m[1] * y + m[2];
        double row = m[3] * x + m[4] * y + m[5];
        double along = (y - 128) * 75.0 / 192, across = (x - 96) * 75.0 / 192;
        assert_true(fabs(column - (130 + along)) < 1e-9);
        assert_true(fabs(row - (80 - (mirrored ? -across : across))) < 1e-9);
        assert_true(fabs(input[y * 192 + x] - column / 2) < 0.6);
        assert_true(fabs(input[(256 + y) * 192 + x] - row) < 0.1);
      }
  }
  /* Beside the picture all is black. */
  box = (struct adze_box){-500, 60, 60, 40, 1};
  assert_int_equal(
      pose_network_topdown.prepare(&setup.frame, &image,
                                   &(struct pose_region){.box = box}, NULL),
      ADZE_OK);
  for (int i = 0; i < 3 * 192 * 256; i++)
    assert_true(input[i] == 0);
  adze_image_release(&image);
}

static void test_wrong_boxes(void **state) {
  (void)state;
  static struct setup setup;
  setup_make(&setup);
  struct adze_image image = {0};
  const struct adze_box boxes[] = {
      {0, 0, 0, 5, 1},   {0, 0, 5, -1, 1},       {NAN, 0, 5, 5, 1},
      {0, 0, NAN, 5, 1}, {0, INFINITY, 5, 5, 1}, {0, 0, 5, INFINITY, 1}};
  struct adze_error error;
  for (size_t i = 0; i < ARRAY_COUNT(boxes); i++)
    assert_fails(pose_network_topdown.prepare(
                     &setup.frame, &image,
                     &(struct pose_region){.box = boxes[i]}, &error),
                 error, ADZE_INVALID_ARGUMENT, "box");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_peaks),       cmocka_unit_test(test_hopeless),
      cmocka_unit_test(test_any_values),  cmocka_unit_test(test_box),
      cmocka_unit_test(test_wrong_boxes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
