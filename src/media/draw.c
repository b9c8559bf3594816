/* SPDX-License-Identifier: Apache-2.0 */
/* Skeletons, drawn with Cairo.
 *
 * Each person is drawn opaque onto a surface of its own, as large as it, which
 * is then laid over the picture with the alpha asked for: so limbs that cross
 * don't show through each other. What is alike is drawn at once, as Cairo's
 * time goes by the stroke: all rims, then limbs by their colours, then joints.
 * Every line and joint has a dark rim, which keeps it visible on any
 * background. The left side is green, the right side orange, the middle blue;
 * a limb between two sides fades from one to the other. Line width follows the
 * person's size. The best person is drawn last, on top.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "adze/pose.h"
#include "base/lazy.h"
#include "media/surface.h"

extern struct lazy_library lazy_cairo;

/* Beyond this, in pixels, a keypoint is not drawn: Cairo computes in 24.8
 * fixed point. */
#define FARTHEST 1e6

struct colour {
  double red, green, blue;
};

enum side { LEFT, RIGHT, MIDDLE };
static const struct colour colours[] = {[LEFT] = {0.10, 0.88, 0.52},
                                        [RIGHT] = {1.00, 0.56, 0.12},
                                        [MIDDLE] = {0.26, 0.62, 1.00}};
static const struct colour rim_colour = {0.06, 0.07, 0.10};

/* The neck isn't a keypoint of COCO: it is between the shoulders. */
#define NECK ADZE_KEYPOINT_COUNT
#define JOINT_COUNT (ADZE_KEYPOINT_COUNT + 1)

static const struct {
  int from, to;
} bones[] = {
    {NECK, ADZE_KEYPOINT_NOSE},
    {ADZE_KEYPOINT_NOSE, ADZE_KEYPOINT_LEFT_EYE},
    {ADZE_KEYPOINT_NOSE, ADZE_KEYPOINT_RIGHT_EYE},
    {ADZE_KEYPOINT_LEFT_EYE, ADZE_KEYPOINT_LEFT_EAR},
    {ADZE_KEYPOINT_RIGHT_EYE, ADZE_KEYPOINT_RIGHT_EAR},
    {ADZE_KEYPOINT_LEFT_SHOULDER, ADZE_KEYPOINT_RIGHT_SHOULDER},
    {ADZE_KEYPOINT_LEFT_HIP, ADZE_KEYPOINT_RIGHT_HIP},
    {ADZE_KEYPOINT_LEFT_SHOULDER, ADZE_KEYPOINT_LEFT_HIP},
    {ADZE_KEYPOINT_RIGHT_SHOULDER, ADZE_KEYPOINT_RIGHT_HIP},
    {ADZE_KEYPOINT_LEFT_HIP, ADZE_KEYPOINT_LEFT_KNEE},
    {ADZE_KEYPOINT_RIGHT_HIP, ADZE_KEYPOINT_RIGHT_KNEE},
    {ADZE_KEYPOINT_LEFT_KNEE, ADZE_KEYPOINT_LEFT_ANKLE},
    {ADZE_KEYPOINT_RIGHT_KNEE, ADZE_KEYPOINT_RIGHT_ANKLE},
    {ADZE_KEYPOINT_LEFT_SHOULDER, ADZE_KEYPOINT_LEFT_ELBOW},
    {ADZE_KEYPOINT_RIGHT_SHOULDER, ADZE_KEYPOINT_RIGHT_ELBOW},
    {ADZE_KEYPOINT_LEFT_ELBOW, ADZE_KEYPOINT_LEFT_WRIST},
    {ADZE_KEYPOINT_RIGHT_ELBOW, ADZE_KEYPOINT_RIGHT_WRIST},
};

struct joint {
  double x, y;
  bool visible;
};

/* A person as it is drawn. */
struct figure {
  struct joint joints[JOINT_COUNT];
  double left, top, right, bottom; /* of the visible joints */
  double width;                    /* of lines */
};

/* In COCO's order odd keypoints are on the left, even ones on the right. */
static enum side side_of(int joint) {
  if (joint == ADZE_KEYPOINT_NOSE || joint == NECK)
    return MIDDLE;
  return joint % 2 ? LEFT : RIGHT;
}

static bool is_face(int joint) { return joint <= ADZE_KEYPOINT_RIGHT_EAR; }

static void figure_place(struct figure *figure, int joint, double x, double y) {
  figure->joints[joint] = (struct joint){x, y, true};
  figure->left = fmin(figure->left, x);
  figure->right = fmax(figure->right, x);
  figure->top = fmin(figure->top, y);
  figure->bottom = fmax(figure->bottom, y);
}

