/* SPDX-License-Identifier: Apache-2.0 */
/* adze_pose on a runtime that this test makes up: which input it asks for,
 * what it feeds, that results come back sorted and cut, and what it refuses.
 * The network "runs" by copying outputs that the test has prepared. */
#include "test.h"

#include <math.h>

#include "adze/pose.h"

/* ---- A made-up runtime --------------------------------------------------- */

struct adze_model {
  size_t input_count, output_count;
  struct adze_tensor_info input, outputs[4];
  const char *properties[8]; /* name, value, …, NULL */
  /* Sizes of outputs for an input of height x width, where open. */
  int stride;
};
struct adze_instance {
  const adze_model *model;
  int64_t dims[4];
  bool flush_denormals;
  const float *input;
  float *outputs[4];
};

/* What the last run saw and what the next one gives. */
static float seen[64];
static int runs;
static void (*play)(adze_instance *instance);
static adze_instance *last_instance;

enum adze_status adze_model_load(const char *path,
                                 const struct adze_load_options *options,
                                 adze_model **out, struct adze_error *error) {
  (void)options, (void)out;
  return fail(error, ADZE_NOT_FOUND, "%s: there is no such file", path);
}

void adze_model_unload(adze_model *model) { (void)model; }

const char *adze_model_property(const adze_model *model, const char *name) {
  for (int i = 0; model->properties[i]; i += 2)
    if (strcmp(model->properties[i], name) == 0)
      return model->properties[i + 1];
  return NULL;
}

size_t adze_model_input_count(const adze_model *model) {
  return model->input_count;
}

size_t adze_model_output_count(const adze_model *model) {
  return model->output_count;
}

void adze_model_input(const adze_model *model, size_t index,
                      struct adze_tensor_info *out) {
  assert_int_equal(index, 0);
  *out = model->input;
}

void adze_model_output(const adze_model *model, size_t index,
                       struct adze_tensor_info *out) {
  *out = model->outputs[index];
}

enum adze_status
adze_instance_create(const adze_model *model,
                     const struct adze_instance_options *options,
                     adze_instance **out, struct adze_error *error) {
  (void)error;
  adze_instance *instance = calloc(1, sizeof *instance);
  assert_non_null(instance);
  instance->model = model;
  instance->flush_denormals = options->flush_denormals;
  memcpy(instance->dims, options->input_dims[0], sizeof instance->dims);
  for (int i = 0; i < 4; i++)
    assert_true(model->input.dims[i] == -1 ||
                model->input.dims[i] == instance->dims[i]);
  *out = last_instance = instance;
  return ADZE_OK;
}

void adze_instance_destroy(adze_instance *instance) { free(instance); }

void adze_instance_output(const adze_instance *instance, size_t index,
                          struct adze_tensor_info *out) {
  *out = instance->model->outputs[index];
  out->bytes = sizeof(float);
  for (int i = 0; i < 4; i++) {
    if (out->dims[i] == -1 && instance->model->stride)
      out->dims[i] = (instance->dims[i] - 1) / instance->model->stride + 1;
    out->bytes *= (size_t)out->dims[i];
  }
}

enum adze_status adze_instance_bind_input(adze_instance *instance, size_t index,
                                          const void *data, size_t bytes,
                                          struct adze_error *error) {
  (void)error;
  assert_int_equal(index, 0);
  assert_int_equal(bytes, sizeof(float) * instance->dims[1] *
                              instance->dims[2] * instance->dims[3]);
  instance->input = data;
  return ADZE_OK;
}

enum adze_status adze_instance_bind_output(adze_instance *instance,
                                           size_t index, void *data,
                                           size_t bytes,
                                           struct adze_error *error) {
  (void)bytes, (void)error;
  instance->outputs[index] = data;
  return ADZE_OK;
}

enum adze_status adze_instance_run(adze_instance *instance,
                                   struct adze_error *error) {
  (void)error;
  memcpy(seen, instance->input, sizeof seen);
  runs++;
  play(instance);
  return ADZE_OK;
}

/* ---- Models -------------------------------------------------------------- */

