/* SPDX-License-Identifier: Apache-2.0 */
/* Reading pictures: every format against the formula that test/make.py drew,
 * and damage of every kind. Writing PNG: what was written reads back equal. */
#include "test.h"

#include "adze/image.h"
#include "adze_config.h"
#include "base/base.h"
#include "base/file.h"

static char path_buffer[4096];
static const char *test_file(const char *name) {
  snprintf(path_buffer, sizeof path_buffer, "%s/src/media/test/%s",
           ADZE_SOURCE_DIR, name);
  return path_buffer;
}

/* Mean difference from red = 6 x, green = 10 y, blue = 128, or from its
 * luminance. */
static double difference(const struct adze_image *image, bool grey) {
  double sum = 0;
  for (int y = 0; y < image->height; y++)
    for (int x = 0; x < image->width; x++) {
      double drawn[3] = {6 * x, 10 * y, 128};
      if (grey)
        drawn[0] = drawn[1] = drawn[2] =
            0.299 * drawn[0] + 0.587 * drawn[1] + 0.114 * drawn[2];
      for (int c = 0; c < 3; c++) {
        double pixel = image->pixels[(size_t)y * image->stride + 3 * x + c];
        sum += pixel > drawn[c] ? pixel - drawn[c] : drawn[c] - pixel;
      }
    }
  return sum / (3.0 * image->width * image->height);
}

static const struct {
  const char *name;
  bool grey;
  double tolerance;
} pictures[] = {
    {"baseline.jpg", false, 1.3}, {"progressive.jpg", false, 0.8},
    {"turned.jpg", false, 1.7},   {"cmyk.jpg", false, 1.2},
    {"grey.jpg", true, 0.8},      {"rgb.png", false, 0},
    {"alpha.png", false, 0},      {"palette.png", false, 2.5},
    {"grey.png", true, 0.6},      {"rgb.bmp", false, 0},
};

static void test_formats(void **state) {
  (void)state;
  for (size_t i = 0; i < ARRAY_COUNT(pictures); i++) {
    struct adze_image image;
    struct adze_error error = {.message = ""};
    enum adze_status status =
        adze_image_load(test_file(pictures[i].name), &image, &error);
    if (!ADZE_HAVE_FFMPEG) {
      assert_int_equal(status, ADZE_UNAVAILABLE);
      continue;
    }
    assert_string_equal(error.message, "");
    assert_int_equal(image.width, 40);
    assert_int_equal(image.height, 24);
    double found = difference(&image, pictures[i].grey);
    if (found > pictures[i].tolerance)
      fail_msg("%s: differs by %g", pictures[i].name, found);
    adze_image_release(&image);
    assert_null(image.pixels);
  }
}

/* Decodes damaged bytes; returns the status. */
static enum adze_status try_decode(const uint8_t *data, size_t size) {
  /* A copy of exactly this size, so that the sanitizer sees overreads. */
  uint8_t *copy = malloc(size ? size : 1);
  assert_non_null(copy);
  if (size)
    memcpy(copy, data, size);
  struct adze_image image;
  struct adze_error error = {.message = ""};
  enum adze_status status =
      adze_image_decode(copy, size, "some.file", &image, &error);
  free(copy);
  if (status == ADZE_OK) {
    adze_image_release(&image);
    return status;
  }
  assert_int_equal(status, error.status);
  assert_true(status == ADZE_INVALID_DATA || status == ADZE_UNSUPPORTED ||
              status == ADZE_LIMIT || status == ADZE_UNAVAILABLE);
  assert_ptr_equal(strstr(error.message, "some.file: "), error.message);
  assert_null(strchr(error.message, '\n'));
  return status;
}

static void test_cut_files(void **state) {
  (void)state;
  for (size_t i = 0; i < ARRAY_COUNT(pictures); i++) {
    struct file_map map;
    assert_int_equal(file_map_open(test_file(pictures[i].name), &map, NULL),
                     ADZE_OK);
    for (size_t size = 0; size < map.size; size++)
      if (try_decode(map.data, size) == ADZE_OK)
        fail_msg("%s: %zu of its %zu bytes are accepted", pictures[i].name,
                 size, map.size);
    file_map_close(&map);
  }
}

static void test_flipped_bits(void **state) {
  (void)state;
  srand(7);
  for (size_t i = 0; i < ARRAY_COUNT(pictures); i++) {
    struct file_map map;
    assert_int_equal(file_map_open(test_file(pictures[i].name), &map, NULL),
                     ADZE_OK);
    uint8_t *copy = malloc(map.size);
    assert_non_null(copy);
    for (int round = 0; round < 300; round++) {
      memcpy(copy, map.data, map.size);
      for (int flips = 1 + rand() % 4; flips > 0; flips--)
        copy[(size_t)rand() % map.size] ^= (uint8_t)(1 << rand() % 8);
      (void)try_decode(copy, map.size);
    }
    free(copy);
    file_map_close(&map);
  }
}

/* Damage that a checksum sees is never hidden: all of a PNG from its header. */
static void test_checksums(void **state) {
  (void)state;
  struct file_map map;
  assert_int_equal(file_map_open(test_file("rgb.png"), &map, NULL), ADZE_OK);
  uint8_t *copy = malloc(map.size);
  assert_non_null(copy);
  for (size_t i = 8; i < map.size - 12; i++) {
    memcpy(copy, map.data, map.size);
    copy[i] ^= (uint8_t)(1 << i % 8);
    if (try_decode(copy, map.size) == ADZE_OK)
      fail_msg("a PNG with byte %zu changed is accepted", i);
  }
  free(copy);
  file_map_close(&map);
}

