/* SPDX-License-Identifier: Apache-2.0 */
/* adze pose: pictures in; skeletons, OpenPose's and COCO's JSON out.
 *
 * A thin file over adze/pose.h. Persons are looked for without a threshold, as
 * COCO's evaluation wants its results; being sorted, those to be shown are the
 * first ones. Pictures are done one after the other and the first failure ends
 * the command; what was written before it stays.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adze/pose.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/installed.h"
#include "cli/session.h"

/* Of what was found by another; so that files can't name each other for ever.
 */
#define MAX_REFINEMENTS 4

struct pose_arguments {
  const char *model, *refinement, *network, *input_size;
  int decode;
  double score_threshold, nms_radius, peak_radius, side_weight, vote_power;
  int refine_steps, max_persons;
  double person_threshold;
  const char *boxes;
  double box_threshold, box_padding;
  const char *write_images, *write_json, *write_coco_json, *evaluate;
  double render_threshold, alpha_pose;
  int threads;
  bool flush_denormals, verbose;
};

static const char *network_name(size_t index) {
  return index < adze_pose_network_count() ? adze_pose_network_name(index)
                                           : NULL;
}

#define FIELD(name) CLI_FIELD(struct pose_arguments, name)
static const struct cli_option pose_options[] = {
    {FIELD(model), 'm', CLI_TEXT, "MODEL|PACKAGE", NULL, "Network",
     "the pose network; a model file is compiled into a cache first (default: "
     "pose_small.onnx, which comes with adze)"},
    {FIELD(refinement), 0, CLI_TEXT, "MODEL|PACKAGE|none", NULL, "Network",
     "a network that looks again at each person found: top-down, head or limb "
     "(default: the one that the model names, if that lies beside it or comes "
     "with adze)"},
    {FIELD(network), 0, CLI_TEXT, "KIND", NULL, "Network",
     "what kind it is (default: told from its outputs)", .names = network_name},
    {FIELD(input_size), 0, CLI_TEXT, "WxH", NULL, "Network",
     "what pictures are stretched to, where the model leaves that open; "
     "PoseNet takes 16k+1 pixels a side, so that 640x480 gives 641x481 "
     "(default: what the model asks for, else the usual size of its kind)"},
    {FIELD(max_persons), 0, CLI_INT, "N", "10", "Network",
     "how many persons to look for, if it finds every person at once",
     .minimum = 1, .maximum = 10000},
    {FIELD(decode), 0, CLI_CHOICE, "multi|single", "multi", "PoseNet",
     "every person, or the best place of each keypoint as one person"},
    {FIELD(score_threshold), 0, CLI_REAL, "SCORE", "0", "PoseNet",
     "keypoints that a person can start from; 0: as the model asks for, else "
     "0.5"},
    {FIELD(nms_radius), 0, CLI_REAL, "PIXELS", "20", "PoseNet",
     "keypoints of one kind this near, in pixels of the input, are the same",
     .maximum = 1e6},
    {FIELD(peak_radius), 0, CLI_REAL, "PIXELS", "0", "PoseNet",
     "look for a keypoint's best score this near, in pixels of the input, to "
     "where its neighbour says it is; 0: as the model asks for, else not",
     .maximum = ADZE_POSE_MAX_PEAK_RADIUS},
    {FIELD(side_weight), 0, CLI_REAL, "POWER", "0", "PoseNet",
     "multiply a person's score by this power of how sure left and right are; "
     "0: as the model asks for, else not",
     .maximum = ADZE_POSE_MAX_SIDE_WEIGHT},
    {FIELD(vote_power), 0, CLI_REAL, "POWER", "0", "PoseNet",
     "take the mean of the places that the cells around a keypoint's say, "
     "weighted by this power of their scores; 0: as the model asks for, else "
     "not",
     .maximum = ADZE_POSE_MAX_VOTE_POWER},
    {FIELD(refine_steps), 0, CLI_INT, "N", "2", "PoseNet",
     "how often a keypoint's place is refined", .maximum = 100},
    {FIELD(boxes), 0, CLI_TEXT, "FILE.json", NULL, "Top-down",
     "boxes of persons: COCO annotations or detections (default: the whole "
     "picture is one)"},
    {FIELD(box_threshold), 0, CLI_REAL, "SCORE", "0.3", "Top-down",
     "leave out detections that score less"},
    {FIELD(box_padding), 0, CLI_REAL, "FACTOR", "1.25", "Top-down",
     "grow boxes by this", .minimum = 0.01, .maximum = 100},
    {FIELD(write_images), 0, CLI_TEXT, "FOLDER", NULL, "Output",
     "draw the skeletons: NAME_rendered.png for each picture"},
    {FIELD(write_json), 0, CLI_TEXT, "FOLDER", NULL, "Output",
     "OpenPose's JSON: NAME_keypoints.json for each picture, with the 17 "
     "keypoints of COCO (nose, eyes, ears, shoulders, elbows, wrists, hips, "
     "knees, ankles; the left one before the right one) as x, y, score"},
    {FIELD(write_coco_json), 0, CLI_TEXT, "FILE", NULL, "Output",
     "COCO results of all pictures, with persons of every score; image_id is "
     "the last number in a file's name, else its place in the command"},
    {FIELD(evaluate), 0, CLI_TEXT, "FILE.json", NULL, "Output",
     "compare all persons found with COCO annotations: print average precision "
     "and recall as COCO defines them, and the mean keypoint similarity"},
    {FIELD(person_threshold), 0, CLI_REAL, "SCORE", "-1", "Output",
     "persons that score less are neither counted, drawn nor in OpenPose's "
     "JSON; below 0: as the model asks for, else 0.2"},
    {FIELD(render_threshold), 0, CLI_REAL, "SCORE", "-1", "Output",
     "keypoints that score less are not drawn; below 0: as the model asks for, "
     "else 0.3"},
    {FIELD(alpha_pose), 0, CLI_REAL, "ALPHA", "0.9", "Output",
     "1 draws skeletons opaque, 0 not at all", .minimum = 0, .maximum = 1},
    {FIELD(threads), 0, CLI_INT, "N", "0", "Working",
     "threads that run; 0: ADZE_THREADS, else every CPU", .maximum = 1024},
    {FIELD(flush_denormals), 0, CLI_FLAG, NULL, NULL, "Working",
     CLI_FLUSH_DENORMALS},
    {FIELD(verbose), 'v', CLI_FLAG, NULL, NULL, "Working",
     "print the time of each stage, and the stages of compiling a model"},
};
#undef FIELD