static struct adze_tensor_info tensor(const char *name, int64_t a, int64_t b,
                                      int64_t c) {
  return (struct adze_tensor_info){
      .name = name, .dtype = ADZE_F32, .rank = 4, .dims = {1, a, b, c}};
}

static adze_model open_posenet(void) {
  return (adze_model){1,
                      4,
                      tensor("image", 3, -1, -1),
                      {tensor("heatmap", 17, -1, -1),
                       tensor("offset", 34, -1, -1),
                       tensor("displacement_fwd", 32, -1, -1),
                       tensor("displacement_bwd", 32, -1, -1)},
                      {NULL},
                      16};
}

static adze_model fixed_topdown(void) {
  return (adze_model){
      1,      1, tensor("data", 3, 256, 192), {tensor("heatmaps", 17, 64, 48)},
      {NULL}, 0};
}

static struct adze_image grey_image(int width, int height, uint8_t value) {
  struct adze_image image;
  assert_int_equal(adze_image_create(width, height, &image, NULL), ADZE_OK);
  memset(image.pixels, value, image.stride * (size_t)height);
  return image;
}

/* ---- Tests --------------------------------------------------------------- */

static void test_default_size(void **state) {
  (void)state;
  adze_model model = open_posenet();
  adze_pose *pose;
  struct adze_error error = {.message = ""};
  assert_ok(adze_pose_create_from_model(&model, NULL, &pose, &error), error);
  assert_string_equal(adze_pose_network(pose), "posenet");
  assert_int_equal(adze_pose_input_width(pose), 513);
  assert_int_equal(adze_pose_input_height(pose), 513);
  assert_false(adze_pose_uses_boxes(pose));
  assert_false(last_instance->flush_denormals);
  adze_pose_destroy(pose);
  struct adze_pose_options options;
  adze_pose_options_init(&options);
  options.input_width = 600;
  options.input_height = 340;
  options.flush_denormals = true;
  assert_ok(adze_pose_create_from_model(&model, &options, &pose, &error),
            error);
  assert_int_equal(adze_pose_input_width(pose), 593);
  assert_int_equal(adze_pose_input_height(pose), 337);
  assert_int_equal(last_instance->dims[2], 337);
  assert_int_equal(last_instance->dims[3], 593);
  assert_true(last_instance->flush_denormals);
  adze_pose_destroy(pose);
  adze_pose_destroy(NULL);
}

static void play_two(adze_instance *instance) {
  /* Two noses far apart; the better one in the later cell. */
  int cells =
      (int)((instance->dims[2] / 16 + 1) * (instance->dims[3] / 16 + 1));
  int width = (int)(instance->dims[3] / 16 + 1);
  memset(instance->outputs[0], 0, sizeof(float) * 17 * (size_t)cells);
  for (int i = 1; i < 4; i++)
    memset(instance->outputs[i], 0,
           sizeof(float) * (i == 1 ? 34 : 32) * (size_t)cells);
  for (int k = 0; k < ADZE_KEYPOINT_COUNT; k++) {
    instance->outputs[0][k * cells + width + 1] = 0.6f;
    instance->outputs[0][k * cells + 8 * width + 8] = 0.9f;
  }
}

static void test_run(void **state) {
  (void)state;
  adze_model model = open_posenet();
  struct adze_pose_options options;
  adze_pose_options_init(&options);
  options.input_width = options.input_height = 161;
  adze_pose *pose;
  struct adze_error error = {.message = ""};
  assert_ok(adze_pose_create_from_model(&model, &options, &pose, &error),
            error);
  struct adze_image image = grey_image(322, 161, 255);
  const struct adze_poses *poses;
  play = play_two;
  for (int round = 0; round < 3; round++) {
    assert_ok(adze_pose_run(pose, &image, NULL, 0, &poses, &error), error);
    assert_true(fabsf(seen[5] - 1) < 1e-5f); /* 255 / 127.5 - 1 */
    assert_int_equal(poses->count, 2);
    assert_true(fabsf(poses->persons[0].score - 0.9f) < 1e-5f);
    assert_true(fabsf(poses->persons[1].score - 0.6f) < 1e-5f);
    /* Twice as wide as the input. */
    assert_true(fabsf(poses->persons[0].keypoints[0].x - 256.5f) < 1e-3f);
    assert_true(fabsf(poses->persons[0].keypoints[0].y - 128) < 1e-3f);
    struct adze_pose_times times;
    adze_pose_last_times(pose, &times);
    assert_true(times.prepare_ns > 0 && times.decode_ns >= 0);
  }
  adze_pose_destroy(pose);
  options.person_threshold = 0.7f;
  assert_ok(adze_pose_create_from_model(&model, &options, &pose, &error),
            error);
  assert_ok(adze_pose_run(pose, &image, NULL, 0, &poses, &error), error);
  assert_int_equal(poses->count, 1);
  adze_pose_destroy(pose);
  adze_image_release(&image);
}

