/* SPDX-License-Identifier: Apache-2.0 */
/* The table of pose networks, and telling from a model's outputs which of them
 * it is: every map that a kind needs is an output of that many channels, [1,
 * channels, height, width] or [1, height, width, channels], and all maps are
 * of one size; or one output holds the channels of all maps.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "pose/network.h"

static const struct pose_network *const networks[] = {
#define NETWORK(name) &pose_network_##name,
#include "pose/networks.def"
#undef NETWORK
};

size_t adze_pose_network_count(void) { return ARRAY_COUNT(networks); }

const char *adze_pose_network_name(size_t index) {
  return networks[index]->name;
}

const char *adze_pose_network_summary(size_t index) {
  return networks[index]->summary;
}

/* A map's sides must leave room for int arithmetic on them. */
static bool is_side(int64_t dim) {
  return dim == -1 || (dim > 0 && dim <= ADZE_IMAGE_MAX_SIDE);
}

static int open_is_zero(int64_t dim) { return dim == -1 ? 0 : (int)dim; }

/* Views an output as a map of so many channels, if it is one. */
static bool map_view(const struct adze_tensor_info *output, int channels,
                     struct pose_map *map) {
  const int64_t *dims = output->dims;
  if (output->dtype != ADZE_F32 || output->rank != 4 ||
      (dims[0] != 1 && dims[0] != -1))
    return false;
  bool channels_first =
      dims[1] == channels && is_side(dims[2]) && is_side(dims[3]);
  bool channels_last =
      dims[3] == channels && is_side(dims[1]) && is_side(dims[2]);
  if (!channels_first && !channels_last)
    return false;
  map->channels = channels;
  map->height = open_is_zero(dims[channels_first ? 2 : 1]);
  map->width = open_is_zero(dims[channels_first ? 3 : 2]);
  ptrdiff_t pixel = channels_first ? 1 : channels;
  map->column_stride = pixel;
  map->row_stride = pixel * map->width;
  map->channel_stride =
      channels_first ? (ptrdiff_t)map->height * map->width : 1;
  return true;
}

static bool is_taken(const struct pose_map *maps, int count, size_t output) {
  for (int i = 0; i < count; i++)
    if (maps[i].output == output)
      return true;
  return false;
}

/* Finds the output for map `index`; one whose name has the map's word goes
 * before the others, the last before the first where the network refines. */
static bool find_map(const struct pose_network *network, int index,
                     const struct adze_tensor_info *outputs, size_t count,
                     struct pose_map *maps) {
  const char *word = network->maps[index].word;
  bool found = false, found_named = false;
  for (size_t i = 0; i < count; i++) {
    struct pose_map view = {.output = i};
    if (is_taken(maps, index, i) ||
        !map_view(&outputs[i], network->maps[index].channels, &view))
      continue;
    bool named = outputs[i].name && strstr(outputs[i].name, word);
    if (network->refines ? named || !found_named : named || !found)
      maps[index] = view;
    found = true;
    found_named = found_named || named;
    if (named && !network->refines)
      break;
  }
  return found;
}

/* Finds an output that is all maps, one after the other. */
static bool find_joined(const struct pose_network *network,
                        const struct adze_tensor_info *outputs, size_t count,
                        struct pose_map *maps) {
  int channels = 0;
  for (int i = 0; i < network->map_count; i++)
    channels += network->maps[i].channels;
  for (size_t output = 0; output < count; output++) {
    struct pose_map view = {.output = output};
    if (!map_view(&outputs[output], channels, &view))
      continue;
    for (int i = 0; i < network->map_count; i++) {
      view.channels = network->maps[i].channels;
      maps[i] = view;
      view.first_channel += view.channels;
    }
    return true;
  }
  return false;
}

/* Whether each map is an output; if not, *missing is the number of the first
 * one that they lack. */
static bool find_separate(const struct pose_network *network,
                          const struct adze_tensor_info *outputs, size_t count,
                          struct pose_map *maps, int *missing) {
  for (int i = 0; i < network->map_count; i++) {
    *missing = i;
    if (!find_map(network, i, outputs, count, maps) ||
        maps[i].height != maps[0].height || maps[i].width != maps[0].width)
      return false;
  }
  return true;
}

/* Separate ones go first: a map can be as wide as all have channels. */
static bool match(const struct pose_network *network,
                  const struct adze_tensor_info *outputs, size_t count,
                  struct pose_map *maps, int *missing) {
  return find_separate(network, outputs, count, maps, missing) ||
         find_joined(network, outputs, count, maps);
}

static const struct pose_network *find_named(const char *name) {
  for (size_t i = 0; i < ARRAY_COUNT(networks); i++)
    if (strcmp(networks[i]->name, name) == 0)
      return networks[i];
  return NULL;
}

static enum adze_status unknown_name(const char *name,
                                     struct adze_error *error) {
  char names[128] = "";
  for (size_t i = 0; i < ARRAY_COUNT(networks); i++) {
    size_t used = strlen(names);
    snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "",
             networks[i]->name);
  }
  return fail(error, ADZE_INVALID_ARGUMENT,
              "there is no pose network '%s'; known are %s", name, names);
}

enum adze_status
pose_network_find(const char *name, const struct adze_tensor_info *outputs,
                  size_t output_count, const struct pose_network **out,
                  struct pose_map *maps, struct adze_error *error) {
  int missing = 0;
  if (name) {
    const struct pose_network *network = find_named(name);
    if (!network)
      return unknown_name(name, error);
    *out = network;
    if (match(network, outputs, output_count, maps, &missing))
      return ADZE_OK;
    return fail(error, ADZE_UNSUPPORTED,
                "this is not a %s network: none of its %zu outputs is its "
                "%s, a float32 tensor [1, %d, height, width]",
                name, output_count, network->maps[missing].name,
                network->maps[missing].channels);
  }
  for (size_t i = 0; i < ARRAY_COUNT(networks); i++) {
    *out = networks[i];
    if (match(networks[i], outputs, output_count, maps, &missing))
      return ADZE_OK;
  }
  return fail(error, ADZE_UNSUPPORTED,
              "this is not a pose network that is known: its %zu outputs are "
              "not those of any",
              output_count);
}

