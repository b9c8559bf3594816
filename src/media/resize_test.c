/* SPDX-License-Identifier: Apache-2.0 */
/* Stretching and warping against their definitions, evaluated slowly in double
 * precision over the whole picture. */
#include "test.h"

#include <math.h>

#include "adze/image.h"
#include "base/base.h"
#include "media/warp.h"

static struct adze_image random_image(int width, int height) {
  struct adze_image image;
  assert_int_equal(adze_image_create(width, height, &image, NULL), ADZE_OK);
  for (size_t i = 0; i < image.stride * (size_t)height; i++)
    image.pixels[i] = (uint8_t)rand();
  return image;
}

static double pixel(const struct adze_image *image, int x, int y, int c) {
  if (x < 0 || y < 0 || x >= image->width || y >= image->height)
    return 0;
  return image->pixels[(size_t)y * image->stride + 3 * (size_t)x + (size_t)c];
}

/* Weight of source position `j` for output position `i`. */
static double triangle(int i, int j, int from, int to) {
  double step = (double)from / to, width = step > 1 ? step : 1;
  double distance = fabs(j - ((i + 0.5) * step - 0.5)) / width;
  return distance < 1 ? 1 - distance : 0;
}

static double slow_resize(const struct adze_image *image, int width, int height,
                          int x, int y, int c) {
  double sum = 0, weights = 0;
  for (int j = 0; j < image->height; j++)
    for (int i = 0; i < image->width; i++) {
      double weight = triangle(x, i, image->width, width) *
                      triangle(y, j, image->height, height);
      sum += weight * pixel(image, i, j, c);
      weights += weight;
    }
  return sum / weights;
}

static void check_resize(int from_width, int from_height, int width,
                         int height) {
  struct adze_image image = random_image(from_width, from_height);
  float *data = malloc(sizeof *data * (size_t)(3 * width * height));
  assert_non_null(data);
  struct adze_image_target target;
  adze_image_target_init(&target, data, width, height);
  assert_int_equal(adze_image_resize(&image, &target, NULL), ADZE_OK);
  for (int c = 0; c < 3; c++)
    for (int y = 0; y < height; y++)
      for (int x = 0; x < width; x++) {
        double expected = slow_resize(&image, width, height, x, y, c);
        double found = data[(c * height + y) * width + x];
        if (!(fabs(found - expected) < 1e-3))
          fail_msg("%dx%d to %dx%d at %d,%d: %g, expected %g", from_width,
                   from_height, width, height, x, y, found, expected);
      }
  free(data);
  adze_image_release(&image);
}

static void test_resize(void **state) {
  (void)state;
  srand(11);
  check_resize(1, 1, 1, 1);
  check_resize(1, 1, 5, 3);
  check_resize(40, 30, 1, 1);
  check_resize(17, 9, 17, 9);
  check_resize(64, 48, 65, 49);
  for (int i = 0; i < 30; i++)
    check_resize(1 + rand() % 60, 1 + rand() % 60, 1 + rand() % 40,
                 1 + rand() % 40);
}

static double slow_warp(const struct adze_image *image, const double m[6],
                        int x, int y, int c) {
  double u = m[0] * x + m[1] * y + m[2], v = m[3] * x + m[4] * y + m[5];
  int left = (int)floor(u), top = (int)floor(v);
  u -= left;
  v -= top;
  return (1 - u) * (1 - v) * pixel(image, left, top, c) +
         u * (1 - v) * pixel(image, left + 1, top, c) +
         (1 - u) * v * pixel(image, left, top + 1, c) +
         u * v * pixel(image, left + 1, top + 1, c);
}

static double between(double low, double high) {
  return low + (high - low) * rand() / RAND_MAX;
}

/* Places are computed in single precision. */
static void check_warp(const struct adze_image *image, const double m[6],
                       struct adze_image_target *target) {
  int width = target->width, height = target->height;
  assert_int_equal(adze_image_warp(image, m, target, NULL), ADZE_OK);
  for (int c = 0; c < 3; c++)
    for (int y = 0; y < height; y++)
      for (int x = 0; x < width; x++) {
        double expected = slow_warp(image, m, x, y, target->bgr ? 2 - c : c);
        double found =
            target->data[c * target->channel_stride + y * target->row_stride +
                         x * target->column_stride];
        if (!(fabs(found - expected) < 0.02))
          fail_msg("%dx%d to %dx%d at %d,%d: %g, expected %g", image->width,
                   image->height, width, height, x, y, found, expected);
      }
}

static void test_warp(void **state) {
  (void)state;
  srand(12);
  for (int round = 0; round < 60; round++) {
    struct adze_image image = random_image(1 + rand() % 50, 1 + rand() % 50);
    enum { WIDTH = 24, HEIGHT = 32 };
    float data[3 * WIDTH * HEIGHT];
    struct adze_image_target target;
    adze_image_target_init(&target, data, WIDTH, HEIGHT);
    double m[6] = {between(-2, 3), between(-1, 1), between(-30, 30),
                   between(-1, 1), between(-2, 3), between(-30, 30)};
    check_warp(&image, m, &target);
    adze_image_release(&image);
  }
}

/* Boxes, which take another way: inside, over every edge, mirrored, of every
 * width, as planes or pixels. */
