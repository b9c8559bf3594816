/* SPDX-License-Identifier: Apache-2.0 */
/* Body poses: a package with a pose network and a picture in, persons out.
 *
 *   struct adze_pose_options options;
 *   adze_pose_options_init(&options);
 *   adze_pose *pose;
 *   const struct adze_poses *poses;
 *   if (adze_pose_create("posenet.tar", &options, &pose, &error) ||
 *       adze_image_load("photo.jpg", &image, &error) ||
 *       adze_pose_run(pose, &image, NULL, 0, &poses, &error))
 *     return fputs(error.message, stderr), 1;
 *   for (size_t i = 0; i < poses->count; i++)
 *     printf("%f\n", poses->persons[i].score);
 *   adze_image_release(&image);
 *   adze_pose_destroy(pose);
 *
 * Coordinates are pixels of the picture: the centre of its first pixel is
 * (0, 0). They may lie outside it.
 *
 * Threads: an adze_pose belongs to one thread at a time; make one for each
 * thread on a shared adze_model. Everything else here may be called from any
 * thread on objects of its own. Status codes, `struct adze_error` and the
 * ownership words are those of adze/status.h.
 */
#ifndef ADZE_POSE_H
#define ADZE_POSE_H

#include "adze/image.h"
#include "adze/runtime.h"
#include "adze/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Results ------------------------------------------------------------- */

/* The keypoints of COCO, in its order. X(NAME, text, sigma): sigma is how far
 * people who annotate differ, relative to the person's size (COCO's OKS). */
#define ADZE_KEYPOINT_LIST(X)                                                  \
  X(NOSE, "nose", 0.026)                                                       \
  X(LEFT_EYE, "left_eye", 0.025)                                               \
  X(RIGHT_EYE, "right_eye", 0.025)                                             \
  X(LEFT_EAR, "left_ear", 0.035)                                               \
  X(RIGHT_EAR, "right_ear", 0.035)                                             \
  X(LEFT_SHOULDER, "left_shoulder", 0.079)                                     \
  X(RIGHT_SHOULDER, "right_shoulder", 0.079)                                   \
  X(LEFT_ELBOW, "left_elbow", 0.072)                                           \
  X(RIGHT_ELBOW, "right_elbow", 0.072)                                         \
  X(LEFT_WRIST, "left_wrist", 0.062)                                           \
  X(RIGHT_WRIST, "right_wrist", 0.062)                                         \
  X(LEFT_HIP, "left_hip", 0.107)                                               \
  X(RIGHT_HIP, "right_hip", 0.107)                                             \
  X(LEFT_KNEE, "left_knee", 0.087)                                             \
  X(RIGHT_KNEE, "right_knee", 0.087)                                           \
  X(LEFT_ANKLE, "left_ankle", 0.089)                                           \
  X(RIGHT_ANKLE, "right_ankle", 0.089)

enum adze_keypoint_kind {
#define X(name, text, sigma) ADZE_KEYPOINT_##name,
  ADZE_KEYPOINT_LIST(X)
#undef X
  ADZE_KEYPOINT_COUNT
};

/* "left_shoulder"; a static string. kind < ADZE_KEYPOINT_COUNT. */
ADZE_EXPORT const char *adze_keypoint_name(enum adze_keypoint_kind kind);

/* A score of 0 says that the keypoint was not found (x and y are then 0). */
struct adze_keypoint {
  float x, y, score;
};

/* A person's box: its upper left corner, its size, and how sure it is. */
struct adze_box {
  float x, y, width, height, score;
};

struct adze_person {
  struct adze_keypoint keypoints[ADZE_KEYPOINT_COUNT];
  float score;
  struct adze_box box; /* the box that was given, or around the keypoints */
};

/* Best first. */
struct adze_poses {
  const struct adze_person *persons;
  size_t count;
};

/* ---- Networks ------------------------------------------------------------ */

/* The kinds of networks that are known: their names and what they are;
 * index < adze_pose_network_count. Static strings. */
ADZE_EXPORT size_t adze_pose_network_count(void);
ADZE_EXPORT const char *adze_pose_network_name(size_t index);
ADZE_EXPORT const char *adze_pose_network_summary(size_t index);

/* Bounds one input, so that sizes that are asked for can't exhaust memory. */
#define ADZE_POSE_MAX_INPUT_SIDE 8192
/* Bounds the time that one keypoint takes. */
#define ADZE_POSE_MAX_PEAK_RADIUS 1000
#define ADZE_POSE_MAX_SIDE_WEIGHT 10
#define ADZE_POSE_MAX_VOTE_POWER 10

enum adze_pose_decode {
  ADZE_POSE_MULTI, /* every person in the picture */
  ADZE_POSE_SINGLE /* the best place of every keypoint, as one person */
};

