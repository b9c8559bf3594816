/* SPDX-License-Identifier: Apache-2.0 */
/* Drawing: where it changes pixels and where not, the same every time, and
 * keypoints from anywhere. */
#include "test.h"

#include <math.h>

#include "adze/pose.h"
#include "adze_config.h"
#include "base/base.h"

enum { WIDTH = 90, HEIGHT = 70 };

static struct adze_image grey_image(void) {
  struct adze_image image;
  assert_int_equal(adze_image_create(WIDTH, HEIGHT, &image, NULL), ADZE_OK);
  memset(image.pixels, 100, image.stride * HEIGHT);
  return image;
}

static bool is_drawn(const struct adze_image *image, int x, int y) {
  const uint8_t *pixel =
      image->pixels + (size_t)y * image->stride + 3 * (size_t)x;
  return pixel[0] != 100 || pixel[1] != 100 || pixel[2] != 100;
}

static bool is_any_drawn(const struct adze_image *image) {
  for (int y = 0; y < HEIGHT; y++)
    for (int x = 0; x < WIDTH; x++)
      if (is_drawn(image, x, y))
        return true;
  return false;
}

/* A left arm from (20, 20) over (50, 20) to (50, 50). */
static struct adze_person arm(void) {
  struct adze_person person = {.score = 1};
  person.keypoints[ADZE_KEYPOINT_LEFT_SHOULDER] =
      (struct adze_keypoint){20, 20, 0.9f};
  person.keypoints[ADZE_KEYPOINT_LEFT_ELBOW] =
      (struct adze_keypoint){50, 20, 0.8f};
  person.keypoints[ADZE_KEYPOINT_LEFT_WRIST] =
      (struct adze_keypoint){50, 50, 0.7f};
  return person;
}

static struct adze_image draw(const struct adze_person *persons, size_t count,
                              const struct adze_draw_options *options) {
  struct adze_image image = grey_image();
  struct adze_poses poses = {persons, count};
  assert_int_equal(adze_poses_draw(&poses, options, &image, NULL), ADZE_OK);
  return image;
}

static void test_places(void **state) {
  (void)state;
  struct adze_person person = arm();
  struct adze_image image = draw(&person, 1, NULL);
  assert_true(is_drawn(&image, 20, 20));
  assert_true(is_drawn(&image, 35, 20));
  assert_true(is_drawn(&image, 50, 35));
  assert_true(is_drawn(&image, 50, 50));
  assert_false(is_drawn(&image, 35, 35));
  assert_false(is_drawn(&image, 5, 60));
  assert_false(is_drawn(&image, 80, 10));
  /* The left side is green. */
  const uint8_t *bone = image.pixels + 20 * image.stride + 3 * 35;
  assert_true(bone[1] > bone[0] && bone[1] > bone[2]);
  adze_image_release(&image);
}

static void test_options(void **state) {
  (void)state;
  struct adze_person person = arm();
  struct adze_draw_options options;
  adze_draw_options_init(&options);
  options.threshold = 0.75f; /* no wrist */
  struct adze_image image = draw(&person, 1, &options);
  assert_true(is_drawn(&image, 35, 20));
  assert_false(is_drawn(&image, 50, 40));
  adze_image_release(&image);
  options.alpha = 0;
  image = draw(&person, 1, &options);
  assert_false(is_any_drawn(&image));
  adze_image_release(&image);
  adze_draw_options_init(&options);
  options.line_width = 12;
  image = draw(&person, 1, &options);
  assert_true(is_drawn(&image, 35, 25));
  adze_image_release(&image);
}

static const uint8_t *pixel_at(const struct adze_image *image, int x, int y) {
  return image->pixels + (size_t)y * image->stride + 3 * (size_t)x;
}

/* Opaque, a limb has its colour; with less alpha it is that far from grey; in a
 * corner and beyond it, what is inside the picture is drawn. */
static void test_alpha(void **state) {
  (void)state;
  struct adze_person person = arm();
  struct adze_draw_options options;
  adze_draw_options_init(&options);
  options.line_width = 8;
  options.alpha = 1;
  struct adze_image image = draw(&person, 1, &options);
  static const uint8_t green[3] = {26, 224, 133};
  for (int c = 0; c < 3; c++)
    assert_true(abs(pixel_at(&image, 35, 20)[c] - green[c]) <= 1);
  adze_image_release(&image);
  for (int tenths = 1; tenths < 10; tenths++) {
    options.alpha = (float)tenths / 10;
    image = draw(&person, 1, &options);
    for (int c = 0; c < 3; c++) {
      double expected = 100 + options.alpha * (green[c] - 100);
      assert_true(fabs(pixel_at(&image, 35, 20)[c] - expected) <= 1.5);
    }
    adze_image_release(&image);
  }
  options.alpha = NAN;
  image = draw(&person, 1, &options);
  assert_false(is_any_drawn(&image));
  adze_image_release(&image);
}

