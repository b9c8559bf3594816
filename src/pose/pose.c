/* SPDX-License-Identifier: Apache-2.0 */
/* Running a pose network on pictures: the glue between the runtime and the
 * kinds in networks.def.
 *
 * A pose holds an instance of its model, the input and output tensors that are
 * bound to it, and the frame that the kind's prepare and decode work on. All
 * memory is made when the pose is; a run allocates only when it has more boxes
 * than any before it.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "pose/properties.h"
#include "pose/refine.h"

struct adze_pose {
  struct adze_pose_options options;
  adze_model *own_model; /* NULL when the caller's */
  const adze_model *model;
  adze_instance *instance;
  const struct pose_network *network;
  struct pose_properties properties;
  struct pose_frame frame;
  float **outputs; /* [output_count] */
  size_t output_count;
  adze_pose *refinement; /* the caller's, or NULL */
  struct adze_poses poses;
  struct adze_pose_times times;
};

/* ---- Making -------------------------------------------------------------- */

static enum adze_status check_options(const struct adze_pose_options *options,
                                      struct adze_error *error) {
  if (options->max_persons < 1 || options->max_persons > 10000)
    return fail(error, ADZE_INVALID_ARGUMENT,
                "at most 1 to 10000 persons can be asked for, found %d",
                options->max_persons);
  if (options->refine_steps < 0 || options->refine_steps > 100)
    return fail(error, ADZE_INVALID_ARGUMENT,
                "0 to 100 refinement steps are possible, found %d",
                options->refine_steps);
  if (!(options->nms_radius >= 0) || !isfinite(options->nms_radius))
    return fail(error, ADZE_INVALID_ARGUMENT,
                "the radius of one keypoint must be 0 or more, found %g",
                options->nms_radius);
  for (size_t i = 0; i < pose_number_count; i++) {
    struct adze_pose_options read = *options;
    float value = *pose_number_of(&pose_numbers[i], &read);
    if (!(value >= 0) || value > pose_numbers[i].most)
      return fail(error, ADZE_INVALID_ARGUMENT, "%s must be 0 to %g, found %g",
                  pose_numbers[i].name, pose_numbers[i].most, value);
  }
  if (isnan(options->score_threshold) || isnan(options->person_threshold))
    return fail(error, ADZE_INVALID_ARGUMENT,
                "a score threshold must be a number");
  if (!(options->box_padding > 0) || options->box_padding > 100)
    return fail(error, ADZE_INVALID_ARGUMENT,
                "the padding of a box must be above 0 and at most 100, found "
                "%g",
                options->box_padding);
  if (options->input_width < 0 || options->input_height < 0 ||
      options->input_width > ADZE_POSE_MAX_INPUT_SIDE ||
      options->input_height > ADZE_POSE_MAX_INPUT_SIDE)
    return fail(error, ADZE_INVALID_ARGUMENT,
                "a network's input can have at most %d pixels a side, found "
                "%d x %d",
                ADZE_POSE_MAX_INPUT_SIDE, options->input_width,
                options->input_height);
  return ADZE_OK;
}

/* The size of one side: fixed by the model, or asked for, or usual. */
static enum adze_status choose_side(const struct adze_pose *pose, int64_t fixed,
                                    int asked, int usual, const char *side,
                                    int *out, struct adze_error *error) {
  if (fixed > ADZE_POSE_MAX_INPUT_SIDE || fixed == 0)
    return fail(error, ADZE_SHAPE,
                "a pose network's input has 1 to %d pixels a side, this one's "
                "%s is %lld",
                ADZE_POSE_MAX_INPUT_SIDE, side, (long long)fixed);
  if (fixed > 0 && asked && asked != fixed)
    return fail(error, ADZE_SHAPE,
                "this network's input has a %s of %lld; it can't be %d", side,
                (long long)fixed, asked);
  if (fixed <= 0)
    fixed = pose_network_round_size(pose->network, pose->properties.size_step,
                                    asked ? asked : usual);
  *out = (int)fixed;
  return ADZE_OK;
}