/* What lives as long as the command. */
struct work {
  struct cli *cli;
  const char *model; /* a path */
  const struct pose_arguments *arguments;
  adze_pool *pool;
  adze_pose *pose;
  adze_box_file *boxes;       /* or NULL */
  adze_coco_results *results; /* or NULL */
  struct adze_image image;    /* the picture at hand */
  struct adze_error *error;
};

static void release_pose(void *pose) { adze_pose_destroy(pose); }
static void release_pool(void *pool) { adze_pool_destroy(pool); }
static void release_boxes(void *boxes) { adze_box_file_destroy(boxes); }
static void release_results(void *results) {
  adze_coco_results_destroy(results);
}

static void release_image(void *image) { adze_image_release(image); }

static enum adze_status read_size(const char *text,
                                  struct adze_pose_options *options,
                                  struct adze_error *error) {
  if (string_to_size(text, ADZE_POSE_MAX_INPUT_SIDE, &options->input_width,
                     &options->input_height))
    return ADZE_OK;
  return fail(error, ADZE_INVALID_ARGUMENT,
              "pose: option --input-size must be WxH with 1 to %d pixels a "
              "side, such as 641x481, not '%s'",
              ADZE_POSE_MAX_INPUT_SIDE, text);
}

/* PoseNet's sides are 16k+1: who typed another size should know. */
static void tell_size(const struct adze_pose_options *options,
                      const adze_pose *pose) {
  int width = adze_pose_input_width(pose);
  int height = adze_pose_input_height(pose);
  if (options->input_width &&
      (width != options->input_width || height != options->input_height))
    printf("the network's input is %dx%d, not %dx%d\n", width, height,
           options->input_width, options->input_height);
}