/* The score of the n-th run is n / 10. */
static void play_number(adze_instance *instance) {
  memset(instance->outputs[0], 0, sizeof(float) * 17 * 64 * 48);
  for (int k = 0; k < ADZE_KEYPOINT_COUNT; k++)
    instance->outputs[0][(k * 64 + 32) * 48 + 24] = 0.1f * (float)runs;
}

static void test_boxes(void **state) {
  (void)state;
  adze_model model = fixed_topdown();
  adze_pose *pose;
  struct adze_error error = {.message = ""};
  struct adze_pose_options options;
  adze_pose_options_init(&options);
  options.person_threshold = 0;
  assert_ok(adze_pose_create_from_model(&model, &options, &pose, &error),
            error);
  assert_true(adze_pose_uses_boxes(pose));
  struct adze_image image = grey_image(100, 80, 0);
  const struct adze_box boxes[5] = {{0, 0, 10, 20, 1},
                                    {10, 0, 10, 20, 1},
                                    {20, 0, 10, 20, 1},
                                    {30, 0, 10, 20, 1},
                                    {40, 0, 10, 20, 0.1f}};
  const struct adze_poses *poses;
  play = play_number;
  runs = 0;
  assert_ok(adze_pose_run(pose, &image, boxes, 5, &poses, &error), error);
  assert_int_equal(runs, 5);
  assert_int_equal(poses->count, 5);
  static const float expected[] = {30, 20, 10, 40, 0};
  for (int i = 0; i < 5; i++) {
    assert_true(poses->persons[i].box.x == expected[i] ||
                fabsf(poses->persons[i].score - 0.1f) < 0.06f);
    assert_true(i == 0 ||
                poses->persons[i].score <= poses->persons[i - 1].score);
  }
  assert_true(fabsf(seen[0] - -123.675f / 58.395f) < 1e-4f);
  /* No boxes are no persons; none given is the whole picture. */
  assert_ok(adze_pose_run(pose, &image, boxes, 0, &poses, &error), error);
  assert_int_equal(poses->count, 0);
  assert_ok(adze_pose_run(pose, &image, NULL, 0, &poses, &error), error);
  assert_int_equal(poses->count, 1);
  assert_true(poses->persons[0].box.width == 100);
  const struct adze_box empty = {5, 5, 0, 5, 1};
  assert_fails(adze_pose_run(pose, &image, &empty, 1, &poses, &error), error,
               ADZE_INVALID_ARGUMENT, "box");
  struct adze_image nothing = {0};
  assert_fails(adze_pose_run(pose, &nothing, boxes, 1, &poses, &error), error,
               ADZE_INVALID_ARGUMENT, "picture");
  adze_pose_destroy(pose);
  adze_image_release(&image);
}