/* Sets the frame's input but for its data, and dims for the instance. */
static enum adze_status choose_input(struct adze_pose *pose,
                                     const struct adze_tensor_info *info,
                                     int64_t dims[ADZE_MAX_RANK],
                                     struct adze_error *error) {
  bool channels_first = info->rank == 4 && info->dims[1] == 3;
  bool channels_last = info->rank == 4 && info->dims[3] == 3;
  if (info->dtype != ADZE_F32 || (!channels_first && !channels_last) ||
      (info->dims[0] != 1 && info->dims[0] != -1))
    return fail(error, ADZE_UNSUPPORTED,
                "a pose network's input is a float32 tensor [1, 3, height, "
                "width] or [1, height, width, 3], this one's ('%s') is not",
                info->name);
  int y_axis = channels_first ? 2 : 1, x_axis = channels_first ? 3 : 2;
  const struct pose_properties *wants = &pose->properties;
  int width, height;
  TRY(choose_side(pose, info->dims[x_axis], pose->options.input_width,
                  wants->width, "width", &width, error));
  TRY(choose_side(pose, info->dims[y_axis], pose->options.input_height,
                  wants->height, "height", &height, error));
  struct adze_image_target *input = &pose->frame.input;
  adze_image_target_init(input, NULL, width, height);
  memcpy(input->mean, wants->mean, sizeof input->mean);
  memcpy(input->scale, wants->scale, sizeof input->scale);
  input->bgr = wants->bgr;
  if (!channels_first) {
    input->channel_stride = 1;
    input->column_stride = 3;
    input->row_stride = 3 * (ptrdiff_t)width;
  }
  dims[0] = 1;
  dims[channels_first ? 1 : 3] = 3;
  dims[y_axis] = height;
  dims[x_axis] = width;
  return ADZE_OK;
}

static enum adze_status no_memory(struct adze_error *error) {
  return fail(error, ADZE_OUT_OF_MEMORY, "no memory for the pose network");
}

/* Outputs as compiled, or as the instance has them. */
static enum adze_status find_network(struct adze_pose *pose,
                                     struct adze_error *error) {
  size_t count = adze_model_output_count(pose->model);
  struct adze_tensor_info *outputs = calloc(count ? count : 1, sizeof *outputs);
  if (!outputs)
    return no_memory(error);
  for (size_t i = 0; i < count; i++) {
    if (pose->instance)
      adze_instance_output(pose->instance, i, &outputs[i]);
    else
      adze_model_output(pose->model, i, &outputs[i]);
  }
  const char *name = pose->options.network
                         ? pose->options.network
                         : adze_model_property(pose->model, "pose.network");
  enum adze_status status = pose_network_find(
      name, outputs, count, &pose->network, pose->frame.maps, error);
  free(outputs);
  return status;
}

static enum adze_status bind_outputs(struct adze_pose *pose,
                                     struct adze_error *error) {
  pose->output_count = adze_model_output_count(pose->model);
  pose->outputs = calloc(pose->output_count, sizeof *pose->outputs);
  if (!pose->outputs)
    return no_memory(error);
  for (size_t i = 0; i < pose->output_count; i++) {
    struct adze_tensor_info info;
    adze_instance_output(pose->instance, i, &info);
    pose->outputs[i] = malloc(info.bytes ? info.bytes : 1);
    if (!pose->outputs[i])
      return no_memory(error);
    TRY(adze_instance_bind_output(pose->instance, i, pose->outputs[i],
                                  info.bytes, error));
  }
  for (int i = 0; i < pose->network->map_count; i++) {
    struct pose_map *map = &pose->frame.maps[i];
    if (map->width <= 0 || map->height <= 0)
      return fail(error, ADZE_UNSUPPORTED,
                  "the size of this network's %s is not known before it runs",
                  pose->network->maps[i].name);
    map->data =
        pose->outputs[map->output] + map->first_channel * map->channel_stride;
  }
  return ADZE_OK;
}

static enum adze_status grow_persons(struct adze_pose *pose, size_t count,
                                     struct adze_error *error) {
  struct pose_frame *frame = &pose->frame;
  if (count <= frame->person_capacity)
    return ADZE_OK;
  size_t bytes;
  struct adze_person *persons = NULL;
  if (size_mul(count, sizeof *persons, &bytes))
    persons = realloc(frame->persons, bytes);
  if (!persons)
    return fail(error, ADZE_OUT_OF_MEMORY, "no memory for %zu persons", count);
  frame->persons = persons;
  frame->person_capacity = count;
  return ADZE_OK;
}

static enum adze_status bind(struct adze_pose *pose, struct adze_error *error) {
  struct pose_frame *frame = &pose->frame;
  TRY(find_network(pose, error));
  TRY(bind_outputs(pose, error));
  size_t bytes = pose->network->scratch_bytes(frame->maps);
  frame->scratch = malloc(bytes ? bytes : 1);
  bytes = (size_t)frame->input.width * (size_t)frame->input.height * 3 *
          sizeof(float);
  frame->input.data = malloc(bytes);
  if (!frame->scratch || !frame->input.data)
    return no_memory(error);
  TRY(adze_instance_bind_input(pose->instance, 0, frame->input.data, bytes,
                               error));
  return grow_persons(pose, pose->network->most_persons(&pose->options), error);
}