/* Pixels missing in the middle of a JPEG, whose end is there. */
static void test_hole(void **state) {
  (void)state;
  struct file_map map;
  assert_int_equal(file_map_open(test_file("baseline.jpg"), &map, NULL),
                   ADZE_OK);
  uint8_t *copy = malloc(map.size);
  assert_non_null(copy);
  size_t hole = 120, tail = 20, size = map.size - hole;
  memcpy(copy, map.data, size - tail);
  memcpy(copy + size - tail, map.data + map.size - tail, tail);
  assert_int_not_equal(try_decode(copy, size), ADZE_OK);
  free(copy);
  file_map_close(&map);
}

/* A BMP and a PNG header that promise far more pixels than memory. */
static void test_huge_sizes(void **state) {
  (void)state;
  uint8_t bmp[54] = {'B', 'M', 54, [10] = 54, [14] = 40};
  memcpy(bmp + 18, "\xff\xff\xff\x7f\xff\xff\xff\x7f\x01\x00\x18\x00", 12);
  assert_int_not_equal(try_decode(bmp, sizeof bmp), ADZE_OK);
  static const uint8_t png[] =
      "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\x7f\xff\xff\xff\x7f\xff\xff\xff\x08\x02";
  assert_int_not_equal(try_decode(png, sizeof png), ADZE_OK);
}

static void test_other_files(void **state) {
  (void)state;
  static const uint8_t text[] = "GIF89a, or anything else";
  assert_int_not_equal(try_decode(text, sizeof text), ADZE_OK);
  struct adze_image image;
  struct adze_error error;
  assert_int_equal(adze_image_load("no/such/file.jpg", &image, &error),
                   ADZE_NOT_FOUND);
  assert_non_null(strstr(error.message, "no/such/file.jpg"));
  assert_int_equal(adze_image_create(0, 3, &image, &error),
                   ADZE_INVALID_ARGUMENT);
  assert_int_equal(adze_image_create(65535, 65535, &image, &error), ADZE_LIMIT);
}

/* Real photos, where they lie beside the project. */
static void test_photos(void **state) {
  (void)state;
  static const struct {
    const char *name;
    int width, height;
  } photos[] = {{"000000000785.jpg", 640, 425},
                {"p2.jpg", 500, 422},
                {"test_couple.jpg", 1920, 1278},
                {"squat.bmp", 500, 610},
                {"cat.bmp", 512, 341}};
  for (size_t i = 0; i < ARRAY_COUNT(photos); i++) {
    struct adze_image image;
    struct adze_error error = {.message = ""};
    snprintf(path_buffer, sizeof path_buffer, "%s/photos/%s", ADZE_SHARED,
             photos[i].name);
    enum adze_status status = adze_image_load(path_buffer, &image, &error);
    if (status == ADZE_NOT_FOUND || status == ADZE_UNAVAILABLE) {
      print_message("skipped: %s\n", error.message);
      return;
    }
    assert_string_equal(error.message, "");
    assert_int_equal(image.width, photos[i].width);
    assert_int_equal(image.height, photos[i].height);
    adze_image_release(&image);
  }
}

/* Of any size, with bytes between its rows or without; false when this build
 * can't write or read. */
static bool round_trip(const char *path, int width, int height, size_t beside) {
  struct adze_error error = {.message = ""};
  size_t stride = 3 * (size_t)width + beside;
  uint8_t *pixels = malloc(stride * (size_t)height);
  assert_non_null(pixels);
  for (size_t i = 0; i < stride * (size_t)height; i++)
    pixels[i] = (uint8_t)(i * 7 + i / 31 + (i & 64 ? (size_t)rand() : 0));
  struct adze_image image = {pixels, width, height, stride}, back = {0};
  enum adze_status status = adze_image_write_png(&image, path, &error);
  if (status == ADZE_OK)
    status = adze_image_load(path, &back, &error);
  if (status != ADZE_UNAVAILABLE) {
    assert_string_equal(error.message, "");
    assert_int_equal(back.width, width);
    assert_int_equal(back.height, height);
    for (int y = 0; y < height; y++)
      assert_memory_equal(pixels + (size_t)y * stride,
                          back.pixels + (size_t)y * back.stride,
                          3 * (size_t)width);
  }
  adze_image_release(&back);
  free(pixels);
  return status == ADZE_OK;
}

static void test_png_round_trip(void **state) {
  (void)state;
  struct adze_error error = {.message = ""};
  char folder[4096], path[4200];
  assert_ok(folder_make_temporary(folder, &error), error);
  snprintf(path, sizeof path, "%s/out.png", folder);
  srand(21);
  if (round_trip(path, 37, 19, 0)) {
    round_trip(path, 1, 1, 0);
    round_trip(path, 1, 300, 5);
    round_trip(path, 3000, 2, 0);
    round_trip(path, 40000, 1, 0);
    for (int i = 0; i < 20; i++)
      round_trip(path, 1 + rand() % 200, 1 + rand() % 100,
                 (size_t)(rand() % 40));
    struct adze_image image;
    assert_int_equal(adze_image_create(3, 2, &image, &error), ADZE_OK);
    memset(image.pixels, 0, image.stride * 2);
    assert_fails(adze_image_write_png(&image, "/no/such/folder/x.png", &error),
                 error, ADZE_IO, "/no/such/folder");
    adze_image_release(&image);
    assert_fails(adze_image_write_png(&image, path, &error), error,
                 ADZE_INVALID_ARGUMENT, "no pixels");
  }
  folder_remove(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_formats),        cmocka_unit_test(test_cut_files),
      cmocka_unit_test(test_flipped_bits),   cmocka_unit_test(test_huge_sizes),
      cmocka_unit_test(test_other_files),    cmocka_unit_test(test_photos),
      cmocka_unit_test(test_png_round_trip), cmocka_unit_test(test_checksums),
      cmocka_unit_test(test_hole),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