struct adze_pose_options {
  /* A name as above; NULL: the package's property "pose.network", else told
   * from the outputs. */
  const char *network;
  enum adze_pose_decode decode; /* PoseNet */
  /* The network's input where the package leaves it open; 0: the package's
   * property "pose.input_size" ("257x257"), else the kind's usual size. Rounded
   * to what the network takes (PoseNet: 16k + 1, so 640 gives 641 and 600 gives
   * 593; top-down: 32k; OpenPose: 8k). */
  int input_width, input_height;
  /* PoseNet: the least score of a keypoint that a person starts from. 0: the
   * package's property "pose.score_threshold", else 0.5. */
  float score_threshold;
  /* PoseNet: input pixels within which keypoints of one kind are the same. */
  float nms_radius;
  /* PoseNet: input pixels around where displacements lead, within which the
   * best score of the keypoint is taken. 0: the package's property
   * "pose.peak_radius", else only the nearest cell. At most
   * ADZE_POSE_MAX_PEAK_RADIUS. */
  float peak_radius;
  /* PoseNet: how much a person's score says of whether left and right are
   * right: it is multiplied by this power of the share that the keypoints'
   * scores have of themselves and of those for the other side at the same
   * places. 0: the package's property "pose.side_weight", else 0, where it
   * counts nothing. At most ADZE_POSE_MAX_SIDE_WEIGHT. */
  float side_weight;
  /* PoseNet: a keypoint's exact place is the mean of what the offsets of its
   * cell and the eight around it say, weighted by this power of their scores
   * (after PersonLab's Hough voting: G. Papandreou et al., 2018). 0: the
   * package's property "pose.vote_power", else 0, where only the cell itself
   * counts. At most ADZE_POSE_MAX_VOTE_POWER. */
  float vote_power;
  int refine_steps; /* PoseNet: by offsets, for every keypoint */
  int max_persons;  /* of networks that find every person: the best ones */
  /* Persons that score less are left out; 0 keeps all, as COCO's evaluation
   * wants. Below 0: as adze_pose_person_threshold says. */
  float person_threshold;
  float box_padding;    /* top-down: the box is grown by this */
  int threads;          /* 0: every CPU; ignored with `pool` */
  bool flush_denormals; /* as in struct adze_instance_options */
  adze_pool *pool;      /* borrowed for the pose's life, or NULL */
};
/* Multi, 0, 20, 0, 0, 0, 2, 10, -1, 1.25, every CPU, denormals kept. */
ADZE_EXPORT void adze_pose_options_init(struct adze_pose_options *options);

/* ---- Running ------------------------------------------------------------- */

typedef struct adze_pose adze_pose;

/* A package can say what its network wants, by properties that were stored when
 * it was compiled: pose.network (its kind), pose.mean and pose.scale (three
 * numbers with commas: channel c becomes (x - mean[c]) * scale[c], x from 0 to
 * 255), pose.channels (rgb or bgr). With the property "preprocessing" all that
 * is compiled in, and pixels go in as they are. */

/* Loads a package. Returns new. `options` may be NULL. Fails as
 * adze_model_load, and with UNSUPPORTED when this isn't a pose network that is
 * known, SHAPE when its input has another size than asked for. */
ADZE_EXPORT enum adze_status
adze_pose_create(const char *package, const struct adze_pose_options *options,
                 adze_pose **out, struct adze_error *error) ADZE_MUST_USE;
/* The same; borrows the model for the pose's life. */
ADZE_EXPORT enum adze_status adze_pose_create_from_model(
    const adze_model *model, const struct adze_pose_options *options,
    adze_pose **out, struct adze_error *error) ADZE_MUST_USE;
/* NULL is fine. */
ADZE_EXPORT void adze_pose_destroy(adze_pose *pose);

/* The kind of network, the size of its input, whether it looks at one person's
 * box at a time. */
ADZE_EXPORT const char *adze_pose_network(const adze_pose *pose);
ADZE_EXPORT int adze_pose_input_width(const adze_pose *pose);
ADZE_EXPORT int adze_pose_input_height(const adze_pose *pose);
ADZE_EXPORT bool adze_pose_uses_boxes(const adze_pose *pose);
/* The score below which persons of this network are better not shown: the
 * package's property "pose.person_threshold", else 0.2. */
ADZE_EXPORT float adze_pose_person_threshold(const adze_pose *pose);
/* The score below which its keypoints are better not drawn, as an option of
 * adze_poses_draw: the property "pose.render_threshold", else 0.3. */
ADZE_EXPORT float adze_pose_render_threshold(const adze_pose *pose);

/* Has each person that `pose` finds, and that scores no less than its
 * person_threshold, looked at again by a network that uses boxes: the keypoints
 * that it knows are those that it finds, and the score is what it makes of the
 * first one (docs/POSE.md, "Looking again"). That network may have a
 * refinement as well. NULL ends it. Borrows `refinement` for the pose's life or
 * until then. INVALID_ARGUMENT for one that finds every person itself, or would
 * look at what it found. */
ADZE_EXPORT enum adze_status
adze_pose_set_refinement(adze_pose *pose, adze_pose *refinement,
                         struct adze_error *error) ADZE_MUST_USE;
/* The file, beside the model's, of the network that is made for this: the
 * package's property "pose.refinement"; NULL without. */
ADZE_EXPORT const char *adze_pose_refinement(const adze_pose *pose);

