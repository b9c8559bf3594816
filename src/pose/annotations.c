/* SPDX-License-Identifier: Apache-2.0 */
/* Reads COCO's keypoint annotations and keypoint results with Jansson. A value
 * of the wrong kind is an error that names the item. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "base/file.h"
#include "pose/annotations.h"
#include "pose/results.h"

#define PERSON_CATEGORY 1

struct reading {
  struct arena *arena;
  const char *path;
  json_t *root;
  struct adze_error *error;
};

static void release_json(void *root) { json_decref(root); }

/* The arena releases the root. */
static enum adze_status parse(struct reading *reading) {
  struct file_map map;
  json_error_t wrong;
  TRY(file_map_open(reading->path, &map, reading->error));
  reading->root =
      json_loadb(map.size ? (const char *)map.data : "", map.size, 0, &wrong);
  file_map_close(&map);
  if (!reading->root)
    return fail(reading->error, ADZE_INVALID_DATA,
                "%s: not JSON: %s in line %d", reading->path, wrong.text,
                wrong.line);
  arena_defer(reading->arena, release_json, reading->root);
  return ADZE_OK;
}

static enum adze_status wrong_item(const struct reading *reading,
                                   const char *what, size_t index,
                                   const char *key, const char *expected) {
  return fail(reading->error, ADZE_INVALID_DATA, "%s: %s %zu has no \"%s\", %s",
              reading->path, what, index, key, expected);
}

/* An array of exactly `count` numbers. */
static bool read_numbers(const json_t *array, double *out, size_t count) {
  if (!json_is_array(array) || json_array_size(array) != count)
    return false;
  for (size_t i = 0; i < count; i++) {
    const json_t *value = json_array_get(array, i);
    out[i] = json_number_value(value);
    if (!json_is_number(value) || !isfinite(out[i]))
      return false;
  }
  return true;
}

static bool is_person(const json_t *item) {
  const json_t *category = json_object_get(item, "category_id");
  return !json_is_integer(category) ||
         json_integer_value(category) == PERSON_CATEGORY;
}

static enum adze_status read_annotation(const struct reading *reading,
                                        const json_t *item, size_t index,
                                        struct annotation *out) {
  const char *what = "annotation";
  const json_t *image = json_object_get(item, "image_id");
  const json_t *area = json_object_get(item, "area");
  double keypoints[3 * ADZE_KEYPOINT_COUNT];
  *out = (struct annotation){0};
  if (!json_is_integer(image))
    return wrong_item(reading, what, index, "image_id", "a whole number");
  out->image_id = json_integer_value(image);
  if (!json_is_number(area) || !isfinite(json_number_value(area)))
    return wrong_item(reading, what, index, "area", "a number");
  out->area = json_number_value(area);
  if (!read_numbers(json_object_get(item, "bbox"), out->box, 4))
    return wrong_item(reading, what, index, "bbox", "four numbers");
  if (!read_numbers(json_object_get(item, "keypoints"), keypoints,
                    3 * ADZE_KEYPOINT_COUNT))
    return wrong_item(reading, what, index, "keypoints",
                      "x, y and visibility of 17 keypoints");
  int count = 0;
  for (int k = 0; k < ADZE_KEYPOINT_COUNT; k++) {
    out->x[k] = keypoints[3 * k];
    out->y[k] = keypoints[3 * k + 1];
    out->labelled[k] = keypoints[3 * k + 2] > 0;
    count += out->labelled[k];
  }
  const json_t *stated = json_object_get(item, "num_keypoints");
  bool none =
      json_is_integer(stated) ? json_integer_value(stated) == 0 : count == 0;
  out->crowd = json_integer_value(json_object_get(item, "iscrowd")) != 0;
  out->ignored = out->crowd || none;
  return ADZE_OK;
}

static int compare_ids(const void *left, const void *right) {
  int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
  return (a > b) - (a < b);
}

