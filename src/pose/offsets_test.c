/* SPDX-License-Identifier: Apache-2.0 */
/* One person from scores and offsets, as topdown_offset networks give them. */
#include "test.h"

#include <math.h>

#include "pose/network.h"

enum { WIDTH = 13, HEIGHT = 17, CELLS = WIDTH * HEIGHT };

struct setup {
  struct adze_pose_options options;
  struct pose_frame frame;
  struct adze_person person;
  float heat[17 * CELLS], offset[34 * CELLS];
};

static struct pose_map map_of(const float *data, int channels) {
  return (struct pose_map){.channels = channels,
                           .height = HEIGHT,
                           .width = WIDTH,
                           .channel_stride = CELLS,
                           .row_stride = WIDTH,
                           .column_stride = 1,
                           .data = data};
}

/* An input of 97 x 129 that shows the picture's pixels at half their size. */
static void setup_make(struct setup *setup) {
  memset(setup, 0, sizeof *setup);
  adze_pose_options_init(&setup->options);
  setup->frame.options = &setup->options;
  setup->frame.input.width = 8 * (WIDTH - 1) + 1;
  setup->frame.input.height = 8 * (HEIGHT - 1) + 1;
  setup->frame.box = (struct adze_box){10, 20, 194, 258, 0.5f};
  setup->frame.to_image = (struct pose_transform){2, 10, 2, 20};
  setup->frame.maps[0] = map_of(setup->heat, 17);
  setup->frame.maps[1] = map_of(setup->offset, 34);
  setup->frame.persons = &setup->person;
  setup->frame.person_capacity = 1;
}

static void set(struct setup *setup, int k, int y, int x, float score, float dy,
                float dx) {
  setup->heat[k * CELLS + y * WIDTH + x] = score;
  setup->offset[k * CELLS + y * WIDTH + x] = dy;
  setup->offset[(k + 17) * CELLS + y * WIDTH + x] = dx;
}

static void decode(struct setup *setup) {
  setup->frame.person_count = 0;
  pose_network_topdown_offset.decode(&setup->frame);
  assert_int_equal(setup->frame.person_count, 1);
}

static void assert_place(const struct setup *setup, int k, float x, float y) {
  assert_true(fabsf(setup->person.keypoints[k].x - x) < 1e-3f);
  assert_true(fabsf(setup->person.keypoints[k].y - y) < 1e-3f);
}

static void test_places(void **state) {
  (void)state;
  static struct setup setup;
  setup_make(&setup);
  /* Cell (3, 5) is pixel (40, 24) of the input. */
  set(&setup, 0, 3, 5, 0.8f, -2, 1.5f);
  set(&setup, 0, 3, 6, 0.7f, 5, 5);
  /* In corners. */
  set(&setup, 1, 0, 0, 0.5f, 0, 0);
  set(&setup, 2, 16, 12, 0.4f, 3, 3);
  decode(&setup);
  assert_place(&setup, 0, 2 * 41.5f + 10, 2 * 22 + 20);
  assert_place(&setup, 1, 10, 20);
  assert_place(&setup, 2, 2 * 99 + 10, 2 * 131 + 20);
  assert_true(setup.person.keypoints[0].score == 0.8f);
  assert_true(setup.person.keypoints[3].score == 0);
  assert_true(fabsf(setup.person.score - 0.5f * 1.7f / 17) < 1e-6f);
  assert_true(setup.person.box.width == 194);
}

/* The votes of the cells around, by powers of their scores. */
static void test_votes(void **state) {
  (void)state;
  static struct setup setup;
  setup_make(&setup);
  setup.options.vote_power = 2;
  set(&setup, 0, 3, 5, 0.8f, 0, 0);
  set(&setup, 0, 3, 6, 0.4f, 5, -3);
  set(&setup, 0, 3, 7, 0.7f, 50, 50);
  decode(&setup);
  assert_place(&setup, 0, 2 * 41 + 10, 2 * 25 + 20);
}

static void test_any_values(void **state) {
  (void)state;
  static struct setup setup;
  static const float odd[] = {NAN, INFINITY, -INFINITY, 1e38f, 0.5f};
  struct test_random random = {8};
  for (int round = 0; round < 40; round++) {
    setup_make(&setup);
    setup.options.vote_power = (float)(round % 2);
    for (int i = 0; i < 17 * CELLS; i++)
      setup.heat[i] = odd[test_random_range(&random, 0, ARRAY_COUNT(odd) - 1)];
    for (int i = 0; i < 34 * CELLS; i++)
      setup.offset[i] =
          odd[test_random_range(&random, 0, ARRAY_COUNT(odd) - 1)];
    decode(&setup);
    assert_true(isfinite(setup.person.score));
    for (int k = 0; k < ADZE_KEYPOINT_COUNT; k++)
      assert_true(isfinite(setup.person.keypoints[k].x) &&
                  isfinite(setup.person.keypoints[k].y) &&
                  isfinite(setup.person.keypoints[k].score));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_places),
      cmocka_unit_test(test_votes),
      cmocka_unit_test(test_any_values),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