static enum adze_status open_model(struct adze_pose *pose,
                                   struct adze_error *error) {
  if (adze_model_input_count(pose->model) != 1)
    return fail(error, ADZE_UNSUPPORTED,
                "a pose network has one input, this model has %zu",
                adze_model_input_count(pose->model));
  TRY(find_network(pose, error));
  TRY(pose_properties_read(pose->model, pose->network, &pose->properties,
                           error));
  if (pose->options.score_threshold == 0)
    pose->options.score_threshold = pose->properties.score_threshold;
  for (size_t i = 0; i < pose_number_count; i++) {
    float *value = pose_number_of(&pose_numbers[i], &pose->options);
    if (*value == 0)
      *value = *pose_number_of(&pose_numbers[i], &pose->properties.numbers);
  }
  if (pose->options.person_threshold < 0)
    pose->options.person_threshold = pose->properties.person_threshold;
  struct adze_tensor_info info;
  adze_model_input(pose->model, 0, &info);
  int64_t dims[ADZE_MAX_RANK];
  TRY(choose_input(pose, &info, dims, error));
  const int64_t *input_dims[1] = {dims};
  struct adze_instance_options options = {
      .threads = pose->options.threads,
      .flush_denormals = pose->options.flush_denormals,
      .pool = pose->options.pool,
      .input_dims = input_dims,
  };
  TRY(adze_instance_create(pose->model, &options, &pose->instance, error));
  return bind(pose, error);
}

static enum adze_status make(const struct adze_pose_options *options,
                             adze_pose **out, struct adze_error *error) {
  struct adze_pose_options defaults;
  adze_pose_options_init(&defaults);
  if (!options)
    options = &defaults;
  TRY(check_options(options, error));
  struct adze_pose *pose = calloc(1, sizeof *pose);
  if (!pose)
    return no_memory(error);
  pose->options = *options;
  pose->frame.options = &pose->options;
  *out = pose;
  return ADZE_OK;
}

enum adze_status
adze_pose_create_from_model(const adze_model *model,
                            const struct adze_pose_options *options,
                            adze_pose **out, struct adze_error *error) {
  adze_pose *pose;
  TRY(make(options, &pose, error));
  pose->model = model;
  enum adze_status status = open_model(pose, error);
  if (status != ADZE_OK)
    adze_pose_destroy(pose);
  else
    *out = pose;
  return status;
}

enum adze_status adze_pose_create(const char *package,
                                  const struct adze_pose_options *options,
                                  adze_pose **out, struct adze_error *error) {
  adze_pose *pose;
  TRY(make(options, &pose, error));
  enum adze_status status =
      adze_model_load(package, NULL, &pose->own_model, error);
  if (status == ADZE_OK) {
    pose->model = pose->own_model;
    status = open_model(pose, error);
    if (status != ADZE_OK)
      fail_prefix(error, package);
  }
  if (status != ADZE_OK)
    adze_pose_destroy(pose);
  else
    *out = pose;
  return status;
}

void adze_pose_destroy(adze_pose *pose) {
  if (!pose)
    return;
  adze_instance_destroy(pose->instance);
  adze_model_unload(pose->own_model);
  if (pose->outputs)
    for (size_t i = 0; i < pose->output_count; i++)
      free(pose->outputs[i]);
  free(pose->outputs);
  free(pose->frame.input.data);
  free(pose->frame.scratch);
  free(pose->frame.persons);
  free(pose);
}

const char *adze_pose_network(const adze_pose *pose) {
  return pose->network->name;
}

int adze_pose_input_width(const adze_pose *pose) {
  return pose->frame.input.width;
}

int adze_pose_input_height(const adze_pose *pose) {
  return pose->frame.input.height;
}

bool adze_pose_uses_boxes(const adze_pose *pose) {
  return pose->network->uses_boxes;
}

float adze_pose_person_threshold(const adze_pose *pose) {
  return pose->properties.person_threshold;
}

float adze_pose_render_threshold(const adze_pose *pose) {
  return pose->properties.render_threshold;
}

const char *adze_pose_refinement(const adze_pose *pose) {
  return pose->properties.refinement;
}

/* ---- Running ------------------------------------------------------------- */