/* The input as --input-shapes has it, where a model file leaves some of it
 * open: code for the very size is up to twice as fast. NULL otherwise. */
static const char *exact_shape(const struct work *work,
                               const struct session *session,
                               const adze_pose *pose) {
  struct adze_tensor_info info;
  adze_model_input(session->model, 0, &info);
  bool open = false;
  for (int i = 0; i < info.rank; i++)
    open = open || info.dims[i] < 0;
  if (!open || session->package == session->path)
    return NULL;
  int height = adze_pose_input_height(pose);
  int width = adze_pose_input_width(pose);
  if (info.dims[1] == 3)
    return arena_printf(work->cli->arena, "%s:[1,3,%d,%d]", info.name, height,
                        width);
  return arena_printf(work->cli->arena, "%s:[1,%d,%d,3]", info.name, height,
                      width);
}

/* Compiles or loads a network, which the caller destroys; the options' pool is
 * the command's, and how it computes. */
static enum adze_status open_shape(struct work *work, const char *path,
                                   const char *input_shapes,
                                   struct adze_pose_options *options,
                                   struct session **out_session,
                                   adze_pose **out) {
  struct arena *arena = work->cli->arena;
  const struct session_options load = {.path = path,
                                       .input_shapes = input_shapes,
                                       .threads = work->arguments->threads,
                                       .verbose = work->arguments->verbose,
                                       .load.copy_weights = true};
  struct session *session;
  TRY(session_load(arena, &load, &session, work->error));
  if (!work->pool) {
    const struct adze_pool_options pool = {.threads = session->threads};
    TRY(adze_pool_create(&pool, &work->pool, work->error));
    arena_defer(arena, release_pool, work->pool);
  }
  options->pool = work->pool;
  options->flush_denormals = work->arguments->flush_denormals;
  if (adze_pose_create_from_model(session->model, options, out, work->error) !=
      ADZE_OK)
    return fail_prefix(work->error, path);
  *out_session = session;
  return ADZE_OK;
}

/* Which size a network wants is known once it is there; then it is compiled
 * for that. */
static enum adze_status open_network(struct work *work, const char *path,
                                     struct adze_pose_options *options,
                                     adze_pose **out) {
  struct session *session;
  TRY(open_shape(work, path, NULL, options, &session, out));
  const char *shape = exact_shape(work, session, *out);
  if (shape) {
    adze_pose_destroy(*out);
    TRY(open_shape(work, path, shape, options, &session, out));
  }
  arena_defer(work->cli->arena, release_pose, *out);
  return ADZE_OK;
}

static bool wants_results(const struct pose_arguments *arguments) {
  return arguments->write_coco_json || arguments->evaluate;
}

static enum adze_status open_pose(struct work *work) {
  const struct pose_arguments *arguments = work->arguments;
  struct adze_pose_options options;
  adze_pose_options_init(&options);
  options.network = arguments->network;
  options.decode = arguments->decode == 0 ? ADZE_POSE_MULTI : ADZE_POSE_SINGLE;
  options.score_threshold = (float)arguments->score_threshold;
  options.nms_radius = (float)arguments->nms_radius;
  options.peak_radius = (float)arguments->peak_radius;
  options.side_weight = (float)arguments->side_weight;
  options.vote_power = (float)arguments->vote_power;
  options.refine_steps = arguments->refine_steps;
  options.max_persons = arguments->max_persons;
  options.box_padding = (float)arguments->box_padding;
  options.person_threshold =
      wants_results(arguments) ? 0 : (float)arguments->person_threshold;
  if (arguments->input_size)
    TRY(read_size(arguments->input_size, &options, work->error));
  TRY(open_network(work, work->model, &options, &work->pose));
  tell_size(&options, work->pose);
  return ADZE_OK;
}

