/* SPDX-License-Identifier: Apache-2.0 */
/* Turning: all eight orientations of a small picture, and Exif blocks good and
 * bad. */
#include "test.h"

#include "media/orientation.h"
#include "media/probe.h"

/* The picture "abc/def" as text after turning. */
static void check_turn(int orientation, const char *expected) {
  struct adze_image image;
  assert_int_equal(adze_image_create(3, 2, &image, NULL), ADZE_OK);
  for (int i = 0; i < 6; i++)
    memset(image.pixels + 3 * i, 'a' + i, 3);
  assert_int_equal(orientation_apply(orientation, &image, NULL), ADZE_OK);
  char text[16] = "";
  size_t used = 0;
  for (int y = 0; y < image.height; y++) {
    if (y)
      text[used++] = '/';
    for (int x = 0; x < image.width; x++)
      text[used++] = (char)image.pixels[(size_t)y * image.stride + 3 * x + 1];
  }
  text[used] = 0;
  assert_string_equal(text, expected);
  adze_image_release(&image);
}

static void test_turns(void **state) {
  (void)state;
  check_turn(1, "abc/def");
  check_turn(2, "cba/fed");
  check_turn(3, "fed/cba");
  check_turn(4, "def/abc");
  check_turn(5, "ad/be/cf");
  check_turn(6, "da/eb/fc");
  check_turn(7, "fc/eb/da");
  check_turn(8, "cf/be/ad");
}

#define START "\xff\xd8"
#define EXIF                                                                   \
  "\xff\xe1\x00\x22"                                                           \
  "Exif\0\0"
#define LITTLE "II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
#define BIG "MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x08\0\0\0\0\0\0"
#define OTHER                                                                  \
  "\xff\xe0\x00\x04"                                                           \
  "ab"
#define SCAN "\xff\xda\x00\x02"

static int of(const char *bytes, size_t size) {
  /* A copy of exactly this size, so that the sanitizer sees overreads. */
  uint8_t *copy = malloc(size);
  assert_non_null(copy);
  memcpy(copy, bytes, size);
  int orientation = orientation_of_jpeg(copy, size);
  free(copy);
  return orientation;
}
#define OF(text) of(text, sizeof(text) - 1)

static void test_exif(void **state) {
  (void)state;
  assert_int_equal(OF(START EXIF LITTLE SCAN), 6);
  assert_int_equal(OF(START OTHER EXIF BIG SCAN), 8);
  assert_int_equal(OF(START "\xff\xff" EXIF BIG SCAN), 8);
  assert_int_equal(OF(START SCAN EXIF BIG), 1);
  assert_int_equal(OF(START OTHER SCAN), 1);
  assert_int_equal(OF(START), 1);
}

static void test_damaged_exif(void **state) {
  (void)state;
  static const char good[] = START OTHER EXIF LITTLE SCAN;
  size_t size = sizeof good - 1;
  for (size_t cut = 2; cut < size; cut++) {
    int orientation = of(good, cut);
    assert_true(orientation == 1 || (orientation == 6 && cut >= size - 4));
  }
  srand(3);
  for (int round = 0; round < 5000; round++) {
    char bytes[sizeof good];
    memcpy(bytes, good, sizeof good);
    for (int i = 0; i < 3; i++)
      bytes[(size_t)rand() % size] = (char)rand();
    int orientation = of(bytes, size);
    assert_in_range(orientation, 1, 8);
  }
}

static void test_end(void **state) {
  (void)state;
  struct probe probe;
  static const char good[] = START OTHER SCAN "pixels\xff\xd9";
  static const char thumbnail[] =
      START "\xff\xe1\x00\x04\xff\xd9" SCAN "pixels";
  assert_true(probe_jpeg((const uint8_t *)good, sizeof good - 1, &probe));
  for (size_t cut = 0; cut < sizeof good - 1; cut++)
    assert_false(probe_jpeg((const uint8_t *)good, cut, &probe));
  assert_false(
      probe_jpeg((const uint8_t *)thumbnail, sizeof thumbnail - 1, &probe));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_turns),
      cmocka_unit_test(test_exif),
      cmocka_unit_test(test_damaged_exif),
      cmocka_unit_test(test_end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