/* False when nothing of the person is to be drawn. */
static bool figure_make(struct figure *figure, const struct adze_person *person,
                        const struct adze_draw_options *options) {
  *figure = (struct figure){.left = FARTHEST,
                            .top = FARTHEST,
                            .right = -FARTHEST,
                            .bottom = -FARTHEST};
  for (int i = 0; i < ADZE_KEYPOINT_COUNT; i++) {
    const struct adze_keypoint *keypoint = &person->keypoints[i];
    /* Also false for what isn't a number. */
    if (keypoint->score > 0 && keypoint->score >= options->threshold &&
        fabs(keypoint->x) < FARTHEST && fabs(keypoint->y) < FARTHEST)
      figure_place(figure, i, keypoint->x + 0.5, keypoint->y + 0.5);
  }
  const struct joint *left = &figure->joints[ADZE_KEYPOINT_LEFT_SHOULDER];
  const struct joint *right = &figure->joints[ADZE_KEYPOINT_RIGHT_SHOULDER];
  if (left->visible && right->visible)
    figure_place(figure, NECK, (left->x + right->x) / 2,
                 (left->y + right->y) / 2);
  if (figure->left > figure->right)
    return false;
  double size =
      hypot(figure->right - figure->left, figure->bottom - figure->top);
  figure->width = options->line_width > 0 ? options->line_width
                                          : fmin(fmax(size * 0.016, 2), 14);
  return true;
}

static void set_colour(cairo_t *cairo, struct colour colour) {
  cairo_set_source_rgb(cairo, colour.red, colour.green, colour.blue);
}

/* ---- Limbs --------------------------------------------------------------- */

static bool is_face_bone(size_t bone) {
  return is_face(bones[bone].from) && is_face(bones[bone].to);
}

/* False when one of its ends isn't visible. */
static bool bone_path(cairo_t *cairo, const struct figure *figure,
                      size_t bone) {
  const struct joint *from = &figure->joints[bones[bone].from];
  const struct joint *to = &figure->joints[bones[bone].to];
  if (!from->visible || !to->visible)
    return false;
  cairo_move_to(cairo, from->x, from->y);
  cairo_line_to(cairo, to->x, to->y);
  return true;
}

static void draw_rims(cairo_t *cairo, const struct figure *figure, bool face,
                      double width) {
  set_colour(cairo, rim_colour);
  cairo_set_line_width(cairo, width + fmax(0.7 * width, 2));
  for (size_t i = 0; i < ARRAY_COUNT(bones); i++)
    if (is_face_bone(i) == face)
      bone_path(cairo, figure, i);
  cairo_stroke(cairo);
}

/* Those that have one colour. */
static void draw_plain_bones(cairo_t *cairo, const struct figure *figure,
                             bool face, enum side side) {
  for (size_t i = 0; i < ARRAY_COUNT(bones); i++)
    if (is_face_bone(i) == face && side_of(bones[i].from) == side &&
        side_of(bones[i].to) == side)
      bone_path(cairo, figure, i);
  set_colour(cairo, colours[side]);
  cairo_stroke(cairo);
}

static void draw_fading_bone(cairo_t *cairo, const struct figure *figure,
                             size_t bone) {
  const struct joint *start = &figure->joints[bones[bone].from];
  const struct joint *end = &figure->joints[bones[bone].to];
  struct colour first = colours[side_of(bones[bone].from)];
  struct colour last = colours[side_of(bones[bone].to)];
  cairo_pattern_t *fade =
      cairo_pattern_create_linear(start->x, start->y, end->x, end->y);
  cairo_pattern_add_color_stop_rgb(fade, 0.25, first.red, first.green,
                                   first.blue);
  cairo_pattern_add_color_stop_rgb(fade, 0.75, last.red, last.green, last.blue);
  cairo_set_source(cairo, fade);
  cairo_stroke(cairo);
  cairo_pattern_destroy(fade);
}

static void draw_bones(cairo_t *cairo, const struct figure *figure) {
  double widths[] = {figure->width, 0.7 * figure->width}; /* body, face */
  for (int face = 0; face < 2; face++)
    draw_rims(cairo, figure, face, widths[face]);
  for (int face = 0; face < 2; face++) {
    cairo_set_line_width(cairo, widths[face]);
    for (int side = LEFT; side <= MIDDLE; side++)
      draw_plain_bones(cairo, figure, face, (enum side)side);
    for (size_t i = 0; i < ARRAY_COUNT(bones); i++)
      if (is_face_bone(i) == face &&
          side_of(bones[i].from) != side_of(bones[i].to) &&
          bone_path(cairo, figure, i))
        draw_fading_bone(cairo, figure, i);
  }
}

/* ---- Joints -------------------------------------------------------------- */

/* How large a layer of a joint's disc is. */
enum layer { DISC_RIM, DISC_WHITE, DISC_COLOUR };

static double disc_radius(const struct figure *figure, int joint,
                          enum layer layer) {
  double radius = fmax(figure->width * (is_face(joint) ? 0.75 : 1.05), 1.6);
  if (layer == DISC_RIM)
    return radius + fmax(0.3 * radius, 0.8);
  return layer == DISC_WHITE ? radius : radius * 0.62;
}

