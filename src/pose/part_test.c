/* SPDX-License-Identifier: Apache-2.0 */
/* Networks that look at a head or a limb: which square they want to see, and
 * places from its middle. */
#include "test.h"

#include <math.h>

#include "pose/network.h"

enum { HEAD = 5 };

/* Upright: shoulders 30 pixels apart, hips 60 below, ears at 96 and 104. */
static struct adze_person upright(void) {
  struct adze_person person = {.score = 0.5f};
  static const float places[][3] = {
      {ADZE_KEYPOINT_NOSE, 100, 42},
      {ADZE_KEYPOINT_LEFT_EYE, 102, 39},
      {ADZE_KEYPOINT_RIGHT_EYE, 98, 39},
      {ADZE_KEYPOINT_LEFT_EAR, 104, 40},
      {ADZE_KEYPOINT_RIGHT_EAR, 96, 40},
      {ADZE_KEYPOINT_LEFT_HIP, 110, 120},
      {ADZE_KEYPOINT_RIGHT_HIP, 90, 120},
      {ADZE_KEYPOINT_LEFT_SHOULDER, 115, 60},
      {ADZE_KEYPOINT_RIGHT_SHOULDER, 85, 60},
  };
  for (size_t i = 0; i < ARRAY_COUNT(places); i++)
    person.keypoints[(int)places[i][0]] =
        (struct adze_keypoint){places[i][1], places[i][2], 0.8f};
  return person;
}

static bool region_of(const struct adze_person *person, struct adze_box *box) {
  const struct adze_image image = {.width = 200, .height = 160};
  struct pose_region region = {0};
  bool found = pose_network_head.region(person, &image, 0, &region);
  *box = region.box;
  return found && region.down_x == 0 && region.down_y == 0 && !region.mirrored;
}

static void assert_square(const struct adze_box *box, float x, float y,
                          float side) {
  assert_true(fabsf(box->width - side) < 1e-3f && box->height == box->width);
  assert_true(fabsf(box->x + box->width / 2 - x) < 1e-3f);
  assert_true(fabsf(box->y + box->height / 2 - y) < 1e-3f);
}

static void test_region(void **state) {
  (void)state;
  struct adze_person person = upright();
  struct adze_box box;
  assert_true(region_of(&person, &box));
  assert_square(&box, 100, 40, 0.9f * 60);
  assert_true(box.score == 0.5f);
  /* By the shoulders alone. */
  person.keypoints[ADZE_KEYPOINT_LEFT_HIP].score = 0;
  assert_true(region_of(&person, &box));
  assert_square(&box, 100, 40, 0.9f * 1.2f * 30);
  /* By the hips alone, which are wide. */
  person = upright();
  person.keypoints[ADZE_KEYPOINT_RIGHT_SHOULDER].score = 0;
  person.keypoints[ADZE_KEYPOINT_LEFT_HIP].x = 180;
  assert_true(region_of(&person, &box));
  assert_square(&box, 100, 40, 0.9f * 90);
  /* Surer keypoints count more. */
  person = upright();
  for (int k = 1; k < HEAD; k++)
    person.keypoints[k].score = k == 3 ? 0.4f : 0;
  assert_true(region_of(&person, &box));
  assert_square(&box, (100 * 2 + 104) / 3.0f, (42 * 2 + 40) / 3.0f, 0.9f * 60);
}

static void test_no_region(void **state) {
  (void)state;
  struct adze_person person = upright();
  struct adze_box box;
  for (int k = 0; k < HEAD; k++)
    person.keypoints[k].score = 0;
  assert_false(region_of(&person, &box));
  person = upright();
  for (int k = HEAD; k < ADZE_KEYPOINT_COUNT; k++)
    person.keypoints[k].score = 0;
  assert_false(region_of(&person, &box));
  /* Far above the picture. */
  person = upright();
  for (int k = 0; k < ADZE_KEYPOINT_COUNT; k++)
    person.keypoints[k].y -= 100;
  assert_false(region_of(&person, &box));
  person = upright();
  person.keypoints[0].x = NAN;
  assert_false(region_of(&person, &box));
}

/* After a look that was scored 0.25; one cell of places. */
static struct pose_frame frame_of(const struct adze_pose_options *options,
                                  struct adze_person *person, int size,
                                  const float *places, int channels) {
  return (struct pose_frame){
      .options = options,
      .input = {.width = size, .height = size},
      .region = {.box = {10, 20, 64, 64, 0.25f}},
      .maps = {{.channels = channels,
                .height = 1,
                .width = 1,
                .channel_stride = 1,
                .row_stride = 1,
                .column_stride = 1,
                .data = places}},
      .persons = person,
      .person_capacity = 1,
  };
}