static void test_properties(void **state) {
  (void)state;
  adze_model model = fixed_topdown();
  const char *const properties[7] = {"pose.mean", "1,2,3",         "pose.scale",
                                     "1,2,4",     "pose.channels", "bgr"};
  memcpy(model.properties, properties, sizeof properties);
  adze_pose *pose;
  struct adze_error error = {.message = ""};
  assert_ok(adze_pose_create_from_model(&model, NULL, &pose, &error), error);
  struct adze_image image = grey_image(100, 80, 11);
  for (size_t at = 2; at < image.stride * 80; at += 3)
    image.pixels[at] = 21; /* blue */
  const struct adze_poses *poses;
  const struct adze_box box = {40, 30, 10, 10, 1};
  play = play_number;
  runs = 0;
  assert_ok(adze_pose_run(pose, &image, &box, 1, &poses, &error), error);
  assert_true(fabsf(seen[0] - 20) < 1e-4f);
  adze_pose_destroy(pose);
  /* Compiled in: pixels as they are. */
  model.properties[0] = "preprocessing";
  model.properties[2] = NULL;
  assert_ok(adze_pose_create_from_model(&model, NULL, &pose, &error), error);
  assert_ok(adze_pose_run(pose, &image, &box, 1, &poses, &error), error);
  assert_true(seen[0] == 11);
  adze_pose_destroy(pose);
  memcpy(model.properties, properties, sizeof properties);
  adze_image_release(&image);
  static const char *const wrong[] = {"", "1,2", "1,2,3,4", "1,b,3", "1,2,"};
  for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
    model.properties[1] = wrong[i];
    assert_fails(adze_pose_create_from_model(&model, NULL, &pose, &error),
                 error, ADZE_INVALID_PACKAGE, "pose.mean");
  }
  model.properties[1] = "0,0,0";
  model.properties[5] = "grb";
  assert_fails(adze_pose_create_from_model(&model, NULL, &pose, &error), error,
               ADZE_INVALID_PACKAGE, "pose.channels");
  model.properties[4] = "pose.network";
  model.properties[5] = "posenet";
  assert_fails(adze_pose_create_from_model(&model, NULL, &pose, &error), error,
               ADZE_UNSUPPORTED, "posenet");
}

/* The nose is displaced to a cell beside the eye's peak. */
static void play_miss(adze_instance *instance) {
  enum { CELLS = 21 * 21 };
  memset(instance->outputs[0], 0, sizeof(float) * 17 * CELLS);
  for (int i = 1; i < 4; i++)
    memset(instance->outputs[i], 0, sizeof(float) * (i == 1 ? 34 : 32) * CELLS);
  instance->outputs[0][8 * 21 + 8] = 0.9f;
  instance->outputs[0][CELLS + 8 * 21 + 10] = 0.8f;
  instance->outputs[2][16 * CELLS + 8 * 21 + 8] = 16;
}