int pose_network_round_size(const struct pose_network *network, int step,
                            int size) {
  int steps = size / step;
  return (steps < 1 ? 1 : steps) * step + network->size_rest;
}

enum adze_status pose_prepare_stretched(struct pose_frame *frame,
                                        const struct adze_image *image,
                                        const struct pose_region *region,
                                        struct adze_error *error) {
  (void)region;
  double scale_x = (double)image->width / frame->input.width;
  double scale_y = (double)image->height / frame->input.height;
  const double to_image[6] = {scale_x, 0,       0.5 * scale_x - 0.5,
                              0,       scale_y, 0.5 * scale_y - 0.5};
  frame->region = (struct pose_region){0};
  memcpy(frame->to_image, to_image, sizeof to_image);
  return adze_image_resize(image, &frame->input, error);
}

static enum adze_status show_region(struct pose_frame *frame,
                                    const struct adze_image *image,
                                    const struct pose_region *region,
                                    double padding, struct adze_error *error) {
  const struct adze_box *box = &region->box;
  if (!isfinite(box->x) || !isfinite(box->y) || !(box->width > 0) ||
      !(box->height > 0) || !isfinite(box->width) || !isfinite(box->height))
    return fail(error, ADZE_INVALID_ARGUMENT,
                "a person's box needs a width and a height above 0, found "
                "[%g, %g, %g, %g]",
                box->x, box->y, box->width, box->height);
  int input_width = frame->input.width, input_height = frame->input.height;
  double scale = fmax(box->width * padding / input_width,
                      box->height * padding / input_height);
  double length = hypot(region->down_x, region->down_y);
  double down_x = length > 0 ? region->down_x / length : 0;
  double down_y = length > 0 ? region->down_y / length : 1;
  double right_x = region->mirrored ? -down_y : down_y;
  double right_y = region->mirrored ? down_x : -down_x;
  double middle_x = box->x + box->width / 2.0;
  double middle_y = box->y + box->height / 2.0;
  double half_x = scale * input_width / 2, half_y = scale * input_height / 2;
  const double to_image[6] = {scale * right_x,
                              scale * down_x,
                              middle_x - right_x * half_x - down_x * half_y,
                              scale * right_y,
                              scale * down_y,
                              middle_y - right_y * half_x - down_y * half_y};
  frame->region = *region;
  memcpy(frame->to_image, to_image, sizeof to_image);
  return adze_image_warp(image, to_image, &frame->input, error);
}

enum adze_status pose_prepare_box(struct pose_frame *frame,
                                  const struct adze_image *image,
                                  const struct pose_region *region,
                                  struct adze_error *error) {
  return show_region(frame, image, region, frame->options->box_padding, error);
}

enum adze_status pose_prepare_part(struct pose_frame *frame,
                                   const struct adze_image *image,
                                   const struct pose_region *region,
                                   struct adze_error *error) {
  return show_region(frame, image, region, 1, error);
}

bool pose_region_person(const struct adze_person *person,
                        const struct adze_image *image, int part,
                        struct pose_region *out) {
  (void)part;
  const struct adze_box *box = &person->box;
  float left = fmaxf(box->x, 0), top = fmaxf(box->y, 0);
  float right = fminf(box->x + box->width, (float)image->width - 1);
  float bottom = fminf(box->y + box->height, (float)image->height - 1);
  *out = (struct pose_region){
      .box = {left, top, right - left, bottom - top, person->score}};
  return right > left && bottom > top;
}

size_t pose_one_person(const struct adze_pose_options *options) {
  (void)options;
  return 1;
}

size_t pose_no_scratch(const struct pose_map *maps) {
  (void)maps;
  return 0;
}

struct adze_box pose_box_around(const struct adze_person *person) {
  float left = 0, top = 0, right = 0, bottom = 0;
  bool any = false;
  for (int i = 0; i < ADZE_KEYPOINT_COUNT; i++) {
    const struct adze_keypoint *keypoint = &person->keypoints[i];
    if (keypoint->score <= 0)
      continue;
    left = any ? fminf(left, keypoint->x) : keypoint->x;
    right = any ? fmaxf(right, keypoint->x) : keypoint->x;
    top = any ? fminf(top, keypoint->y) : keypoint->y;
    bottom = any ? fmaxf(bottom, keypoint->y) : keypoint->y;
    any = true;
  }
  return (struct adze_box){left, top, right - left, bottom - top,
                           person->score};
}

void pose_person_finish(const struct pose_frame *frame,
                        struct adze_person *person) {
  const double *m = frame->to_image;
  for (int i = 0; i < ADZE_KEYPOINT_COUNT; i++) {
    struct adze_keypoint *keypoint = &person->keypoints[i];
    double x = keypoint->x, y = keypoint->y;
    keypoint->x = (float)(m[0] * x + m[1] * y + m[2]);
    keypoint->y = (float)(m[3] * x + m[4] * y + m[5]);
    if (!isfinite(keypoint->x) || !isfinite(keypoint->y) ||
        !isfinite(keypoint->score) || keypoint->score <= 0)
      *keypoint = (struct adze_keypoint){0, 0, 0};
  }
  if (!isfinite(person->score))
    person->score = 0;
  person->box =
      frame->region.box.width > 0 ? frame->region.box : pose_box_around(person);
}
