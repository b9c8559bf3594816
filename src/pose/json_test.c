/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON that is written, byte for byte, and numbers in names of files. */
#include "test.h"

#include <locale.h>
#include <math.h>

#include "adze/pose.h"
#include "base/file.h"
#include "pose/json_text.h"

static const char *number(struct arena *arena, double value, int decimals) {
  struct text text = {.arena = arena};
  json_number(&text, value, decimals);
  return text_string(&text);
}

static void test_numbers(void **state) {
  (void)state;
  struct arena *arena = arena_create("test");
  setlocale(LC_ALL, "de_DE.UTF-8");
  assert_string_equal(number(arena, 0, 3), "0");
  assert_string_equal(number(arena, 1.5, 3), "1.5");
  assert_string_equal(number(arena, -0.25, 3), "-0.25");
  assert_string_equal(number(arena, -0.0001, 3), "0");
  assert_string_equal(number(arena, 12.3456, 3), "12.346");
  assert_string_equal(number(arena, 12.0004, 3), "12");
  assert_string_equal(number(arena, 7.010, 3), "7.01");
  assert_string_equal(number(arena, 0.999999, 6), "0.999999");
  assert_string_equal(number(arena, 41.9, 0), "42");
  assert_string_equal(number(arena, NAN, 3), "0");
  assert_string_equal(number(arena, INFINITY, 3), "0");
  assert_string_equal(number(arena, 1e30, 3), "1000000000000");
  assert_string_equal(number(arena, -1e30, 3), "-1000000000000");
  setlocale(LC_ALL, "C");
  arena_destroy(arena);
}

static struct adze_person person(void) {
  struct adze_person made = {.score = 0.75f};
  made.keypoints[0] = (struct adze_keypoint){10.5f, 20, 0.5f};
  made.keypoints[16] = (struct adze_keypoint){-3.25f, 7.125f, 1};
  return made;
}

#define ZEROS "0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,"
#define KEYPOINTS "[10.5,20,0.5," ZEROS ZEROS ZEROS "-3.25,7.125,1]"
#define REST                                                                   \
  ",\"face_keypoints_2d\":[],\"hand_left_keypoints_2d\":[],"                   \
  "\"hand_right_keypoints_2d\":[],\"pose_keypoints_3d\":[],"                   \
  "\"face_keypoints_3d\":[],\"hand_left_keypoints_3d\":[],"                    \
  "\"hand_right_keypoints_3d\":[]}"
#define PERSON "\n{\"person_id\":[-1],\"pose_keypoints_2d\":" KEYPOINTS REST

static void check_file(const char *path, const char *expected) {
  struct file_map map;
  struct adze_error error = {.message = ""};
  assert_ok(file_map_open(path, &map, &error), error);
  char *text = calloc(1, map.size + 1);
  assert_non_null(text);
  memcpy(text, map.data, map.size);
  assert_string_equal(text, expected);
  free(text);
  file_map_close(&map);
}

static void test_openpose(void **state) {
  (void)state;
  char folder[4096], path[4200];
  struct adze_error error = {.message = ""};
  assert_ok(folder_make_temporary(folder, &error), error);
  snprintf(path, sizeof path, "%s/x_keypoints.json", folder);
  struct adze_person persons[2] = {person(), person()};
  struct adze_poses poses = {persons, 0};
  assert_ok(adze_poses_write_openpose(&poses, path, &error), error);
  check_file(path, "{\"version\":1.3,\"people\":[]}\n");
  poses.count = 2;
  assert_ok(adze_poses_write_openpose(&poses, path, &error), error);
  check_file(path, "{\"version\":1.3,\"people\":[" PERSON "," PERSON "]}\n");
  snprintf(path, sizeof path, "%s/absent/x.json", folder);
  assert_int_not_equal(adze_poses_write_openpose(&poses, path, &error),
                       ADZE_OK);
  assert_non_null(strstr(error.message, "absent"));
  folder_remove(folder);
}

static void test_coco(void **state) {
  (void)state;
  char folder[4096], path[4200];
  struct adze_error error = {.message = ""};
  assert_ok(folder_make_temporary(folder, &error), error);
  snprintf(path, sizeof path, "%s/results.json", folder);
  adze_coco_results *results = adze_coco_results_create();
  assert_non_null(results);
  assert_ok(adze_coco_results_write(results, path, &error), error);
  check_file(path, "[]\n");
  struct adze_person one = person();
  struct adze_poses poses = {&one, 1};
  assert_ok(adze_coco_results_add(results, 785, &poses, &error), error);
  one.score = 0.5f;
  assert_ok(adze_coco_results_add(results, INT64_C(9000000000), &poses, &error),
            error);
  assert_ok(adze_coco_results_write(results, path, &error), error);
  check_file(path,
             "[\n{\"image_id\":785,\"category_id\":1,\"keypoints\":" KEYPOINTS
             ",\"score\":0.75},"
             "\n{\"image_id\":9000000000,\"category_id\":1,"
             "\"keypoints\":" KEYPOINTS ",\"score\":0.5}]\n");
  adze_coco_results_destroy(results);
  adze_coco_results_destroy(NULL);
  folder_remove(folder);
}

static void test_image_ids(void **state) {
  (void)state;
  assert_int_equal(adze_coco_image_id("000000000785.jpg", -1), 785);
  assert_int_equal(adze_coco_image_id("/1/2/COCO_val2014_000000000785.jpg", 0),
                   785);
  assert_int_equal(adze_coco_image_id("a/12_left.png", -1), 12);
  assert_int_equal(adze_coco_image_id("a9/picture.jp2", 3), 3);
  assert_int_equal(adze_coco_image_id("picture", 4), 4);
  assert_int_equal(adze_coco_image_id("17", 4), 17);
  assert_int_equal(adze_coco_image_id(".5", 4), 5);
  assert_int_equal(adze_coco_image_id("", 4), 4);
  assert_int_equal(adze_coco_image_id("99999999999999999999.png", 5), 5);
  assert_int_equal(adze_coco_image_id("9223372036854775807.png", 5), INT64_MAX);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_numbers),
      cmocka_unit_test(test_openpose),
      cmocka_unit_test(test_coco),
      cmocka_unit_test(test_image_ids),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