static void test_posenet_properties(void **state) {
  (void)state;
  adze_model model = open_posenet();
  const char *const properties[6] = {"pose.input_size",  "340x350",
                                     "pose.size_step",   "64",
                                     "pose.peak_radius", NULL};
  static const char *const radii[2] = {"0", "20"};
  struct adze_image image = grey_image(321, 321, 0);
  struct adze_error error = {.message = ""};
  adze_pose *pose;
  const struct adze_poses *poses;
  for (int i = 0; i < 2; i++) {
    memcpy(model.properties, properties, sizeof properties);
    model.properties[5] = radii[i];
    assert_ok(adze_pose_create_from_model(&model, NULL, &pose, &error), error);
    assert_int_equal(adze_pose_input_width(pose), 321);
    assert_int_equal(adze_pose_input_height(pose), 321);
    play = play_miss;
    assert_ok(adze_pose_run(pose, &image, NULL, 0, &poses, &error), error);
    assert_int_equal(poses->count, 0); /* of so few keypoints */
    adze_pose_destroy(pose);
    struct adze_pose_options options;
    adze_pose_options_init(&options);
    options.person_threshold = 0;
    assert_ok(adze_pose_create_from_model(&model, &options, &pose, &error),
              error);
    assert_ok(adze_pose_run(pose, &image, NULL, 0, &poses, &error), error);
    const struct adze_keypoint *eye =
        &poses->persons[0].keypoints[ADZE_KEYPOINT_LEFT_EYE];
    assert_true(eye->score == (i ? 0.8f : 0));
    adze_pose_destroy(pose);
  }
  struct adze_pose_options all;
  adze_pose_options_init(&all);
  all.person_threshold = 0;
  model.properties[4] = "pose.score_threshold";
  model.properties[5] = "0.95";
  for (int i = 0; i < 2; i++) {
    all.score_threshold = i ? 0.85f : 0; /* 0: the package's */
    assert_ok(adze_pose_create_from_model(&model, &all, &pose, &error), error);
    assert_ok(adze_pose_run(pose, &image, NULL, 0, &poses, &error), error);
    assert_int_equal(poses->count, i);
    adze_pose_destroy(pose);
  }
  model.properties[4] = "pose.render_threshold";
  model.properties[5] = "0.125";
  assert_ok(adze_pose_create_from_model(&model, NULL, &pose, &error), error);
  assert_true(adze_pose_render_threshold(pose) == 0.125f);
  adze_pose_destroy(pose);
  model.properties[4] = "pose.person_threshold";
  static const char *const thresholds[2] = {"0.2", "0.04"};
  for (int i = 0; i < 2; i++) {
    model.properties[5] = thresholds[i];
    assert_ok(adze_pose_create_from_model(&model, NULL, &pose, &error), error);
    assert_true(adze_pose_person_threshold(pose) ==
                strtof(thresholds[i], NULL));
    assert_ok(adze_pose_run(pose, &image, NULL, 0, &poses, &error), error);
    assert_int_equal(poses->count, i);
    adze_pose_destroy(pose);
  }
  adze_image_release(&image);
  static const char *const wrong[][2] = {
      {"pose.size_step", "24"},        {"pose.size_step", "0"},
      {"pose.size_step", "16384"},     {"pose.size_step", "x"},
      {"pose.peak_radius", "-1"},      {"pose.peak_radius", "1e9"},
      {"pose.peak_radius", "nan"},     {"pose.peak_radius", ""},
      {"pose.input_size", "0x320"},    {"pose.score_threshold", "1.5"},
      {"pose.person_threshold", "2"},  {"pose.side_weight", "11"},
      {"pose.side_weight", "-1"},      {"pose.vote_power", "10.5"},
      {"pose.render_threshold", "-1"},
  };
  for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
    memset(model.properties, 0, sizeof properties);
    memcpy(model.properties, wrong[i], sizeof wrong[i]);
    assert_fails(adze_pose_create_from_model(&model, NULL, &pose, &error),
                 error, ADZE_INVALID_PACKAGE, wrong[i][0]);
  }
}

/* Heatmaps and fields in one output: the second map begins behind the first,
 * and this kind wants blue first. */
static void play_joined(adze_instance *instance) {
  float *data = instance->outputs[0];
  memset(data, 0, sizeof(float) * 57 * 46 * 82);
  /* Nose, neck and both shoulders in a row, three cells apart. */
  static const int columns[4] = {40, 43, 40, 46};
  static const int rows[4] = {17, 20, 20, 20}, parts[4] = {0, 1, 2, 5};
  for (int i = 0; i < 4; i++)
    data[(parts[i] * 46 + rows[i]) * 82 + columns[i]] = 0.85f;
  for (int i = 0; i < 46 * 82; i++) {
    data[(19 + 12) * 46 * 82 + i] = -1; /* neck to right shoulder, x */
    data[(19 + 20) * 46 * 82 + i] = 1;  /* to the left one */
    data[(19 + 28) * 46 * 82 + i] = -0.7f;
    data[(19 + 29) * 46 * 82 + i] = -0.7f;
  }
}

