/* SPDX-License-Identifier: Apache-2.0 */
/* What looks at persons and parts of them do to keypoints and scores. */
#include "test.h"

#include <math.h>

#include "pose/refine.h"

static const struct adze_image image = {.width = 101, .height = 51};

/* All keypoints at one place. */
static struct adze_person person_at(float x, float y, float score) {
  struct adze_person person = {.score = 0.5f, .box = {1, 2, 3, 4, 5}};
  for (int k = 0; k < ADZE_KEYPOINT_COUNT; k++)
    person.keypoints[k] = (struct adze_keypoint){x, y, score};
  return person;
}

static void assert_near(float value, float expected) {
  assert_true(fabsf(value - expected) < 1e-5f);
}

static void test_person(void **state) {
  (void)state;
  struct adze_person person = person_at(10, 20, 0.4f);
  struct adze_person again = person_at(11, 20, 0.3f);
  again.score = 0.7f;
  again.box.x = 9;
  again.keypoints[3].score = 0;
  pose_refine_person(&person, &again);
  assert_true(person.score == 0.7f && person.box.x == 1);
  assert_true(person.keypoints[0].x == 11 && person.keypoints[0].score == 0.3f);
  assert_true(person.keypoints[3].score == 0);
}

static void test_part(void **state) {
  (void)state;
  struct adze_person person = person_at(10, 20, 0.4f);
  struct adze_person again = {.score = 0.7f};
  again.keypoints[ADZE_KEYPOINT_NOSE] = (struct adze_keypoint){10, 20, 1};
  again.keypoints[ADZE_KEYPOINT_LEFT_HIP] = (struct adze_keypoint){13, 24, 1};
  pose_refine_part(&person, &again, 50);
  assert_true(person.score == 0.5f);
  assert_true(person.keypoints[ADZE_KEYPOINT_NOSE].score == 0.4f);
  /* 5 pixels from there; it can be told within 2 * 0.107 * 50. */
  const struct adze_keypoint *hip = &person.keypoints[ADZE_KEYPOINT_LEFT_HIP];
  assert_true(hip->x == 13 && hip->y == 24);
  assert_near(hip->score, 0.4f * expf(-25 / (2 * 10.7f * 10.7f)));
  /* What it doesn't know stays. */
  assert_true(person.keypoints[ADZE_KEYPOINT_LEFT_EYE].x == 10);
  assert_true(person.keypoints[ADZE_KEYPOINT_LEFT_EYE].score == 0.4f);
}

static void test_score(void **state) {
  (void)state;
  struct adze_person first = person_at(10, 20, 0.4f), person = first;
  pose_refine_score(&person, &first, &image);
  assert_near(person.score, 0.5f);
  for (int k = 0; k < ADZE_KEYPOINT_COUNT; k++)
    person.keypoints[k].score = 0.1f;
  pose_refine_score(&person, &first, &image);
  assert_near(person.score, 0.125f);
  /* The edges are in the picture; what is outside doesn't count. */
  person = first;
  person.keypoints[0].x = 100;
  person.keypoints[1].y = 50;
  person.keypoints[2].x = person.keypoints[3].y = 0;
  pose_refine_score(&person, &first, &image);
  assert_near(person.score, 0.5f);
  person.keypoints[0].x = 100.5f;
  person.keypoints[1].y = 51;
  person.keypoints[2].x = person.keypoints[3].y = -0.5f;
  pose_refine_score(&person, &first, &image);
  assert_near(person.score, 0.5f * 17 / 13);
  /* Nearly all outside. */
  person = first;
  for (int k = 0; k < 16; k++)
    person.keypoints[k].x = -5;
  pose_refine_score(&person, &first, &image);
  assert_near(person.score, 0.5f * 17 / 3);
  /* Nothing found. */
  first = person_at(0, 0, 0);
  person = first;
  pose_refine_score(&person, &first, &image);
  assert_true(person.score == 0.5f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_person),
      cmocka_unit_test(test_part),
      cmocka_unit_test(test_score),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
