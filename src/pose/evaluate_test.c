/* SPDX-License-Identifier: Apache-2.0 */
/* COCO's scores in cases that can be worked out by hand, and files that are
 * wrong. tests/pose_evaluate.py compares with pycocotools. */
#include "test.h"

#include <math.h>

#include "adze/pose.h"
#include "adze_config.h"
#include "base/file.h"

static char folder[4096], path[4200];

static void write_text(const char *text) {
  struct adze_error error = {.message = ""};
  snprintf(path, sizeof path, "%s/file.json", folder);
  assert_ok(file_write_all(path, text, strlen(text), &error), error);
}

/* Pictures 1 and 2; a person in each, with all keypoints at (x, x) and an area
 * of 100 x 100, and in picture 2 one more that is ignored. */
static void write_annotations(void) {
  char text[8192] = "{\"images\":[{\"id\":2},{\"id\":1}],\"annotations\":[";
  for (int i = 1; i <= 3; i++) {
    char *at = text + strlen(text);
    at += sprintf(at,
                  "%s{\"image_id\":%d,\"area\":10000,\"bbox\":[0,0,100,100],"
                  "\"iscrowd\":%d,\"category_id\":1,\"keypoints\":[",
                  i > 1 ? "," : "", i > 1 ? 2 : 1, i == 3);
    for (int k = 0; k < ADZE_KEYPOINT_COUNT; k++)
      at += sprintf(at, "%s%d,%d,2", k ? "," : "", 100 * i, 100 * i);
    strcpy(at, "]}");
  }
  strcat(text, "]}");
  write_text(text);
}

static void add(adze_coco_results *results, int64_t image_id, float place,
                float score) {
  struct adze_person person = {.score = score};
  struct adze_poses poses = {&person, 1};
  for (int k = 0; k < ADZE_KEYPOINT_COUNT; k++)
    person.keypoints[k] = (struct adze_keypoint){place, place, 1};
  assert_int_equal(adze_coco_results_add(results, image_id, &poses, NULL),
                   ADZE_OK);
}

static struct adze_coco_scores scores_of(adze_coco_results *results) {
  struct adze_coco_scores scores;
  struct adze_error error = {.message = ""};
  assert_ok(adze_coco_evaluate(results, path, &scores, &error), error);
  adze_coco_results_destroy(results);
  assert_int_equal(scores.persons, 2);
  return scores;
}

static void test_scores(void **state) {
  (void)state;
  write_annotations();
  struct adze_coco_scores scores = scores_of(adze_coco_results_create());
  assert_true(scores.ap == 0 && scores.ar == 0 && scores.mean_oks == 0);
  assert_true(scores.ap_medium == -1 && scores.ap_large == 0);

  adze_coco_results *results = adze_coco_results_create();
  add(results, 1, 100, 0.9f);
  add(results, 2, 200, 0.8f);
  scores = scores_of(results);
  assert_true(fabs(scores.ap - 1) < 1e-12 && scores.ar == 1);
  assert_true(scores.mean_oks == 1 && scores.ap_medium == -1);

  /* One of two is found: precision 1 at the recalls up to a half. */
  results = adze_coco_results_create();
  add(results, 2, 200, 0.8f);
  scores = scores_of(results);
  assert_true(fabs(scores.ap - 51.0 / 101) < 1e-12 && scores.ar == 0.5);
  assert_true(scores.mean_oks == 0.5);

  /* An invented person that scores best halves precision; one that lies on a
   * crowd, one in a picture that isn't annotated, and one that scores least
   * cost nothing. */
  results = adze_coco_results_create();
  add(results, 2, 200, 0.8f);
  add(results, 1, 100, 0.7f);
  add(results, 1, 9000, 0.1f);
  add(results, 2, 300, 0.99f);
  add(results, 7, 9000, 1);
  scores = scores_of(results);
  assert_true(fabs(scores.ap - 1) < 1e-12 && scores.ar == 1);
  results = adze_coco_results_create();
  add(results, 2, 200, 0.8f);
  add(results, 1, 100, 0.7f);
  add(results, 1, 9000, 0.9f);
  scores = scores_of(results);
  assert_true(fabs(scores.ap - 2.0 / 3) < 1e-12 && scores.ar == 1);
}

static void test_load(void **state) {
  (void)state;
  adze_coco_results *results = adze_coco_results_create(), *loaded;
  struct adze_error error = {.message = ""};
  write_annotations();
  char annotations[4200];
  snprintf(annotations, sizeof annotations, "%s/annotations.json", folder);
  assert_int_equal(rename(path, annotations), 0);
  add(results, 1, 100, 0.5f);
  add(results, 2, 205, 0.25f);
  snprintf(path, sizeof path, "%s/results.json", folder);
  assert_ok(adze_coco_results_write(results, path, &error), error);
  assert_ok(adze_coco_results_load(path, &loaded, &error), error);
  struct adze_coco_scores written, read;
  assert_ok(adze_coco_evaluate(results, annotations, &written, &error), error);
  assert_ok(adze_coco_evaluate(loaded, annotations, &read, &error), error);
  assert_memory_equal(&written, &read, sizeof read);
  adze_coco_results_destroy(results);
  adze_coco_results_destroy(loaded);
}

static void test_wrong_files(void **state) {
  (void)state;
  static const char *const wrong[] = {
      "",
      "[",
      "{}",
      "[]",
      "{\"annotations\":[{}]}",
      "{\"annotations\":[3]}",
      "{\"images\":[{}],\"annotations\":[]}",
      "{\"annotations\":[{\"image_id\":1,\"area\":1,\"bbox\":[1,2,3,4],"
      "\"keypoints\":[1,2]}]}",
      "{\"annotations\":[{\"image_id\":1,\"area\":\"x\"}]}"};
  adze_coco_results *results = adze_coco_results_create(), *loaded;
  struct adze_coco_scores scores;
  struct adze_error error;
  for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
    write_text(wrong[i]);
    assert_fails(adze_coco_evaluate(results, path, &scores, &error), error,
                 ADZE_INVALID_DATA, "file.json: ");
    if (strcmp(wrong[i], "[]") != 0)
      assert_fails(adze_coco_results_load(path, &loaded, &error), error,
                   ADZE_INVALID_DATA, "file.json: ");
  }
  write_text("[{\"image_id\":1,\"score\":0.5,\"keypoints\":[1]}]");
  assert_fails(adze_coco_results_load(path, &loaded, &error), error,
               ADZE_INVALID_DATA, "keypoints");
  assert_fails(adze_coco_evaluate(results, "no/such.json", &scores, &error),
               error, ADZE_NOT_FOUND, "no/such.json");
  adze_coco_results_destroy(results);
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
      cmocka_unit_test(test_scores),
      cmocka_unit_test(test_load),
      cmocka_unit_test(test_wrong_files),
  };
  if (!ADZE_HAVE_JANSSON) {
    puts("skipped: adze was built without Jansson");
    return TEST_SKIPPED;
  }
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
