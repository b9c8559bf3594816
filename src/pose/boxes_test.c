/* SPDX-License-Identifier: Apache-2.0 */
/* COCO's boxes: annotations, detections, and files that are neither. */
#include "test.h"

#include "adze/pose.h"
#include "adze_config.h"
#include "base/file.h"

static char folder[4096], path[4200];

static enum adze_status load(const char *text, float threshold,
                             adze_box_file **out, struct adze_error *error) {
  snprintf(path, sizeof path, "%s/boxes.json", folder);
  struct adze_error write_error = {.message = ""};
  assert_ok(file_write_all(path, text, strlen(text), &write_error),
            write_error);
  return adze_box_file_load(path, threshold, out, error);
}

static const char annotations[] =
    "{\"images\":[{\"id\":7,\"file_name\":\"val/street.jpg\"},"
    "{\"id\":785,\"file_name\":\"000000000785.jpg\"}],"
    "\"annotations\":["
    "{\"image_id\":785,\"bbox\":[1,2.5,30,40],\"num_keypoints\":17,"
    "\"iscrowd\":0,\"category_id\":1},"
    "{\"image_id\":7,\"bbox\":[9,9,5,5]},"
    "{\"image_id\":785,\"bbox\":[5,6,7,8],\"num_keypoints\":3},"
    "{\"image_id\":785,\"bbox\":[0,0,1,1],\"num_keypoints\":0},"
    "{\"image_id\":785,\"bbox\":[0,0,2,2],\"iscrowd\":1},"
    "{\"image_id\":785,\"bbox\":[0,0,3,3],\"category_id\":18},"
    "{\"image_id\":785,\"bbox\":[0,0,0,3]}]}";

static void test_annotations(void **state) {
  (void)state;
  adze_box_file *file;
  struct adze_error error = {.message = ""};
  const struct adze_box *boxes;
  assert_ok(load(annotations, 0.3f, &file, &error), error);
  assert_int_equal(adze_box_file_find(file, "a/000000000785.jpg", &boxes), 2);
  assert_true(boxes[0].x == 1 && boxes[0].y == 2.5f && boxes[0].width == 30 &&
              boxes[0].height == 40 && boxes[0].score == 1);
  assert_true(boxes[1].x == 5);
  assert_int_equal(adze_box_file_find(file, "street.jpg", &boxes), 1);
  assert_true(boxes[0].x == 9);
  assert_int_equal(adze_box_file_find(file, "COCO_785.png", &boxes), 2);
  assert_int_equal(adze_box_file_find(file, "other.jpg", &boxes), 0);
  assert_non_null(boxes);
  assert_int_equal(adze_box_file_find(file, "999.jpg", &boxes), 0);
  adze_box_file_destroy(file);
  adze_box_file_destroy(NULL);
}

static void test_detections(void **state) {
  (void)state;
  adze_box_file *file;
  struct adze_error error = {.message = ""};
  const struct adze_box *boxes;
  assert_ok(load("[{\"image_id\":3,\"bbox\":[1,2,3,4],\"score\":0.9},"
                 "{\"image_id\":3,\"bbox\":[2,2,3,4],\"score\":0.2},"
                 "{\"image_id\":3,\"bbox\":[3,2,3,4],\"score\":0.5,"
                 "\"category_id\":1}]",
                 0.3f, &file, &error),
            error);
  assert_int_equal(adze_box_file_find(file, "3.jpg", &boxes), 2);
  assert_true(boxes[0].x == 1 && boxes[0].score == 0.9f);
  assert_true(boxes[1].x == 3 && boxes[1].score == 0.5f);
  adze_box_file_destroy(file);
  assert_ok(load("[]", 0, &file, &error), error);
  assert_int_equal(adze_box_file_find(file, "3.jpg", &boxes), 0);
  adze_box_file_destroy(file);
}

static void test_wrong_files(void **state) {
  (void)state;
  static const struct {
    const char *text, *part;
  } wrong[] = {
      {"", "not JSON"},
      {"{", "not JSON"},
      {"3", "not JSON"},
      {"{}", "neither COCO annotations"},
      {"{\"annotations\":{}}", "neither COCO annotations"},
      {"[3]", "detection 0 is not an object"},
      {"[{\"bbox\":[1,2,3,4]}]", "detection 0 has no whole number"},
      {"[{\"image_id\":\"x\",\"bbox\":[1,2,3,4]}]", "\"image_id\""},
      {"[{\"image_id\":1}]", "\"bbox\""},
      {"[{\"image_id\":1,\"bbox\":[1,2,3]}]", "\"bbox\""},
      {"[{\"image_id\":1,\"bbox\":[1,2,3,\"4\"]}]", "\"bbox\""},
      {"[{\"image_id\":1,\"bbox\":[1,2,3,1e300]}]", "\"bbox\""},
      {"{\"images\":[{\"id\":1}],\"annotations\":[]}", "file_name"},
      {"{\"images\":[{\"file_name\":\"x\"}],\"annotations\":[]}", "\"id\""},
      {"{\"images\":[7],\"annotations\":[]}", "file_name"},
  };
  for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
    adze_box_file *file;
    struct adze_error error;
    assert_fails(load(wrong[i].text, 0, &file, &error), error,
                 ADZE_INVALID_DATA, wrong[i].part);
    assert_non_null(strstr(error.message, "boxes.json: "));
  }
  adze_box_file *file;
  struct adze_error error;
  assert_fails(adze_box_file_load("no/such.json", 0, &file, &error), error,
               ADZE_NOT_FOUND, "no/such.json");
}

static void test_cut_and_changed(void **state) {
  (void)state;
  struct test_random random = {9};
  for (size_t size = 0; size < sizeof annotations - 1; size++) {
    char text[sizeof annotations];
    memcpy(text, annotations, sizeof text);
    text[size] = 0;
    adze_box_file *file;
    struct adze_error error;
    assert_fails(load(text, 0, &file, &error), error, ADZE_INVALID_DATA, "");
    memcpy(text, annotations, sizeof text);
    for (int i = 0; i < 3; i++)
      text[test_random_range(&random, 0, sizeof annotations - 2)] =
          (char)test_random_range(&random, 32, 126);
    if (load(text, 0, &file, &error) == ADZE_OK)
      adze_box_file_destroy(file);
  }
}

static void test_deep(void **state) {
  (void)state;
  char *text = malloc(1000001);
  assert_non_null(text);
  memset(text, '[', 1000000);
  text[1000000] = 0;
  adze_box_file *file;
  struct adze_error error;
  assert_fails(load(text, 0, &file, &error), error, ADZE_INVALID_DATA,
               "not JSON");
  free(text);
}

static int make_folder(void **state) {
  (void)state;
  return folder_make_temporary(folder, NULL) == ADZE_OK ? 0 : -1;
}

static int remove_folder(void **state) {
  (void)state;
  folder_remove(folder);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_annotations),
      cmocka_unit_test(test_detections),
      cmocka_unit_test(test_wrong_files),
      cmocka_unit_test(test_cut_and_changed),
      cmocka_unit_test(test_deep),
  };
  if (!ADZE_HAVE_JANSSON) {
    puts("skipped: adze was built without Jansson");
    return TEST_SKIPPED;
  }
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