static void test_joined(void **state) {
  (void)state;
  adze_model model = {
      1,      1, tensor("image", 3, -1, -1), {tensor("maps", 57, 46, 82)},
      {NULL}, 0};
  struct adze_pose_options options;
  adze_pose_options_init(&options);
  options.person_threshold = 0.1f;
  adze_pose *pose;
  struct adze_error error = {.message = ""};
  assert_ok(adze_pose_create_from_model(&model, &options, &pose, &error),
            error);
  assert_string_equal(adze_pose_network(pose), "openpose");
  assert_int_equal(adze_pose_input_width(pose), 656);
  assert_int_equal(adze_pose_input_height(pose), 368);
  struct adze_image image = grey_image(656, 368, 11);
  for (size_t at = 2; at < image.stride * 368; at += 3)
    image.pixels[at] = 21; /* blue */
  const struct adze_poses *poses;
  play = play_joined;
  assert_ok(adze_pose_run(pose, &image, NULL, 0, &poses, &error), error);
  assert_true(fabsf(seen[0] - 21) < 1e-4f);
  assert_int_equal(poses->count, 1);
  const struct adze_keypoint *found = poses->persons[0].keypoints;
  assert_true(found[ADZE_KEYPOINT_NOSE].x == 40.5f * 8 - 0.5f);
  assert_true(found[ADZE_KEYPOINT_LEFT_SHOULDER].x == 46.5f * 8 - 0.5f);
  assert_true(found[ADZE_KEYPOINT_RIGHT_SHOULDER].y == 20.5f * 8 - 0.5f);
  assert_true(found[ADZE_KEYPOINT_LEFT_EYE].score == 0);
  assert_true(fabsf(poses->persons[0].score - 3 * 0.85f / 17) < 1e-5f);
  adze_pose_destroy(pose);
  /* What the package says goes before. */
  model.properties[0] = "pose.channels";
  model.properties[1] = "rgb";
  assert_ok(adze_pose_create_from_model(&model, NULL, &pose, &error), error);
  assert_ok(adze_pose_run(pose, &image, NULL, 0, &poses, &error), error);
  assert_true(fabsf(seen[0] - 11) < 1e-4f);
  adze_pose_destroy(pose);
  adze_image_release(&image);
}

/* PoseNet's person has its nose at (16, 16), scored 0.9, its left eye at
 * (48, 80), 0.5, and another its nose at (144, 144), without an extent. A
 * second look has all keypoints at the middle of its box, scored 0.1. */
static void play_refined(adze_instance *instance) {
  enum { CELLS = 11 * 11 };
  if (instance->model->output_count == 1) {
    if (instance->model->outputs[0].dims[1] == 17)
      play_number(instance);
    else
      for (int i = 0; i < 10; i++)
        instance->outputs[0][i] = i == 0 ? NAN : (float)i;
    return;
  }
  for (int i = 0; i < 4; i++)
    memset(instance->outputs[i], 0,
           sizeof(float) * (size_t)instance->model->outputs[i].dims[1] * CELLS);
  instance->outputs[0][1 * 11 + 1] = 0.9f;
  instance->outputs[0][CELLS + 5 * 11 + 3] = 0.5f;
  instance->outputs[2][1 * 11 + 1] = 64;
  instance->outputs[2][16 * CELLS + 1 * 11 + 1] = 32;
  instance->outputs[0][9 * 11 + 9] = 0.7f;
}

/* As play_refined, but for shoulders at both sides of the middle. */
static void play_body(adze_instance *instance) {
  play_refined(instance);
  if (instance->model->outputs[0].dims[1] != 17 ||
      instance->model->output_count != 1)
    return;
  float *heat = instance->outputs[0];
  for (int i = 0; i < 2; i++) {
    float *map = heat + (ADZE_KEYPOINT_LEFT_SHOULDER + i) * 64 * 48;
    map[32 * 48 + (i ? 14 : 34)] = map[32 * 48 + 24];
    map[32 * 48 + 24] = 0;
  }
}

