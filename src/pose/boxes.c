/* SPDX-License-Identifier: Apache-2.0 */
/* Boxes of persons from COCO's JSON files, read with Jansson.
 *
 * Everything is read once and sorted by picture, so that finding a picture's
 * boxes is a binary search and gives them as one array, in the file's order.
 * Only persons (category 1) count. Values of the wrong kind are errors that
 * name the item; boxes without area, which COCO's own files have, are left
 * out.
 */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "adze/pose.h"
#include "base/file.h"
#include "base/map.h"

#define PERSON_CATEGORY 1

struct entry {
  int64_t image_id;
  size_t order; /* in the file */
  struct adze_box box;
};

struct adze_box_file {
  struct arena *arena;
  VEC(struct entry) entries;
  struct adze_box *boxes; /* of the sorted entries */
  struct map ids;         /* file name -> int64_t */
};

/* What reading needs to know for its messages. */
struct reading {
  adze_box_file *file;
  const char *path;
  float threshold;
  json_t *root;
  struct adze_error *error;
};

static enum adze_status read_integer(const struct reading *reading,
                                     const json_t *item, const char *what,
                                     size_t index, const char *key,
                                     int64_t *out) {
  const json_t *value = json_object_get(item, key);
  if (!json_is_integer(value))
    return fail(reading->error, ADZE_INVALID_DATA,
                "%s: %s %zu has no whole number \"%s\"", reading->path, what,
                index, key);
  *out = json_integer_value(value);
  return ADZE_OK;
}

static enum adze_status read_box(const struct reading *reading,
                                 const json_t *item, const char *what,
                                 size_t index, struct adze_box *out) {
  const json_t *box = json_object_get(item, "bbox");
  double values[4];
  bool good = json_is_array(box) && json_array_size(box) == 4;
  for (size_t i = 0; good && i < 4; i++) {
    const json_t *value = json_array_get(box, i);
    values[i] = json_number_value(value);
    good = json_is_number(value) && fabs(values[i]) < 1e9;
  }
  if (!good)
    return fail(reading->error, ADZE_INVALID_DATA,
                "%s: %s %zu has no \"bbox\" of four numbers [x, y, width, "
                "height]",
                reading->path, what, index);
  *out = (struct adze_box){(float)values[0], (float)values[1], (float)values[2],
                           (float)values[3], 1};
  return ADZE_OK;
}

/* False for another integer than `value` under `key`; true when absent. */
static bool is_or_absent(const json_t *item, const char *key,
                         json_int_t value) {
  const json_t *found = json_object_get(item, key);
  return !found || !json_is_integer(found) ||
         json_integer_value(found) == value;
}

static bool is_wanted(const json_t *item) {
  const json_t *keypoints = json_object_get(item, "num_keypoints");
  return is_or_absent(item, "category_id", PERSON_CATEGORY) &&
         is_or_absent(item, "iscrowd", 0) &&
         !(json_is_integer(keypoints) && json_integer_value(keypoints) == 0);
}

/* An annotation or a detection: both have an image_id and a bbox. */
static enum adze_status read_item(const struct reading *reading,
                                  const json_t *item, const char *what,
                                  size_t index) {
  if (!json_is_object(item))
    return fail(reading->error, ADZE_INVALID_DATA,
                "%s: %s %zu is not an object", reading->path, what, index);
  struct entry entry = {.order = index};
  TRY(read_integer(reading, item, what, index, "image_id", &entry.image_id));
  if (!is_wanted(item))
    return ADZE_OK;
  TRY(read_box(reading, item, what, index, &entry.box));
  const json_t *score = json_object_get(item, "score");
  if (json_is_number(score))
    entry.box.score = (float)json_number_value(score);
  if (entry.box.width > 0 && entry.box.height > 0 &&
      entry.box.score >= reading->threshold)
    vec_push(reading->file->arena, &reading->file->entries, entry);
  return ADZE_OK;
}

static enum adze_status read_items(const struct reading *reading,
                                   const json_t *items, const char *what) {
  for (size_t i = 0; i < json_array_size(items); i++)
    TRY(read_item(reading, json_array_get(items, i), what, i));
  return ADZE_OK;
}