/* The path of what a model names, beside it or as it came with the program;
 * NULL where neither is there. */
static const char *named_refinement(const struct work *work,
                                    const adze_pose *pose, const char *model) {
  struct arena *arena = work->cli->arena;
  const char *name = adze_pose_refinement(pose), *path;
  if (!name)
    return NULL;
  const char *slash = strrchr(model, '/');
  int folder = slash ? (int)(slash + 1 - model) : 0;
  path = arena_printf(arena, "%.*s%s", folder, model, name);
  if (access(path, R_OK) == 0 ||
      installed_file(arena, name, &path, NULL) == ADZE_OK)
    return path;
  fprintf(stderr,
          "adze: keypoints are not refined: %s, which %s asks for, is neither "
          "beside it nor comes with adze\n",
          name, model);
  return NULL;
}

/* Each network may name one that looks again at what it found. */
static enum adze_status open_refinements(struct work *work) {
  const char *path = work->arguments->refinement;
  if (path && strcmp(path, "none") == 0)
    return ADZE_OK;
  if (!path)
    path = named_refinement(work, work->pose, work->model);
  adze_pose *pose = work->pose, *refinement;
  for (int depth = 0; path; depth++) {
    if (depth == MAX_REFINEMENTS)
      return fail(work->error, ADZE_LIMIT,
                  "pose: %s is one refinement of another too many, %d are "
                  "possible",
                  path, MAX_REFINEMENTS);
    struct adze_pose_options options;
    adze_pose_options_init(&options);
    options.box_padding = (float)work->arguments->box_padding;
    TRY(open_network(work, path, &options, &refinement));
    if (adze_pose_set_refinement(pose, refinement, work->error) != ADZE_OK)
      return fail_prefix(work->error, path);
    path = named_refinement(work, refinement, path);
    pose = refinement;
  }
  return ADZE_OK;
}

static enum adze_status open_files(struct work *work) {
  const struct pose_arguments *arguments = work->arguments;
  struct arena *arena = work->cli->arena;
  if (arguments->boxes) {
    if (!adze_pose_uses_boxes(work->pose))
      return fail(work->error, ADZE_INVALID_ARGUMENT,
                  "pose: option --boxes is for networks that look at one "
                  "person at a time; %s is a %s network, which finds every "
                  "person itself",
                  work->model, adze_pose_network(work->pose));
    TRY(adze_box_file_load(arguments->boxes, (float)arguments->box_threshold,
                           &work->boxes, work->error));
    arena_defer(arena, release_boxes, work->boxes);
  }
  if (wants_results(arguments)) {
    work->results = adze_coco_results_create();
    if (!work->results)
      guard_out_of_memory();
    arena_defer(arena, release_results, work->results);
  }
  if (arguments->write_images)
    TRY(folder_make(arguments->write_images, work->error));
  if (arguments->write_json)
    TRY(folder_make(arguments->write_json, work->error));
  return ADZE_OK;
}

/* FOLDER/NAME of the picture + ending. */
static const char *output_path(struct arena *arena, const char *folder,
                               const char *picture, const char *ending) {
  const char *name = strrchr(picture, '/');
  name = name ? name + 1 : picture;
  const char *dot = strrchr(name, '.');
  int length = (int)(dot && dot != name ? (size_t)(dot - name) : strlen(name));
  return arena_printf(arena, "%s/%.*s%s", folder, length, name, ending);
}

/* Nanoseconds of each stage of one picture, in this order. */
enum stage { READ, PREPARE, NETWORK, DECODE, REFINE, DRAW, WRITE, STAGE_COUNT };
static const char *const stage_names[] = {
    "read", "prepare", "network", "decode", "refine", "draw", "write"};