static enum adze_status read_images(const struct reading *reading,
                                    struct annotations *out) {
  const json_t *images = json_object_get(reading->root, "images");
  for (size_t i = 0; i < json_array_size(images); i++) {
    const json_t *id = json_object_get(json_array_get(images, i), "id");
    if (!json_is_integer(id))
      return wrong_item(reading, "image", i, "id", "a whole number");
    vec_push(reading->arena, &out->images, json_integer_value(id));
  }
  if (out->images.count)
    qsort(out->images.data, out->images.count, sizeof *out->images.data,
          compare_ids);
  size_t kept = 0;
  for (size_t i = 0; i < out->images.count; i++)
    if (!i || out->images.data[i] != out->images.data[kept - 1])
      out->images.data[kept++] = out->images.data[i];
  out->images.count = kept;
  return ADZE_OK;
}

enum adze_status annotations_read(struct arena *arena, const char *path,
                                  struct annotations *out,
                                  struct adze_error *error) {
  struct reading reading = {arena, path, NULL, error};
  *out = (struct annotations){0};
  TRY(parse(&reading));
  const json_t *persons = json_object_get(reading.root, "annotations");
  if (!json_is_array(persons))
    return fail(error, ADZE_INVALID_DATA,
                "%s: not COCO annotations, an object with \"images\" and "
                "\"annotations\"",
                path);
  TRY(read_images(&reading, out));
  for (size_t i = 0; i < json_array_size(persons); i++) {
    const json_t *item = json_array_get(persons, i);
    struct annotation annotation;
    if (!is_person(item))
      continue;
    TRY(read_annotation(&reading, item, i, &annotation));
    vec_push(arena, &out->persons, annotation);
  }
  return ADZE_OK;
}

/* ---- Results ------------------------------------------------------------- */

static enum adze_status read_result(const struct reading *reading,
                                    const json_t *item, size_t index,
                                    struct coco_result *out) {
  const json_t *image = json_object_get(item, "image_id");
  const json_t *score = json_object_get(item, "score");
  double keypoints[3 * ADZE_KEYPOINT_COUNT];
  *out = (struct coco_result){0};
  if (!json_is_integer(image))
    return wrong_item(reading, "result", index, "image_id", "a whole number");
  if (!json_is_number(score) || !isfinite(json_number_value(score)))
    return wrong_item(reading, "result", index, "score", "a number");
  if (!read_numbers(json_object_get(item, "keypoints"), keypoints,
                    3 * ADZE_KEYPOINT_COUNT))
    return wrong_item(reading, "result", index, "keypoints",
                      "x, y and score of 17 keypoints");
  out->image_id = json_integer_value(image);
  out->person.score = (float)json_number_value(score);
  for (int k = 0; k < ADZE_KEYPOINT_COUNT; k++)
    out->person.keypoints[k] = (struct adze_keypoint){
        (float)keypoints[3 * k], (float)keypoints[3 * k + 1],
        (float)keypoints[3 * k + 2]};
  return ADZE_OK;
}

struct load_job {
  struct reading reading;
  adze_coco_results *results;
};

static enum adze_status load_body(void *argument) {
  struct load_job *job = argument;
  struct reading *reading = &job->reading;
  TRY(parse(reading));
  if (!json_is_array(reading->root))
    return fail(reading->error, ADZE_INVALID_DATA,
                "%s: not COCO results, an array", reading->path);
  for (size_t i = 0; i < json_array_size(reading->root); i++) {
    struct coco_result result;
    TRY(read_result(reading, json_array_get(reading->root, i), i, &result));
    vec_push(job->results->arena, &job->results->results, result);
  }
  return ADZE_OK;
}

enum adze_status adze_coco_results_load(const char *path,
                                        adze_coco_results **out,
                                        struct adze_error *error) {
  struct load_job job = {{arena_create("results"), path, NULL, error},
                         adze_coco_results_create()};
  enum adze_status status = ADZE_OUT_OF_MEMORY;
  if (job.reading.arena && job.results)
    status = guard_run(load_body, &job, error);
  else
    fail(error, status, "%s: no memory to read it", path);
  arena_destroy(job.reading.arena);
  if (status != ADZE_OK)
    adze_coco_results_destroy(job.results);
  else
    *out = job.results;
  return status;
}