static void test_warp_box(void **state) {
  (void)state;
  srand(14);
  for (int round = 0; round < 300; round++) {
    struct adze_image image = random_image(1 + rand() % 50, 1 + rand() % 50);
    int width = 1 + rand() % 40, height = 1 + rand() % 20;
    size_t bytes = sizeof(float) * 3 * (size_t)(width * height);
    float *data = malloc(bytes);
    assert_non_null(data);
    struct adze_image_target target;
    adze_image_target_init(&target, data, width, height);
    target.bgr = round % 3 == 0;
    if (round % 4 == 0) {
      target.channel_stride = 1;
      target.column_stride = 3;
      target.row_stride = 3 * width;
    }
    double m[6] = {between(-2, 3),  0, between(-30, 60), 0, between(-2, 3),
                   between(-30, 60)};
    if (round % 5 == 0) { /* exactly on pixels */
      m[0] = m[4] = 1;
      m[2] = rand() % 9 - 4;
      m[5] = rand() % 9 - 4;
    }
    check_warp(&image, m, &target);
    free(data);
    adze_image_release(&image);
  }
}

/* The steps for this machine give the bits of the plain ones. */
static void test_warp_steps(void **state) {
  (void)state;
  const struct warp_steps *other = warp_steps_avx2();
  if (!other)
    test_skip("this machine has no AVX2");
  enum { WIDTH = 53, BYTES = 3 * 47 };
  uint8_t upper[BYTES], lower[BYTES];
  float mixed[2][BYTES + 1] = {0}, out[2][3 * WIDTH];
  struct warp_column columns[WIDTH];
  srand(15);
  for (int round = 0; round < 50; round++) {
    for (int i = 0; i < BYTES; i++) {
      upper[i] = (uint8_t)rand();
      lower[i] = (uint8_t)rand();
    }
    for (int i = 0; i < WIDTH; i++)
      columns[i] =
          (struct warp_column){3 * (rand() % 46), (float)between(0, 1)};
    float share = (float)between(0, 1);
    for (int i = 0; i < 2; i++) {
      const struct warp_steps *steps = i ? other : &warp_steps_plain;
      steps->mix(upper, lower, 1 - share, share, BYTES, mixed[i]);
      const struct warp_row row = {.mixed = mixed[i],
                                   .columns = columns,
                                   .width = WIDTH,
                                   .column_stride = 1,
                                   .strides = {2 * WIDTH, WIDTH, 0},
                                   .mean = {103, 116, 123},
                                   .scale = {0.017f, 0.018f, 0.019f}};
      steps->spread(&row, 0, out[i]);
    }
    assert_memory_equal(mixed[0], mixed[1], sizeof mixed[0]);
    assert_memory_equal(out[0], out[1], sizeof out[0]);
  }
}

static void test_warp_far_away(void **state) {
  (void)state;
  struct adze_image image = random_image(5, 4);
  float data[3 * 4] = {1};
  struct adze_image_target target;
  adze_image_target_init(&target, data, 2, 2);
  const double places[] = {1e30, -1e30, 1e300, NAN, INFINITY, -INFINITY};
  for (size_t i = 0; i < ARRAY_COUNT(places); i++) {
    const double m[6] = {1, 0, places[i], 0, 1, 1};
    assert_int_equal(adze_image_warp(&image, m, &target, NULL), ADZE_OK);
    for (int j = 0; j < 12; j++)
      assert_true(data[j] == 0);
  }
  adze_image_release(&image);
}

/* Layout, channel order and normalisation are the target's. */
static void test_target(void **state) {
  (void)state;
  srand(13);
  struct adze_image image = random_image(7, 5);
  float plain[3 * 5 * 7], other[3 * 5 * 7];
  struct adze_image_target target;
  adze_image_target_init(&target, plain, 7, 5);
  assert_int_equal(adze_image_resize(&image, &target, NULL), ADZE_OK);
  target = (struct adze_image_target){.data = other,
                                      .width = 7,
                                      .height = 5,
                                      .channel_stride = 1,
                                      .row_stride = 21,
                                      .column_stride = 3,
                                      .mean = {10, 20, 30},
                                      .scale = {1, 2, 0.5f},
                                      .bgr = true};
  const double identity[6] = {1, 0, 0, 0, 1, 0};
  for (int warped = 0; warped < 2; warped++) {
    memset(other, 0, sizeof other);
    if (warped)
      assert_int_equal(adze_image_warp(&image, identity, &target, NULL),
                       ADZE_OK);
    else
      assert_int_equal(adze_image_resize(&image, &target, NULL), ADZE_OK);
    for (int y = 0; y < 5; y++)
      for (int x = 0; x < 7; x++)
        for (int c = 0; c < 3; c++) {
          float value = plain[((2 - c) * 5 + y) * 7 + x];
          assert_true(fabsf(value - (float)pixel(&image, x, y, 2 - c)) < 1e-4f);
          assert_true(fabsf(other[y * 21 + x * 3 + c] -
                            (value - target.mean[c]) * target.scale[c]) <
                      1e-3f);
        }
  }
  adze_image_release(&image);
}

static void test_wrong_sizes(void **state) {
  (void)state;
  struct adze_image image = random_image(7, 5);
  float data[3];
  struct adze_image_target target;
  adze_image_target_init(&target, data, 0, 5);
  assert_int_equal(adze_image_resize(&image, &target, NULL),
                   ADZE_INVALID_ARGUMENT);
  adze_image_target_init(&target, data, 1, 1);
  struct adze_image narrow = image;
  narrow.stride = 20;
  assert_int_equal(adze_image_resize(&narrow, &target, NULL),
                   ADZE_INVALID_ARGUMENT);
  narrow = (struct adze_image){0};
  const double m[6] = {0};
  assert_int_equal(adze_image_warp(&narrow, m, &target, NULL),
                   ADZE_INVALID_ARGUMENT);
  adze_image_release(&image);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_resize),        cmocka_unit_test(test_warp),
      cmocka_unit_test(test_warp_box),      cmocka_unit_test(test_warp_steps),
      cmocka_unit_test(test_warp_far_away), cmocka_unit_test(test_target),
      cmocka_unit_test(test_wrong_sizes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