static void test_places(void **state) {
  (void)state;
  struct adze_pose_options options;
  adze_pose_options_init(&options);
  struct adze_person person;
  float places[2 * HEAD] = {-1, -2, -2, 0, INFINITY, 0, 3, -3, 5.5f, -6};
  struct pose_frame frame =
      frame_of(&options, &person, 32, places, ARRAY_COUNT(places));
  const double to_image[6] = {2, 0, 10, 0, 2, 20};
  memcpy(frame.to_image, to_image, sizeof to_image);
  pose_network_head.decode(&frame);
  assert_int_equal(frame.person_count, 1);
  assert_true(person.score == 0.25f);
  assert_true(person.keypoints[0].x == 2 * 15.5f + 10);
  assert_true(person.keypoints[0].y == 2 * 14.5f + 20);
  assert_true(person.keypoints[1].x == 2 * 18.5f + 10);
  assert_true(person.keypoints[3].x == 2 * 21 + 10);
  assert_true(person.keypoints[3].score == 1);
  /* Not a place. */
  assert_true(person.keypoints[4].score == 0);
  for (int k = HEAD; k < ADZE_KEYPOINT_COUNT; k++)
    assert_true(person.keypoints[k].score == 0);
}

/* Its left arm hangs, the right one points up and to the right by 3 and 4. */
static struct adze_person armed(void) {
  struct adze_person person = upright();
  person.keypoints[ADZE_KEYPOINT_LEFT_ELBOW] =
      (struct adze_keypoint){115, 90, 0.5f};
  person.keypoints[ADZE_KEYPOINT_RIGHT_ELBOW] =
      (struct adze_keypoint){60, 60, 0.5f};
  person.keypoints[ADZE_KEYPOINT_RIGHT_WRIST] =
      (struct adze_keypoint){66, 52, 0.5f};
  return person;
}

enum { LEFT_ELBOW, RIGHT_ELBOW, LEFT_WRIST, RIGHT_WRIST, LEFT_KNEE };

static void test_limb_regions(void **state) {
  (void)state;
  const struct adze_image image = {.width = 200, .height = 160};
  struct adze_person person = armed();
  struct pose_region region;
  assert_int_equal(pose_network_limb.part_count, 8);
  assert_true(pose_network_limb.region(&person, &image, LEFT_ELBOW, &region));
  assert_square(&region.box, 115, 90, 0.9f * 60);
  assert_true(region.box.score == 0.5f && region.part == LEFT_ELBOW);
  assert_true(region.down_x == 0 && region.down_y == 30 && !region.mirrored);
  assert_true(pose_network_limb.region(&person, &image, RIGHT_WRIST, &region));
  assert_square(&region.box, 66, 52, 0.9f * 60);
  assert_true(region.down_x == 6 && region.down_y == -8 && region.mirrored);
  assert_int_equal(region.part, RIGHT_WRIST);
  /* Not found: itself, or what it hangs on. */
  assert_false(pose_network_limb.region(&person, &image, LEFT_WRIST, &region));
  person.keypoints[ADZE_KEYPOINT_LEFT_KNEE] =
      (struct adze_keypoint){100, 100, 1};
  person.keypoints[ADZE_KEYPOINT_LEFT_HIP].score = 0;
  assert_true(pose_network_limb.region(&person, &image, LEFT_KNEE, &region));
  assert_true(region.down_x == 0 && region.down_y == 0);
}

/* What is seen below and left of the middle, of a wrist that points right and
 * is mirrored. */
static void test_limb_place(void **state) {
  (void)state;
  struct adze_pose_options options;
  adze_pose_options_init(&options);
  struct adze_person person;
  float places[8] = {9, 2, 9, 9, 9, -1, 9, 9};
  struct pose_frame frame =
      frame_of(&options, &person, 24, places, ARRAY_COUNT(places));
  const double to_image[6] = {0, 2, 50, 2, 0, 60};
  memcpy(frame.to_image, to_image, sizeof to_image);
  frame.region.part = RIGHT_WRIST;
  pose_network_limb.decode(&frame);
  assert_int_equal(frame.person_count, 1);
  for (int k = 0; k < ADZE_KEYPOINT_COUNT; k++)
    assert_true(person.keypoints[k].score == (k == ADZE_KEYPOINT_RIGHT_WRIST));
  const struct adze_keypoint *wrist =
      &person.keypoints[ADZE_KEYPOINT_RIGHT_WRIST];
  assert_true(wrist->x == 2 * 13.5f + 50 && wrist->y == 2 * 10.5f + 60);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_region),     cmocka_unit_test(test_no_region),
      cmocka_unit_test(test_places),     cmocka_unit_test(test_limb_regions),
      cmocka_unit_test(test_limb_place),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