static enum adze_status run_once(adze_pose *pose,
                                 const struct adze_image *image,
                                 const struct pose_region *region,
                                 struct adze_error *error) {
  int64_t start = time_now_ns();
  TRY(pose->network->prepare(&pose->frame, image, region, error));
  int64_t prepared = time_now_ns();
  TRY(adze_instance_run(pose->instance, error));
  int64_t ran = time_now_ns();
  pose->network->decode(&pose->frame);
  pose->times.prepare_ns += prepared - start;
  pose->times.network_ns += ran - prepared;
  pose->times.decode_ns += time_now_ns() - ran;
  return ADZE_OK;
}

/* Best first, those of equal scores in the order found; an insertion sort, as
 * they are few and nearly sorted. Persons below the threshold go. */
static void sort_persons(adze_pose *pose) {
  struct adze_person *persons = pose->frame.persons;
  size_t kept = 0;
  for (size_t i = 0; i < pose->frame.person_count; i++) {
    if (persons[i].score < pose->options.person_threshold)
      continue;
    struct adze_person person = persons[i];
    size_t at = kept++;
    for (; at > 0 && persons[at - 1].score < person.score; at--)
      persons[at] = persons[at - 1];
    persons[at] = person;
  }
  pose->frame.person_count = kept;
}

static void start_run(adze_pose *pose) {
  pose->times = (struct adze_pose_times){0};
  pose->frame.person_count = 0;
}

static enum adze_status refine_person(adze_pose *refinement,
                                      const struct adze_image *image,
                                      struct adze_person *person,
                                      struct adze_error *error) {
  const struct pose_network *network = refinement->network;
  for (int part = 0; part < network->part_count; part++) {
    struct pose_region region;
    if (!network->region(person, image, part, &region))
      continue;
    start_run(refinement);
    TRY(run_once(refinement, image, &region, error));
    const struct adze_person *again = refinement->frame.persons;
    if (network->has_scores)
      pose_refine_person(person, again);
    else
      pose_refine_part(person, again, region.box.width);
  }
  return ADZE_OK;
}

/* By its refinement, by that one's, and so on. */
static enum adze_status refine_persons(adze_pose *pose,
                                       const struct adze_image *image,
                                       struct adze_error *error) {
  if (!pose->refinement)
    return ADZE_OK;
  int64_t start = time_now_ns();
  for (size_t i = 0; i < pose->frame.person_count; i++) {
    struct adze_person *person = &pose->frame.persons[i], first = *person;
    bool parts = false;
    for (adze_pose *at = pose->refinement; at; at = at->refinement) {
      TRY(refine_person(at, image, person, error));
      parts = !at->network->has_scores;
      if (!parts)
        first = *person;
    }
    if (parts)
      pose_refine_score(person, &first, image);
    if (!pose->network->uses_boxes)
      person->box = pose_box_around(person);
  }
  sort_persons(pose);
  pose->times.refine_ns = time_now_ns() - start;
  return ADZE_OK;
}

enum adze_status adze_pose_set_refinement(adze_pose *pose,
                                          adze_pose *refinement,
                                          struct adze_error *error) {
  if (refinement && !refinement->network->uses_boxes)
    return fail(error, ADZE_INVALID_ARGUMENT,
                "a refinement looks at one person's box at a time; this is a "
                "%s network, which finds every person itself",
                refinement->network->name);
  for (const adze_pose *at = refinement; at; at = at->refinement)
    if (at == pose)
      return fail(error, ADZE_INVALID_ARGUMENT,
                  "a network can't refine what it refines itself");
  pose->refinement = refinement;
  return ADZE_OK;
}

enum adze_status adze_pose_run(adze_pose *pose, const struct adze_image *image,
                               const struct adze_box *boxes, size_t box_count,
                               const struct adze_poses **out,
                               struct adze_error *error) {
  struct adze_box whole = {0, 0, (float)image->width, (float)image->height, 1};
  if (!boxes || !pose->network->uses_boxes) {
    boxes = &whole;
    box_count = 1;
  }
  start_run(pose);
  size_t most;
  if (!size_mul(box_count, pose->network->most_persons(&pose->options), &most))
    return fail(error, ADZE_LIMIT, "%zu boxes are too many", box_count);
  TRY(grow_persons(pose, most, error));
  for (size_t i = 0; i < box_count; i++)
    TRY(run_once(pose, image, &(struct pose_region){.box = boxes[i]}, error));
  sort_persons(pose);
  TRY(refine_persons(pose, image, error));
  pose->poses =
      (struct adze_poses){pose->frame.persons, pose->frame.person_count};
  *out = &pose->poses;
  return ADZE_OK;
}

void adze_pose_last_times(const adze_pose *pose, struct adze_pose_times *out) {
  *out = pose->times;
}