static void test_refinement(void **state) {
  (void)state;
  adze_model finding = open_posenet(), looking = fixed_topdown();
  struct adze_pose_options options;
  adze_pose_options_init(&options);
  options.input_width = options.input_height = 161;
  options.person_threshold = 0;
  adze_pose *pose, *second;
  struct adze_error error = {.message = ""};
  assert_ok(adze_pose_create_from_model(&finding, &options, &pose, &error),
            error);
  assert_ok(adze_pose_create_from_model(&looking, NULL, &second, &error),
            error);
  assert_fails(adze_pose_set_refinement(second, pose, &error), error,
               ADZE_INVALID_ARGUMENT, "posenet");
  assert_fails(adze_pose_set_refinement(second, second, &error), error,
               ADZE_INVALID_ARGUMENT, "itself");
  struct adze_image image = grey_image(161, 161, 255);
  const struct adze_poses *poses;
  play = play_refined;
  assert_ok(adze_pose_run(pose, &image, NULL, 0, &poses, &error), error);
  assert_int_equal(poses->count, 2);
  float score = poses->persons[0].score;
  assert_true(fabsf(score - 1.4f / 17) < 1e-5f);
  assert_true(poses->persons[0].box.width == 32);
  assert_ok(adze_pose_set_refinement(pose, second, &error), error);
  runs = 0;
  assert_ok(adze_pose_run(pose, &image, NULL, 0, &poses, &error), error);
  /* Who has no extent is not looked at again, and now comes first. */
  assert_int_equal(runs, 2);
  assert_int_equal(poses->count, 2);
  assert_true(poses->persons[0].keypoints[0].x == 144);
  const struct adze_person *refined = &poses->persons[1];
  assert_true(fabsf(refined->score - 0.2f * score) < 1e-5f);
  for (int k = 0; k < ADZE_KEYPOINT_COUNT; k++) {
    assert_true(fabsf(refined->keypoints[k].x - 32) < 1e-3f);
    assert_true(fabsf(refined->keypoints[k].y - 48) < 1e-3f);
  }
  assert_true(refined->box.width == 0 && fabsf(refined->box.x - 32) < 1e-3f);
  struct adze_pose_times times;
  adze_pose_last_times(pose, &times);
  assert_true(times.refine_ns > 0);
  assert_fails(adze_pose_set_refinement(second, pose, &error), error,
               ADZE_INVALID_ARGUMENT, "posenet");
  assert_ok(adze_pose_set_refinement(pose, NULL, &error), error);
  assert_ok(adze_pose_run(pose, &image, NULL, 0, &poses, &error), error);
  assert_true(poses->persons[0].score == score);
  adze_pose_destroy(second);
  adze_pose_destroy(pose);
  adze_image_release(&image);
}

static adze_model fixed_head(void) {
  return (adze_model){
      1, 1, tensor("data", 3, 32, 32), {tensor("places", 10, 1, 1)}, {NULL}, 0};
}

/* A head is looked at in what a look at the person found, in a square of 0.9
 * times the body's scale. */
static void test_refinement_of_refinement(void **state) {
  (void)state;
  adze_model models[3] = {open_posenet(), fixed_topdown(), fixed_head()};
  struct adze_pose_options options;
  adze_pose_options_init(&options);
  options.input_width = options.input_height = 161;
  options.person_threshold = 0;
  adze_pose *poses[3];
  struct adze_error error = {.message = ""};
  for (int i = 0; i < 3; i++) {
    if (i == 1)
      options.input_width = options.input_height = 0;
    assert_ok(
        adze_pose_create_from_model(&models[i], &options, &poses[i], &error),
        error);
  }
  assert_ok(adze_pose_set_refinement(poses[0], poses[1], &error), error);
  assert_ok(adze_pose_set_refinement(poses[1], poses[2], &error), error);
  assert_fails(adze_pose_set_refinement(poses[2], poses[1], &error), error,
               ADZE_INVALID_ARGUMENT, "itself");
  struct adze_image image = grey_image(161, 161, 255);
  const struct adze_poses *found;
  play = play_refined;
  runs = 0;
  assert_ok(adze_pose_run(poses[0], &image, NULL, 0, &found, &error), error);
  /* All keypoints at one place have no scale: two looks, none at the head. */
  assert_int_equal(runs, 2);
  play = play_body;
  runs = 0;
  assert_ok(adze_pose_run(poses[0], &image, NULL, 0, &found, &error), error);
  assert_int_equal(runs, 3);
  const struct adze_person *person = &found->persons[found->count - 1];
  for (int k = 0; k < ADZE_KEYPOINT_COUNT; k++) {
    float score = person->keypoints[k].score;
    assert_true(k >= 1 && k < 5 ? score > 0 && score < 0.2f
                                : fabsf(score - 0.2f) < 1e-5f);
  }
  float left = person->keypoints[ADZE_KEYPOINT_LEFT_SHOULDER].x;
  float scale = 1.2f * (left - person->keypoints[6].x) * 0.9f / 32;
  /* Its nose isn't a place, and stays; eyes are 1 below the middle, and 6 and
   * 7 right of it. */
  assert_true(fabsf(person->keypoints[2].x - person->keypoints[1].x - scale) <
              1e-3f);
  assert_true(fabsf(person->keypoints[2].y - person->keypoints[1].y - scale) <
              1e-3f);
  assert_true(fabsf(person->keypoints[0].x - 32) < 1e-3f);
  for (int i = 0; i < 3; i++)
    adze_pose_destroy(poses[i]);
  adze_image_release(&image);
}

