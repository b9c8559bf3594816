/* SPDX-License-Identifier: Apache-2.0 */
/* Kinds of pose networks: what goes in and what comes out, apart from running.
 *
 * A kind is a row: how it is told from a model's outputs, what a picture
 * becomes before it, and how its outputs become persons. Running is the
 * caller's:
 *
 *   const struct pose_network *network;
 *   struct pose_frame frame = {.options = …, .input = …};
 *   pose_network_find(NULL, outputs, count, &network, frame.maps, error);
 *   network->prepare(&frame, image, &region, error);   fills
 *                                                   frame.input.data
 *   …run…                                          fills frame.maps[].data
 *   network->decode(&frame);                       appends to frame.persons
 *
 * To add a kind: a line in networks.def and its file.
 */
#ifndef POSE_NETWORK_H
#define POSE_NETWORK_H

#include "adze/pose.h"
#include "base/base.h"

#define POSE_MAX_MAPS 4

/* Where an output's channels, rows and columns are (strides in elements). */
struct pose_map {
  size_t output;     /* its number among the model's outputs */
  int first_channel; /* of the output's: a map may be a part of it */
  int channels, height, width;
  ptrdiff_t channel_stride, row_stride, column_stride;
  const float *data; /* of the map's first channel */
};

static inline const float *pose_map_at(const struct pose_map *map, int channel,
                                       int y, int x) {
  return map->data + channel * map->channel_stride + y * map->row_stride +
         x * map->column_stride;
}

/* What a network that uses boxes looks at. */
struct pose_region {
  struct adze_box box;
  /* Where the lower side of the input is, from the middle of the box: a
   * direction in the picture; both 0: down. */
  float down_x, down_y;
  bool mirrored; /* left and right are changed */
  int part;      /* which one of those it looks at */
};

/* One run of a network. */
struct pose_frame {
  const struct adze_pose_options *options;
  struct adze_image_target input;
  /* Set by prepare: from places in the input to places in the picture, as
   * adze_image_warp has it, and what is looked at. */
  double to_image[6];
  struct pose_region region;
  struct pose_map maps[POSE_MAX_MAPS];
  void *scratch; /* scratch_bytes(maps) bytes, aligned as malloc's */
  struct adze_person *persons; /* [person_capacity] */
  size_t person_count, person_capacity;
};

struct pose_network {
  const char *name;
  const char *summary;
  bool uses_boxes;
  /* Whether a keypoint's score says anything but that it is one it knows. */
  bool has_scores;
  /* The input where the model leaves its size open: the usual one, and what
   * sizes it takes: size_step * k + size_rest, k >= 1. */
  int default_width, default_height;
  int size_step, size_rest;
  float mean[3], scale[3]; /* of the input's channels, 0..255 */
  bool bgr;                /* the order of these */
  /* The maps decode wants: how many, what to call them in messages, how many
   * channels each has. Outputs of equal channel counts are told apart by
   * `words` in their names, else taken in order; where the network `refines`
   * its maps in stages, the last ones are taken. All maps may also be one
   * output, one after the other. */
  int map_count;
  bool refines;
  struct {
    const char *name;
    int channels;
    const char *word;
  } maps[POSE_MAX_MAPS];
  /* Persons that one decode can give. */
  size_t (*most_persons)(const struct adze_pose_options *options);
  size_t (*scratch_bytes)(const struct pose_map *maps);
  enum adze_status (*prepare)(struct pose_frame *frame,
                              const struct adze_image *image,
                              const struct pose_region *region,
                              struct adze_error *error);
  void (*decode)(struct pose_frame *frame);
  /* With uses_boxes: how many parts of a person it looks at, one after the
   * other, and what it wants to see of each; false when too little of that is
   * known or in the picture. */
  int part_count;
  bool (*region)(const struct adze_person *person,
                 const struct adze_image *image, int part,
                 struct pose_region *out);
};

#define NETWORK(name) extern const struct pose_network pose_network_##name;
#include "pose/networks.def"
#undef NETWORK

/* Finds the kind by its name, or, when that is NULL, the first in the table
 * whose maps are all among the outputs; sets `maps` (sizes 0 where open).
 * INVALID_ARGUMENT for an unknown name; UNSUPPORTED when the outputs don't
 * fit. */
enum adze_status pose_network_find(const char *name,
                                   const struct adze_tensor_info *outputs,
                                   size_t output_count,
                                   const struct pose_network **out,
                                   struct pose_map *maps,
                                   struct adze_error *error) ADZE_MUST_USE;

/* The size that the network takes for `size`: as many whole steps (its own, or
 * a multiple) as are in it, at least one, and the rest, so PoseNet takes both
 * 640 and 641 as 641. */
int pose_network_round_size(const struct pose_network *network, int step,
                            int size);

/* A `prepare` that stretches the whole picture over the input. */
enum adze_status pose_prepare_stretched(struct pose_frame *frame,
                                        const struct adze_image *image,
                                        const struct pose_region *region,
                                        struct adze_error *error);

/* `prepare`s that show the region: its box, of a person grown by box_padding
 * (1.25), extended to the shape of the input around its centre, and warped over
 * it; around the picture all is black before normalising. INVALID_ARGUMENT for
 * one without area. */
enum adze_status pose_prepare_box(struct pose_frame *frame,
                                  const struct adze_image *image,
                                  const struct pose_region *region,
                                  struct adze_error *error);
enum adze_status pose_prepare_part(struct pose_frame *frame,
                                   const struct adze_image *image,
                                   const struct pose_region *region,
                                   struct adze_error *error);

/* A `region`: what of the person's box is in the picture. */
bool pose_region_person(const struct adze_person *person,
                        const struct adze_image *image, int part,
                        struct pose_region *out);

/* A `most_persons` and a `scratch_bytes` of networks that look at one person
 * and need no memory for it. */
size_t pose_one_person(const struct adze_pose_options *options);
size_t pose_no_scratch(const struct pose_map *maps);

/* Around the keypoints that were found. */
struct adze_box pose_box_around(const struct adze_person *person);

/* Ends a decode: keeps coordinates finite and marks what isn't found, moves
 * them to the picture, adds the box around them where the frame has none. */
void pose_person_finish(const struct pose_frame *frame,
                        struct adze_person *person);

#endif