static const char *base_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

static enum adze_status read_images(const struct reading *reading,
                                    const json_t *images) {
  struct arena *arena = reading->file->arena;
  for (size_t i = 0; i < json_array_size(images); i++) {
    const json_t *image = json_array_get(images, i);
    const char *name = json_string_value(json_object_get(image, "file_name"));
    if (!name)
      return fail(reading->error, ADZE_INVALID_DATA,
                  "%s: image %zu has no \"file_name\"", reading->path, i);
    int64_t *id = ARENA_NEW(arena, int64_t);
    TRY(read_integer(reading, image, "image", i, "id", id));
    map_set(&reading->file->ids, base_name(name), id);
  }
  return ADZE_OK;
}

static int compare_entries(const void *left, const void *right) {
  const struct entry *a = left, *b = right;
  if (a->image_id != b->image_id)
    return a->image_id < b->image_id ? -1 : 1;
  return (a->order > b->order) - (a->order < b->order);
}

static enum adze_status read_root(const struct reading *reading) {
  const json_t *root = reading->root;
  const json_t *annotations = json_object_get(root, "annotations");
  if (json_is_array(root))
    return read_items(reading, root, "detection");
  if (!json_is_array(annotations))
    return fail(reading->error, ADZE_INVALID_DATA,
                "%s: neither COCO annotations (an object with \"images\" and "
                "\"annotations\") nor detections (an array)",
                reading->path);
  TRY(read_images(reading, json_object_get(root, "images")));
  return read_items(reading, annotations, "annotation");
}

static enum adze_status read_body(void *argument) {
  const struct reading *reading = argument;
  adze_box_file *file = reading->file;
  map_init(&file->ids, file->arena);
  TRY(read_root(reading));
  size_t count = file->entries.count;
  if (count)
    qsort(file->entries.data, count, sizeof *file->entries.data,
          compare_entries);
  /* One more, so that an empty result still has an address. */
  file->boxes = ARENA_ARRAY(file->arena, struct adze_box, count + 1);
  for (size_t i = 0; i < count; i++)
    file->boxes[i] = file->entries.data[i].box;
  return ADZE_OK;
}

static enum adze_status parse(struct reading *reading) {
  struct file_map map;
  TRY(file_map_open(reading->path, &map, reading->error));
  json_error_t wrong;
  reading->root =
      json_loadb(map.size ? (const char *)map.data : "", map.size, 0, &wrong);
  file_map_close(&map);
  if (!reading->root)
    return fail(reading->error, ADZE_INVALID_DATA,
                "%s: not JSON: %s in line %d", reading->path, wrong.text,
                wrong.line);
  enum adze_status status = guard_run(read_body, reading, reading->error);
  json_decref(reading->root);
  return status;
}

enum adze_status adze_box_file_load(const char *path, float threshold,
                                    adze_box_file **out,
                                    struct adze_error *error) {
  adze_box_file *file = calloc(1, sizeof *file);
  if (file)
    file->arena = arena_create("boxes");
  if (!file || !file->arena) {
    free(file);
    return fail(error, ADZE_OUT_OF_MEMORY, "%s: no memory to read it", path);
  }
  struct reading reading = {file, path, threshold, NULL, error};
  enum adze_status status = parse(&reading);
  if (status != ADZE_OK)
    adze_box_file_destroy(file);
  else
    *out = file;
  return status;
}

void adze_box_file_destroy(adze_box_file *file) {
  if (!file)
    return;
  arena_destroy(file->arena);
  free(file);
}

/* The number of entries whose picture is before `image_id`. */
static size_t lower_bound(const adze_box_file *file, int64_t image_id) {
  size_t low = 0, high = file->entries.count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (file->entries.data[middle].image_id < image_id)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

size_t adze_box_file_find(const adze_box_file *file, const char *image_path,
                          const struct adze_box **out) {
  const int64_t *named = map_get(&file->ids, base_name(image_path));
  int64_t id = named ? *named : adze_coco_image_id(image_path, -1);
  size_t first = lower_bound(file, id), last = first;
  while (last < file->entries.count && file->entries.data[last].image_id == id)
    last++;
  *out = file->boxes + first;
  return last - first;
}
