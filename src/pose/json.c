/* SPDX-License-Identifier: Apache-2.0 */
/* Results as JSON: OpenPose's file for each picture and COCO's for all.
 *
 * Numbers are written here, not by printf, whose decimal point is the
 * locale's: a library can't know what its program has set.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "adze/pose.h"
#include "base/file.h"
#include "pose/json_text.h"
#include "pose/results.h"

void json_number(struct text *text, double value, int decimals) {
  static const int64_t powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000};
  check(decimals >= 0 && decimals < (int)ARRAY_COUNT(powers));
  if (!isfinite(value))
    value = 0;
  value = fmin(fmax(value, -1e12), 1e12);
  int64_t scaled = llround(value * (double)powers[decimals]);
  uint64_t size = (uint64_t)(scaled < 0 ? -scaled : scaled);
  uint64_t power = (uint64_t)powers[decimals];
  text_format(text, "%s%" PRIu64, scaled < 0 ? "-" : "", size / power);
  uint64_t rest = size % power;
  if (!rest)
    return;
  char digits[8] = {0};
  for (int i = decimals - 1; i >= 0; i--, rest /= 10)
    digits[i] = (char)('0' + rest % 10);
  for (int i = decimals - 1; digits[i] == '0'; i--)
    digits[i] = 0;
  text_add(text, ".");
  text_add(text, digits);
}

/* [x,y,score, x,y,score, …] */
static void keypoints_add(struct text *text, const struct adze_person *person) {
  text_add(text, "[");
  for (int k = 0; k < ADZE_KEYPOINT_COUNT; k++) {
    const struct adze_keypoint *keypoint = &person->keypoints[k];
    if (k)
      text_add(text, ",");
    json_number(text, keypoint->x, 3);
    text_add(text, ",");
    json_number(text, keypoint->y, 3);
    text_add(text, ",");
    json_number(text, keypoint->score, 6);
  }
  text_add(text, "]");
}

/* Writes `make`'s text under `path`; one arena, one unwind point. */
struct json_job {
  const char *path;
  const void *source;
  void (*make)(struct text *text, const void *source);
  struct arena *arena;
  struct adze_error *error;
};

static enum adze_status json_body(void *argument) {
  struct json_job *job = argument;
  struct text text = {.arena = job->arena};
  job->make(&text, job->source);
  return file_write_all(job->path, text_string(&text), text.size, job->error);
}

static enum adze_status json_write(const char *path, const void *source,
                                   void (*make)(struct text *, const void *),
                                   struct adze_error *error) {
  struct json_job job = {path, source, make, arena_create("json"), error};
  if (!job.arena)
    return fail(error, ADZE_OUT_OF_MEMORY, "%s: no memory to write it", path);
  enum adze_status status = guard_run(json_body, &job, error);
  arena_destroy(job.arena);
  return status;
}

/* ---- OpenPose ------------------------------------------------------------ */

/* What OpenPose writes beside the body; its readers expect to find them. */
static const char *const empty_fields[] = {
    "face_keypoints_2d",       "hand_left_keypoints_2d",
    "hand_right_keypoints_2d", "pose_keypoints_3d",
    "face_keypoints_3d",       "hand_left_keypoints_3d",
    "hand_right_keypoints_3d",
};

static void openpose_make(struct text *text, const void *source) {
  const struct adze_poses *poses = source;
  text_add(text, "{\"version\":1.3,\"people\":[");
  for (size_t i = 0; i < poses->count; i++) {
    text_add(text, i ? ",\n" : "\n");
    text_add(text, "{\"person_id\":[-1],\"pose_keypoints_2d\":");
    keypoints_add(text, &poses->persons[i]);
    for (size_t j = 0; j < ARRAY_COUNT(empty_fields); j++)
      text_format(text, ",\"%s\":[]", empty_fields[j]);
    text_add(text, "}");
  }
  text_add(text, "]}\n");
}

enum adze_status adze_poses_write_openpose(const struct adze_poses *poses,
                                           const char *path,
                                           struct adze_error *error) {
  return json_write(path, poses, openpose_make, error);
}

/* ---- COCO ---------------------------------------------------------------- */

adze_coco_results *adze_coco_results_create(void) {
  struct arena *arena = arena_create("COCO results");
  adze_coco_results *results = calloc(1, sizeof *results);
  if (arena && results) {
    results->arena = arena;
    return results;
  }
  arena_destroy(arena);
  free(results);
  return NULL;
}

void adze_coco_results_destroy(adze_coco_results *results) {
  if (!results)
    return;
  arena_destroy(results->arena);
  free(results);
}

struct coco_add_job {
  adze_coco_results *results;
  int64_t image_id;
  const struct adze_poses *poses;
};

static enum adze_status coco_add_body(void *argument) {
  const struct coco_add_job *job = argument;
  for (size_t i = 0; i < job->poses->count; i++) {
    struct coco_result result = {job->image_id, job->poses->persons[i]};
    vec_push(job->results->arena, &job->results->results, result);
  }
  return ADZE_OK;
}

enum adze_status adze_coco_results_add(adze_coco_results *results,
                                       int64_t image_id,
                                       const struct adze_poses *poses,
                                       struct adze_error *error) {
  struct coco_add_job job = {results, image_id, poses};
  return guard_run(coco_add_body, &job, error);
}

static void coco_make(struct text *text, const void *source) {
  const adze_coco_results *results = source;
  text_add(text, "[");
  for (size_t i = 0; i < results->results.count; i++) {
    const struct coco_result *result = &results->results.data[i];
    text_format(
        text, "%s\n{\"image_id\":%" PRId64 ",\"category_id\":1,\"keypoints\":",
        i ? "," : "", result->image_id);
    keypoints_add(text, &result->person);
    text_add(text, ",\"score\":");
    json_number(text, result->person.score, 6);
    text_add(text, "}");
  }
  text_add(text, "]\n");
}

enum adze_status adze_coco_results_write(const adze_coco_results *results,
                                         const char *path,
                                         struct adze_error *error) {
  return json_write(path, results, coco_make, error);
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

int64_t adze_coco_image_id(const char *path, int64_t otherwise) {
  const char *name = strrchr(path, '/');
  name = name ? name + 1 : path;
  const char *end = strrchr(name, '.');
  if (!end || end == name)
    end = name + strlen(name);
  while (end > name && !is_digit(end[-1]))
    end--;
  const char *start = end;
  while (start > name && is_digit(start[-1]))
    start--;
  if (start == end)
    return otherwise;
  int64_t id = 0;
  for (; start < end; start++)
    if (!int64_mul(id, 10, &id) || !int64_add(id, *start - '0', &id))
      return otherwise;
  return id;
}