/* Finds the persons of a picture. A network that uses boxes looks at each of
 * boxes[box_count], or, when `boxes` is NULL, at the whole picture; others
 * ignore them. *out belongs to `pose`, until its next run or its end.
 * INVALID_ARGUMENT for an empty picture or a box without area. */
ADZE_EXPORT enum adze_status
adze_pose_run(adze_pose *pose, const struct adze_image *image,
              const struct adze_box *boxes, size_t box_count,
              const struct adze_poses **out,
              struct adze_error *error) ADZE_MUST_USE;

/* Nanoseconds that each stage of the last run took, over all boxes; `refine` is
 * all that the refinement did. */
struct adze_pose_times {
  int64_t prepare_ns, network_ns, decode_ns, refine_ns;
};
ADZE_EXPORT void adze_pose_last_times(const adze_pose *pose,
                                      struct adze_pose_times *out);

/* ---- Drawing ------------------------------------------------------------- */

struct adze_draw_options {
  float threshold;  /* keypoints that score less are not drawn */
  float alpha;      /* 1 hides what is below, 0 draws nothing */
  float line_width; /* in pixels; 0: by each person's size */
};
/* 0.3, 0.9, 0. */
ADZE_EXPORT void adze_draw_options_init(struct adze_draw_options *options);

/* Draws skeletons into the picture. `options` may be NULL. LIMIT above 32767
 * pixels a side; UNAVAILABLE when built without Cairo. */
ADZE_EXPORT enum adze_status adze_poses_draw(
    const struct adze_poses *poses, const struct adze_draw_options *options,
    struct adze_image *image, struct adze_error *error) ADZE_MUST_USE;

/* ---- Files --------------------------------------------------------------- */

/* Writes OpenPose's JSON for one picture: {"version":1.3,"people":[{…,
 * "pose_keypoints_2d":[x,y,score, …]}]}, with the 17 keypoints in the order of
 * ADZE_KEYPOINT_LIST and 0,0,0 for one that was not found. Beside its place
 * and renamed, as all files here. */
ADZE_EXPORT enum adze_status
adze_poses_write_openpose(const struct adze_poses *poses, const char *path,
                          struct adze_error *error) ADZE_MUST_USE;

/* COCO results of many pictures: an array of {"image_id", "category_id": 1,
 * "keypoints": [x,y,score * 17], "score"}. */
typedef struct adze_coco_results adze_coco_results;
/* Returns new; NULL when out of memory. */
ADZE_EXPORT adze_coco_results *adze_coco_results_create(void);
/* Copies the poses. */
ADZE_EXPORT enum adze_status
adze_coco_results_add(adze_coco_results *results, int64_t image_id,
                      const struct adze_poses *poses,
                      struct adze_error *error) ADZE_MUST_USE;
ADZE_EXPORT enum adze_status
adze_coco_results_write(const adze_coco_results *results, const char *path,
                        struct adze_error *error) ADZE_MUST_USE;
ADZE_EXPORT void adze_coco_results_destroy(adze_coco_results *results);
/* Reads such a file. Returns new. INVALID_DATA for a damaged one, UNAVAILABLE
 * when built without Jansson. */
ADZE_EXPORT enum adze_status
adze_coco_results_load(const char *path, adze_coco_results **out,
                       struct adze_error *error) ADZE_MUST_USE;

/* COCO's scores of results, as pycocotools computes them; -1 where there is
 * nobody to find. */
struct adze_coco_scores {
  double ap, ap50, ap75, ap_medium, ap_large;
  double ar, ar50, ar75, ar_medium, ar_large;
  /* Over the annotated persons: the OKS of the best of their picture's (at
   * most 20) results; and how many persons there are. */
  double mean_oks;
  size_t persons;
};
/* Compares with a COCO annotations file. All its pictures count; results of
 * others don't. */
ADZE_EXPORT enum adze_status
adze_coco_evaluate(const adze_coco_results *results, const char *annotations,
                   struct adze_coco_scores *out,
                   struct adze_error *error) ADZE_MUST_USE;

/* COCO's image_id of a picture: the last digits in its file's name, or
 * `otherwise` when there are none or too many. */
ADZE_EXPORT int64_t adze_coco_image_id(const char *path, int64_t otherwise);

/* Boxes of persons from COCO's JSON: annotations ({"images", "annotations"};
 * crowds and persons without keypoints are left out) or detections (an array
 * of {"image_id", "bbox", "score"}; those below `threshold` are left out). */
typedef struct adze_box_file adze_box_file;
/* Returns new. INVALID_DATA for a damaged file, UNAVAILABLE when built without
 * Jansson. */
ADZE_EXPORT enum adze_status
adze_box_file_load(const char *path, float threshold, adze_box_file **out,
                   struct adze_error *error) ADZE_MUST_USE;
/* The boxes of a picture: annotations name their files; otherwise by
 * adze_coco_image_id. Returns how many; *out belongs to `file`, and is not
 * NULL even when there are none. */
ADZE_EXPORT size_t adze_box_file_find(const adze_box_file *file,
                                      const char *image_path,
                                      const struct adze_box **out);
ADZE_EXPORT void adze_box_file_destroy(adze_box_file *file);

#ifdef __cplusplus
}
#endif
#endif