/* The discs of one side. */
static void disc_paths(cairo_t *cairo, const struct figure *figure,
                       enum layer layer, enum side side) {
  for (int i = 0; i < ADZE_KEYPOINT_COUNT; i++) {
    const struct joint *joint = &figure->joints[i];
    if (!joint->visible || side_of(i) != side)
      continue;
    cairo_new_sub_path(cairo);
    cairo_arc(cairo, joint->x, joint->y, disc_radius(figure, i, layer), 0,
              2 * 3.14159265358979);
  }
}

static void draw_joints(cairo_t *cairo, const struct figure *figure) {
  static const struct colour white = {1, 1, 1};
  for (int layer = DISC_RIM; layer <= DISC_WHITE; layer++) {
    for (int side = LEFT; side <= MIDDLE; side++)
      disc_paths(cairo, figure, (enum layer)layer, (enum side)side);
    set_colour(cairo, layer == DISC_RIM ? rim_colour : white);
    cairo_fill(cairo);
  }
  for (int side = LEFT; side <= MIDDLE; side++) {
    disc_paths(cairo, figure, DISC_COLOUR, (enum side)side);
    set_colour(cairo, colours[side]);
    cairo_fill(cairo);
  }
}

/* ---- Persons ------------------------------------------------------------- */

/* The pixels that a figure can touch. */
struct area {
  int left, top, width, height;
};

/* False when none of them is in the picture. */
static bool area_of(const struct figure *figure, const struct adze_image *image,
                    struct area *out) {
  double margin = 3 * figure->width + 4;
  int left = (int)fmax(floor(figure->left - margin), 0);
  int top = (int)fmax(floor(figure->top - margin), 0);
  int right = (int)fmin(ceil(figure->right + margin), image->width);
  int bottom = (int)fmin(ceil(figure->bottom + margin), image->height);
  *out = (struct area){left, top, right - left, bottom - top};
  return right > left && bottom > top;
}

/* Of Cairo's pixels for it. */
static size_t area_bytes(const struct area *area) {
  return (size_t)area->width * (size_t)area->height * 4;
}

static enum adze_status draw_figure(const struct figure *figure,
                                    const struct area *area, uint8_t *pixels,
                                    double alpha, struct adze_image *image,
                                    struct adze_error *error) {
  memset(pixels, 0, area_bytes(area));
  cairo_surface_t *surface = cairo_image_surface_create_for_data(
      pixels, CAIRO_FORMAT_ARGB32, area->width, area->height, 4 * area->width);
  cairo_t *cairo = cairo_create(surface);
  cairo_translate(cairo, -area->left, -area->top);
  cairo_set_line_cap(cairo, CAIRO_LINE_CAP_ROUND);
  cairo_set_antialias(cairo, CAIRO_ANTIALIAS_FAST);
  cairo_set_tolerance(cairo, 0.25);
  draw_bones(cairo, figure);
  draw_joints(cairo, figure);
  cairo_status_t result = cairo_status(cairo);
  cairo_destroy(cairo);
  if (result == CAIRO_STATUS_SUCCESS)
    surface_blend(surface, alpha, image, area->left, area->top);
  cairo_surface_destroy(surface);
  if (result != CAIRO_STATUS_SUCCESS)
    return fail(error, ADZE_OUT_OF_MEMORY, "Cairo can't draw: %s",
                cairo_status_to_string(result));
  return ADZE_OK;
}

/* What is to be drawn of a person, and where; false when nothing is. */
static bool prepare_figure(const struct adze_person *person,
                           const struct adze_draw_options *options,
                           const struct adze_image *image,
                           struct figure *figure, struct area *area) {
  return figure_make(figure, person, options) && area_of(figure, image, area);
}

static enum adze_status draw_all(const struct adze_poses *poses,
                                 const struct adze_draw_options *options,
                                 uint8_t *pixels, struct adze_image *image,
                                 struct adze_error *error) {
  struct figure figure;
  struct area area;
  for (size_t i = poses->count; i-- > 0;)
    if (prepare_figure(&poses->persons[i], options, image, &figure, &area))
      TRY(draw_figure(&figure, &area, pixels, options->alpha, image, error));
  return ADZE_OK;
}

enum adze_status adze_poses_draw(const struct adze_poses *poses,
                                 const struct adze_draw_options *options,
                                 struct adze_image *image,
                                 struct adze_error *error) {
  struct adze_draw_options defaults;
  adze_draw_options_init(&defaults);
  if (!options)
    options = &defaults;
  TRY(surface_check(image, error));
  struct figure figure;
  struct area area;
  size_t most = 0; /* all persons take turns in the memory of the largest */
  for (size_t i = 0; i < poses->count; i++)
    if (prepare_figure(&poses->persons[i], options, image, &figure, &area) &&
        area_bytes(&area) > most)
      most = area_bytes(&area);
  if (most == 0)
    return ADZE_OK;
  TRY(lazy_library_open(&lazy_cairo, error));
  uint8_t *pixels = malloc(most);
  if (!pixels)
    return fail(error, ADZE_OUT_OF_MEMORY, "no memory to draw persons");
  enum adze_status status = draw_all(poses, options, pixels, image, error);
  free(pixels);
  return status;
}