static void test_edges(void **state) {
  (void)state;
  struct adze_person person = arm();
  person.keypoints[ADZE_KEYPOINT_LEFT_SHOULDER].x = -20;
  person.keypoints[ADZE_KEYPOINT_LEFT_SHOULDER].y = HEIGHT - 1;
  person.keypoints[ADZE_KEYPOINT_LEFT_ELBOW].x = WIDTH - 1;
  person.keypoints[ADZE_KEYPOINT_LEFT_ELBOW].y = HEIGHT - 1;
  person.keypoints[ADZE_KEYPOINT_LEFT_WRIST].x = WIDTH - 1;
  person.keypoints[ADZE_KEYPOINT_LEFT_WRIST].y = -300;
  struct adze_image image = draw(&person, 1, NULL);
  assert_true(is_drawn(&image, 0, HEIGHT - 1));
  assert_true(is_drawn(&image, WIDTH - 1, HEIGHT - 1));
  assert_true(is_drawn(&image, WIDTH - 1, 0));
  assert_false(is_drawn(&image, 0, 0));
  adze_image_release(&image);
  /* All of a person beside the picture. */
  for (int k = 0; k < ADZE_KEYPOINT_COUNT; k++)
    person.keypoints[k].x += 500;
  image = draw(&person, 1, NULL);
  assert_false(is_any_drawn(&image));
  adze_image_release(&image);
}

static void test_same_every_time(void **state) {
  (void)state;
  struct adze_person persons[2] = {arm(), arm()};
  for (int k = 0; k < ADZE_KEYPOINT_COUNT; k++)
    persons[1].keypoints[k] = (struct adze_keypoint){
        (float)(13 * k % WIDTH), (float)(29 * k % HEIGHT), 0.5f};
  struct adze_image first = draw(persons, 2, NULL);
  struct adze_image second = draw(persons, 2, NULL);
  assert_memory_equal(first.pixels, second.pixels, first.stride * HEIGHT);
  adze_image_release(&first);
  adze_image_release(&second);
}

static void test_nothing(void **state) {
  (void)state;
  struct adze_image image = draw(NULL, 0, NULL);
  assert_false(is_any_drawn(&image));
  adze_image_release(&image);
  struct adze_person person = {.score = 1};
  image = draw(&person, 1, NULL);
  assert_false(is_any_drawn(&image));
  adze_image_release(&image);
  struct adze_poses poses = {&person, 1};
  image = (struct adze_image){0};
  assert_int_equal(adze_poses_draw(&poses, NULL, &image, NULL),
                   ADZE_INVALID_ARGUMENT);
}

static void test_any_keypoints(void **state) {
  (void)state;
  const float values[] = {0, -5, 30, 89.5f, 1e5f, -1e5f, 1e30f, -INFINITY, NAN};
  srand(5);
  for (int round = 0; round < 200; round++) {
    struct adze_person person = {.score = 1};
    for (int k = 0; k < ADZE_KEYPOINT_COUNT; k++) {
      person.keypoints[k].x = values[(size_t)rand() % ARRAY_COUNT(values)];
      person.keypoints[k].y = values[(size_t)rand() % ARRAY_COUNT(values)];
      person.keypoints[k].score =
          rand() % 8 ? 1 : values[(size_t)rand() % ARRAY_COUNT(values)];
    }
    struct adze_image image = draw(&person, 1, NULL);
    adze_image_release(&image);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_places),          cmocka_unit_test(test_options),
      cmocka_unit_test(test_alpha),           cmocka_unit_test(test_edges),
      cmocka_unit_test(test_same_every_time), cmocka_unit_test(test_nothing),
      cmocka_unit_test(test_any_keypoints),
  };
  if (!ADZE_HAVE_CAIRO) {
    puts("skipped: adze was built without Cairo");
    return TEST_SKIPPED;
  }
  return cmocka_run_group_tests(tests, NULL, NULL);
}