static void test_refinement_named(void **state) {
  (void)state;
  adze_model model = open_posenet();
  adze_pose *pose;
  struct adze_error error = {.message = ""};
  assert_ok(adze_pose_create_from_model(&model, NULL, &pose, &error), error);
  assert_null(adze_pose_refinement(pose));
  adze_pose_destroy(pose);
  model.properties[0] = "pose.refinement";
  model.properties[1] = "person.onnx";
  assert_ok(adze_pose_create_from_model(&model, NULL, &pose, &error), error);
  assert_string_equal(adze_pose_refinement(pose), "person.onnx");
  adze_pose_destroy(pose);
  static const char *const wrong[] = {"", "..", "/person.onnx", "a/b.onnx"};
  for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
    model.properties[1] = wrong[i];
    assert_fails(adze_pose_create_from_model(&model, NULL, &pose, &error),
                 error, ADZE_INVALID_PACKAGE, "pose.refinement");
  }
}

static void test_refused(void **state) {
  (void)state;
  adze_pose *pose;
  struct adze_error error;
  struct adze_pose_options options;
  adze_pose_options_init(&options);
  assert_fails(adze_pose_create("absent.tar", NULL, &pose, &error), error,
               ADZE_NOT_FOUND, "absent.tar");
  adze_model model = fixed_topdown();
  options.input_width = 64;
  assert_fails(adze_pose_create_from_model(&model, &options, &pose, &error),
               error, ADZE_SHAPE, "192");
  model.input_count = 2;
  assert_fails(adze_pose_create_from_model(&model, NULL, &pose, &error), error,
               ADZE_UNSUPPORTED, "one input");
  model = fixed_topdown();
  model.input.dtype = ADZE_U8;
  assert_fails(adze_pose_create_from_model(&model, NULL, &pose, &error), error,
               ADZE_UNSUPPORTED, "float32");
  model = fixed_topdown();
  model.input.dims[3] = 1 << 20;
  assert_fails(adze_pose_create_from_model(&model, NULL, &pose, &error), error,
               ADZE_SHAPE, "1048576");
  model = fixed_topdown();
  model.output_count = 0;
  assert_fails(adze_pose_create_from_model(&model, NULL, &pose, &error), error,
               ADZE_UNSUPPORTED, "not a pose network");
}

static void test_wrong_options(void **state) {
  (void)state;
  adze_model model = fixed_topdown();
  adze_pose *pose;
  struct adze_error error;
  struct adze_pose_options options[17];
  for (int i = 0; i < 17; i++)
    adze_pose_options_init(&options[i]);
  options[0].max_persons = 0;
  options[1].max_persons = 1 << 30;
  options[2].refine_steps = -1;
  options[3].nms_radius = -1;
  options[4].nms_radius = NAN;
  options[5].score_threshold = NAN;
  options[6].person_threshold = NAN;
  options[7].box_padding = 0;
  options[8].box_padding = NAN;
  options[9].input_width = -4;
  options[10].input_height = 1 << 24;
  options[11].network = "openpoze";
  options[12].peak_radius = -1;
  options[13].peak_radius = 1001;
  options[14].side_weight = -1;
  options[15].side_weight = 11;
  options[16].vote_power = NAN;
  for (int i = 0; i < 17; i++)
    assert_fails(
        adze_pose_create_from_model(&model, &options[i], &pose, &error), error,
        ADZE_INVALID_ARGUMENT, "");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_default_size),
      cmocka_unit_test(test_run),
      cmocka_unit_test(test_boxes),
      cmocka_unit_test(test_properties),
      cmocka_unit_test(test_joined),
      cmocka_unit_test(test_refinement),
      cmocka_unit_test(test_refinement_of_refinement),
      cmocka_unit_test(test_refinement_named),
      cmocka_unit_test(test_refused),
      cmocka_unit_test(test_wrong_options),
      cmocka_unit_test(test_posenet_properties),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