/* What the user asks for, or else the model. */
static float threshold_of(double asked, float models) {
  return asked >= 0 ? (float)asked : models;
}

static float render_threshold(const struct work *work) {
  return threshold_of(work->arguments->render_threshold,
                      adze_pose_render_threshold(work->pose));
}

/* Draws and writes; prints where. */
static enum adze_status write_picture(struct work *work, const char *path,
                                      const struct adze_poses *shown,
                                      int64_t times[STAGE_COUNT]) {
  const struct pose_arguments *arguments = work->arguments;
  struct arena *arena = work->cli->arena;
  int64_t start = time_now_ns();
  if (arguments->write_json) {
    const char *json =
        output_path(arena, arguments->write_json, path, "_keypoints.json");
    TRY(adze_poses_write_openpose(shown, json, work->error));
    printf("  %s\n", json);
    times[WRITE] = time_now_ns() - start;
  }
  if (!arguments->write_images)
    return ADZE_OK;
  struct adze_draw_options draw;
  adze_draw_options_init(&draw);
  draw.threshold = render_threshold(work);
  draw.alpha = (float)arguments->alpha_pose;
  start = time_now_ns();
  TRY(adze_poses_draw(shown, &draw, &work->image, work->error));
  times[DRAW] = time_now_ns() - start;
  const char *png =
      output_path(arena, arguments->write_images, path, "_rendered.png");
  start = time_now_ns();
  TRY(adze_image_write_png(&work->image, png, work->error));
  times[WRITE] += time_now_ns() - start;
  printf("  %s\n", png);
  return ADZE_OK;
}

static void print_persons(const struct adze_poses *shown, float threshold) {
  for (size_t i = 0; i < shown->count; i++) {
    const struct adze_person *person = &shown->persons[i];
    int good = 0;
    for (int k = 0; k < ADZE_KEYPOINT_COUNT; k++)
      good += person->keypoints[k].score >= threshold;
    printf("  person %zu: score %.2f, %d of %d keypoints, in %.0f x %.0f "
           "pixels at (%.0f, %.0f)\n",
           i + 1, person->score, good, ADZE_KEYPOINT_COUNT, person->box.width,
           person->box.height, person->box.x, person->box.y);
  }
}

static void print_times(const int64_t times[STAGE_COUNT]) {
  int64_t sum = 0;
  for (int i = 0; i < STAGE_COUNT; i++) {
    sum += times[i];
    if (times[i])
      printf("  %-8s %9.3f ms\n", stage_names[i], (double)times[i] * 1e-6);
  }
  printf("  %-8s %9.3f ms\n", "in all", (double)sum * 1e-6);
}

/* Everything for one picture that was read. */
static enum adze_status do_image(struct work *work, size_t index,
                                 int64_t times[STAGE_COUNT]) {
  const struct pose_arguments *arguments = work->arguments;
  const char *path = work->cli->positional[index];
  const struct adze_box *boxes = NULL;
  size_t box_count = 0;
  if (work->boxes)
    box_count = adze_box_file_find(work->boxes, path, &boxes);
  const struct adze_poses *poses;
  if (adze_pose_run(work->pose, &work->image, boxes, box_count, &poses,
                    work->error) != ADZE_OK)
    return fail_prefix(work->error, path);
  struct adze_pose_times spent;
  adze_pose_last_times(work->pose, &spent);
  times[PREPARE] = spent.prepare_ns;
  times[NETWORK] = spent.network_ns;
  times[DECODE] = spent.decode_ns;
  times[REFINE] = spent.refine_ns;
  if (work->results)
    TRY(adze_coco_results_add(work->results,
                              adze_coco_image_id(path, (int64_t)index + 1),
                              poses, work->error));
  struct adze_poses shown = *poses;
  float threshold = threshold_of(arguments->person_threshold,
                                 adze_pose_person_threshold(work->pose));
  while (shown.count && shown.persons[shown.count - 1].score < threshold)
    shown.count--;
  printf("%s: %zu person%s\n", path, shown.count, shown.count == 1 ? "" : "s");
  if (!arguments->write_json && !arguments->write_coco_json)
    print_persons(&shown, render_threshold(work));
  TRY(write_picture(work, path, &shown, times));
  if (arguments->verbose)
    print_times(times);
  return ADZE_OK;
}

static enum adze_status do_path(struct work *work, size_t index) {
  int64_t times[STAGE_COUNT] = {0}, start = time_now_ns();
  adze_image_release(&work->image);
  TRY(adze_image_load(work->cli->positional[index], &work->image, work->error));
  times[READ] = time_now_ns() - start;
  return do_image(work, index, times);
}

static enum adze_status print_scores(const struct work *work) {
  struct adze_coco_scores scores;
  TRY(adze_coco_evaluate(work->results, work->arguments->evaluate, &scores,
                         work->error));
  printf("AP %.4f (at 0.5: %.4f, at 0.75: %.4f, medium: %.4f, large: %.4f)\n",
         scores.ap, scores.ap50, scores.ap75, scores.ap_medium,
         scores.ap_large);
  printf("AR %.4f (at 0.5: %.4f, at 0.75: %.4f, medium: %.4f, large: %.4f)\n",
         scores.ar, scores.ar50, scores.ar75, scores.ar_medium,
         scores.ar_large);
  printf("mean OKS %.4f of %zu persons\n", scores.mean_oks, scores.persons);
  return ADZE_OK;
}

static enum adze_status pose_run(struct cli *cli, void *data,
                                 struct adze_error *error) {
  const struct pose_arguments *arguments = data;
  struct work *work = ARENA_NEW(cli->arena, struct work);
  *work = (struct work){.cli = cli, .arguments = data, .error = error};
  arena_defer(cli->arena, release_image, &work->image);
  work->model = arguments->model;
  if (!work->model)
    TRY(installed_file(cli->arena, "pose_small.onnx", &work->model, error));
  if (arguments->write_coco_json)
    TRY(file_check_writable(arguments->write_coco_json, error));
  TRY(open_pose(work));
  TRY(open_refinements(work));
  TRY(open_files(work));
  for (size_t i = 0; i < cli->positional_count; i++)
    TRY(do_path(work, i));
  if (arguments->write_coco_json) {
    TRY(adze_coco_results_write(work->results, arguments->write_coco_json,
                                error));
    printf("%s\n", arguments->write_coco_json);
  }
  return arguments->evaluate ? print_scores(work) : ADZE_OK;
}

const struct cli_command cli_command_pose = {
    .name = "pose",
    .positional = "IMAGE...",
    .minimum = 1,
    .maximum = SIZE_MAX,
    .summary = "find the persons in pictures",
    .description =
        "Finds the body poses of the persons in JPEG, PNG and BMP pictures "
        "with a pose network: PoseNet or one like OpenPose, which find every "
        "person at once, or a top-down network, which looks at one box at a "
        "time. Another network can look again at whom the first one found, "
        "which makes keypoints exact. The networks that come with adze were "
        "trained on rendered people only; for photos, give one that was "
        "trained on photos. Without an option that asks for JSON, a line per "
        "person is printed.",
    .examples =
        "adze pose photo.jpg --write-images drawn\n"
        "adze pose photo.jpg --model posenet.onnx\n"
        "adze pose *.jpg -m posenet.tar --input-size 641x481 --write-json out\n"
        "adze pose *.jpg -m posenet.tar --write-coco-json results.json\n"
        "adze pose photo.jpg -m openpose.onnx --input-size 656x368\n"
        "adze pose *.jpg -m simplepose.onnx --boxes boxes.json --verbose\n"
        "adze pose *.jpg -m posenet.onnx --refinement simplepose.onnx\n",
    .options = pose_options,
    .option_count = ARRAY_COUNT(pose_options),
    .arguments_bytes = sizeof(struct pose_arguments),
    .run = pose_run,
};
